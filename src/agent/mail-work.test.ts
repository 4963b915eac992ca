import { describe, expect, test } from 'vitest';
import type { PassSummary, WorkRow } from '#store/store.ts';
import { FULL_SWEEP_MS, nextIntervalMs, sweepFired } from './mail-work.ts';

const MINUTE = 60_000;
const pass = (startedAtMs: number, endedAtMs: number): { readonly lastPass: PassSummary } => ({
  lastPass: {
    pass: 1,
    startedAtMs,
    endedAtMs,
    writes: 0,
    requestsLeft: 1,
    requestsRight: 1,
    bytes: 0,
    waitedMs: {},
    held: 0,
    outcome: 'complete',
  },
});

describe('the time of the next pass', () => {
  test('is soon for a pair in which something happens', () => {
    expect(nextIntervalMs(pass(0, 0), 3, 15 * MINUTE, 100 * MINUTE)).toBe(30_000);
    expect(nextIntervalMs({ lastPass: null }, 0, 15 * MINUTE, 0)).toBe(30_000);
    expect(nextIntervalMs(pass(0, 0), 3, 10_000, 0)).toBe(10_000);
  });
  test('doubles for a quiet one, up to the interval of the collection', () => {
    expect(nextIntervalMs(pass(0, 0), 0, 15 * MINUTE, 30_000)).toBe(MINUTE);
    expect(nextIntervalMs(pass(0, 0), 0, 15 * MINUTE, 10 * MINUTE)).toBe(15 * MINUTE);
    // A clock that went back.
    expect(nextIntervalMs(pass(0, 10 * MINUTE), 0, 15 * MINUTE, 0)).toBe(30_000);
  });
});

describe('the full sweep', () => {
  const row = (over: Partial<WorkRow>): WorkRow => ({
    key: 'sweep:x',
    priority: 0,
    nextAtMs: null,
    generation: 0,
    startedGeneration: 0,
    owner: null,
    token: 1,
    attempts: 0,
    dirtySinceMs: null,
    ...over,
  });
  test('is due when the timer went off after the last finished pass began', () => {
    expect(sweepFired(row({ nextAtMs: 1000 + FULL_SWEEP_MS }), pass(999, 1200))).toBe(true);
    expect(sweepFired(row({ nextAtMs: 1000 + FULL_SWEEP_MS }), pass(1001, 1200))).toBe(false);
    expect(sweepFired(row({ owner: 'somebody', nextAtMs: 5 }), pass(1001, 1200))).toBe(true);
  });
  test('is not due before the timer ever went off, nor before the first pass, which reads everything anyway', () => {
    expect(sweepFired(undefined, pass(0, 0))).toBe(false);
    expect(sweepFired(row({ token: 0, nextAtMs: FULL_SWEEP_MS }), pass(0, 0))).toBe(false);
    expect(sweepFired(row({ nextAtMs: FULL_SWEEP_MS }), { lastPass: null })).toBe(false);
  });
});
