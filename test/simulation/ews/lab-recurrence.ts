import type { DayKind, Recurrence as Kept, Pattern, Range } from '#lab/world/recurrence.ts';
import { type DayOfWeek, type Recurrence, type RecurrencePattern, weekdays } from '#model/recurrence.ts';
import type { Day } from '#model/wall-time.ts';

const kindOf = (day: DayOfWeek): DayKind =>
  day === 'day' || day === 'weekday' ? day : day === 'weekend-day' ? 'weekend' : weekdays.indexOf(day);
const wordOf = (day: DayKind): DayOfWeek =>
  typeof day === 'number' ? (weekdays[day] ?? 'sunday') : day === 'weekend' ? 'weekend-day' : day;

/** How the lab's store writes a series down. */
export function serverRecurrence(
  { pattern, range }: Recurrence,
  offsets: Pick<Kept, 'startOffsetMs' | 'endOffsetMs'>,
): Kept {
  const kept: Range =
    range.end === 'never'
      ? { kind: 'endless' }
      : range.end === 'date'
        ? { kind: 'until', lastDay: range.lastDay }
        : { kind: 'count', count: range.count };
  return { pattern: serverPattern(pattern), range: kept, startDay: range.startDay, ...offsets };
}

function serverPattern(pattern: RecurrencePattern): Pattern {
  switch (pattern.kind) {
    case 'daily':
      return { kind: 'daily', interval: pattern.interval };
    case 'weekly':
      return {
        kind: 'weekly',
        interval: pattern.interval,
        days: pattern.days.map((day) => weekdays.indexOf(day)),
        firstDay: weekdays.indexOf(pattern.firstDayOfWeek),
      };
    case 'monthly':
      return { kind: 'monthly', interval: pattern.interval, day: pattern.dayOfMonth };
    case 'monthly-relative':
      return {
        kind: 'monthly-nth',
        interval: pattern.interval,
        day: kindOf(pattern.day),
        nth: pattern.index === 5 ? -1 : pattern.index,
      };
    case 'yearly':
      return { kind: 'yearly', month: pattern.month, day: pattern.dayOfMonth };
    case 'yearly-relative':
      return {
        kind: 'yearly-nth',
        month: pattern.month,
        day: kindOf(pattern.day),
        nth: pattern.index === 5 ? -1 : pattern.index,
      };
    case 'regenerating':
      throw new Error('appointments do not begin anew when they are done');
  }
}

/** A series of the lab's store in the words of people. */
export function modelRecurrence({ pattern, range, startDay }: Kept): Recurrence {
  const first = startDay as Day;
  return {
    pattern: modelPattern(pattern),
    range:
      range.kind === 'endless'
        ? { end: 'never', startDay: first }
        : range.kind === 'until'
          ? { end: 'date', startDay: first, lastDay: range.lastDay as Day }
          : { end: 'count', startDay: first, count: range.count },
  };
}

function modelPattern(pattern: Pattern): RecurrencePattern {
  const index = (nth: number) => (nth === -1 ? 5 : nth) as 1 | 2 | 3 | 4 | 5;
  switch (pattern.kind) {
    case 'daily':
      return { kind: 'daily', interval: pattern.interval };
    case 'weekly':
      return {
        kind: 'weekly',
        interval: pattern.interval,
        days: [...pattern.days].sort((a, b) => a - b).map((day) => weekdays[day] ?? 'sunday'),
        firstDayOfWeek: weekdays[pattern.firstDay] ?? 'sunday',
      };
    case 'monthly':
      return { kind: 'monthly', interval: pattern.interval, dayOfMonth: pattern.day };
    case 'monthly-nth':
      return {
        kind: 'monthly-relative',
        interval: pattern.interval,
        day: wordOf(pattern.day),
        index: index(pattern.nth),
      };
    case 'yearly':
      return { kind: 'yearly', interval: 1, month: pattern.month, dayOfMonth: pattern.day };
    case 'yearly-nth':
      return {
        kind: 'yearly-relative',
        interval: 1,
        month: pattern.month,
        day: wordOf(pattern.day),
        index: index(pattern.nth),
      };
  }
}
