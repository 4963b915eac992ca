import type { Random } from '#kit/random.ts';
import type { When } from '#model/appointment.ts';
import type { Instant } from '#model/mail.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { addDays, type Day, wallOfDay } from '#model/wall-time.ts';
import type { Ledger } from './ledger.ts';
import type { SimulatedCalendar, SimulatedEvent } from './simulated-calendar.ts';

export interface CalendarPerson {
  readonly calendar: SimulatedCalendar;
  readonly random: Random;
  readonly ledger: Ledger;
  /** Everybody comes back to the same two events over and over. */
  readonly isBusyWithOne: boolean;
  /** Everybody works on patterns and occurrences of the same two series. */
  readonly isAboutSeries: boolean;
  /** There are meetings among the events. */
  readonly hasMeetings: boolean;
  /** Numbers for tokens. */
  next(): number;
  /** A time, in whole seconds, that is later than every one before. */
  now(): Instant;
  /** A pass is going on. */
  readonly isMeanwhile: boolean;
  /** What is done, for whoever replays a life. */
  say(deed: string): void;
}

/** @returns a value with a token of its own. */
export function write(person: CalendarPerson, what: string): string {
  const token = `~${person.next()}~`;
  person.ledger.written.set(token, `${what} on ${person.calendar.address}`);
  return token;
}

/** The first day of every series: a Monday. */
export const firstDay = '2024-01-01' as Day;
const vienna = { id: 'W. Europe Standard Time', rules: null };
const MINUTE_MS = 60_000;

export const pick = <T>(random: Random, things: readonly T[]): T | undefined => things[random.int(things.length)];

/** A time nobody else chose: its minutes are counted up. It has no token, so that merging of times is judged by equality alone. */
export function someTime(random: Random, day: Day): When {
  const start = wallOfDay(day) + (7 + random.int(9)) * 60 * MINUTE_MS + random.int(12) * 5 * MINUTE_MS;
  return {
    start,
    end: start + (1 + random.int(4)) * 30 * MINUTE_MS,
    isAllDay: false,
    startZone: vienna,
    endZone: vienna,
  };
}

export const daily = (count: number): Recurrence => ({
  pattern: { kind: 'daily', interval: 1 },
  range: { end: 'count', startDay: firstDay, count },
});

/** The days of a simulated series, all of which are daily from the first day on. */
export function daysOf({ item }: Pick<SimulatedEvent, 'item'>): readonly Day[] {
  const { recurrence } = item.fields;
  if (recurrence === null || recurrence.range.end !== 'count') return [];
  const step = recurrence.pattern.kind === 'daily' ? recurrence.pattern.interval : 1;
  return Array.from({ length: recurrence.range.count }, (_, n) => addDays(recurrence.range.startDay, n * step));
}
