import { sql } from 'kysely';
import type { Sql } from '../database.ts';

/**
 * Links with their snapshots on PostgreSQL, key by key. Before it has statistics, that is during the first pass, it takes every
 * condition on a pair for a rare one, and with `in` would read all links of the pair rather than look up each key; `offset 0` leaves it no
 * choice.
 *
 * @param column With an index together with the pair.
 */
export async function lookUpLinks<Row>(
  db: Sql,
  tables: { readonly link: 'link' | 'typed_link'; readonly snapshot: 'snapshot' | 'typed_snapshot' },
  pairNo: number,
  column: string,
  keys: readonly Buffer[],
): Promise<readonly Row[]> {
  if (keys.length === 0) return [];
  const [link, snapshot] = [sql.table(tables.link), sql.table(tables.snapshot)];
  const { rows } = await sql<Row>`
    select link.*, snapshot.seen_left, snapshot.seen_right
    from unnest(${keys}::bytea[]) as wanted (key)
    cross join lateral (select * from ${link} where pair_no = ${pairNo} and ${sql.ref(column)} = wanted.key offset 0) as link
    cross join lateral (select * from ${snapshot} where pair_no = ${pairNo} and link_id = link.id offset 0) as snapshot`.execute(
    db,
  );
  return rows;
}
