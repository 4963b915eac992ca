import type { Sql } from '../database.ts';
import type { Engine } from '../migrations/migration.ts';
import type { BudgetCost, BudgetGrant, BudgetLimits } from '../store.ts';

/** How fast a limit grows back after it was halved: one more request in flight for each interval without a refusal. */
const GROW_INTERVAL_MS = 15_000;
/** How soon to ask again when only requests in flight stand in the way: one of them ends, and nobody knows when. */
const IN_FLIGHT_RETRY_MS = 50;
const MINUTE_MS = 60_000;

/**
 * May this request be sent now? Either all of it is taken, or nothing and the time after which to ask again.
 *
 * - In flight: `budget_lease` holds one row per request that is out; a row whose deadline has passed belongs to a holder that
 *   died and counts no more. After `backOff` the limit is `in_flight_limit` at `limit_since_ms` and grows from there.
 * - Windows: buckets that fill by a minute's allowance per minute and hold at most one second of it, so that no minute sees more
 *   than its allowance. They may go below zero, because one request may be larger than a second's worth; the next one waits.
 *
 * The budget's row is locked first, so that spenders of one budget go one after the other. By primary keys only.
 */
export async function spendBudget(
  trx: Sql,
  engine: Engine,
  name: string,
  limits: BudgetLimits,
  holder: string,
  cost: BudgetCost,
  nowMs: number,
  deadlineMs: number,
): Promise<BudgetGrant> {
  await trx
    .insertInto('budget')
    .values({
      name,
      in_flight_limit: null,
      limit_since_ms: 0,
      requests_left: null,
      bytes_left: null,
      refilled_ms: nowMs,
      backoff_until_ms: 0,
      limited_by: null,
    })
    .onConflict((there) => there.column('name').doNothing())
    .execute();
  let locking = trx.selectFrom('budget').selectAll().where('name', '=', name);
  if (engine === 'postgres') locking = locking.forUpdate();
  const row = await locking.executeTakeFirstOrThrow();
  if (nowMs < row.backoff_until_ms) return { waitMs: row.backoff_until_ms - nowMs, limitedBy: row.limited_by };

  await trx.deleteFrom('budget_lease').where('budget', '=', name).where('deadline_ms', '<=', nowMs).execute();
  const { inFlight } = await trx
    .selectFrom('budget_lease')
    .select(({ fn }) => fn.countAll<number>().as('inFlight'))
    .where('budget', '=', name)
    .where('holder', '<>', holder)
    .executeTakeFirstOrThrow();
  if (inFlight >= inFlightLimit(row, limits, nowMs)) return { waitMs: IN_FLIGHT_RETRY_MS, limitedBy: 'in-flight' };

  const elapsedMs = Math.max(0, nowMs - row.refilled_ms);
  const requestsLeft = refill(row.requests_left, limits.requestsPerMinute, elapsedMs);
  const bytesLeft = refill(row.bytes_left, limits.bytesPerMinute, elapsedMs);
  const requestsWaitMs = untilPositive(requestsLeft, limits.requestsPerMinute);
  const bytesWaitMs = untilPositive(bytesLeft, limits.bytesPerMinute);
  if (requestsWaitMs > 0 || bytesWaitMs > 0)
    return {
      waitMs: Math.max(requestsWaitMs, bytesWaitMs),
      limitedBy: requestsWaitMs >= bytesWaitMs ? 'requests-per-minute' : 'bytes-per-minute',
    };

  await trx
    .updateTable('budget')
    .set({
      requests_left: requestsLeft === null ? null : requestsLeft - cost.requests,
      bytes_left: bytesLeft === null ? null : bytesLeft - cost.bytes,
      // A clock that went back must not fill the buckets again on its way forward.
      refilled_ms: Math.max(nowMs, row.refilled_ms),
    })
    .where('name', '=', name)
    .execute();
  await trx
    .insertInto('budget_lease')
    .values({ budget: name, holder, deadline_ms: deadlineMs })
    .onConflict((there) => there.columns(['budget', 'holder']).doUpdateSet({ deadline_ms: deadlineMs }))
    .execute();
  return { waitMs: 0, limitedBy: null };
}

/** The limit in force: what `backOff` left, grown back by time, at most what is configured. */
export function inFlightLimit(
  row: { readonly in_flight_limit: number | null; readonly limit_since_ms: number },
  { inFlightMax }: Pick<BudgetLimits, 'inFlightMax'>,
  nowMs: number,
): number {
  if (row.in_flight_limit === null) return inFlightMax;
  const grownBy = Math.floor(Math.max(0, nowMs - row.limit_since_ms) / GROW_INTERVAL_MS);
  return Math.max(1, Math.min(inFlightMax, Math.floor(row.in_flight_limit) + grownBy));
}

function refill(left: number | null, perMinute: number | null, elapsedMs: number): number | null {
  if (perMinute === null) return null;
  const capacity = Math.max(1, perMinute / 60);
  return Math.min(capacity, (left ?? capacity) + (perMinute * elapsedMs) / MINUTE_MS);
}

function untilPositive(left: number | null, perMinute: number | null): number {
  if (left === null || perMinute === null || left > 0) return 0;
  return Math.floor((-left * MINUTE_MS) / perMinute) + 1;
}
