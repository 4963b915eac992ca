import { readFolder } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { FolderRow } from '../store.ts';

/** By the primary key of `folder`, which begins with the pair. */
export async function readFolders(sql: Sql, pairNo: number): Promise<readonly FolderRow[]> {
  return (await sql.selectFrom('folder').selectAll().where('pair_no', '=', pairNo).execute()).map(readFolder);
}
