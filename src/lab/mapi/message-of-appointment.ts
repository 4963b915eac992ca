import { exceptionClass, patternTimes } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import { type Attendee, type AttendeeRole, type CalendarException, responses } from '../world/calendar-part.ts';
import { cleanOf, withDay } from '../world/global-object-id.ts';
import type { Address, Item } from '../world/item.ts';
import { key, type Property } from '../world/property.ts';
import { dayNumber } from '../world/recurrence.ts';
import { wallOf } from '../world/zone.ts';
import { calendarPropertyOf, workedOutKeys } from './calendar-property.ts';
import type { MapiAttachment, MapiMessage, PropertyBag } from './message.ts';
import { Bag, fileOf, personRow, putBody } from './message-parts.ts';
import { attachMethods, exceptionFlag, organizerFlag, tag, typedKey } from './tags.ts';

const roles: readonly AttendeeRole[] = ['required', 'optional', 'resource'];

/** Rows of the attendees, and one for the organizer, who need not be among them. */
function recipientsOf(attendees: readonly Attendee[], organizer: Address | null): readonly PropertyBag[] {
  const rows = attendees.map((one) =>
    personRow(one, roles.indexOf(one.role) + 1, 1 | (one.response === 'Organizer' ? organizerFlag : 0))
      .put(tag.trackStatus, 'Integer', responses.indexOf(one.response))
      .put(tag.trackTime, 'SystemTime', one.respondedAtMs),
  );
  const all =
    organizer === null || attendees.length === 0 ? rows : [personRow(organizer, 1, 1 | organizerFlag), ...rows];
  return all.map((bag, at) => bag.put(tag.rowId, 'Integer', at));
}

/** What stands for a property that an exception has not, while its series has. */
const nothing: Readonly<Record<string, Property['value']>> = {
  String: '',
  StringArray: [],
  Integer: 0,
  Boolean: false,
};

/** The attachment that is a changed occurrence. [MS-OXOCAL] 2.2.10 */
function exceptionAttachment(item: Item, exception: CalendarException, at: number): MapiAttachment {
  const { content } = item;
  const part = content.calendar;
  const recurrence = part?.recurrence ?? null;
  const bag = new Bag();
  for (const [name, property] of exception.properties) {
    const type = property?.type ?? content.properties.get(name)?.type ?? '';
    bag.put(name, type, property?.value ?? nothing[type] ?? null);
  }
  const clean = content.properties.get(calendarKey.cleanGlobalObjectId)?.value;
  if (typeof clean === 'string') {
    const id = withDay(cleanOf(Buffer.from(clean, 'base64')), exception.day).toString('base64');
    bag.put(calendarKey.globalObjectId, 'Binary', id).put(calendarKey.cleanGlobalObjectId, 'Binary', clean);
  }
  const { startMs, endMs } = exception;
  const wall = (ms: number): number => (part === undefined ? ms : wallOf(part.startZone, ms));
  const original =
    part === undefined || recurrence === null
      ? startMs
      : patternTimes(part.startZone, recurrence, dayNumber(exception.day))[0];
  bag
    .put(key.itemClass, 'String', exceptionClass)
    .put(calendarKey.start, 'SystemTime', startMs)
    .put(calendarKey.end, 'SystemTime', endMs)
    .put(calendarKey.replacedStart, 'SystemTime', original)
    .put(calendarKey.isException, 'Boolean', true)
    .put(calendarKey.isRecurring, 'Boolean', true)
    .put(key.modifiedAt, 'SystemTime', exception.modifiedAtMs)
    .put(tag.ownBody, 'Boolean', exception.body !== null)
    .put(tag.ownAttendees, 'Boolean', exception.attendees !== null);
  const properties = new Bag()
    .put(tag.attachNumber, 'Integer', at)
    .put(tag.attachMethod, 'Integer', attachMethods.embedded)
    .put(tag.name, 'String', 'Untitled')
    .put(tag.attachHidden, 'Boolean', true)
    .put(tag.attachmentFlags, 'Integer', exceptionFlag)
    .put(tag.exceptionStart, 'SystemTime', wall(startMs))
    .put(tag.exceptionEnd, 'SystemTime', wall(endMs))
    .put(tag.exceptionReplaces, 'SystemTime', original);
  return {
    properties,
    message: {
      properties: putBody(bag, exception.body),
      recipients: exception.attendees === null ? [] : recipientsOf(exception.attendees, content.from),
      attachments: (exception.attachments ?? []).map(fileOf),
    },
  };
}

/** An appointment as the message that the store keeps: every property, its people, its files, its changed occurrences. */
export function messageOfAppointment(item: Item): MapiMessage {
  const { content } = item;
  const { calendar } = content;
  const bag = new Bag(content.properties);
  for (const at of workedOutKeys) {
    const property = calendarPropertyOf(item, at);
    if (property === null || property === undefined) bag.delete(at);
    else bag.set(at, property);
  }
  for (const [name, xml] of content.typed) bag.put(typedKey(name), 'String', xml);
  bag
    .put(tag.messageFlags, 'Integer', item.flags | (item.isRead ? 1 : 0))
    .put(key.searchKey, 'Binary', Buffer.from(item.searchKey, 'hex').toString('base64'));
  const files = (content.attachments ?? []).map(fileOf);
  return {
    properties: putBody(bag, content.body),
    recipients: recipientsOf(calendar?.attendees ?? [], content.from),
    attachments: [
      ...files,
      ...(calendar?.exceptions ?? []).map((one, at) => exceptionAttachment(item, one, files.length + at)),
    ],
  };
}
