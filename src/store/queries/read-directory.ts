import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { Sql } from '../database.ts';
import { readDirectoryEntry, readDirectoryLink, sideOf } from '../directory-codecs.ts';
import type {
  DirectoryJournalRow,
  DirectoryRecords,
  DirectorySyncRow,
  DirectoryWaitingRow,
} from '../directory-records.ts';
import { inPieces } from '../padded.ts';

/** By the primary key. */
export async function findDirectorySync(sql: Sql, sync: string): Promise<DirectorySyncRow | null> {
  const row = await sql.selectFrom('directory_sync').selectAll().where('sync', '=', sync).executeTakeFirst();
  if (!row) return null;
  return {
    sync,
    pass: row.pass,
    leftCursor: row.left_cursor,
    rightCursor: row.right_cursor,
    leftPinned: row.left_pinned,
    rightPinned: row.right_pinned,
    lastPass: row.last_pass === null ? null : (JSON.parse(row.last_pass) as DirectorySyncRow['lastPass']),
  };
}

/** By the primary key, or by index `directory_link_right`. */
export async function findDirectoryLinks(
  sql: Sql,
  sync: string,
  side: Side,
  guids: readonly ObjectGuid[],
): Promise<readonly DirectoryLink[]> {
  const rows = await inPieces(guids, (piece) =>
    sql.selectFrom('directory_link').selectAll().where('sync', '=', sync).where(`${side}_guid`, 'in', piece).execute(),
  );
  return rows.map(readDirectoryLink);
}

/** One page in order of `left`, by the primary key. */
export async function pageDirectoryLinks(
  sql: Sql,
  sync: string,
  after: ObjectGuid | null,
  limit: number,
): Promise<readonly DirectoryLink[]> {
  let query = sql.selectFrom('directory_link').selectAll().where('sync', '=', sync).orderBy('left_guid').limit(limit);
  if (after !== null) query = query.where('left_guid', '>', after);
  return (await query.execute()).map(readDirectoryLink);
}

/** By index `directory_link_gone`. */
export async function findDirectoryLinksGone(sql: Sql, sync: string, limit: number): Promise<readonly DirectoryLink[]> {
  const rows = await sql
    .selectFrom('directory_link')
    .selectAll()
    .where('sync', '=', sync)
    .where('gone_pass', 'is not', null)
    .orderBy('left_guid')
    .limit(limit)
    .execute();
  return rows.map(readDirectoryLink);
}

/** Walks the keys of the sync: asked for once a pass that has something to decide. */
export async function countDirectoryLinks(sql: Sql, sync: string): Promise<number> {
  const row = await sql
    .selectFrom('directory_link')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('sync', '=', sync)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Those that wait longest first; few enough to be sorted. */
export async function readDirectoryWaiting(
  sql: Sql,
  sync: string,
  limit: number,
): Promise<readonly DirectoryWaitingRow[]> {
  const rows = await sql
    .selectFrom('directory_waiting')
    .selectAll()
    .where('sync', '=', sync)
    .orderBy('since_ms')
    .orderBy('side')
    .orderBy('guid')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    side: sideOf(row.side),
    guid: row.guid as ObjectGuid,
    reason: row.reason,
    detail: row.detail,
    sinceMs: row.since_ms,
  }));
}

/** Newest first, by index `directory_journal_sync`, `_guid`, `_open` or the primary key. */
export async function readDirectoryJournal(
  sql: Sql,
  filter: Parameters<DirectoryRecords['directoryJournal']>[0],
  limit: number,
): Promise<readonly DirectoryJournalRow[]> {
  const { sync, pass, no, guid, outcome, before } = filter;
  let query = sql.selectFrom('directory_journal').selectAll().orderBy('no', 'desc').limit(limit);
  if (sync !== undefined) query = query.where('sync', '=', sync);
  if (pass !== undefined) query = query.where('pass', '=', pass);
  if (no !== undefined) query = query.where('no', '=', no);
  if (guid !== undefined) query = query.where('guid', '=', guid);
  if (outcome !== undefined) query = query.where('outcome', '=', outcome);
  if (before !== undefined) query = query.where('no', '<', before);
  return (await query.execute()).map(readDirectoryEntry);
}

/** By index `directory_removal_sync`: one row per commit that removed something. */
export async function countDirectoryRemovals(sql: Sql, sync: string, sinceMs: number): Promise<number> {
  const row = await sql
    .selectFrom('directory_removal')
    .select(({ fn }) => fn.sum<number | string | null>('count').as('count'))
    .where('sync', '=', sync)
    .where('at_ms', '>=', sinceMs)
    .executeTakeFirstOrThrow();
  // PostgreSQL adds up whole numbers to a numeric, which comes as text.
  return Number(row.count ?? 0);
}
