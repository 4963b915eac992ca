import { sql } from 'kysely';
import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import { inFlightLimit } from './spend-budget.ts';

/**
 * The server refused. Nobody spends before `untilMs`, and the limit of requests in flight is halved, once per episode: the requests
 * that were out together are refused together, and that is one piece of news. What is in flight now is what was too much, so
 * the smaller of that and the limit is halved.
 */
export async function backOffBudget(
  trx: Sql,
  engine: Engine,
  name: string,
  untilMs: number,
  limit: string,
  nowMs: number,
): Promise<void> {
  let locking = trx.selectFrom('budget').selectAll().where('name', '=', name);
  if (engine === 'postgres') locking = locking.forUpdate();
  const row = await locking.executeTakeFirst();
  // A refusal without a request of ours: somebody else's load. There is nothing to shrink, only to wait.
  if (!row) {
    await trx
      .insertInto('budget')
      .values({
        name,
        in_flight_limit: null,
        limit_since_ms: 0,
        requests_left: null,
        bytes_left: null,
        refilled_ms: nowMs,
        backoff_until_ms: untilMs,
        limited_by: printable(limit),
      })
      .onConflict((there) =>
        there.column('name').doUpdateSet({ backoff_until_ms: untilMs, limited_by: printable(limit) }),
      )
      .execute();
    return;
  }
  const sameEpisode = nowMs < row.backoff_until_ms;
  let halved = row.in_flight_limit;
  if (!sameEpisode) {
    const { inFlight } = await trx
      .selectFrom('budget_lease')
      .select(({ fn }) => fn.countAll<number>().as('inFlight'))
      .where('budget', '=', name)
      .where('deadline_ms', '>', nowMs)
      .executeTakeFirstOrThrow();
    halved = Math.max(
      1,
      Math.floor(
        Math.min(inFlightLimit(row, { inFlightMax: Math.max(1, inFlight) }, nowMs), Math.max(1, inFlight)) / 2,
      ),
    );
  }
  const until = Math.max(untilMs, row.backoff_until_ms);
  await trx
    .updateTable('budget')
    .set({ in_flight_limit: halved, limit_since_ms: until, backoff_until_ms: until, limited_by: printable(limit) })
    .where('name', '=', name)
    .execute();
}

/** By the primary key. Whoever waits for a place asks again soon. */
export async function releaseBudget(trx: Sql, budget: string, holder: string): Promise<void> {
  await sql`delete from budget_lease where budget = ${budget} and holder = ${holder}`.execute(trx);
}
