import type { EventFields } from '#model/appointment.ts';
import { addDays, type Day } from '#model/wall-time.ts';
import { type CalendarPerson, daily, daysOf, firstDay, pick, someTime, write } from './calendar-person.ts';
import { dropTokens } from './ledger.ts';
import { meetingStep, openInOutlook } from './meetings.ts';
import type { SimulatedCalendar, SimulatedEvent } from './simulated-calendar.ts';

/** The calendar, saying what it is told to do. */
function aloud({ calendar, ledger, say }: Pick<CalendarPerson, 'calendar' | 'ledger' | 'say'>): SimulatedCalendar {
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
      ledger.taken.add(id);
      calendar.remove(id);
    },
  };
}

/** What the owner of a calendar does in a step, on either side. */
export function calendarStep(who: CalendarPerson): void {
  const { random, ledger } = who;
  const calendar = aloud(who);
  const person = { ...who, calendar };
  if (who.isAboutSeries) {
    seriesStep(person);
    return;
  }
  if (who.hasMeetings && random.int(2) === 0) {
    meetingStep(person);
    return;
  }
  const events = who.isBusyWithOne ? calendar.events().slice(0, 2) : calendar.events();
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
      calendar.book(calendar.folders()[0] ?? ('' as never), aSeries(person), null);
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
      if (series) deleteOccurrence(person, series);
      return;
    case 9:
      if (series) reshape(person, series);
      return;
    case 10:
      if (event) {
        dropTokens(ledger, [event.item.fields, event.item.occurrences]);
        ledger.removed.add(event.identity);
        calendar.remove(event.id);
      }
      return;
    default: {
      const to = pick(random, calendar.folders());
      if (!event || to === undefined || to === event.folder) return;
      if (who.isMeanwhile) ledger.movedMeanwhile.add(event.identity);
      calendar.move(event.id, to);
    }
  }
}

const aSeries = (person: CalendarPerson): Partial<EventFields> => ({
  subject: write(person, 'a new series'),
  when: someTime(person.random, firstDay),
  recurrence: daily(3 + person.random.int(5)),
});

/** New patterns of the same two series, and the same days again and again, before and after. */
function seriesStep(person: CalendarPerson): void {
  const { calendar, random } = person;
  const all = calendar.events();
  const series = pick(random, all.slice(0, 2));
  if (!series || (all.length < 2 && random.int(4) === 0)) {
    const [folder] = calendar.folders();
    if (folder !== undefined) calendar.book(folder, aSeries(person), null);
    return;
  }
  switch (random.int(6)) {
    case 0:
    case 1: {
      reshape(person, series);
      const now = calendar.events().find(({ id }) => id === series.id);
      if (now && random.int(3) > 0) editOccurrence(person, now);
      return;
    }
    case 2:
      deleteOccurrence(person, series);
      return;
    case 3:
      editEvent(person, series);
      return;
    default:
      editOccurrence(person, series);
  }
}

/** Another pattern or time of a series. What the person saw of the exceptions goes with the old one. */
function reshape({ calendar, random, ledger }: CalendarPerson, series: SimulatedEvent): void {
  dropTokens(ledger, series.item.occurrences);
  ledger.reshaped.add(`${calendar.address} ${series.identity}`);
  calendar.edit(
    series.id,
    random.int(2) === 0 ? { when: someTime(random, firstDay) } : { recurrence: daily(3 + random.int(6)) },
  );
}

function deleteOccurrence(person: CalendarPerson, series: SimulatedEvent): void {
  const { calendar, ledger } = person;
  const day = someDay(person, series);
  if (day === undefined || series.item.deletedDays.length + 1 >= daysOf(series).length) return;
  dropTokens(ledger, series.item.occurrences.find((o) => o.day === day)?.overrides);
  calendar.deleteOccurrence(series.id, day);
}

/** Something about an event itself, and not about an occurrence of it. */
export function editStep(who: CalendarPerson): void {
  const event = pick(who.random, who.calendar.events());
  if (event) editEvent({ ...who, calendar: aloud(who) }, event);
}

function editEvent(person: CalendarPerson, event: SimulatedEvent): void {
  const { calendar, random, ledger } = person;
  const { fields } = event.item;
  openInOutlook(person, event);
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
    if (field !== 'categories') dropTokens(ledger, fields[field]);
  const meeting = ledger.meetings.get(event.identity);
  if (meeting && 'location' in set) meeting.location = null;
  calendar.edit(event.id, set);
}

/** An occurrence that is there. Whoever comes back to the same events comes back to their first days. */
function someDay({ random, isBusyWithOne }: CalendarPerson, { item }: SimulatedEvent): Day | undefined {
  const days = daysOf({ item }).slice(0, isBusyWithOne ? 3 : undefined);
  return pick(
    random,
    days.filter((d) => !item.deletedDays.includes(d)),
  );
}

function editOccurrence(person: CalendarPerson, series: SimulatedEvent): void {
  const { calendar, random, ledger } = person;
  const day = someDay(person, series);
  if (day === undefined) return;
  const own = series.item.occurrences.find((o) => o.day === day)?.overrides ?? {};
  const overrides =
    random.int(3) === 0
      ? { when: someTime(random, day) }
      : random.int(2) === 0
        ? { subject: write(person, `subject of ${day}`) }
        : { location: write(person, `location of ${day}`) };
  for (const field of Object.keys(overrides) as (keyof typeof own)[]) dropTokens(ledger, own[field]);
  calendar.editOccurrence(series.id, day, overrides);
}
