import { describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import { openStore } from '#store/open-store.ts';
import { holdWork } from './hold-work.ts';
import { runWorkLoop } from './work-loop.ts';

const log = { info() {}, warn() {} };
const key = 'mail:busy';

describe('work that a command wants for itself', () => {
  test('is its own after the pass that is under way, however busy the mailbox is, and the agent goes on afterwards', async () => {
    const clock = systemClock;
    const store = await openStore('sqlite::memory:', { clock, log });
    const drain = new AbortController();
    let passes = 0;
    let isHeld = false;
    await store.ensureWork([{ key, priority: 100, nextAtMs: 0 }]);
    const agent = runWorkLoop({
      store,
      clock,
      log,
      random: seededRandom('hold'),
      owner: 'worker',
      kind: 'mail',
      async handler() {
        expect(isHeld, 'both work on it').toBe(false);
        passes++;
        // Mail comes in all the time.
        await store.notify([key], clock.nowMs());
        await clock.sleep(40);
        await store.notify([key], clock.nowMs());
        return { nextAtMs: clock.nowMs(), failed: false };
      },
      concurrency: 4,
      leaseMs: 10_000,
      yieldMs: () => 0,
      drain: drain.signal,
      drainMs: 1_000,
      emit: () => {},
    });
    const told: string[] = [];
    for (let round = 0; round < 5; round++) {
      const before = passes;
      while (passes < before + 3) await clock.sleep(5);
      const since = passes;
      const { signal } = new AbortController();
      const onHeld = (_: string, owner: string) => void told.push(owner);
      const held = await holdWork(store, { key, priority: 100 }, 'switch', { clock, signal, onHeld });
      isHeld = true;
      expect(passes - since).toBeLessThanOrEqual(1);
      await store.notify([key], clock.nowMs());
      await clock.sleep(50);
      isHeld = false;
      await held.release();
    }
    expect(new Set(told)).toEqual(new Set(['worker']));
    drain.abort();
    await agent;
    await store.close();
  });
});
