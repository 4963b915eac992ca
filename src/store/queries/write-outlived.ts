import type { StampKey } from '#model/stamp.ts';
import type { Sql } from '../database.ts';
import { packKey } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'outlived',
  columns: { pair_no: 'bigint', stamp_key: 'bytea' },
  key: ['pair_no', 'stamp_key'],
  replaced: [],
};

/** By the primary key of `outlived`. */
export async function writeOutlived(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  stamps: readonly StampKey[],
): Promise<void> {
  await upsertRows(
    trx,
    engine,
    table,
    [...new Set(stamps)].map((stamp) => [pairNo, packKey(stamp)]),
  );
}
