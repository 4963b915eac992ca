import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import type { Commit } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const journal: BatchTable = {
  name: 'journal',
  columns: {
    pair_no: 'bigint',
    at_ms: 'bigint',
    link_id: 'text',
    field: 'text',
    day: 'text',
    sides: 'text',
    winner: 'text',
    why: 'text',
  },
  key: [],
  replaced: null,
};

const history: BatchTable = {
  name: 'history',
  columns: {
    pair_no: 'bigint',
    pass: 'bigint',
    at_ms: 'bigint',
    action: 'text',
    reason: 'text',
    left_id: 'text',
    right_id: 'text',
    outcome: 'text',
    detail: 'text',
  },
  key: [],
  replaced: null,
};

/** Appended, in the order given. */
export async function writeJournal(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: NonNullable<Commit['journal']>,
): Promise<void> {
  await upsertRows(
    trx,
    engine,
    journal,
    rows.map(({ atMs, link, field, day, base, left, right, winner, why }) => [
      pairNo,
      atMs,
      link,
      field,
      day,
      JSON.stringify({ base, left, right }),
      winner,
      printable(why),
    ]),
  );
}

/** Marks an entry of the pair as put back, by the primary key. */
export async function markRestored(
  trx: Sql,
  pairNo: number,
  { no, atMs }: NonNullable<Commit['journalRestored']>,
): Promise<void> {
  await trx
    .updateTable('journal')
    .set({ restored_at_ms: Math.round(atMs) })
    .where('no', '=', no)
    .where('pair_no', '=', pairNo)
    .execute();
}

/** Appended, in the order given. */
export async function writeHistory(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: NonNullable<Commit['history']>,
): Promise<void> {
  await upsertRows(
    trx,
    engine,
    history,
    rows.map((row) => [
      pairNo,
      row.pass,
      row.atMs,
      row.action,
      printable(row.reason),
      row.left,
      row.right,
      row.outcome,
      row.detail === null ? null : printable(row.detail),
    ]),
  );
}
