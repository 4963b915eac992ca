import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { type Claim, FencedOut, type Store, type WorkKey } from '#store/store.ts';
import { keepClaim } from './keep-claim.ts';

const leaseMs = 60_000;
const pauseMs = 250;
/** A pass of a mailbox may take a while; after that the operator is told. */
const waitMaxMs = 10 * 60_000;
/** Due for so long, it is before everything else that is due. */
const overdueMs = 24 * 3_600_000;

/** What is in work for as long as it is held, and by nobody else. */
export interface HeldWork {
  readonly claim: Claim;
  /** Aborted with the command, and when the claim is lost. */
  readonly signal: AbortSignal;
  /** Gives it back; the next pass looks at what was done. */
  release(): Promise<void>;
}

/**
 * Takes a piece of work as a worker would, such as the passes of a track, so that nobody else does it meanwhile. Waits for one that is on
 * its way. Throws FaultError (transient) when it does not end.
 *
 * @param who takes it, in a word.
 */
export async function holdWork(
  store: Store,
  { key, priority }: { readonly key: WorkKey; readonly priority: number },
  who: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<HeldWork> {
  const kindPrefix = key.slice(0, key.indexOf(':') + 1);
  await store.ensureWork([{ key, priority, nextAtMs: clock.nowMs() }]);
  const untilMs = clock.monotonicMs() + waitMaxMs;
  for (;;) {
    signal.throwIfAborted();
    const nowMs = clock.nowMs();
    const [row] = await store.work([key]);
    if (row !== undefined && (row.owner === null || (row.nextAtMs ?? 0) <= nowMs)) {
      await store.notify([key], nowMs - overdueMs);
      for (const claim of await store.claim(`${who} ${process.pid}`, kindPrefix, 1, nowMs, leaseMs)) {
        if (claim.key === key) return held(store, claim);
        await store.complete(claim, { nextAtMs: nowMs, failed: false });
      }
    }
    if (clock.monotonicMs() > untilMs)
      throw new FaultError({
        kind: 'transient',
        detail: 'an agent has been working on it for 10 minutes; try again later, or stop the agent',
        mayHaveHappened: false,
      });
    await clock.sleep(pauseMs, signal);
  }

  function held(from: Store, claim: Claim): HeldWork {
    const kept = keepClaim(from, clock, claim, leaseMs);
    return {
      claim,
      signal: AbortSignal.any([signal, kept.lost]),
      async release() {
        try {
          await from.complete(await kept.stop(), { nextAtMs: clock.nowMs(), failed: false });
        } catch (error) {
          // Whoever took it over gives it back.
          if (!(error instanceof FencedOut)) throw error;
        }
      },
    };
  }
}
