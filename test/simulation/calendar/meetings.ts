import type { Attendee, EventFields, Person } from '#model/appointment.ts';
import type { Instant } from '#model/mail.ts';
import { type CalendarPerson, daily, daysOf, firstDay, pick, someTime, write } from './calendar-person.ts';
import { dropTokens } from './ledger.ts';
import { CANCELLED, MEETING, type MeetingFacts, RECEIVED } from './meeting-facts.ts';
import type { SimulatedEvent } from './simulated-calendar.ts';

const answers = ['accept', 'tentative', 'decline'] as const;
const boss: Person = { name: 'Bo Sander', address: 'bo@elsewhere.test' };

const invite = (address: string): Attendee => ({
  name: address,
  address,
  role: 'required',
  response: 'none',
  respondedAt: null,
});

/** The owner of a calendar, other people's calendar programs and the servers in between, about a meeting. */
export function meetingStep(person: CalendarPerson): void {
  const { random, calendar, ledger } = person;
  const meeting = pick(
    random,
    calendar.events().filter((e) => ledger.meetings.has(e.identity)),
  );
  const what = random.int(8);
  if (what === 0) organize(person);
  else if (what === 1) beInvited(person);
  else if (meeting) {
    const facts = ledger.meetings.get(meeting.identity);
    if (facts?.isOwn) leadMeeting(person, meeting, facts);
    else if (facts) attendMeeting(person, meeting, facts);
  }
}

function organize(person: CalendarPerson): void {
  const { calendar, random } = person;
  const attendees = [1, 2].map(() => invite(`guest${person.next()}@elsewhere.test`));
  const isSent = random.int(4) > 0;
  const at = isSent ? person.now() : null;
  bookMeeting(person, {
    attendees,
    organizer: { name: 'Anna', address: calendar.address },
    stateFlags: MEETING,
    myResponse: 'organizer',
    invited: isSent,
    ownerCriticalChangeAt: at,
  });
}

function beInvited(person: CalendarPerson): void {
  const at = person.now();
  bookMeeting(person, {
    attendees: [invite(person.calendar.address), invite(`guest${person.next()}@elsewhere.test`)],
    organizer: boss,
    stateFlags: MEETING | RECEIVED,
    myResponse: 'none',
    invited: true,
    showAs: 'tentative',
    intendedShowAs: 'busy',
    ownerCriticalChangeAt: at,
    attendeeCriticalChangeAt: at,
  });
}

type MeetingFields = Pick<EventFields, 'attendees' | 'stateFlags' | 'invited' | 'ownerCriticalChangeAt'> & {
  readonly organizer: Person;
} & Partial<EventFields>;

function bookMeeting(person: CalendarPerson, fields: MeetingFields): void {
  const { calendar, random, ledger } = person;
  const [folder] = calendar.folders();
  if (folder === undefined) return;
  const id = calendar.book(
    folder,
    {
      ...fields,
      subject: write(person, 'a new meeting'),
      when: someTime(random, firstDay),
      ...(random.int(3) === 0 ? { recurrence: daily(3 + random.int(4)) } : {}),
    },
    null,
  );
  const booked = calendar.events().find((e) => e.id === id);
  if (!booked) return;
  ledger.meetings.set(booked.identity, {
    organizer: fields.organizer,
    isOwn: (fields.stateFlags & RECEIVED) === 0,
    isSent: fields.invited,
    isSentAtOnce: fields.invited,
    isCancelled: false,
    sequence: 0,
    changedAt: fields.ownerCriticalChangeAt,
    answer: null,
    attendees: new Map(fields.attendees.map((a) => [a.address, null])),
    uninvited: new Set(),
    location: null,
  });
}

/** What comes in for the organizer, and what the organizer does. */
function leadMeeting(person: CalendarPerson, meeting: SimulatedEvent, facts: MeetingFacts): void {
  const { random, calendar } = person;
  const { attendees, sequence } = meeting.item.fields;
  const attendee = pick(random, attendees);
  switch (random.int(5)) {
    case 0:
    case 1: {
      if (!attendee || !facts.isSent) return;
      const response = pick(random, answers) ?? 'accept';
      const at = person.now();
      facts.attendees.set(attendee.address, { response, at });
      calendar.edit(meeting.id, {
        attendees: attendees.map((a) => (a === attendee ? { ...a, response, respondedAt: at } : a)),
      });
      return;
    }
    case 2: {
      openInOutlook(person, meeting);
      const address = `guest${person.next()}@elsewhere.test`;
      facts.attendees.set(address, null);
      calendar.edit(meeting.id, { attendees: [...attendees, invite(address)], ...sent(person, facts, sequence) });
      return;
    }
    case 3:
      if (!attendee || attendees.length < 2) return;
      openInOutlook(person, meeting);
      facts.uninvited.add(attendee.address);
      calendar.edit(meeting.id, {
        attendees: attendees.filter((a) => a !== attendee),
        ...sent(person, facts, sequence),
      });
      return;
    default: {
      openInOutlook(person, meeting);
      const said = updated(person, meeting, facts);
      calendar.edit(meeting.id, { ...said, ...sent(person, facts, said.sequence) });
    }
  }
}

/** An attendee answers; what the organizer sends is processed by the server. */
function attendMeeting(person: CalendarPerson, meeting: SimulatedEvent, facts: MeetingFacts): void {
  const { random, calendar } = person;
  const { fields } = meeting.item;
  switch (random.int(6)) {
    case 0:
    case 1: {
      const response = pick(random, answers) ?? 'accept';
      const at = person.now();
      facts.answer = { response, at };
      calendar.edit(meeting.id, { myResponse: response, myResponseAt: at, showAs: showAsOf(response) });
      return;
    }
    case 2: {
      const day = pick(
        random,
        daysOf(meeting).filter((d) => !meeting.item.deletedDays.includes(d)),
      );
      const response = pick(random, answers) ?? 'accept';
      if (day !== undefined)
        calendar.editOccurrence(meeting.id, day, {
          myResponse: response,
          myResponseAt: person.now(),
          showAs: showAsOf(response),
        });
      return;
    }
    case 3:
      if (random.int(3) > 0) return;
      facts.isCancelled = true;
      calendar.edit(meeting.id, {
        ...updated(person, meeting, facts),
        stateFlags: fields.stateFlags | CANCELLED,
        showAs: 'free',
      });
      return;
    default:
      // An update after a cancellation says that the meeting takes place after all, or that the owner is on its list again.
      facts.isCancelled = false;
      calendar.edit(meeting.id, { ...updated(person, meeting, facts), stateFlags: fields.stateFlags & ~CANCELLED });
  }
}

const showAsOf = (response: (typeof answers)[number]): EventFields['showAs'] =>
  response === 'accept' ? 'busy' : response === 'decline' ? 'free' : 'tentative';

/** The organizer says anew what the meeting is. Numbers go on from the last one that anybody was told. */
function updated(
  person: CalendarPerson,
  meeting: SimulatedEvent,
  facts: MeetingFacts,
): Partial<EventFields> & Pick<EventFields, 'sequence'> {
  const { fields } = meeting.item;
  dropTokens(person.ledger, fields.location);
  const location = write(person, 'the place of a meeting');
  // Of one's own meeting both calendars may say something at the same time, and then the policy decides.
  facts.location = facts.isOwn ? null : location;
  // On one's own calendar the number that is seen there is counted on; an invitation brings the organizer's.
  const sequence = (facts.isOwn ? fields.sequence : facts.sequence) + 1;
  const at = person.now();
  say(facts, sequence, at);
  return {
    location,
    sequence,
    ownerCriticalChangeAt: at,
    ...(fields.recurrence === null ? { when: someTime(person.random, firstDay) } : {}),
  };
}

/** What is said in a copy that is behind says less than what was said before: attendees go by the number, and of equal ones by the time. */
function say(facts: MeetingFacts, sequence: number, at: Instant): void {
  if (sequence < facts.sequence) return;
  facts.sequence = sequence;
  facts.changedAt = at;
}

/** Saving a meeting of one's own sends it. @param sequence As it is saved. */
function sent(person: CalendarPerson, facts: MeetingFacts, sequence: number): Partial<EventFields> {
  if (facts.isSent) return {};
  facts.isSent = true;
  const at = person.now();
  say(facts, sequence, at);
  return { invited: true, ownerCriticalChangeAt: at };
}

/**
 * Outlook asks for nothing and sends a meeting that does not say that its invitations went out (FInvited, [MS-OXOCAL] 2.2.4.4): everybody
 * is invited once more.
 */
export function openInOutlook({ ledger, calendar }: CalendarPerson, { identity, item }: SimulatedEvent): void {
  const facts = ledger.meetings.get(identity);
  if (facts?.isOwn && facts.isSentAtOnce && !item.fields.invited)
    ledger.mails.push(`Outlook on ${calendar.address} sends the invitations of ${identity.slice(-8)} once more`);
}
