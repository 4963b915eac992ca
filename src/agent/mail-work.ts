import { runMailPass } from '#jobs/mail/mail-pass.ts';
import type { PairId } from '#model/ids.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { PairRow, Store } from '#store/store.ts';
import { sweepFired } from './full-sweep.ts';
import { passWork, type WorkPair } from './pass-work.ts';
import { type Handler, sweepKey } from './work.ts';

/** What a worker knows of a pair's mail. */
export interface MailPair extends WorkPair {
  readonly policy: MailPolicy;
}

const LANES = 4;
/** Shortest time between two passes that no notice asked for. */
const SWEEP_MIN_MS = 30_000;
/** How soon a pass follows that left something for the next one, such as deletes that wait for their create. */
const AGAIN_MS = 2_000;

/** The work `mail:PAIR`: one pass, then the time of the next. @param find Null: this project does not work on the pair. */
export function mailWork(find: (pair: PairId, store: Store) => Promise<MailPair | null>): Handler {
  return passWork('mail', find, async ({ policy, schedule }, services, { pair, track, claim }, signal) => {
    const [sweep] = await services.store.work([sweepKey(pair)]);
    const everything = sweepFired(sweep, track);
    const { summary, again } = await runMailPass({ ...services, policy, lanes: LANES }, pair, claim, signal, {
      everything,
    });
    const pauseMs = again ? AGAIN_MS : nextIntervalMs(track, summary.writes, schedule.everyMs, services.clock.nowMs());
    return { summary, pauseMs };
  });
}

/** Active pairs are looked at often, quiet ones half as often each time, up to the interval of their collection. */
export function nextIntervalMs(
  before: Pick<PairRow, 'lastPass'>,
  writes: number,
  everyMs: number,
  nowMs: number,
): number {
  if (writes > 0 || !before.lastPass) return Math.min(SWEEP_MIN_MS, everyMs);
  const sinceLastMs = Math.max(0, nowMs - before.lastPass.endedAtMs);
  return Math.min(everyMs, Math.max(SWEEP_MIN_MS, 2 * sinceLastMs));
}
