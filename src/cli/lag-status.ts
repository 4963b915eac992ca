import { percentileMs, sumLags, totalOf } from '#jobs/pass/lag-histogram.ts';
import type { Collection } from '#project/project.ts';
import type { ContentKind, PairRow, WorkRow } from '#store/store.ts';

/** A track with what the store holds of it. */
export interface TrackRows {
  readonly collection: string;
  readonly kind: ContentKind;
  readonly row: PairRow | null;
  readonly work: WorkRow | null;
}

/** How long changes of a collection take to be on the other side; the fields of its `--json` line. */
export interface LagStatus {
  readonly collection: string;
  readonly content: ContentKind;
  /** Changes that the percentiles are made of: the latest ones of each pair. */
  readonly changes: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly objectiveMs: number;
  /** Age of the oldest change that is on its way. */
  readonly oldestMs: number;
  /** Why the objective is about to be missed, or is; null: all is well. */
  readonly warning: string | null;
}

/** From this share of the objective on somebody should know. */
const WARN_SHARE = 0.5;
const workersReason =
  'no worker is free for them: raise --workers, or let a second machine work on the same store (PostgreSQL)';

/** One line a collection and kind; mail has no objective. */
export function lagStatus(
  collections: ReadonlyMap<string, Collection>,
  tracks: readonly TrackRows[],
  nowMs: number,
): readonly LagStatus[] {
  const groups = new Map<string, TrackRows[]>();
  for (const track of tracks) {
    if (track.kind === 'mail') continue;
    const key = `${track.collection} ${track.kind}`;
    const group = groups.get(key);
    if (group) group.push(track);
    else groups.set(key, [track]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const collection = first && collections.get(first.collection);
    return first && collection ? [ofGroup(collection, first.kind, group, nowMs)] : [];
  });
}

function ofGroup(
  { name, lagObjectiveMs }: Collection,
  kind: ContentKind,
  group: readonly TrackRows[],
  nowMs: number,
): LagStatus {
  const histogram = sumLags(group.map(({ row }) => row?.lastPass?.lag ?? []));
  const p95Ms = percentileMs(histogram, 0.95);
  const limitMs = lagObjectiveMs * WARN_SHARE;
  const waiting = group.filter((t) => t.row?.state === 'in-step' && ageMs(t, nowMs) > 0);
  const late = waiting.filter((t) => ageMs(t, nowMs) > limitMs);
  const oldestMs = Math.max(0, ...waiting.map((t) => ageMs(t, nowMs)));
  const isSlow = p95Ms !== null && p95Ms > limitMs;
  return {
    collection: name,
    content: kind,
    changes: totalOf(histogram),
    p50Ms: percentileMs(histogram, 0.5),
    p95Ms,
    p99Ms: percentileMs(histogram, 0.99),
    objectiveMs: lagObjectiveMs,
    oldestMs,
    warning: late.length > 0 || isSlow ? limitingFactor(late.length > 0 ? late : group, nowMs) : null,
  };
}

const ageMs = ({ work }: TrackRows, nowMs: number): number =>
  work?.dirtySinceMs == null ? 0 : Math.max(0, nowMs - work.dirtySinceMs);

/** What holds these tracks up most. */
function limitingFactor(tracks: readonly TrackRows[], nowMs: number): string {
  const stopped = tracks.find(({ row }) => row?.stoppedBecause != null)?.row?.stoppedBecause;
  if (stopped) return `stopped (${stopped})`;
  const waited: Record<string, number> = {};
  let passMs = 0;
  for (const { row } of tracks) {
    const last = row?.lastPass;
    if (!last) continue;
    passMs += last.endedAtMs - last.startedAtMs;
    for (const [limit, ms] of Object.entries(last.waitedMs)) waited[limit] = (waited[limit] ?? 0) + ms;
  }
  const [longest] = Object.entries(waited).sort(([, a], [, b]) => b - a);
  if (longest && longest[1] * 4 >= passMs && longest[1] > 0) return `the limit ${longest[0]}`;
  const unclaimed = tracks.filter(
    ({ work }) => work?.owner === null && work.nextAtMs !== null && work.nextAtMs <= nowMs,
  );
  if (unclaimed.length * 2 > tracks.length) return workersReason;
  return 'the answers of the servers take long';
}
