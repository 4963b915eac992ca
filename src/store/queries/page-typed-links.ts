import type { LinkId } from '#model/ids.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import type { Sql } from '../database.ts';
import type { FolderRefCache } from '../folder-refs.ts';
import { uuidBytes } from '../hashes.ts';
import { toTypedLinks, typedLinksWithSnapshots } from './find-typed-links.ts';

/** One page in order of id, by the primary key. */
export async function pageTypedLinks(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  after: LinkId | null,
  limit: number,
): Promise<readonly TypedLinkRow[]> {
  let query = typedLinksWithSnapshots(sql, pairNo).orderBy('typed_link.id').limit(limit);
  if (after !== null) query = query.where('typed_link.id', '>', uuidBytes(after));
  return toTypedLinks(sql, refs, pairNo, await query.execute());
}

/** Links of which one side is gone, by index `typed_link_gone`: those that wait for what becomes of it before those that stay so. */
export async function typedLinksGone(
  sql: Sql,
  refs: FolderRefCache,
  pairNo: number,
  limit: number,
): Promise<readonly TypedLinkRow[]> {
  const rows = await typedLinksWithSnapshots(sql, pairNo)
    .where('typed_link.state', '<>', 0)
    .orderBy((eb) => eb('typed_link.gone_pass', 'is', null))
    .orderBy('typed_link.state')
    .orderBy('typed_link.id')
    .limit(limit)
    .execute();
  return toTypedLinks(sql, refs, pairNo, rows);
}
