import { contentOfOccurrence, occurrenceOn, ownOfOccurrence, patternTimes } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import {
  type Attendee,
  type AttendeeRole,
  type CalendarException,
  type Day,
  responses,
} from '../world/calendar-part.ts';
import { cleanOf, isGlobalObjectId, newGlobalObjectId } from '../world/global-object-id.ts';
import { knownZone } from '../world/icalendar-text.ts';
import type { Address, ItemContent } from '../world/item.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { dayNumber, dayOfWall } from '../world/recurrence.ts';
import { instantOf, utc, wallOf, type Zone } from '../world/zone.ts';
import { readZoneBlob, readZoneStruct } from '../world/zone-blob.ts';
import { Malformed } from './byte-cursor.ts';
import { workedOutKeys } from './calendar-property.ts';
import { bytesOf, type MapiAttachment, type MapiMessage, numberOf, type PropertyBag, textOf } from './message.ts';
import { attachmentsOf, bodyOf, inOtherForm, isException, kept, typedOf } from './parts-of-message.ts';
import { type BlobException, readSeriesBlob, type SeriesBlob } from './recur-blob.ts';
import { organizerFlag, tag } from './tags.ts';

/** An appointment and what of it is not content. */
export interface ReadAppointment {
  readonly content: ItemContent;
  readonly isRead: boolean;
  /** PidTagMessageFlags. */
  readonly flags: number;
  /** Hex; null: it names none. */
  readonly searchKey: string | null;
}

export interface ReadTerms {
  /** What a new id is made from, for a message without one. */
  readonly idFor: readonly [guid: string, no: number, nowMs: number];
  /** Whether a series that cannot be read makes the message unreadable; otherwise it is a single appointment. */
  readonly strict: boolean;
}

/** Bodies, people and what the store keeps in another form, beside what follows from other properties. */
const elsewhere: ReadonlySet<PropertyKey> = new Set([...inOtherForm, ...workedOutKeys, calendarKey.zoneStruct]);

const roles: readonly AttendeeRole[] = ['required', 'optional', 'resource'];

/** The row of an organizer who has answered nothing is no attendee (assumed). */
function attendeesOf(rows: readonly PropertyBag[]): readonly Attendee[] {
  return rows.flatMap((bag): readonly Attendee[] => {
    const isOrganizer = ((numberOf(bag, tag.recipientFlags) ?? 0) & organizerFlag) !== 0;
    const status = numberOf(bag, tag.trackStatus);
    if (isOrganizer && status === null) return [];
    return [
      {
        name: textOf(bag, tag.name) ?? textOf(bag, tag.shownName) ?? '',
        address: textOf(bag, tag.smtp) ?? textOf(bag, tag.address) ?? '',
        role: roles[((numberOf(bag, tag.recipientType) ?? 1) & 0xf) - 1] ?? 'required',
        response: isOrganizer ? 'Organizer' : (responses[status ?? 0] ?? 'Unknown'),
        respondedAtMs: numberOf(bag, tag.trackTime),
      },
    ];
  });
}

function organizerOf({ properties }: MapiMessage): Address | null {
  const name = textOf(properties, tag.organizerName) ?? '';
  const address = textOf(properties, tag.organizerSmtp) ?? textOf(properties, tag.organizerAddress) ?? '';
  return name === '' && address === '' ? null : { name, address };
}

/** A series repeats in a zone of its own; a name alone will do when nothing else says more. */
function zonesOf({ properties }: MapiMessage, isSeries: boolean): { readonly startZone: Zone; readonly endZone: Zone } {
  const defined = (at: PropertyKey): Zone | null => {
    const bytes = bytesOf(properties, at);
    return bytes === null ? null : readZoneBlob(bytes);
  };
  const description = textOf(properties, calendarKey.zoneDescription) ?? '';
  const rule = bytesOf(properties, calendarKey.zoneStruct);
  const startZone =
    (isSeries ? defined(calendarKey.zoneRecur) : null) ??
    defined(calendarKey.zoneStart) ??
    (rule === null ? null : readZoneStruct(rule, description)) ??
    knownZone(description) ??
    utc;
  // What people see of a zone that is nobody else's stands in the description.
  const named = (zone: Zone): Zone =>
    zone.spans === null || description === '' || zone.id !== startZone.id ? zone : { ...zone, name: description };
  return { startZone: named(startZone), endZone: named(defined(calendarKey.zoneEnd) ?? startZone) };
}

const same = (a: Property | undefined, b: Property | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** On which day of the pattern an occurrence inside of its series would have been. */
function dayOf({ properties, message }: MapiAttachment, zone: Zone): Day | null {
  const replaces =
    (message === null ? null : numberOf(message.properties, calendarKey.replacedStart)) ??
    numberOf(properties, tag.exceptionReplaces);
  return replaces === null ? null : dayOfWall(wallOf(zone, replaces));
}

/**
 * A changed occurrence by what the series says of it and by its own message.
 * @param message null: there is none.
 */
export function exceptionOf(
  master: ItemContent,
  said: BlobException,
  message: MapiMessage | null,
  zone: Zone,
  nowMs: number,
): CalendarException {
  const recurrence = master.calendar?.recurrence ?? null;
  if (recurrence === null) throw new Malformed('a changed occurrence of what is no series');
  const [startMs, endMs] = patternTimes(zone, recurrence, dayNumber(said.day));
  const plain = { day: said.day, startMs, endMs, originalStartMs: startMs, exception: null };
  const shown = contentOfOccurrence(master, occurrenceOn(master, said.day) ?? plain);
  const own = new Map<PropertyKey, Property | null>();
  const put = (at: PropertyKey, property: Property): void => {
    if (!ownOfOccurrence.has(at) && !same(shown.properties.get(at), property)) own.set(at, property);
  };
  // An override stays one, also where the series has the same for now. [MS-OXOCAL] 2.2.1.44.2
  const says = (at: PropertyKey, type: string, value: Property['value'] | undefined): void => {
    if (value !== undefined) own.set(at, { type, value });
  };
  says(key.subject, 'String', said.subject);
  says(calendarKey.location, 'String', said.location);
  says(calendarKey.stateFlags, 'Integer', said.stateFlags);
  says(calendarKey.reminderMinutes, 'Integer', said.reminderMinutes);
  says(key.reminderSet, 'Boolean', said.reminderSet);
  says(calendarKey.busyStatus, 'Integer', said.busyStatus);
  says(calendarKey.allDay, 'Boolean', said.allDay);
  if (message !== null) for (const [at, property] of kept(message.properties, elsewhere)) put(at, property);
  const bag = message?.properties ?? new Map();
  const attendees = message === null ? [] : attendeesOf(message.recipients);
  const files = message === null ? [] : attachmentsOf(message.attachments);
  const body = message === null ? null : bodyOf(message);
  return {
    day: said.day,
    startMs: numberOf(bag, calendarKey.start) ?? instantOf(zone, said.startWall),
    endMs: numberOf(bag, calendarKey.end) ?? instantOf(zone, said.endWall),
    properties: own,
    body: said.ownBody || bag.get(tag.ownBody)?.value === true ? body : null,
    attachments: said.hasAttachments === undefined && files.length === 0 ? null : files,
    attendees: attendees.length > 0 || bag.get(tag.ownAttendees)?.value === true ? attendees : null,
    modifiedAtMs: numberOf(bag, key.modifiedAt) ?? nowMs,
  };
}

function seriesOf({ properties }: MapiMessage, strict: boolean): SeriesBlob | null {
  const bytes = bytesOf(properties, calendarKey.recurBlob);
  if (bytes === null) return null;
  try {
    return readSeriesBlob(bytes);
  } catch (error) {
    if (strict || !(error instanceof Malformed)) throw error;
    return null;
  }
}

const idOf = ({ properties }: MapiMessage, at: PropertyKey): Buffer | null => {
  const bytes = bytesOf(properties, at);
  return bytes !== null && isGlobalObjectId(bytes) ? bytes : null;
};

/**
 * The appointment that a message is. Nothing is checked but that it can be read: what a store is given in this form it keeps, also
 * a series without occurrences.
 *
 * @throws Malformed for a message that is no appointment
 */
export function appointmentOfMessage(message: MapiMessage, { idFor, strict }: ReadTerms): ReadAppointment {
  const { properties } = message;
  if (!/^ipm\.appointment(?:\.|$)/i.test(textOf(properties, key.itemClass) ?? ''))
    throw new Malformed('no appointment');
  const series = seriesOf(message, strict);
  const { startZone, endZone } = zonesOf(message, series !== null);
  const startMs = numberOf(properties, calendarKey.start) ?? numberOf(properties, calendarKey.commonStart);
  if (startMs === null) throw new Malformed('an appointment without a start');
  const bag = kept(properties, elsewhere);
  const put = (at: PropertyKey, type: string, value: Property['value']): void => {
    bag.set(at, { type, value });
  };
  put(calendarKey.start, 'SystemTime', startMs);
  put(calendarKey.end, 'SystemTime', numberOf(properties, calendarKey.end) ?? startMs);
  const given = idOf(message, calendarKey.globalObjectId) ?? idOf(message, calendarKey.cleanGlobalObjectId);
  const id = given ?? newGlobalObjectId(...idFor);
  put(calendarKey.globalObjectId, 'Binary', (series === null ? id : cleanOf(id)).toString('base64'));
  put(calendarKey.cleanGlobalObjectId, 'Binary', cleanOf(id).toString('base64'));
  if (!bag.has(key.normalizedSubject)) put(key.normalizedSubject, 'String', textOf(properties, key.subject) ?? '');
  const attachments = attachmentsOf(message.attachments);
  if (attachments.some(({ isInline }) => !isInline)) put(key.hasAttachments, 'Boolean', true);
  const part = {
    startZone,
    endZone,
    attendees: attendeesOf(message.recipients),
    deletedDays: series?.deletedDays ?? [],
  };
  const master = plainContent({
    properties: bag,
    from: organizerOf(message),
    body: bodyOf(message) ?? { type: 'Text', text: '' },
    attachments,
    typed: typedOf(properties),
    calendar: { ...part, recurrence: series?.recurrence ?? null, exceptions: [] },
  });
  const messages = new Map<Day | null, MapiMessage | null>(
    message.attachments.filter(isException).map((one) => [dayOf(one, startZone), one.message]),
  );
  const exceptions = (series?.exceptions ?? []).map((said) =>
    exceptionOf(master, said, messages.get(said.day) ?? null, startZone, idFor[2]),
  );
  const flags = numberOf(properties, tag.messageFlags) ?? 1;
  return {
    content: {
      ...master,
      calendar: {
        ...part,
        recurrence: series?.recurrence ?? null,
        exceptions: exceptions.sort((a, b) => (a.day < b.day ? -1 : 1)),
      },
    },
    isRead: (flags & 1) !== 0,
    flags,
    searchKey: bytesOf(properties, key.searchKey)?.toString('hex') ?? null,
  };
}
