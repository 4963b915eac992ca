import { CompiledQuery } from 'kysely';
import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { DirectoryCommit } from '../directory-records.ts';
import type { Engine } from '../migrations/migration.ts';

/** Rows of one SQLite statement; smaller ones take what is left over. */
const SQLITE_ROWS = [50, 12, 3, 1] as const;

const set = `outcome = settled.outcome, guid = coalesce(settled.guid, directory_journal.guid),
  detail = coalesce(settled.detail, directory_journal.detail)`;

/** The values that SQLite is given have no names of their own. */
const sqliteTexts: ReadonlyMap<number, string> = new Map(
  SQLITE_ROWS.map((rows) => [
    rows,
    `update directory_journal set ${set} from (
      select column1 as no, column2 as outcome, column3 as guid, column4 as detail
      from (values ${Array.from({ length: rows }, () => '(?, ?, ?, ?)').join(', ')})
    ) as settled where directory_journal.no = settled.no and sync = ?`,
  ]),
);
const postgresText = `update directory_journal set ${set}
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as settled (no, outcome, guid, detail)
  where directory_journal.no = settled.no and sync = $5`;

/** What became of entries; a pass settles hundreds at a time. What is not said of an entry stays. */
export async function settleJournal(
  trx: Sql,
  engine: Engine,
  sync: string,
  settled: NonNullable<DirectoryCommit['journalSettled']>,
): Promise<void> {
  // Of two about one entry the later one counts.
  const last = new Map(settled.map((entry) => [entry.no, entry]));
  const rows = [...last.values()].map(({ no, outcome, guid = null, detail }) => [
    no,
    outcome,
    guid,
    detail === undefined ? null : printable(detail),
  ]);
  if (rows.length === 0) return;
  if (engine === 'postgres') {
    const columns = [0, 1, 2, 3].map((at) => rows.map((row) => row[at]));
    await trx.executeQuery(CompiledQuery.raw(postgresText, [...columns, sync]));
    return;
  }
  let at = 0;
  for (const [size, text] of sqliteTexts)
    for (; at + size <= rows.length; at += size)
      await trx.executeQuery(CompiledQuery.raw(text, [...rows.slice(at, at + size).flat(), sync]));
}
