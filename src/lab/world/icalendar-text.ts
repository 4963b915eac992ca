import { findWindows } from 'windows-iana';
import type { DayKind, Pattern, Range } from './recurrence.ts';
import { dayOfWall } from './recurrence.ts';
import { instantOf, utc, type WallMs, wallOf, windowsZone, type Zone } from './zone.ts';

/** A content line of iCalendar. [RFC 5545] 3.1 */
export interface Line {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly value: string;
}

export interface Component {
  /** Upper case. */
  readonly name: string;
  /** In their order, several of one name as well. */
  readonly lines: readonly Line[];
  readonly children: readonly Component[];
}

/** The first line of that name; null: there is none. */
export const lineNamed = ({ lines }: Component, name: string): Line | null =>
  lines.find((line) => line.name === name) ?? null;

/** All components of that name, however deep, in the order of the text. */
export function* componentsNamed(components: readonly Component[], name: string): Generator<Component> {
  for (const component of components) {
    if (component.name === name) yield component;
    yield* componentsNamed(component.children, name);
  }
}

function lineOf(text: string): Line | null {
  const match = /^([\w-]+)((?:;[\w-]+=(?:"[^"]*"|[^;:"]*))*):(.*)$/s.exec(text);
  if (match === null) return null;
  const [, name = '', parameters = '', value = ''] = match;
  const read = new Map<string, string>();
  for (const [, at = '', quoted, bare] of parameters.matchAll(/;([\w-]+)=(?:"([^"]*)"|([^;:"]*))/g))
    read.set(at.toUpperCase(), quoted ?? bare ?? '');
  return { name: name.toUpperCase(), parameters: read, value };
}

/** Components of a stream. What cannot be read is left out; what nobody ends, ends with the stream. */
export function readComponents(text: string): readonly Component[] {
  interface Open {
    readonly name: string;
    readonly lines: Line[];
    readonly children: Component[];
  }
  const root: Open = { name: '', lines: [], children: [] };
  const open: Open[] = [];
  for (const unfolded of text.replace(/\r?\n[ \t]/g, '').split(/\r?\n/)) {
    const line = lineOf(unfolded);
    if (line === null) continue;
    const inner = open.at(-1) ?? root;
    if (line.name === 'BEGIN') {
      const begun: Open = { name: line.value.trim().toUpperCase(), lines: [], children: [] };
      inner.children.push(begun);
      open.push(begun);
    } else if (line.name === 'END') {
      const from = open.findLastIndex(({ name }) => name === line.value.trim().toUpperCase());
      if (from >= 0) open.length = from;
    } else inner.lines.push(line);
  }
  return root.children;
}

export const unescaped = (text: string): string =>
  text.replace(/\\([\\;,nN])/g, (_all, c: string) => (/n/i.test(c) ? '\n' : c));

/** The zone that the server knows by an id of Windows or IANA; null: none. */
export const knownZone = (id: string): Zone | null => windowsZone(id) ?? windowsZone(findWindows(id)[0] ?? '');

export interface Time {
  readonly ms: number;
  readonly wallMs: WallMs;
  /** A day without a time. */
  readonly isDate: boolean;
  readonly zone: Zone;
}

/** Null: no time that can be read. @param zoneOf the zone behind the name in a TZID; undefined: it has none. */
export function timeOf(value: string, zoneId: string | undefined, zoneOf: (id: string) => Zone): Time | null {
  const match = /^(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d):?(\d\d)?(Z)?)?Z?$/.exec(value.trim());
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, z] = match;
  const at = new Date(0);
  at.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const wallMs = at.setUTCHours(Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0));
  const zone = z === 'Z' || zoneId === undefined ? utc : zoneOf(zoneId);
  return { ms: instantOf(zone, wallMs), wallMs, isDate: hour === undefined, zone };
}

/** Milliseconds; 0 for what cannot be read. [RFC 5545] 3.3.6 */
export function durationMs(text: string): number {
  const match = /^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text.trim());
  if (match === null) return 0;
  const [, sign, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match;
  const total =
    (((Number(weeks) * 7 + Number(days)) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (sign === '-' ? -1 : 1) * total * 1000;
}

export const weekdayNames = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'] as const;
const weekdayOf = (name: string): number => weekdayNames.indexOf(name as 'SU');

function kindOf(names: readonly string[]): DayKind | null {
  const key = [...names].sort().join(',');
  if (names.length === 1) return weekdayOf(names[0] ?? '');
  if (key === 'FR,MO,TH,TU,WE') return 'weekday';
  if (key === 'SA,SU') return 'weekend';
  return names.length === 7 ? 'day' : null;
}

/** Parts of a rule by their names, upper case. */
export const ruleParts = (rule: string): ReadonlyMap<string, string> =>
  new Map(
    rule.split(';').map((one) => {
      const [name = '', value = ''] = one.split('=');
      return [name.trim().toUpperCase(), value.trim().toUpperCase()] as const;
    }),
  );

function patternOf(parts: ReadonlyMap<string, string>, startWall: WallMs): Pattern | null {
  const interval = Number(parts.get('INTERVAL') ?? 1);
  if (!Number.isInteger(interval) || interval < 1) return null;
  const start = new Date(startWall);
  const byDay = (parts.get('BYDAY') ?? '').split(',').filter((one) => one !== '');
  const names = byDay.map((one) => one.slice(-2));
  if (names.some((name) => weekdayOf(name) < 0)) return null;
  const nth = Number(/^[+-]?\d+/.exec(byDay[0] ?? '')?.[0] ?? parts.get('BYSETPOS') ?? Number.NaN);
  const monthDays = (parts.get('BYMONTHDAY') ?? '').split(',').map(Number);
  const day = Math.max(...monthDays) > 0 ? Math.max(...monthDays) : start.getUTCDate();
  const month = Number(parts.get('BYMONTH') ?? start.getUTCMonth() + 1);
  const relative = byDay.length > 0 && [1, 2, 3, 4, -1].includes(nth) ? kindOf(names) : null;
  const weekly = (): Pattern => ({
    kind: 'weekly',
    interval,
    days: [...new Set(names.length > 0 ? names.map(weekdayOf) : [start.getUTCDay()])].sort(),
    firstDay: Math.max(0, weekdayOf(parts.get('WKST') ?? 'MO')),
  });
  switch (parts.get('FREQ')) {
    case 'DAILY':
      if (byDay.length > 0) return interval === 1 ? weekly() : null;
      return { kind: 'daily', interval };
    case 'WEEKLY':
      return weekly();
    case 'MONTHLY':
      if (relative !== null) return { kind: 'monthly-nth', interval, day: relative, nth };
      return byDay.length > 0 ? null : { kind: 'monthly', interval, day };
    case 'YEARLY':
      if (!(month >= 1 && month <= 12) || interval !== 1) return null;
      if (relative !== null) return { kind: 'yearly-nth', month, day: relative, nth };
      return byDay.length > 0 ? null : { kind: 'yearly', month, day };
    default:
      return null;
  }
}

/**
 * The last day on which a series may begin an occurrence. UNTIL is an instant and includes itself; in a calendar it is a day of the
 * series' zone. Null: it cannot be read. [RFC 5545] 3.3.10
 */
function untilDay(text: string, startWall: WallMs, zone: Zone): string | null {
  const until = timeOf(text, undefined, () => utc);
  if (until === null) return null;
  if (until.isDate) return dayOfWall(until.wallMs);
  const wall = /Z$/i.test(text.trim()) ? wallOf(zone, until.ms) : until.wallMs;
  const timeOfDay = startWall - Math.floor(startWall / 86_400_000) * 86_400_000;
  return dayOfWall(wall - timeOfDay);
}

/** A rule as one of Exchange's patterns; null: it has none like it. */
export function recurrenceOf(
  rule: string,
  startWall: WallMs,
  zone: Zone,
): { readonly pattern: Pattern; readonly range: Range } | null {
  const parts = ruleParts(rule);
  const pattern = patternOf(parts, startWall);
  if (pattern === null) return null;
  const count = parts.get('COUNT');
  const until = parts.get('UNTIL');
  if (count !== undefined) {
    const number = Number(count);
    return Number.isInteger(number) && number >= 0 ? { pattern, range: { kind: 'count', count: number } } : null;
  }
  if (until === undefined) return { pattern, range: { kind: 'endless' } };
  const lastDay = untilDay(until, startWall, zone);
  return lastDay === null ? null : { pattern, range: { kind: 'until', lastDay } };
}
