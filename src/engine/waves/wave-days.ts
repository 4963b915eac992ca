/** On which days waves take place. */
import { addDays, type Day, wallOfDay } from '#model/wall-time.ts';

const DAY_MS = 86_400_000;

export interface WaveCalendar {
  /** Day of the first wave; null: as late as `by` allows, or without days at all. */
  readonly from: Day | null;
  /** No wave is later; null: no limit. */
  readonly by: Day | null;
  readonly everyDays: number;
  readonly today: Day;
}

/**
 * @returns a day for each wave, empty when no day was asked for; or how many waves there are days for, when these are too few.
 */
export function waveDays(
  { from, by, everyDays, today }: WaveCalendar,
  count: number,
): readonly Day[] | { readonly possible: number } {
  if (from === null && by === null) return [];
  if (by !== null) {
    const days = Math.floor((wallOfDay(by) - wallOfDay(from ?? today)) / DAY_MS / everyDays);
    if (days + 1 < count) return { possible: Math.max(0, days + 1) };
  }
  const first = from ?? addDays(by ?? today, -everyDays * Math.max(0, count - 1));
  return Array.from({ length: count }, (_, at) => addDays(first, at * everyDays));
}
