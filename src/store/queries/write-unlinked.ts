import { stampKey } from '#model/stamp.ts';
import type { UnlinkedRow } from '#model/typed-link.ts';
import type { Sql } from '../database.ts';
import { idHash, packKey } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { Commit } from '../store.ts';
import { sideNumber } from '../typed-codecs.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'unlinked',
  columns: {
    pair_no: 'bigint',
    side: 'bigint',
    hash: 'bytea',
    folder_hash: 'bytea',
    identity_hash: 'bytea',
    stamp_key: 'bytea',
    head: 'text',
  },
  key: ['pair_no', 'side', 'hash'],
  replaced: ['folder_hash', 'identity_hash', 'stamp_key', 'head'],
};

/** By the primary key of `unlinked`. */
export async function writeUnlinked(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly UnlinkedRow[],
): Promise<void> {
  const byKey = new Map(rows.map((row) => [`${row.side} ${row.head.id}`, row]));
  await upsertRows(
    trx,
    engine,
    table,
    [...byKey.values()].map(({ side, head }) => [
      pairNo,
      sideNumber(side),
      idHash(head.id),
      idHash(head.folder),
      head.identity === null ? null : idHash(head.identity),
      head.stamp === null ? null : packKey(stampKey(head.stamp)),
      JSON.stringify(head),
    ]),
  );
}

export async function takeUnlinked(
  trx: Sql,
  pairNo: number,
  taken: NonNullable<Commit['unlinkedTaken']>,
): Promise<void> {
  for (const side of ['left', 'right'] as const) {
    const hashes = taken.filter((each) => each.side === side).map(({ id }) => idHash(id));
    await inPieces(hashes, async (piece) => {
      await trx
        .deleteFrom('unlinked')
        .where('pair_no', '=', pairNo)
        .where('side', '=', sideNumber(side))
        .where('hash', 'in', piece)
        .execute();
      return [];
    });
  }
}
