import { sql } from 'kysely';
import { must } from '#kit/assert.ts';
import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';

/** How many of these links are live by now, by the primary key. */
export async function countLive(
  trx: Sql,
  engine: Engine,
  table: 'link' | 'typed_link',
  pairNo: number,
  ids: readonly Buffer[],
): Promise<number> {
  if (engine === 'postgres') {
    // Key by key, as in `look-up-links.ts`.
    const { rows } = await sql<{ live: number }>`
      select count(*) as live from unnest(${ids}::bytea[]) as wanted (id)
      cross join lateral (select 1 from ${sql.table(table)} where pair_no = ${pairNo} and id = wanted.id and state = 0 offset 0) as link`.execute(
      trx,
    );
    return rows[0]?.live ?? 0;
  }
  // Links that are made together have ids that lie together: mostly one look tells that none of them is there.
  const sorted = ids.toSorted(Buffer.compare);
  const some = await trx
    .selectFrom(table)
    .select('state')
    .where('pair_no', '=', pairNo)
    .where('id', '>=', must(sorted[0], 'first id'))
    .where('id', '<=', must(sorted.at(-1), 'last id'))
    .limit(1)
    .execute();
  if (some.length === 0) return 0;
  const counts = await inPieces(sorted, (piece) =>
    trx
      .selectFrom(table)
      .select(sql<number>`count(*)`.as('live'))
      .where('pair_no', '=', pairNo)
      .where('id', 'in', piece)
      .where('state', '=', 0)
      .execute(),
  );
  return counts.reduce((sum, { live }) => sum + live, 0);
}
