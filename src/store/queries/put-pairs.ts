import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import type { PairRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'pair',
  columns: {
    id: 'text',
    kind: 'text',
    collection: 'text',
    left_organization: 'text',
    left_address: 'text',
    left_mailbox: 'text',
    right_organization: 'text',
    right_address: 'text',
    right_mailbox: 'text',
    state: 'text',
    pass: 'bigint',
    folders: 'bigint',
    links: 'bigint',
    quarantined: 'bigint',
    bytes_copied: 'bigint',
    conflicts: 'bigint',
    left_items: 'bigint',
    known_since_ms: 'bigint',
  },
  key: ['id'],
  // Not the kind, which is part of the id, and not the mailboxes: which ones they are was settled by the first pass.
  replaced: ['collection', 'left_organization', 'left_address', 'right_organization', 'right_address'],
};

/** Served by the unique index on `pair.id`. */
export async function putPairs(
  trx: Sql,
  engine: Engine,
  pairs: readonly Pick<PairRow, 'id' | 'kind' | 'collection' | 'left' | 'right'>[],
  nowMs: number,
): Promise<void> {
  const byId = new Map(pairs.map((pair) => [pair.id, pair]));
  await upsertRows(
    trx,
    engine,
    table,
    [...byId.values()].map(({ id, kind, collection, left, right }) => [
      id,
      kind,
      printable(collection),
      left.organization,
      left.address,
      left.mailbox,
      right.organization,
      right.address,
      right.mailbox,
      'new',
      ...[0, 0, 0, 0, 0, 0, 0],
      nowMs,
    ]),
  );
}
