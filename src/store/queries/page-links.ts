import type { FolderId, LinkId } from '#model/ids.ts';
import { linkStateNumber } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { FolderRefCache } from '../folder-refs.ts';
import { idHash, uuidBytes } from '../hashes.ts';
import type { LinkRow } from '../store.ts';
import { linksWithSnapshots, toLinks } from './find-links.ts';

/** One page in order of id: by index `link_gone` for a state other than live, `link_left_folder` for a folder, else the primary key. */
export async function pageLinks(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  filter: { readonly state?: LinkRow['state']; readonly leftFolder?: FolderId; readonly rightFolder?: FolderId },
  after: LinkId | null,
  limit: number,
): Promise<readonly LinkRow[]> {
  let query = linksWithSnapshots(sql, pairNo).orderBy('link.id').limit(limit);
  if (filter.state === 'live') query = query.where('link.state', '=', 0);
  else if (filter.state !== undefined)
    // The condition of the partial index stands beside the value, or it would not be used.
    query = query.where('link.state', '<>', 0).where('link.state', '=', linkStateNumber(filter.state));
  for (const [column, folder] of [
    ['link.left_folder', filter.leftFolder],
    ['link.right_folder', filter.rightFolder],
  ] as const)
    if (folder !== undefined)
      query = query.where(column, '=', (refs) =>
        refs
          .selectFrom('folder_ref')
          .select('folder_ref.no')
          .where('folder_ref.pair_no', '=', pairNo)
          .where('folder_ref.hash', '=', idHash(folder)),
      );
  if (after !== null) query = query.where('link.id', '>', uuidBytes(after));
  return toLinks(sql, refs, pairNo, await query.execute());
}
