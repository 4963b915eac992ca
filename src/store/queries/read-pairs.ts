import type { PairId } from '#model/ids.ts';
import { readPair } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { PairRow } from '../store.ts';

/** By the unique index on `pair.id`. */
export async function findPair(sql: Sql, id: PairId): Promise<PairRow | null> {
  const row = await sql.selectFrom('pair').selectAll().where('id', '=', id).executeTakeFirst();
  return row ? readPair(row) : null;
}

/** One row per pair, counts included, by index `pair_collection` or the primary key. */
export async function listPairs(sql: Sql, filter: { readonly collection?: string } = {}): Promise<readonly PairRow[]> {
  let query = sql.selectFrom('pair').selectAll().orderBy('collection').orderBy('id');
  if (filter.collection !== undefined) query = query.where('collection', '=', filter.collection);
  return (await query.execute()).map(readPair);
}
