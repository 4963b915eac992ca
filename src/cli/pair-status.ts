import type { PairId, Side } from '#model/ids.ts';
import type { Track } from '#project/project.ts';
import type { ContentKind, PairRow, Ringing, WorkRow } from '#store/store.ts';

/** What `status` shows of a pair; the fields of its `--json` lines. */
export interface PairStatus {
  /** The pair, whatever the content. */
  readonly pair: PairId;
  readonly content: ContentKind;
  readonly collection: string;
  /** `stopped` also while an outage lasts that interrupted it. */
  readonly state: PairRow['state'];
  readonly working: boolean;
  readonly stoppedBecause: string | null;
  readonly pass: number;
  readonly folders: number;
  /** Items with a copy on the target. */
  readonly items: number;
  /** Items that are due: those of the source at the last look, without what is in quarantine. */
  readonly itemsDue: number;
  readonly bytesCopied: number;
  readonly quarantined: number;
  readonly conflicts: number;
  /** Where reminders are being moved to, because the person was switched; null: they ring where they are to. */
  readonly remindersMoveTo: 'source' | 'target' | null;
  /** Age of the oldest change that is not carried over yet; 0: none is known. Null: never looked. */
  readonly lagMs: number | null;
  readonly itemsPerSecond: number | null;
  /** The limit that the last pass waited for longest; null: it hardly waited. */
  readonly limitedBy: string | null;
  /** Until the first pass is through, at the rate so far. Null: unknown, or nothing is due. */
  readonly secondsLeft: number | null;
}

/** Arithmetic on what the store holds. @param row Null: not looked at yet. */
export function statusOf({ pair, kind }: Track, row: PairRow | null, work: WorkRow | null, nowMs: number): PairStatus {
  const counts = row?.counts;
  const items = counts?.links ?? 0;
  const itemsDue = Math.max(items, (counts?.leftItems ?? 0) - (counts?.quarantined ?? 0));
  const last = row?.lastPass ?? null;
  const lastMs = last === null ? 0 : last.endedAtMs - last.startedAtMs;
  const itemsPerSecond = last === null || lastMs <= 0 || last.writes === 0 ? null : (last.writes * 1000) / lastMs;
  return {
    pair: pair.id,
    content: kind,
    collection: pair.collection,
    state: row === null ? 'new' : row.stoppedBecause === null ? row.state : 'stopped',
    working: work !== null && work.owner !== null && work.nextAtMs !== null && work.nextAtMs > nowMs,
    stoppedBecause: row?.stoppedBecause ?? null,
    pass: row?.pass ?? 0,
    folders: counts?.folders ?? 0,
    items,
    itemsDue,
    bytesCopied: counts?.bytesCopied ?? 0,
    quarantined: counts?.quarantined ?? 0,
    conflicts: counts?.conflicts ?? 0,
    remindersMoveTo: turnOf(row?.ringing ?? null, pair.active),
    lagMs: last === null ? null : work?.dirtySinceMs == null ? 0 : Math.max(0, nowMs - work.dirtySinceMs),
    itemsPerSecond,
    limitedBy: last === null ? null : longestWait(last.waitedMs, lastMs),
    secondsLeft: itemsPerSecond === null || itemsDue === items ? null : (itemsDue - items) / itemsPerSecond,
  };
}

function turnOf(ringing: Ringing | null, active: Side): PairStatus['remindersMoveTo'] {
  if (ringing === null || (ringing.on === active && ringing.isDone)) return null;
  return active === 'left' ? 'source' : 'target';
}

/** Waits of less than a tenth of the pass are no limit. */
function longestWait(waitedMs: Readonly<Record<string, number>>, passMs: number): string | null {
  const [first] = Object.entries(waitedMs).sort(([, a], [, b]) => b - a);
  return first !== undefined && first[1] * 10 >= passMs && first[1] > 0 ? first[0] : null;
}
