import { findWindows } from 'windows-iana';
import { type DayKind, dayOfWall, type Pattern, type Range, type Recurrence } from './recurrence.ts';
import { instantOf, utc, wallOf, windowsZone, type Zone } from './zone.ts';

/** What Exchange takes over from iCalendar that comes as MimeContent. Organizer, attendees and exceptions are not among it. */
export interface ReadEvent {
  readonly uid: string | null;
  readonly subject: string | null;
  readonly location: string | null;
  readonly description: string | null;
  readonly startMs: number;
  readonly endMs: number;
  readonly zone: Zone;
  readonly allDay: boolean;
  readonly busyStatus: number;
  /** Null: none. */
  readonly reminderMinutes: number | null;
  readonly recurrence: Pick<Recurrence, 'pattern' | 'range' | 'startDay'> | null;
}

interface Line {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly value: string;
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

const unescaped = (text: string): string =>
  text.replace(/\\([\\;,nN])/g, (_all, c: string) => (/n/i.test(c) ? '\n' : c));

function zoneOf(id: string | undefined): Zone {
  if (id === undefined) return utc;
  return windowsZone(id) ?? windowsZone(findWindows(id)[0] ?? '') ?? utc;
}

interface Time {
  readonly ms: number;
  readonly isDate: boolean;
  readonly zone: Zone;
}

function timeOf(line: Line): Time | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?$/.exec(line.value.trim());
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, z] = match;
  const wall = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
  );
  const zone = z === 'Z' ? utc : zoneOf(line.parameters.get('TZID'));
  return { ms: instantOf(zone, wall), isDate: hour === undefined, zone };
}

function durationMs(text: string): number {
  const match = /^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text.trim());
  if (match === null) return 0;
  const [, sign, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match;
  const total =
    (((Number(weeks) * 7 + Number(days)) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (sign === '-' ? -1 : 1) * total * 1000;
}

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

function kindOf(names: readonly string[]): DayKind | null {
  const key = [...names].sort().join(',');
  if (names.length === 1) return weekdays.indexOf(names[0] ?? '');
  if (key === 'FR,MO,TH,TU,WE') return 'weekday';
  if (key === 'SA,SU') return 'weekend';
  return names.length === 7 ? 'day' : null;
}

/** A rule as one of Exchange's patterns; null: it has none like it. */
function recurrenceOf(rule: string, startWall: number): Pick<Recurrence, 'pattern' | 'range'> | null {
  const parts = new Map(
    rule.split(';').map((one) => {
      const [name = '', value = ''] = one.split('=');
      return [name.toUpperCase(), value.toUpperCase()] as const;
    }),
  );
  const interval = Number(parts.get('INTERVAL') ?? 1);
  const start = new Date(startWall);
  const byDay = (parts.get('BYDAY') ?? '').split(',').filter((one) => one !== '');
  const names = byDay.map((one) => one.slice(-2));
  const nth = Number(/^[+-]?\d+/.exec(byDay[0] ?? '')?.[0] ?? parts.get('BYSETPOS') ?? Number.NaN);
  const monthDays = (parts.get('BYMONTHDAY') ?? '').split(',').map(Number);
  const day = Math.max(...monthDays) > 0 ? Math.max(...monthDays) : start.getUTCDate();
  const month = Number(parts.get('BYMONTH') ?? start.getUTCMonth() + 1);
  const relative = byDay.length > 0 && !Number.isNaN(nth) ? kindOf(names) : null;
  const pattern = ((): Pattern | null => {
    switch (parts.get('FREQ')) {
      case 'DAILY':
        return { kind: 'daily', interval };
      case 'WEEKLY': {
        const days = names.length > 0 ? names.map((one) => weekdays.indexOf(one)) : [start.getUTCDay()];
        return {
          kind: 'weekly',
          interval,
          days: days.sort(),
          firstDay: Math.max(0, weekdays.indexOf(parts.get('WKST') ?? 'MO')),
        };
      }
      case 'MONTHLY':
        if (relative !== null) return { kind: 'monthly-nth', interval, day: relative, nth };
        return byDay.length > 0 ? null : { kind: 'monthly', interval, day };
      case 'YEARLY':
        if (interval !== 1) return null;
        if (relative !== null) return { kind: 'yearly-nth', month, day: relative, nth };
        return byDay.length > 0 ? null : { kind: 'yearly', month, day };
      default:
        return null;
    }
  })();
  if (pattern === null) return null;
  const count = parts.get('COUNT');
  const until = parts.get('UNTIL');
  const range: Range =
    count !== undefined
      ? { kind: 'count', count: Number(count) }
      : until !== undefined && /^\d{8}/.test(until)
        ? { kind: 'until', lastDay: `${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}` }
        : { kind: 'endless' };
  return { pattern, range };
}

/** The first event of an iCalendar stream; null: there is none with a start. */
export function readIcalendar(text: string): ReadEvent | null {
  const lines = text
    .replace(/\r?\n[ \t]/g, '')
    .split(/\r?\n/)
    .map(lineOf);
  const from = lines.findIndex((line) => line?.name === 'BEGIN' && line.value === 'VEVENT');
  if (from < 0) return null;
  const found = new Map<string, Line>();
  let depth = 0;
  let trigger: string | null = null;
  for (const line of lines.slice(from + 1)) {
    if (line === null) continue;
    if (line.name === 'END' && line.value === 'VEVENT') break;
    if (line.name === 'BEGIN') depth++;
    else if (line.name === 'END') depth--;
    else if (depth === 0 && !found.has(line.name)) found.set(line.name, line);
    else if (line.name === 'TRIGGER') trigger ??= line.value;
  }
  const startLine = found.get('DTSTART');
  const start = startLine === undefined ? null : timeOf(startLine);
  if (start === null) return null;
  const endLine = found.get('DTEND');
  const duration = found.get('DURATION');
  const end = endLine === undefined ? null : timeOf(endLine);
  const endMs =
    end?.ms ?? start.ms + (duration === undefined ? (start.isDate ? 86_400_000 : 0) : durationMs(duration.value));
  const rule = found.get('RRULE');
  const startWall = wallOf(start.zone, start.ms);
  const recurrence = rule === undefined ? null : recurrenceOf(rule.value, startWall);
  const plain = (name: string): string | null => {
    const line = found.get(name);
    return line === undefined ? null : unescaped(line.value);
  };
  return {
    uid: plain('UID'),
    subject: plain('SUMMARY'),
    location: plain('LOCATION'),
    description: plain('DESCRIPTION'),
    startMs: start.ms,
    endMs,
    zone: start.zone,
    allDay: start.isDate || found.get('X-MICROSOFT-CDO-ALLDAYEVENT')?.value === 'TRUE',
    busyStatus: found.get('TRANSP')?.value === 'TRANSPARENT' ? 0 : 2,
    reminderMinutes: trigger === null ? null : Math.max(0, Math.round(-durationMs(trigger) / 60_000)),
    recurrence: recurrence === null ? null : { ...recurrence, startDay: dayOfWall(startWall) },
  };
}
