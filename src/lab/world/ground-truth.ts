import { createHash } from 'node:crypto';
import {
  contentOfOccurrence,
  endMsOf,
  isMaster,
  numberOf,
  type Occurrence,
  occurrencesBetween,
  overlaps,
  startMsOf,
} from './appointment.ts';
import { calendarKey } from './calendar-keys.ts';
import type { Day } from './calendar-part.ts';
import { composeMime } from './compose-mime.ts';
import { dayIn } from './global-object-id.ts';
import { folderIdOf, itemIdOf } from './ids.ts';
import type { Item, ItemContent } from './item.ts';
import type { Mailbox } from './mailbox.ts';
import { key, type PropertyKey, type PropertyValue } from './property.ts';
import type { Recurrence } from './recurrence.ts';

/** A folder as it is, straight from the world. */
export interface TrueFolder {
  readonly id: string;
  /** Names below the root of the visible tree. */
  readonly path: readonly string[];
  /** The same with well-known folders by role in angle brackets, so that trees of different languages compare. */
  readonly place: string;
  readonly role: string | null;
  readonly containerClass: string | null;
  readonly hidden: boolean;
  readonly items: readonly TrueItem[];
}

/** An item as it is, with everything that could be compared with another one. */
export interface TrueItem {
  readonly id: string;
  readonly itemClass: string;
  /** SHA-256 of the MIME as stored, hex. */
  readonly mimeSha256: string;
  readonly mimeBytes: number;
  readonly isRead: boolean;
  /** PidTagMessageFlags without the read bit and the receipt bits. */
  readonly flags: number;
  readonly receiptPending: boolean;
  readonly searchKey: string;
  readonly subject: string | null;
  readonly bcc: readonly string[];
  /** Everything in the property bag, by key. */
  readonly properties: Readonly<Record<string, PropertyValue>>;
  /** Null: no appointment. */
  readonly appointment: TrueAppointment | null;
}

/** What a calendar item is, apart from its properties. */
export interface TrueAppointment {
  /** Clean global object id, hex, upper case. */
  readonly id: string;
  readonly organizer: string;
  readonly startZone: string;
  readonly endZone: string;
  readonly recurrence: Recurrence | null;
  readonly deletedDays: readonly Day[];
  readonly exceptionDays: readonly Day[];
}

/** One time at which somebody has something in a calendar, as a person would read it off. */
export interface TrueEvent {
  /** Clean global object id, hex, upper case: the same in every mailbox. */
  readonly id: string;
  /** EWS id of the item, of the master for an occurrence. */
  readonly itemId: string;
  /** On which its series has it, whether the series is here or not; null: a single appointment. */
  readonly day: Day | null;
  readonly isException: boolean;
  /** An occurrence of a series that is not in this mailbox. */
  readonly isAlone: boolean;
  /** UTC milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly allDay: boolean;
  readonly subject: string | null;
  readonly location: string | null;
  /** SHA-256 of the body's text without white space and tags, hex. */
  readonly bodySha256: string;
  /** 0 free, 1 tentative, 2 busy, 3 away. */
  readonly busyStatus: number;
  /** Null: no reminder. */
  readonly reminderMinutes: number | null;
  readonly sensitivity: number;
  readonly categories: readonly string[];
  readonly organizer: string;
  /** `required a@x.test Accept`, sorted. */
  readonly attendees: readonly string[];
  /** `name SHA-256`, sorted. */
  readonly attachments: readonly string[];
  /** PidLidAppointmentStateFlags, PidLidResponseStatus, PidLidAppointmentSequence, PidLidFInvited. */
  readonly state: number;
  readonly response: number;
  readonly sequence: number;
  readonly invited: boolean;
}

export interface TrueMailbox {
  readonly address: string;
  readonly guid: string;
  readonly folders: readonly TrueFolder[];
  /** Items in the recoverable part, wherever the version keeps it. */
  readonly recoverable: number;
}

/** All that is in the visible tree of a mailbox, as plain data and without any protocol in between. */
export function snapshot(mailbox: Mailbox): TrueMailbox {
  const root = mailbox.folder('msgfolderroot');
  const folders: TrueFolder[] = [];
  for (const folder of [root, ...mailbox.below(root)]) {
    if (folder.kind === 'search') continue;
    const places: string[] = [];
    for (let at = folder; at !== root; at = at.parent ?? root)
      places.unshift(at.role === null ? at.name : `<${at.role}>`);
    const items: TrueItem[] = [];
    for (const item of folder.items()) {
      const { content } = item;
      const mime = content.mime ?? composeMime(content);
      const properties: Record<string, PropertyValue> = {};
      for (const at of [...content.properties.keys()].sort()) {
        const value = content.properties.get(at)?.value;
        if (value !== undefined) properties[at] = value;
      }
      items.push({
        id: itemIdOf(item),
        itemClass: item.itemClass,
        mimeSha256: createHash('sha256').update(mime).digest('hex'),
        mimeBytes: mime.length,
        isRead: item.isRead,
        flags: item.flags,
        receiptPending: item.receiptPending,
        searchKey: item.searchKey,
        subject: item.text(key.subject),
        bcc: content.bcc.map(({ address }) => address),
        properties,
        appointment: appointmentTruth(content),
      });
    }
    folders.push({
      id: folderIdOf(folder),
      path: folder.path(),
      place: places.join('/'),
      role: folder.role,
      containerClass: folder.containerClass,
      hidden: folder.hidden,
      items,
    });
  }
  let recoverable = mailbox.dumpster.length;
  const recoverableRoot = mailbox.roles.get('recoverableitemsroot');
  if (recoverableRoot !== undefined) for (const folder of mailbox.below(recoverableRoot)) recoverable += folder.count;
  return { address: mailbox.address, guid: mailbox.guid, folders, recoverable };
}

const idOf = (content: ItemContent): string => {
  const clean = content.properties.get(calendarKey.cleanGlobalObjectId)?.value;
  return typeof clean === 'string' ? Buffer.from(clean, 'base64').toString('hex').toUpperCase() : '';
};

/** Of an occurrence that is in the calendar without its series. */
const dayOfLone = (content: ItemContent): Day | null => {
  const id = content.properties.get(calendarKey.globalObjectId)?.value;
  return typeof id === 'string' ? dayIn(Buffer.from(id, 'base64')) : null;
};

function appointmentTruth(content: ItemContent): TrueAppointment | null {
  const part = content.calendar;
  if (part === undefined) return null;
  return {
    id: idOf(content),
    organizer: content.from?.address ?? '',
    startZone: part.startZone.id,
    endZone: part.endZone.id,
    recurrence: part.recurrence,
    deletedDays: part.deletedDays,
    exceptionDays: part.exceptions.map(({ day }) => day),
  };
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

function eventOf(item: Item, content: ItemContent, occurrence: Occurrence | null): TrueEvent {
  const text = (at: PropertyKey): string | null => {
    const value = content.properties.get(at)?.value;
    return typeof value === 'string' ? value : null;
  };
  const keywords = content.properties.get(key.keywords)?.value;
  const alone = occurrence === null ? dayOfLone(content) : null;
  return {
    id: idOf(content),
    itemId: itemIdOf(item),
    day: occurrence?.day ?? alone,
    isAlone: alone !== null,
    isException: (occurrence?.exception ?? null) !== null,
    startMs: startMsOf(content),
    endMs: endMsOf(content),
    allDay: content.properties.get(calendarKey.allDay)?.value === true,
    subject: text(key.subject),
    location: text(calendarKey.location),
    bodySha256: sha256((content.body?.text ?? '').replace(/<[^>]*>|\s+/g, '')),
    busyStatus: numberOf(content, calendarKey.busyStatus) ?? 2,
    reminderMinutes:
      content.properties.get(key.reminderSet)?.value === true
        ? (numberOf(content, calendarKey.reminderMinutes) ?? 15)
        : null,
    sensitivity: numberOf(content, key.sensitivity) ?? 0,
    categories: Array.isArray(keywords) ? keywords.map(String).sort() : [],
    organizer: content.from?.address ?? '',
    attendees: (content.calendar?.attendees ?? [])
      .map(({ role, address, response }) => `${role} ${address.toLowerCase()} ${response}`)
      .sort(),
    attachments: (content.attachments ?? []).map((one) => `${one.name} ${sha256(one.content)}`).sort(),
    state: numberOf(content, calendarKey.stateFlags) ?? 0,
    response: numberOf(content, calendarKey.response) ?? 0,
    sequence: numberOf(content, calendarKey.sequence) ?? 0,
    invited: content.properties.get(calendarKey.fInvited)?.value === true,
  };
}

/** What takes place between two times by the calendars of a mailbox, series expanded, by start and identity. */
export function calendarTruth(mailbox: Mailbox, fromMs: number, toMs: number): readonly TrueEvent[] {
  const events: TrueEvent[] = [];
  const trash = mailbox.folder('deleteditems');
  for (const folder of mailbox.below(mailbox.folder('msgfolderroot'))) {
    if (folder.kind === 'search' || folder.containerClass !== 'IPF.Appointment' || folder.isInside(trash)) continue;
    for (const item of folder.items()) {
      const { content } = item;
      if (content.calendar === undefined) continue;
      if (isMaster(content))
        for (const occurrence of occurrencesBetween(content, fromMs, toMs))
          events.push(eventOf(item, contentOfOccurrence(content, occurrence), occurrence));
      else if (overlaps(startMsOf(content), endMsOf(content), fromMs, toMs)) events.push(eventOf(item, content, null));
    }
  }
  return events.sort((a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1));
}
