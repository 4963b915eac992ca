import type { OccurrenceOverrides, When } from '#model/appointment.ts';
import { isOccurrenceDay, occurrenceDays } from '#model/expand-recurrence.ts';
import type { Instant } from '#model/mail.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedItem } from '#model/typed-item.ts';
import { addDays, type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';
import type { Zone } from '#model/zone.ts';
import { clockOf } from './zones/zone-clock.ts';

/** What of a series it takes to place its occurrences: wall time in the zone of its start ([MS-OXOCAL] 2.2.1.44.5). */
export interface SeriesTimes {
  readonly when: When;
  readonly recurrence: Recurrence;
}

/** The parts of an event that decide when it takes place. A `TypedItem<'calendar'>` is one. */
export interface EventTimes extends Pick<TypedItem<'calendar'>, 'occurrences' | 'deletedDays'> {
  readonly fields: { readonly when: When; readonly recurrence: Recurrence | null };
}

export interface Span {
  readonly start: Instant;
  readonly end: Instant;
}

/** One occurrence as it really takes place. */
export interface EffectiveOccurrence extends Span {
  /** By the pattern; for an event that is no series, the day of its start. */
  readonly day: Day;
  /** Null: as the series has it. */
  readonly overrides: OccurrenceOverrides | null;
}

/** The zone in which the days of a series are counted. */
export const zoneOfSeries = (when: When): Zone | null => when.startZone ?? when.endZone;

/** Day on which something starts, in the zone it was planned in. */
function dayOfStart(when: When): Day {
  return dayOfWall(clockOf(zoneOfSeries(when)).toWall(when.start));
}

/** Wall time of a series' start and end, in milliseconds after midnight of the day of an occurrence. */
function offsetsInDay(when: When): { readonly start: number; readonly end: number } {
  const clock = clockOf(zoneOfSeries(when));
  const start = clock.toWall(when.start);
  const midnight = wallOfDay(dayOfWall(start));
  return { start: start - midnight, end: clock.toWall(when.end) - midnight };
}

/**
 * When the occurrence of a day takes place by the pattern, whether or not the series has that day. It is as long as the series by the
 * clock on the wall: 22:00 to 06:00 stays so in the night in which the clocks are changed.
 */
export function occurrenceSpan(when: When, day: Day): Span {
  const clock = clockOf(zoneOfSeries(when));
  const midnight = wallOfDay(day);
  const { start, end } = offsetsInDay(when);
  const from = clock.toInstant(midnight + start);
  return { start: from, end: Math.max(from, clock.toInstant(midnight + end)) };
}

/** Rules of a zone are at most so far apart; an occurrence that is farther from a day of the pattern is none of that day. */
const zonesApartMax = 20 * 3_600_000;

/**
 * Day of the occurrence that the pattern would have started at `originalStart`. Servers compute that instant by their own rules of the
 * zone, so the nearest day of the pattern counts; one that the pattern lacks altogether is named by the zone alone.
 */
export function dayOfOriginalStart({ when, recurrence }: SeriesTimes, originalStart: Instant): Day {
  const plain = dayOfWall(clockOf(zoneOfSeries(when)).toWall(originalStart));
  let nearest = plain;
  let distance = zonesApartMax;
  for (const day of [plain, addDays(plain, -1), addDays(plain, 1)]) {
    const away = Math.abs(occurrenceSpan(when, day).start - originalStart);
    if (away < distance && isOccurrenceDay(recurrence, day)) [nearest, distance] = [day, away];
  }
  return nearest;
}

/** Instants between which something is looked for: what ends after `from` and starts before `until`. */
export interface InstantWindow {
  readonly from: Instant;
  readonly until: Instant;
}

const DAY_MS = 86_400_000;

/** Ends touch without overlapping; something without length is in a window that begins with it. */
const isInside = ({ start, end }: Span, window: InstantWindow): boolean =>
  start < window.until && (end > window.from || (start === end && start === window.from));

/**
 * What an event puts into a calendar between two instants, in order of start: pattern, without deleted days, modified days where they
 * were moved to. Modified days that the pattern lacks are there as well, since the item has them. Stops at `limit`.
 */
export function effectiveOccurrences(
  event: EventTimes,
  window: InstantWindow,
  limit = 10_000,
): readonly EffectiveOccurrence[] {
  const { when, recurrence } = event.fields;
  if (recurrence === null) {
    const single = { day: dayOfStart(when), start: when.start, end: when.end, overrides: null };
    return isInside(single, window) && limit > 0 ? [single] : [];
  }
  const found: EffectiveOccurrence[] = [];
  const apart = new Set<Day>(event.deletedDays);
  for (const { day, overrides } of event.occurrences) {
    apart.add(day);
    const span = overrides.when ?? occurrenceSpan(when, day);
    const occurrence = { day, start: span.start, end: span.end, overrides };
    if (isInside(occurrence, window)) found.push(occurrence);
  }
  const clock = clockOf(zoneOfSeries(when));
  const { start, end } = offsetsInDay(when);
  const lengthDays = Math.ceil(Math.max(0, end - start) / DAY_MS) + 1;
  const days = occurrenceDays(recurrence, {
    from: clampedDay(clock.toWall(window.from) - start, -lengthDays),
    until: clampedDay(clock.toWall(window.until) - start, 1),
  });
  let taken = 0;
  for (const day of days) {
    if (apart.has(day)) continue;
    const span = occurrenceSpan(when, day);
    if (!isInside(span, window)) continue;
    found.push({ day, ...span, overrides: null });
    // The pattern is in order: of it, more than the limit cannot be among the first.
    if (++taken >= limit) break;
  }
  return found.sort((a, b) => a.start - b.start || (a.day < b.day ? -1 : 1)).slice(0, limit);
}

const [firstWall, lastWall] = [wallOfDay('1601-01-01' as Day), wallOfDay('4501-01-01' as Day)];
const clampedDay = (wall: number, days: number): Day =>
  dayOfWall(Math.min(Math.max(wall + days * DAY_MS, firstWall), lastWall));

/** Modified and deleted days that the pattern does not have: another program wrote them, and no server shows them. */
export function strayDays(event: EventTimes): readonly Day[] {
  const { recurrence } = event.fields;
  const days = [...event.occurrences.map(({ day }) => day), ...event.deletedDays];
  return recurrence === null ? days : days.filter((day) => !isOccurrenceDay(recurrence, day));
}

/** What Outlook writes as the time of a reminder that will not ring again: 4501-01-01. */
const never: Instant = Date.UTC(4501, 0, 1);

/**
 * PidLidReminderTime and PidLidReminderSignalTime ([MS-OXORMDR] 2.2.1.3, 2.2.1.4): of a series those of its next occurrence, or years of
 * past ones would ring when the calendar is opened first.
 */
export function reminderTimes(
  event: EventTimes,
  minutesBefore: number,
  now: Instant,
): { readonly start: Instant; readonly signal: Instant } {
  const { when, recurrence } = event.fields;
  const next =
    recurrence === null
      ? when
      : effectiveOccurrences(event, { from: now, until: never }, 100).find(({ start }) => start >= now);
  return next === undefined
    ? { start: never, signal: never }
    : { start: next.start, signal: next.start - minutesBefore * 60_000 };
}
