import type { Clock } from '#kit/clock.ts';
import { type Claim, FencedOut, type Store } from '#store/store.ts';

export interface KeptClaim {
  /** Aborted, with `FencedOut` as the reason, when the claim is lost or can no longer be known to be ours. */
  readonly lost: AbortSignal;
  /** Ends the heartbeat. @returns the claim as it stands. */
  stop(): Promise<Claim>;
}

/**
 * Keeps a claim alive with a heartbeat at a third of the lease. A store that does not answer is asked again until the lease has
 * ended; then the claim counts as lost, because somebody else may hold it.
 */
export function keepClaim(store: Store, clock: Clock, taken: Claim, leaseMs: number): KeptClaim {
  const lost = new AbortController();
  const stopping = new AbortController();
  let claim = taken;
  let safeUntilMs = clock.monotonicMs() + leaseMs;

  const beating = (async () => {
    const pauseMs = leaseMs / 3;
    while (!stopping.signal.aborted) {
      await clock.sleep(pauseMs, stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      const askedMs = clock.monotonicMs();
      try {
        claim = await store.extend(claim, clock.nowMs(), leaseMs);
        safeUntilMs = askedMs + leaseMs;
      } catch (error) {
        if (error instanceof FencedOut) return lost.abort(error);
        if (clock.monotonicMs() + pauseMs > safeUntilMs)
          return lost.abort(new FencedOut(`the lease of ${claim.key} ended while the store did not answer`));
      }
    }
  })();

  return {
    lost: lost.signal,
    async stop() {
      stopping.abort();
      await beating;
      return claim;
    },
  };
}
