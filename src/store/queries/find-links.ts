import { readLink } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { type FolderRefCache, folderOf } from '../folder-refs.ts';
import { packKey } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { LinkRow } from '../store.ts';
import { lookUpLinks } from './look-up-links.ts';

/** Links with their snapshots: one row each, by the primary keys of both tables. */
export const linksWithSnapshots = (db: Sql, pairNo: number) =>
  db
    .selectFrom('link')
    .innerJoin('snapshot', (join) =>
      join.onRef('snapshot.pair_no', '=', 'link.pair_no').onRef('snapshot.link_id', '=', 'link.id'),
    )
    .selectAll('link')
    .select(['snapshot.seen_left', 'snapshot.seen_right'])
    .where('link.pair_no', '=', pairNo);

type LinkAndSnapshot = Awaited<ReturnType<ReturnType<typeof linksWithSnapshots>['execute']>>[number];

export async function toLinks(
  db: Sql,
  refs: FolderRefCache,
  pairNo: number,
  rows: readonly LinkAndSnapshot[],
): Promise<readonly LinkRow[]> {
  if (rows.length === 0) return [];
  const known = await refs.forReading(db, pairNo, new Set(rows.flatMap((row) => [row.left_folder, row.right_folder])));
  return rows.map((row) => readLink(row, folderOf(known)));
}

type LinkColumn = 'left_hash' | 'right_hash' | 'search_key' | 'stamp_key';

/**
 * Links of a pair by one of the columns that have an index with the pair: `link_left`, `link_right`, `link_search_key`,
 * `link_stamp`. Several links may come back for one key.
 */
export async function findLinks(
  db: Sql,
  engine: Engine,
  refs: FolderRefCache,
  pairNo: number,
  column: LinkColumn,
  keys: readonly Buffer[],
): Promise<readonly LinkRow[]> {
  const rows =
    engine === 'postgres'
      ? await lookUpLinks<LinkAndSnapshot>(db, { link: 'link', snapshot: 'snapshot' }, pairNo, column, keys)
      : await inPieces(keys, (piece) => linksWithSnapshots(db, pairNo).where(`link.${column}`, 'in', piece).execute());
  return toLinks(db, refs, pairNo, rows);
}

/** By index `link_search_key`: next to no mail is without a search key, so that few links are looked through. */
export async function findLinksWithoutSearchKey(
  db: Sql,
  refs: FolderRefCache,
  pairNo: number,
  fingerprints: readonly Buffer[],
): Promise<readonly LinkRow[]> {
  const rows = await inPieces(fingerprints, (piece) =>
    linksWithSnapshots(db, pairNo)
      .where('link.search_key', '=', packKey(''))
      .where('link.fingerprint', 'in', piece)
      .execute(),
  );
  return toLinks(db, refs, pairNo, rows);
}
