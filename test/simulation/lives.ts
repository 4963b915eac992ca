import { memoryCalendarStage } from './calendar/memory-calendar-stage.ts';
import { runCalendarSeed } from './calendar/run-calendar-seed.ts';
import { ewsCalendarStage } from './ews/ews-calendar-stage.ts';
import { ewsStage } from './ews/ews-stage.ts';
import { memoryStage } from './memory/memory-stage.ts';
import { runSeed, type SeedReport } from './run-seed.ts';
import type { StoreKind } from './shared-store.ts';

export type Live = (seed: number, store?: StoreKind) => Promise<SeedReport>;

/** Lives by world and kind: in memory, and over the real EWS connectors against the lab in this process. */
const worlds: Readonly<Record<string, Readonly<Record<string, Live>>>> = {
  memory: {
    mail: (seed, store) => runSeed(seed, memoryStage, store),
    calendar: (seed, store) => runCalendarSeed(seed, memoryCalendarStage, { ...(store && { store }) }),
    series: (seed, store) =>
      runCalendarSeed(seed, memoryCalendarStage, { isAboutSeries: true, ...(store && { store }) }),
    rival: (seed, store) => runCalendarSeed(seed, memoryCalendarStage, { hasRivals: true, ...(store && { store }) }),
  },
  ews: {
    mail: (seed, store) => runSeed(seed, ewsStage, store),
    calendar: (seed, store) => runCalendarSeed(seed, ewsCalendarStage, { ...(store && { store }) }),
    rival: (seed, store) => runCalendarSeed(seed, ewsCalendarStage, { hasRivals: true, ...(store && { store }) }),
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
