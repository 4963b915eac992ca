/**
 * Contacts, tasks and notes as messages of Exchange, read and written twice: by the codecs of the program and by the lab, which read the
 * specifications each for itself. `CAUSEWAY_FIDELITY_RUNS=5000` for more than a few dozen.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTypedStream, writeTypedStream } from '#formats/fast-transfer/typed-stream.ts';
import { must } from '#kit/assert.ts';
import { payloadBytes } from '#kit/payload.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import { itemOfMessage } from '#lab/mapi/item-of-message.ts';
import { readMessageStream, unframe, writeMessageStream } from '#lab/mapi/item-stream.ts';
import { messageOfItem } from '#lab/mapi/message-of-item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { TypedDraft, TypedKind } from '#model/typed-item.ts';
import { anyPlainItem } from '../suites/any-plain-item.ts';

const numRuns = Number(process.env['CAUSEWAY_FIDELITY_RUNS'] ?? 40);
const seed = Number(process.env['CAUSEWAY_FIDELITY_SEED'] ?? 20_260_102);
const build = [15, 20, 2507, 0] as const;
const at = { id: 'id' as ItemId, version: 'v1' as Version, folder: 'f' as FolderId };
const now = 1_750_000_000_000;

let lab: Lab;
let box: Mailbox;
beforeAll(() => {
  lab = createLab({
    organizations: [{ name: 'lab', version: '2016' }],
    mailboxes: 1,
    typed: { contact: 60, task: 60, note: 60 },
    seed: 'items',
    clock: new SteppingClock(now),
    throttling: 'off',
  });
  box = must(lab.world.mailbox(must(lab.organization('lab').world.mailboxes[0], 'a mailbox').address), 'a mailbox');
});
afterAll(() => lab.close());

/** What the lab exports of what it imported. */
async function throughLab(kind: TypedKind, draft: TypedDraft): Promise<Buffer> {
  const bytes = await payloadBytes(writeTypedStream(kind, draft, { now }));
  const { content } = itemOfMessage(readMessageStream(unframe(bytes, build)), { idFor: ['', 0, 0], strict: true });
  const item = box.create(box.folder(kind), { content, messageFlags: 1 }, box.server);
  return writeMessageStream(messageOfItem(item), build);
}

/** The lab keeps lists as XML has them, with one form of line ends, and guesses the type of a file that has none. */
const asKept = (fields: object): unknown =>
  JSON.parse(JSON.stringify(fields).replaceAll('\\r\\n', '\\n'), (name, value: unknown) =>
    name === 'contentType' ? (value ?? 'application/octet-stream') : value,
  );

const kinds = [
  ['contacts', anyPlainItem('contacts')],
  ['tasks', anyPlainItem('tasks')],
  ['notes', anyPlainItem('notes')],
] as const satisfies readonly (readonly [TypedKind, fc.Arbitrary<TypedDraft>])[];

describe.each(kinds)('any of %s', (kind, any: fc.Arbitrary<TypedDraft>) => {
  test('that the lab has of its own is understood without a problem', async () => {
    let count = 0;
    for (const item of box.folder(kind).items()) {
      const { problems, item: read } = await readTypedStream(kind, writeMessageStream(messageOfItem(item), build), at);
      expect(problems).toEqual([]);
      const name = read.kind === 'contacts' ? 'displayName' : 'subject';
      expect(read.fields[name as keyof typeof read.fields]).toBe(
        item.text(kind === 'contacts' ? '0x3001' : '0x0037') ?? '',
      );
      count++;
    }
    expect(count).toBeGreaterThanOrEqual(5);
  });

  test('is imported and exported with every field', async () => {
    await fc.assert(
      fc.asyncProperty(any, async (draft) => {
        const { item, problems } = await readTypedStream(kind, await throughLab(kind, draft), at);
        expect(problems).toEqual([]);
        expect(asKept(item.fields)).toEqual(asKept(draft.item.fields));
        expect(item.head).toMatchObject({ stamp: draft.stamp, itemClass: draft.item.head.itemClass });
      }),
      { numRuns, seed },
    );
  });
});
