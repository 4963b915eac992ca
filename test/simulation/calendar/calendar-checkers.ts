import type { EventFields, EventIdentity, OccurrenceFields } from '#model/appointment.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Violations } from '../checkers.ts';
import { daysOf } from './calendar-person.ts';
import type { CalendarWorld } from './calendar-world.ts';
import { tokensIn } from './ledger.ts';
import type { SimulatedCalendar, SimulatedEvent } from './simulated-calendar.ts';

function byIdentity(calendar: SimulatedCalendar): ReadonlyMap<EventIdentity, readonly SimulatedEvent[]> {
  const map = new Map<EventIdentity, SimulatedEvent[]>();
  for (const event of calendar.events()) map.set(event.identity, [...(map.get(event.identity) ?? []), event]);
  return map;
}

/** What people see of an event, so that two of them can be compared; what a server writes in its own way is left out. */
function visible(fields: EventFields | OccurrenceFields, isObedient: boolean): Record<string, unknown> {
  const { when, body, categories, attendees } = fields;
  return {
    subject: fields.subject,
    location: fields.location,
    when: [when.start, when.end, when.isAllDay],
    body: body.text.replaceAll(/<[^>]*>|\s+/g, ' ').trim(),
    showAs: fields.showAs,
    sensitivity: fields.sensitivity,
    importance: fields.importance,
    categories: [...categories].sort(),
    attendees: attendees.map((a) => `${a.address.toLowerCase()} ${a.role}${isObedient ? ` ${a.response}` : ''}`).sort(),
  };
}

/** Every occurrence as people see it, whatever is an exception in the server's eyes. */
function show(event: SimulatedEvent, { isObedient }: CalendarWorld): string {
  const { item } = event;
  const occurrences = daysOf(event).map((day) => {
    if (item.deletedDays.includes(day)) return [day, 'deleted'];
    const overrides = item.occurrences.find((o) => o.day === day)?.overrides ?? {};
    const { when, ...rest } = visible({ ...item.fields, ...overrides }, isObedient);
    return [day, rest, overrides.when ? when : 'by the pattern'];
  });
  return JSON.stringify([visible(item.fields, isObedient), item.fields.recurrence, occurrences]);
}

/** Number of its folder; both sides have the same folders. */
const placeOf = (calendar: SimulatedCalendar, event: SimulatedEvent): number =>
  calendar.folders().indexOf(event.folder);

const foldersOf = (events: readonly SimulatedEvent[]): number => new Set(events.map(({ folder }) => folder)).size;

/** Occurrences that are there by themselves beside their series, which has them as well. */
function toldTwice(calendar: SimulatedCalendar): Violations {
  const there = byIdentity(calendar);
  return calendar.events().flatMap(({ identity, folder }) => {
    const lone = loneOccurrence(identity);
    const series = (lone === null ? undefined : there.get(lone.series))?.find((event) => event.folder === folder);
    if (lone === null || series === undefined || series.item.deletedDays.includes(lone.day)) return [];
    if (!daysOf(series).includes(lone.day)) return [];
    return [`duplicated: ${lone.day} of event ${identity.slice(-8)} is on ${calendar.address} beside its series`];
  });
}

export function calendarsConverged(world: CalendarWorld): Violations {
  const left = byIdentity(world.left);
  const right = byIdentity(world.right);
  const found: string[] = [...toldTwice(world.left), ...toldTwice(world.right)];
  for (const identity of new Set([...left.keys(), ...right.keys()])) {
    const [l = [], r = []] = [left.get(identity), right.get(identity)];
    const what = `event ${identity.slice(-8)}`;
    // Without the database, what moves while the folders are read looks as if it were not there: it is made once more, in another folder.
    // And machinery puts its copy into the default calendar, while we make ours in the one where the event is. People copy events, too.
    const isCopied =
      world.ledger.meddled.has(identity) ||
      (world.events.includes('store lost') && world.ledger.movedMeanwhile.has(identity));
    if (isCopied && l.length > 1 && l.length === r.length && foldersOf(l) === l.length && foldersOf(r) === r.length)
      continue;
    if (l.length > 1 || r.length > 1) found.push(`duplicated: ${what} is ${l.length} and ${r.length} times there`);
    else if (l.length !== r.length) found.push(`lost: ${what} is ${l.length} and ${r.length} times there`);
    else if (l[0] && r[0] && show(l[0], world) !== show(r[0], world))
      found.push(`altered: ${what}\n  left  ${show(l[0], world)}\n  right ${show(r[0], world)}`);
  }
  return found;
}

/**
 * An event lies in the same calendar on both sides. Not asked of lives in which two events were found and linked that nobody had linked:
 * machinery puts its own copy into the default calendar, and a copy whose answer was lost may be moved before it is found again. Such two
 * are linked where they are; only moves after that are followed.
 */
export async function eventsLieInTheSameFolders(world: CalendarWorld): Promise<Violations> {
  const history = await world.store.history({ pair: world.track }, 100_000);
  if (history.some((h) => h.outcome === 'adopted')) return [];
  const places = (calendar: SimulatedCalendar, events: readonly SimulatedEvent[] = []) =>
    events.map((event) => placeOf(calendar, event)).sort();
  const right = byIdentity(world.right);
  return [...byIdentity(world.left)].flatMap(([identity, events]) => {
    const there = right.get(identity);
    const [l, r] = [places(world.left, events).join(), places(world.right, there).join()];
    return there === undefined || l === r
      ? []
      : [`misplaced: event ${identity.slice(-8)} is in calendar ${l} and in ${r}`];
  });
}

/** Whatever anybody wrote is in a calendar or in the journal, unless somebody who saw it put something else in its place. */
export async function nothingWrittenDisappears(world: CalendarWorld): Promise<Violations> {
  const kept = new Set<string>(world.ledger.dropped);
  for (const calendar of [world.left, world.right])
    for (const { item } of calendar.events())
      for (const token of tokensIn([item.fields, item.occurrences])) kept.add(token);
  for (const row of await world.store.journal({ pair: world.track }, 100_000))
    for (const token of tokensIn(row)) kept.add(token);
  return [...world.ledger.written]
    .filter(([token]) => !kept.has(token))
    .map(([token, what]) => `lost: ${what}, ${token}, is neither in a calendar nor in the journal`);
}

/** Exceptions count as erased by a new pattern only where somebody gave the series one, and not because we were interrupted when we did. */
export async function nothingErasedInVain(world: CalendarWorld): Promise<Violations> {
  const { reshaped, meddled } = world.ledger;
  const journal = await world.store.journal({ pair: world.track }, 100_000);
  const erased = journal.filter(({ why }) => why.startsWith('occurrence-erased'));
  if (erased.length === 0) return [];
  const links = await world.store.typedLinksByIdentity(world.track, [...world.seen]);
  return erased.flatMap(({ link, winner, day }) => {
    const identity = links.find(({ id }) => id === link)?.identity ?? null;
    if (identity === null || meddled.has(identity) || reshaped.has(`${world[winner].address} ${identity}`)) return [];
    return [
      `lost: ${day} of event ${identity.slice(-8)} counts as erased on the ${winner}, where nobody changed the pattern`,
    ];
  });
}

/** An event that nobody deleted is there. An occurrence that was there by itself is part of its series once that is there. */
export function nothingRemovedInVain(world: CalendarWorld): Violations {
  const there = new Set([...byIdentity(world.left).keys(), ...byIdentity(world.right).keys()]);
  const isKnown = (identity: EventIdentity | undefined): boolean =>
    identity !== undefined && (there.has(identity) || world.ledger.removed.has(identity));
  return [...world.seen]
    .filter((identity) => !isKnown(identity) && !isKnown(loneOccurrence(identity)?.series))
    .map((identity) => `lost: event ${identity.slice(-8)} is gone, and nobody deleted it`);
}

/**
 * What the program took away although nobody had deleted the event is a duplicate, and stands in the journal as it was when it went.
 * Sides that cannot tell what was deleted are not asked.
 */
export async function onlyDuplicatesRemoved(world: CalendarWorld): Promise<Violations> {
  const { taken, removed } = world.ledger;
  const doubtful = [world.left, world.right].flatMap((calendar) =>
    (calendar.recoverable?.() ?? [])
      .filter(({ id, identity }) => !taken.has(id) && !removed.has(identity))
      .map((event) => ({ calendar, event })),
  );
  if (doubtful.length === 0) return [];
  const whole = ({ fields, occurrences, deletedDays }: Pick<TypedItem, 'fields' | 'occurrences' | 'deletedDays'>) =>
    JSON.stringify([fields, occurrences, deletedDays]);
  const journal = await world.store.journal({ pair: world.track }, 100_000);
  const told = new Set(
    journal
      .filter((row) => row.why.startsWith('duplicate-removed'))
      .flatMap((row) => [row.left, row.right])
      .filter((item) => item !== null)
      .map((item) => whole(item as TypedItem)),
  );
  return doubtful
    .filter(({ event }) => !told.has(whole(event.item)))
    .map(
      ({ calendar, event }) =>
        `removed in vain: ${event.id} of event ${event.identity.slice(-8)} on ${calendar.address}`,
    );
}

export function noMailSent(world: CalendarWorld): Violations {
  return [...world.left.sent(), ...world.right.sent(), ...world.ledger.mails].map((s) => `mail: ${s}`);
}

/**
 * A pass with nothing to do asks each side one thing. What is asked of the one before it is only that it writes nothing: where passes were
 * told where to look, nobody has seen the marks of the folders since, and whoever looks at them first reads a feed or two.
 */
export async function quietPassWritesNothing(world: CalendarWorld): Promise<Violations> {
  const before = world.left.commits + world.right.commits;
  const first = await world.pass(false, false);
  const result = await world.pass(false, false);
  if (first && first.summary.writes > 0) return [`a quiet pass made ${first.summary.writes} writes`];
  if (!result) return ['a quiet pass did not run'];
  const found: string[] = [];
  if (result.summary.writes > 0 || world.left.commits + world.right.commits !== before)
    found.push(`a quiet pass made ${result.summary.writes} writes`);
  if (result.summary.requestsLeft !== 1 || result.summary.requestsRight !== 1)
    found.push(`a quiet pass cost ${result.summary.requestsLeft} and ${result.summary.requestsRight} requests`);
  return found;
}

/** What cursors and links led to is what a look at everything, without any memory, leads to. */
export async function rescanChangesNothing(world: CalendarWorld): Promise<Violations> {
  const all = () =>
    [world.left, world.right].map((c) =>
      c
        .events()
        .map((e) => `${e.identity} ${show(e, world)}`)
        .sort(),
    );
  const before = JSON.stringify(all());
  await world.store.forget(world.track);
  for (let i = 0; i < 3; i++) await world.pass(true);
  const after = JSON.stringify(all());
  return before === after ? [] : [`rescan:\n  before ${before}\n  after  ${after}`];
}
