import { afterEach, describe, expect, test } from 'vitest';
import { type DedupeFinding, dedupe } from '#jobs/dedupe.ts';
import { openDedupe } from '#jobs/dedupe-context.ts';
import { dedupeMail, undoDedupeMail } from '#jobs/dedupe-mail.ts';
import { readUndo, type UndoLine, undoGroup } from '#jobs/dedupe-undo.ts';
import { must } from '#kit/assert.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { ItemId } from '#model/ids.ts';
import { defaultMailPolicy, defaultTypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { ContentKind } from '#store/store.ts';
import { kinds, roles, signal, TwoMailboxes } from './two-mailboxes.fixture.ts';

/** Another tool has copied into the second mailbox what was there already. */
class Spoilt extends TwoMailboxes {
  /** Puts every item in again, one to four times: of events every second under new identities, every third without its exceptions. */
  spoil(kind: ContentKind): void {
    for (const [n, item] of this.items(kind).entries())
      for (let copy = 0; copy <= n % 4; copy++) {
        const content = kind === 'calendar' ? spoiltEvent(item.content, n, copy) : item.content;
        this.right.create(item.folder, { content, messageFlags: 1, isRead: item.isRead }, this.right.server);
      }
  }

  async dedupe(kind: ContentKind, lines: UndoLine[] | null, stopAfter = Infinity): Promise<readonly DedupeFinding[]> {
    const found: DedupeFinding[] = [];
    const undo =
      lines === null
        ? null
        : async (line: UndoLine) => {
            if (lines.length >= stopAfter) throw new Error('killed');
            lines.push(line);
          };
    const options = { undo, firstGroup: 1 };
    const run =
      kind === 'mail'
        ? dedupeMail({ ...this.basics(), policy: defaultMailPolicy, lanes: 2 }, this.pair, null, signal, options)
        : dedupe({ ...this.basics(), policy: defaultTypedPolicy }, this.pair, kind, null, signal, options);
    try {
      for await (const finding of run) found.push(finding);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'killed') throw error;
    }
    return found;
  }

  /** @returns how many came back. */
  async undo(kind: ContentKind, lines: readonly UndoLine[]): Promise<number> {
    const text = [{ causewayUndo: 1, madeAtMs: 0 }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
    const { typed, mail } = readUndo(text);
    let created = 0;
    const services = { ...this.basics(), policy: defaultMailPolicy, lanes: 2 };
    for await (const back of undoDedupeMail(services, this.pair, null, signal, mail)) created += back.created;
    if (typed.length === 0) return created;
    const typedKind = kind as TypedKind;
    const context = await openDedupe(
      { ...this.basics(), policy: defaultTypedPolicy },
      this.pair,
      typedKind,
      null,
      signal,
      true,
    );
    const newIds = new Map<ItemId, ItemId>();
    for (const entry of typed) created += (await undoGroup(must(context, 'a context'), entry, newIds)).created;
    return created;
  }
}

function spoiltEvent(content: ItemContent, n: number, copy: number): ItemContent {
  const properties = new Map(content.properties);
  if (n % 2 === 0)
    for (const at of [calendarKey.globalObjectId, calendarKey.cleanGlobalObjectId]) {
      const property = properties.get(at);
      if (typeof property?.value !== 'string') continue;
      const bytes = Buffer.from(property.value, 'base64');
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ (copy + 1);
      properties.set(at, { ...property, value: bytes.toString('base64') });
    }
  const isBare = n % 3 === 0 && content.calendar !== undefined;
  return {
    ...content,
    properties,
    ...(isBare && content.calendar ? { calendar: { ...content.calendar, exceptions: [], deletedDays: [] } } : {}),
  };
}

let world: Spoilt | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** What a person finds in the folder, each thing once. */
const subjects = (items: readonly Item[]): readonly string[] =>
  [...new Set(items.map(({ content }) => String(content.properties.get('0x0037')?.value ?? '')))].sort();
const exceptionsOf = (items: readonly Item[]): number =>
  items.reduce((sum, { content }) => sum + (content.calendar?.exceptions.length ?? 0), 0);

describe.each(['2007', '2010', '2016'] as const)('a mailbox that another tool has spoilt, over EWS, %s', (version) => {
  test.each(kinds)('%s: one of each stays, nothing else is lost, and all of it comes back', async (kind) => {
    world = new Spoilt(version, 24);
    await world.open();
    // What people have twice by themselves is no part of it.
    await world.dedupe(kind, []);
    const before = world.items(kind);
    const [whole, wanted] = [subjects(before), exceptionsOf(before)];
    world.spoil(kind);
    const spoilt = world.items(kind).length;
    expect(spoilt).toBeGreaterThan(before.length);

    const found = await world.dedupe(kind, null);
    expect(found.length).toBeGreaterThan(0);
    expect(world.items(kind)).toHaveLength(spoilt);
    // Killed in the middle of it, and done again.
    const [first, second]: [UndoLine[], UndoLine[]] = [[], []];
    await world.dedupe(kind, first, 5);
    await world.dedupe(kind, second);
    expect(await world.dedupe(kind, null)).toEqual([]);

    const after = world.items(kind);
    expect(subjects(after)).toEqual(whole);
    expect(after.length).toBeLessThan(spoilt);
    expect(exceptionsOf(after)).toBeGreaterThanOrEqual(wanted);
    if (kind !== 'calendar') expect(after).toHaveLength(before.length);

    const back = (await world.undo(kind, second)) + (await world.undo(kind, first));
    expect(back).toBe(spoilt - after.length);
    expect(world.items(kind)).toHaveLength(spoilt);
    expect([...world.left.folder(roles[kind]).items()]).toEqual([]);
  });
});
