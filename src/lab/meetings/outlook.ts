import type { Random } from '#kit/random.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Day } from '../world/calendar-part.ts';
import { newGlobalObjectId } from '../world/global-object-id.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import type { Origin } from '../world/post-office.ts';
import { key } from '../world/property.ts';
import { applyMessage, isDelegatesCopy } from './attendant.ts';
import { meetingKey } from './meeting-keys.ts';
import {
  appointments,
  attendeesOf,
  binary,
  flag,
  isMeetingMessage,
  isOrganizers,
  numberOf,
  propertyValue,
  time,
  wasSent,
  withProperties,
} from './meeting-view.ts';
import type { Meetings } from './meetings.ts';
import { invite } from './organizer.ts';
import { type Change, Person } from './person.ts';

/** A reminder that rang. */
export interface Ring {
  readonly atMs: number;
  readonly item: Item;
  /** The meeting was over already: what people see by the thousand on the first logon after a careless migration. */
  readonly late: boolean;
}

/** What the client does when it has a choice. */
export interface Habits {
  /** Sends a meeting whose FInvited is false when its owner edits it: Outlook offers that, and people press Send. */
  readonly sendsUnsent: boolean;
  /** Sends updates when its owner edits a meeting that was sent. */
  readonly sendsUpdates: boolean;
  /** Processes messages that the server has processed already: the specification lets it, old versions do. */
  readonly processesAgain: boolean;
}

const eager: Habits = { sendsUnsent: true, sendsUpdates: true, processesAgain: true };

/** Items of the Inbox a client looks at when it starts: the newest. */
const inboxLook = 500;

/**
 * An Outlook-like client of one mailbox. It acts on what lies in the Inbox whoever put it there, by [MS-OXOCAL] 3.1.4.7.4.1 and
 * 3.1.4.8.5.1: everything that is not marked PidTagProcessed, also what was migrated.
 */
export class OutlookClient {
  readonly mailbox: Mailbox;
  readonly habits: Habits;
  readonly rings: Ring[] = [];
  readonly #meetings: Meetings;
  readonly #person: Person;
  readonly #hand: Hand;
  readonly #rung = new WeakMap<Item, number>();

  constructor(meetings: Meetings, mailbox: Mailbox, habits: Partial<Habits> = {}) {
    this.#meetings = meetings;
    this.mailbox = mailbox;
    this.habits = { ...eager, ...habits };
    this.#person = new Person(meetings, mailbox);
    this.#hand = { caller: 'people', displayName: mailbox.displayName };
  }

  /** A client with habits of chance, as people have them. */
  static seeded(meetings: Meetings, mailbox: Mailbox, random: Random): OutlookClient {
    return new OutlookClient(meetings, mailbox, {
      sendsUnsent: random.next() < 0.5,
      sendsUpdates: random.next() < 0.8,
      processesAgain: random.next() < 0.7,
    });
  }

  /** Looks at the Inbox. @returns messages it has processed. */
  sniff(): readonly Item[] {
    const found: Item[] = [];
    let looked = 0;
    for (const item of this.mailbox.folder('inbox').newest()) {
      if (++looked > inboxLook) break;
      if (isMeetingMessage(item) && !isDelegatesCopy(item) && this.#isOpen(item.content)) found.push(item);
    }
    // Oldest first, as they came.
    for (const message of found.reverse()) this.#process(message);
    return found;
  }

  #isOpen(content: ItemContent): boolean {
    if (propertyValue(content, meetingKey.processed) === true) return false;
    return this.habits.processesAgain || propertyValue(content, meetingKey.serverProcessed) !== true;
  }

  #process(message: Item): void {
    const origin = this.#originOf(message);
    applyMessage(this.#meetings, message, origin, { addsNew: true });
    if (!message.gone)
      this.mailbox.update(message, withProperties(message.content, { [meetingKey.processed]: flag(true) }), this.#hand);
  }

  /** Whose doing it is when the client acts on something: of who put it there. */
  #originOf(item: Item): Origin {
    const author = this.#meetings.authorship.author(item, 'existence');
    return author === null
      ? { caller: this.#hand.caller, doing: 'person', through: 'client' }
      : { ...author, through: 'client' };
  }

  /**
   * The owner edits a meeting. A meeting of the own that looks as if it had never been sent is sent: to everybody, as new. That is
   * the doing of whoever left it so.
   */
  edit(item: Item, change: Change, day: Day | null = null): void {
    const { content } = item;
    const mine = isOrganizers(content) && attendeesOf(content).length > 0;
    if (mine && !wasSent(content)) {
      const author = this.#meetings.authorship.author(item, 'sent') ?? this.#originOf(item);
      this.#person.change(item, change, day, 'SendToNone');
      if (this.habits.sendsUnsent)
        invite(
          this.#meetings,
          this.mailbox,
          item,
          day,
          { before: null, added: attendeesOf(content) },
          { ...author, through: author.doing === 'api' ? 'client' : null },
          { onlyChanged: false, savesCopy: true },
        );
      return;
    }
    this.#person.change(item, change, day, mine && this.habits.sendsUpdates ? 'SendToAllAndSaveCopy' : 'SendToNone');
  }

  /** Rings what is due and was not dismissed, once per signal time. @returns those that ring now. */
  ring(): readonly Ring[] {
    const nowMs = this.mailbox.nowMs;
    const ringing: Ring[] = [];
    for (const item of appointments(this.mailbox)) {
      if (propertyValue(item.content, key.reminderSet) !== true) continue;
      const signalMs = signalTimeOf(item.content);
      if (signalMs === null || signalMs > nowMs || (this.#rung.get(item) ?? Number.NEGATIVE_INFINITY) >= signalMs)
        continue;
      this.#rung.set(item, signalMs);
      ringing.push({ atMs: nowMs, item, late: (numberOf(item.content, calendarKey.end) ?? 0) < nowMs });
    }
    this.rings.push(...ringing);
    return ringing;
  }

  /** Dismisses a reminder: it is off, for everybody who looks. */
  dismiss(item: Item): void {
    const before = item.content;
    const after = withProperties(before, { [key.reminderSet]: flag(false) });
    this.mailbox.update(item, after, this.#hand);
    this.#written(item, before, after);
  }

  /** Puts a reminder off. */
  snooze(item: Item, untilMs: number): void {
    const before = item.content;
    const after = withProperties(before, { [calendarKey.reminderSignalTime]: time(untilMs) });
    this.mailbox.update(item, after, this.#hand);
    this.#written(item, before, after);
  }

  #written(item: Item, before: ItemContent, after: ItemContent): void {
    this.#meetings.written({
      kind: 'updated',
      mailbox: this.mailbox,
      item,
      day: null,
      before,
      after,
      choice: 'SendToNone',
      by: this.#hand,
    });
  }
}

/** PidLidReminderSignalTime; where it is missing, what follows from start and delta. [MS-OXORMDR] 3.1.4.1 */
function signalTimeOf(content: ItemContent): number | null {
  const signal = numberOf(content, calendarKey.reminderSignalTime);
  if (signal !== null) return signal;
  const start = numberOf(content, calendarKey.start);
  return start === null ? null : start - (numberOf(content, calendarKey.reminderMinutes) ?? 15) * 60_000;
}

/**
 * A phone that changes an event by deleting it and making it again, as some programs do: the identity comes back, what only
 * Exchange knows does not.
 */
export class Phone {
  readonly #meetings: Meetings;
  readonly #mailbox: Mailbox;
  readonly #hand: Hand;

  constructor(meetings: Meetings, mailbox: Mailbox) {
    this.#meetings = meetings;
    this.#mailbox = mailbox;
    this.#hand = { caller: 'people', displayName: mailbox.displayName };
  }

  /** @param keepsIdentity false: the phone makes a UID of its own. */
  recreate(item: Item, change: Change = {}, keepsIdentity = true): Item {
    const before = item.content;
    const person = new Person(this.#meetings, this.#mailbox);
    person.remove(item, null, 'SendToNone');
    const properties = new Map(before.properties);
    for (const at of properties.keys()) if (!phoneKeeps.has(at)) properties.delete(at);
    if (!keepsIdentity) {
      const { guid, lastCn, nowMs } = this.#mailbox;
      const id = binary(newGlobalObjectId(guid, lastCn, nowMs).toString('base64'));
      properties.set(calendarKey.globalObjectId, id).set(calendarKey.cleanGlobalObjectId, id);
    }
    const made = this.#mailbox.create(
      this.#mailbox.folder('calendar'),
      { content: { ...before, properties }, messageFlags: null, isRead: true },
      this.#hand,
    );
    const { mailbox } = made.folder;
    this.#meetings.written({
      kind: 'created',
      mailbox,
      item: made,
      day: null,
      before: null,
      after: made.content,
      choice: 'SendToNone',
      by: this.#hand,
    });
    if (Object.keys(change).length > 0) person.change(made, change, null, 'SendToNone');
    return made;
  }
}

/** What travels over a phone's protocol: [MS-ASCAL] 2.2.2. Sequence, critical changes, FInvited and named properties do not. */
const phoneKeeps: ReadonlySet<string> = new Set([
  key.itemClass,
  key.subject,
  key.normalizedSubject,
  key.sensitivity,
  key.reminderSet,
  key.keywords,
  calendarKey.start,
  calendarKey.end,
  calendarKey.allDay,
  calendarKey.location,
  calendarKey.busyStatus,
  calendarKey.stateFlags,
  calendarKey.response,
  calendarKey.reminderMinutes,
  calendarKey.globalObjectId,
  calendarKey.cleanGlobalObjectId,
  calendarKey.recurring,
]);
