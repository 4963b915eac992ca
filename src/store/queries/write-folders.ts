import type { FolderId } from '#model/ids.ts';
import { writeFolder } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { idHash } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { FolderRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'folder',
  columns: {
    pair_no: 'bigint',
    left_hash: 'bytea',
    left_id: 'text',
    row: 'text',
    left_cursor: 'text',
    right_cursor: 'text',
    left_mark: 'text',
    right_mark: 'text',
  },
  key: ['pair_no', 'left_hash'],
  replaced: ['row', 'left_cursor', 'right_cursor', 'left_mark', 'right_mark'],
};

/** By the primary key of `folder`. */
export async function writeFolders(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly FolderRow[],
): Promise<void> {
  const byId = new Map(rows.map((row) => [row.left, row]));
  await upsertRows(
    trx,
    engine,
    table,
    [...byId.values()].map((row) => [
      pairNo,
      idHash(row.left),
      row.left,
      writeFolder(row),
      row.leftCursor,
      row.rightCursor,
      row.leftMark,
      row.rightMark,
    ]),
  );
}

export async function forgetFolders(trx: Sql, pairNo: number, ids: readonly FolderId[]): Promise<void> {
  await inPieces(ids.map(idHash), async (piece) => {
    await trx.deleteFrom('folder').where('pair_no', '=', pairNo).where('left_hash', 'in', piece).execute();
    return [];
  });
}

/** A pair has at most some thousand, and few commits touch one. */
export async function countFolders(trx: Sql, pairNo: number): Promise<number> {
  const row = await trx
    .selectFrom('folder')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('pair_no', '=', pairNo)
    .executeTakeFirstOrThrow();
  return row.count;
}
