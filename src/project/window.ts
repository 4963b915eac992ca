import { parseTimeOfDay } from './values.ts';

/** A stretch of the week in local time that comes every week. */
export interface Window {
  /** 0 Monday … 6 Sunday; the days on which it begins. */
  readonly days: readonly number[];
  /** Minutes since midnight of the first day. */
  readonly from: number;
  /** Minutes since midnight; at or before `from` it is the next day's. */
  readonly to: number;
}

/** When a collection is worked on. Plain data. */
export interface Schedule {
  /** IANA time zone in which the windows are meant. */
  readonly zone: string;
  /** Empty: always. */
  readonly windows: readonly Window[];
  /** Longest time between two passes of a pair. */
  readonly everyMs: number;
}

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const MINUTE_MS = 60_000;
const MINUTES_PER_DAY = 1440;
const MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY;

/** `mon-fri 20:00-06:00`, `sat,sun 00:00-24:00`, `20:00-06:00` (every day). Null when it is none. */
export function parseWindow(text: string): Window | null {
  const match = /^(?:([a-z,-]+)\s+)?(\d{2}:\d{2})-(\d{2}:\d{2})$/.exec(text.trim().toLowerCase());
  if (!match) return null;
  const days = parseDays(match[1] ?? 'mon-sun');
  const from = parseTimeOfDay(match[2] ?? '');
  const to = parseTimeOfDay(match[3] ?? '');
  if (days === null || from === null || to === null || from === to || from === MINUTES_PER_DAY) return null;
  return { days, from, to };
}

function parseDays(text: string): readonly number[] | null {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-');
    const [from, to] = [dayNames.indexOf(first as never), dayNames.indexOf(last as never)];
    if (from < 0 || to < 0 || more.length > 0) return null;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return [...days].sort();
}

/** Whether work is allowed at an instant (UTC milliseconds). */
export function isOpen(schedule: Schedule, atMs: number): boolean {
  if (schedule.windows.length === 0) return true;
  const minute = minuteOfWeek(schedule.zone, atMs);
  return stretches(schedule).some(
    ({ start, length }) => (minute - start + MINUTES_PER_WEEK) % MINUTES_PER_WEEK < length,
  );
}

/**
 * The first instant from `atMs` on at which work is allowed. Local time is followed through changes of the clock; a window
 * that such a change cuts short may be passed over that once.
 */
export function opensAtMs(schedule: Schedule, atMs: number): number {
  if (isOpen(schedule, atMs)) return atMs;
  const thisMinute = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  // Steps no longer than the shortest window cannot jump over one.
  const step = Math.min(60, ...stretches(schedule).map(({ length }) => length));
  for (let ahead = step; ahead <= 2 * MINUTES_PER_WEEK; ahead += step) {
    if (!isOpen(schedule, thisMinute + ahead * MINUTE_MS)) continue;
    let first = ahead;
    while (first > ahead - step + 1 && isOpen(schedule, thisMinute + (first - 1) * MINUTE_MS)) first--;
    return thisMinute + first * MINUTE_MS;
  }
  return atMs + 2 * MINUTES_PER_WEEK * MINUTE_MS;
}

function stretches({ windows }: Schedule): readonly { readonly start: number; readonly length: number }[] {
  return windows.flatMap(({ days, from, to }) =>
    days.map((day) => ({
      start: day * MINUTES_PER_DAY + from,
      length: to > from ? to - from : to + MINUTES_PER_DAY - from,
    })),
  );
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Local minutes since Monday 00:00. */
function minuteOfWeek(zone: string, atMs: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const day = dayNames.indexOf((parts['weekday'] ?? '').toLowerCase() as never);
  return day * MINUTES_PER_DAY + Number(parts['hour']) * 60 + Number(parts['minute']);
}
