import { must } from '#kit/assert.ts';
import { linkStateNumber, writeState } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { FolderRefCache } from '../folder-refs.ts';
import { idHash, packKey, uuidBytes } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import type { LinkRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';
import { countLive } from './count-live.ts';

const links: BatchTable = {
  name: 'link',
  columns: {
    pair_no: 'bigint',
    id: 'bytea',
    left_hash: 'bytea',
    left_id: 'text',
    left_folder: 'bigint',
    left_version: 'text',
    left_size: 'bigint',
    right_hash: 'bytea',
    right_id: 'text',
    right_folder: 'bigint',
    right_version: 'text',
    search_key: 'bytea',
    fingerprint: 'bytea',
    stamp_key: 'bytea',
    state: 'bigint',
    gone_pass: 'bigint',
    touched: 'text',
  },
  key: ['pair_no', 'id'],
  replaced: [
    'left_hash',
    'left_id',
    'left_folder',
    'left_version',
    'left_size',
    'right_hash',
    'right_id',
    'right_folder',
    'right_version',
    'search_key',
    'fingerprint',
    'stamp_key',
    'state',
    'gone_pass',
    'touched',
  ],
  steady: ['left_hash', 'left_folder', 'right_hash', 'search_key', 'stamp_key', 'state'],
};

const snapshots: BatchTable = {
  name: 'snapshot',
  columns: { pair_no: 'bigint', link_id: 'bytea', seen_left: 'text', seen_right: 'text' },
  key: ['pair_no', 'link_id'],
  replaced: ['seen_left', 'seen_right'],
};

/**
 * Inserts or replaces links with their snapshots, by the primary keys.
 * @returns by how many the number of live links changed.
 */
export async function writeLinks(
  trx: Sql,
  engine: Engine,
  refs: FolderRefCache,
  pairNo: number,
  rows: readonly LinkRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const byId = new Map(rows.map((row) => [row.id, { row, id: uuidBytes(row.id) }]));
  const folders = await refs.forWriting(
    trx,
    engine,
    pairNo,
    new Set(rows.flatMap((row) => [row.leftFolder, row.rightFolder])),
  );
  const ids = [...byId.values()].map(({ id }) => id);
  const liveBefore = await countLive(trx, engine, 'link', pairNo, ids);
  let liveAfter = 0;
  const linkValues: unknown[][] = [];
  const snapshotValues: unknown[][] = [];
  for (const { row, id } of byId.values()) {
    if (row.state === 'live') liveAfter++;
    linkValues.push([
      pairNo,
      id,
      idHash(row.leftId),
      row.leftId,
      must(folders.numbers.get(row.leftFolder), 'left folder number'),
      row.leftVersion,
      row.leftSizeBytes,
      idHash(row.rightId),
      row.rightId,
      must(folders.numbers.get(row.rightFolder), 'right folder number'),
      row.rightVersion,
      packKey(row.searchKey),
      packKey(row.fingerprint),
      packKey(row.stampKey),
      linkStateNumber(row.state),
      row.goneSincePass,
      row.touched.join(','),
    ]);
    snapshotValues.push([
      pairNo,
      id,
      writeState(row.seenLeft),
      row.seenRight === null ? null : writeState(row.seenRight),
    ]);
  }
  await upsertRows(trx, engine, links, linkValues);
  await upsertRows(trx, engine, snapshots, snapshotValues);
  return liveAfter - liveBefore;
}
