import type { SeedReport } from '../run-seed.ts';
import {
  calendarsConverged,
  eventsLieInTheSameFolders,
  noMailSent,
  nothingErasedInVain,
  nothingRemovedInVain,
  nothingWrittenDisappears,
  onlyDuplicatesRemoved,
  quietPassWritesNothing,
  rescanChangesNothing,
} from './calendar-checkers.ts';
import type { OpenCalendarStage } from './calendar-stage.ts';
import { CalendarWorld, type Plot } from './calendar-world.ts';
import { meetingsStand } from './meeting-checkers.ts';

/** Passes of a life before it is calm. */
const STEPS = 10;

/** One life of a pair of calendars, from its seed: people on both sides, passes, faults; then calm, and the checkers. */
export async function runCalendarSeed(seed: number, stage: OpenCalendarStage, plot: Plot = {}): Promise<SeedReport> {
  const world = await CalendarWorld.open(seed, stage, plot);
  const violations: string[] = [];
  try {
    for (let n = 0; n < STEPS; n++) await world.step();
    // What feeds and notices missed nobody may need a look at everything for.
    if ((await world.quiesce(false)) !== null)
      violations.push(...calendarsConverged(world), ...(await eventsLieInTheSameFolders(world)));
    const settled = await world.quiesce(true);
    await world.tellHistory();
    if (settled === null) violations.push('does not converge: passes go on writing');
    else {
      violations.push(
        ...calendarsConverged(world),
        ...(await eventsLieInTheSameFolders(world)),
        ...(await nothingWrittenDisappears(world)),
        ...(await nothingErasedInVain(world)),
        ...nothingRemovedInVain(world),
        ...(await onlyDuplicatesRemoved(world)),
        ...(await meetingsStand(world)),
        ...(await quietPassWritesNothing(world)),
      );
      violations.push(...(await rescanChangesNothing(world)));
    }
    world.aftermath();
    violations.push(...noMailSent(world));
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
