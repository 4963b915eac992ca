import { must } from '#kit/assert.ts';
import { calendarKey } from './calendar-keys.ts';
import type { CalendarException, CalendarPart, Day } from './calendar-part.ts';
import { cleanOf, withDay } from './global-object-id.ts';
import { Item, type ItemContent } from './item.ts';
import type { Hand } from './mailbox.ts';
import { key, type Property, type PropertyKey } from './property.ts';
import { dayNumber, dayOfNumber, dayOfWall, isDayOf, occurrenceDays, type Recurrence } from './recurrence.ts';
import { Refusal } from './refusal.ts';
import { instantOf, wallOf, type Zone } from './zone.ts';

const dayMs = 86_400_000;

/** One time of a series. */
export interface Occurrence {
  /** On which the pattern has it, in the zone of the series. */
  readonly day: Day;
  readonly startMs: number;
  readonly endMs: number;
  /** When it would be by the pattern, UTC milliseconds. */
  readonly originalStartMs: number;
  readonly exception: CalendarException | null;
}

export const isMaster = (content: ItemContent): boolean => (content.calendar?.recurrence ?? null) !== null;

export function numberOf(content: ItemContent, at: PropertyKey): number | null {
  const value = content.properties.get(at)?.value;
  return typeof value === 'number' ? value : null;
}
export const startMsOf = (content: ItemContent): number => numberOf(content, calendarKey.start) ?? 0;
export const endMsOf = (content: ItemContent): number => numberOf(content, calendarKey.end) ?? startMsOf(content);

function seriesOf(content: ItemContent): { readonly part: CalendarPart; readonly recurrence: Recurrence } {
  const part = must(content.calendar, 'an appointment');
  return { part, recurrence: must(part.recurrence, 'a series') };
}

/** When the pattern has the occurrence of a day. */
export function patternTimes(zone: Zone, recurrence: Recurrence, day: number): readonly [number, number] {
  return [
    instantOf(zone, day * dayMs + recurrence.startOffsetMs),
    instantOf(zone, day * dayMs + recurrence.endOffsetMs),
  ];
}

function plain(part: CalendarPart, recurrence: Recurrence, day: number): Occurrence {
  const [startMs, endMs] = patternTimes(part.startZone, recurrence, day);
  return { day: dayOfNumber(day), startMs, endMs, originalStartMs: startMs, exception: null };
}

function changed(part: CalendarPart, recurrence: Recurrence, exception: CalendarException): Occurrence {
  const [originalStartMs] = patternTimes(part.startZone, recurrence, dayNumber(exception.day));
  return { day: exception.day, startMs: exception.startMs, endMs: exception.endMs, originalStartMs, exception };
}

/** Whether something is inside a view: it begins before the view's end and ends after its start. */
export const overlaps = (startMs: number, endMs: number, fromMs: number, toMs: number): boolean =>
  startMs < toMs && (endMs > fromMs || (endMs === startMs && startMs >= fromMs));

/** Occurrences that fall into a span of time, wherever the pattern would have had them, by their start. */
export function occurrencesBetween(content: ItemContent, fromMs: number, toMs: number): readonly Occurrence[] {
  const { part, recurrence } = seriesOf(content);
  const apart = new Set([...part.deletedDays, ...part.exceptions.map(({ day }) => day)]);
  const found: Occurrence[] = [];
  // Two days beside: zones and long occurrences reach over midnight.
  const reach = Math.ceil(recurrence.endOffsetMs / dayMs) + 2;
  const first = Math.floor(fromMs / dayMs) - reach;
  const last = Math.ceil(toMs / dayMs) + 2;
  for (const day of occurrenceDays(recurrence, first)) {
    if (day > last) break;
    if (apart.has(dayOfNumber(day))) continue;
    const one = plain(part, recurrence, day);
    if (overlaps(one.startMs, one.endMs, fromMs, toMs)) found.push(one);
  }
  for (const exception of part.exceptions)
    if (overlaps(exception.startMs, exception.endMs, fromMs, toMs)) found.push(changed(part, recurrence, exception));
  return found.sort((a, b) => a.startMs - b.startMs);
}

/** The occurrence of a day; null: the pattern has none there, or it was deleted. */
export function occurrenceOn(content: ItemContent, day: Day): Occurrence | null {
  const { part, recurrence } = seriesOf(content);
  const exception = part.exceptions.find((one) => one.day === day);
  if (exception !== undefined) return changed(part, recurrence, exception);
  if (part.deletedDays.includes(day) || !isDayOf(recurrence, day)) return null;
  return plain(part, recurrence, dayNumber(day));
}

/** The day of an occurrence by its place in the series, from 1 on, counted by the pattern: deleted ones keep their number. */
export function dayAtIndex(content: ItemContent, index: number): Day | null {
  if (index < 1) return null;
  const { recurrence } = seriesOf(content);
  let left = index;
  for (const day of occurrenceDays(recurrence)) if (--left === 0) return dayOfNumber(day);
  return null;
}

/** The first and, where there is an end, the last occurrence that was not deleted. */
export function endsOf(content: ItemContent): { readonly first: Occurrence | null; readonly last: Occurrence | null } {
  const { part, recurrence } = seriesOf(content);
  const deleted = new Set(part.deletedDays);
  let first: number | null = null;
  let last: number | null = null;
  for (const day of occurrenceDays(recurrence)) {
    if (deleted.has(dayOfNumber(day))) continue;
    first ??= day;
    last = day;
    if (recurrence.range.kind === 'endless') break;
  }
  const at = (day: number | null): Occurrence | null => (day === null ? null : occurrenceOn(content, dayOfNumber(day)));
  return { first: at(first), last: recurrence.range.kind === 'endless' ? null : at(last) };
}

/** Message classes under which EWS shows parts of a series. */
const occurrenceClass = 'IPM.Appointment.Occurrence';
/** [MS-OXOCAL] 2.2.10.1.6: of the message that holds an exception. */
export const exceptionClass = 'IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}';

/** What an occurrence shows: its own where it has something of its own, the master's otherwise. */
export function contentOfOccurrence(master: ItemContent, occurrence: Occurrence): ItemContent {
  const part = must(master.calendar, 'an appointment');
  const { exception } = occurrence;
  const properties = new Map<PropertyKey, Property>(master.properties);
  if (exception !== null)
    for (const [at, property] of exception.properties)
      if (property === null) properties.delete(at);
      else properties.set(at, property);
  const time = (value: number): Property => ({ type: 'SystemTime', value });
  properties.set(calendarKey.start, time(occurrence.startMs));
  properties.set(calendarKey.end, time(occurrence.endMs));
  properties.set(calendarKey.replacedStart, time(occurrence.originalStartMs));
  properties.set(key.itemClass, { type: 'String', value: exception === null ? occurrenceClass : exceptionClass });
  const clean = properties.get(calendarKey.cleanGlobalObjectId)?.value;
  if (typeof clean === 'string')
    properties.set(calendarKey.globalObjectId, {
      type: 'Binary',
      value: withDay(cleanOf(Buffer.from(clean, 'base64')), occurrence.day).toString('base64'),
    });
  return {
    ...master,
    properties,
    body: exception?.body ?? master.body,
    attachments: exception?.attachments ?? master.attachments,
    calendar: {
      startZone: part.startZone,
      endZone: part.endZone,
      attendees: exception?.attendees ?? part.attendees,
      recurrence: null,
      exceptions: [],
      deletedDays: [],
    },
  };
}

/** An occurrence as an item of its own, to be read. Its change key is its master's. */
export function occurrenceItem(master: Item, day: Day): Item {
  const { content } = master;
  if (!isMaster(content)) throw new Refusal('ErrorItemNotFound', 'The item is no series.');
  const occurrence = occurrenceOn(content, day);
  if (occurrence === null) {
    if (content.calendar?.deletedDays.includes(day))
      throw new Refusal('ErrorCalendarOccurrenceIsDeletedFromRecurrence', 'The occurrence was deleted.');
    throw new Refusal('ErrorItemNotFound', 'The series has no such occurrence.');
  }
  return new Item({
    no: master.no,
    firstNo: master.firstNo,
    folder: master.folder,
    cn: master.cn,
    isRead: master.isRead,
    flags: master.flags,
    receiptPending: false,
    searchKey: master.searchKey,
    createdAtMs: master.createdAtMs,
    atMs: occurrence.exception?.modifiedAtMs ?? master.modifiedAtMs,
    by: master.modifiedBy,
    content: contentOfOccurrence(content, occurrence),
    occurrence: { master, day, isException: occurrence.exception !== null },
  });
}

/** Properties of an occurrence that follow from where it is. */
export const ownOfOccurrence: ReadonlySet<PropertyKey> = new Set([
  calendarKey.start,
  calendarKey.end,
  calendarKey.replacedStart,
  calendarKey.globalObjectId,
  calendarKey.cleanGlobalObjectId,
  key.itemClass,
]);

const sameProperty = (a: Property | undefined, b: Property | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));

/**
 * Writes an occurrence: the series gets an exception, or changes the one it has. The master's change key moves with it.
 * @param next what the occurrence shows from now on.
 */
export function updateOccurrence(view: Item, next: ItemContent, by: Hand): Item {
  const { master, day } = must(view.occurrence, 'an occurrence');
  const { mailbox } = master.folder;
  const part = must(master.content.calendar, 'an appointment');
  const before = view.content;
  const previous = part.exceptions.find((one) => one.day === day);
  const properties = new Map<PropertyKey, Property | null>(previous?.properties);
  for (const at of new Set([...before.properties.keys(), ...next.properties.keys()])) {
    if (ownOfOccurrence.has(at)) continue;
    const property = next.properties.get(at);
    if (!sameProperty(before.properties.get(at), property)) properties.set(at, property ?? null);
  }
  const exception: CalendarException = {
    day,
    startMs: startMsOf(next),
    endMs: endMsOf(next),
    properties,
    body: next.body === before.body ? (previous?.body ?? null) : next.body,
    attachments: next.attachments === before.attachments ? (previous?.attachments ?? null) : next.attachments,
    attendees:
      next.calendar?.attendees === before.calendar?.attendees
        ? (previous?.attendees ?? null)
        : (next.calendar?.attendees ?? null),
    modifiedAtMs: mailbox.nowMs,
  };
  if (exception.startMs !== startMsOf(before) || exception.endMs !== endMsOf(before))
    refuseCrossing(master.content, exception);
  const exceptions = [...part.exceptions.filter((one) => one.day !== day), exception].sort((a, b) =>
    a.day < b.day ? -1 : 1,
  );
  mailbox.update(master, { ...master.content, calendar: { ...part, exceptions } }, by);
  return occurrenceItem(master, day);
}

/** An occurrence stays between its neighbours, and not on the day of one. (EWS doc: ErrorOccurrenceCrossingBoundary) */
function refuseCrossing(content: ItemContent, exception: CalendarException): void {
  const { part, recurrence } = seriesOf(content);
  const number = dayNumber(exception.day);
  const deleted = new Set(part.deletedDays);
  let previous: number | null = null;
  let next: number | null = null;
  // The longest step of a pattern is 99 months.
  for (const day of occurrenceDays(recurrence, number - 3_200)) {
    if (deleted.has(dayOfNumber(day))) continue;
    if (day < number) previous = day;
    else if (day > number) {
      next = day;
      break;
    }
  }
  const dayOf = (ms: number): Day => dayOfWall(wallOf(part.startZone, ms));
  const neighbour = (day: number | null): Occurrence | null =>
    day === null ? null : occurrenceOn(content, dayOfNumber(day));
  const before = neighbour(previous);
  const after = neighbour(next);
  if (
    (before !== null && (exception.startMs < before.endMs || dayOf(exception.startMs) <= dayOf(before.startMs))) ||
    (after !== null && (exception.endMs > after.startMs || dayOf(exception.startMs) >= dayOf(after.startMs)))
  )
    throw new Refusal(
      'ErrorOccurrenceCrossingBoundary',
      'The occurrence would cross or overlap an adjacent occurrence.',
    );
}

/** Takes an occurrence out of its series. The last one cannot be taken out. */
export function deleteOccurrence(view: Item, by: Hand): void {
  const { master, day } = must(view.occurrence, 'an occurrence');
  const part = must(master.content.calendar, 'an appointment');
  const calendar: CalendarPart = {
    ...part,
    exceptions: part.exceptions.filter((one) => one.day !== day),
    deletedDays: [...part.deletedDays, day].sort(),
  };
  const content = { ...master.content, calendar };
  if (endsOf(content).first === null)
    throw new Refusal('ErrorRecurrenceHasNoOccurrence', 'The last occurrence of a series cannot be deleted.');
  master.folder.mailbox.update(master, content, by);
}
