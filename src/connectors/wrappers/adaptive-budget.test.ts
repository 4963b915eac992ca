import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { adaptiveBudget } from './adaptive-budget.ts';
import { jumpingClock, within } from './scripted.fixture.ts';

describe('in flight', () => {
  test('grows by one for each round without a refusal, and is halved by one', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 16, inFlightStart: 4 });
    const round = async () => {
      const places = await Promise.all(Array.from({ length: budget.allowed }, () => budget.acquire(0, within(1e9))));
      for (const release of places) release();
    };
    for (let n = 0; n < 4; n++) await round();
    expect(budget.allowed).toBeGreaterThanOrEqual(7);
    for (let n = 0; n < 40; n++) await round();
    expect(budget.allowed).toBe(16);
    await clock.sleep(5_000);
    budget.backOff(1_000, 'EWS');
    budget.backOff(1_000, 'EWS');
    expect(budget.allowed).toBe(8);
    for (let n = 0; n < 20; n++) {
      await clock.sleep(2_000);
      budget.backOff(0, 'EWS');
    }
    expect(budget.allowed).toBe(1);
  });

  test('a request that was on its way at the refusal is no reason to grow', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 8, inFlightStart: 4 });
    const release = await budget.acquire(0, within(1e9));
    await clock.sleep(10);
    budget.backOff(100, 'EWS');
    expect(budget.allowed).toBe(2);
    release();
    release();
    expect([budget.allowed, budget.inFlight]).toEqual([2, 0]);
  });

  test('is a bound, and places are given in turn', async () => {
    const budget = adaptiveBudget({ clock: systemClock, inFlightMax: 2, inFlightStart: 2 });
    const order: number[] = [];
    let most = 0;
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const release = await budget.acquire(0, within(Number.POSITIVE_INFINITY));
        order.push(n);
        most = Math.max(most, budget.inFlight);
        await new Promise((resolve) => setTimeout(resolve, 2));
        release();
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(budget.waitedMs.get('in flight')).toBeGreaterThan(5);
  });

  test('who cannot wait longer is told to come back, and who was stopped is let go', async () => {
    const budget = adaptiveBudget({ clock: systemClock, inFlightMax: 1 });
    await budget.acquire(0, within(Number.POSITIVE_INFINITY));
    await expect(budget.acquire(0, within(systemClock.monotonicMs() + 30))).rejects.toMatchObject({
      fault: { kind: 'throttled', limit: 'in flight' },
    });
    const stopping = new AbortController();
    const waiting = budget.acquire(0, within(Number.POSITIVE_INFINITY, stopping.signal));
    setTimeout(() => stopping.abort(), 10);
    await expect(waiting).rejects.toThrow(FaultError);
    expect(budget.inFlight).toBe(1);
  });
});

describe('the server’s word', () => {
  test('holds everybody, and is counted by its name', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 8 });
    budget.backOff(5_000, 'EWS Policy=x');
    budget.backOff(1_000, 'other');
    await budget.acquire(0, within(1e9));
    expect(clock.monotonicMs()).toBe(5_000);
    expect([...budget.waitedMs]).toEqual([['EWS Policy=x', 5_000]]);
  });

  test('of no time at all is a pause nevertheless', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 8 });
    budget.backOff(0, 'EWS');
    await budget.acquire(0, within(1e9));
    expect(clock.monotonicMs()).toBe(250);
  });

  test('beyond the deadline is passed on at once', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 8 });
    budget.backOff(300_000, 'EWS');
    await expect(budget.acquire(0, within(60_000))).rejects.toMatchObject({
      fault: { kind: 'throttled', retryAfterMs: 300_000, limit: 'EWS' },
    });
    expect(clock.slept).toEqual([]);
  });
});

describe('limits of the project file', () => {
  test('requests per minute', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 1000, inFlightStart: 1000, requestsPerMinute: 600 });
    for (let n = 0; n < 1200; n++) (await budget.acquire(0, within(1e9)))();
    // 60 at once, then ten a second.
    expect(clock.monotonicMs()).toBeGreaterThan(110_000);
    expect(clock.monotonicMs()).toBeLessThan(120_000);
    expect(budget.waitedMs.get('requests per minute')).toBe(clock.monotonicMs());
  });

  test('bytes per minute; one that is larger than all of it is let through and paid back', async () => {
    const clock = jumpingClock();
    const budget = adaptiveBudget({ clock, inFlightMax: 10, bytesPerMinute: 60_000 });
    (await budget.acquire(120_000, within(1e9)))();
    expect(clock.monotonicMs()).toBe(0);
    (await budget.acquire(1, within(1e9)))();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(114_000);
    expect(clock.monotonicMs()).toBeLessThan(115_000);
  });
});
