import { sql } from 'kysely';
import type { Sql } from '../database.ts';
import { readLanes } from '../lanes.ts';
import type { Engine } from '../migrations/migration.ts';
import type { Claim } from '../store.ts';

export interface Claimed {
  readonly key: string;
  readonly token: number;
  readonly generation: number;
  readonly attempts: number;
  readonly next_at_ms: number;
  readonly dirty_since_ms: number | null;
}

/** What claiming a row changes in it. */
export const claiming = (owner: string, leaseEndsAtMs: number) => sql`
  owner = ${owner},
  token = token + 1,
  attempts = attempts + 1,
  started_generation = generation,
  dirty_since_ms = coalesce(dirty_since_ms, next_dirty_ms),
  next_dirty_ms = null,
  wanted_until_ms = null,
  next_at_ms = ${leaseEndsAtMs}`;

/**
 * The life of a row of `work`:
 *
 *                    ensure (a time), notify               claim: token+1, attempts+1, owner
 *   ┌─────────────┐ ─────────────────────────> ┌───────┐ ──────────────────────────────────> ┌─────────────────┐ extend: heartbeat
 *   │ idle        │                            │ due   │                                     │ running         │ ────┐
 *   │ no owner,   │ <───────────────────────── │ free, │ <────────────────────────────────── │ owner, next_at  │ <───┘
 *   │ next_at null│   complete without a time  │ timed │   complete with a time, or with a   │ = end of lease  │
 *   └─────────────┘   and without a notice     └───────┘   notice since the claim            └─────────────────┘
 *                                                                                             │ the lease ends: the owner died
 *                                                             claim by anyone <───────────────┘ (the old token is fenced out)
 *
 * `take` claims one row by its key, due or not. Where somebody else holds it, it sets `wanted_until_ms`, before which the row is not due again.
 *
 * A notice during a run raises `generation` above `started_generation`; that is all a run leaves to its successor. Attempts are
 * counted when they begin, so that work that kills its worker is seen too, and reset when a run ends well.
 *
 * Served by index `work_lane`: for each lane the rows that are due, oldest first, up to the limit, and no others. PostgreSQL
 * skips rows that another process is just taking; SQLite has one writer.
 */
export async function claimWork(
  trx: Sql,
  engine: Engine,
  owner: string,
  kindPrefix: string,
  limit: number,
  nowMs: number,
  leaseMs: number,
): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  const skipLocked = engine === 'postgres' ? sql`for update skip locked` : sql``;
  for (const lane of await readLanes(trx, kindPrefix)) {
    const free = limit - claims.length;
    if (free <= 0) break;
    const { rows } = await sql<Claimed>`
      update work set ${claiming(owner, nowMs + leaseMs)}
      where key in (
        select key from work where lane = ${lane.name} and next_at_ms <= ${nowMs} order by next_at_ms limit ${free} ${skipLocked}
      )
      returning key, token, generation, attempts, next_at_ms, dirty_since_ms`.execute(trx);
    claims.push(...rows.map(toClaim));
  }
  return claims;
}

export const toClaim = (row: Claimed): Claim => ({
  key: row.key,
  token: row.token,
  generation: row.generation,
  attempts: row.attempts,
  leaseEndsAtMs: row.next_at_ms,
  dirtySinceMs: row.dirty_since_ms,
});
