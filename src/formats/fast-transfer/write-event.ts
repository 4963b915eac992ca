import type { AttachmentContent, EventIdentity, OccurrenceOverrides, When } from '#model/appointment.ts';
import { eventProperties } from '#model/event-properties.ts';
import { isOccurrenceDay, lastDay, recurrenceProblem } from '#model/expand-recurrence.ts';
import type { Instant, RawProperty } from '#model/mail.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedDraft } from '#model/typed-item.ts';
import { type Day, wallOfDay } from '#model/wall-time.ts';
import { type BlobException, writeAppointmentRecur } from '../mapi/appointment-recur.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import { cleanGlobalObjectId, globalObjectId } from '../mapi/global-object-id.ts';
import type { MapiValue } from '../mapi/mapi-message.ts';
import { writeTimeZoneStruct, writeZoneDefinition } from '../mapi/zone-blobs.ts';
import { occurrenceSpan, reminderTimes, zoneOfSeries } from '../occurrences.ts';
import { clockOf, ruleInYear, rulesOf, type ZoneClock } from '../zones/zone-clock.ts';
import { attachmentPart, attachmentProperties, exceptionFlag, methods, writeAttachment } from './event-attachments.ts';
import {
  derived,
  writeAppearance,
  writeOrganizer,
  writePlainFields,
  writeReminderTimes,
  writeWhen,
  writeZones,
} from './event-fields.ts';
import { writeRecipients } from './event-recipients.ts';
import { oldestStreamVersion, type StreamVersion } from './frames.ts';
import {
  deletesChildren,
  markers,
  newStream,
  type PropertyEdit,
  type StreamNode,
  type StreamPart,
  writeStream,
} from './message-stream.ts';
import { stampProperty } from './stamp-stream.ts';
import { isProperty, makeProperty, type StreamProperty } from './stream-property.ts';

const { appointment, meeting } = propertySets;

/** Properties of events that no field stands for by itself. */
export const eventOnly = {
  globalObjectId: { set: meeting, lid: 0x0003, type: 'binary' },
  cleanGlobalObjectId: { set: meeting, lid: 0x0023, type: 'binary' },
  isException: { set: meeting, lid: 0x000a, type: 'boolean' },
  replaces: { set: appointment, lid: 0x8228, type: 'time' },
  hasOwnBody: { set: appointment, lid: 0x8206, type: 'boolean' },
  hasOwnAttendees: { set: appointment, lid: 0x822b, type: 'boolean' },
  recurrenceType: { set: appointment, lid: 0x8231, type: 'integer' },
  stamp: stampProperty,
} as const satisfies Record<string, MapiProperty>;

/** Class of the message inside a series that a modified occurrence is ([MS-OXOCAL] 2.2.10.2.1). */
export const exceptionClass = 'IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}';

/** Numbers of named properties, the same for one name throughout a stream. */
function numbering(): (property: MapiProperty) => number {
  const numbers = new Map<string, number>();
  return (property) => {
    if ('tag' in property) return property.tag;
    const key = `${property.set} ${'lid' in property ? property.lid : `"${property.name}"`}`;
    const known = numbers.get(key) ?? 0x8000 + numbers.size;
    numbers.set(key, known);
    return known;
  };
}

/** 0x4016 with the tag of what is replaced ([MS-OXCFXICS] 2.2.4.1.5.1): PidTagMessageRecipients, PidTagMessageAttachments. */
const [recipientsTag, attachmentsTag] = [0x0e12000d, 0x0e13000d];
const replaced = (tag: number): StreamProperty =>
  makeProperty({ tag: deletesChildren, type: 'integer' }, tag, deletesChildren);

type Numbers = (property: MapiProperty) => number;

function messageOf(
  edits: readonly PropertyEdit[],
  recipients: readonly StreamPart[],
  attachments: readonly StreamPart[],
  numberOf: Numbers,
): readonly StreamNode[] {
  const made = edits.map(({ property, value }) => makeProperty(property, value, numberOf(property)));
  made.sort((a, b) => a.id - b.id);
  return [...made, replaced(recipientsTag), ...recipients, replaced(attachmentsTag), ...attachments];
}

function identityEdits(identity: EventIdentity | null, day: Day | null): readonly PropertyEdit[] {
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
  const { subject, location, reminder, showAs, attachments, body } = overrides;
  return {
    day,
    start: series.clock.toWall(span.start),
    end: series.clock.toWall(span.end),
    ...(subject === undefined ? {} : { subject }),
    ...(location === undefined ? {} : { location }),
    ...(reminder === undefined ? {} : { reminderMinutes: reminder.minutesBefore, reminderIsSet: reminder.isSet }),
    ...(showAs === undefined ? {} : { showAs }),
    ...(overrides.when === undefined ? {} : { isAllDay: overrides.when.isAllDay }),
    ...(attachments === undefined ? {} : { hasAttachments: attachments.length > 0 }),
    hasBody: body !== undefined,
  };
}

function seriesEdits(series: Series, { item }: TypedDraft<'calendar'>): readonly PropertyEdit[] {
  const { when, recurrence, clock } = series;
  const isOurs = (day: Day) => isOccurrenceDay(recurrence, day);
  const blob = writeAppointmentRecur({
    recurrence,
    startMinutes: series.startMinutes,
    endMinutes: series.endMinutes,
    deletedDays: item.deletedDays.filter(isOurs),
    exceptions: item.occurrences
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

/** The attachment that holds a modified occurrence ([MS-OXOCAL] 2.2.10). */
async function exceptionPart(
  series: Series,
  { item }: TypedDraft<'calendar'>,
  day: Day,
  overrides: OccurrenceOverrides,
  files: readonly AttachmentContent[],
  number: number,
  numberOf: Numbers,
): Promise<StreamPart> {
  const planned = occurrenceSpan(series.when, day);
  const when = overrides.when ?? { ...series.when, ...planned };
  const { minutesBefore } = overrides.reminder ?? item.fields.reminder;
  const edits: PropertyEdit[] = [
    { property: derived.messageClass, value: exceptionClass },
    { property: derived.messageFlags, value: 1 },
    ...writePlainFields(overrides),
    ...writeWhen(when),
    ...writeReminderTimes({ start: when.start, signal: when.start - minutesBefore * 60_000 }),
    ...(sameZone(when, series.when) ? [] : writeZones(when)),
    ...identityEdits(item.head.identity, day),
    { property: eventOnly.isException, value: true },
    { property: eventProperties.recurrence.mapi[5], value: true },
    { property: eventOnly.replaces, value: planned.start },
    { property: eventOnly.hasOwnBody, value: overrides.body !== undefined },
    { property: eventOnly.hasOwnAttendees, value: overrides.attendees !== undefined },
  ];
  const recipients =
    overrides.attendees === undefined ? [] : writeRecipients(overrides.attendees, item.fields.organizer);
  const attached = await Promise.all(files.map(writeAttachment));
  const embedded: StreamPart = {
    kind: 'embedded',
    marker: markers.startEmbed,
    nodes: messageOf(edits, recipients, attached, numberOf),
    isClosed: true,
  };
  const at = attachmentProperties;
  return attachmentPart(
    [
      [at.number, number],
      [at.method, methods.embeddedMessage],
      [at.name, 'Untitled'],
      [at.rendering, -1],
      [at.mhtmlFlags, 0],
      [at.isHidden, true],
      [at.flags, exceptionFlag],
      [at.linkId, 0],
      // By the clock of the series, as if it were UTC ([MS-OXOCAL] 2.2.10.1.3 and 2.2.10.1.4).
      [at.exceptionStart, series.clock.toWall(when.start)],
      [at.exceptionEnd, series.clock.toWall(when.end)],
      [at.exceptionReplaces, planned.start],
    ],
    [embedded],
  );
}

/** Of the server that kept the item: ids, sizes, change times, folders. They would be lies in another. */
const isOfServer = (property: MapiProperty): boolean =>
  'tag' in property && ((property.tag >= 0x0e00 && property.tag <= 0x0fff) || property.tag >= 0x6600);

/** @returns undefined for values that do not make one of the type */
function rawValue({ property, values }: RawProperty): MapiValue | undefined {
  const [first] = values;
  if (property.type === 'strings') return values;
  if (first === undefined) return undefined;
  switch (property.type) {
    case 'string':
      return first;
    case 'boolean':
      return first === 'true' || first === '1';
    case 'integer':
    case 'double':
      return Number.isFinite(Number(first)) ? Number(first) : undefined;
    case 'long':
      return /^-?\d{1,19}$/.test(first) ? BigInt(first) : undefined;
    case 'time': {
      const instant = Date.parse(first);
      return Number.isNaN(instant) ? undefined : instant;
    }
    case 'binary':
      return Buffer.from(first, 'base64');
    case 'guid':
      return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(first) ? first : undefined;
    default:
      return property.type satisfies never;
  }
}

function extraEdits(extras: readonly RawProperty[], written: readonly PropertyEdit[]): readonly PropertyEdit[] {
  const taken = written.map(({ property }) =>
    makeProperty(property, property.type === 'strings' ? [] : blank(property), 0x8000),
  );
  return extras.flatMap((extra) => {
    const value = rawValue(extra);
    if (value === undefined || isOfServer(extra.property)) return [];
    return taken.some((one) => isProperty(one, extra.property)) ? [] : [{ property: extra.property, value }];
  });
}
/** Any value of a type, where only the name of the property counts. */
const blank = ({ type }: MapiProperty): MapiValue =>
  type === 'binary'
    ? Buffer.alloc(0)
    : type === 'long'
      ? 0n
      : type === 'guid'
        ? '00000000-0000-0000-0000-000000000000'
        : 0;

export interface EventStreamOptions {
  /** The reminder of a series rings for its next occurrence after this. */
  readonly now: Instant;
  /** Of the server that the stream says it comes from; servers refuse those of newer ones. */
  readonly version?: StreamVersion;
}

/**
 * An event as a stream for UploadItems, with what no request of EWS can write: the true organizer, who answered what, and exceptions as
 * messages of their own. The stamp is in it. Modified and deleted days outside of the pattern are left out (see `strayDays`): nothing
 * in a calendar could show them.
 *
 * @throws BlobError `no-occurrences` for a series without any
 */
export async function writeEventStream(draft: TypedDraft<'calendar'>, options: EventStreamOptions): Promise<Buffer> {
  const { item, stamp } = draft;
  const { fields, head } = item;
  const numberOf = numbering();
  const series = fields.recurrence === null ? null : seriesOf(fields.when, fields.recurrence);
  const edits: PropertyEdit[] = [
    { property: derived.messageClass, value: head.itemClass },
    { property: derived.messageFlags, value: 1 },
    ...writePlainFields(fields),
    { property: derived.replyRequested, value: fields.responseRequested },
    ...writeWhen(fields.when),
    ...writeReminderTimes(reminderTimes(item, fields.reminder.minutesBefore, options.now)),
    ...writeAppearance(fields),
    ...writeZones(fields.when),
    ...writeOrganizer(fields.organizer),
    ...identityEdits(head.identity, null),
    ...(series === null ? [] : seriesEdits(series, draft)),
    { property: eventOnly.stamp, value: stamp },
  ];
  const all = [...edits, ...extraEdits(item.extras, edits)];
  const attachments = await Promise.all(draft.attachments.map(writeAttachment));
  if (series !== null) {
    for (const { day, overrides } of item.occurrences) {
      if (!isOccurrenceDay(series.recurrence, day)) continue;
      const files = draft.occurrenceAttachments.get(day) ?? [];
      attachments.push(await exceptionPart(series, draft, day, overrides, files, attachments.length, numberOf));
    }
  }
  const recipients = writeRecipients(fields.attendees, fields.organizer);
  return writeStream(
    newStream(messageOf(all, recipients, attachments, numberOf), options.version ?? oldestStreamVersion),
  );
}
