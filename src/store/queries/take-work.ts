import { sql } from 'kysely';
import type { Sql } from '../database.ts';
import type { Claim, WorkKey } from '../store.ts';
import { type Claimed, claiming, toClaim } from './claim-work.ts';

/** How long work is left for whoever asked for it last; he asks again before that. */
const LEFT_MS = 2_000;

/**
 * Claims one piece of work by its primary key, whether it is due or not. Held by somebody else, it is marked: given back, it is due for others
 * only when the mark has ended, so that work that is always due again is not taken before the eyes of whoever waits for it.
 */
export async function takeWork(
  trx: Sql,
  key: WorkKey,
  owner: string,
  nowMs: number,
  leaseMs: number,
): Promise<Claim | null> {
  const { rows } = await sql<Claimed>`
    update work set ${claiming(owner, nowMs + leaseMs)}
    where key = ${key} and (owner is null or next_at_ms <= ${nowMs})
    returning key, token, generation, attempts, next_at_ms, dirty_since_ms`.execute(trx);
  const [taken] = rows;
  if (taken) return toClaim(taken);
  await trx
    .updateTable('work')
    .set({ wanted_until_ms: nowMs + LEFT_MS })
    .where('key', '=', key)
    .execute();
  return null;
}
