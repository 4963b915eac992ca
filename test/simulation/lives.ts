import { memoryCalendarStage } from './calendar/memory-calendar-stage.ts';
import { runCalendarSeed } from './calendar/run-calendar-seed.ts';
import { ewsCalendarStage } from './ews/ews-calendar-stage.ts';
import { ewsStage } from './ews/ews-stage.ts';
import { memoryStage } from './memory/memory-stage.ts';
import { runSeed, type SeedReport } from './run-seed.ts';

export type Live = (seed: number) => Promise<SeedReport>;

/** Lives by world and kind: in memory, and over the real EWS connectors against the lab in this process. */
const worlds: Readonly<Record<string, Readonly<Record<string, Live>>>> = {
  memory: {
    mail: (seed) => runSeed(seed, memoryStage),
    calendar: (seed) => runCalendarSeed(seed, memoryCalendarStage),
    rival: (seed) => runCalendarSeed(seed, memoryCalendarStage, { hasRivals: true }),
  },
  ews: {
    mail: (seed) => runSeed(seed, ewsStage),
    calendar: (seed) => runCalendarSeed(seed, ewsCalendarStage),
    rival: (seed) => runCalendarSeed(seed, ewsCalendarStage, { hasRivals: true }),
  },
};

/** One life by its kind: of mail, of calendars, of calendars with rivals. */
export function lifeOf(kind: string, world = 'memory'): Live {
  const lives = worlds[world];
  if (!lives) throw new Error(`there is no world ${world}; there are ${Object.keys(worlds).join(' and ')}`);
  const live = lives[kind];
  if (!live) throw new Error(`there are no lives of ${kind}; there are those of ${Object.keys(lives).join(', ')}`);
  return live;
}
