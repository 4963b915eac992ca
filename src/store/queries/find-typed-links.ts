import type { TypedLinkRow } from '#model/typed-link.ts';
import type { Sql } from '../database.ts';
import { type FolderRefCache, folderOf } from '../folder-refs.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import { readTypedLink } from '../typed-codecs.ts';
import { lookUpLinks } from './look-up-links.ts';

/** Links with their snapshots: one row each, by the primary keys of both tables. */
export const typedLinksWithSnapshots = (db: Sql, pairNo: number) =>
  db
    .selectFrom('typed_link')
    .innerJoin('typed_snapshot', (join) =>
      join
        .onRef('typed_snapshot.pair_no', '=', 'typed_link.pair_no')
        .onRef('typed_snapshot.link_id', '=', 'typed_link.id'),
    )
    .selectAll('typed_link')
    .select(['typed_snapshot.seen_left', 'typed_snapshot.seen_right'])
    .where('typed_link.pair_no', '=', pairNo);

type LinkAndSnapshot = Awaited<ReturnType<ReturnType<typeof typedLinksWithSnapshots>['execute']>>[number];

export async function toTypedLinks(
  db: Sql,
  refs: FolderRefCache,
  pairNo: number,
  rows: readonly LinkAndSnapshot[],
): Promise<readonly TypedLinkRow[]> {
  if (rows.length === 0) return [];
  const known = await refs.forReading(db, pairNo, new Set(rows.flatMap((row) => [row.left_folder, row.right_folder])));
  return rows.map((row) => readTypedLink(row, folderOf(known)));
}

/** Typed links of a pair, by index `typed_link_left`, `typed_link_right` or `typed_link_identity`. Several may come back for one identity. */
export async function findTypedLinks(
  db: Sql,
  engine: Engine,
  refs: FolderRefCache,
  pairNo: number,
  column: 'left_hash' | 'right_hash' | 'identity_hash',
  keys: readonly Buffer[],
): Promise<readonly TypedLinkRow[]> {
  const rows =
    engine === 'postgres'
      ? await lookUpLinks<LinkAndSnapshot>(db, { link: 'typed_link', snapshot: 'typed_snapshot' }, pairNo, column, keys)
      : await inPieces(keys, (piece) =>
          typedLinksWithSnapshots(db, pairNo).where(`typed_link.${column}`, 'in', piece).execute(),
        );
  return toTypedLinks(db, refs, pairNo, rows);
}
