import { inYears } from '#formats/recurrence-in-years.ts';
import { child, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { assertNever } from '#kit/assert.ts';
import { nthDay } from '#model/expand-recurrence.ts';
import {
  type DayOfWeek,
  type Recurrence,
  type RecurrencePattern,
  type RecurrenceRange,
  type Weekday,
  weekdays,
} from '#model/recurrence.ts';
import type { Day } from '#model/wall-time.ts';
import { typesNamespace } from '../namespaces.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';

/**
 * `t:Recurrence` of calendar items.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/recurrence-recurrencetype
 */

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const indexes = ['First', 'Second', 'Third', 'Fourth', 'Last'] as const;

/** DayOfWeekType: our words with capitals. */
export const dayName = (day: DayOfWeek): string =>
  day === 'weekend-day' ? 'WeekendDay' : `${day.charAt(0).toUpperCase()}${day.slice(1)}`;
const dayWords = new Map<string, DayOfWeek>(
  ([...weekdays, 'day', 'weekday', 'weekend-day'] as const).map((day) => [dayName(day), day]),
);
export const dayNamed = (name: string | null): DayOfWeek | undefined => dayWords.get((name ?? '').trim());
export const indexName = (index: 1 | 2 | 3 | 4 | 5): string => indexes[index - 1] ?? 'Last';
export const indexNamed = (name: string | null): 1 | 2 | 3 | 4 | 5 | undefined => {
  const at = indexes.indexOf((name ?? '').trim() as (typeof indexes)[number]);
  return at < 0 ? undefined : ((at + 1) as 1 | 2 | 3 | 4 | 5);
};
export const monthName = (month: number): string => months[month - 1] ?? 'January';
export const monthNamed = (name: string | null): number | undefined =>
  months.indexOf((name ?? '').trim() as (typeof months)[number]) + 1 || undefined;

const isWeekday = (day: DayOfWeek): day is Weekday => (weekdays as readonly string[]).includes(day);

/** 2007 has no element for the first day of the week, so a server counts weeks from Sunday. */
const knowsFirstDay = (version: SchemaVersion) => atLeast(version, 'Exchange2010_SP1');

/** Why a recurrence cannot be told to a server of this version exactly; null: it can. */
export function recurrenceLoss(recurrence: Recurrence, version: SchemaVersion): string | null {
  const { pattern } = recurrence;
  if (pattern.kind === 'regenerating') return 'events do not regenerate';
  if (pattern.kind !== 'weekly' || pattern.firstDayOfWeek === 'sunday') return null;
  return knowsFirstDay(version) ? null : 'this version counts weeks from Sunday';
}

/** The recurrence that a server of this version has after it was told this one: by it occurrences are counted there. */
export function keptRecurrence(recurrence: Recurrence, version: SchemaVersion): Recurrence {
  const { pattern } = recurrence;
  if (pattern.kind !== 'weekly' || knowsFirstDay(version)) return recurrence;
  return { ...recurrence, pattern: { ...pattern, firstDayOfWeek: 'sunday' } };
}

/** A recurrence as `t:Recurrence`; null for one that no event has. */
export function writeRecurrence(recurrence: Recurrence, version: SchemaVersion): string | null {
  const { pattern, range } = recurrence;
  const written = writePattern(pattern, version);
  if (written === null) return null;
  // Months are counted from the start, so a pattern of years has to start in its own month.
  const startDay = isOfYears(pattern) ? (nthDay(recurrence, 0) ?? range.startDay) : range.startDay;
  return `<t:Recurrence>${written}${writeRange({ ...range, startDay })}</t:Recurrence>`;
}
/** What becomes of a series of several years whose range begins before its first day. */
export const beginsLater = 'a pattern of every second year or fewer begins on its first day';
export const isBegunLater = (recurrence: Recurrence): boolean =>
  isOfYears(recurrence.pattern) && nthDay(recurrence, 0) !== recurrence.range.startDay;

const isOfYears = ({ kind, interval: every }: RecurrencePattern): boolean =>
  (kind === 'yearly' || kind === 'yearly-relative') && every > 1;

export const interval = (count: number) => `<t:Interval>${count}</t:Interval>`;
const relative = (day: DayOfWeek, index: 1 | 2 | 3 | 4 | 5) =>
  `<t:DaysOfWeek>${dayName(day)}</t:DaysOfWeek><t:DayOfWeekIndex>${indexName(index)}</t:DayOfWeekIndex>`;

/**
 * Yearly patterns have no interval here, so every other year is every 24 months, which is how Exchange keeps it as well
 * ([MS-OXOCAL] 2.2.1.44.1.1: the period of a yearly recurrence is in months).
 */
function writePattern(pattern: RecurrencePattern, version: SchemaVersion): string | null {
  switch (pattern.kind) {
    case 'daily':
      return `<t:DailyRecurrence>${interval(pattern.interval)}</t:DailyRecurrence>`;
    case 'weekly': {
      const first = knowsFirstDay(version)
        ? `<t:FirstDayOfWeek>${dayName(pattern.firstDayOfWeek)}</t:FirstDayOfWeek>`
        : '';
      return `<t:WeeklyRecurrence>${interval(pattern.interval)}<t:DaysOfWeek>${pattern.days.map(dayName).join(' ')}</t:DaysOfWeek>${first}</t:WeeklyRecurrence>`;
    }
    case 'monthly':
      return `<t:AbsoluteMonthlyRecurrence>${interval(pattern.interval)}<t:DayOfMonth>${pattern.dayOfMonth}</t:DayOfMonth></t:AbsoluteMonthlyRecurrence>`;
    case 'monthly-relative':
      return `<t:RelativeMonthlyRecurrence>${interval(pattern.interval)}${relative(pattern.day, pattern.index)}</t:RelativeMonthlyRecurrence>`;
    case 'yearly':
      return pattern.interval > 1
        ? writePattern({ kind: 'monthly', interval: 12 * pattern.interval, dayOfMonth: pattern.dayOfMonth }, version)
        : `<t:AbsoluteYearlyRecurrence><t:DayOfMonth>${pattern.dayOfMonth}</t:DayOfMonth><t:Month>${monthName(pattern.month)}</t:Month></t:AbsoluteYearlyRecurrence>`;
    case 'yearly-relative':
      return pattern.interval > 1
        ? writePattern(
            { kind: 'monthly-relative', interval: 12 * pattern.interval, day: pattern.day, index: pattern.index },
            version,
          )
        : `<t:RelativeYearlyRecurrence>${relative(pattern.day, pattern.index)}<t:Month>${monthName(pattern.month)}</t:Month></t:RelativeYearlyRecurrence>`;
    case 'regenerating':
      return null;
    default:
      return assertNever(pattern);
  }
}

export function writeRange(range: RecurrenceRange): string {
  const start = `<t:StartDate>${range.startDay}</t:StartDate>`;
  switch (range.end) {
    case 'never':
      return `<t:NoEndRecurrence>${start}</t:NoEndRecurrence>`;
    case 'date':
      return `<t:EndDateRecurrence>${start}<t:EndDate>${range.lastDay}</t:EndDate></t:EndDateRecurrence>`;
    case 'count':
      return `<t:NumberedRecurrence>${start}<t:NumberOfOccurrences>${range.count}</t:NumberOfOccurrences></t:NumberedRecurrence>`;
    default:
      return assertNever(range);
  }
}

/** Undefined: something in it cannot be read. */
export function readRecurrence(element: XmlElement): Recurrence | undefined {
  let pattern: RecurrencePattern | undefined;
  let range: RecurrenceRange | undefined;
  for (const one of element.children) {
    if (one.ns !== typesNamespace) continue;
    pattern ??= readPattern(one);
    range ??= readRange(one);
  }
  if (pattern === undefined || range === undefined) return undefined;
  return inYears({ pattern, range });
}

function readPattern(element: XmlElement): RecurrencePattern | undefined {
  const text = (name: string) => childText(element, typesNamespace, name);
  const every = positive(text('Interval'));
  const dayOfMonth = positive(text('DayOfMonth'));
  const month = monthNamed(text('Month'));
  const day = dayNamed(text('DaysOfWeek'));
  const index = indexNamed(text('DayOfWeekIndex'));
  switch (element.name) {
    case 'DailyRecurrence':
      return every === undefined ? undefined : { kind: 'daily', interval: every };
    case 'WeeklyRecurrence': {
      const named = (text('DaysOfWeek') ?? '').trim().split(/\s+/).map(dayNamed);
      const days = weekdays.filter((weekday) => named.includes(weekday));
      const first =
        child(element, typesNamespace, 'FirstDayOfWeek') === null ? 'sunday' : dayNamed(text('FirstDayOfWeek'));
      if (every === undefined || days.length === 0 || named.some((one) => one === undefined || !isWeekday(one)))
        return undefined;
      return first === undefined || !isWeekday(first)
        ? undefined
        : { kind: 'weekly', interval: every, days, firstDayOfWeek: first };
    }
    case 'AbsoluteMonthlyRecurrence':
      return every === undefined || dayOfMonth === undefined
        ? undefined
        : { kind: 'monthly', interval: every, dayOfMonth };
    case 'RelativeMonthlyRecurrence':
      return every === undefined || day === undefined || index === undefined
        ? undefined
        : { kind: 'monthly-relative', interval: every, day, index };
    case 'AbsoluteYearlyRecurrence':
      return dayOfMonth === undefined || month === undefined
        ? undefined
        : { kind: 'yearly', interval: 1, month, dayOfMonth };
    case 'RelativeYearlyRecurrence':
      return day === undefined || index === undefined || month === undefined
        ? undefined
        : { kind: 'yearly-relative', interval: 1, month, day, index };
    default:
      return undefined;
  }
}

export function readRange(element: XmlElement): RecurrenceRange | undefined {
  const startDay = readDay(childText(element, typesNamespace, 'StartDate'));
  if (startDay === undefined) return undefined;
  switch (element.name) {
    case 'NoEndRecurrence':
      return { end: 'never', startDay };
    case 'EndDateRecurrence': {
      const lastDay = readDay(childText(element, typesNamespace, 'EndDate'));
      return lastDay === undefined ? undefined : { end: 'date', startDay, lastDay };
    }
    case 'NumberedRecurrence': {
      const count = positive(childText(element, typesNamespace, 'NumberOfOccurrences'));
      return count === undefined ? undefined : { end: 'count', startDay, count };
    }
    default:
      return undefined;
  }
}

export const positive = (text: string | null): number | undefined => {
  const trimmed = (text ?? '').trim();
  return /^[1-9]\d{0,9}$/.test(trimmed) ? Number(trimmed) : undefined;
};

/** xs:date. Servers add the offset that the zone of the series has on that day: `2026-06-29+02:00`. The day is what counts. */
function readDay(text: string | null): Day | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?$/.exec((text ?? '').trim());
  if (match === null || Number.isNaN(Date.parse(`${match[1]}T00:00:00Z`))) return undefined;
  return match[1] as Day;
}
