import type { Sql } from '../database.ts';

/** By index `deletion_pair`: one row per commit that deleted something. */
export async function countDeletions(sql: Sql, pairNo: number, sinceMs: number): Promise<number> {
  const row = await sql
    .selectFrom('deletion')
    .select(({ fn }) => fn.sum<number | string | null>('count').as('count'))
    .where('pair_no', '=', pairNo)
    .where('at_ms', '>=', sinceMs)
    .executeTakeFirstOrThrow();
  // PostgreSQL adds up whole numbers to a numeric, which comes as text.
  return Number(row.count ?? 0);
}
