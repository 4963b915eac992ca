import { hostname } from 'node:os';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { type Claim, FencedOut, type Store, type WorkKey } from '#store/store.ts';
import { keepClaim } from './keep-claim.ts';

/**
 * Requests of a process that was killed may still be under way at a server, the longest of them for a minute: so long nobody else touches what it held. A
 * process that ends in order gives back what it holds at once.
 */
const leaseMs = 60_000;
const pauseMs = 250;
/** A pass of a mailbox may take a while; after that the operator is told. */
const waitMaxMs = 10 * 60_000;

/** What is in work for as long as it is held, and by nobody else. */
export interface HeldWork {
  readonly claim: Claim;
  /** Aborted with the command, and when the claim is lost. */
  readonly signal: AbortSignal;
  /** Gives it back; the next pass looks at what was done. */
  release(): Promise<void>;
}

/** Told over and over while somebody else has the work. @param owner who that is. @param endsInMs until it is free, in case that one was killed. */
export type OnHeld = (key: WorkKey, owner: string, endsInMs: number) => void;

/**
 * Takes a piece of work as a worker would, such as the passes of a track, so that nobody else does it meanwhile. Waits for one that is on
 * its way, and is the next one then. Throws FaultError (transient) when it does not end.
 *
 * @param who takes it, in a word.
 */
export async function holdWork(
  store: Store,
  { key, priority }: { readonly key: WorkKey; readonly priority: number },
  who: string,
  { clock, signal, onHeld }: { readonly clock: Clock; readonly signal: AbortSignal; readonly onHeld?: OnHeld },
): Promise<HeldWork> {
  const owner = `${who} ${process.pid} on ${hostname()}`;
  await store.ensureWork([{ key, priority, nextAtMs: clock.nowMs() }]);
  const untilMs = clock.monotonicMs() + waitMaxMs;
  for (;;) {
    signal.throwIfAborted();
    const claim = await store.take(key, owner, clock.nowMs(), leaseMs);
    if (claim !== null) return held(store, claim);
    const [row] = await store.work([key]);
    if (row?.owner != null) onHeld?.(key, row.owner, Math.max(0, (row.nextAtMs ?? 0) - clock.nowMs()));
    if (clock.monotonicMs() > untilMs)
      throw new FaultError({
        kind: 'transient',
        detail: `${row?.owner ?? 'somebody'} has been working on it for 10 minutes; try again later, or stop the agent`,
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
