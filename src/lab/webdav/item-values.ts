import { decodeHeader } from '#formats/text/mime-header.ts';
import { headerOf, splitMime } from '#formats/text/mime-split.ts';
import { propertyOf } from '../ews/item-property.ts';
import type { MapiMessage } from '../mapi/message.ts';
import { messageOfItem } from '../mapi/message-of-item.ts';
import { isMaster } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { AttendeeRole } from '../world/calendar-part.ts';
import { uidOf } from '../world/global-object-id.ts';
import { icalendarOf } from '../world/icalendar.ts';
import { type Component, componentsNamed, readComponents, unescaped } from '../world/icalendar-text.ts';
import type { Address, Body, Item } from '../world/item.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { bodyOf, headEnd } from '../world/read-message.ts';
import { articleNumberOf } from './marks.ts';
import { itemNames } from './url-names.ts';

// Values of single properties of items: what is worked out here is what only WebDAV shows, or shows in its own way.

const kept = new WeakMap<Item, { readonly cn: number; readonly message: MapiMessage }>();

/** The item as MAPI sees it; the same object until the item changes. */
export function messageOf(item: Item): MapiMessage {
  const known = kept.get(item);
  if (known !== undefined && known.cn === item.cn) return known.message;
  const message = messageOfItem(item);
  kept.set(item, { cn: item.cn, message });
  return message;
}

/** Mail is looked at property by property, other kinds as a whole: theirs follow from each other. */
export const isMail = (itemClass: string): boolean =>
  !/^ipm\.(?:appointment|contact|distlist|task|stickynote|activity)(?:\.|$)/i.test(itemClass);

const bodies = new WeakMap<Item, { readonly cn: number; readonly body: Body }>();
export function bodyOfItem(item: Item): Body {
  const known = bodies.get(item);
  if (known !== undefined && known.cn === item.cn) return known.body;
  const { content } = item;
  const body = content.body ?? (content.mime === null ? { type: 'Text' as const, text: '' } : bodyOf(content.mime));
  bodies.set(item, { cn: item.cn, body });
  return body;
}

const textProperty = (value: string | null): Property | null =>
  value === null || value === '' ? null : { type: 'String', value };

/** Properties that WebDAV shows otherwise than the store's other clients see them. */
const own = new Map<PropertyKey, (item: Item) => Property | null>([
  [key.articleNumber, (item) => ({ type: 'Integer', value: articleNumberOf(item) })],
  [key.urlName, (item) => ({ type: 'String', value: itemNames(item.folder).of(item) })],
  [key.hidden, (item) => ({ type: 'Boolean', value: isHidden(item) })],
  [
    key.htmlBody,
    (item) => {
      const body = bodyOfItem(item);
      return body.type === 'HTML' ? { type: 'String', value: body.text } : null;
    },
  ],
]);

export const isHidden = (item: Item): boolean =>
  item.associated || item.content.properties.get(key.hidden)?.value === true;

/** One MAPI property of an item; null: it has none of that name. */
export function storedProperty(item: Item, at: PropertyKey): Property | null {
  const compute = own.get(at);
  if (compute !== undefined) return compute(item);
  const plain = propertyOf(item, at);
  if (plain !== null || isMail(item.itemClass)) return plain;
  return messageOf(item).properties.get(at) ?? null;
}

export const writeAddress = ({ name, address }: Address): string =>
  name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`;
export const addressList = (list: readonly Address[]): Property | null =>
  textProperty(list.map(writeAddress).join(', '));

/** Who comes to a meeting as what stands in its header fields. (assumed of resources) */
const roleOfHeader: Readonly<Record<string, AttendeeRole>> = { to: 'required', cc: 'optional', bcc: 'resource' };

/** A header field of a message as text; null: it has none. */
export function headerProperty(item: Item, name: string): Property | null {
  const { content } = item;
  const role = roleOfHeader[name];
  if (content.calendar !== undefined && content.mime === null && role !== undefined)
    return addressList(content.calendar.attendees.filter((one) => one.role === role));
  switch (name) {
    case 'to':
      return addressList(content.to);
    case 'cc':
      return addressList(content.cc);
    case 'bcc':
      return addressList(content.bcc);
    case 'from':
      return content.from === null ? null : addressList([content.from]);
  }
  if (content.mime === null) return null;
  const raw = headerOf(splitMime(content.mime.subarray(0, headEnd(content.mime))).headers, name);
  return raw === null ? null : textProperty(decodeHeader(raw).trim());
}

/** Kinds of content by message class. (Exchange SDK: content classes) */
const contentClasses: readonly (readonly [RegExp, string])[] = [
  [/^ipm\.appointment/i, 'urn:content-classes:appointment'],
  [/^ipm\.schedule\./i, 'urn:content-classes:calendarmessage'],
  [/^ipm\.contact/i, 'urn:content-classes:person'],
  [/^ipm\.distlist/i, 'urn:content-classes:group'],
  [/^ipm\.task/i, 'urn:content-classes:task'],
  [/^ipm\.stickynote/i, 'urn:content-classes:note'],
  [/^ipm\.activity/i, 'urn:content-classes:activity'],
  [/^report\..*\.ndr$/i, 'urn:content-classes:dsn'],
  [/^report\./i, 'urn:content-classes:mdn'],
];
export const contentClassOf = (itemClass: string): string =>
  contentClasses.find(([pattern]) => pattern.test(itemClass))?.[1] ?? 'urn:content-classes:message';
/** The message class that a kind of content is made with when the client names none. */
export const itemClassOfContentClass = (contentClass: string): string | null =>
  ({
    'urn:content-classes:appointment': 'IPM.Appointment',
    'urn:content-classes:person': 'IPM.Contact',
    'urn:content-classes:group': 'IPM.DistList',
    'urn:content-classes:task': 'IPM.Task',
    'urn:content-classes:note': 'IPM.StickyNote',
    'urn:content-classes:activity': 'IPM.Activity',
    'urn:content-classes:message': 'IPM.Note',
  })[contentClass.toLowerCase()] ?? null;

const busyStatuses = ['FREE', 'TENTATIVE', 'BUSY', 'OOF'];
/** PidLidBusyStatus by the word that `urn:schemas:calendar:busystatus` has for it; null: no such word. */
export const busyStatusOf = (word: string): number | null => {
  const at = busyStatuses.indexOf(word.trim().toUpperCase());
  return at < 0 ? null : at;
};

function eventOf(item: Item): Component | null {
  const { calendar } = item.content;
  if (calendar === undefined) return null;
  const [event] = componentsNamed(readComponents(icalendarOf(item, calendar).toString()), 'VEVENT');
  return event ?? null;
}
const linesOf = (item: Item, name: string): readonly string[] =>
  (eventOf(item)?.lines ?? []).filter((line) => line.name === name).map(({ value }) => value);

/** 0 single, 1 series, 2 one time of a series, 3 a changed one. */
const instanceType = ({ occurrence, content }: Item): number =>
  occurrence === null ? (isMaster(content) ? 1 : 0) : occurrence.isException ? 3 : 2;

const integer = (value: number | null): Property | null => (value === null ? null : { type: 'Integer', value });

/** Of `urn:schemas:calendar:` what is no property of MAPI as it stands. (Exchange SDK: urn:schemas:calendar) */
const calendarValues: Readonly<Record<string, (item: Item) => Property | null>> = {
  busystatus: (item) => textProperty(busyStatuses[item.number(calendarKey.busyStatus) ?? 2] ?? null),
  dtstamp: (item) => storedProperty(item, calendarKey.ownerCriticalChange) ?? storedProperty(item, key.modifiedAt),
  duration: (item) => {
    const minutes = storedProperty(item, calendarKey.durationMin)?.value;
    return typeof minutes === 'number' ? integer(minutes * 60) : null;
  },
  exdate: (item) => manyTexts(linesOf(item, 'EXDATE').flatMap((value) => value.split(','))),
  instancetype: (item) => integer(instanceType(item)),
  isorganizer: (item) => ({
    type: 'Boolean',
    value: ((item.number(calendarKey.stateFlags) ?? 0) & 2) === 0,
  }),
  meetingstatus: (item) =>
    textProperty(((item.number(calendarKey.stateFlags) ?? 0) & 4) !== 0 ? 'CANCELLED' : 'CONFIRMED'),
  method: (item) => {
    const state = item.number(calendarKey.stateFlags) ?? 0;
    return textProperty((state & 1) !== 0 ? 'REQUEST' : 'PUBLISH');
  },
  organizer: (item) => (item.content.from === null ? null : textProperty(`MAILTO:${item.content.from.address}`)),
  recurrenceid: (item) => storedProperty(item, calendarKey.replacedStart),
  reminderoffset: (item) =>
    item.content.properties.get(key.reminderSet)?.value === true
      ? integer((item.number(calendarKey.reminderMinutes) ?? 15) * 60)
      : null,
  rrule: (item) => manyTexts(linesOf(item, 'RRULE')),
  timezone: (item) => {
    const { calendar } = item.content;
    if (calendar === undefined) return null;
    const text = icalendarOf(item, calendar).toString();
    return textProperty(/BEGIN:VTIMEZONE[\s\S]*?END:VTIMEZONE/.exec(text)?.[0] ?? null);
  },
  transparent: (item) => textProperty(item.number(calendarKey.busyStatus) === 0 ? 'TRANSPARENT' : 'OPAQUE'),
  uid: (item) => {
    const clean = storedProperty(item, calendarKey.cleanGlobalObjectId)?.value;
    return typeof clean === 'string' ? textProperty(uidOf(Buffer.from(clean, 'base64'))) : null;
  },
};

const manyTexts = (values: readonly string[]): Property | null =>
  values.length === 0 ? null : { type: 'StringArray', value: values.map(unescaped) };

export const calendarValueNames: readonly string[] = Object.keys(calendarValues);

/** Undefined: there is no such name among those that are worked out. */
export function calendarValue(item: Item, local: string): Property | null | undefined {
  const compute = Object.hasOwn(calendarValues, local) ? calendarValues[local] : undefined;
  if (compute === undefined) return undefined;
  return item.content.calendar === undefined ? null : compute(item);
}
