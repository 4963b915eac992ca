import {
  type AttachmentContent,
  type EventFields,
  type ModifiedOccurrence,
  type OccurrenceOverrides,
  occurrenceStateFlags,
  type When,
} from '#model/appointment.ts';
import { eventProperties } from '#model/event-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Day } from '#model/wall-time.ts';
import { type AppointmentRecur, type BlobException, readAppointmentRecur } from '../mapi/appointment-recur.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import { dayOfGlobalObjectId, identityOfIds } from '../mapi/global-object-id.ts';
import type { MapiAttachment, MapiMessage } from '../mapi/mapi-message.ts';
import { dayOfOriginalStart, occurrenceSpan, zoneOfSeries } from '../occurrences.ts';
import { clockOf } from '../zones/zone-clock.ts';
import { attachmentProperties, isException } from './attachments.ts';
import { eventDerived, readGivenFields, readPlainFields } from './event-fields.ts';
import { eventOnly } from './event-series.ts';
import { readWhen, timeProperties } from './event-times.ts';
import { flag, internetCodePage, nativeBody } from './field-codec.ts';
import { requireKind } from './item-classes.ts';
import { ItemError } from './item-error.ts';
import { headProperties, mainProperties, receiptProperty, stampProperty } from './item-properties.ts';
import { organizerProperties, readOrganizer } from './people.ts';
import { type Get, isNumber, valuesOf } from './property-values.ts';
import { accountsFor, type ReadFrom, type ReadItem, readContents, readExtras, readHead } from './read-item.ts';
import { organizerWithAddress, readRecipients } from './recipients.ts';

/** Everything that is read of the message of an event. */
export const eventMapiProperties: readonly MapiProperty[] = [
  ...Object.values(mainProperties),
  ...Object.values(headProperties),
  stampProperty,
  receiptProperty,
  ...Object.values(eventProperties).flatMap((row): readonly MapiProperty[] => row.mapi),
  ...Object.values(timeProperties),
  ...Object.values(eventDerived),
  ...Object.values(eventOnly),
  ...organizerProperties,
  internetCodePage,
  nativeBody,
];
const accounts = { known: accountsFor(eventMapiProperties), keepsTag: () => false };

/**
 * An event, understood.
 *
 * @throws ItemError `not-of-this-kind`, `no-start`
 */
export async function readEvent(message: MapiMessage, from: ReadFrom): Promise<ReadItem<'calendar'>> {
  const get = valuesOf(message.properties);
  requireKind('calendar', get);
  const problems: string[] = [];
  const when = readWhen(get, problems);
  if (when === null) throw new ItemError('no-start');
  const recur = readRecurrence(get, problems);
  const files = await readContents(message.attachments, from.itemBytes, problems);
  const fields: EventFields = {
    ...readPlainFields(get),
    when,
    attendees: readRecipients(message.recipients),
    attachments: files.map(({ head }) => head),
    organizer: organizerWithAddress(readOrganizer(get), message.recipients),
    recurrence: recur?.recurrence ?? null,
  };
  const { occurrences, attachments } = await readOccurrences(recur, fields, message, from, problems);
  const [id, clean] = [get(eventOnly.globalObjectId), get(eventOnly.cleanGlobalObjectId)].map((value) =>
    Buffer.isBuffer(value) ? value : Buffer.alloc(0),
  ) as [Buffer, Buffer];
  const unread = recur === null ? [eventProperties.recurrence.mapi[0]] : [];
  return {
    item: {
      kind: 'calendar',
      head: readHead(get, from, identityOfIds(id, clean)),
      fields,
      occurrences,
      deletedDays: recur?.deletedDays ?? [],
      extras: readExtras(message, get, accounts, unread),
    },
    attachments: files,
    occurrenceAttachments: attachments,
    problems,
  };
}

function readRecurrence(get: Get, problems: string[]): AppointmentRecur | null {
  const bytes = get(eventProperties.recurrence.mapi[0]);
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    return readAppointmentRecur(bytes);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    problems.push(error.message);
    return null;
  }
}

interface Occurrences {
  readonly occurrences: readonly ModifiedOccurrence[];
  readonly attachments: ReadonlyMap<Day, readonly AttachmentContent[]>;
}

async function readOccurrences(
  recur: AppointmentRecur | null,
  fields: EventFields,
  message: MapiMessage,
  from: ReadFrom,
  problems: string[],
): Promise<Occurrences> {
  const attachments = new Map<Day, readonly AttachmentContent[]>();
  if (recur === null) return { occurrences: [], attachments };
  const messages = new Map<Day, MapiMessage>();
  for (const attachment of message.attachments.filter(isException)) {
    const inside = attachment.message;
    const day = inside === null ? null : dayOfException(attachment, inside, recur, fields.when);
    if (inside === null || day === null) problems.push('a modified occurrence names no day');
    else messages.set(day, inside);
  }
  const occurrences: ModifiedOccurrence[] = [];
  for (const exception of recur.exceptions) {
    const inside = messages.get(exception.day) ?? { properties: [], recipients: [], attachments: [] };
    messages.delete(exception.day);
    const files = await readContents(inside.attachments, from.itemBytes, problems);
    if (files.length > 0) attachments.set(exception.day, files);
    occurrences.push({ day: exception.day, overrides: overridesOf(exception, inside, files, fields, problems) });
  }
  if (messages.size > 0)
    problems.push(`${messages.size} messages of occurrences that the recurrence does not have as modified`);
  return { occurrences, attachments };
}

/** By its global object id, otherwise by the start that it replaces. */
function dayOfException(
  attachment: MapiAttachment,
  { properties }: MapiMessage,
  recur: AppointmentRecur,
  when: When,
): Day | null {
  const get = valuesOf(properties);
  const id = get(eventOnly.globalObjectId);
  const named = Buffer.isBuffer(id) ? dayOfGlobalObjectId(id) : null;
  if (named !== null) return named;
  const start = get(eventOnly.replaces) ?? valuesOf(attachment.properties)(attachmentProperties.exceptionReplaces);
  return isNumber(start) ? dayOfOriginalStart({ when, recurrence: recur.recurrence }, start) : null;
}

/** Only what differs from the series. What the message of the exception does not say, the blob may; otherwise it is as in the series. */
function overridesOf(
  exception: BlobException,
  { properties, recipients }: MapiMessage,
  files: readonly AttachmentContent[],
  fields: EventFields,
  problems: string[],
): OccurrenceOverrides {
  const get = valuesOf(properties);
  const { subject, location, showAs, reminderMinutes, reminderIsSet } = exception;
  const reminder = {
    isSet: reminderIsSet ?? fields.reminder.isSet,
    minutesBefore: reminderMinutes ?? fields.reminder.minutesBefore,
  };
  const hasAttendees = recipients.length > 0 || get(eventOnly.hasOwnAttendees) === true;
  const given = readGivenFields(get);
  const stateFlags = given.stateFlags ?? exception.stateFlags;
  const all: OccurrenceOverrides = {
    reminder,
    ...(subject === undefined ? {} : { subject }),
    ...(location === undefined ? {} : { location }),
    ...(showAs === undefined ? {} : { showAs }),
    ...given,
    ...(stateFlags === undefined ? {} : { stateFlags: occurrenceStateFlags(fields.stateFlags, stateFlags) }),
    when: whenOf(exception, get, fields.when, problems),
    ...(hasAttendees ? { attendees: readRecipients(recipients) } : {}),
    ...(exception.hasAttachments !== undefined || files.length > 0
      ? { attachments: files.map(({ head }) => head) }
      : {}),
  };
  const planned = { ...fields, when: { ...fields.when, ...occurrenceSpan(fields.when, exception.day) } };
  const differs = ([field, value]: readonly [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(planned[field as keyof OccurrenceOverrides]);
  return Object.fromEntries(Object.entries(all).filter(differs)) as OccurrenceOverrides;
}

function whenOf(exception: BlobException, get: Get, series: When, problems: string[]): When {
  const clock = clockOf(zoneOfSeries(series));
  const own = readWhen(get, problems);
  const isMoved = own === null;
  return {
    start: isMoved ? clock.toInstant(exception.start) : own.start,
    end: isMoved ? clock.toInstant(exception.end) : own.end,
    isAllDay: flag(eventProperties.when.mapi[2]).read(get) ?? exception.isAllDay ?? series.isAllDay,
    startZone: own?.startZone ?? series.startZone,
    endZone: own?.endZone ?? series.endZone,
  };
}
