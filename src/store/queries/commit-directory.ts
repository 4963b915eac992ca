import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { sideNumber, writeDirectoryLink } from '../directory-codecs.ts';
import type { DirectoryCommit, DirectoryWaitingRow } from '../directory-records.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import type { Claim } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';
import { fence } from './fence.ts';
import { settleJournal } from './settle-journal.ts';

/** How long removals are remembered: the budget looks back 24 hours, and clocks may jump. */
const REMOVALS_KEPT_MS = 7 * 24 * 3_600_000;
/** Entries of the journal that one statement carries; each has 11 values. */
const ENTRIES_MAX = 50;

const links: BatchTable = {
  name: 'directory_link',
  columns: { sync: 'text', left_guid: 'text', right_guid: 'text', row: 'text', gone_pass: 'bigint' },
  key: ['sync', 'left_guid'],
  replaced: ['right_guid', 'row', 'gone_pass'],
};

const waiting: BatchTable = {
  name: 'directory_waiting',
  columns: { sync: 'text', side: 'bigint', guid: 'text', reason: 'text', detail: 'text', since_ms: 'bigint' },
  key: ['sync', 'side', 'guid'],
  replaced: ['reason', 'detail', 'since_ms'],
};

/** @returns the numbers of the new entries of the journal, in the order given. */
export async function commitDirectory(
  trx: Sql,
  engine: Engine,
  sync: string,
  claim: Claim | null,
  commit: DirectoryCommit,
): Promise<readonly number[]> {
  if (claim) await fence(trx, engine, claim);
  await putSync(trx, sync, commit.sync ?? {});
  for (const { left, right } of commit.linksForgotten ?? [])
    await trx
      .deleteFrom('directory_link')
      .where('sync', '=', sync)
      .where('left_guid', '=', left)
      .where('right_guid', '=', right)
      .execute();
  await writeLinks(trx, engine, sync, commit.links ?? []);
  for (const { side, guid } of commit.waitingDone ?? [])
    await trx
      .deleteFrom('directory_waiting')
      .where('sync', '=', sync)
      .where('side', '=', sideNumber(side))
      .where('guid', '=', guid)
      .execute();
  await writeWaiting(trx, engine, sync, commit.waiting ?? []);
  await settleJournal(trx, engine, sync, commit.journalSettled ?? []);
  if (commit.removals && commit.removals.count > 0) await countRemovals(trx, sync, commit.removals);
  return writeJournal(trx, sync, commit.journal ?? []);
}

/** Makes the row at the first commit, so that a sync that has done anything is known. */
async function putSync(trx: Sql, sync: string, given: NonNullable<DirectoryCommit['sync']>): Promise<void> {
  const { pass, leftCursor, rightCursor, leftPinned, rightPinned, lastPass } = given;
  const set = {
    ...(pass !== undefined && { pass }),
    ...(leftCursor !== undefined && { left_cursor: leftCursor }),
    ...(rightCursor !== undefined && { right_cursor: rightCursor }),
    ...(leftPinned !== undefined && { left_pinned: leftPinned }),
    ...(rightPinned !== undefined && { right_pinned: rightPinned }),
    ...(lastPass !== undefined && { last_pass: lastPass === null ? null : JSON.stringify(lastPass) }),
  };
  await trx
    .insertInto('directory_sync')
    .values({ sync, pass: 0, ...set })
    .onConflict((conflict) =>
      Object.keys(set).length > 0 ? conflict.column('sync').doUpdateSet(set) : conflict.column('sync').doNothing(),
    )
    .execute();
}

/** A link takes the place of any that has its left or its right object. */
async function writeLinks(trx: Sql, engine: Engine, sync: string, given: readonly DirectoryLink[]): Promise<void> {
  const kept = new Map<ObjectGuid, DirectoryLink>();
  const byRight = new Map<ObjectGuid, ObjectGuid>();
  for (const row of given) {
    const rival = byRight.get(row.right);
    if (rival !== undefined) kept.delete(rival);
    const replaced = kept.get(row.left);
    if (replaced) byRight.delete(replaced.right);
    kept.set(row.left, row);
    byRight.set(row.right, row.left);
  }
  const rows = [...kept.values()];
  // Those with the same left object are replaced by the upsert.
  await inPieces(
    rows.map(({ right }) => right),
    async (piece) => {
      await trx.deleteFrom('directory_link').where('sync', '=', sync).where('right_guid', 'in', piece).execute();
      return [];
    },
  );
  await upsertRows(
    trx,
    engine,
    links,
    rows.map((row) => [sync, row.left, row.right, writeDirectoryLink(row), row.goneSincePass]),
  );
}

async function writeWaiting(
  trx: Sql,
  engine: Engine,
  sync: string,
  given: readonly DirectoryWaitingRow[],
): Promise<void> {
  const last = new Map(given.map((row) => [`${row.side} ${row.guid}`, row]));
  await upsertRows(
    trx,
    engine,
    waiting,
    [...last.values()].map((row) => [
      sync,
      sideNumber(row.side),
      row.guid,
      row.reason,
      printable(row.detail),
      row.sinceMs,
    ]),
  );
}

async function countRemovals(
  trx: Sql,
  sync: string,
  removals: NonNullable<DirectoryCommit['removals']>,
): Promise<void> {
  const atMs = Math.round(removals.atMs);
  await trx.insertInto('directory_removal').values({ sync, at_ms: atMs, count: removals.count }).execute();
  await trx
    .deleteFrom('directory_removal')
    .where('sync', '=', sync)
    .where('at_ms', '<', atMs - REMOVALS_KEPT_MS)
    .execute();
}

/** Both engines number the rows of one statement in their order, so numbers in rising order are those of the rows. */
async function writeJournal(
  trx: Sql,
  sync: string,
  given: NonNullable<DirectoryCommit['journal']>,
): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (let at = 0; at < given.length; at += ENTRIES_MAX) {
    const rows = await trx
      .insertInto('directory_journal')
      .values(
        given.slice(at, at + ENTRIES_MAX).map((row) => ({
          sync,
          pass: row.pass,
          at_ms: Math.round(row.atMs),
          side: sideNumber(row.side),
          action: row.action,
          guid: row.guid,
          dn: printable(row.dn),
          sides: JSON.stringify({ before: row.before, after: row.after }),
          reason: printable(row.reason),
          outcome: row.outcome,
          detail: row.detail === null ? null : printable(row.detail),
        })),
      )
      .returning('no')
      .execute();
    numbers.push(...rows.map(({ no }) => no).sort((a, b) => a - b));
  }
  return numbers;
}
