import { readIntent } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { IntentRow } from '../store.ts';

/** By the primary key of `intent`, which begins with the pair. There are at most a few batches of them. */
export async function readIntents(sql: Sql, pairNo: number): Promise<readonly IntentRow[]> {
  return (await sql.selectFrom('intent').selectAll().where('pair_no', '=', pairNo).execute()).map(readIntent);
}
