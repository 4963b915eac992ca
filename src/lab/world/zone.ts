import { Temporal } from 'temporal-polyfill';
import { WINDOWS_TO_IANA_MAP } from 'windows-iana';
import { must } from '#kit/assert.ts';

/** Milliseconds of a wall clock: what `Date.UTC` says of the digits it shows. */
export type WallMs = number;

/** A change of the clock that comes back each year. */
export interface YearlyChange {
  /** 1 to 12. */
  readonly month: number;
  /** 0 (Sunday) to 6; null: `day` is a day of the month. */
  readonly weekday: number | null;
  /** 1 to 4 or -1 (last) of the weekdays; or the day of the month. */
  readonly day: number;
  /** On the clock as it was before, milliseconds after midnight. */
  readonly timeMs: number;
  /** Minutes east of UTC from then on. */
  readonly offsetMin: number;
}

/** Rules that hold from an instant on. */
export interface ZoneSpan {
  /** UTC milliseconds; null: since ever. */
  readonly fromMs: number | null;
  /** Minutes east of UTC; with changes: outside of daylight saving. */
  readonly offsetMin: number;
  /** None, or two. */
  readonly changes: readonly YearlyChange[];
}

/** A time zone as plain data. */
export interface Zone {
  /** Windows id, or what a client called its own. */
  readonly id: string;
  readonly name: string;
  /** Null: the server knows the zone by its id. */
  readonly spans: readonly ZoneSpan[] | null;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;

/** Names as Windows shows them, for those that people meet most; the others are named by their id. */
const names: Readonly<Record<string, string>> = {
  UTC: '(UTC) Coordinated Universal Time',
  'GMT Standard Time': '(UTC+00:00) Dublin, Edinburgh, Lisbon, London',
  'W. Europe Standard Time': '(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna',
  'Romance Standard Time': '(UTC+01:00) Brussels, Copenhagen, Madrid, Paris',
  'Central Europe Standard Time': '(UTC+01:00) Belgrade, Bratislava, Budapest, Ljubljana, Prague',
  'GTB Standard Time': '(UTC+02:00) Athens, Bucharest',
  'Russian Standard Time': '(UTC+03:00) Moscow, St. Petersburg',
  'India Standard Time': '(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi',
  'China Standard Time': '(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi',
  'Tokyo Standard Time': '(UTC+09:00) Osaka, Sapporo, Tokyo',
  'AUS Eastern Standard Time': '(UTC+10:00) Canberra, Melbourne, Sydney',
  'Eastern Standard Time': '(UTC-05:00) Eastern Time (US & Canada)',
  'Central Standard Time': '(UTC-06:00) Central Time (US & Canada)',
  'Mountain Standard Time': '(UTC-07:00) Mountain Time (US & Canada)',
  'Pacific Standard Time': '(UTC-08:00) Pacific Time (US & Canada)',
};

/** The IANA zone behind each Windows id: the one that stands for its whole territory. */
const ianaIds = new Map<string, string>([
  ['UTC', 'UTC'],
  ...WINDOWS_TO_IANA_MAP.filter(({ territory }) => territory === '001').map(
    ({ windowsName, iana }) => [windowsName, iana[0]] as const,
  ),
]);

const zonedAt = (id: string, ms: number): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(ianaIds.get(id) ?? 'UTC');

/** Offsets of one year: each holds from the instant beside it on. */
interface YearOfZone {
  readonly at: readonly number[];
  readonly offsetMs: readonly number[];
}
const years = new Map<string, Map<number, YearOfZone>>();

/** Transitions are looked up once a year and zone: what an answer costs must not grow with the occurrences it shows. */
function yearOf(id: string, year: number): YearOfZone {
  let ofZone = years.get(id);
  if (ofZone === undefined) {
    ofZone = new Map();
    years.set(id, ofZone);
  }
  const known = ofZone.get(year);
  if (known !== undefined) return known;
  let when = zonedAt(id, Date.UTC(year, 0, 1));
  const at: number[] = [Number.NEGATIVE_INFINITY];
  const offsetMs: number[] = [when.offsetNanoseconds / 1e6];
  for (;;) {
    const next = when.getTimeZoneTransition('next');
    if (next === null || next.epochMilliseconds >= Date.UTC(year + 1, 0, 1)) break;
    at.push(next.epochMilliseconds);
    offsetMs.push(next.offsetNanoseconds / 1e6);
    when = next;
  }
  const made = { at, offsetMs };
  ofZone.set(year, made);
  return made;
}

function knownOffsetMs(id: string, ms: number): number {
  const { at, offsetMs } = yearOf(id, new Date(ms).getUTCFullYear());
  let found = 0;
  for (let index = 1; index < at.length; index++) if ((at[index] as number) <= ms) found = index;
  return offsetMs[found] as number;
}

/** The wall time of a yearly change. */
function changeWallMs(change: YearlyChange, year: number): WallMs {
  const { month, weekday, day, timeMs } = change;
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (weekday === null) return Date.UTC(year, month - 1, Math.min(day, lastDay)) + timeMs;
  if (day < 0 || day > 4) {
    const last = new Date(Date.UTC(year, month, 0)).getUTCDay();
    return Date.UTC(year, month - 1, lastDay - ((last - weekday + 7) % 7)) + timeMs;
  }
  const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay();
  return Date.UTC(year, month - 1, 1 + ((weekday - first + 7) % 7) + (day - 1) * 7) + timeMs;
}

function spanOffsetMs(span: ZoneSpan, ms: number): number {
  if (span.changes.length === 0) return span.offsetMin * minuteMs;
  const year = new Date(ms).getUTCFullYear();
  let best = Number.NEGATIVE_INFINITY;
  let offsetMin = span.offsetMin;
  for (const y of [year - 1, year, year + 1])
    for (const [index, change] of span.changes.entries()) {
      const before = span.changes[(index + span.changes.length - 1) % span.changes.length] as YearlyChange;
      const instant = changeWallMs(change, y) - before.offsetMin * minuteMs;
      if (instant <= ms && instant > best) {
        best = instant;
        offsetMin = change.offsetMin;
      }
    }
  return offsetMin * minuteMs;
}

/** What is to be added to UTC at an instant. */
export function offsetMsAt(zone: Zone, ms: number): number {
  if (zone.spans === null) return knownOffsetMs(zone.id, ms);
  let span = zone.spans[0];
  for (const one of zone.spans) if (one.fromMs !== null && one.fromMs <= ms) span = one;
  return span === undefined ? 0 : spanOffsetMs(span, ms);
}

export const wallOf = (zone: Zone, ms: number): WallMs => ms + offsetMsAt(zone, ms);

/**
 * The instant at which a wall clock shows that. A time that a change of the clock skips is moved forward by what was skipped; of a
 * time that occurs twice the first counts.
 */
export function instantOf(zone: Zone, wall: WallMs): number {
  const before = wall - offsetMsAt(zone, wall - dayMs);
  if (wallOf(zone, before) === wall) return before;
  const after = wall - offsetMsAt(zone, wall + dayMs);
  return wallOf(zone, after) === wall ? after : before;
}

const zones = new Map<string, Zone>();

/** A zone the server knows; null: it does not. Ids do not mind case. */
export function windowsZone(id: string): Zone | null {
  const known = zones.get(id);
  if (known !== undefined) return known;
  const exact = ianaIds.has(id) ? id : [...ianaIds.keys()].find((one) => one.toLowerCase() === id.toLowerCase());
  if (exact === undefined) return null;
  let zone = zones.get(exact);
  if (zone === undefined) {
    zone = { id: exact, name: nameOf(exact), spans: null };
    zones.set(exact, zone);
  }
  return zone;
}

export const windowsZoneIds: readonly string[] = [...ianaIds.keys()].sort();

function nameOf(id: string): string {
  const known = names[id];
  if (known !== undefined) return known;
  return `(UTC${offsetText(standardOffsetMin(id))}) ${id.replace(/ Standard Time$/, '')}`;
}

/** The smaller of the offsets of January and July: the one outside of daylight saving. */
function standardOffsetMin(id: string): number {
  const year = 2024;
  return Math.min(...[0, 6].map((month) => zonedAt(id, Date.UTC(year, month, 1)).offsetNanoseconds)) / 6e10;
}

/** `+01:00` */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
}

export const utc: Zone = must(windowsZone('UTC'), 'UTC is known');

/**
 * The rules of a zone as they are in a year: of one the server knows, read off its transitions of that year. A zone whose clock changes
 * otherwise than twice a year is shown with the offset of its standard time.
 */
export function spanIn(zone: Zone, year: number): ZoneSpan {
  if (zone.spans !== null) {
    const at = Date.UTC(year, 6, 1);
    let span = zone.spans[0];
    for (const one of zone.spans) if (one.fromMs !== null && one.fromMs <= at) span = one;
    return span ?? { fromMs: null, offsetMin: 0, changes: [] };
  }
  const { at, offsetMs } = yearOf(zone.id, year);
  const changes = at.slice(1).map((instant, index): YearlyChange => {
    // The wall clock as it was before.
    const wall = new Date(instant + (offsetMs[index] as number));
    const lastDay = new Date(Date.UTC(year, wall.getUTCMonth() + 1, 0)).getUTCDate();
    return {
      month: wall.getUTCMonth() + 1,
      weekday: wall.getUTCDay(),
      day: wall.getUTCDate() + 7 > lastDay ? -1 : Math.ceil(wall.getUTCDate() / 7),
      timeMs: wall.getUTCHours() * 3_600_000 + wall.getUTCMinutes() * minuteMs,
      offsetMin: (offsetMs[index + 1] as number) / minuteMs,
    };
  });
  const winterMin = (offsetMs[0] as number) / minuteMs;
  if (changes.length !== 2) return { fromMs: null, offsetMin: winterMin, changes: [] };
  return { fromMs: null, offsetMin: Math.min(...changes.map(({ offsetMin }) => offsetMin)), changes };
}
