import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import type { HistoryRow, JournalRow } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const journal: BatchTable = {
  name: 'journal',
  columns: {
    pair_no: 'bigint',
    at_ms: 'bigint',
    link_id: 'text',
    field: 'text',
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
  rows: readonly Omit<JournalRow, 'pair'>[],
): Promise<void> {
  await upsertRows(
    trx,
    engine,
    journal,
    rows.map(({ atMs, link, field, base, left, right, winner, why }) => [
      pairNo,
      atMs,
      link,
      field,
      JSON.stringify({ base, left, right }),
      winner,
      printable(why),
    ]),
  );
}

/** Appended, in the order given. */
export async function writeHistory(
  trx: Sql,
  engine: Engine,
  pairNo: number,
  rows: readonly Omit<HistoryRow, 'pair'>[],
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
