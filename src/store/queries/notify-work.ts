import { sql } from 'kysely';
import type { Sql } from '../database.ts';
import { inPieces } from '../padded.ts';
import type { WorkKey } from '../store.ts';

/**
 * A change notice. Free work becomes due now; running work keeps its lease, and `complete` sees by the generation that it has to
 * run again. `next_dirty_ms` keeps the time of the first notice that the run in progress may not have seen. By the primary key;
 * keys that nobody ensured are ignored. What somebody waits for by name is left to him for a moment.
 */
export async function notifyWork(trx: Sql, keys: readonly WorkKey[], nowMs: number): Promise<void> {
  // In order of key: two processes that notify the same work lock its rows in the same order.
  await inPieces([...new Set(keys)].sort(), async (piece) => {
    await trx
      .updateTable('work')
      .set({
        generation: sql`generation + 1`,
        dirty_since_ms: sql`coalesce(dirty_since_ms, ${nowMs})`,
        next_dirty_ms: sql`case when owner is null then null else coalesce(next_dirty_ms, ${nowMs}) end`,
        next_at_ms: sql`case
          when owner is not null then next_at_ms
          when next_at_ms < ${nowMs} then next_at_ms
          when wanted_until_ms > ${nowMs} then wanted_until_ms
          else ${nowMs} end`,
      })
      .where('key', 'in', piece)
      .execute();
    return [];
  });
}
