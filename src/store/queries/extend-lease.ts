import type { Sql } from '../database.ts';
import { type Claim, FencedOut } from '../store.ts';

/** Heartbeat, by primary key. The lease may have ended meanwhile: as long as nobody took the work over, it is ours again. */
export async function extendLease(trx: Sql, claim: Claim, nowMs: number, leaseMs: number): Promise<Claim> {
  const leaseEndsAtMs = nowMs + leaseMs;
  const row = await trx
    .updateTable('work')
    .set({ next_at_ms: leaseEndsAtMs })
    .where('key', '=', claim.key)
    .where('token', '=', claim.token)
    .where('owner', 'is not', null)
    .returning('key')
    .executeTakeFirst();
  if (!row) throw new FencedOut(`the claim of ${claim.key} is held by somebody else by now`);
  return { ...claim, leaseEndsAtMs };
}
