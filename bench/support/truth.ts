import { compareMailboxes } from '#cli/demo/ground-truth.ts';
import type { RunningLab } from './lab.ts';

export interface Truth {
  readonly items: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly altered: number;
  readonly differences: Readonly<Record<string, number>>;
}

/** Both sides of every pair compared by the lab's own memory. */
export async function truthOf(lab: RunningLab): Promise<Truth> {
  const sum = { items: 0, lost: 0, duplicated: 0, altered: 0 };
  const differences: Record<string, number> = {};
  for (const [source, target] of lab.pairs) {
    const one = await compareMailboxes(lab.control.mailbox(source), lab.control.mailbox(target));
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
    for (const [what, count] of Object.entries(one.differences)) differences[what] = (differences[what] ?? 0) + count;
  }
  return { ...sum, differences };
}
