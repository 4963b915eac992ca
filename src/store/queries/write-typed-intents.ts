import type { StampKey } from '#model/stamp.ts';
import type { TypedIntentRow } from '#model/typed-link.ts';
import type { Sql } from '../database.ts';
import { packKey } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import { writeTypedIntent } from '../typed-codecs.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'typed_intent',
  columns: { pair_no: 'bigint', stamp_key: 'bytea', row: 'text' },
  key: ['pair_no', 'stamp_key'],
  replaced: ['row'],
};

/** By the primary key of `typed_intent`. */
export async function writeTypedIntents(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly TypedIntentRow[],
): Promise<void> {
  const byKey = new Map(rows.map((row) => [row.stampKey, row]));
  await upsertRows(
    trx,
    engine,
    table,
    [...byKey.values()].map((row) => [pairNo, packKey(row.stampKey), writeTypedIntent(row)]),
  );
}

export async function resolveTypedIntents(trx: Sql, pairNo: number, keys: readonly StampKey[]): Promise<void> {
  await inPieces(keys.map(packKey), async (piece) => {
    await trx.deleteFrom('typed_intent').where('pair_no', '=', pairNo).where('stamp_key', 'in', piece).execute();
    return [];
  });
}
