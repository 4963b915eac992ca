import type { StampKey } from '#model/stamp.ts';
import type { Sql } from '../database.ts';
import { packKey } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { IntentRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'intent',
  columns: {
    pair_no: 'bigint',
    stamp_key: 'bytea',
    stamp: 'text',
    right_folder: 'text',
    left_head: 'text',
    settled_after_ms: 'bigint',
    replaces: 'text',
  },
  key: ['pair_no', 'stamp_key'],
  replaced: ['stamp', 'right_folder', 'left_head', 'settled_after_ms', 'replaces'],
};

/** By the primary key of `intent`. */
export async function writeIntents(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly IntentRow[],
): Promise<void> {
  const byKey = new Map(rows.map((row) => [row.stampKey, row]));
  await upsertRows(
    trx,
    engine,
    table,
    [...byKey.values()].map((row) => [
      pairNo,
      packKey(row.stampKey),
      row.stamp,
      row.rightFolder,
      JSON.stringify(row.left),
      row.settledAfterMs,
      row.replaces === null ? null : JSON.stringify(row.replaces),
    ]),
  );
}

export async function resolveIntents(trx: Sql, pairNo: number, keys: readonly StampKey[]): Promise<void> {
  await inPieces(keys.map(packKey), async (piece) => {
    await trx.deleteFrom('intent').where('pair_no', '=', pairNo).where('stamp_key', 'in', piece).execute();
    return [];
  });
}
