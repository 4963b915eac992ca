import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import { sideNumber } from '../directory-codecs.ts';
import type { Engine } from '../migrations/migration.ts';
import type { Claim } from '../store.ts';
import type { SwitchRecords } from '../switch-records.ts';
import { type BatchTable, upsertRows } from '../upsert-rows.ts';
import { fence } from './fence.ts';

const switches: BatchTable = {
  name: 'switching',
  columns: {
    pair: 'text',
    state: 'text',
    active: 'bigint',
    run: 'bigint',
    at: 'text',
    changed_at_ms: 'bigint',
    because: 'text',
  },
  key: ['pair'],
  replaced: ['state', 'active', 'run', 'at', 'changed_at_ms', 'because'],
};

const steps: BatchTable = {
  name: 'switch_step',
  columns: {
    pair: 'text',
    run: 'bigint',
    step: 'text',
    direction: 'text',
    state: 'text',
    began_at_ms: 'bigint',
    ended_at_ms: 'bigint',
    before: 'text',
    detail: 'text',
    attempts: 'bigint',
  },
  key: ['pair', 'run', 'step', 'direction'],
  replaced: ['state', 'began_at_ms', 'ended_at_ms', 'before', 'detail', 'attempts'],
};

/** A step that is written again keeps its place in the order of beginning. */
export async function commitSwitch(
  trx: Sql,
  engine: Engine,
  claim: Claim | null,
  commit: Parameters<SwitchRecords['commitSwitch']>[1],
): Promise<void> {
  if (claim) await fence(trx, engine, claim);
  if (commit.row) {
    const { pair, state, active, run, at, changedAtMs, because } = commit.row;
    const when = at === null ? null : JSON.stringify(at);
    await upsertRows(trx, engine, switches, [
      [pair, state, sideNumber(active), run, when, changedAtMs, because === null ? null : printable(because)],
    ]);
  }
  // One statement each: the order of their numbers is the order given, and a step may come twice.
  for (const step of commit.steps ?? [])
    await upsertRows(trx, engine, steps, [
      [
        step.pair,
        step.run,
        step.step,
        step.direction,
        step.state,
        step.beganAtMs,
        step.endedAtMs,
        JSON.stringify(step.before ?? null),
        step.detail === null ? null : printable(step.detail),
        step.attempts,
      ],
    ]);
}
