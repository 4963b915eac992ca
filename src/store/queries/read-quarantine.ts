import type { PoisonReason } from '#kit/fault.ts';
import type { FolderId, ItemId, PairId } from '#model/ids.ts';
import type { Sql } from '../database.ts';
import type { QuarantineRow } from '../store.ts';

export interface QuarantineFilter {
  readonly pair?: PairId;
  readonly reason?: PoisonReason;
  readonly retry?: boolean;
}

/** Oldest first, by index `quarantine_since` or the primary key of the pair. */
export async function readQuarantine(
  sql: Sql,
  filter: QuarantineFilter,
  limit: number,
): Promise<readonly QuarantineRow[]> {
  let query = sql
    .selectFrom('quarantine')
    .innerJoin('pair', 'pair.no', 'quarantine.pair_no')
    .selectAll('quarantine')
    .select('pair.id as pair')
    .orderBy('since_ms')
    .orderBy('pair_no')
    .orderBy('left_hash')
    .limit(limit);
  if (filter.pair !== undefined) query = query.where('pair.id', '=', filter.pair);
  if (filter.reason !== undefined) query = query.where('reason', '=', filter.reason);
  if (filter.retry !== undefined) query = query.where('retry', '=', filter.retry ? 1 : 0);
  return (await query.execute()).map((row) => ({
    pair: row.pair as PairId,
    left: row.left_id as ItemId,
    leftFolder: row.left_folder as FolderId,
    reason: row.reason as PoisonReason,
    detail: row.detail,
    attempts: row.attempts,
    sinceMs: row.since_ms,
    itemClass: row.item_class,
    sizeBytes: row.size_bytes,
    retry: row.retry !== 0,
  }));
}
