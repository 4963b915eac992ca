import type { ItemId, Side } from '#model/ids.ts';
import type { StampKey } from '#model/stamp.ts';
import { readLink } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { type FolderRefCache, folderOf } from '../folder-refs.ts';
import { idHash, packKey } from '../hashes.ts';
import { inPieces } from '../padded.ts';
import type { LinkRow } from '../store.ts';

/** Links with their snapshots: one row each, by the primary keys of both tables. */
export const linksWithSnapshots = (sql: Sql, pairNo: number) =>
  sql
    .selectFrom('link')
    .innerJoin('snapshot', (join) =>
      join.onRef('snapshot.pair_no', '=', 'link.pair_no').onRef('snapshot.link_id', '=', 'link.id'),
    )
    .selectAll('link')
    .select(['snapshot.seen_left', 'snapshot.seen_right'])
    .where('link.pair_no', '=', pairNo);

type LinkAndSnapshot = Awaited<ReturnType<ReturnType<typeof linksWithSnapshots>['execute']>>[number];

export async function toLinks(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  rows: readonly LinkAndSnapshot[],
): Promise<readonly LinkRow[]> {
  if (rows.length === 0) return [];
  const known = await refs.forReading(sql, pairNo, new Set(rows.flatMap((row) => [row.left_folder, row.right_folder])));
  return rows.map((row) => readLink(row, folderOf(known)));
}

/** By the unique indexes `link_left` and `link_right`. */
export async function findLinksById(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  side: Side,
  ids: readonly ItemId[],
): Promise<readonly LinkRow[]> {
  const rows = await inPieces([...new Set(ids)].map(idHash), (piece) =>
    linksWithSnapshots(sql, pairNo).where(`link.${side}_hash`, 'in', piece).execute(),
  );
  return toLinks(sql, refs, pairNo, rows);
}

/** By index `link_search_key`. Copies share a search key, so there may be many for one. */
export async function findLinksBySearchKey(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  searchKeys: readonly string[],
): Promise<readonly LinkRow[]> {
  const rows = await inPieces([...new Set(searchKeys)].map(packKey), (piece) =>
    linksWithSnapshots(sql, pairNo).where('link.search_key', 'in', piece).execute(),
  );
  return toLinks(sql, refs, pairNo, rows);
}

/** By index `link_stamp`. */
export async function findLinksByStamp(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  keys: readonly StampKey[],
): Promise<readonly LinkRow[]> {
  const rows = await inPieces([...new Set(keys)].map(packKey), (piece) =>
    linksWithSnapshots(sql, pairNo).where('link.stamp_key', 'in', piece).execute(),
  );
  return toLinks(sql, refs, pairNo, rows);
}
