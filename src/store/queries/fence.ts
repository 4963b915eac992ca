import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import { type Claim, FencedOut } from '../store.ts';

/**
 * The row of the claim must still carry its token and an owner. On PostgreSQL the row stays locked until the commit, so that nobody
 * takes the claim over in between.
 */
export async function fence(trx: Sql, engine: Engine, claim: Claim): Promise<void> {
  let query = trx
    .selectFrom('work')
    .select('key')
    .where('key', '=', claim.key)
    .where('token', '=', claim.token)
    .where('owner', 'is not', null);
  if (engine === 'postgres') query = query.forShare();
  if (!(await query.executeTakeFirst()))
    throw new FencedOut(`the claim of ${claim.key} is held by somebody else by now`);
}
