import type { Random } from '#kit/random.ts';
import type { EventFields, EventIdentity, When } from '#model/appointment.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { addDays, type Day, wallOfDay } from '#model/wall-time.ts';
import type { SimulatedCalendar, SimulatedEvent } from './simulated-calendar.ts';

/**
 * Everything that people wrote and that can be told from everything else: each value holds a token that is used once. A token may go
 * only when somebody who saw it put something else in its place; otherwise it is in a calendar or in the journal for ever.
 */
export interface Ledger {
  /** Token → what was written, in words. */
  readonly written: Map<string, string>;
  /** Tokens that a person saw and replaced or deleted. */
  readonly dropped: Set<string>;
  /** Identities of events that a person deleted, by side. */
  readonly removed: Set<EventIdentity>;
}

export const freshLedger = (): Ledger => ({ written: new Map(), dropped: new Set(), removed: new Set() });

const tokenPattern = /~\d+~/g;
export const tokensIn = (value: unknown): readonly string[] => JSON.stringify(value ?? null).match(tokenPattern) ?? [];

/** The first day of every series: a Monday. */
const firstDay = '2024-01-01' as Day;
const vienna = { id: 'W. Europe Standard Time', rules: null };
const MINUTE_MS = 60_000;

const pick = <T>(random: Random, things: readonly T[]): T | undefined => things[random.int(things.length)];

/** A time nobody else chose: its minutes are counted up. It has no token, so that merging of times is judged by equality alone. */
function someTime(random: Random, day: Day): When {
  const start = wallOfDay(day) + (7 + random.int(9)) * 60 * MINUTE_MS + random.int(12) * 5 * MINUTE_MS;
  return {
    start,
    end: start + (1 + random.int(4)) * 30 * MINUTE_MS,
    isAllDay: false,
    startZone: vienna,
    endZone: vienna,
  };
}

const daily = (count: number): Recurrence => ({
  pattern: { kind: 'daily', interval: 1 },
  range: { end: 'count', startDay: firstDay, count },
});

/** The days of a simulated series, all of which are daily from the first day on. */
export function daysOf(event: SimulatedEvent): readonly Day[] {
  const { recurrence } = event.item.fields;
  if (recurrence === null || recurrence.range.end !== 'count') return [];
  const step = recurrence.pattern.kind === 'daily' ? recurrence.pattern.interval : 1;
  return Array.from({ length: recurrence.range.count }, (_, n) => addDays(recurrence.range.startDay, n * step));
}

export interface CalendarPerson {
  readonly calendar: SimulatedCalendar;
  readonly random: Random;
  readonly ledger: Ledger;
  /** Numbers for tokens. */
  next(): number;
  /** What is done, for whoever replays a life. */
  say(deed: string): void;
}

/** The calendar, saying what it is told to do. */
function aloud({ calendar, say }: Pick<CalendarPerson, 'calendar' | 'say'>): SimulatedCalendar {
  return {
    ...calendar,
    book(folder, fields, identity) {
      const id = calendar.book(folder, fields, identity);
      say(`books ${id}: ${JSON.stringify(fields)}`);
      return id;
    },
    edit(id, set) {
      say(`edits ${id}: ${JSON.stringify(set)}`);
      calendar.edit(id, set);
    },
    editOccurrence(id, day, overrides) {
      say(`edits ${id} on ${day}: ${JSON.stringify(overrides)}`);
      calendar.editOccurrence(id, day, overrides);
    },
    deleteOccurrence(id, day) {
      say(`deletes ${id} on ${day}`);
      calendar.deleteOccurrence(id, day);
    },
    move(id, to) {
      const moved = calendar.move(id, to);
      say(`moves ${id} to ${to}, where it is ${moved}`);
      return moved;
    },
    remove(id) {
      say(`removes ${id}`);
      calendar.remove(id);
    },
  };
}

/** What the owner of a calendar does in a step, on either side. */
export function calendarStep(who: CalendarPerson): void {
  const { random, ledger } = who;
  const calendar = aloud(who);
  const person = { ...who, calendar };
  const events = calendar.events();
  const event = pick(random, events);
  const series = pick(
    random,
    events.filter((e) => e.item.fields.recurrence !== null),
  );
  switch (random.int(12)) {
    case 0:
    case 1:
      calendar.book(
        pick(random, calendar.folders()) ?? calendar.folders()[0] ?? ('' as never),
        { subject: write(person, 'a new event'), when: someTime(random, addDays(firstDay, random.int(28))) },
        null,
      );
      return;
    case 2:
      calendar.book(
        calendar.folders()[0] ?? ('' as never),
        {
          subject: write(person, 'a new series'),
          when: someTime(random, firstDay),
          recurrence: daily(3 + random.int(5)),
        },
        null,
      );
      return;
    case 3:
    case 4:
    case 5:
      if (event) editEvent(person, event);
      return;
    case 6:
    case 7:
      if (series) editOccurrence(person, series);
      return;
    case 8:
      if (series) {
        const day = pick(
          random,
          daysOf(series).filter((d) => !series.item.deletedDays.includes(d)),
        );
        if (day === undefined || series.item.deletedDays.length + 1 >= daysOf(series).length) return;
        drop(ledger, series.item.occurrences.find((o) => o.day === day)?.overrides);
        calendar.deleteOccurrence(series.id, day);
      }
      return;
    case 9:
      if (series) {
        // What the person saw of the exceptions goes with the old pattern.
        drop(ledger, series.item.occurrences);
        calendar.edit(
          series.id,
          random.int(2) === 0 ? { when: someTime(random, firstDay) } : { recurrence: daily(3 + random.int(6)) },
        );
      }
      return;
    case 10:
      if (event) {
        drop(ledger, [event.item.fields, event.item.occurrences]);
        ledger.removed.add(event.identity);
        calendar.remove(event.id);
      }
      return;
    default: {
      const to = pick(random, calendar.folders());
      if (event && to !== undefined && to !== event.folder) calendar.move(event.id, to);
    }
  }
}

function editEvent(person: CalendarPerson, event: SimulatedEvent): void {
  const { calendar, random, ledger } = person;
  const { fields } = event.item;
  const set = ((): Partial<EventFields> => {
    switch (random.int(6)) {
      case 0:
        return { subject: write(person, 'subject') };
      case 1:
        return { location: write(person, 'location') };
      case 2:
        return { body: { type: 'text', text: write(person, 'body') } };
      case 3:
        return { categories: [...fields.categories, write(person, 'category')] };
      case 4:
        return { showAs: pick(random, ['free', 'tentative', 'busy', 'oof'] as const) ?? 'busy' };
      default:
        return fields.recurrence === null
          ? { when: someTime(random, addDays(firstDay, random.int(28))) }
          : { importance: 'high' };
    }
  })();
  for (const field of Object.keys(set) as (keyof EventFields)[])
    if (field !== 'categories') drop(ledger, fields[field]);
  calendar.edit(event.id, set);
}

function editOccurrence(person: CalendarPerson, series: SimulatedEvent): void {
  const { calendar, random, ledger } = person;
  const day = pick(
    random,
    daysOf(series).filter((d) => !series.item.deletedDays.includes(d)),
  );
  if (day === undefined) return;
  const own = series.item.occurrences.find((o) => o.day === day)?.overrides ?? {};
  const overrides =
    random.int(3) === 0
      ? { when: someTime(random, day) }
      : random.int(2) === 0
        ? { subject: write(person, `subject of ${day}`) }
        : { location: write(person, `location of ${day}`) };
  for (const field of Object.keys(overrides) as (keyof typeof own)[]) drop(ledger, own[field]);
  calendar.editOccurrence(series.id, day, overrides);
}

function write(person: CalendarPerson, what: string): string {
  const token = `~${person.next()}~`;
  person.ledger.written.set(token, `${what} on ${person.calendar.address}`);
  return token;
}

function drop(ledger: Ledger, shown: unknown): void {
  for (const token of tokensIn(shown)) ledger.dropped.add(token);
}
