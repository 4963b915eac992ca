import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import type { PairId } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Store } from '#store/store.ts';
import { sweepFired } from './full-sweep.ts';
import { passWork, type WorkPair } from './pass-work.ts';
import { type Handler, sweepKey } from './work.ts';

/** What a worker knows of a pair's events, contacts, tasks or notes. */
export interface TypedPair extends WorkPair {
  readonly policy: TypedPolicy;
}

/** How soon a pass follows that left something for the next one: deletes that wait for their create are part of the lag. */
const AGAIN_MS = 400;
/** What goes on failing for passing reasons is not asked for so often. */
const AGAIN_MAX_MS = 60_000;

/**
 * The work `calendar:PAIR` and its like: one pass, and nothing more until a notice, a look at the marks or the full sweep asks for the
 * next one.
 */
export function typedWork(kind: TypedKind, find: (pair: PairId, store: Store) => Promise<TypedPair | null>): Handler {
  return passWork(kind, find, async ({ policy }, services, { pair, track, claim }, signal) => {
    const now = services.clock.nowMs();
    const [sweep] = await services.store.work([sweepKey(pair)]);
    const everything = sweepFired(sweep, track);
    const isLeft = track.lastPass?.outcome === 'partial' && track.lastPass.pass === track.pass;
    const { summary, again } = await runTypedPass({ ...services, policy }, pair, kind, claim, signal, {
      everything,
      noticed: !everything && (claim.dirtySinceMs !== null || isLeft),
    });
    return {
      summary,
      pauseMs: again ? pauseAfter(track.lastPass?.outcome === 'partial', summary.writes, track, now) : null,
    };
  });
}

/** Short after something new was left; longer each time when nothing comes of it. */
function pauseAfter(
  wasPartial: boolean,
  writes: number,
  { lastPass }: { readonly lastPass: { readonly endedAtMs: number } | null },
  nowMs: number,
): number {
  if (!wasPartial || writes > 0 || lastPass === null) return AGAIN_MS;
  return Math.min(AGAIN_MAX_MS, Math.max(AGAIN_MS, 2 * (nowMs - lastPass.endedAtMs)));
}
