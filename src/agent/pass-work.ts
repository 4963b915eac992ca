import type { Connector } from '#connectors/contract.ts';
import { type PassBasics, PassInterrupted } from '#jobs/pass/pass-core.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import { SecretError } from '#project/secret.ts';
import { opensAtMs, type Schedule } from '#project/window.ts';
import { type Claim, type ContentKind, type PairRow, type PassSummary, type Store, trackId } from '#store/store.ts';
import { type Handler, type Outcome, subjectOf } from './work.ts';
import { pauseAfterFailureMs } from './work-loop.ts';

/** What a worker knows of a track. */
export interface WorkPair {
  readonly left: Connector;
  readonly right: Connector;
  readonly schedule: Schedule;
  /** Milliseconds that requests of this pair waited since it was last asked, by the name of the limit. */
  readonly takeWaits: () => Readonly<Record<string, number>>;
}

export interface PassEnd {
  readonly summary: PassSummary;
  /** Pause until the next pass that no notice asks for; null: nothing more until somebody asks. */
  readonly pauseMs: number | null;
}

/** One pass. `track`: its row as it was before. */
export type RunPass<Pair> = (
  pair: Pair,
  services: PassBasics,
  of: { readonly pair: PairId; readonly track: PairRow; readonly claim: Claim },
  signal: AbortSignal,
) => Promise<PassEnd>;

/** No request of a pass is on its way longer than this, however small. */
const REQUEST_DEADLINE_MS = 60_000;

/**
 * The work `KIND:PAIR`: one pass over a track, then the time of the next.
 *
 * @param find Null: this project does not work on the pair.
 */
export function passWork<Pair extends WorkPair>(
  kind: ContentKind,
  find: (pair: PairId, store: Store) => Promise<Pair | null>,
  run: RunPass<Pair>,
): Handler {
  return async (claim, { store, clock, random, emit, draining }, signal) => {
    const id = subjectOf(claim.key) as PairId;
    const track = trackId(id, kind);
    const { key } = claim;
    const before = await store.pair(track);
    if (!before) return { nextAtMs: null, failed: false };
    /** @param everyMs Shortest pause: the cause may pass (a mailbox gets its rights, a quota is raised), but seldom soon. */
    const stop = async (because: string, everyMs: number): Promise<Outcome> => {
      await store.commit(track, claim, { pair: { stoppedBecause: because } });
      emit({ kind: 'pair-stopped', key, pair: track, because });
      return { nextAtMs: clock.nowMs() + Math.max(everyMs, pauseAfterFailureMs(claim.attempts)), failed: true };
    };
    let pair: Pair | null;
    try {
      pair = await find(id, store);
    } catch (error) {
      const because = lasting(error);
      if (because === null) throw error;
      return stop(because, 0);
    }
    if (!pair) return { nextAtMs: null, failed: false };
    const { schedule } = pair;
    const opensMs = opensAtMs(schedule, clock.nowMs());
    if (opensMs > clock.nowMs()) return { nextAtMs: opensMs, failed: false };

    emit({ kind: 'pass-started', key, pair: track });
    let copied = 0;
    let bytes = 0;
    const services: PassBasics = {
      store,
      left: pair.left,
      right: pair.right,
      clock,
      random,
      requestDeadlineMs: REQUEST_DEADLINE_MS,
      takeWaits: pair.takeWaits,
      draining,
      progress(event) {
        if (event.kind === 'waiting') emit({ kind: 'waiting', key, pair: track, why: event.why, ms: event.ms });
        if (event.kind !== 'items') return;
        copied += event.copied;
        bytes += event.bytes;
        emit({ kind: 'items', key, pair: track, copied, bytes });
      },
    };
    try {
      const { summary, pauseMs } = await run(pair, services, { pair: id, track: before, claim }, signal);
      emit({ kind: 'pass-ended', key, pair: track, summary });
      const nextAtMs = pauseMs === null ? null : opensAtMs(schedule, clock.nowMs() + pauseMs);
      return { nextAtMs, failed: false };
    } catch (error) {
      // Whoever takes the claim next goes on from what is recorded.
      if (error instanceof PassInterrupted) return { nextAtMs: clock.nowMs(), failed: false };
      const because = lasting(error);
      // A server that cannot be reached is looked for again soon; all else needs somebody who does something about it.
      if (because !== null) return stop(because, because.startsWith('exhausted:') ? 0 : schedule.everyMs);
      if (!(error instanceof FaultError)) throw error;
      // What was done is recorded; the rest follows when the limit allows it.
      if (error.fault.kind === 'throttled') {
        emit({ kind: 'waiting', key, pair: track, why: error.fault.limit, ms: error.fault.retryAfterMs });
        return { nextAtMs: clock.nowMs() + error.fault.retryAfterMs, failed: false, goesOn: true };
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
