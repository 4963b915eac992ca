import type { ItemId } from '#model/ids.ts';
import type { Sql } from '../database.ts';
import { idHash, packKey } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { UnclaimedRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'unclaimed',
  columns: {
    pair_no: 'bigint',
    right_hash: 'bytea',
    right_head: 'text',
    stamp_key: 'bytea',
    search_key: 'bytea',
    first_id: 'text',
    fingerprint: 'bytea',
  },
  key: ['pair_no', 'right_hash'],
  replaced: ['right_head', 'stamp_key', 'search_key', 'first_id', 'fingerprint'],
};

/** By the primary key of `unclaimed`. */
export async function writeUnclaimed(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly UnclaimedRow[],
): Promise<void> {
  const byId = new Map(rows.map((row) => [row.right.id, row]));
  await upsertRows(
    trx,
    engine,
    table,
    [...byId.values()].map((row) => [
      pairNo,
      idHash(row.right.id),
      JSON.stringify(row.right),
      packKey(row.stampKey),
      packKey(row.searchKey),
      row.firstId,
      packKey(row.fingerprint),
    ]),
  );
}

export async function takeUnclaimed(trx: Sql, pairNo: number, ids: readonly ItemId[]): Promise<void> {
  await inPieces(ids.map(idHash), async (piece) => {
    await trx.deleteFrom('unclaimed').where('pair_no', '=', pairNo).where('right_hash', 'in', piece).execute();
    return [];
  });
}
