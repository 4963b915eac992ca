import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import type { Attendee, CalendarPart, Day, Response } from '../world/calendar-part.ts';
import { responses } from '../world/calendar-part.ts';
import { cleanOf, dayIn, isGlobalObjectId, withDay } from '../world/global-object-id.ts';
import type { Address, Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { key, type Property, type PropertyKey, type PropertyValue } from '../world/property.ts';
import { utc } from '../world/zone.ts';

export const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function propertyValue(content: ItemContent, at: PropertyKey): PropertyValue | null {
  return content.properties.get(at)?.value ?? null;
}
export function numberOf(content: ItemContent, at: PropertyKey): number | null {
  const value = propertyValue(content, at);
  return typeof value === 'number' ? value : null;
}
export function propertyText(content: ItemContent, at: PropertyKey): string {
  const value = propertyValue(content, at);
  return typeof value === 'string' ? value : '';
}

function bytesOf(content: ItemContent, at: PropertyKey): Buffer | null {
  const value = propertyValue(content, at);
  return typeof value === 'string' ? Buffer.from(value, 'base64') : null;
}

/** What makes a meeting the same in every mailbox: its CleanGlobalObjectId, hex, upper case. Null: it has none. */
export function cleanIdOf(content: ItemContent): string | null {
  const id = bytesOf(content, calendarKey.cleanGlobalObjectId) ?? bytesOf(content, calendarKey.globalObjectId);
  if (id === null || id.length === 0) return null;
  return (isGlobalObjectId(id) ? cleanOf(id) : id).toString('hex').toUpperCase();
}

/** The day of the occurrence a GlobalObjectId stands for; null: the series, or a single meeting. */
export function idDayOf(content: ItemContent): Day | null {
  const id = bytesOf(content, calendarKey.globalObjectId);
  return id === null ? null : dayIn(id);
}

/** GlobalObjectId of a meeting, or of its occurrence on a day; base64. */
export function datedId(cleanId: string, day: Day | null): string {
  const id = Buffer.from(cleanId, 'hex');
  return (day !== null && isGlobalObjectId(id) ? withDay(id, day) : id).toString('base64');
}

export const sequenceOf = (content: ItemContent): number => numberOf(content, calendarKey.sequence) ?? 0;
const stateOf = (content: ItemContent): number => numberOf(content, calendarKey.stateFlags) ?? 0;
export const isMeeting = (content: ItemContent): boolean => (stateOf(content) & stateFlag.meeting) !== 0;
/** The copy of somebody who was invited. */
export const isReceived = (content: ItemContent): boolean => (stateOf(content) & stateFlag.received) !== 0;
export const isCancelled = (content: ItemContent): boolean => (stateOf(content) & stateFlag.cancelled) !== 0;
export const isOrganizers = (content: ItemContent): boolean => isMeeting(content) && !isReceived(content);
export const wasSent = (content: ItemContent): boolean => propertyValue(content, calendarKey.fInvited) === true;
export const responseOf = (content: ItemContent): Response =>
  responses[numberOf(content, calendarKey.response) ?? 0] ?? 'Unknown';

export const partOf = (content: ItemContent): CalendarPart =>
  content.calendar ?? {
    startZone: utc,
    endZone: utc,
    attendees: [],
    recurrence: null,
    exceptions: [],
    deletedDays: [],
  };
export const attendeesOf = (content: ItemContent): readonly Attendee[] => partOf(content).attendees;
export const attendeeOf = (content: ItemContent, address: string): Attendee | null =>
  attendeesOf(content).find((one) => same(one.address, address)) ?? null;

/** Who called the meeting; null: it is nobody's. */
export const organizerOf = (content: ItemContent): Address | null => content.from;

/** A content with some properties replaced or (null) taken away. */
export function withProperties(
  content: ItemContent,
  changes: Readonly<Record<PropertyKey, Property | null>>,
): ItemContent {
  const properties = new Map(content.properties);
  for (const [at, property] of Object.entries(changes))
    if (property === null) properties.delete(at);
    else properties.set(at, property);
  return { ...content, properties };
}

export const integer = (value: number): Property => ({ type: 'Integer', value });
export const time = (value: number): Property => ({ type: 'SystemTime', value });
export const flag = (value: boolean): Property => ({ type: 'Boolean', value });
export const text = (value: string): Property => ({ type: 'String', value });
export const binary = (base64: string): Property => ({ type: 'Binary', value: base64 });

/** Appointments of a mailbox's calendar. */
export function* appointments(mailbox: Mailbox): Generator<Item> {
  for (const item of mailbox.folder('calendar').items())
    if (/^ipm\.appointment(?:\.|$)/i.test(item.itemClass)) yield item;
}

/** The appointments of a calendar that have this identity: one, if nobody made duplicates. */
export function findMeeting(mailbox: Mailbox, cleanId: string): readonly Item[] {
  return [...appointments(mailbox)].filter((item) => cleanIdOf(item.content) === cleanId);
}

export const isRequest = (item: Item): boolean => /^ipm\.schedule\.meeting\.request(?:\.|$)/i.test(item.itemClass);
export const isCancellation = (item: Item): boolean =>
  /^ipm\.schedule\.meeting\.canceled(?:\.|$)/i.test(item.itemClass);
export const isResponse = (item: Item): boolean => /^ipm\.schedule\.meeting\.resp(?:\.|$)/i.test(item.itemClass);
export const isMeetingMessage = (item: Item): boolean => isRequest(item) || isCancellation(item) || isResponse(item);

export const subjectOf = (content: ItemContent): string => propertyText(content, key.subject);
