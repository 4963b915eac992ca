import { describe, expect, test } from 'vitest';
import type { AttachmentHead } from '#model/appointment.ts';
import type { ContactFields } from '#model/contact.ts';
import type { TypedItem } from '#model/typed-item.ts';
import { typedKinds } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import { canonical, changesSince, sameJson, sameShown, shown, visibleText } from './shown.ts';
import { attendee, day, event, headOf, monday9, series, weekly } from './typed-items.fixture.ts';

const contact = (fields: Partial<ContactFields>): TypedItem<'contacts'> =>
  ({
    kind: 'contacts',
    head: headOf(),
    fields,
    occurrences: [],
    deletedDays: [],
    extras: [],
  }) as unknown as TypedItem<'contacts'>;

const html = (text: string) => ({ body: { type: 'html' as const, text } });
const file = (hash: string, over: Partial<AttachmentHead> = {}): AttachmentHead => ({
  name: `${hash}.pdf`,
  contentType: null,
  contentId: null,
  isInline: false,
  sizeBytes: 1,
  hash,
  kind: 'file',
  ...over,
});

describe('is no change', () => {
  test.each([
    [
      'order of attendees, case of addresses, display names',
      { attendees: [attendee('a@x'), attendee('B@x')] },
      { attendees: [{ ...attendee('b@X'), name: 'Other' }, attendee('a@x')] },
    ],
    ['order of categories', { categories: ['a', 'b'] }, { categories: ['b', 'a'] }],
    ['white space and line ends of HTML', html('<p>a\r\n b</p>\r\n<p>c</p>'), html('<p>a b</p><p>c</p>\n')],
    [
      'an empty page in place of no text',
      html('<html><head><style>p {}</style></head><body><p>&nbsp;</p></body></html>'),
      { body: { type: 'text' as const, text: '' } },
    ],
    [
      'line ends of text',
      { body: { type: 'text' as const, text: 'a\r\nb\r\n' } },
      { body: { type: 'text' as const, text: 'a\nb' } },
    ],
    ['what is below a second', { ownerCriticalChangeAt: monday9 + 1 }, { ownerCriticalChangeAt: monday9 + 900 }],
    [
      'minutes of a reminder that is not set',
      { reminder: { isSet: false, minutesBefore: 15 } },
      { reminder: { isSet: false, minutesBefore: 0 } },
    ],
    [
      'first day of the week of a weekly series',
      { recurrence: weekly },
      { recurrence: { ...weekly, pattern: { ...weekly.pattern, firstDayOfWeek: 'sunday' as const } } },
    ],
    [
      'order of attachments, hash of an attached item',
      { attachments: [file('1'), file('2', { kind: 'item', name: 'Mail' })] },
      { attachments: [file('3', { kind: 'item', name: 'Mail' }), file('1')] },
    ],
  ])('%s', (_what, a, b) => {
    expect(sameShown(shown(event({ fields: a })), shown(event({ fields: b as typeof a })))).toBe(true);
  });

  test('empty phones, and the case of e-mail addresses', () => {
    const a = shown(
      contact({ phones: { HomePhone: '', Pager: '1 ' }, emails: { '1': { name: 'Ben', address: 'Ben@X' } } }),
    );
    const b = shown(
      contact({
        phones: { Pager: '1' },
        emails: { '1': { name: 'Ben', address: 'ben@x' }, '2': { name: '', address: '' } },
      }),
    );
    expect(sameShown(a, b)).toBe(true);
  });

  test('an override that is the series’ value, and an occurrence without overrides', () => {
    const bare = shown(series());
    const pinned = shown(
      series({
        occurrences: [
          { day: day('2024-03-11'), overrides: { location: 'Room 1' } },
          { day: day('2024-03-18'), overrides: {} },
        ],
      }),
    );
    expect(sameShown(bare, pinned)).toBe(true);
  });
});

describe('is a change', () => {
  test.each([
    ['subject', { subject: 'x' }],
    ['body', html('<p>other</p>')],
    ['body', html('<img src="cid:1">')],
    ['when', { when: { ...event().fields.when, startZone: { id: 'GMT Standard Time', rules: null } } }],
    ['attendees', { attendees: [attendee('a@x', 'accept', monday9)] }],
    ['attachments', { attachments: [file('1'), file('1')] }],
    ['reminder', { reminder: { isSet: true, minutesBefore: 0 } }],
  ])('%s', (field, fields) => {
    expect(changesSince(shown(event({ fields })), shown(event())).fields).toEqual([field]);
  });

  test('a moved, a deleted and a restored occurrence', () => {
    const before = shown(series({ deletedDays: [day('2024-03-18')] }));
    const after = shown(
      series({
        occurrences: [{ day: day('2024-03-11'), overrides: { when: event().fields.when } }],
        deletedDays: [day('2024-03-25')],
      }),
    );
    expect(changesSince(after, before).days).toEqual(['2024-03-11', '2024-03-18', '2024-03-25']);
  });
});

test('a snapshot survives a store that turns keys round, and a table that gains a field', () => {
  const now = shown(event({ fields: { attendees: [attendee('a@x'), attendee('b@x')] } }));
  const turned = JSON.parse(
    JSON.stringify(now, (_, v: unknown) =>
      v && typeof v === 'object' && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).reverse()) : v,
    ),
  );
  expect(sameShown(now, turned)).toBe(true);
  const { location: _, ...fewer } = now.fields;
  expect(changesSince(now, { ...now, fields: fewer }).fields).toEqual([]);
});

test('a snapshot stays small: bodies and long lists are hashes', () => {
  const many = Array.from({ length: 10_000 }, (_, n) => attendee(`person${n}@source.example`));
  const snapshot = shown(event({ fields: { attendees: many, ...html('x'.repeat(5_000_000)) } }));
  expect(JSON.stringify(snapshot).length).toBeLessThan(2000);
  expect(snapshot.fields['attendees']).toMatch(/^#[0-9a-f]{32}$/);
});

test('white space of any kind and length counts as one space', () => {
  for (const space of [' ', '  ', '\n', ' \t ', '\r\n\r\n', '\u00a0', ' \u2003', '\t'])
    expect(visibleText({ type: 'text', text: `${space}a${space}b c${space}` })).toBe('a b c');
});

test('the text of a page that never closes what it opens is found in time', () => {
  const began = performance.now();
  for (const nasty of ['<!--', '<style>', '<', '<p ', '<img '])
    visibleText({ type: 'html', text: nasty.repeat(1_000_000) });
  expect(performance.now() - began).toBeLessThan(5000);
});

describe.each(typedKinds)('samples of %s', (kind) => {
  test.each(Object.entries(typedRows(kind)))('of %s are told apart, and equal to themselves', (field, row) => {
    const values = row.sample.map((value) => canonical(field, row, value));
    for (const [n, value] of values.entries()) {
      expect(sameJson(value, canonical(field, row, structuredClone(row.sample[n])))).toBe(true);
      expect(values.filter((other) => sameJson(other, value))).toHaveLength(1);
    }
  });
});
