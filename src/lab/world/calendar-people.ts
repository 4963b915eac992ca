import type { Random } from '#kit/random.ts';
import {
  deleteOccurrence,
  isMaster,
  occurrenceItem,
  occurrencesBetween,
  startMsOf,
  updateOccurrence,
} from './appointment.ts';
import type { InvitationChoice } from './calendar-hooks.ts';
import { calendarKey, stateFlag } from './calendar-keys.ts';
import type { Attendee, CalendarPart, Day } from './calendar-part.ts';
import type { Item, ItemContent } from './item.ts';
import type { Hand, Mailbox } from './mailbox.ts';
import { appointmentOf, type Plan } from './make-appointment.ts';
import { key, messageFlag, type Property, type PropertyKey } from './property.ts';
import { dayOfWall, type Pattern, type Recurrence } from './recurrence.ts';
import { instantOf, utc, wallOf, windowsZone, type Zone } from './zone.ts';

export const calendarActions = [
  'book',
  'book-all-day',
  'book-series',
  'invite',
  'reschedule',
  'retitle',
  'note-down',
  'change-reminder',
  'move-occurrence',
  'edit-occurrence',
  'skip-occurrence',
  'new-pattern',
  'cancel',
] as const;
export type CalendarAction = (typeof calendarActions)[number];

const hourMs = 3_600_000;
const dayMs = 86_400_000;
const subjects = ['Weekly', 'Zahnarzt', 'Review', 'Besprechung', 'Déjeuner', 'Call', '打合せ', 'Workshop; part 2'];
const places = ['Room 1', 'Raum 4.12', 'online', 'Kantine'];
const homeZones = { en: 'GMT Standard Time', de: 'W. Europe Standard Time', fr: 'Romance Standard Time' } as const;

/** One person with the own calendar, for one deed. Each is one write, and what the machinery of meetings makes of it. */
export class CalendarWorker {
  readonly #mailbox: Mailbox;
  readonly #random: Random;
  readonly #hand: Hand;

  constructor(mailbox: Mailbox, random: Random, hand: Hand) {
    this.#mailbox = mailbox;
    this.#random = random;
    this.#hand = hand;
  }

  /** The item it was about; null: it is gone; undefined: there was nothing to do. */
  act(action: CalendarAction): Item | null | undefined {
    switch (action) {
      case 'book':
      case 'book-all-day':
      case 'book-series':
      case 'invite':
        return this.#book(action);
      case 'reschedule':
        return this.#change(this.#own(), null, (content) => this.#later(content, (1 + this.#random.int(6)) * hourMs));
      case 'retitle':
        return this.#change(this.#any(), null, (content) => this.#with(content, { [key.subject]: this.#subject() }));
      case 'note-down':
        return this.#change(this.#any(), null, (content) => ({
          ...content,
          body: { type: 'Text', text: `Notes ${this.#random.int(100_000)}` },
        }));
      case 'change-reminder':
        return this.#change(this.#any(), null, (content) => {
          const properties = new Map(content.properties);
          properties.set(key.reminderSet, { type: 'Boolean', value: this.#random.next() < 0.7 });
          properties.set(calendarKey.reminderMinutes, { type: 'Integer', value: this.#pick([0, 5, 15, 60]) });
          return { ...content, properties };
        });
      case 'move-occurrence':
      case 'edit-occurrence':
      case 'skip-occurrence':
        return this.#occurrence(action);
      case 'new-pattern': {
        const item = this.#own((content) => isMaster(content));
        return this.#change(item, null, (content, part) => {
          const { recurrence } = part;
          if (recurrence === null) return content;
          const next: Recurrence = { ...recurrence, range: { kind: 'count', count: 3 + this.#random.int(20) } };
          // As everywhere in Exchange: what differed from the old pattern is gone.
          return { ...content, calendar: { ...part, recurrence: next, exceptions: [], deletedDays: [] } };
        });
      }
      case 'cancel': {
        const item = this.#any();
        if (item === null) return undefined;
        const before = item.content;
        this.#mailbox.remove(item, this.#random.next() < 0.8 ? 'MoveToDeletedItems' : 'SoftDelete', this.#hand);
        this.#tell('deleted', item, null, before, null);
        return null;
      }
    }
  }

  #book(action: 'book' | 'book-all-day' | 'book-series' | 'invite'): Item {
    const mailbox = this.#mailbox;
    const zone = this.#zone();
    const today = Math.floor(wallOf(zone, mailbox.nowMs) / dayMs);
    const day = today + this.#random.int(40) - 5;
    const allDay = action === 'book-all-day';
    const startWall =
      day * dayMs + (allDay ? 0 : (8 + this.#random.int(9)) * hourMs + this.#random.int(2) * (hourMs / 2));
    const lengthMs = allDay ? (1 + this.#random.int(3)) * dayMs : this.#pick([0.5, 1, 1, 2]) * hourMs;
    const plan: Plan = {
      subject: this.#subject(),
      startMs: instantOf(zone, startWall),
      endMs: instantOf(zone, startWall + lengthMs),
      zone,
      organizer: { name: mailbox.displayName, address: mailbox.address },
      idFor: [mailbox.guid, mailbox.lastCn, mailbox.nowMs],
      allDay,
      location: this.#pick(places),
      busyStatus: allDay ? 0 : 2,
      reminderMinutes: this.#random.next() < 0.3 ? null : 15,
      ...(action === 'invite' ? { attendees: this.#attendees() } : {}),
      ...(action === 'book-series' || (action === 'invite' && this.#random.next() < 0.3)
        ? {
            recurrence: {
              pattern: this.#pattern(startWall),
              startDay: dayOfWall(startWall),
              range: { kind: 'count', count: 3 + this.#random.int(20) },
            },
          }
        : {}),
    };
    const content = appointmentOf(plan);
    const item = mailbox.create(
      mailbox.folder('calendar'),
      { content, messageFlags: messageFlag.read, isRead: true },
      this.#hand,
    );
    this.#tell('created', item, null, null, content);
    return item;
  }

  #pattern(startWall: number): Pattern {
    const weekday = new Date(startWall).getUTCDay();
    switch (this.#random.int(4)) {
      case 0:
        return { kind: 'daily', interval: 1 + this.#random.int(3) };
      case 1:
        return { kind: 'monthly', interval: 1, day: new Date(startWall).getUTCDate() };
      default:
        return { kind: 'weekly', interval: 1 + this.#random.int(2), days: [weekday], firstDay: 1 };
    }
  }

  #attendees(): readonly Attendee[] {
    const { mailboxes } = this.#mailbox.organization;
    const others = mailboxes.filter(({ address }) => address !== this.#mailbox.address);
    const chosen = new Map<string, Attendee>();
    for (let n = 1 + this.#random.int(3); n > 0; n--) {
      const entry = others[this.#random.int(Math.max(1, others.length))];
      const [name, address] =
        entry === undefined || this.#random.next() < 0.2
          ? ['', `p${this.#random.int(1000)}@partner.test`]
          : [entry.displayName, entry.address];
      chosen.set(address, { role: 'required', name, address, response: 'NoResponseReceived', respondedAtMs: null });
    }
    return [...chosen.values()];
  }

  #occurrence(action: 'move-occurrence' | 'edit-occurrence' | 'skip-occurrence'): Item | undefined {
    const item = this.#own((content) => isMaster(content));
    if (item === null) return undefined;
    const now = this.#mailbox.nowMs;
    const coming = occurrencesBetween(item.content, now - 20 * dayMs, now + 60 * dayMs);
    const chosen = coming[this.#random.int(Math.max(1, coming.length))];
    if (chosen === undefined) return undefined;
    if (action !== 'skip-occurrence')
      return this.#change(item, chosen.day, (content) =>
        action === 'move-occurrence'
          ? this.#later(content, hourMs / 2)
          : this.#with(content, { [key.subject]: this.#subject(), [calendarKey.location]: this.#pick(places) }),
      );
    const view = occurrenceItem(item, chosen.day);
    const before = view.content;
    deleteOccurrence(view, this.#hand);
    this.#tell('deleted', item, chosen.day, before, null);
    return item;
  }

  #change(
    item: Item | null,
    day: Day | null,
    change: (content: ItemContent, part: CalendarPart) => ItemContent,
  ): Item | undefined {
    if (item === null) return undefined;
    const shown = day === null ? item : occurrenceItem(item, day);
    const before = shown.content;
    if (before.calendar === undefined) return undefined;
    const after = change(before, before.calendar);
    if (day === null) this.#mailbox.update(item, after, this.#hand);
    else updateOccurrence(shown, after, this.#hand);
    this.#tell('updated', item, day, before, day === null ? item.content : occurrenceItem(item, day).content);
    return item;
  }

  /** A moved series loses what differed from it, like one with a new pattern. */
  /** All-day events stay on whole days: no client lets one begin in the afternoon. */
  #later(content: ItemContent, wantedMs: number): ItemContent {
    const byMs = content.properties.get(calendarKey.allDay)?.value === true ? dayMs : wantedMs;
    const part = content.calendar;
    const properties = new Map(content.properties);
    const move = (at: PropertyKey): void => {
      const value = properties.get(at)?.value;
      if (typeof value === 'number') properties.set(at, { type: 'SystemTime', value: value + byMs });
    };
    move(calendarKey.start);
    move(calendarKey.end);
    const recurrence = part?.recurrence ?? null;
    if (part === undefined || recurrence === null) return { ...content, properties };
    const moved: Recurrence = {
      ...recurrence,
      startOffsetMs: recurrence.startOffsetMs + byMs,
      endOffsetMs: recurrence.endOffsetMs + byMs,
    };
    if (moved.startOffsetMs >= dayMs) return content;
    return { ...content, properties, calendar: { ...part, recurrence: moved, exceptions: [], deletedDays: [] } };
  }

  #with(content: ItemContent, texts: Readonly<Record<PropertyKey, string>>): ItemContent {
    const properties = new Map<PropertyKey, Property>(content.properties);
    for (const [at, value] of Object.entries(texts)) properties.set(at, { type: 'String', value });
    return { ...content, properties };
  }

  #tell(
    kind: 'created' | 'updated' | 'deleted',
    item: Item,
    day: Day | null,
    before: ItemContent | null,
    after: ItemContent | null,
  ): void {
    const choice: InvitationChoice = 'SendToAllAndSaveCopy';
    this.#mailbox.organization.world.meetings?.written({
      kind,
      mailbox: this.#mailbox,
      item,
      day,
      before,
      after,
      choice,
      by: this.#hand,
    });
  }

  #zone(): Zone {
    return windowsZone(homeZones[this.#mailbox.language]) ?? utc;
  }
  #subject(): string {
    return `${this.#pick(subjects)} ${this.#random.int(10_000)}`;
  }
  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)] as T;
  }

  /** One of the appointments around now, as people look at weeks, not at years. */
  #any(wanted: (content: ItemContent) => boolean = () => true): Item | null {
    const now = this.#mailbox.nowMs;
    const found: Item[] = [];
    for (const item of this.#mailbox.folder('calendar').newest()) {
      const { content } = item;
      if (content.calendar === undefined || !wanted(content)) continue;
      if (isMaster(content) || Math.abs(startMsOf(content) - now) < 60 * dayMs) found.push(item);
      if (found.length >= 30) break;
    }
    return found.length === 0 ? null : this.#pick(found);
  }
  /** One that is the person's to move. */
  #own(wanted: (content: ItemContent) => boolean = () => true): Item | null {
    return this.#any((content) => {
      const state = content.properties.get(calendarKey.stateFlags)?.value;
      return wanted(content) && (typeof state !== 'number' || (state & stateFlag.received) === 0);
    });
  }
}
