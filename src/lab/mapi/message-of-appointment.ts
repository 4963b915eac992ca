import { exceptionClass, patternTimes } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import { type Attendee, type AttendeeRole, type CalendarException, responses } from '../world/calendar-part.ts';
import { cleanOf, withDay } from '../world/global-object-id.ts';
import type { Address, Attachment, Body, Item } from '../world/item.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { dayNumber } from '../world/recurrence.ts';
import { wallOf } from '../world/zone.ts';
import { calendarPropertyOf, workedOutKeys } from './calendar-property.ts';
import type { MapiAttachment, MapiMessage, PropertyBag } from './message.ts';
import { attachMethods, exceptionFlag, inBodyFlag, itemXmlKey, organizerFlag, tag, typedKey } from './tags.ts';

class Bag extends Map<PropertyKey, Property> {
  put(at: PropertyKey, type: string, value: Property['value'] | null): this {
    if (value !== null) this.set(at, { type, value });
    return this;
  }
}

const roles: readonly AttendeeRole[] = ['required', 'optional', 'resource'];
const addressType = (address: string): string => (/^\/o=/i.test(address) ? 'EX' : 'SMTP');

function row(person: Address, role: AttendeeRole, flags: number): Bag {
  const bag = new Bag()
    .put(tag.recipientType, 'Integer', roles.indexOf(role) + 1)
    .put(tag.name, 'String', person.name)
    .put(tag.shownName, 'String', person.name)
    .put(tag.recipientFlags, 'Integer', flags);
  if (person.address === '') return bag;
  const type = addressType(person.address);
  return bag
    .put(tag.addressType, 'String', type)
    .put(tag.address, 'String', person.address)
    .put(tag.smtp, 'String', type === 'SMTP' ? person.address : null);
}

/** Rows of the attendees, and one for the organizer, who need not be among them. */
function recipientsOf(attendees: readonly Attendee[], organizer: Address | null): readonly PropertyBag[] {
  const rows = attendees.map((one) =>
    row(one, one.role, 1 | (one.response === 'Organizer' ? organizerFlag : 0))
      .put(tag.trackStatus, 'Integer', responses.indexOf(one.response))
      .put(tag.trackTime, 'SystemTime', one.respondedAtMs),
  );
  const all =
    organizer === null || attendees.length === 0 ? rows : [row(organizer, 'required', 1 | organizerFlag), ...rows];
  return all.map((bag, at) => bag.put(tag.rowId, 'Integer', at));
}

function fileOf(attachment: Attachment, at: number): MapiAttachment {
  const { name, contentType, contentId, isInline, content, itemXml } = attachment;
  const properties = new Bag()
    .put(tag.attachNumber, 'Integer', at)
    .put(tag.name, 'String', name)
    .put(tag.attachName, 'String', name)
    .put(tag.attachType, 'String', contentType)
    .put(tag.attachContentId, 'String', contentId)
    .put(tag.attachFlags, 'Integer', isInline ? inBodyFlag : 0)
    .put(tag.attachHidden, 'Boolean', isInline)
    .put(tag.attachMethod, 'Integer', itemXml === null ? attachMethods.byValue : attachMethods.embedded);
  if (itemXml === null)
    return { properties: properties.put(tag.attachData, 'Binary', content.toString('base64')), message: null };
  const inside = new Bag()
    .put(key.itemClass, 'String', 'IPM.Note')
    .put(key.subject, 'String', name)
    .put(itemXmlKey, 'String', itemXml);
  return { properties, message: { properties: inside, recipients: [], attachments: [] } };
}

function putBody(bag: Bag, body: Body | null): Bag {
  if (body === null) return bag;
  if (body.type === 'Text') return bag.put(tag.body, 'String', body.text);
  return bag.put(tag.html, 'Binary', Buffer.from(body.text).toString('base64')).put(tag.codePage, 'Integer', 65001);
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
