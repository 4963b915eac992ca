import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { endsOf, occurrencesBetween, startMsOf } from '../world/appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { ItemContent } from '../world/item.ts';
import { key } from '../world/property.ts';
import { readIcs } from './read-ics.ts';

const owner = { name: 'Ana', address: 'ana@source.test', guid: 'g', nowMs: 0 };
const read = (...lines: string[]): readonly ItemContent[] =>
  readIcs(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\r\n'), owner);
const event = (...lines: string[]): readonly string[] => ['BEGIN:VEVENT', 'UID:u', 'SUMMARY:s', ...lines, 'END:VEVENT'];
const only = (...lines: string[]): ItemContent => must(read(...event(...lines))[0], 'an item');
const days = (content: ItemContent): readonly string[] =>
  occurrencesBetween(content, Date.UTC(2024, 0, 1), Date.UTC(2025, 0, 1)).map(({ day }) => day);

describe('series', () => {
  test('UNTIL is an instant that is a day of the series’ zone, and includes itself', () => {
    const until = (text: string) =>
      days(only('DTSTART;TZID=America/Los_Angeles:20240102T180000', `RRULE:FREQ=DAILY;UNTIL=${text}`)).at(-1);
    // 2024-01-05 02:00 UTC is 18:00 of the day before.
    expect(until('20240105T020000Z')).toBe('2024-01-04');
    expect(until('20240105T015959Z')).toBe('2024-01-03');
    expect(until('20240105')).toBe('2024-01-05');
  });

  test('one that ends before it begins, or leaves out every day, is held all the same', () => {
    const early = only('DTSTART:20240102T180000Z', 'RRULE:FREQ=DAILY;UNTIL=20231201');
    expect(early.calendar?.recurrence?.range).toEqual({ kind: 'until', lastDay: '2023-12-01' });
    expect(endsOf(early)).toEqual({ first: null, last: null });
    const none = only(
      'DTSTART:20240102T180000Z',
      'RRULE:FREQ=DAILY;COUNT=2',
      'EXDATE:20240102T180000Z,20240103T180000Z',
    );
    expect(none.calendar?.deletedDays).toEqual(['2024-01-02', '2024-01-03']);
    expect(endsOf(none).first).toBeNull();
  });

  test('exceptions are in their series, also on days that its pattern lacks', () => {
    const [series, ...more] = read(
      ...event('DTSTART:20240102T180000Z', 'RRULE:FREQ=WEEKLY;COUNT=3'),
      ...event('RECURRENCE-ID:20240109T180000Z', 'DTSTART:20240109T200000Z', 'LOCATION:there'),
      ...event('RECURRENCE-ID:20240111T180000Z', 'DTSTART:20240111T180000Z'),
    );
    expect(more).toEqual([]);
    expect(series?.calendar?.exceptions.map(({ day }) => day)).toEqual(['2024-01-09', '2024-01-11']);
    expect(series?.calendar?.exceptions[0]?.properties.get(calendarKey.location)?.value).toBe('there');
  });

  test('occurrences without their series are items of their own, each with its day in its id', () => {
    const ids = read(
      ...event('RECURRENCE-ID:20240109T180000Z', 'DTSTART:20240109T200000Z'),
      ...event('RECURRENCE-ID:20240111T180000Z', 'DTSTART:20240111T180000Z'),
    ).map(({ properties }) =>
      [calendarKey.globalObjectId, calendarKey.cleanGlobalObjectId].map((at) =>
        Buffer.from(String(properties.get(at)?.value), 'base64').toString('hex', 16, 20),
      ),
    );
    expect(ids).toEqual([
      ['07e80109', '00000000'],
      ['07e8010b', '00000000'],
    ]);
  });

  test.each([
    'FREQ=HOURLY',
    'FREQ=DAILY;INTERVAL=0',
    'FREQ=MONTHLY;BYDAY=1MO,3MO,XX',
    'nonsense',
  ])('a rule that no pattern can say (%s) is dropped', (rule) => {
    expect(only('DTSTART:20240102T180000Z', `RRULE:${rule}`).calendar?.recurrence).toBeNull();
  });
});

describe('zones', () => {
  const zoneOf = (content: ItemContent) => must(content.calendar, 'an appointment').startZone;
  const definition = (id: string, ...lines: string[]) => ['BEGIN:VTIMEZONE', `TZID:${id}`, ...lines, 'END:VTIMEZONE'];
  const observance = (name: string, to: string, month: number, day: string) => [
    `BEGIN:${name}`,
    'DTSTART:19700101T020000',
    `TZOFFSETTO:${to}`,
    `RRULE:FREQ=YEARLY;BYMONTH=${month};BYDAY=${day}`,
    `END:${name}`,
  ];
  const start = (id: string) => event(`DTSTART;TZID=${id}:20240702T180000`);

  test('that the server knows are the server’s; those of the stream are spelt out', () => {
    expect(zoneOf(only('DTSTART;TZID=Europe/Berlin:20240702T180000'))).toMatchObject({
      id: 'W. Europe Standard Time',
      spans: null,
    });
    const [own] = read(
      ...definition(
        'Home',
        ...observance('STANDARD', '-0330', 11, '1SU'),
        ...observance('DAYLIGHT', '-0230', 3, '-1SU'),
      ),
      ...start('Home'),
    );
    expect(startMsOf(must(own, 'an item'))).toBe(Date.UTC(2024, 6, 2, 20, 30));
  });

  test('that nobody knows, or whose definition says nothing, are a name; times count as UTC', () => {
    for (const [item] of [
      read(...start('Mars/Phobos')),
      read(...definition('Mars/Phobos', 'X-A:b'), ...start('Mars/Phobos')),
    ]) {
      expect(zoneOf(must(item, 'an item'))).toEqual({ id: 'Mars/Phobos', name: 'Mars/Phobos', spans: [] });
      expect(startMsOf(must(item, 'an item'))).toBe(Date.UTC(2024, 6, 2, 18));
    }
  });
});

describe('people', () => {
  const attendee = 'ATTENDEE;PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT;CN=Bo:MAILTO:bo@x.test';

  test('somebody else’s meeting is an attendee’s copy', () => {
    const content = only('DTSTART:20240102T180000Z', 'ORGANIZER;CN=Carl:mailto:carl@x.test', attendee);
    expect(content.from).toEqual({ name: 'Carl', address: 'carl@x.test' });
    expect(content.properties.get(calendarKey.stateFlags)?.value).toBe(3);
    expect(content.calendar?.attendees).toEqual([
      { name: 'Bo', address: 'bo@x.test', role: 'optional', response: 'Accept', respondedAtMs: null },
    ]);
  });

  test('a meeting without an organizer has none; an appointment is its owner’s', () => {
    expect(only('DTSTART:20240102T180000Z', attendee).from).toBeNull();
    expect(only('DTSTART:20240102T180000Z').from?.address).toBe('ana@source.test');
  });
});

test('what is no event, or has no start, is not there; a stream that breaks off is read as far as it goes', () => {
  expect(
    read('BEGIN:VEVENT', 'SUMMARY:x', 'END:VEVENT', 'BEGIN:VTODO', 'DTSTART:20240102T180000Z', 'END:VTODO'),
  ).toEqual([]);
  const [item] = readIcs('BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20240102\r\nSUMMARY:half\r\nDESCR', owner);
  expect(item?.properties.get(key.subject)?.value).toBe('half');
});
