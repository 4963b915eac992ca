import type { PairId } from '#model/ids.ts';
import type { Sql } from '../database.ts';
import type { HistoryRow, JournalRow } from '../store.ts';

/** Newest first, by index `journal_pair` or the primary key. */
export async function readJournal(
  sql: Sql,
  filter: { readonly pair?: PairId; readonly no?: number },
  limit: number,
): Promise<readonly JournalRow[]> {
  let query = sql
    .selectFrom('journal')
    .innerJoin('pair', 'pair.no', 'journal.pair_no')
    .selectAll('journal')
    .select('pair.id as pair')
    .orderBy('journal.no', 'desc')
    .limit(limit);
  if (filter.pair !== undefined) query = query.where('pair.id', '=', filter.pair);
  if (filter.no !== undefined) query = query.where('journal.no', '=', filter.no);
  return (await query.execute()).map((row) => ({
    pair: row.pair as PairId,
    no: row.no,
    restoredAtMs: row.restored_at_ms,
    atMs: row.at_ms,
    link: row.link_id as JournalRow['link'],
    field: row.field,
    day: row.day as JournalRow['day'],
    ...(JSON.parse(row.sides) as Pick<JournalRow, 'base' | 'left' | 'right'>),
    winner: row.winner as JournalRow['winner'],
    why: row.why,
  }));
}

/**
 * Newest first, by index `history_pair` or the primary key. A look for one item walks the history of its pair: it is asked for by
 * people and rarely, and an index by item would cost every write.
 */
export async function readHistory(
  sql: Sql,
  filter: { readonly pair?: PairId; readonly item?: string; readonly sinceMs?: number },
  limit: number,
): Promise<readonly HistoryRow[]> {
  const { pair, item, sinceMs } = filter;
  let query = sql
    .selectFrom('history')
    .innerJoin('pair', 'pair.no', 'history.pair_no')
    .selectAll('history')
    .select('pair.id as pair')
    .orderBy('history.no', 'desc')
    .limit(limit);
  if (pair !== undefined) query = query.where('pair.id', '=', pair);
  if (item !== undefined) query = query.where((or) => or.or([or('left_id', '=', item), or('right_id', '=', item)]));
  if (sinceMs !== undefined) query = query.where('at_ms', '>=', sinceMs);
  return (await query.execute()).map((row) => ({
    pair: row.pair as PairId,
    pass: row.pass,
    atMs: row.at_ms,
    action: row.action,
    reason: row.reason,
    left: row.left_id,
    right: row.right_id,
    outcome: row.outcome as HistoryRow['outcome'],
    detail: row.detail,
  }));
}
