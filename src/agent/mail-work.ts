import type { Connector } from '#connectors/contract.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import { PassInterrupted } from '#jobs/pass/pass-core.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import type { MailPolicy } from '#model/policy.ts';
import { SecretError } from '#project/secret.ts';
import { opensAtMs, type Schedule } from '#project/window.ts';
import type { PairRow, Store, WorkRow } from '#store/store.ts';
import { type Handler, type Outcome, subjectOf, sweepKey } from './work.ts';
import { pauseAfterFailureMs } from './work-loop.ts';

/** What a worker knows of a pair. */
export interface MailPair {
  readonly left: Connector;
  readonly right: Connector;
  readonly policy: MailPolicy;
  readonly schedule: Schedule;
  /** Milliseconds that requests of this pair waited since it was last asked, by the name of the limit. */
  readonly takeWaits: () => Readonly<Record<string, number>>;
}

/** No request of a pass is on its way longer than this, however small. */
const REQUEST_DEADLINE_MS = 60_000;
const LANES = 4;
/** Shortest time between two passes that no notice asked for. */
const SWEEP_MIN_MS = 30_000;
/** How soon a pass follows that left something for the next one, such as deletes that wait for their create. */
const AGAIN_MS = 2_000;
/** How often everything is read, whatever the marks say: read flags may not move them. */
export const FULL_SWEEP_MS = 6 * 3_600_000;

/** The work `mail:PAIR`: one pass, then the time of the next. @param find Null: this project does not work on the pair. */
export function mailWork(find: (pair: PairId, store: Store) => Promise<MailPair | null>): Handler {
  return async (claim, { store, clock, random, emit, draining }, signal) => {
    const id = subjectOf(claim.key) as PairId;
    const before = await store.pair(id);
    if (!before) return { nextAtMs: null, failed: false };
    /** @param everyMs Shortest pause: the cause may pass (a mailbox gets its rights, a quota is raised), but seldom soon. */
    const stop = async (because: string, everyMs: number): Promise<Outcome> => {
      await store.commit(id, claim, { pair: { stoppedBecause: because } });
      emit({ kind: 'pair-stopped', pair: id, because });
      return { nextAtMs: clock.nowMs() + Math.max(everyMs, pauseAfterFailureMs(claim.attempts)), failed: true };
    };
    let pair: MailPair | null;
    try {
      pair = await find(id, store);
    } catch (error) {
      const because = lasting(error);
      if (because === null) throw error;
      return stop(because, 0);
    }
    if (!pair) return { nextAtMs: null, failed: false };
    const opensMs = opensAtMs(pair.schedule, clock.nowMs());
    if (opensMs > clock.nowMs()) return { nextAtMs: opensMs, failed: false };

    const [sweep] = await store.work([sweepKey(id)]);
    emit({ kind: 'pass-started', pair: id });
    let copied = 0;
    let bytes = 0;
    try {
      const { summary, again } = await runMailPass(
        {
          store,
          left: pair.left,
          right: pair.right,
          policy: pair.policy,
          clock,
          random,
          requestDeadlineMs: REQUEST_DEADLINE_MS,
          lanes: LANES,
          takeWaits: pair.takeWaits,
          draining,
          progress(event) {
            if (event.kind === 'waiting') emit({ kind: 'waiting', pair: id, why: event.why, ms: event.ms });
            if (event.kind !== 'items') return;
            copied += event.copied;
            bytes += event.bytes;
            emit({ kind: 'items', pair: id, copied, bytes });
          },
        },
        id,
        claim,
        signal,
        { everything: sweepFired(sweep, before) },
      );
      emit({ kind: 'pass-ended', pair: id, summary });
      const intervalMs = again
        ? AGAIN_MS
        : nextIntervalMs(before, summary.writes, pair.schedule.everyMs, clock.nowMs());
      return { nextAtMs: opensAtMs(pair.schedule, clock.nowMs() + intervalMs), failed: false };
    } catch (error) {
      // Whoever takes the claim next goes on from what is recorded.
      if (error instanceof PassInterrupted) return { nextAtMs: clock.nowMs(), failed: false };
      const because = lasting(error);
      // A server that cannot be reached is looked for again soon; all else needs somebody who does something about it.
      if (because !== null) return stop(because, because.startsWith('exhausted:') ? 0 : pair.schedule.everyMs);
      if (!(error instanceof FaultError)) throw error;
      // What was done is recorded; the rest follows when the limit allows it.
      if (error.fault.kind === 'throttled') {
        emit({ kind: 'waiting', pair: id, why: error.fault.limit, ms: error.fault.retryAfterMs });
        return { nextAtMs: clock.nowMs() + error.fault.retryAfterMs, failed: false };
      }
      throw error;
    }
  };
}

/** Why a pair cannot go on, `code: detail`; null for what is tried again at once. A secret may be taken away while we run. */
function lasting(error: unknown): string | null {
  if (error instanceof SecretError) return `config: ${error.message}`;
  return error instanceof FaultError && error.fault.kind === 'fatal'
    ? `${error.fault.code}: ${error.fault.detail}`
    : null;
}

/** The work `sweep:PAIR`: a timer. The pass that it asks for sees that it went off and reads everything. */
export function sweepWork(): Handler {
  return async (claim, { store, clock }) => {
    const now = clock.nowMs();
    await store.notify([`mail:${subjectOf(claim.key)}`], now);
    return { nextAtMs: now + FULL_SWEEP_MS, failed: false };
  };
}

/** Whether the timer went off since the last pass that was finished. */
export function sweepFired(sweep: WorkRow | undefined, pair: Pick<PairRow, 'lastPass'>): boolean {
  if (!sweep || sweep.token === 0 || !pair.lastPass) return false;
  if (sweep.owner !== null) return true;
  return sweep.nextAtMs !== null && sweep.nextAtMs - FULL_SWEEP_MS >= pair.lastPass.startedAtMs;
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
