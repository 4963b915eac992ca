import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { openStore } from '#store/open-store.ts';
import type { BudgetLimits, Store } from '#store/store.ts';
import { type RequestBudget, storeBudget } from './budgets.ts';

const log = { info() {}, warn() {} };
const context = (signal = new AbortController().signal) => ({ signal, deadlineMs: systemClock.monotonicMs() + 90_000 });
const open = () => openStore('sqlite::memory:', { clock: systemClock, log });

function counted(store: Store): { readonly store: Store; spent(): number } {
  let spent = 0;
  return {
    spent: () => spent,
    store: {
      ...store,
      spend(...args) {
        spent++;
        return store.spend(...args);
      },
    },
  };
}

const budget = (store: Store, limits: Partial<BudgetLimits>, owner = 'a'): RequestBudget =>
  storeBudget({
    store,
    clock: systemClock,
    name: 'host',
    owner,
    limits: { inFlightMax: 2, requestsPerMinute: null, bytesPerMinute: null, ...limits },
  });

/** Sends `count` requests of 3 ms, as many at a time as the budgets let. @returns the most that were out together. */
async function send(budgets: readonly RequestBudget[], count: number): Promise<number> {
  let out = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const release = await budgets[n % budgets.length]?.acquire(100, context());
      most = Math.max(most, ++out);
      await systemClock.sleep(3);
      out--;
      release?.();
    }),
  );
  return most;
}

describe('a budget in the store', () => {
  test('holds for all processes together, at few calls of the store', async () => {
    const { store, spent } = counted(await open());
    expect(
      await send([budget(store, { inFlightMax: 4 }, 'a'), budget(store, { inFlightMax: 4 }, 'b')], 40),
    ).toBeLessThanOrEqual(4);
    const before = spent();
    const one = budget(store, { inFlightMax: 4 }, 'c');
    await systemClock.sleep(600);
    for (let n = 0; n < 100; n++) (await one.acquire(1, context()))();
    expect(spent() - before).toBeLessThan(5);
  });

  test('an idle place goes back to the others', async () => {
    const store = await open();
    const [a, b] = [budget(store, { inFlightMax: 1 }, 'a'), budget(store, { inFlightMax: 1 }, 'b')];
    (await a.acquire(1, context()))();
    const started = systemClock.monotonicMs();
    (await b.acquire(1, context()))();
    expect(systemClock.monotonicMs() - started).toBeLessThan(1500);
  });

  test('requests of a minute are paid in advance by few, bytes one by one', async () => {
    const { store, spent } = counted(await open());
    const paced = budget(store, { inFlightMax: 1, requestsPerMinute: 60_000 });
    for (let n = 0; n < 20; n++) (await paced.acquire(1, context()))();
    expect(spent()).toBe(2);
    const byBytes = storeBudget({
      store,
      clock: systemClock,
      name: 'bytes',
      owner: 'a',
      limits: { inFlightMax: 1, requestsPerMinute: null, bytesPerMinute: 6e9 },
    });
    for (let n = 0; n < 5; n++) (await byBytes.acquire(1, context()))();
    expect(spent()).toBe(7);
  });

  test('after a refusal nobody sends before its time, whatever was paid', async () => {
    const store = await open();
    const waits: [string, number][] = [];
    const paced = storeBudget({
      store,
      clock: systemClock,
      name: 'host',
      owner: 'a',
      limits: { inFlightMax: 2, requestsPerMinute: null, bytesPerMinute: null },
      onWait: (limit, ms) => waits.push([limit, ms]),
    });
    (await paced.acquire(1, context()))();
    const refusedMs = systemClock.nowMs();
    await paced.backOff(80, 'EWSMaxConcurrency');
    (await paced.acquire(1, context()))();
    expect(systemClock.nowMs() - refusedMs).toBeGreaterThanOrEqual(80);
    expect(waits[0]?.[0]).toBe('EWSMaxConcurrency');
  });

  test('a request that could not be sent within its deadline is told so at once', async () => {
    const paced = budget(await open(), {});
    await paced.backOff(120_000, 'x');
    await expect(paced.acquire(1, context())).rejects.toMatchObject({ fault: { kind: 'throttled', limit: 'x' } });
  });

  test('waiting ends with the signal', async () => {
    const store = await open();
    const paced = budget(store, {});
    await paced.backOff(60_000, 'x');
    const stop = new AbortController();
    const waiting = paced.acquire(1, context(stop.signal));
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
