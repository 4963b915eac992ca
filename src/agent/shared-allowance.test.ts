import { describe, expect, test } from 'vitest';
import { type MailboxLimitsOfService, serviceLimits } from '#connectors/graph/allowance.ts';
import { type Clock, systemClock } from '#kit/clock.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import { sharedAllowance } from './shared-allowance.ts';

const log = { info() {}, warn() {} };
const open = () => openStore('sqlite::memory:', { clock: systemClock, log });
const limits: MailboxLimitsOfService = {
  concurrent: 4,
  requests: { max: 1500, windowMs: 60_000 },
  uploadBytes: { max: 15_000, windowMs: 60_000 },
};

const shared = (store: Store, clock: Clock, owner: string, onWait = (_limit: string, _ms: number) => {}) =>
  sharedAllowance({ store, clock, name: 'mailbox x', limits, owner, onWait });
const within = (clock: Clock, ms: number) => ({
  signal: new AbortController().signal,
  deadlineMs: clock.monotonicMs() + ms,
});

function counted(store: Store): { readonly store: Store; calls(): number } {
  let calls = 0;
  return {
    calls: () => calls,
    store: {
      ...store,
      spend(...args) {
        calls++;
        return store.spend(...args);
      },
      release(...args) {
        calls++;
        return store.release(...args);
      },
    },
  };
}

describe('windows of a mailbox that several processes use', () => {
  /** Spends as two processes do that are as busy as they can be. */
  async function spend(of: 'requests' | 'uploadBytes', amount: () => number, untilMs: number) {
    const clock = new SteppingClock(0);
    const store = await open();
    const uses = ['a', 'b'].map((owner) => shared(store, clock, owner));
    const spent: { readonly atMs: number; readonly amount: number }[] = [];
    for (let n = 0; clock.monotonicMs() < untilMs; n++) {
      const one = amount();
      await uses[n % 2]?.book({ requests: 0, uploadBytes: 0, [of]: one }, within(clock, 120_000));
      spent.push({ atMs: clock.monotonicMs(), amount: one });
    }
    return spent;
  }

  test.each([
    ['requests', () => 1 + Math.floor(Math.random() * 20)],
    ['uploadBytes', () => 1 + Math.floor(Math.random() * 700)],
  ] as const)('%s: none sees more than the service allows, and nearly all of it is used', async (of, amount) => {
    const { max, windowMs } = limits[of];
    const spent = await spend(of, amount, 4 * windowMs);
    for (const [first, { atMs }] of spent.entries()) {
      let inWindow = 0;
      for (let at = first; at < spent.length; at++) {
        const one = spent[at];
        if (one === undefined || one.atMs >= atMs + windowMs) break;
        inWindow += one.amount;
      }
      expect(inWindow).toBeLessThanOrEqual(max);
    }
    const total = spent.reduce((sum, one) => sum + one.amount, 0);
    expect(total).toBeGreaterThan(4 * max * 0.9);
  });

  test.each([1, 2])('mails of a megabyte from %i processes use what the service allows', async (processes) => {
    const clock = new SteppingClock(0);
    const store = await open();
    const uses = Array.from({ length: processes }, (_, n) =>
      sharedAllowance({ store, clock, name: 'x', limits: serviceLimits, owner: `process ${n}`, onWait() {} }),
    );
    const [mails, uploadBytes] = [900, 955_500];
    for (let n = 0; n < mails; n++)
      await uses[n % processes]?.book({ requests: 1, uploadBytes }, within(clock, 600_000));
    const { max, windowMs } = serviceLimits.uploadBytes;
    const share = (mails * uploadBytes) / ((max * clock.monotonicMs()) / windowMs);
    expect(share).toBeGreaterThan(0.98);
    // What may be used ahead of time, once.
    expect(share).toBeLessThan(1.1);
  });

  test('something larger than a window goes when the window is empty', async () => {
    const clock = new SteppingClock(0);
    const one = shared(await open(), clock, 'a');
    await one.book({ requests: 0, uploadBytes: 20_000 }, within(clock, 600_000));
    const first = clock.monotonicMs();
    await one.book({ requests: 0, uploadBytes: 20_000 }, within(clock, 600_000));
    expect(clock.monotonicMs() - first).toBeGreaterThanOrEqual(60_000);
  });

  test('who would have to wait for longer than there is time is told so, and what limits it', async () => {
    const clock = new SteppingClock(0);
    const waits: string[] = [];
    const one = shared(await open(), clock, 'a', (limit) => waits.push(limit));
    const all = Array.from({ length: 40 }, () => one.book({ requests: 0, uploadBytes: 700 }, within(clock, 5_000)));
    const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { fault: { kind: 'throttled', limit: 'bytes per window' } } });
    expect(new Set(waits)).toEqual(new Set(['bytes per window']));
  });

  test('a look now and then costs hardly a call of the store', async () => {
    const clock = new SteppingClock(0);
    const { store, calls } = counted(await open());
    const one = sharedAllowance({ store, clock, name: 'x', limits: serviceLimits, owner: 'a', onWait() {} });
    for (let n = 0; n < 60; n++) {
      await one.book({ requests: 1, uploadBytes: 0 }, within(clock, 60_000));
      clock.advance(10_000);
    }
    expect(calls()).toBeLessThanOrEqual(2);
  });
});

describe('the turn in a mailbox', () => {
  test('two busy processes are never in it together, and none waits for long', async () => {
    const store = await open();
    const inside = { a: 0, b: 0 };
    const done = { a: 0, b: 0 };
    const endsMs = systemClock.monotonicMs() + 4_500;
    let longestMs = 0;
    const work = async (owner: 'a' | 'b') => {
      const one = shared(store, systemClock, owner);
      const underWay = new Set<Promise<void>>();
      while (systemClock.monotonicMs() < endsMs) {
        const askedMs = systemClock.monotonicMs();
        const leave = await one.enter(within(systemClock, 30_000));
        longestMs = Math.max(longestMs, systemClock.monotonicMs() - askedMs);
        inside[owner]++;
        expect(inside.a === 0 || inside.b === 0).toBe(true);
        const request = systemClock.sleep(20).then(() => {
          inside[owner]--;
          done[owner]++;
          leave();
          underWay.delete(request);
        });
        underWay.add(request);
        if (underWay.size >= 4) await Promise.race(underWay);
      }
      await Promise.all(underWay);
    };
    await Promise.all([work('a'), work('b')]);
    expect(Math.min(done.a, done.b)).toBeGreaterThan(50);
    expect(longestMs).toBeLessThan(2_500);
  });

  test('it stays with a process that is alone at few calls of the store, and goes back when it is idle', async () => {
    const { store, calls } = counted(await open());
    const [one, other] = [shared(store, systemClock, 'a'), shared(store, systemClock, 'b')];
    for (let n = 0; n < 100; n++) (await one.enter(within(systemClock, 30_000)))();
    expect(calls()).toBe(1);
    await systemClock.sleep(400);
    expect(calls()).toBe(2);
    const askedMs = systemClock.monotonicMs();
    (await other.enter(within(systemClock, 30_000)))();
    expect(systemClock.monotonicMs() - askedMs).toBeLessThan(300);
  });

  test('one that died with it keeps it for seconds only; one that is slow keeps it', async () => {
    const store = await open();
    // Never given back, and nobody renews it.
    await store.spend(
      'mailbox x',
      { inFlightMax: 1, requestsPerMinute: null, bytesPerMinute: null },
      'dead',
      { requests: 0, bytes: 0 },
      systemClock.nowMs(),
      systemClock.nowMs() + 700,
    );
    const one = shared(store, systemClock, 'a');
    const leave = await one.enter(within(systemClock, 30_000));
    await systemClock.sleep(7_000);
    const other = shared(store, systemClock, 'b');
    await expect(other.enter(within(systemClock, 300))).rejects.toMatchObject({ fault: { kind: 'throttled' } });
    leave();
    (await other.enter(within(systemClock, 30_000)))();
  }, 20_000);

  test('a pause that the service asks for holds for all', async () => {
    const store = await open();
    const [one, other] = [shared(store, systemClock, 'a'), shared(store, systemClock, 'b')];
    await one.pause(500, 'ApplicationThrottled');
    const askedMs = systemClock.monotonicMs();
    (await other.enter(within(systemClock, 30_000)))();
    expect(systemClock.monotonicMs() - askedMs).toBeGreaterThanOrEqual(450);
  });
});
