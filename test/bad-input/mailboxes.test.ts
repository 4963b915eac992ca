/** Mailboxes that go away, are replaced, emptied, full, or shut; and a clock that jumps. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { BadWorld, contents, folderNamed, mail, people, type SideName, subjects } from './bad-world.fixture.ts';

let world: BadWorld;
const open = async (...options: Parameters<typeof BadWorld.open>) => {
  world = await BadWorld.open(...options);
};
afterEach(() => world.close());

const deliver = (count: number, box?: Mailbox) => {
  for (let n = 0; n < count; n++) world.deliver(mail(`mail ${n}`), box === undefined ? {} : { box });
};

/** Does something to the world at the n-th request of an operation. */
function when(side: SideName, operation: string, nth: number, act: () => void): void {
  let seen = 0;
  world.before = (where, what) => {
    if (where === side && what === operation && ++seen === nth) act();
  };
}

const orgOf = (side: SideName) => world.lab.organization(side).world;
const other: Record<SideName, 'left' | 'right'> = { source: 'right', target: 'left' };

/** Passes until one ends with a fatal fault: what happens in the middle of one may only be understood by the next. */
async function fatalOfPasses() {
  for (let n = 0; n < 3; n++) {
    const error = await world.pass().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (error === null) continue;
    if (!(error instanceof FaultError)) throw error;
    if (error.fault.kind === 'fatal') return error.fault;
  }
  throw new Error('no pass was stopped');
}

const moments: readonly (readonly [SideName, string])[] = [
  ['source', 'FindFolder'],
  ['source', 'SyncFolderItems'],
  ['source', 'GetItem'],
  ['target', 'FindFolder'],
  ['target', 'SyncFolderItems'],
  ['target', 'CreateItem'],
];

describe.each(moments)('on the %s, before %s', (side, operation) => {
  test.each([
    'vanishes',
    'is replaced',
  ] as const)('the mailbox %s: named, nothing is deleted on the other side', async (how) => {
    await open();
    deliver(3);
    await world.settles();
    deliver(5);
    const kept = world[other[side]]();
    const before = contents(kept).length;
    const address = world.address(side);
    when(side, operation, 1, () => {
      if (how === 'vanishes') orgOf(side).removeMailbox(address);
      else orgOf(side).replaceMailbox(address);
    });
    const code = how === 'vanishes' ? 'mailbox-gone' : 'mailbox-replaced';
    expect(await fatalOfPasses()).toMatchObject({ code });
    expect(await world.pairRow()).toMatchObject({ state: 'stopped', stoppedBecause: expect.stringContaining(code) });
    world.before = null;
    for (let n = 0; n < 3; n++) expect(await world.faultOfPass()).toMatchObject({ kind: 'fatal', code });
    expect(contents(kept).length).toBeGreaterThanOrEqual(before);
    expect(await world.store.deletionsSince(world.pairId(), 0)).toBe(0);
    expect(await world.quarantine()).toEqual([]);
  });
});

describe('emptied', () => {
  test('the target: nothing is made again silently, nothing is deleted on the source', async () => {
    await open();
    deliver(20);
    const folder = world.left().createFolder(world.left().folder('msgfolderroot'), 'Projects', 'IPF.Note', people);
    world.deliver(mail('in projects'), { folder });
    await world.settles();
    world.right().empty(world.right().folder('inbox'), 'HardDelete', people, { suppressReceipts: true });
    world.right().removeFolder(folderNamed(world.right(), 'Projects'), 'HardDelete', people);
    const results = await world.sync();
    expect(results.reduce((n, { summary }) => n + summary.writes, 0)).toBe(0);
    expect(contents(world.left())).toHaveLength(21);
    expect(contents(world.right())).toEqual([]);
    expect((await world.history()).some((row) => row.reason.startsWith('a person removed the folder'))).toBe(true);
    // New mail goes on.
    world.deliver(mail('new'));
    await world.sync();
    expect(subjects(world.right().folder('inbox'))).toEqual(['new']);
  });

  test('the source: over the budget deletes are held, new mail goes on, and what comes back is not copied twice', async () => {
    await open();
    deliver(30);
    await world.settles();
    const items = [...world.left().folder('inbox').items()];
    for (const item of items) world.left().remove(item, 'SoftDelete', people, { suppressReceipts: true });
    world.deliver(mail('new'));
    const results = await world.sync();
    expect(contents(world.right())).toHaveLength(30 - 10 + 1);
    expect(results.at(-1)).toMatchObject({ held: 20, again: false });
    expect((await world.history()).find((row) => row.outcome === 'held')?.reason).toMatch(/maxDelete/);
    // Restored by a person: the same copies, none twice.
    const deletions = world.left().deletions;
    for (const item of [...(deletions?.items() ?? [])]) world.left().move(item, world.left().folder('inbox'), people);
    await world.settles();
    expect(contents(world.right())).toHaveLength(31);
  });

  test('a whole folder of the source: the same budget', async () => {
    await open();
    const folder = world.left().createFolder(world.left().folder('msgfolderroot'), 'Projects', 'IPF.Note', people);
    for (let n = 0; n < 30; n++) world.deliver(mail(`mail ${n}`), { folder });
    await world.settles();
    world.left().removeFolder(folder, 'HardDelete', people, { suppressReceipts: true });
    await world.sync();
    expect(contents(world.right())).toHaveLength(20);
  });
});

describe('full', () => {
  test('the target: `quota`; what fitted is there, the rest follows when there is room', async () => {
    await open({ target: { quotaBytes: 6_000 } });
    for (let n = 0; n < 9; n++) world.deliver(mail(`mail ${n}`, {}, 'x'.repeat(600)));
    expect(await world.faultOfPass()).toMatchObject({ kind: 'fatal', code: 'quota' });
    expect(await world.pairRow()).toMatchObject({
      state: 'stopped',
      stoppedBecause: expect.stringMatching(/^quota: /),
    });
    const fitted = contents(world.right()).length;
    expect(fitted).toBeGreaterThan(0);
    expect(fitted).toBeLessThan(9);
    expect((await world.pairRow()).counts.links).toBe(fitted);
    for (let n = 0; n < 3; n++) expect(await world.faultOfPass()).toMatchObject({ code: 'quota' });
    expect(contents(world.right()).length).toBeLessThan(9);
    expect(await world.quarantine()).toEqual([]);
    world.right().quotaBytes = null;
    await world.settles();
    expect(contents(world.right())).toHaveLength(9);
  });
});

describe('shut', () => {
  test('403 for one mailbox: `ews-off` for it, the others go on, and it follows later', async () => {
    await open({ mailboxes: 3 });
    for (const n of [0, 1, 2]) deliver(3, world.left(n));
    world.lab.faults.set([{ point: 'forbidden', chance: 1, where: [world.address('source', 1)] }]);
    await world.settles(0);
    expect(await world.faultOfPass(1)).toMatchObject({ kind: 'fatal', code: 'ews-off' });
    await world.settles(2);
    expect((await world.pairRow(1)).stoppedBecause).toMatch(/^ews-off: /);
    world.lab.faults.set([]);
    await world.settles(1);
    expect((await world.pairRow(1)).stoppedBecause).toBeNull();
  });

  test.each(['source', 'target'] as const)('rights taken away on the %s: `access-denied`', async (side) => {
    await open();
    deliver(3);
    orgOf(side).setImpersonation({});
    expect(await world.faultOfPass()).toMatchObject({ kind: 'fatal', code: 'access-denied' });
    orgOf(side).setImpersonation({ [orgOf(side).admin.user]: 'all' });
    await world.settles();
  });

  test('the password changes in the middle: `auth`, and no try after try', async () => {
    await open();
    deliver(3);
    when('source', 'GetItem', 1, () => orgOf('source').setPassword(orgOf('source').admin.user, 'another'));
    expect(await world.faultOfPass()).toMatchObject({ kind: 'fatal', code: 'auth' });
    expect(await world.quarantine()).toEqual([]);
    world.before = null;
    orgOf('source').setPassword(orgOf('source').admin.user, orgOf('source').admin.password);
  });
});

/** The wall clock of the program, which somebody sets; time itself goes on as it does. */
class JumpingClock implements Clock {
  offsetMs = 0;
  private readonly inner: Clock;
  constructor(inner: Clock) {
    this.inner = inner;
  }
  nowMs(): number {
    return this.inner.nowMs() + this.offsetMs;
  }
  monotonicMs(): number {
    return this.inner.monotonicMs();
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.inner.sleep(ms, signal);
  }
}

const hourMs = 3_600_000;

describe.each([
  ['forwards', 5 * hourMs],
  ['backwards', -5 * hourMs],
  ['forwards by years', 20_000 * hourMs],
] as const)('the clock jumps %s', (_way, jumpMs) => {
  let clock: JumpingClock;
  const start = () =>
    open({
      programClock: (lab) => {
        clock = new JumpingClock(lab);
        return clock;
      },
    });

  test.each(moments)('on the %s before %s: nothing is lost or doubled', async (side, operation) => {
    await start();
    deliver(5);
    when(side, operation, 1, () => {
      clock.offsetMs = jumpMs;
    });
    await world.settles();
    expect(contents(world.right())).toHaveLength(5);
    deliver(5);
    clock.offsetMs = 0;
    await world.settles();
    expect(contents(world.right())).toHaveLength(10);
    expect(await world.quarantine()).toEqual([]);
  });

  test('while a create without an answer is still on its way: it is waited for, and not for hours', async () => {
    await start();
    deliver(3);
    const pending: Promise<unknown>[] = [];
    let struck = false;
    world.delay = (side, operation, send) => {
      if (side !== 'target' || operation !== 'CreateItem' || struck) return false;
      struck = true;
      // The connection broke; the server gets to the request 50 seconds later.
      const dueMs = world.clock.nowMs() + 50_000;
      world.clock.at(dueMs, () => {
        pending.push(send());
      });
      clock.offsetMs = jumpMs;
      return true;
    };
    const beforeMs = world.clock.monotonicMs();
    await world.pass();
    expect(world.clock.monotonicMs() - beforeMs).toBeLessThan(10 * 60_000);
    await Promise.all(pending);
    expect(pending).toHaveLength(1);
    world.delay = null;
    await world.settles();
    expect(contents(world.right())).toHaveLength(3);
  });

  test('while a create is lost for good: it is made again, and nobody waits for hours', async () => {
    await start();
    deliver(3);
    let struck = 0;
    world.delay = (side, operation) => {
      if (side !== 'target' || operation !== 'CreateItem' || struck > 0) return false;
      clock.offsetMs = jumpMs;
      return ++struck > 0;
    };
    const beforeMs = world.clock.monotonicMs();
    await world.pass();
    expect(struck).toBe(1);
    expect(world.clock.monotonicMs() - beforeMs).toBeLessThan(10 * 60_000);
    await world.settles();
    expect(contents(world.right())).toHaveLength(3);
  });

  test('between a process that dies and the next: what it left open is not waited for by the hour', async () => {
    await start();
    deliver(3);
    world.delay = (side, operation) => side === 'target' && operation === 'CreateItem';
    const drained = new Error('drained');
    const dying: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: async () => {
        throw drained;
      },
    };
    await expect(world.pass(0, { clock: dying })).rejects.toThrow();
    expect(await world.store.intents(world.pairId())).toHaveLength(3);
    world.delay = null;
    clock.offsetMs = jumpMs;
    const beforeMs = world.clock.monotonicMs();
    await world.pass();
    expect(world.clock.monotonicMs() - beforeMs).toBeLessThan(45_000_000 / 256 + 120_000);
    await world.settles();
    expect(contents(world.right())).toHaveLength(3);
  });

  test('deletions are held to their budget all the same', async () => {
    await start();
    deliver(30);
    await world.settles();
    for (const item of [...world.left().folder('inbox').items()])
      world.left().remove(item, 'SoftDelete', people, { suppressReceipts: true });
    await world.sync();
    expect(contents(world.right())).toHaveLength(20);
  });
});
