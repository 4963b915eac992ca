import type {
  AttachmentContent,
  EventFields,
  ModifiedOccurrence,
  OccurrenceOverrides,
  When,
} from '#model/appointment.ts';
import { eventProperties } from '#model/event-properties.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { RawProperty } from '#model/mail.ts';
import type { MapiProperty, MapiType } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { type AppointmentRecur, type BlobException, readAppointmentRecur } from '../mapi/appointment-recur.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import { dayOfGlobalObjectId, identityOfIds } from '../mapi/global-object-id.ts';
import type { MapiScalar } from '../mapi/mapi-message.ts';
import { dayOfOriginalStart, occurrenceSpan, zoneOfSeries } from '../occurrences.ts';
import { clockOf } from '../zones/zone-clock.ts';
import { attachmentProperties, isException, readAttachment } from './event-attachments.ts';
import { derived, type Get, readGivenFields, readOrganizer, readPlainFields, readWhen } from './event-fields.ts';
import { readRecipients } from './event-recipients.ts';
import { findValue, messageNodes, partsOf, readStream, type StreamNode, type StreamPart } from './message-stream.ts';
import { StreamError } from './stream-error.ts';
import { isProperty, propertyValue, type StreamProperty } from './stream-property.ts';
import { eventOnly } from './write-event.ts';

export interface ReadEvent {
  readonly item: TypedItem<'calendar'>;
  readonly attachments: readonly AttachmentContent[];
  readonly occurrenceAttachments: ReadonlyMap<Day, readonly AttachmentContent[]>;
  /** What was not understood, in words without content. The values are in `item.extras`. */
  readonly problems: readonly string[];
}

/** Where the item was exported from: a stream does not say. */
export interface ExportedAt {
  readonly id: ItemId;
  readonly version: Version;
  readonly folder: FolderId;
}

const getFrom =
  (nodes: readonly StreamNode[]): Get =>
  (property) =>
    findValue(nodes, property);

/**
 * An exported event, understood.
 *
 * @throws StreamError for a stream that cannot be read to its end, or holds something else
 */
export function readEventStream(bytes: Uint8Array, at: ExportedAt): ReadEvent {
  const stream = readStream(bytes);
  if (stream.problem !== null) throw new StreamError(stream.problem);
  const nodes = messageNodes(stream);
  const get = getFrom(nodes);
  const itemClass = get(derived.messageClass);
  if (typeof itemClass !== 'string' || !/^IPM\.Appointment(?:\.|$)/i.test(itemClass))
    throw new StreamError('not-an-event');

  const problems: string[] = [];
  const when = readWhen(get, problems);
  if (when === null) throw new StreamError('no-start');
  const recur = readRecurrence(get, problems);
  const files = contents(nodes, problems);
  const fields: EventFields = {
    ...readPlainFields(get),
    when,
    attendees: readRecipients(partsOf(nodes, 'recipient')),
    attachments: files.map(({ head }) => head),
    organizer: readOrganizer(get),
    recurrence: recur?.recurrence ?? null,
  };
  const { occurrences, attachments } = readOccurrences(recur, fields, nodes, problems);
  const [id, clean] = [get(eventOnly.globalObjectId), get(eventOnly.cleanGlobalObjectId)].map((value) =>
    Buffer.isBuffer(value) ? value : Buffer.alloc(0),
  ) as [Buffer, Buffer];
  const stamp = get(eventOnly.stamp);
  return {
    item: {
      kind: 'calendar',
      head: {
        ...at,
        itemClass,
        identity: identityOfIds(id, clean),
        stamp: typeof stamp === 'string' ? (stamp as StampText) : null,
        searchKey: '',
        sizeBytes: bytes.length,
        createdAt: null,
        modifiedAt: null,
      },
      fields,
      occurrences,
      deletedDays: recur?.deletedDays ?? [],
      extras: extrasOf(nodes, recur === null),
    },
    attachments: files,
    occurrenceAttachments: attachments,
    problems,
  };
}

function contents(nodes: readonly StreamNode[], problems: string[]): readonly AttachmentContent[] {
  return partsOf(nodes, 'attachment').flatMap((part) => {
    if (isException(part)) return [];
    const content = readAttachment(part);
    if (content === null) problems.push('an attachment has no content in the stream');
    return content === null ? [] : [content];
  });
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

function readOccurrences(
  recur: AppointmentRecur | null,
  fields: EventFields,
  nodes: readonly StreamNode[],
  problems: string[],
): Occurrences {
  const attachments = new Map<Day, readonly AttachmentContent[]>();
  if (recur === null) return { occurrences: [], attachments };
  const messages = new Map<Day, readonly StreamNode[]>();
  for (const part of partsOf(nodes, 'attachment').filter(isException)) {
    const [embedded] = partsOf(part.nodes, 'embedded');
    const day = embedded === undefined ? null : dayOfException(part, embedded.nodes, recur, fields.when);
    if (embedded === undefined || day === null) problems.push('a modified occurrence names no day');
    else messages.set(day, embedded.nodes);
  }
  const occurrences = recur.exceptions.map((exception) => {
    const inside = messages.get(exception.day) ?? [];
    messages.delete(exception.day);
    const files = contents(inside, problems);
    if (files.length > 0) attachments.set(exception.day, files);
    return { day: exception.day, overrides: overridesOf(exception, inside, files, fields, problems) };
  });
  if (messages.size > 0)
    problems.push(`${messages.size} messages of occurrences that the recurrence does not have as modified`);
  return { occurrences, attachments };
}

/** By its global object id, otherwise by the start that it replaces. */
function dayOfException(
  part: StreamPart,
  nodes: readonly StreamNode[],
  recur: AppointmentRecur,
  when: When,
): Day | null {
  const id = findValue(nodes, eventOnly.globalObjectId);
  const named = Buffer.isBuffer(id) ? dayOfGlobalObjectId(id) : null;
  if (named !== null) return named;
  const start = findValue(nodes, eventOnly.replaces) ?? findValue(part.nodes, attachmentProperties.exceptionReplaces);
  return typeof start === 'number' ? dayOfOriginalStart({ when, recurrence: recur.recurrence }, start) : null;
}

/** Only what differs from the series. What the message of the exception does not say, the blob may; otherwise it is as in the series. */
function overridesOf(
  exception: BlobException,
  nodes: readonly StreamNode[],
  files: readonly AttachmentContent[],
  fields: EventFields,
  problems: string[],
): OccurrenceOverrides {
  const get = getFrom(nodes);
  const { subject, location, showAs, reminderMinutes, reminderIsSet } = exception;
  const reminder = {
    isSet: reminderIsSet ?? fields.reminder.isSet,
    minutesBefore: reminderMinutes ?? fields.reminder.minutesBefore,
  };
  const recipients = partsOf(nodes, 'recipient');
  const hasAttendees = recipients.length > 0 || get(eventOnly.hasOwnAttendees) === true;
  const all: OccurrenceOverrides = {
    reminder,
    ...(subject === undefined ? {} : { subject }),
    ...(location === undefined ? {} : { location }),
    ...(showAs === undefined ? {} : { showAs }),
    ...readGivenFields(get),
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
    isAllDay: own?.isAllDay ?? exception.isAllDay ?? series.isAllDay,
    startZone: own?.startZone ?? series.startZone,
    endZone: own?.endZone ?? series.endZone,
  };
}

/** Named properties that some field of the table, or what follows from one, accounts for. */
const accountedFor: readonly MapiProperty[] = [
  ...Object.values(eventProperties).flatMap((row): readonly MapiProperty[] => row.mapi),
  ...Object.values(derived),
  ...Object.values(eventOnly),
];

const typeNames: ReadonlyMap<number, MapiType> = new Map([
  [0x001e, 'string'],
  [0x001f, 'string'],
  [0x101f, 'strings'],
  [0x101e, 'strings'],
  [0x0003, 'integer'],
  [0x0002, 'integer'],
  [0x000b, 'boolean'],
  [0x0040, 'time'],
  [0x0102, 'binary'],
  [0x0014, 'long'],
  [0x0005, 'double'],
  [0x0048, 'guid'],
]);
const typeOf = ({ type }: StreamProperty): MapiType | undefined =>
  typeNames.get(type) ?? ((type & 0x8000) !== 0 ? 'string' : undefined);

/** Compressed RTF: the only body of what Outlook wrote last ([MS-OXCMSG] 2.2.1.56.4). Nothing here turns it into text. */
const rtfBody: MapiProperty = { tag: 0x1009, type: 'binary' };

function extrasOf(nodes: readonly StreamNode[], isRecurrenceLost: boolean): readonly RawProperty[] {
  const recur = eventProperties.recurrence.mapi[0];
  const hasBody = eventProperties.body.mapi.some((property) => findValue(nodes, property) !== undefined);
  return nodes.flatMap((node) => {
    if (node.kind !== 'property') return [];
    const type = typeOf(node);
    if (type === undefined) return [];
    const isRtf = !hasBody && isProperty(node, rtfBody);
    const isBroken = isRecurrenceLost && isProperty(node, recur);
    const isKnown = accountedFor.some((property) => isProperty(node, property));
    if (!isRtf && !isBroken && (node.name === null || isKnown)) return [];
    const value = propertyValue(node);
    const values = (Array.isArray(value) ? value : [value]) as readonly MapiScalar[];
    const property = node.name === null ? { tag: node.id, type } : { ...node.name, type };
    return [{ property, values: values.map((one) => rawText(one, type)) }];
  });
}

/** As EWS writes values of extended properties. */
function rawText(value: MapiScalar, type: MapiType): string {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return type === 'time' && typeof value === 'number' ? new Date(value).toISOString() : String(value ?? '');
}
