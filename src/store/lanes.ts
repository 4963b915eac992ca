import { sql } from 'kysely';
import { assert } from '#kit/assert.ts';
import type { Sql } from './database.ts';

/**
 * A lane is what a claim walks through: all work of one kind and one priority, in order of due time (index `work_lane`). Going
 * lane by lane finds the most urgent work without sorting all that is due and without touching what is not.
 */
export interface Lane {
  readonly name: string;
  readonly priority: number;
}

const PRIORITY_MAX = 999_999;

/** `kind:PRIORITY`, the priority in six digits. */
export function laneOf(key: string, priority: number): string {
  const colon = key.indexOf(':');
  assert(colon > 0, `a work key is kind:subject: ${key}`);
  assert(
    Number.isInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX,
    `priority of ${key} is a whole number from 0 to ${PRIORITY_MAX}`,
  );
  return `${key.slice(0, colon)}:${String(priority).padStart(6, '0')}`;
}

/**
 * Lanes of the kinds that begin with `kindPrefix`, most urgent first. Jumps from lane to lane along index `work_lane`, one look
 * per lane, however many rows there are.
 */
export async function readLanes(db: Sql, kindPrefix: string): Promise<readonly Lane[]> {
  const { rows } = await sql<{ lane: string }>`
    with recursive lanes (lane) as (
      select min(lane) from work where lane >= ${kindPrefix}
      union all
      select (select min(work.lane) from work where work.lane > lanes.lane) from lanes where lanes.lane is not null
    )
    select lane from lanes where lane is not null`.execute(db);
  return rows
    .map(({ lane }) => ({ name: lane, priority: Number(lane.slice(-6)) }))
    .filter(({ name }) => name.startsWith(kindPrefix))
    .sort((a, b) => a.priority - b.priority);
}
