import type { Random } from '#kit/random.ts';
import { isMaster, occurrencesBetween } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Day } from '../world/calendar-part.ts';
import { itemIdOf } from '../world/ids.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { Refusal } from '../world/refusal.ts';
import { windowsZone } from '../world/zone.ts';
import {
  appointments,
  attendeesOf,
  isCancelled,
  isMeeting,
  isOrganizers,
  isReceived,
  isRequest,
  propertyValue,
  responseOf,
} from './meeting-view.ts';
import type { Meetings } from './meetings.ts';
import { type Booking, Person } from './person.ts';

export const meetingActions = [
  'note',
  'book',
  'book-series',
  'answer',
  'move',
  'relocate',
  'move-occurrence',
  'cancel-occurrence',
  'invite',
  'cancel',
] as const;
export type MeetingAction = (typeof meetingActions)[number];

/** How often each thing is done, in parts of the whole. */
const weights: Readonly<Record<MeetingAction, number>> = {
  note: 12,
  book: 22,
  'book-series': 6,
  answer: 26,
  move: 10,
  relocate: 8,
  'move-occurrence': 6,
  'cancel-occurrence': 3,
  invite: 3,
  cancel: 4,
};
const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);

export interface MeetingDeed {
  readonly atMs: number;
  readonly mailbox: string;
  readonly action: MeetingAction;
  /** EWS id of the appointment after it; null: it is gone. */
  readonly item: string | null;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const zones = ['W. Europe Standard Time', 'GMT Standard Time', 'Eastern Standard Time', 'Tokyo Standard Time'];
const titles = ['Plan', 'Review', 'Jour fixe', 'Lunch', 'Budget', 'Kick-off', 'Übergabe', 'Standup'];
const places = ['Room 1', 'Room 2', 'Kantine', 'Phone', ''];

/**
 * People of an organization at work with their calendars: they book with each other and, where there is another organization, across.
 * The same random numbers make them do the same things.
 */
export class MeetingPeople {
  readonly #meetings: Meetings;
  readonly #organization: Organization;
  readonly #random: Random;
  readonly #only: readonly MeetingAction[];

  constructor(
    meetings: Meetings,
    organization: Organization,
    random: Random,
    only: readonly MeetingAction[] = meetingActions,
  ) {
    this.#meetings = meetings;
    this.#organization = organization;
    this.#random = random;
    this.#only = only;
  }

  /** Does one thing. @returns what was done; null when the choice fell on something there was nothing for. */
  step(): MeetingDeed | null {
    const mailbox = this.#anybody(this.#organization);
    if (mailbox === null) return null;
    const action = this.#choose();
    let item: Item | null | undefined;
    try {
      item = this.#act(action, new Person(this.#meetings, mailbox));
    } catch (error) {
      // An occurrence that would cross its neighbour, a full mailbox: people meet that too, and do something else.
      if (!(error instanceof Refusal)) throw error;
      return null;
    }
    if (item === undefined) return null;
    return {
      atMs: mailbox.nowMs,
      mailbox: mailbox.address,
      action,
      item: item === null || item.gone ? null : itemIdOf(item),
    };
  }

  #choose(): MeetingAction {
    if (this.#only.length < meetingActions.length) return this.#pick(this.#only);
    let at = this.#random.next() * total;
    for (const action of meetingActions) {
      at -= weights[action];
      if (at < 0) return action;
    }
    return 'book';
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)] as T;
  }

  /** Somebody whose mailbox is in use: not a redirected one, not a room. */
  #anybody(organization: Organization): Mailbox | null {
    if (organization.mailboxes.length === 0) return null;
    const { address } = this.#pick(organization.mailboxes);
    if (organization.mailFlow.targetAddress(address) !== null || this.#meetings.settings(address).isResource)
      return null;
    return organization.mailbox(address);
  }

  #guests(person: Person): Booking['attendees'] {
    const organizations = this.#organization.world.organizations;
    const guests = new Map<string, Mailbox>();
    for (let n = 1 + this.#random.int(3); n > 0; n--) {
      const from = this.#random.next() < 0.4 ? this.#pick(organizations) : this.#organization;
      const mailbox = this.#anybody(from);
      if (mailbox !== null && mailbox !== person.mailbox) guests.set(mailbox.address, mailbox);
    }
    return [...guests.values()].map(({ address, displayName }) => ({
      address,
      name: displayName,
      role: this.#random.next() < 0.25 ? ('optional' as const) : ('required' as const),
    }));
  }

  #booking(person: Person): Booking {
    const midnightMs = Math.floor(person.mailbox.nowMs / dayMs) * dayMs;
    const startMs = midnightMs + (1 + this.#random.int(20)) * dayMs + (7 + this.#random.int(10)) * hourMs;
    const zone = windowsZone(this.#pick(zones));
    return {
      subject: `${this.#pick(titles)} ${this.#random.int(10_000)}`,
      startMs,
      endMs: startMs + (1 + this.#random.int(4)) * (hourMs / 2),
      ...(zone === null ? {} : { zone }),
      location: this.#pick(places),
      body: this.#random.next() < 0.5 ? 'Please bring the figures.' : '',
      reminderMinutes: this.#random.next() < 0.2 ? null : 15,
    };
  }

  #own(person: Person, wanted: (item: Item) => boolean): Item | null {
    const found = [...appointments(person.mailbox)].filter(({ content }) => !isCancelled(content)).filter(wanted);
    return found.length === 0 ? null : this.#pick(found);
  }

  /** An occurrence of a series in the coming weeks. */
  #occurrence(item: Item): { readonly day: Day; readonly startMs: number } | null {
    const { nowMs } = item.folder.mailbox;
    const found = occurrencesBetween(item.content, nowMs, nowMs + 40 * dayMs);
    return found.length === 0 ? null : this.#pick(found);
  }

  #act(action: MeetingAction, person: Person): Item | null | undefined {
    const mine = ({ content }: Item): boolean => isOrganizers(content) || !isMeeting(content);
    switch (action) {
      case 'note':
        return person.book(this.#booking(person));
      case 'book': {
        const attendees = this.#guests(person) ?? [];
        return attendees.length === 0 ? undefined : person.book({ ...this.#booking(person), attendees });
      }
      case 'book-series': {
        const booking = this.#booking(person);
        const weekday = new Date(booking.startMs).getUTCDay();
        return person.book({
          ...booking,
          zone: windowsZone('W. Europe Standard Time') ?? booking.zone ?? { id: 'UTC', name: 'UTC', spans: null },
          attendees: this.#guests(person) ?? [],
          recurrence: {
            pattern:
              this.#random.next() < 0.5
                ? { kind: 'weekly', interval: 1, days: [weekday], firstDay: 1 }
                : { kind: 'daily', interval: 1 + this.#random.int(3) },
            range: { kind: 'count', count: 3 + this.#random.int(8) },
          },
        });
      }
      case 'answer': {
        const request = [...person.mailbox.folder('inbox').newest()].slice(0, 50).find(isRequest);
        const item =
          request ??
          this.#own(person, ({ content }) => isReceived(content) && responseOf(content) === 'NoResponseReceived');
        if (item === null) return undefined;
        const kind = this.#pick(['AcceptItem', 'AcceptItem', 'TentativelyAcceptItem', 'DeclineItem'] as const);
        const made = person.answer(item, kind, { send: this.#random.next() < 0.8 });
        return made.at(-1) ?? null;
      }
      case 'move': {
        // An all-day event stays on whole days: no client lets it begin in the afternoon.
        const item = this.#own(person, (one) => mine(one) && propertyValue(one.content, calendarKey.allDay) !== true);
        if (item === null) return undefined;
        const { startMs, endMs } = this.#booking(person);
        person.change(item, { startMs, endMs });
        return item;
      }
      case 'relocate': {
        const item = this.#own(person, mine);
        if (item === null) return undefined;
        person.change(item, { location: `${this.#pick(places)} ${this.#random.int(100)}` });
        return item;
      }
      case 'move-occurrence':
      case 'cancel-occurrence': {
        const item = this.#own(person, (one) => mine(one) && isMaster(one.content));
        const occurrence = item === null ? null : this.#occurrence(item);
        if (item === null || occurrence === null) return undefined;
        if (action === 'cancel-occurrence') person.remove(item, occurrence.day);
        else person.change(item, { startMs: occurrence.startMs + hourMs * this.#random.int(3) }, occurrence.day);
        return item;
      }
      case 'invite': {
        const item = this.#own(person, mine);
        const guests = this.#guests(person) ?? [];
        if (item === null || guests.length === 0) return undefined;
        const there = attendeesOf(item.content);
        const added = guests.filter(({ address }) => !there.some((one) => one.address === address));
        person.change(item, { attendees: [...there, ...added] }, null, 'SendToChangedAndSaveCopy');
        return item;
      }
      case 'cancel': {
        const item = this.#own(person, mine);
        if (item === null) return undefined;
        person.remove(item);
        return null;
      }
    }
  }
}
