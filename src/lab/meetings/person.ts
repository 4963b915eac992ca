import { deleteOccurrence, occurrenceItem, updateOccurrence } from '../world/appointment.ts';
import type { InvitationChoice, MeetingAnswer } from '../world/calendar-hooks.ts';
import { calendarKey, stateFlag } from '../world/calendar-keys.ts';
import {
  type Attendee,
  type AttendeeRole,
  type CalendarException,
  type Day,
  responses,
} from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import { appointmentOf } from '../world/make-appointment.ts';
import { key, messageFlag, type Property, type PropertyKey } from '../world/property.ts';
import { checkRecurrence, dayOfWall, type Recurrence } from '../world/recurrence.ts';
import { Refusal } from '../world/refusal.ts';
import { utc, wallOf, type Zone } from '../world/zone.ts';
import { clientIntent, meetingKey } from './meeting-keys.ts';
import { flag, integer, isReceived, partOf, sequenceOf, text, time, withProperties } from './meeting-view.ts';
import type { Meetings } from './meetings.ts';
import { showing } from './occurrences.ts';

/** What somebody puts into a calendar. Times are UTC milliseconds. */
export interface Booking {
  readonly subject: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly zone?: Zone;
  readonly location?: string;
  readonly body?: string;
  readonly attendees?: readonly { readonly address: string; readonly name?: string; readonly role?: AttendeeRole }[];
  /** Its start day and offsets follow from the times. */
  readonly recurrence?: Pick<Recurrence, 'pattern' | 'range'>;
  /** Null: none. */
  readonly reminderMinutes?: number | null;
  readonly busyStatus?: number;
  readonly sensitivity?: number;
}

export type Change = Partial<Omit<Booking, 'zone'>>;

const dayMs = 86_400_000;

/**
 * Somebody at work with the own calendar, in Outlook, OWA or an EWS program under the own name. Each call is one write and what
 * follows from it, with the choice whom to tell that people are asked for.
 */
export class Person {
  readonly mailbox: Mailbox;
  readonly #meetings: Meetings;
  readonly #hand: Hand;

  /** @param caller whose hand it is; default: that of the lab's people. */
  constructor(meetings: Meetings, mailbox: Mailbox, caller = 'people') {
    this.#meetings = meetings;
    this.mailbox = mailbox;
    this.#hand = { caller, displayName: mailbox.displayName };
  }

  /** Puts an appointment, or a meeting when there are attendees, into the calendar. */
  book(booking: Booking, choice: InvitationChoice = 'SendToAllAndSaveCopy'): Item {
    const content = contentOfBooking(this.mailbox, booking);
    const item = this.mailbox.create(
      this.mailbox.folder('calendar'),
      { content, messageFlags: messageFlag.read, isRead: true },
      this.#hand,
    );
    this.#tell('created', item, null, null, content, choice);
    return item;
  }

  /** Changes an appointment, or its occurrence on a day. */
  change(item: Item, change: Change, day: Day | null = null, choice: InvitationChoice = 'SendToAllAndSaveCopy'): void {
    const before = showing(item.content, day);
    if (before === null) throw new Refusal('ErrorItemNotFound', 'The series has no such occurrence.');
    const after = changedContent(this.mailbox, before, change, day !== null);
    if (day === null) this.mailbox.update(item, after, this.#hand);
    else updateOccurrence(occurrenceItem(item, day), after, this.#hand);
    this.#tell('updated', item, day, before, showing(item.content, day), choice);
  }

  /** Takes an appointment, or its occurrence on a day, away. */
  remove(item: Item, day: Day | null = null, choice: InvitationChoice = 'SendToAllAndSaveCopy'): void {
    const before = showing(item.content, day);
    if (before === null) throw new Refusal('ErrorItemNotFound', 'The series has no such occurrence.');
    if (day !== null) deleteOccurrence(occurrenceItem(item, day), this.#hand);
    else this.mailbox.remove(item, 'MoveToDeletedItems', this.#hand);
    this.#tell('deleted', item, day, before, null, choice);
  }

  /** Deletes like Outlook does without telling anybody: the version store learns that it was meant. */
  removeSilently(item: Item, day: Day | null = null): void {
    if (isReceived(item.content) && day === null)
      this.mailbox.update(
        item,
        withProperties(item.content, {
          [meetingKey.clientIntent]: integer(clientIntent.manager | clientIntent.deletedWithNoResponse),
        }),
        this.#hand,
      );
    this.remove(item, day, 'SendToNone');
  }

  /** Answers a request, or an appointment to which one was invited. */
  answer(
    item: Item,
    kind: MeetingAnswer['kind'],
    options: { readonly day?: Day | null; readonly send?: boolean; readonly body?: string } = {},
  ): readonly Item[] {
    return this.#meetings.answer({
      kind,
      item,
      day: options.day ?? null,
      disposition: options.send === false ? 'SaveOnly' : 'SendAndSaveCopy',
      body: options.body ?? null,
      by: this.#hand,
    });
  }

  #tell(
    kind: 'created' | 'updated' | 'deleted',
    item: Item,
    day: Day | null,
    before: ItemContent | null,
    after: ItemContent | null,
    choice: InvitationChoice,
  ): void {
    this.#meetings.written({ kind, mailbox: this.mailbox, item, day, before, after, choice, by: this.#hand });
  }
}

function invited(booking: Change): readonly Attendee[] {
  return (booking.attendees ?? []).map(({ address, name, role }) => ({
    address,
    name: name ?? address,
    role: role ?? 'required',
    response: 'Unknown',
    respondedAtMs: null,
  }));
}

/** What a client writes for a new appointment. */
function contentOfBooking(mailbox: Mailbox, booking: Booking): ItemContent {
  const { subject, startMs, endMs, zone = utc } = booking;
  const attendees = invited(booking);
  const content = appointmentOf({
    subject,
    startMs,
    endMs,
    zone,
    organizer: { name: mailbox.displayName, address: mailbox.address },
    idFor: [mailbox.guid, mailbox.lastCn + 1, mailbox.nowMs],
    location: booking.location ?? '',
    body: { type: 'Text', text: booking.body ?? '' },
    attendees,
    ...(booking.reminderMinutes === undefined ? {} : { reminderMinutes: booking.reminderMinutes }),
    ...(booking.busyStatus === undefined ? {} : { busyStatus: booking.busyStatus }),
    ...(booking.sensitivity === undefined ? {} : { sensitivity: booking.sensitivity }),
    ...(booking.recurrence === undefined
      ? {}
      : { recurrence: { ...booking.recurrence, startDay: dayOfWall(wallOf(zone, startMs)) } }),
  });
  if (content.calendar?.recurrence) checkRecurrence(content.calendar.recurrence);
  return content;
}

function recurrenceOf(
  { pattern, range }: Pick<Recurrence, 'pattern' | 'range'>,
  zone: Zone,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Recurrence {
  const wall = wallOf(zone, startMs);
  const startOffsetMs = ((wall % dayMs) + dayMs) % dayMs;
  const recurrence: Recurrence = {
    pattern,
    range,
    startDay: dayOfWall(wall),
    startOffsetMs,
    endOffsetMs: startOffsetMs + (endMs - startMs),
  };
  checkRecurrence(recurrence);
  return recurrence;
}

/** What a client writes for a change. */
function changedContent(mailbox: Mailbox, before: ItemContent, change: Change, isOccurrence: boolean): ItemContent {
  const part = partOf(before);
  const startMs = change.startMs ?? Number(before.properties.get(calendarKey.start)?.value);
  const endMs = change.endMs ?? startMs + lengthMs(before);
  const changes: Record<PropertyKey, Property> = {
    [calendarKey.start]: time(startMs),
    [calendarKey.end]: time(endMs),
  };
  if (change.subject !== undefined) {
    changes[key.subject] = text(change.subject);
    changes[key.normalizedSubject] = text(change.subject);
  }
  if (change.location !== undefined) changes[calendarKey.location] = text(change.location);
  if (change.busyStatus !== undefined) changes[calendarKey.busyStatus] = integer(change.busyStatus);
  if (change.sensitivity !== undefined) changes[key.sensitivity] = integer(change.sensitivity);
  if (change.reminderMinutes !== undefined) {
    changes[key.reminderSet] = flag(change.reminderMinutes !== null);
    if (change.reminderMinutes !== null) changes[calendarKey.reminderMinutes] = integer(change.reminderMinutes);
  }
  const attendees = change.attendees === undefined ? part.attendees : merged(part.attendees, invited(change));
  if (attendees.length > 0 && !isReceived(before)) {
    changes[calendarKey.stateFlags] = integer(stateFlag.meeting);
    changes[calendarKey.response] = integer(responses.indexOf('Organizer'));
  }
  // The organizer's copy counts its changes, whether or not anybody is told of them; who is invited is none.
  const counts = Object.keys(change).some((name) => name !== 'attendees');
  if (counts && attendees.length > 0 && !isReceived(before)) {
    changes[calendarKey.sequence] = integer(sequenceOf(before) + 1);
    changes[calendarKey.ownerCriticalChange] = time(Math.floor(mailbox.nowMs / 1000) * 1000);
  }
  const moved = change.startMs !== undefined || change.endMs !== undefined;
  const pattern = change.recurrence ?? (part.recurrence !== null && moved ? part.recurrence : null);
  const recurrence =
    isOccurrence || pattern === null ? part.recurrence : recurrenceOf(pattern, part.startZone, { startMs, endMs });
  const samePattern = JSON.stringify(recurrence) === JSON.stringify(part.recurrence);
  const content = withProperties(before, changes);
  return {
    ...content,
    from: content.from ?? { name: mailbox.displayName, address: mailbox.address },
    body: change.body === undefined ? before.body : { type: 'Text', text: change.body },
    calendar: {
      ...part,
      attendees,
      recurrence,
      // Another pattern wipes what hung on the old one. ([MS-OXOCAL] 3.1.4.7.3.5)
      exceptions: samePattern ? part.exceptions.map((one) => alsoInvited(one, part.attendees, attendees)) : [],
      deletedDays: samePattern ? part.deletedDays : [],
    },
  };
}

/** Who is invited to the series, or taken off it, is so with occurrences that have a list of their own. */
function alsoInvited(
  exception: CalendarException,
  before: readonly Attendee[],
  after: readonly Attendee[],
): CalendarException {
  if (exception.attendees === null) return exception;
  const isIn = (list: readonly Attendee[], one: Attendee): boolean =>
    list.some(({ address }) => address === one.address);
  const own = exception.attendees;
  const kept = own.filter((one) => !isIn(before, one) || isIn(after, one));
  return { ...exception, attendees: [...kept, ...after.filter((one) => !isIn(before, one) && !isIn(own, one))] };
}

const lengthMs = (content: ItemContent): number =>
  Number(content.properties.get(calendarKey.end)?.value) - Number(content.properties.get(calendarKey.start)?.value);

/** The new list, with the answers of those who were on the old one. */
const merged = (old: readonly Attendee[], next: readonly Attendee[]): readonly Attendee[] =>
  next.map((one) => old.find(({ address }) => address.toLowerCase() === one.address.toLowerCase()) ?? one);
