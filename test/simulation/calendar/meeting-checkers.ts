import type { Attendee, EventFields } from '#model/appointment.ts';
import type { ItemId } from '#model/ids.ts';
import type { Violations } from '../checkers.ts';
import type { CalendarWorld } from './calendar-world.ts';
import { CANCELLED, MEETING, type MeetingFacts, RECEIVED } from './meeting-facts.ts';
import type { SimulatedCalendar } from './simulated-calendar.ts';

/** To the second, which is what every protocol keeps. */
const second = (instant: number | null): number | null => (instant === null ? null : Math.floor(instant / 1000));

/**
 * What is true of each meeting stands in both calendars: who organizes it, who comes, what the owner answered, which word of the organizer
 * was the last. Not asked about meetings that somebody deleted, or that machinery wrote into, nor, where servers count by themselves, about
 * copies whose create had no answer and into which people wrote before they were found again: what was newer nobody can tell.
 */
export async function meetingsStand(world: CalendarWorld): Promise<Violations> {
  const { meetings, removed, meddled } = world.ledger;
  // Two that are found and linked have no common past: what one of them lacks may be new in the other.
  const history = await world.store.history({ pair: world.track }, 100_000);
  const isForgetful = history.some((h) => h.outcome === 'adopted');
  world.look();
  const found = new Set(
    history
      .filter((h) => h.outcome === 'adopted')
      .flatMap((h) => [h.left, h.right].map((id) => id && world.identities.get(id as ItemId))),
  );
  return [world.left, world.right].flatMap((calendar) =>
    calendar.events().flatMap(({ identity, item }) => {
      const facts = meetings.get(identity);
      if (!facts || removed.has(identity) || meddled.has(identity) || (!world.isObedient && found.has(identity)))
        return [];
      return wrongOf(calendar, item.fields, facts, { isForgetful, isObedient: world.isObedient }).map(
        (what) => `${what}: meeting ${identity.slice(-8)} on ${calendar.address}`,
      );
    }),
  );
}

interface Terms {
  /** The database was lost in between. */
  readonly isForgetful: boolean;
  /** See `CalendarStage`. */
  readonly isObedient: boolean;
}

function wrongOf(
  calendar: SimulatedCalendar,
  fields: EventFields,
  facts: MeetingFacts,
  terms: Terms,
): readonly string[] {
  const found: string[] = [];
  const expect = (what: string, is: unknown, due: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(due))
      found.push(`${what} is ${JSON.stringify(is)}, due is ${JSON.stringify(due)}`);
  };
  if (facts.isOwn && facts.isSent && !fields.invited) found.push('mail: looks unsent, Outlook would send it again');
  expect('invited', fields.invited, facts.isSent);
  expect('state', fields.stateFlags, MEETING | (facts.isOwn ? 0 : RECEIVED) | (facts.isCancelled ? CANCELLED : 0));
  if (terms.isObedient) expect('organizer', fields.organizer?.address, facts.organizer.address);
  // Servers that count by themselves count what we write as well, and note the time.
  const isCountedOn = !terms.isObedient && facts.isOwn && fields.sequence > facts.sequence;
  if (!isCountedOn) {
    expect('sequence', fields.sequence, facts.sequence);
    expect('time of the last change', second(fields.ownerCriticalChangeAt), second(facts.changedAt));
  }
  if (facts.isOwn) expect('own response', fields.myResponse, 'organizer');
  else {
    expect('own response', fields.myResponse, facts.answer?.response ?? 'none');
    expect('time of the own response', second(fields.myResponseAt), second(facts.answer?.at ?? null));
  }
  if (facts.location !== null) expect('place', fields.location, facts.location);
  expectAttendees(calendar, fields.attendees, facts, terms, expect);
  return found;
}

function expectAttendees(
  { address: owner }: SimulatedCalendar,
  attendees: readonly Attendee[],
  facts: MeetingFacts,
  { isForgetful, isObedient }: Terms,
  expect: (what: string, is: unknown, due: unknown) => void,
): void {
  const there = new Map(attendees.map((a) => [a.address.toLowerCase(), a]));
  for (const [address, answer] of facts.attendees) {
    const attendee = there.get(address);
    if (facts.uninvited.has(address)) {
      if (!isForgetful) expect(`attendee ${address}`, attendee?.address, undefined);
      continue;
    }
    // An attendee who is the owner may be called by either address.
    const isOwner = !facts.isOwn && address.startsWith(owner.slice(0, owner.indexOf('@')));
    const response = isOwner ? undefined : [attendee?.response, second(attendee?.respondedAt ?? null)];
    expect(`attendee ${address}`, attendee !== undefined || isOwner, true);
    if (response && isObedient)
      expect(`answer of ${address}`, response, [answer?.response ?? 'none', second(answer?.at ?? null)]);
  }
}
