import { expect, test } from 'vitest';
import { attendeesOfMime, together } from './attendee-lines.ts';

const event = (...lines: readonly string[]) => ['BEGIN:VEVENT', ...lines, 'END:VEVENT'].join('\r\n');
const mime = (...events: readonly string[]) =>
  Buffer.from(
    `Content-class: urn:content-classes:appointment\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\n${events.join('\r\n')}\r\nEND:VCALENDAR\r\n`,
  );

test('answers to a series and to single occurrences are told apart by the day that they are of', () => {
  const found = attendeesOfMime(
    mime(
      event('ATTENDEE;PARTSTAT=ACCEPTED;CN="Ben: B; C":MAILTO:ben@x.test', 'UID:1'),
      event(
        'ATTENDEE;PARTSTAT=DECLINED;CN=Ben:MAILTO:ben@x.test',
        'RECURRENCE-ID;TZID="W. Europe":20310313T0',
        ' 90000',
        'ATTENDEE;ROLE=OPT-PARTICIPANT:MAILTO:gil@x.test',
      ),
    ),
  );
  expect(found.ofItem).toMatchObject([{ name: 'Ben: B; C', address: 'ben@x.test', response: 'accept' }]);
  expect([...found.ofDays.keys()]).toEqual(['2031-03-13']);
  expect(found.ofDays.get('2031-03-13' as never)).toMatchObject([
    { address: 'ben@x.test', response: 'decline' },
    { address: 'gil@x.test', role: 'optional', response: 'unknown' },
  ]);
});

test('a message without a calendar has nobody', () => {
  const found = attendeesOfMime(Buffer.from('Subject: x\r\n\r\nATTENDEE:MAILTO:ben@x.test\r\n'));
  expect([found.ofItem, found.ofDays.size]).toEqual([[], 0]);
});

test('people without an address keep their own names, and everybody in a header field stays', () => {
  const person = (name: string, address = '') =>
    ({ name, address, role: 'required', response: 'unknown', respondedAt: null }) as const;
  const inCalendar = [person('Ana'), person('Ben B', 'ben@x.test'), person('Cy')];
  const named = [person('Ana'), person('Dee'), person('Ben "B"', 'BEN@x.test')];
  expect(together(inCalendar, named).map(({ name }) => name)).toEqual(['Ana', 'Ben "B"', 'Cy', 'Dee']);
});
