/** Calendars with items that no client would have made. Each has its outcome, and keeps nobody else from arriving. */
import { describe, expect, test } from 'vitest';
import {
  attendee,
  calendar,
  event,
  hour,
  isQuiet,
  type Lines,
  local,
  observance,
  openCalendars,
  outcomeOf,
  renameAll,
  timesOf,
  type Years,
  zone,
} from './bad-calendars.fixture.ts';
import type { BadWorld } from './bad-world.fixture.ts';

/** In each calendar, beside what is bad. */
const neighbours = [
  ...event('neighbour one', hour('20250603')),
  ...event('neighbour two', hour('20250604'), 'RRULE:FREQ=DAILY;COUNT=3'),
];

interface Bad {
  readonly name: string;
  readonly text: string;
  /** How often it takes place, on both sides. */
  readonly times: number;
  readonly years?: Years;
  /** Of the quarantine; then the target has nothing of it. */
  readonly quarantined?: string;
  /** What is named as not kept, and how many times the target lacks by that. */
  readonly unkept?: { readonly what: RegExp; readonly lost: number };
  /** What the source says to a change that comes back from the target; the change waits in quarantine. */
  readonly unchangeable?: string;
  /** Copies that were taken out, recoverably and into the journal. */
  readonly duplicates?: number;
}
const bad = (name: string, expected: Omit<Bad, 'name' | 'text'>, ...all: Lines): Bad => ({
  name,
  text: calendar(...all, neighbours),
  ...expected,
});

const cleo = 'ORGANIZER;CN=Cleo:mailto:cleo@elsewhere.test';
const daily = (more: string) => `RRULE:FREQ=DAILY;${more}`;

const cases: readonly Bad[] = [
  // Series
  bad(
    'it ends before it begins',
    { times: 0, quarantined: 'refused-by-target: ErrorCalendarEndDateIsEarlierThanStartDate' },
    event('x', hour('20250610'), daily('UNTIL=20250601T000000Z')),
  ),
  bad(
    'it takes place 0 times',
    { times: 0, quarantined: 'corrupt: the server shows no recurrence that can be read' },
    event('x', hour('20250610'), daily('COUNT=0')),
  ),
  bad(
    'every day of it is left out',
    { times: 0 },
    event('x', hour('20250610'), daily('COUNT=2'), 'EXDATE:20250610T100000Z,20250611T100000Z'),
  ),
  bad(
    'an exception on a day that the pattern lacks, right beside one that it has',
    { times: 5, unkept: { what: /occurrences \(1 days that the pattern does not have\)/, lost: 1 } },
    event('x', hour('20250610'), 'RRULE:FREQ=WEEKLY;COUNT=4'),
    event('x', hour('20250616', 14), 'RECURRENCE-ID:20250616T100000Z'),
    event('x', hour('20250624', 14), 'RECURRENCE-ID:20250624T100000Z'),
  ),
  bad(
    'an exception behind its end',
    { times: 3, unkept: { what: /occurrences/, lost: 1 } },
    event('x', hour('20250610'), daily('COUNT=2')),
    event('x', hour('20250710', 14), 'RECURRENCE-ID:20250710T100000Z'),
  ),
  bad(
    'days are left out that it never had',
    { times: 4, unkept: { what: /occurrences/, lost: 0 } },
    event('x', hour('20250610'), 'RRULE:FREQ=WEEKLY;COUNT=4', 'EXDATE:20250612T100000Z'),
  ),
  bad(
    'exceptions that have changed places',
    { times: 6 },
    event('x', hour('20250610'), daily('COUNT=6')),
    event('x', hour('20250614', 14), 'RECURRENCE-ID:20250611T100000Z'),
    event('x', hour('20250611', 16), 'RECURRENCE-ID:20250614T100000Z'),
  ),
  bad(
    'occurrences of three days every day',
    { times: 6 },
    event('x', 'DTSTART:20250610T100000Z', 'DTEND:20250613T100000Z', daily('COUNT=6')),
  ),
  bad('every 5,000 days', { times: 3 }, event('x', hour('20000610'), daily('INTERVAL=5000'))),
  bad('5,000 times', { times: 5000 }, event('x', hour('20150610'), daily('COUNT=5000'))),
  bad(
    'the 31st of February',
    { times: 5 },
    event('x', hour('20150131'), 'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31;COUNT=5'),
  ),
  bad('a rule that no pattern can say', { times: 1 }, event('x', hour('20250610'), 'RRULE:FREQ=SECONDLY')),

  // Zones
  bad('a zone that nobody knows', { times: 3 }, event('x', local('Mars/Phobos', '20250610'), daily('COUNT=3'))),
  bad(
    'a zone that says nothing',
    { times: 3 },
    zone('Empty', 'X-INVALID-TIMEZONE:TRUE'),
    event('x', local('Empty', '20250610'), daily('COUNT=3')),
  ),
  bad(
    'a zone of odd minutes, with rules of its own',
    { times: 30 },
    zone(
      'Half',
      observance('STANDARD', '+0017', 'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU'),
      observance('DAYLIGHT', '+0147', 'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU'),
    ),
    event('x', local('Half', '20250610'), 'RRULE:FREQ=WEEKLY;COUNT=30'),
  ),
  bad(
    'a series in a zone four days from UTC',
    { times: 3, quarantined: 'corrupt: the rules of the time zone in which it repeats make no sense' },
    zone('Far', observance('STANDARD', '+9945')),
    event('x', local('Far', '20250610'), daily('COUNT=3')),
  ),
  bad(
    'one time in such a zone',
    { times: 1 },
    zone('Far', observance('STANDARD', '+9945')),
    event('x', local('Far', '20250610')),
  ),

  // People
  bad(
    '10,000 attendees',
    { times: 1 },
    event(
      'x',
      hour('20250610'),
      cleo,
      Array.from({ length: 10_000 }, (_, n) => attendee(`person${n}@elsewhere.test`)),
    ),
  ),
  bad('a meeting without an organizer', { times: 1 }, event('x', hour('20250610'), attendee('bo@elsewhere.test'))),
  bad(
    'an organizer who left',
    { times: 1 },
    event(
      'x',
      hour('20250610'),
      'ORGANIZER;CN=Gone:/o=Old/ou=Exchange Administrative Group/cn=Recipients/cn=gone',
      attendee('bo@elsewhere.test'),
    ),
  ),
  bad(
    'attendees without an address',
    { times: 1 },
    event('x', hour('20250610'), cleo, 'ATTENDEE;CN=Bo:', attendee('no address')),
  ),

  // Times
  bad('in the year 1601', { times: 1, years: [1601, 1602] }, event('x', hour('16010102'))),
  bad(
    'before there were calendars',
    { times: 1, years: [1600, 1601], quarantined: 'corrupt: the server shows no when that can be read' },
    event('x', hour('16001230')),
  ),
  bad('in the year 4500', { times: 1, years: [4500, 4501] }, event('x', hour('45000830'))),
  bad('after the last day', { times: 1, years: [4501, 4502] }, event('x', hour('45010102'))),
  bad(
    'each year from 1601 to 4500',
    { times: 2900, years: [1601, 4502] },
    event('x', hour('16010102'), 'RRULE:FREQ=YEARLY'),
  ),
  bad(
    'it ends before it begins to',
    { times: 1, unchangeable: 'refused-by-target: ErrorCalendarEndDateIsEarlierThanStartDate' },
    event('x', 'DTSTART:20250610T100000Z', 'DTEND:20250610T090000Z'),
  ),
  bad(
    'it lasts 40 years',
    { times: 1, unchangeable: 'refused-by-target: ErrorCalendarDurationIsTooLong' },
    event('x', 'DTSTART:20000610T100000Z', 'DTEND:20400610T090000Z'),
  ),

  // Identity
  bad(
    'three with one UID',
    { times: 1, duplicates: 2 },
    event('x', hour('20250610')),
    event('x', hour('20250611'), 'LOCATION:there'),
    event('x', hour('20250612'), 'DESCRIPTION:much more'),
  ),
  bad(
    'two occurrences of a series that is not there',
    { times: 2 },
    event('x', hour('20250610'), 'RECURRENCE-ID:20250610T100000Z'),
    event('x', hour('20250612'), 'RECURRENCE-ID:20250611T100000Z'),
  ),
  bad('a UID of 5,000 characters', { times: 1 }, event('u'.repeat(5000), hour('20250610'))),
  bad('no UID', { times: 1 }, ['BEGIN:VEVENT', 'SUMMARY:none', ...hour('20250610'), 'END:VEVENT']),
];

const ours = ({ subject }: { readonly subject: string | null }) => subject?.startsWith('neighbour') === true;

async function outcome(open: BadWorld, { times, years, quarantined, unkept, unchangeable, duplicates = 0 }: Bad) {
  const before = timesOf(open, 'source', 0, years);
  await open.syncCalendars();
  const found = await outcomeOf(open, 0);
  expect(found.quarantined).toEqual(quarantined === undefined ? [] : [expect.stringContaining(quarantined)]);
  expect(found.unkept).toEqual(unkept === undefined ? [] : [expect.stringMatching(unkept.what)]);
  expect({ removed: found.removed, journal: found.journal }).toEqual({ removed: duplicates, journal: duplicates });

  const [left, right] = [timesOf(open, 'source', 0, years), timesOf(open, 'target', 0, years)];
  // The source is as it was, but for what was there twice.
  expect(left.filter((one) => !ours(one))).toHaveLength(times);
  if (duplicates === 0) expect(left).toEqual(before);
  if (quarantined !== undefined) expect(right).toEqual(left.filter(ours));
  else if (unkept === undefined) expect(right).toEqual(left);
  else expect(left).toEqual(expect.arrayContaining(right));
  expect(left.length - right.length).toBe(quarantined === undefined ? (unkept?.lost ?? 0) : times);
  expect(timesOf(open, 'target', 0, [2025, 2026]).filter(ours)).toHaveLength(4);
  expect(await isQuiet(open, 0)).toBe(true);

  // It goes on being one with the other side.
  renameAll(open, 0);
  await open.syncCalendars();
  const subjects = (side: 'source' | 'target') => timesOf(open, side, 0, [2025, 2026]).map(({ subject }) => subject);
  expect(subjects('target').every((subject) => subject?.endsWith(', renamed'))).toBe(true);
  const here = subjects('source').filter((subject) => !subject?.endsWith(', renamed')).length;
  if (unchangeable === undefined && quarantined === undefined) expect(here).toBe(0);
  if (unchangeable !== undefined)
    expect((await outcomeOf(open, 0)).quarantined).toEqual([expect.stringContaining(unchangeable)]);
  expect(timesOf(open, 'source', 0, years)).toHaveLength(left.length);
  expect(await isQuiet(open, 0)).toBe(true);
}

describe.each([
  ['2007', '2016'],
  ['2010', '2016'],
  ['2016', '2016'],
] as const)('from %s to %s', (...versions) => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const open = await openCalendars([one], versions);
    try {
      await outcome(open, one);
    } finally {
      await open.close();
    }
  });
});
