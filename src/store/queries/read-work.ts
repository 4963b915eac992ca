import type { Selectable } from 'kysely';
import type { Sql } from '../database.ts';
import { readLanes } from '../lanes.ts';
import { inPieces } from '../padded.ts';
import type { WorkKey, WorkRow } from '../store.ts';
import type { Tables } from '../tables.ts';

/** By the primary key, or all rows in order of key. */
export async function readWork(sql: Sql, keys?: readonly WorkKey[]): Promise<readonly WorkRow[]> {
  if (keys === undefined) return (await sql.selectFrom('work').selectAll().orderBy('key').execute()).map(toWorkRow);
  const rows = await inPieces([...new Set(keys)], (piece) =>
    sql.selectFrom('work').selectAll().where('key', 'in', piece).execute(),
  );
  return rows.map(toWorkRow);
}

/** Earliest due time or end of a lease: one look per lane along index `work_lane`. */
export async function nextDueMs(sql: Sql, kindPrefix: string): Promise<number | null> {
  const lanes = (await readLanes(sql, kindPrefix)).map(({ name }) => name);
  if (lanes.length === 0) return null;
  const due: number[] = [];
  for (const lane of lanes) {
    // No aggregate: with a `group by` SQLite walks through the whole lane for its least value.
    const row = await sql
      .selectFrom('work')
      .select('next_at_ms')
      .where('lane', '=', lane)
      .where('next_at_ms', 'is not', null)
      .orderBy('next_at_ms')
      .limit(1)
      .executeTakeFirst();
    if (row?.next_at_ms != null) due.push(row.next_at_ms);
  }
  return due.length === 0 ? null : Math.min(...due);
}

function toWorkRow(row: Selectable<Tables['work']>): WorkRow {
  return {
    key: row.key,
    priority: row.priority,
    nextAtMs: row.next_at_ms,
    generation: row.generation,
    startedGeneration: row.started_generation,
    owner: row.owner,
    token: row.token,
    attempts: row.attempts,
    dirtySinceMs: row.dirty_since_ms,
  };
}
