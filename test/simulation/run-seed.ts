import {
  converged,
  fullRescanChangesNothing,
  noMail,
  nothingLostNothingDoubled,
  nothingRemovedInVain,
  personsChangesKept,
  quietRunWritesNothing,
} from './checkers.ts';
import type { StoreKind } from './shared-store.ts';
import type { OpenStage } from './stage.ts';
import { World } from './world.ts';

/** Passes of a life before it is calm. */
const STEPS = 12;

export interface SeedReport {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly lost: number;
  readonly duplicated: number;
  readonly mails: number;
  readonly events: readonly string[];
}

/** One life of a pair, from its seed: people, passes, faults; then calm, and the checkers. */
export async function runSeed(seed: number, stage: OpenStage, store?: StoreKind): Promise<SeedReport> {
  const world = await World.open(seed, stage, store);
  const violations: string[] = [];
  try {
    for (let n = 0; n < STEPS; n++) await world.step();
    // Marks hide nothing but read flags, which the slow sweep finds.
    if ((await world.quiesce(false)) !== null)
      violations.push(...(await nothingLostNothingDoubled(world)), ...(await converged(world, ['isRead'])));
    const settled = await world.quiesce(true);
    for (const h of (await world.store.history({ pair: world.pair }, 300)).toReversed()) {
      world.events.push(
        `pass ${h.pass}: ${h.action} ${h.left ?? ''} → ${h.right ?? ''}: ${h.reason}, ${h.outcome} ${h.detail ?? ''}`,
      );
    }
    if (settled === null) violations.push('does not converge: passes go on writing');
    else {
      violations.push(
        ...(await nothingLostNothingDoubled(world)),
        ...(await converged(world, [])),
        ...(await nothingRemovedInVain(world)),
        ...personsChangesKept(world),
        ...(await quietRunWritesNothing(world)),
      );
      violations.push(...(await fullRescanChangesNothing(world)), ...(await nothingLostNothingDoubled(world)));
    }
    violations.push(...noMail(world));
  } catch (error) {
    violations.push(`threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await world.close();
  }
  const count = (kind: string) => violations.filter((v) => v.startsWith(kind)).length;
  return {
    seed,
    violations,
    lost: count('lost'),
    duplicated: count('duplicated'),
    mails: count('mail'),
    events: world.events,
  };
}
