import type { ItemId } from '#model/ids.ts';
import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { idHash } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { QuarantineRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'quarantine',
  columns: {
    pair_no: 'bigint',
    left_hash: 'bytea',
    left_id: 'text',
    left_folder: 'text',
    reason: 'text',
    detail: 'text',
    attempts: 'bigint',
    since_ms: 'bigint',
    item_class: 'text',
    size_bytes: 'bigint',
    retry: 'bigint',
  },
  key: ['pair_no', 'left_hash'],
  replaced: ['left_folder', 'reason', 'detail', 'attempts', 'since_ms', 'item_class', 'size_bytes', 'retry'],
};

/** By the primary key of `quarantine`. */
export async function writeQuarantine(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly Omit<QuarantineRow, 'pair'>[],
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
      row.leftFolder,
      row.reason,
      printable(row.detail),
      row.attempts,
      row.sinceMs,
      printable(row.itemClass),
      row.sizeBytes,
      row.retry ? 1 : 0,
    ]),
  );
}

export async function leaveQuarantine(trx: Sql, pairNo: number, ids: readonly ItemId[]): Promise<void> {
  await inPieces(ids.map(idHash), async (piece) => {
    await trx.deleteFrom('quarantine').where('pair_no', '=', pairNo).where('left_hash', 'in', piece).execute();
    return [];
  });
}

/** Quarantines are small, and few commits touch one. */
export async function countQuarantine(trx: Sql, pairNo: number): Promise<number> {
  const row = await trx
    .selectFrom('quarantine')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('pair_no', '=', pairNo)
    .executeTakeFirstOrThrow();
  return row.count;
}
