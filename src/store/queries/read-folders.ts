import type { PairId } from '#model/ids.ts';
import { readFolder, readFolderMarks as readMarks } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { inPieces } from '../padded.ts';
import type { FolderMarks, FolderRow } from '../store.ts';

/** By the primary key of `folder`, which begins with the pair. */
export async function readFolders(sql: Sql, pairNo: number): Promise<readonly FolderRow[]> {
  return (await sql.selectFrom('folder').selectAll().where('pair_no', '=', pairNo).execute()).map(readFolder);
}

/** Without cursors, which are most of a row. */
export async function readFolderMarks(
  sql: Sql,
  pairs: readonly PairId[],
): Promise<ReadonlyMap<PairId, readonly FolderMarks[]>> {
  const rows = await inPieces([...new Set(pairs)], (piece) =>
    sql
      .selectFrom('pair')
      .innerJoin('folder', 'folder.pair_no', 'pair.no')
      .select(['pair.id', 'left_id', 'row', 'left_mark', 'right_mark'])
      .where('pair.id', 'in', piece)
      .execute(),
  );
  const found = new Map<PairId, FolderMarks[]>();
  for (const row of rows) {
    const id = row.id as PairId;
    const known = found.get(id);
    if (known) known.push(readMarks(row));
    else found.set(id, [readMarks(row)]);
  }
  return found;
}
