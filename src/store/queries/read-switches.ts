import type { PairId } from '#model/ids.ts';
import type { Sql } from '../database.ts';
import { readSwitch, readSwitchStep } from '../directory-codecs.ts';
import { inPieces } from '../padded.ts';
import type { SwitchRow, SwitchStepRow } from '../switch-records.ts';

/** By the primary key; without pairs, all of them in its order. */
export async function readSwitches(sql: Sql, pairs?: readonly PairId[]): Promise<readonly SwitchRow[]> {
  const all = sql.selectFrom('switching').selectAll().orderBy('pair');
  const rows = pairs
    ? await inPieces([...new Set(pairs)], (piece) => all.where('pair', 'in', piece).execute())
    : await all.execute();
  return rows.map(readSwitch);
}

/** In the order in which they began. By index `switch_step_key`; a pair has a few dozen, which are sorted. */
export async function readSwitchSteps(sql: Sql, pair: PairId, run?: number): Promise<readonly SwitchStepRow[]> {
  let query = sql.selectFrom('switch_step').selectAll().where('pair', '=', pair).orderBy('no');
  if (run !== undefined) query = query.where('run', '=', run);
  return (await query.execute()).map(readSwitchStep);
}
