import { beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { aroundConnector, aroundMailbox } from '#connectors/wrappers/around.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EventFields, EventIdentity } from '#model/appointment.ts';
import type { ItemId, PairId } from '#model/ids.ts';
import { defaultTypedPolicy, type TypedPolicy } from '#model/policy.ts';
import type { Day } from '#model/wall-time.ts';
import { openStore } from '#store/open-store.ts';
import { type Store, trackId } from '#store/store.ts';
import { type DedupeFinding, dedupe } from './dedupe.ts';
import { openDedupe } from './dedupe-context.ts';
import { type PutBack, readUndo, type UndoLine, undoGroup } from './dedupe-undo.ts';
import { runTypedPass } from './typed/typed-pass.ts';

const pair = 'ana@old.example → ana@new.example' as PairId;
const signal = new AbortController().signal;
const clock = new SteppingClock(1_700_000_000_000);
const identity = '040000008200E00074C5B7101A82E00800000000' as EventIdentity;

let old: MemoryOrganization;
let young: MemoryOrganization;
let left: MemoryMailbox;
let right: MemoryMailbox;
let store: Store;
let policy: TypedPolicy;

beforeEach(async () => {
  [old, young] = [new MemoryOrganization('old'), new MemoryOrganization('new')];
  [left, right] = [old.add('ana@old.example'), young.add('ana@new.example')];
  policy = defaultTypedPolicy;
  store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
  const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
  await store.putPairs([
    {
      id: trackId(pair, 'calendar'),
      kind: 'calendar',
      collection: 'all',
      left: side('old', left.address),
      right: side('new', right.address),
    },
  ]);
  return () => store.close();
});

const services = () => ({
  store,
  left: memoryConnector(old),
  right: memoryConnector(young),
  policy,
  clock,
  random: seededRandom(clock.nowMs()),
  requestDeadlineMs: 1_000,
});

async function passes(): Promise<void> {
  for (let n = 0; n < 6; n++) {
    await clock.sleep(1_000, signal);
    if (!(await runTypedPass(services(), pair, 'calendar', null, signal)).again) return;
  }
  throw new Error('it does not come to its end');
}

/** @param lines Receives what would be the undo file; null: nothing is written. */
async function run(lines: UndoLine[] | null): Promise<readonly DedupeFinding[]> {
  await clock.sleep(1_000, signal);
  const findings: DedupeFinding[] = [];
  const undo = lines === null ? null : async (line: UndoLine) => void lines.push(line);
  for await (const finding of dedupe(services(), pair, 'calendar', null, signal, { undo, firstGroup: 1 }))
    findings.push(finding);
  return findings;
}

async function putBack(
  lines: readonly UndoLine[],
  connectors: { readonly left?: Connector } = {},
): Promise<readonly PutBack[]> {
  const text = [{ causewayUndo: 1, madeAtMs: 0 }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  const context = await openDedupe({ ...services(), ...connectors }, pair, 'calendar', null, signal, true);
  if (context === null) throw new Error('no calendars');
  const newIds = new Map<ItemId, ItemId>();
  const done: PutBack[] = [];
  for (const entry of readUndo(text).typed) done.push(await undoGroup(context, entry, newIds));
  return done;
}

const book = (box: MemoryMailbox, fields: Partial<EventFields>, identity: EventIdentity | null = null): ItemId =>
  box.typed.add('calendar', box.byRole('calendar'), fields, { identity }).id;
const all = (box: MemoryMailbox) =>
  [...box.typed.items.values()].map(({ id, identity, fields }) => ({ id, identity, ...(fields as EventFields) }));
const subjects = (box: MemoryMailbox) => all(box).map(({ subject }) => subject);
const brief = (findings: readonly DedupeFinding[]) =>
  findings.map(({ side, because, outcome, keep, remove }) => ({ side, because, outcome, keep, remove }));

describe('what is a duplicate', () => {
  test('the same identity; and everything equal that a person sees', async () => {
    const [rich, poor] = [
      book(left, { subject: 'a', location: 'Room 1' }, identity),
      book(left, { subject: 'a' }, identity),
    ];
    const [first, second] = [book(right, { subject: 'b' }), book(right, { subject: 'b' })];
    expect(brief(await run(null))).toEqual([
      { side: 'left', because: 'same identity', outcome: 'found', keep: rich, remove: [poor] },
      { side: 'right', because: 'equal content', outcome: 'found', keep: first, remove: [second] },
    ]);
    expect([left.typed.items.size, right.typed.items.size]).toEqual([2, 2]);
  });

  const day = 86_400_000;
  const weekly: Partial<EventFields> = {
    subject: 'weekly',
    recurrence: {
      pattern: { kind: 'daily', interval: 1 },
      range: { end: 'count', startDay: '2023-11-14' as Day, count: 9 },
    },
  };
  test.each<readonly [string, (a: ItemId, b: ItemId) => void]>([
    ['another place', (_, b) => left.typed.edit<'calendar'>(b, { set: { location: 'x' }, occurrences: [] })],
    [
      'another time',
      (_, b) => {
        const when = left.typed.find('calendar', b)?.fields.when as EventFields['when'];
        left.typed.edit<'calendar'>(b, { set: { when: { ...when, end: when.end + day } }, occurrences: [] });
      },
    ],
    [
      'another body',
      (_, b) => left.typed.edit<'calendar'>(b, { set: { body: { type: 'text', text: 'x' } }, occurrences: [] }),
    ],
    ['another answer', (_, b) => left.typed.edit<'calendar'>(b, { set: { myResponse: 'decline' }, occurrences: [] })],
    [
      'another calendar',
      (_, b) => left.typed.move(b, left.addFolder(left.byRole('calendar'), 'Other', 'IPF.Appointment')),
    ],
  ])('not with %s', async (_what, make) => {
    const [a, b] = [book(left, { subject: 'same' }), book(left, { subject: 'same' })];
    expect(await run(null)).toHaveLength(1);
    make(a, b);
    expect(await run(null)).toEqual([]);
  });

  test('not with another occurrence', async () => {
    const [, b] = [book(left, weekly), book(left, weekly)];
    expect(await run(null)).toHaveLength(1);
    left.typed.deleteOccurrence(b, '2023-11-16' as Day);
    expect(await run(null)).toEqual([]);
  });
});

describe('with --apply', () => {
  test('the one that stays takes over what only the other has; nothing else is lost, and both come back', async () => {
    book(left, { subject: 'a', location: 'Room 1', categories: ['Red'] }, identity);
    book(left, { subject: 'a', categories: ['Blue'] }, identity);
    const lines: UndoLine[] = [];
    expect((await run(lines)).map(({ outcome, takesOver }) => ({ outcome, takesOver }))).toEqual([
      { outcome: 'done', takesOver: ['categories'] },
    ]);
    expect(all(left)).toMatchObject([
      { subject: 'a', location: 'Room 1', categories: expect.arrayContaining(['Blue', 'Red']) },
    ]);
    expect(left.typed.recoverable.size).toBe(1);
    expect(await store.journal({}, 10)).toHaveLength(1);
    expect(await run([])).toEqual([]);

    expect(await putBack(lines)).toEqual([{ group: 1, side: 'left', created: 1, restored: true, not: {} }]);
    expect(
      all(left)
        .map((event) => [event.identity, event.location, event.categories])
        .sort(),
    ).toEqual([
      [identity, '', ['Blue']],
      [identity, 'Room 1', ['Red']],
    ]);
    // A second time it makes nothing.
    expect((await putBack(lines))[0]).toMatchObject({ created: 0, not: { 'it was put back before': 1 } });
    expect(left.typed.items.size).toBe(2);
  });

  test('what is throttled is put back when it may be', async () => {
    for (const categories of [['Red'], ['Blue']]) book(left, { subject: 'a', categories }, identity);
    const lines: UndoLine[] = [];
    await run(lines);
    const throttled: Fault = { kind: 'throttled', retryAfterMs: 600_000, limit: 'x' };
    // The first creation is refused as a whole, the second in the place of its item.
    const refusals = [() => Promise.reject(new FaultError(throttled)), async () => [throttled]];
    const before = clock.monotonicMs();
    const done = await putBack(lines, {
      left: aroundConnector(memoryConnector(old), (mailbox) =>
        aroundMailbox(mailbox, (call, context, make) => {
          const refuse = call.operation === 'typedCreate' ? refusals.shift() : undefined;
          return refuse ? (refuse() as ReturnType<typeof make>) : make(context);
        }),
      ),
    });
    expect(done).toMatchObject([{ created: 1, not: {} }]);
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(1_200_000);
    expect(left.typed.items.size).toBe(2);
  });

  test('what was changed since stays as it is when the rest is put back', async () => {
    const kept = book(left, { subject: 'a', location: 'Room 1', categories: ['Red'] }, identity);
    book(left, { subject: 'a', categories: ['Blue'] }, identity);
    const lines: UndoLine[] = [];
    await run(lines);
    left.typed.edit<'calendar'>(kept, { set: { categories: ['Green'] }, occurrences: [] });
    expect((await putBack(lines))[0]).toMatchObject({
      created: 1,
      restored: false,
      not: { 'what had stayed was changed since': 1 },
    });
    expect(left.typed.find('calendar', kept)?.fields.categories).toEqual(['Green']);
  });

  test('copies that were carried to the other side go from both, and one of each stays', async () => {
    for (let n = 0; n < 3; n++) book(left, { subject: 'thrice' });
    book(left, { subject: 'other' });
    await passes();
    expect(right.typed.items.size).toBe(4);
    const lines: UndoLine[] = [];
    const found = await run(null);
    const done = await run(lines);
    expect(brief(done)).toEqual(brief(found).map((finding) => ({ ...finding, outcome: 'done' })));
    expect(subjects(left).sort()).toEqual(['other', 'thrice']);
    expect(subjects(right).sort()).toEqual(['other', 'thrice']);
    await passes();
    expect(subjects(left).sort()).toEqual(['other', 'thrice']);
    expect(subjects(right).sort()).toEqual(['other', 'thrice']);
    expect(await store.pair(trackId(pair, 'calendar'))).toMatchObject({ counts: { links: 2 } });

    // Both sides come back as pairs: nothing is copied once more.
    expect((await putBack(lines)).map(({ created }) => created)).toEqual([2, 2]);
    await passes();
    expect([left.typed.items.size, right.typed.items.size]).toEqual([4, 4]);
  });

  test('a copy that another tool made on one side goes there, and the one in step stays', async () => {
    book(left, { subject: 'a' });
    await passes();
    const ours = all(right)[0]?.id;
    const { id: _, identity: __, ...fields } = all(right)[0] as ReturnType<typeof all>[number];
    const theirs = book(right, { ...fields, sequence: 7 });
    expect(brief(await run([]))).toEqual([
      { side: 'right', because: 'equal content', outcome: 'done', keep: ours, remove: [theirs] },
    ]);
    await passes();
    expect([subjects(left), subjects(right)]).toEqual([['a'], ['a']]);
  });

  test('two that are in step each with one of its own, which are not equal, are left', async () => {
    book(left, { subject: 'a' });
    book(left, { subject: 'a' });
    await passes();
    const copy = all(right)[0]?.id as ItemId;
    right.typed.edit<'calendar'>(copy, { set: { location: 'Room 2' }, occurrences: [] });
    const [finding] = await run([]);
    expect(finding).toMatchObject({ outcome: 'left', detail: expect.stringMatching(/run causeway sync/) });
    expect([left.typed.items.size, right.typed.items.size]).toEqual([2, 2]);
  });

  test('with a one-way direction the source is not written', async () => {
    policy = { ...defaultTypedPolicy, direction: 'one-way' };
    book(left, { subject: 'a' });
    book(left, { subject: 'a' });
    await passes();
    expect((await run([])).map(({ side, outcome }) => ({ side, outcome }))).toEqual([
      { side: 'left', outcome: 'left' },
      { side: 'right', outcome: 'left' },
    ]);
    expect([left.typed.items.size, right.typed.items.size]).toEqual([2, 2]);
  });

  test('what somebody writes between reading and removing stays', async () => {
    const [, second] = [book(left, { subject: 'a' }), book(left, { subject: 'a' })];
    const findings: DedupeFinding[] = [];
    const undo = async () => left.typed.edit<'calendar'>(second, { set: { location: 'new' }, occurrences: [] });
    for await (const finding of dedupe(services(), pair, 'calendar', null, signal, {
      undo: async (line) => void ('group' in line && (await undo())),
      firstGroup: 1,
    }))
      findings.push(finding);
    expect(findings).toMatchObject([{ outcome: 'left', detail: expect.stringMatching(/^not done/) }]);
    expect(left.typed.items.size).toBe(2);
  });
});

test('an undo file that is none, or was cut off, is told or read as far as it goes', () => {
  expect(() => readUndo('{}\n')).toThrow('no undo file');
  expect(() => readUndo('{"causewayUndo":1}\n{"x":1}\n')).toThrow('line 2');
  expect(readUndo('{"causewayUndo":1}\n{"group":1,"pa')).toEqual({ typed: [], mail: [] });
});
