import { expect, test } from 'vitest';
import { sweepFired } from '#agent/full-sweep.ts';
import { sweepKey } from '#agent/work.ts';
import { systemClock } from '#kit/clock.ts';
import type { PairId } from '#model/ids.ts';
import { openStore } from '#store/open-store.ts';
import { readEverythingNext } from './read-everything.ts';

test('the next pass of these pairs reads everything, and of no others', async () => {
  const store = await openStore('sqlite::memory:', { clock: systemClock, log: { info: () => {}, warn: () => {} } });
  const [a, b] = ['a' as PairId, 'b' as PairId];
  const now = systemClock.nowMs();
  await store.ensureWork([{ key: sweepKey(b), priority: 200, nextAtMs: now + 1e9 }]);
  await readEverythingNext(store, [a], systemClock);
  const lastPass = {
    pass: 1,
    startedAtMs: now - 1000,
    endedAtMs: now - 500,
    writes: 0,
    requestsLeft: 1,
    requestsRight: 1,
    bytes: 0,
    waitedMs: {},
    held: 0,
    outcome: 'complete',
  } as const;
  const [first] = await store.work([sweepKey(a)]);
  const [other] = await store.work([sweepKey(b)]);
  expect(sweepFired(first, { lastPass })).toBe(true);
  expect(sweepFired(first, { lastPass: { ...lastPass, startedAtMs: now + 60_000 } })).toBe(false);
  expect(sweepFired(other, { lastPass })).toBe(false);
  await store.close();
});
