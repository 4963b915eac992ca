import { readUnclaimed } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { inPieces } from '../padded.ts';
import type { UnclaimedRow } from '../store.ts';

/** By index `unclaimed_search_key`, `unclaimed_fingerprint` or the primary key. */
export async function findUnclaimed(
  sql: Sql,
  pairNo: number,
  column: 'search_key' | 'fingerprint' | 'right_hash',
  keys: readonly Buffer[],
): Promise<readonly UnclaimedRow[]> {
  const rows = await inPieces(keys, (piece) =>
    sql.selectFrom('unclaimed').selectAll().where('pair_no', '=', pairNo).where(column, 'in', piece).execute(),
  );
  return rows.map(readUnclaimed);
}

/** Any of a pair's whose stamp did not outlive its link, by the primary keys of both tables. */
export async function listUnclaimed(sql: Sql, pairNo: number, limit: number): Promise<readonly UnclaimedRow[]> {
  const rows = await sql
    .selectFrom('unclaimed')
    .selectAll()
    .where('pair_no', '=', pairNo)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('outlived')
            .select('outlived.pair_no')
            .whereRef('outlived.pair_no', '=', 'unclaimed.pair_no')
            .whereRef('outlived.stamp_key', '=', 'unclaimed.stamp_key'),
        ),
      ),
    )
    .limit(limit)
    .execute();
  return rows.map(readUnclaimed);
}

/** Counted each time: the table is empty but for a relink. */
export async function countUnclaimed(sql: Sql, pairNo: number): Promise<number> {
  const row = await sql
    .selectFrom('unclaimed')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('pair_no', '=', pairNo)
    .executeTakeFirstOrThrow();
  return row.count;
}
