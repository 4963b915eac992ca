import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { payloadBytes } from '#kit/payload.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { TypedDraft, TypedKind } from '#model/typed-item.ts';
import { anyEvent } from '#test/suites/any-event.ts';
import { anyPlainItem } from '#test/suites/any-plain-item.ts';
import { propertyKey } from './property-values.ts';
import { mapiPropertiesOf, readTyped, writeTyped } from './typed-message.ts';

const now = Date.parse('2024-03-30T12:00Z');
const from = {
  id: 'id' as ItemId,
  version: 'v1' as Version,
  folder: 'f' as FolderId,
  itemBytes: async () => Buffer.from('an item'),
};
const bytesOf = async (contents: readonly AttachmentContent[]) =>
  Promise.all(contents.map(async ({ head, bytes }) => ({ head, bytes: (await payloadBytes(bytes)).toString('hex') })));

const kinds: readonly (readonly [TypedKind, fc.Arbitrary<TypedDraft>])[] = [
  ['calendar', anyEvent],
  ['contacts', anyPlainItem('contacts')],
  ['tasks', anyPlainItem('tasks')],
  ['notes', anyPlainItem('notes')],
];

describe.each(kinds)('any of %s', (kind, any) => {
  test('comes back with every field, attachment and extra', async () => {
    await fc.assert(
      fc.asyncProperty(any, async (draft) => {
        const read = await readTyped(kind, writeTyped(kind, draft, now), from);
        expect(read.problems).toEqual([]);
        expect(read.item.fields).toEqual(draft.item.fields);
        expect(read.item.occurrences).toEqual(draft.item.occurrences);
        expect(read.item.deletedDays).toEqual(draft.item.deletedDays);
        expect(new Set(read.item.extras)).toEqual(new Set(draft.item.extras));
        expect(read.item.head).toEqual({ ...draft.item.head, stamp: draft.stamp });
        expect(await bytesOf(read.attachments)).toEqual(await bytesOf(draft.attachments));
      }),
      { numRuns: 150 },
    );
  });

  test('is read the same by what a PROPFIND would ask for', async () => {
    const asked = new Set(mapiPropertiesOf(kind).map(propertyKey));
    await fc.assert(
      fc.asyncProperty(any, async (draft) => {
        const message = writeTyped(kind, draft, now);
        const properties = message.properties.filter(({ property }) => asked.has(propertyKey(property)));
        const read = await readTyped(kind, { ...message, properties }, from);
        expect(read.item.fields).toEqual(draft.item.fields);
      }),
      { numRuns: 60 },
    );
  });
});
