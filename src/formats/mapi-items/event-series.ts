import type { AttachmentContent, EventIdentity, OccurrenceOverrides, When } from '#model/appointment.ts';
import { eventProperties } from '#model/event-properties.ts';
import { isOccurrenceDay, lastDay, recurrenceProblem } from '#model/expand-recurrence.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedItem } from '#model/typed-item.ts';
import { type Day, wallOfDay } from '#model/wall-time.ts';
import { type BlobException, writeAppointmentRecur } from '../mapi/appointment-recur.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import { cleanGlobalObjectId, globalObjectId } from '../mapi/global-object-id.ts';
import type { MapiAttachment, MapiPropertyValue } from '../mapi/mapi-message.ts';
import { writeTimeZoneStruct, writeZoneDefinition } from '../mapi/zone-blobs.ts';
import { occurrenceSpan, zoneOfSeries } from '../occurrences.ts';
import { clockOf, ruleInYear, rulesOf, type ZoneClock } from '../zones/zone-clock.ts';
import { exceptionAttachment, writeAttachment } from './attachments.ts';
import { writePlainFields } from './event-fields.ts';
import { writeReminderTimes, writeWhen, writeZones } from './event-times.ts';
import { mainProperties } from './item-properties.ts';
import { writeRecipients } from './recipients.ts';

const { appointment, meeting } = propertySets;

/** Properties of events that say which event it is, and what it is of a series. */
export const eventOnly = {
  globalObjectId: { set: meeting, lid: 0x0003, type: 'binary' },
  cleanGlobalObjectId: { set: meeting, lid: 0x0023, type: 'binary' },
  isException: { set: meeting, lid: 0x000a, type: 'boolean' },
  replaces: { set: appointment, lid: 0x8228, type: 'time' },
  hasOwnBody: { set: appointment, lid: 0x8206, type: 'boolean' },
  hasOwnAttendees: { set: appointment, lid: 0x822b, type: 'boolean' },
  recurrenceType: { set: appointment, lid: 0x8231, type: 'integer' },
} as const satisfies Record<string, MapiProperty>;

/** Class of the message inside a series that a modified occurrence is ([MS-OXOCAL] 2.2.10.2.1). */
export const exceptionClass = 'IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}';

/** @param day Of a modified occurrence inside of its series; null: the item itself. */
export function writeIdentity(identity: EventIdentity | null, day: Day | null): readonly MapiPropertyValue[] {
  if (identity === null) return [];
  return [
    { property: eventOnly.globalObjectId, value: globalObjectId(identity, day) },
    { property: eventOnly.cleanGlobalObjectId, value: cleanGlobalObjectId(identity) },
  ];
}

/** Minutes after midnight of the day on which something starts. */
const minutesInDay = (wall: number, midnight: number): number => Math.floor((wall - midnight) / 60_000);

const recurrenceTypes: Readonly<Record<string, number>> = { daily: 1, weekly: 2, monthly: 3, yearly: 4 };
/** 4500-08-31 23:59 UTC: the end of a series without one ([MS-OXOCAL] 2.2.1.15). */
const endless = Date.UTC(4500, 7, 31, 23, 59);

interface Series {
  readonly when: When;
  readonly recurrence: Recurrence;
  readonly clock: ZoneClock;
  readonly startMinutes: number;
  readonly endMinutes: number;
}

/** @throws BlobError `no-occurrences` for a series without any */
function seriesOf(when: When, recurrence: Recurrence): Series {
  if (recurrenceProblem(recurrence) !== null) throw new BlobError('no-occurrences', 'recurrence');
  const clock = clockOf(zoneOfSeries(when));
  const [from, to] = [clock.toWall(when.start), clock.toWall(when.end)];
  const midnight = Math.floor(from / 86_400_000) * 86_400_000;
  return {
    when,
    recurrence,
    clock,
    startMinutes: minutesInDay(from, midnight),
    // An end before the start is nothing that the blob could say.
    endMinutes: minutesInDay(Math.max(from, to), midnight),
  };
}

function blobException(series: Series, day: Day, overrides: OccurrenceOverrides): BlobException {
  const span = overrides.when ?? occurrenceSpan(series.when, day);
  const { subject, location, reminder, showAs, stateFlags, attachments, body } = overrides;
  return {
    day,
    start: series.clock.toWall(span.start),
    end: series.clock.toWall(span.end),
    ...(subject === undefined ? {} : { subject }),
    ...(location === undefined ? {} : { location }),
    ...(reminder === undefined ? {} : { reminderMinutes: reminder.minutesBefore, reminderIsSet: reminder.isSet }),
    ...(showAs === undefined ? {} : { showAs }),
    ...(stateFlags === undefined ? {} : { stateFlags }),
    ...(overrides.when === undefined ? {} : { isAllDay: overrides.when.isAllDay }),
    ...(attachments === undefined ? {} : { hasAttachments: attachments.length > 0 }),
    hasBody: body !== undefined,
  };
}

/**
 * What makes an event a series, with its modified and deleted days. Days outside of the pattern are left out (see `strayDays`).
 *
 * @throws BlobError `no-occurrences` for a series without any
 */
export function writeSeries({ fields, occurrences, deletedDays }: TypedItem<'calendar'>): readonly MapiPropertyValue[] {
  if (fields.recurrence === null) return [];
  const series = seriesOf(fields.when, fields.recurrence);
  const { when, recurrence, clock } = series;
  const isOurs = (day: Day) => isOccurrenceDay(recurrence, day);
  const blob = writeAppointmentRecur({
    recurrence,
    startMinutes: series.startMinutes,
    endMinutes: series.endMinutes,
    deletedDays: deletedDays.filter(isOurs),
    exceptions: occurrences
      .filter(({ day }) => isOurs(day))
      .map((one) => blobException(series, one.day, one.overrides)),
  });
  const [recur, isRecurring, clipStart, clipEnd, definition, isRecurringMeeting] = eventProperties.recurrence.mapi;
  const zone = zoneOfSeries(when);
  const year = new Date(when.start).getUTCFullYear();
  const zoneBlob = zone === null ? null : writeZoneDefinition(zone, year, true);
  const rule = zone === null ? undefined : ruleInYear(rulesOf(zone) ?? [], year);
  const last = lastDay(recurrence);
  return [
    { property: recur, value: blob },
    { property: isRecurring, value: true },
    { property: isRecurringMeeting, value: true },
    { property: eventOnly.recurrenceType, value: recurrenceTypes[recurrence.pattern.kind.split('-')[0] ?? ''] ?? 0 },
    { property: clipStart, value: clock.toInstant(wallOfDay(recurrence.range.startDay)) },
    { property: clipEnd, value: last === null ? endless : clock.toInstant(wallOfDay(last)) },
    ...(zoneBlob === null ? [] : [{ property: definition, value: zoneBlob }]),
    ...(rule === undefined ? [] : [{ property: eventProperties.when.mapi[5], value: writeTimeZoneStruct(rule) }]),
  ];
}

const sameZone = (a: When, b: When): boolean =>
  JSON.stringify([a.startZone, a.endZone]) === JSON.stringify([b.startZone, b.endZone]);

/** The attachments that hold the modified occurrences of a series, by day ([MS-OXOCAL] 2.2.10). */
export function writeExceptions(
  item: TypedItem<'calendar'>,
  files: ReadonlyMap<Day, readonly AttachmentContent[]>,
): ReadonlyMap<Day, MapiAttachment> {
  const { when, recurrence } = item.fields;
  if (recurrence === null) return new Map();
  const series = seriesOf(when, recurrence);
  return new Map(
    item.occurrences
      .filter(({ day }) => isOccurrenceDay(recurrence, day))
      .map(({ day, overrides }) => [day, exceptionOf(series, item, day, overrides, files.get(day) ?? [])]),
  );
}

function exceptionOf(
  series: Series,
  item: TypedItem<'calendar'>,
  day: Day,
  overrides: OccurrenceOverrides,
  files: readonly AttachmentContent[],
): MapiAttachment {
  const planned = occurrenceSpan(series.when, day);
  const when = overrides.when ?? { ...series.when, ...planned };
  const { minutesBefore } = overrides.reminder ?? item.fields.reminder;
  const properties: readonly MapiPropertyValue[] = [
    { property: mainProperties.messageClass, value: exceptionClass },
    { property: mainProperties.messageFlags, value: 1 },
    ...writePlainFields(overrides),
    ...writeWhen(when),
    ...writeReminderTimes({ start: when.start, signal: when.start - minutesBefore * 60_000 }),
    ...(sameZone(when, series.when) ? [] : writeZones(when)),
    ...writeIdentity(item.head.identity, day),
    { property: eventOnly.isException, value: true },
    { property: eventProperties.recurrence.mapi[5], value: true },
    { property: eventOnly.replaces, value: planned.start },
    { property: eventOnly.hasOwnBody, value: overrides.body !== undefined },
    { property: eventOnly.hasOwnAttendees, value: overrides.attendees !== undefined },
  ];
  const message = {
    properties: properties.filter(({ value }) => value !== null),
    recipients: overrides.attendees === undefined ? [] : writeRecipients(overrides.attendees, item.fields.organizer),
    attachments: files.map((file) => writeAttachment(file)),
  };
  const { clock } = series;
  return exceptionAttachment(message, {
    start: clock.toWall(when.start),
    end: clock.toWall(when.end),
    replaces: planned.start,
  });
}
