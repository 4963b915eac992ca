import type { DayKind, Pattern, Range, Recurrence } from '../world/recurrence.ts';
import type { Zone } from '../world/zone.ts';
import { badRequest } from './graph-error.ts';
import type { Json } from './route.ts';

// learn.microsoft.com/graph/api/resources/patternedrecurrence

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
const indexes = ['first', 'second', 'third', 'fourth', 'last'] as const;

/** Days of a relative pattern: all seven are any day, five of them working days. */
const daysOf = (kind: DayKind): readonly string[] =>
  kind === 'day'
    ? weekdays
    : kind === 'weekday'
      ? weekdays.slice(1, 6)
      : kind === 'weekend'
        ? ['sunday', 'saturday']
        : [weekdays[kind] ?? 'sunday'];

function kindOf(days: readonly number[]): DayKind {
  const set = new Set(days);
  if (set.size === 7) return 'day';
  if (set.size === 5 && !set.has(0) && !set.has(6)) return 'weekday';
  if (set.size === 2 && set.has(0) && set.has(6)) return 'weekend';
  if (set.size !== 1) throw badRequest('A relative pattern has one day of the week.');
  return [...set][0] ?? 0;
}

const indexOf = (nth: number): string => (nth < 0 ? 'last' : (indexes[nth - 1] ?? 'first'));

function patternJson(pattern: Pattern): Json {
  const base = { month: 0, dayOfMonth: 0, firstDayOfWeek: 'sunday', index: 'first' };
  switch (pattern.kind) {
    case 'daily':
      return { ...base, type: 'daily', interval: pattern.interval };
    case 'weekly':
      return {
        ...base,
        type: 'weekly',
        interval: pattern.interval,
        daysOfWeek: pattern.days.map((day) => weekdays[day] ?? 'sunday'),
        firstDayOfWeek: weekdays[pattern.firstDay] ?? 'sunday',
      };
    case 'monthly':
      return { ...base, type: 'absoluteMonthly', interval: pattern.interval, dayOfMonth: pattern.day };
    case 'monthly-nth':
      return {
        ...base,
        type: 'relativeMonthly',
        interval: pattern.interval,
        daysOfWeek: daysOf(pattern.day),
        index: indexOf(pattern.nth),
      };
    case 'yearly':
      return { ...base, type: 'absoluteYearly', interval: 1, month: pattern.month, dayOfMonth: pattern.day };
    case 'yearly-nth':
      return {
        ...base,
        type: 'relativeYearly',
        interval: 1,
        month: pattern.month,
        daysOfWeek: daysOf(pattern.day),
        index: indexOf(pattern.nth),
      };
  }
}

export function recurrenceJson({ pattern, range, startDay }: Recurrence, zone: Zone): Json {
  return {
    pattern: patternJson(pattern),
    range: {
      type: range.kind === 'endless' ? 'noEnd' : range.kind === 'count' ? 'numbered' : 'endDate',
      startDate: startDay,
      endDate: range.kind === 'until' ? range.lastDay : '0001-01-01',
      recurrenceTimeZone: zone.id,
      numberOfOccurrences: range.kind === 'count' ? range.count : 0,
    },
  };
}

const numberIn = (value: unknown, name: string, min: number, max: number): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw badRequest(`'${name}' of a recurrence is a number from ${min} to ${max}.`);
  return value;
};
const dayIn = (value: unknown, name: string): string => {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value) || Number.isNaN(Date.parse(value)))
    throw badRequest(`'${name}' of a recurrence is a day.`);
  return value;
};

function daysIn(value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length === 0) throw badRequest('The pattern needs daysOfWeek.');
  return value.map((name) => {
    const at = weekdays.indexOf(String(name).toLowerCase() as 'sunday');
    if (at < 0) throw badRequest(`'${String(name)}' is no day of the week.`);
    return at;
  });
}
const nthIn = (value: unknown): number => {
  const at = indexes.indexOf(String(value ?? 'first').toLowerCase() as 'first');
  if (at < 0) throw badRequest(`'${String(value)}' is no index of a week.`);
  return at === 4 ? -1 : at + 1;
};

function readPattern(json: Json): Pattern {
  const interval = (): number => numberIn(json['interval'], 'interval', 1, 999);
  const month = (): number => numberIn(json['month'], 'month', 1, 12);
  const dayOfMonth = (): number => numberIn(json['dayOfMonth'], 'dayOfMonth', 1, 31);
  switch (String(json['type'] ?? '').toLowerCase()) {
    case 'daily':
      return { kind: 'daily', interval: interval() };
    case 'weekly': {
      const first = json['firstDayOfWeek'];
      return {
        kind: 'weekly',
        interval: interval(),
        days: [...new Set(daysIn(json['daysOfWeek']))].sort((a, b) => a - b),
        firstDay: first === undefined || first === null ? 0 : (daysIn([first])[0] ?? 0),
      };
    }
    case 'absolutemonthly':
      return { kind: 'monthly', interval: interval(), day: dayOfMonth() };
    case 'relativemonthly':
      return {
        kind: 'monthly-nth',
        interval: interval(),
        day: kindOf(daysIn(json['daysOfWeek'])),
        nth: nthIn(json['index']),
      };
    case 'absoluteyearly':
      return { kind: 'yearly', month: month(), day: dayOfMonth() };
    case 'relativeyearly':
      return { kind: 'yearly-nth', month: month(), day: kindOf(daysIn(json['daysOfWeek'])), nth: nthIn(json['index']) };
    default:
      throw badRequest(`'${String(json['type'])}' is no type of a recurrence.`);
  }
}

function readRange(json: Json): Range {
  switch (String(json['type'] ?? '').toLowerCase()) {
    case 'noend':
      return { kind: 'endless' };
    case 'numbered':
      return { kind: 'count', count: numberIn(json['numberOfOccurrences'], 'numberOfOccurrences', 1, 999) };
    case 'enddate':
      return { kind: 'until', lastDay: dayIn(json['endDate'], 'endDate') };
    default:
      throw badRequest(`'${String(json['type'])}' is no range of a recurrence.`);
  }
}

/** @throws GraphError */
export function readRecurrence(value: unknown): Pick<Recurrence, 'pattern' | 'range' | 'startDay'> {
  const { pattern, range } = (value ?? {}) as { readonly pattern?: Json; readonly range?: Json };
  if (typeof pattern !== 'object' || typeof range !== 'object' || pattern === null || range === null)
    throw badRequest('A recurrence has a pattern and a range.');
  return {
    pattern: readPattern(pattern),
    range: readRange(range),
    startDay: dayIn(range['startDate'], 'startDate'),
  };
}
