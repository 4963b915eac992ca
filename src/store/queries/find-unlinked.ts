import { sql } from 'kysely';
import type { FolderId, ItemId, Side } from '#model/ids.ts';
import type { UnlinkedRow } from '#model/typed-link.ts';
import type { Sql } from '../database.ts';
import { idHash } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import { readUnlinked, sideNumber } from '../typed-codecs.ts';

type UnlinkedColumn = 'hash' | 'identity_hash' | 'stamp_key';

/** By the primary key, index `unlinked_identity` or `unlinked_stamp`. */
export async function findUnlinked(
  db: Sql,
  engine: Engine,
  pairNo: number,
  side: Side,
  column: UnlinkedColumn,
  keys: readonly Buffer[],
): Promise<readonly UnlinkedRow[]> {
  const sideNo = sideNumber(side);
  const rows =
    engine === 'postgres'
      ? await oneByOne(db, pairNo, sideNo, column, keys)
      : await inPieces(keys, (piece) =>
          db
            .selectFrom('unlinked')
            .select(['side', 'head'])
            .where('pair_no', '=', pairNo)
            .where('side', '=', sideNo)
            .where(column, 'in', piece)
            .execute(),
        );
  return rows.map(readUnlinked);
}

/** Key by key on PostgreSQL, for the reason given in `look-up-links.ts`. */
async function oneByOne(db: Sql, pairNo: number, sideNo: number, column: UnlinkedColumn, keys: readonly Buffer[]) {
  if (keys.length === 0) return [];
  const { rows } = await sql<{ side: number; head: string }>`
    select item.side, item.head
    from unnest(${keys}::bytea[]) as wanted (key)
    cross join lateral (
      select side, head from unlinked where pair_no = ${pairNo} and side = ${sideNo} and ${sql.ref(column)} = wanted.key offset 0
    ) as item`.execute(db);
  return rows;
}

/** One page of a folder in order of the hash of the id, by index `unlinked_folder`: ids themselves are too long for an index. */
export async function pageUnlinked(
  db: Sql,
  pairNo: number,
  side: Side,
  folder: FolderId,
  after: ItemId | null,
  limit: number,
): Promise<readonly UnlinkedRow[]> {
  let query = db
    .selectFrom('unlinked')
    .select(['side', 'head'])
    .where('pair_no', '=', pairNo)
    .where('side', '=', sideNumber(side))
    .where('folder_hash', '=', idHash(folder))
    .orderBy('hash')
    .limit(limit);
  if (after !== null) query = query.where('hash', '>', idHash(after));
  return (await query.execute()).map(readUnlinked);
}
