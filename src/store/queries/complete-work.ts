import { sql } from 'kysely';
import type { Sql } from '../database.ts';
import { type Claim, FencedOut } from '../store.ts';

/**
 * Gives the row back, by primary key. When a notice came in since the claim, the work is due since that notice. A run that failed
 * keeps its later time even then, so that notices do not defeat the pause after a failure; without a time of its own it follows
 * the notice.
 *
 * @returns whether the work is due again at once, because of a notice.
 */
export async function completeWork(
  trx: Sql,
  claim: Claim,
  { nextAtMs, failed }: { readonly nextAtMs: number | null; readonly failed: boolean },
): Promise<boolean> {
  const noticed = sql`generation > started_generation`;
  const afterNotice = sql<number | null>`case when ${noticed} then next_dirty_ms else null end`;
  const soon =
    nextAtMs === null
      ? afterNotice
      : failed
        ? sql<number>`${nextAtMs}`
        : sql<number>`case when ${noticed} and next_dirty_ms < ${nextAtMs} then next_dirty_ms else ${nextAtMs} end`;
  const row = await trx
    .updateTable('work')
    .set({
      owner: null,
      ...(failed ? {} : { attempts: 0 }),
      // Left for whoever waits for it.
      next_at_ms: sql<number | null>`case when ${soon} < wanted_until_ms then wanted_until_ms else ${soon} end`,
      dirty_since_ms: failed ? sql`coalesce(dirty_since_ms, next_dirty_ms)` : sql`next_dirty_ms`,
      next_dirty_ms: null,
    })
    .where('key', '=', claim.key)
    .where('token', '=', claim.token)
    .where('owner', 'is not', null)
    .returning(['next_at_ms', 'generation', 'started_generation'])
    .executeTakeFirst();
  if (!row) throw new FencedOut(`the claim of ${claim.key} is held by somebody else by now`);
  return row.generation > row.started_generation && row.next_at_ms !== nextAtMs;
}
