import { FULL_SWEEP_MS } from '#agent/full-sweep.ts';
import { sweepKey } from '#agent/work.ts';
import type { Clock } from '#kit/clock.ts';
import type { PairId } from '#model/ids.ts';
import type { Store } from '#store/store.ts';

const leaseMs = 30_000;

/**
 * Lets the sweep timers of these pairs go off: the next pass of each reads every folder, whatever the folders' marks say. Marks
 * need not move when somebody only marks mail as read.
 */
export async function readEverythingNext(store: Store, pairs: readonly PairId[], clock: Clock): Promise<void> {
  const now = clock.nowMs();
  const keys = new Set(pairs.map(sweepKey));
  await store.ensureWork([...keys].map((key) => ({ key, priority: 200, nextAtMs: now })));
  await store.notify([...keys], now);
  for (const claim of await store.claim('read-everything', 'sweep:', keys.size * 2, now, leaseMs)) {
    // Another pair's timer that was due anyway stays so.
    await store.complete(claim, { nextAtMs: keys.has(claim.key) ? now + FULL_SWEEP_MS : now, failed: false });
  }
}
