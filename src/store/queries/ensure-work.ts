import type { Sql } from '../database.ts';
import { laneOf } from '../lanes.ts';
import type { Engine } from '../migrations/migration.ts';
import type { WorkKey } from '../store.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';

const table: BatchTable = {
  name: 'work',
  columns: {
    key: 'text',
    lane: 'text',
    priority: 'bigint',
    next_at_ms: 'bigint',
    generation: 'bigint',
    started_generation: 'bigint',
    token: 'bigint',
    attempts: 'bigint',
  },
  key: ['key'],
  replaced: [],
};

/** By the primary key of `work`; rows that are there stay as they are. */
export async function ensureWork(
  trx: Sql,
  engine: Engine,
  work: readonly { readonly key: WorkKey; readonly priority: number; readonly nextAtMs: number | null }[],
): Promise<void> {
  const byKey = new Map(work.map((row) => [row.key, row]));
  // In order of key, so that two processes that do the same do not wait for each other in a circle.
  const rows = [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  await upsertRows(
    trx,
    engine,
    table,
    rows.map(({ key, priority, nextAtMs }) => [key, laneOf(key, priority), priority, nextAtMs, 0, 0, 0, 0]),
  );
}
