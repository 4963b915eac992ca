import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { openStore } from '#store/open-store.ts';
import { FencedOut } from '#store/store.ts';
import type { Handler, Outcome } from './work.ts';
import { pauseAfterFailureMs, runWorkLoop, type WorkLoopOptions } from './work-loop.ts';

const log = { info() {}, warn() {} };
const done: Outcome = { nextAtMs: null, failed: false };

async function world() {
  const store = await openStore('sqlite::memory:', { clock: systemClock, log });
  const drain = new AbortController();
  const loop = (handler: Handler, over: Partial<WorkLoopOptions> = {}) =>
    runWorkLoop({
      store,
      clock: systemClock,
      random: seededRandom(1),
      log,
      owner: 'me',
      kind: 'mail',
      handler,
      concurrency: 4,
      leaseMs: 300,
      yieldMs: () => 0,
      drain: drain.signal,
      drainMs: 10_000,
      emit() {},
      ...over,
    });
  const due = (...subjects: string[]) =>
    store.ensureWork(
      subjects.map((subject) => ({ key: `mail:${subject}`, priority: 0, nextAtMs: systemClock.nowMs() })),
    );
  return { store, drain, loop, due };
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 5000) throw new Error('did not happen');
    await systemClock.sleep(5);
  }
};

describe('a work loop', () => {
  test('does everything that is due, at most so many at a time, and again after a notice', async () => {
    const { store, drain, loop, due } = await world();
    await due(...Array.from({ length: 12 }, (_, n) => `${n}`));
    const did: string[] = [];
    let running = 0;
    let most = 0;
    const ended = loop(async ({ key }) => {
      most = Math.max(most, ++running);
      await systemClock.sleep(10);
      running--;
      did.push(key);
      return done;
    });
    await until(() => did.length === 12);
    expect(new Set(did).size).toBe(12);
    expect(most).toBe(4);
    await store.notify(['mail:3'], systemClock.nowMs());
    await until(() => did.length === 13);
    expect(did.at(-1)).toBe('mail:3');
    drain.abort();
    await ended;
    expect((await store.work()).every((row) => row.owner === null && row.nextAtMs === null)).toBe(true);
  });

  test('keeps the claim of long work, so that nobody else gets it', async () => {
    const { store, drain, loop, due } = await world();
    await due('long');
    let finish = () => {};
    // A machine that stands still for two of the three renewals in a lease is not what is tested here.
    const leaseMs = 1_500;
    const ended = loop(() => new Promise((resolve) => (finish = () => resolve(done))), { leaseMs });
    await systemClock.sleep(leaseMs + 500);
    expect(await store.claim('other', 'mail:', 1, systemClock.nowMs(), 1000)).toEqual([]);
    finish();
    drain.abort();
    await ended;
    expect(await store.work()).toMatchObject([{ owner: null, attempts: 0 }]);
  });

  test('stops work whose claim was taken over, and leaves the row to its new owner', async () => {
    const { store, drain, loop, due } = await world();
    await due('a');
    let reason: unknown = null;
    const ended = loop(
      (_claim, _services, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject((reason = signal.reason)))),
    );
    await systemClock.sleep(20);
    // As if this process had slept through its lease.
    const [heir] = await store.claim('heir', 'mail:', 1, systemClock.nowMs() + 1000, 60_000);
    expect(heir).toBeDefined();
    await until(() => reason !== null);
    expect(reason).toBeInstanceOf(FencedOut);
    drain.abort();
    await ended;
    expect(await store.work()).toMatchObject([{ owner: 'heir' }]);
  });

  test('puts failed work off, longer each time, and goes on with the rest', async () => {
    const { store, drain, loop, due } = await world();
    await due('bad', 'good');
    const did: string[] = [];
    const ended = loop(async ({ key }) => {
      did.push(key);
      if (key === 'mail:bad') throw new FaultError({ kind: 'transient', detail: 'reset', mayHaveHappened: false });
      return done;
    });
    await until(() => did.length === 2);
    drain.abort();
    await ended;
    const [bad] = await store.work(['mail:bad']);
    expect(bad?.attempts).toBe(1);
    expect((bad?.nextAtMs ?? 0) - systemClock.nowMs()).toBeGreaterThan(4000);
    expect([1, 2, 3, 8, 50].map(pauseAfterFailureMs)).toEqual([5000, 10_000, 20_000, 600_000, 600_000]);
  });

  test('draining lets work end in order', async () => {
    const { store, drain, loop, due } = await world();
    await due('a', 'b');
    let polite = 0;
    let begun = 0;
    const ended = loop(async (_claim, { draining }) => {
      begun++;
      await new Promise((resolve) => draining.addEventListener('abort', resolve));
      polite++;
      return { nextAtMs: 7, failed: false };
    });
    await until(() => begun === 2);
    drain.abort();
    await ended;
    expect(polite).toBe(2);
    expect(await store.work()).toMatchObject([
      { owner: null, nextAtMs: 7 },
      { owner: null, nextAtMs: 7 },
    ]);
  });

  test('work that does not end when drained is broken off and is due at once for others', async () => {
    const { store, drain, loop, due } = await world();
    await due('a');
    let begun = false;
    const ended = loop(
      (_claim, _services, signal) => {
        begun = true;
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      { drainMs: 50 },
    );
    await until(() => begun);
    drain.abort();
    await ended;
    expect(await store.claim('other', 'mail:', 1, systemClock.nowMs(), 1000)).toHaveLength(1);
  });

  test('a store that does not answer is asked again', async () => {
    const { store, drain, loop, due } = await world();
    await due('a');
    let failures = 2;
    const flaky = {
      ...store,
      claim: (...args: Parameters<typeof store.claim>) =>
        failures-- > 0 ? Promise.reject(new Error('no connection')) : store.claim(...args),
    };
    let did = false;
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 20), signal),
    };
    const ended = loop(
      async () => {
        did = true;
        return done;
      },
      { store: flaky, clock },
    );
    await until(() => did);
    drain.abort();
    await ended;
  });
});
