import type { PairId } from '#model/ids.ts';
import type { ContentKind, PairRow, WorkRow } from '#store/store.ts';
import { type Handler, passKey, subjectOf } from './work.ts';

/** How often everything is read, whatever the marks say: read flags may not move them. */
export const FULL_SWEEP_MS = 6 * 3_600_000;

/** The work `sweep:PAIR`: a timer. The passes that it asks for see that it went off and read everything. */
export function sweepWork(kindsOf: (pair: PairId) => readonly ContentKind[]): Handler {
  return async (claim, { store, clock }) => {
    const now = clock.nowMs();
    const pair = subjectOf(claim.key) as PairId;
    await store.notify(
      kindsOf(pair).map((kind) => passKey(pair, kind)),
      now,
    );
    return { nextAtMs: now + FULL_SWEEP_MS, failed: false };
  };
}

/** Whether the timer went off since the last pass that was finished. */
export function sweepFired(sweep: WorkRow | undefined, pair: Pick<PairRow, 'lastPass'>): boolean {
  if (!sweep || sweep.token === 0 || !pair.lastPass) return false;
  if (sweep.owner !== null) return true;
  return sweep.nextAtMs !== null && sweep.nextAtMs - FULL_SWEEP_MS >= pair.lastPass.startedAtMs;
}
