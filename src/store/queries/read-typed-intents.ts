import type { TypedIntentRow } from '#model/typed-link.ts';
import type { Sql } from '../database.ts';
import { readTypedIntent } from '../typed-codecs.ts';

/** By the primary key of `typed_intent`, which begins with the pair. There are at most a few batches of them. */
export async function readTypedIntents(sql: Sql, pairNo: number): Promise<readonly TypedIntentRow[]> {
  const rows = await sql.selectFrom('typed_intent').selectAll().where('pair_no', '=', pairNo).execute();
  return rows.map(readTypedIntent);
}
