import { memoryCalendarStage } from './calendar/memory-calendar-stage.ts';
import { rivalMoves } from './calendar/rivals.ts';
import { runCalendarSeed } from './calendar/run-calendar-seed.ts';
import { memoryStage } from './memory/memory-stage.ts';
import { runSeed, type SeedReport } from './run-seed.ts';

const lives: Readonly<Record<string, (seed: number) => Promise<SeedReport>>> = {
  mail: (seed) => runSeed(seed, memoryStage),
  calendar: (seed) => runCalendarSeed(seed, memoryCalendarStage),
  rival: (seed) => runCalendarSeed(seed, memoryCalendarStage, { rivals: rivalMoves }),
};

/** One life in memory, by its kind: of mail, of calendars, of calendars with rivals. */
export function lifeOf(kind: string): (seed: number) => Promise<SeedReport> {
  const live = lives[kind];
  if (!live) throw new Error(`there are no lives of ${kind}; there are those of ${Object.keys(lives).join(', ')}`);
  return live;
}
