import type { Attendee, EventFields } from '#model/appointment.ts';
import type { Violations } from '../checkers.ts';
import type { CalendarWorld } from './calendar-world.ts';
import { CANCELLED, MEETING, type MeetingFacts, RECEIVED } from './meeting-facts.ts';
import type { SimulatedCalendar } from './simulated-calendar.ts';

/** To the second, which is what every protocol keeps. */
const second = (instant: number | null): number | null => (instant === null ? null : Math.floor(instant / 1000));

/**
 * What is true of each meeting stands in both calendars: who organizes it, who comes, what the owner answered, which word of the organizer
 * was the last. Not asked about meetings that somebody deleted, or that machinery wrote into.
 */
export async function meetingsStand(world: CalendarWorld): Promise<Violations> {
  const { meetings, removed, meddled } = world.ledger;
  // Two that are found and linked have no common past: what one of them lacks may be new in the other.
  const history = await world.store.history({ pair: world.track }, 100_000);
  const isForgetful = history.some((h) => h.outcome === 'adopted');
  return [world.left, world.right].flatMap((calendar) =>
    calendar.events().flatMap(({ identity, item }) => {
      const facts = meetings.get(identity);
      if (!facts || removed.has(identity) || meddled.has(identity)) return [];
      return wrongOf(calendar, item.fields, facts, { isForgetful, keepsAnswers: world.keepsAnswers }).map(
        (what) => `${what}: meeting ${identity.slice(-8)} on ${calendar.address}`,
      );
    }),
  );
}

interface Terms {
  /** The database was lost in between. */
  readonly isForgetful: boolean;
  /** See `CalendarStage`. */
  readonly keepsAnswers: boolean;
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
  if (terms.keepsAnswers) expect('organizer', fields.organizer?.address, facts.organizer.address);
  expect('sequence', fields.sequence, facts.sequence);
  expect('time of the last change', second(fields.ownerCriticalChangeAt), second(facts.changedAt));
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
  { isForgetful, keepsAnswers }: Terms,
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
    if (response && keepsAnswers)
      expect(`answer of ${address}`, response, [answer?.response ?? 'none', second(answer?.at ?? null)]);
  }
}
