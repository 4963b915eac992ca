import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { Connector } from '../contract.ts';
import { dryRun, type PlannedWrite } from './dry-run.ts';
import { type Budgets, paced } from './paced.ts';
import { type CallRecord, recorded } from './recorded.ts';
import { type RetryOptions, retried } from './retried.ts';

export interface StackOptions {
  readonly side: CallRecord['side'];
  readonly clock: Clock;
  readonly random: Random;
  readonly note: (record: CallRecord) => void;
  readonly budgets: Budgets;
  readonly retry?: Omit<RetryOptions, 'clock' | 'random'>;
  /** Given: nothing is written, and this is told what would have been. */
  readonly describe?: (write: PlannedWrite) => void;
}

/** A connector as a job uses it: what is around it, from the inside out. */
export function stack(connector: Connector, options: StackOptions): Connector {
  const { side, clock, random, note, budgets, retry, describe } = options;
  // Sees every attempt on the wire.
  let whole = recorded(connector, { side, clock, note });
  // Every attempt spends from the budget.
  whole = paced(whole, budgets);
  whole = retried(whole, { ...retry, clock, random });
  // Outermost: a write that is only described costs nothing and is not tried again.
  return describe ? dryRun(whole, describe) : whole;
}
