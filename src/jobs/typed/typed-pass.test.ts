import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EventFields, EventIdentity } from '#model/appointment.ts';
import type { PairId } from '#model/ids.ts';
import { defaultTypedPolicy, type TypedPolicy } from '#model/policy.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { Day } from '#model/wall-time.ts';
import { openStore } from '#store/open-store.ts';
import { type Store, trackId } from '#store/store.ts';
import { withCoarseMarks } from '../pass/coarse-marks.fixture.ts';
import type { PlannedWrite } from '../pass/planned-write.ts';
import { rivalsOf } from '../rivals.ts';
import type { TypedPassOptions } from './typed-context.ts';
import { runTypedPass } from './typed-pass.ts';

const pair = 'ana@old.example → ana@new.example' as PairId;
const track = trackId(pair, 'calendar');
const signal = new AbortController().signal;

class World {
  readonly clock = new SteppingClock(1_700_000_000_000);
  readonly old = new MemoryOrganization('old');
  readonly young = new MemoryOrganization('new');
  readonly left = this.old.add('ana@old.example');
  readonly right = this.young.add('ana@new.example');
  readonly store: Store;
  policy: TypedPolicy = defaultTypedPolicy;
  /** What the source is reached through. */
  connect: (connector: Connector) => Connector = (connector) => connector;

  constructor(store: Store) {
    this.store = store;
  }

  async begin(): Promise<this> {
    const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
    await this.store.putPairs([
      {
        id: track,
        kind: 'calendar',
        collection: 'all',
        left: side('old', this.left.address),
        right: side('new', this.right.address),
      },
    ]);
    return this;
  }

  async pass(options: TypedPassOptions = {}) {
    await this.clock.sleep(1_000, signal);
    return runTypedPass(
      {
        store: this.store,
        left: this.connect(memoryConnector(this.old)),
        right: memoryConnector(this.young),
        policy: this.policy,
        clock: this.clock,
        random: seededRandom(this.clock.nowMs()),
        requestDeadlineMs: 1_000,
      },
      pair,
      'calendar',
      null,
      signal,
      options,
    );
  }

  async settle(): Promise<void> {
    for (let n = 0; n < 5; n++) if (!(await this.pass()).again) return;
    throw new Error('it does not come to its end');
  }
}

const book = (box: MemoryMailbox, fields: Partial<EventFields>) =>
  box.typed.add('calendar', box.byRole('calendar'), fields).id;
const subjects = (box: MemoryMailbox): readonly string[] =>
  [...box.typed.items.values()].map((i) => (i.fields as EventFields).subject).sort();
const only = (box: MemoryMailbox) => {
  const [item, ...more] = [...box.typed.items.values()];
  if (!item || more.length > 0) throw new Error(`${more.length + (item ? 1 : 0)} items`);
  return { id: item.id, fields: item.fields as EventFields, identity: item.identity };
};

let world: World;
beforeEach(async () => {
  const store = await openStore('sqlite::memory:', {
    clock: new SteppingClock(0),
    log: { info: () => {}, warn: () => {} },
  });
  world = await new World(store).begin();
  return () => store.close();
});

describe('two calendars', () => {
  test('what is on either side comes to be on both, once', async () => {
    book(world.left, { subject: 'a' });
    book(world.right, { subject: 'b' });
    const first = await world.pass();
    expect(first.counts).toMatchObject({ created: 2, adopted: 0 });
    expect(first.again).toBe(false);
    expect(subjects(world.left)).toEqual(['a', 'b']);
    expect(subjects(world.right)).toEqual(['a', 'b']);
  });

  test('a pass after a pass writes nothing and asks each side once', async () => {
    for (let n = 0; n < 120; n++) book(n % 2 === 0 ? world.left : world.right, { subject: `meeting ${n}` });
    await world.settle();
    const next = await world.pass();
    expect(next.summary).toMatchObject({ writes: 0, requestsLeft: 1, requestsRight: 1, outcome: 'complete' });
  });

  test('a change in the second of the last look is found when the mark has settled, and then no look is wasted', async () => {
    const marks = { settling: true };
    world.connect = (connector) => withCoarseMarks(connector, marks);
    book(world.left, { subject: 'before the look' });
    await world.pass();
    book(world.left, { subject: 'in the same second' });
    marks.settling = false;
    await world.settle();
    expect(subjects(world.right)).toEqual(['before the look', 'in the same second']);
    expect((await world.pass()).summary).toMatchObject({ writes: 0, requestsLeft: 1 });
  });

  test('a notice costs no trees', async () => {
    book(world.left, { subject: 'a' });
    await world.settle();
    // What the known folders do not explain is looked for in the trees.
    expect((await world.pass({ noticed: true })).summary).toMatchObject({
      writes: 0,
      requestsLeft: 2,
      requestsRight: 2,
    });
    book(world.left, { subject: 'b' });
    const carried = await world.pass({ noticed: true });
    expect(subjects(world.right)).toEqual(['a', 'b']);
    expect(carried.summary.requestsLeft + carried.summary.requestsRight).toBeLessThanOrEqual(7);
    world.right.typed.edit<'calendar'>(idOf(world.right, 'b'), { set: { location: 'Room 4' }, occurrences: [] });
    const edited = await world.pass({ noticed: true });
    expect(edited.summary.requestsLeft + edited.summary.requestsRight).toBeLessThanOrEqual(6);
    expect([...world.left.typed.items.values()].map((i) => (i.fields as EventFields).location)).toContain('Room 4');
  });

  test('fields that were changed on different sides merge; the same field is decided and the loser kept', async () => {
    const id = book(world.left, { subject: 'a', location: 'here' });
    await world.settle();
    const copy = only(world.right).id;
    world.left.typed.edit<'calendar'>(id, { set: { subject: 'left', location: 'Room 1' }, occurrences: [] });
    world.right.typed.edit<'calendar'>(copy, { set: { subject: 'right', showAs: 'free' }, occurrences: [] });
    await world.settle();
    for (const box of [world.left, world.right])
      expect(only(box).fields).toMatchObject({ subject: 'left', location: 'Room 1', showAs: 'free' });
    const [entry] = await world.store.journal({ pair: track }, 10);
    expect(entry).toMatchObject({ field: 'subject', left: 'left', right: 'right', winner: 'left' });
  });

  test('what was deleted while the store was lost comes back, and the history says that it had a twin once', async () => {
    const id = book(world.left, { subject: 'a' });
    await world.settle();
    world.left.typed.remove(id);
    await world.store.commit(track, null, { forgetsAll: { lostAtMs: null } });
    await world.settle();
    expect([subjects(world.left), subjects(world.right)]).toEqual([['a'], ['a']]);
    expect((await world.store.history({ pair: track }, 20)).map(({ reason }) => reason)).toContain(
      'on the target with our stamp, without a twin on the source',
    );
  });

  test('a conflict is told once, however often its write fails', async () => {
    const id = book(world.left, { subject: 'a' });
    await world.settle();
    world.left.typed.edit<'calendar'>(id, { set: { subject: 'left' }, occurrences: [] });
    world.right.typed.edit<'calendar'>(only(world.right).id, { set: { subject: 'right' }, occurrences: [] });
    let failures = 3;
    world.young.before = (operation) => {
      if (operation === 'typedUpdate' && failures-- > 0)
        throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: false });
    };
    await world.settle();
    expect(only(world.right).fields.subject).toBe('left');
    expect(await world.store.journal({ pair: track }, 10)).toMatchObject([{ left: 'left', right: 'right' }]);
    // The same once more, later: a person's value lost again.
    world.left.typed.edit<'calendar'>(id, { set: { subject: 'a' }, occurrences: [] });
    await world.settle();
    world.left.typed.edit<'calendar'>(id, { set: { subject: 'left' }, occurrences: [] });
    world.right.typed.edit<'calendar'>(only(world.right).id, { set: { subject: 'right' }, occurrences: [] });
    await world.settle();
    expect(await world.store.journal({ pair: track }, 10)).toHaveLength(2);
  });

  test('what differed when two were found is told once, however often its write fails', async () => {
    const id = book(world.left, { subject: 'left' });
    const { identity } = only(world.left);
    world.right.typed.add('calendar', world.right.byRole('calendar'), { subject: 'right' }, { identity });
    let failures = 3;
    world.young.before = (operation) => {
      if (operation === 'typedUpdate' && failures-- > 0)
        throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: false });
    };
    await world.settle();
    expect(only(world.right).fields.subject).toBe('left');
    expect(only(world.left).id).toBe(id);
    expect(failures).toBeLessThan(0);
    const told = await world.store.journal({ pair: track }, 10);
    expect(told.map(({ field, why }) => [field, why.split(':')[0]])).toEqual([['subject', 'no-common-past']]);
  });

  test('items moved apart are told once, however often the move fails', async () => {
    const folders = ['Team', 'Club'].map((name) =>
      world.left.addFolder(world.left.byRole('calendar'), name, 'IPF.Appointment'),
    );
    const id = book(world.left, { subject: 'a' });
    await world.settle();
    const club = [...world.right.folders.values()].find((f) => f.name === 'Club');
    world.left.typed.move(id, folders[0] ?? world.left.byRole('calendar'));
    world.right.typed.move(only(world.right).id, club?.id ?? world.right.byRole('calendar'));
    let failures = 2;
    world.young.before = (operation) => {
      if (operation === 'typedMove' && failures-- > 0)
        throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: false });
    };
    for (let n = 0; n < 2; n++) await expect(world.pass()).rejects.toThrow('cut off');
    await world.settle();
    expect(await world.store.journal({ pair: track }, 10)).toMatchObject([{ field: 'folder', winner: 'left' }]);
  });

  test('what was there on both sides under one identity is linked, not copied', async () => {
    const identity = '040000008200E00074C5B7101A82E00800000000' as EventIdentity;
    for (const box of [world.left, world.right])
      box.typed.add('calendar', box.byRole('calendar'), { subject: 'same' }, { identity });
    const first = await world.pass();
    expect(first.counts).toMatchObject({ adopted: 1, created: 0, updated: 0 });
    expect((await world.pass()).summary.writes).toBe(0);
  });

  test('a delete waits one pass and is carried over', async () => {
    const id = book(world.left, { subject: 'a' });
    await world.settle();
    world.left.typed.remove(id);
    expect((await world.pass()).again).toBe(true);
    expect(subjects(world.right)).toEqual(['a']);
    await world.settle();
    expect(subjects(world.right)).toEqual([]);
  });

  test('an emptied side is not believed beyond the budget', async () => {
    world.policy = { ...world.policy, maxDelete: { share: 0.2, atLeast: 3 } };
    const ids = Array.from({ length: 20 }, (_, n) => book(world.left, { subject: `${n}` }));
    await world.settle();
    for (const id of ids) world.left.typed.remove(id);
    await world.pass();
    const held = await world.pass();
    expect(held.held).toBe(16);
    expect(subjects(world.right)).toHaveLength(16);
  });

  test('a rival that was faster leaves one of the two', async () => {
    const id = book(world.left, { subject: 'a' });
    const identity = world.left.typed.items.get(id)?.identity as EventIdentity;
    world.young.before = (operation) => {
      if (operation !== 'typedCreate') return;
      world.young.before = () => {};
      world.right.typed.add(
        'calendar',
        world.right.byRole('calendar'),
        { subject: 'a', location: 'his' },
        { identity },
      );
    };
    await world.settle();
    expect(only(world.right).identity).toBe(identity);
    expect(only(world.left).identity).toBe(identity);
  });

  test('rivals are counted by side: a second one of an identity, one made anew, and not what was there before', async () => {
    const identity = '040000008200E00074C5B7101A82E00800000000' as EventIdentity;
    const add = (box: MemoryMailbox) =>
      box.typed.add(
        'calendar',
        box.byRole('calendar'),
        { subject: 'a', body: { type: 'text', text: '' } },
        { identity },
      );
    const known = async (): Promise<string | null> => {
      const sums: string[] = [];
      for (let n = 0; n < 5; n++) {
        const { summary, again } = await world.pass();
        if (summary.rivals) sums.push(JSON.stringify(summary.rivals));
        if (!again) return sums.join() || null;
      }
      throw new Error('it does not come to its end');
    };
    add(world.left);
    add(world.left);
    expect(await known()).toBeNull();
    add(world.right);
    expect(await known()).toBe('{"left":0,"right":1,"either":0}');
    // A phone.
    world.left.typed.remove(only(world.left).id);
    add(world.left);
    expect(await known()).toBe('{"left":1,"right":0,"either":0}');
    expect(await rivalsOf(world.store, pair, world.clock.nowMs())).toEqual({ left: 1, right: 1, either: 0 });
    expect([subjects(world.left), subjects(world.right)]).toEqual([['a'], ['a']]);
  });

  describe('a duplicate that cannot be removed', () => {
    const thrice = async (fields: Partial<EventFields> = {}) => {
      book(world.left, { subject: 'kick-off' });
      await world.settle();
      const { identity } = only(world.left);
      for (const over of [{}, fields])
        world.left.typed.add('calendar', world.left.byRole('calendar'), { subject: 'kick-off', ...over }, { identity });
    };
    const aside = () => world.store.quarantine({ pair: track }, 9);
    const refuse = (fault: Fault) => {
      world.old.itemFault = (operation) => (operation === 'typedRemove' ? fault : null);
    };

    test('now: an attempt is a pass, not a round', async () => {
      await thrice();
      refuse({ kind: 'transient', detail: 'not now', mayHaveHappened: false });
      for (let n = 1; n <= 3; n++) {
        expect((await world.pass()).again).toBe(true);
        expect((await aside()).map(({ attempts, retry }) => [attempts, retry])).toEqual([
          [n, true],
          [n, true],
        ]);
      }
      world.old.itemFault = () => null;
      await world.settle();
      expect(subjects(world.left)).toEqual(['kick-off']);
      expect(await aside()).toEqual([]);
    });

    test('ever: the operator is told, and the track rests', async () => {
      await thrice();
      refuse({ kind: 'poison', reason: 'refused-by-target', detail: 'never' });
      expect((await world.pass()).again).toBe(false);
      expect((await aside()).map(({ attempts, retry }) => [attempts, retry])).toEqual([
        [1, false],
        [1, false],
      ]);
      expect((await world.pass()).summary).toMatchObject({ writes: 0, outcome: 'complete' });
      expect(subjects(world.right)).toEqual(['kick-off']);
    });

    test('ever, and nothing was linked: what stays is copied all the same', async () => {
      const id = book(world.left, { subject: 'kick-off' });
      const identity = world.left.typed.items.get(id)?.identity as EventIdentity;
      world.left.typed.add('calendar', world.left.byRole('calendar'), { subject: 'kick-off' }, { identity });
      refuse({ kind: 'poison', reason: 'refused-by-target', detail: 'never' });
      expect((await world.pass()).again).toBe(false);
      expect(subjects(world.right)).toEqual(['kick-off']);
    });

    test('because the one that stays is being written: nothing waits for the operator', async () => {
      await thrice({ categories: ['red'], attendees: [] });
      let stale = 1;
      world.old.itemFault = (operation) =>
        operation === 'typedUpdate' && stale-- > 0 ? { kind: 'stale', detail: 'written meanwhile' } : null;
      expect((await world.pass()).again).toBe(true);
      expect(stale).toBe(0);
      expect(await aside()).toEqual([]);
      await world.settle();
      expect(only(world.left).fields.categories).toEqual(['red']);
    });
  });

  test('an occurrence that came by itself for a day that its series does not have is copied, and stays', async () => {
    const of = (on: string) => `040000008200E00074C5B7101A82E008${on}${'0'.repeat(40)}` as EventIdentity;
    const start = Date.parse('2024-01-01T09:00:00Z');
    const at = (n: number) => ({
      start: start + n * 86_400_000,
      end: start + n * 86_400_000 + 1_800_000,
      isAllDay: false,
      startZone: null,
      endZone: null,
    });
    const recurrence: Recurrence = {
      pattern: { kind: 'daily', interval: 1 },
      range: { end: 'count', startDay: '2024-01-01' as Day, count: 5 },
    };
    const add = (fields: Partial<EventFields>, on: string) =>
      world.left.typed.add('calendar', world.left.byRole('calendar'), fields, { identity: of(on) });
    add({ subject: 'series', when: at(0), recurrence }, '00000000');
    await world.settle();
    add({ subject: 'beyond', when: at(8) }, '07E80109');
    add({ subject: 'within', location: 'there', when: at(1) }, '07E80102');
    await world.settle();
    expect(subjects(world.left)).toEqual(['beyond', 'series']);
    expect(subjects(world.right)).toEqual(['beyond', 'series']);
    expect((await world.pass()).summary).toMatchObject({ writes: 0, outcome: 'complete' });
    expect(await world.store.journal({ pair: track }, 10)).toMatchObject([
      { why: expect.stringContaining('2024-01-02') },
    ]);
  });

  test('an answer that is lost is not asked for twice', async () => {
    book(world.left, { subject: 'a' });
    world.young.after = (operation) => {
      if (operation !== 'typedCreate') return;
      world.young.after = () => {};
      throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
    };
    await world.pass();
    await world.clock.sleep(10_000, signal);
    await world.settle();
    expect(subjects(world.right)).toEqual(['a']);
    expect(await world.store.typedIntents(track)).toEqual([]);
  });

  test('what was written without an answer and is changed back where it came from is changed back on both sides', async () => {
    const id = book(world.left, { subject: 'a' });
    await world.settle();
    world.left.typed.edit<'calendar'>(id, { set: { subject: 'b' }, occurrences: [] });
    world.young.after = (operation) => {
      if (operation !== 'typedUpdate') return;
      world.young.after = () => {};
      throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
    };
    await world.pass();
    expect(subjects(world.right)).toEqual(['b']);
    world.left.typed.edit<'calendar'>(id, { set: { subject: 'a' }, occurrences: [] });
    await world.settle();
    expect([subjects(world.left), subjects(world.right)]).toEqual([['a'], ['a']]);
    expect(await world.store.journal({ pair: track }, 10)).toEqual([]);
  });

  describe('who is taken off a list between our write and its record stays off it', () => {
    const cy = { name: 'Cy', address: 'cy@x.example', role: 'required', response: 'none', respondedAt: null } as const;
    const ben = { ...cy, name: 'Ben', address: 'ben@x.example' };
    const edit = (box: MemoryMailbox, set: Partial<EventFields>) =>
      box.typed.edit<'calendar'>(only(box).id, { set, occurrences: [] });
    /** Once, after our write there. */
    const afterWriting = (organization: MemoryOrganization, work: () => void) => {
      organization.after = (operation) => {
        if (operation !== 'typedUpdate') return;
        organization.after = () => {};
        work();
      };
    };
    beforeEach(async () => {
      book(world.left, { subject: 'a', attendees: [ben] });
      await world.settle();
      edit(world.right, { attendees: [ben, cy] });
    });
    afterEach(async () => {
      await world.settle();
      expect([world.left, world.right].map((box) => only(box).fields.attendees)).toEqual([[ben], [ben]]);
    });

    test('it could not be read back', async () => {
      afterWriting(world.old, () => {
        world.old.before = () => {
          world.old.before = () => {};
          throw new FaultError({ kind: 'throttled', retryAfterMs: 5_000, limit: 'requests' });
        };
      });
      await expect(world.pass()).rejects.toThrow(FaultError);
      expect(only(world.left).fields.attendees).toEqual([ben, cy]);
      edit(world.left, { attendees: [ben] });
    });

    test('the other side could not be written', async () => {
      edit(world.left, { subject: 'b' });
      world.young.itemFault = (operation) =>
        operation === 'typedUpdate' ? { kind: 'transient', detail: 'cut off', mayHaveHappened: true } : null;
      await world.pass();
      expect(only(world.left).fields.attendees).toEqual([ben, cy]);
      world.young.itemFault = () => null;
      edit(world.left, { attendees: [ben] });
    });

    test('our write had no answer', async () => {
      world.old.after = (operation) => {
        if (operation !== 'typedUpdate') return;
        world.old.after = () => {};
        throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
      };
      await world.pass();
      expect(only(world.left).fields.attendees).toEqual([ben, cy]);
      edit(world.left, { attendees: [ben] });
    });

    test('on the other side, which is merged anew because of it', async () => {
      edit(world.left, { subject: 'b' });
      afterWriting(world.old, () => edit(world.right, { attendees: [ben] }));
    });
  });

  test('occurrences of a series whose new pattern was written without them are on both sides afterwards', async () => {
    const [second, third] = ['2024-01-02' as Day, '2024-01-03' as Day];
    const daily = (count: number): Recurrence => ({
      pattern: { kind: 'daily', interval: 1 },
      range: { end: 'count', startDay: '2024-01-01' as Day, count },
    });
    const start = Date.parse('2024-01-01T09:00:00Z');
    const id = book(world.left, {
      when: { start, end: start + 1_800_000, isAllDay: false, startZone: null, endZone: null },
      recurrence: daily(5),
    });
    world.left.typed.editOccurrence(id, second, { subject: 'b' });
    await world.settle();
    world.right.typed.editOccurrence(only(world.right).id, third, { subject: 'c' });
    world.left.typed.edit(id, { set: { recurrence: daily(4) }, occurrences: [] });
    world.left.typed.editOccurrence(id, second, { subject: 'b' });
    world.young.between = () => {
      world.young.between = () => {};
      throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
    };
    await world.settle();
    for (const box of [world.left, world.right]) {
      const stored = box.typed.find('calendar', only(box).id);
      const shown = stored && box.typed.show(stored).occurrences.map((o) => [o.day, o.overrides.subject]);
      expect(shown).toEqual([
        [second, 'b'],
        [third, 'c'],
      ]);
    }
    expect(await world.store.journal({ pair: track }, 10)).toEqual([]);
  });

  test.each([
    true,
    false,
  ])('a copy that is moved before its answer is found is followed there (its folder known: %s)', async (isKnown) => {
    const team = (box: MemoryMailbox) => [...box.folders.values()].find((f) => f.name === 'Team')?.id;
    if (isKnown) world.right.addFolder(world.right.byRole('calendar'), 'Team', 'IPF.Appointment');
    await world.settle();
    book(world.left, { subject: 'a' });
    world.young.after = (operation) => {
      if (operation !== 'typedCreate') return;
      world.young.after = () => {};
      if (!isKnown) world.right.addFolder(world.right.byRole('calendar'), 'Team', 'IPF.Appointment');
      world.right.typed.move(only(world.right).id, team(world.right) ?? world.right.byRole('inbox'));
      throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
    };
    await world.pass();
    await world.clock.sleep(10_000, signal);
    await world.settle();
    for (const box of [world.left, world.right])
      expect([...box.typed.items.values()].map((i) => i.folder)).toEqual([team(box)]);
    expect((await world.pass()).summary.writes).toBe(0);
    expect(await world.store.journal({ pair: track }, 10)).toEqual([]);
  });

  test('the same, when it is moved after its feed has shown it', async () => {
    const team = (box: MemoryMailbox) => [...box.folders.values()].find((f) => f.name === 'Team')?.id;
    const to = world.right.addFolder(world.right.byRole('calendar'), 'Team', 'IPF.Appointment');
    await world.settle();
    book(world.left, { subject: 'a' });
    world.young.after = (operation) => {
      if (operation !== 'typedCreate') return;
      world.young.after = () => {};
      throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
    };
    await world.pass();
    await world.clock.sleep(10_000, signal);
    world.young.before = (operation) => {
      if (operation !== 'typedRead') return;
      world.young.before = () => {};
      world.right.typed.move(only(world.right).id, to);
    };
    await world.settle();
    for (const box of [world.left, world.right])
      expect([...box.typed.items.values()].map((i) => i.folder)).toEqual([team(box)]);
    expect((await world.pass()).summary.writes).toBe(0);
  });

  test('the same, when it is moved out of a folder whose feed is still to be read into one whose feed was read', async () => {
    const team = world.left.addFolder(world.left.byRole('calendar'), 'Team', 'IPF.Appointment');
    await world.settle();
    world.left.typed.add('calendar', team, { subject: 'a' });
    world.young.after = (operation) => {
      if (operation !== 'typedCreate') return;
      world.young.after = () => {};
      throw new FaultError({ kind: 'transient', detail: 'cut off', mayHaveHappened: true });
    };
    await world.pass();
    await world.clock.sleep(10_000, signal);
    // So that the feed of the calendar is read as well, and first.
    book(world.right, { subject: 'b' });
    let feeds = 0;
    world.young.before = (operation) => {
      if (operation === 'typedChanges' && ++feeds === 2)
        world.right.typed.move(idOf(world.right, 'a'), world.right.byRole('calendar'));
    };
    for (let n = 0; n < 3; n++) await world.pass();
    for (const box of [world.left, world.right])
      expect([...box.typed.items.values()].map((i) => i.folder)).toEqual([
        box.byRole('calendar'),
        box.byRole('calendar'),
      ]);
  });

  test('one item that is refused does not stop the others, and is told', async () => {
    const bad = book(world.left, { subject: 'bad' });
    book(world.left, { subject: 'good' });
    world.young.itemFault = (operation, { id }) =>
      operation === 'typedCreate' && id === bad ? { kind: 'poison', reason: 'refused-by-target', detail: 'no' } : null;
    await world.settle();
    expect(subjects(world.right)).toEqual(['good']);
    expect(await world.store.quarantine({ pair: track }, 10)).toMatchObject([
      { left: bad, reason: 'refused-by-target' },
    ]);
    expect((await world.pass({ everything: true })).summary.writes).toBe(0);
    world.young.itemFault = () => null;
    await world.store.retryQuarantine({ pair: track });
    await world.settle();
    expect(subjects(world.right)).toEqual(['bad', 'good']);
    expect(await world.store.quarantine({ pair: track }, 10)).toEqual([]);
  });

  test('a plan says what a pass would do and does nothing', async () => {
    book(world.left, { subject: 'a' });
    book(world.right, { subject: 'b' });
    const plan: PlannedWrite[] = [];
    await world.pass({ plan });
    expect(plan.map(({ action, side }) => `${action} ${side}`).sort()).toEqual(['create left', 'create right']);
    expect(subjects(world.left)).toEqual(['a']);
    expect(await world.store.folders(track)).toEqual([]);
  });

  test('a calendar of one side is made on the other, with what is in it', async () => {
    await world.settle();
    const folder = world.right.addFolder(world.right.byRole('calendar'), 'Team', 'IPF.Appointment');
    world.right.typed.add('calendar', folder, { subject: 'in team' });
    await world.settle();
    const made = [...world.left.folders.values()].find((f) => f.name === 'Team');
    expect(made?.parent).toBe(world.left.byRole('calendar'));
    expect([...world.left.typed.items.values()].map((i) => i.folder)).toEqual([made?.id]);
  });

  test('an event that is moved into another calendar is moved on the other side', async () => {
    const team = world.left.addFolder(world.left.byRole('calendar'), 'Team', 'IPF.Appointment');
    const id = book(world.left, { subject: 'a' });
    await world.settle();
    world.left.typed.move(id, team);
    await world.settle();
    const there = [...world.right.folders.values()].find((f) => f.name === 'Team')?.id;
    expect([...world.right.typed.items.values()].map((i) => i.folder)).toEqual([there]);
    expect([...world.left.typed.items.values()].map((i) => i.folder)).toEqual([team]);
  });

  test('a copy rings only where the person works, and goes on doing so when it is edited', async () => {
    const reminder = { isSet: true, minutesBefore: 15 };
    const id = book(world.left, { subject: 'one', reminder });
    await world.settle();
    expect(only(world.right).fields.reminder.isSet).toBe(false);
    world.left.typed.edit(id, { set: { subject: 'two' }, occurrences: [] });
    await world.settle();
    expect(only(world.right).fields).toMatchObject({ subject: 'two', reminder: { isSet: false } });
    expect(only(world.left).fields.reminder).toEqual(reminder);
  });

  const reminder = { isSet: true, minutesBefore: 15 };
  const ringing = (box: MemoryMailbox): readonly string[] =>
    [...box.typed.items.values()]
      .flatMap((i) => ((i.fields as EventFields).reminder.isSet ? [(i.fields as EventFields).subject] : []))
      .sort();

  test('what a person books with a reminder on the other side rings where the person works, and there only', async () => {
    book(world.right, { subject: 'single', reminder });
    book(world.right, { subject: 'silent' });
    const first = await world.pass();
    expect(first.again).toBe(false);
    expect([ringing(world.left), ringing(world.right)]).toEqual([['single'], []]);
    expect((await world.pass()).summary.writes).toBe(0);
    expect(await world.store.journal({ pair: track }, 10)).toEqual([]);
  });

  test('the same, when the pass dies before it is silent', async () => {
    book(world.right, { subject: 'single', reminder });
    world.young.before = (operation) => {
      if (operation === 'typedUpdate') throw new Error('killed');
    };
    await expect(world.pass()).rejects.toThrow('killed');
    world.young.before = () => {};
    await world.settle();
    expect([ringing(world.left), ringing(world.right)]).toEqual([['single'], []]);
  });

  test('after a switch reminders ring on the other side, with those of single occurrences; and back', async () => {
    const when = (hour: number) => {
      const start = Date.parse(`2024-01-01T0${hour}:00:00Z`);
      return { start, end: start + 1_800_000, isAllDay: false, startZone: null, endZone: null };
    };
    const recurrence = {
      pattern: { kind: 'daily', interval: 1 },
      range: { end: 'count', startDay: '2024-01-01' as Day, count: 5 },
    } as const;
    book(world.left, { subject: 'single', reminder });
    book(world.left, { subject: 'silent' });
    const series = book(world.left, { subject: 'series', when: when(9), recurrence });
    world.left.typed.editOccurrence(series, '2024-01-03' as Day, { reminder });
    const noisy = book(world.left, { subject: 'noisy', when: when(8), recurrence, reminder });
    world.left.typed.editOccurrence(noisy, '2024-01-03' as Day, { reminder: { ...reminder, isSet: false } });
    await world.settle();
    const own = (box: MemoryMailbox) =>
      ['series', 'noisy'].map((subject) => {
        const stored = box.typed.find('calendar', idOf(box, subject));
        const shown = stored && box.typed.show(stored);
        return shown?.occurrences.flatMap(({ day, overrides: { reminder } }) =>
          reminder ? [[day, reminder.isSet]] : [],
        );
      });
    const before = own(world.left);
    expect(before).toEqual([[['2024-01-03', true]], [['2024-01-03', false]]]);
    for (const [active, from, to] of [
      ['right', world.left, world.right],
      ['left', world.right, world.left],
    ] as const) {
      world.policy = { ...world.policy, active };
      const plan: PlannedWrite[] = [];
      await world.pass({ plan });
      expect(new Set(plan.map(({ action, reason }) => `${action}: ${reason}`))).toEqual(
        new Set([
          'update: rings where the person works on the source',
          'update: rings where the person works on the target',
        ]),
      );
      await world.pass({ noticed: true });
      expect([ringing(from), ringing(to)]).toEqual([[], ['noisy', 'single']]);
      expect([own(from), own(to)]).toEqual([[[], []], before]);
      await world.settle();
      const calls = (await world.pass()).summary;
      expect(calls).toMatchObject({ writes: 0, requestsLeft: 1, requestsRight: 1 });
    }
    expect(await world.store.journal({ pair: track }, 10)).toEqual([]);
  });

  test('that reminders are turned is recorded although there was none to move', async () => {
    book(world.left, { subject: 'silent' });
    await world.settle();
    await world.pass();
    for (const active of ['right', 'left'] as const) {
      world.policy = { ...world.policy, active };
      expect((await world.pass()).summary.writes).toBe(0);
      expect((await world.store.pair(track))?.ringing).toEqual({ on: active, isDone: true, upTo: null });
    }
  });

  test('a switch that is broken off goes on where it was', async () => {
    const count = 450;
    for (let n = 0; n < count; n++) book(world.left, { subject: `meeting ${n}`, reminder });
    await world.settle();
    world.policy = { ...world.policy, active: 'right' };
    let [written, allowed] = [0, 250];
    world.young.itemFault = (operation) => {
      if (operation === 'typedUpdate' && ++written > allowed)
        throw new FaultError({ kind: 'throttled', retryAfterMs: 1, limit: 'test' });
      return null;
    };
    await expect(world.pass()).rejects.toThrow();
    const half = (await world.store.pair(track))?.ringing;
    expect(half).toMatchObject({ on: 'right', isDone: false, upTo: expect.any(String) });
    [written, allowed] = [0, count];
    await world.settle();
    expect([ringing(world.left).length, ringing(world.right).length]).toEqual([0, count]);
    expect(written).toBeLessThanOrEqual(count - 200);
    expect((await world.store.pair(track))?.ringing).toEqual({ on: 'right', isDone: true, upTo: null });
  });

  test('an occurrence with the same place as its series keeps it when the series moves, on both sides', async () => {
    const startDay = '2024-01-01' as Day;
    const start = Date.parse('2024-01-01T09:00:00Z');
    const id = book(world.left, {
      location: 'Room 1',
      when: { start, end: start + 1_800_000, isAllDay: false, startZone: null, endZone: null },
      recurrence: { pattern: { kind: 'daily', interval: 1 }, range: { end: 'count', startDay, count: 5 } },
    });
    world.left.typed.editOccurrence(id, '2024-01-03' as Day, { location: 'Room 1', subject: 'special' });
    await world.settle();
    world.right.typed.edit(only(world.right).id, { set: { location: 'Room 2' }, occurrences: [] });
    await world.settle();
    const places = (box: MemoryMailbox) =>
      [...box.typed.items.keys()].map((item) => {
        const stored = box.typed.find('calendar', item);
        const shown = stored && box.typed.show(stored);
        return [shown?.fields.location, shown?.occurrences.map((o) => o.overrides.location)];
      });
    expect(places(world.left)).toEqual([['Room 2', ['Room 1']]]);
    expect(places(world.right)).toEqual(places(world.left));
    expect((await world.pass()).summary.writes).toBe(0);
  });

  test('the same, while somebody changes another occurrence between our write and its reading back', async () => {
    const startDay = '2024-01-01' as Day;
    const start = Date.parse('2024-01-01T09:00:00Z');
    const id = book(world.left, {
      location: 'Room 1',
      when: { start, end: start + 1_800_000, isAllDay: false, startZone: null, endZone: null },
      recurrence: { pattern: { kind: 'daily', interval: 1 }, range: { end: 'count', startDay, count: 5 } },
    });
    world.left.typed.editOccurrence(id, '2024-01-03' as Day, { location: 'Room 1', subject: 'special' });
    await world.settle();
    world.right.typed.edit(only(world.right).id, { set: { location: 'Room 2' }, occurrences: [] });
    world.old.after = (operation) => {
      if (operation !== 'typedUpdate') return;
      world.old.after = () => {};
      world.left.typed.editOccurrence(id, '2024-01-04' as Day, { subject: 'moved up' });
    };
    await world.settle();
    for (const box of [world.left, world.right]) {
      const stored = box.typed.find('calendar', only(box).id);
      expect(stored && box.typed.show(stored).occurrences).toMatchObject([
        { day: '2024-01-03', overrides: { location: 'Room 1', subject: 'special' } },
        { day: '2024-01-04', overrides: { subject: 'moved up' } },
      ]);
    }
  });
});

function idOf(box: MemoryMailbox, subject: string) {
  const found = [...box.typed.items.values()].find((i) => (i.fields as EventFields).subject === subject);
  if (!found) throw new Error(`no ${subject}`);
  return found.id;
}
