import { must } from '#kit/assert.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import { linkStateNumber } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { FolderRefCache } from '../folder-refs.ts';
import { idHash, packIdentity, packKey, uuidBytes } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { writeDifference, writeShown } from '../typed-codecs.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';
import { countLive } from './count-live.ts';

const links: BatchTable = {
  name: 'typed_link',
  columns: {
    pair_no: 'bigint',
    id: 'bytea',
    identity_hash: 'bytea',
    identity: 'bytea',
    stamp_key: 'bytea',
    left_hash: 'bytea',
    left_id: 'text',
    left_folder: 'bigint',
    left_version: 'text',
    right_hash: 'bytea',
    right_id: 'text',
    right_folder: 'bigint',
    right_version: 'text',
    state: 'bigint',
    gone_pass: 'bigint',
  },
  key: ['pair_no', 'id'],
  replaced: [
    'identity_hash',
    'identity',
    'stamp_key',
    'left_hash',
    'left_id',
    'left_folder',
    'left_version',
    'right_hash',
    'right_id',
    'right_folder',
    'right_version',
    'state',
    'gone_pass',
  ],
};

const snapshots: BatchTable = {
  name: 'typed_snapshot',
  columns: { pair_no: 'bigint', link_id: 'bytea', seen_left: 'text', seen_right: 'text' },
  key: ['pair_no', 'link_id'],
  replaced: ['seen_left', 'seen_right'],
};

/**
 * Inserts or replaces links with their snapshots, by the primary keys.
 * @returns by how many the number of live links changed.
 */
export async function writeTypedLinks(
  trx: Sql,
  engine: Engine,
  refs: FolderRefCache,
  pairNo: number,
  rows: readonly TypedLinkRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const byId = new Map(rows.map((row) => [row.id, { row, id: uuidBytes(row.id) }]));
  const folders = await refs.forWriting(
    trx,
    engine,
    pairNo,
    new Set(rows.flatMap((row) => [row.left.folder, row.right.folder])),
  );
  const unique = [...byId.values()];
  const liveBefore = await countLive(
    trx,
    engine,
    'typed_link',
    pairNo,
    unique.map(({ id }) => id),
  );
  const end = ({ id, folder, version }: TypedLinkRow['left']) => [
    idHash(id),
    id,
    must(folders.numbers.get(folder), 'folder number'),
    version,
  ];
  await upsertRows(
    trx,
    engine,
    links,
    unique.map(({ row, id }) => [
      pairNo,
      id,
      row.identity === null ? null : idHash(row.identity),
      row.identity === null ? null : packIdentity(row.identity),
      row.stampKey === null ? null : packKey(row.stampKey),
      ...end(row.left),
      ...end(row.right),
      linkStateNumber(row.state),
      row.goneSincePass,
    ]),
  );
  await upsertRows(
    trx,
    engine,
    snapshots,
    unique.map(({ row, id }) => [
      pairNo,
      id,
      writeShown(row.left.seen),
      writeDifference(row.left.seen, row.right.seen),
    ]),
  );
  return unique.filter(({ row }) => row.state === 'live').length - liveBefore;
}
