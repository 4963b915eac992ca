import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Property } from '../world/property.ts';
import { DavError } from './dav-error.ts';
import { uriOf } from './dav-name.ts';
import { type Condition, parseSql, readTime } from './sql.ts';
import { matches, ordered } from './sql-match.ts';

const rowOf = (properties: Readonly<Record<string, Property>>) => (name: Parameters<typeof uriOf>[0]) =>
  properties[uriOf(name)] ?? null;
const where = (text: string): Condition => {
  const { where: condition } = parseSql(`SELECT "DAV:uid" FROM "" WHERE ${text}`);
  if (condition === null) throw new Error('no condition');
  return condition;
};
const row = rowOf({
  'DAV:isfolder': { type: 'Boolean', value: false },
  'urn:schemas:httpmail:subject': { type: 'String', value: "Grüße an d'Artagnan" },
  'urn:schemas:httpmail:date': { type: 'SystemTime', value: Date.parse('2026-03-02T09:00:00Z') },
  'http://schemas.microsoft.com/mapi/proptag/x0e230003': { type: 'Integer', value: 40 },
  'http://schemas.microsoft.com/exchange/keywords-utf8': { type: 'StringArray', value: ['Red', 'Blue'] },
  'http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-c000-000000000046}/0x8570': { type: 'String', value: '1' },
  'DAV:key': { type: 'Binary', value: 'AQID' },
});

describe('conditions', () => {
  test.each([
    [`"DAV:isfolder" = false`, true],
    [`"DAV:isfolder" = FALSE And Not "DAV:isfolder" = true`, true],
    [`'DAV:isfolder' = 0`, true],
    [`"urn:schemas:httpmail:subject" = 'grüSSe an d''artagnan'`, false],
    [`"urn:schemas:httpmail:subject" = 'GRÜßE an d''artagnan'`, true],
    [`"urn:schemas:httpmail:subject" like '%an d''A%'`, true],
    [`"urn:schemas:httpmail:subject" NOT LIKE 'an%'`, true],
    [`"urn:schemas:httpmail:date" > '2026/03/02 08:59:59'`, true],
    [`"urn:schemas:httpmail:date" >= CAST("2026-03-02T09:00:00Z" as 'dateTime.tz')`, true],
    [`"urn:schemas:httpmail:date" < CAST("2026-03-02T10:00:00+01:00" AS "dateTime")`, false],
    [
      `"http://schemas.microsoft.com/mapi/proptag/x0e230003" >= 40 and "http://schemas.microsoft.com/mapi/proptag/x0e230003" <> 41`,
      true,
    ],
    [`"http://schemas.microsoft.com/exchange/keywords-utf8" = 'blue'`, true],
    [`"http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-c000-000000000046}/0x8570" = '1'`, true],
    [`"DAV:key" = CAST("AQID" as 'bin.base64')`, true],
    [`"DAV:nothing" is null Or "DAV:nothing" = 1`, true],
    [`"DAV:nothing" <> 1`, false],
    [`"DAV:isfolder" is not null`, true],
    [`"DAV:isfolder" = true Or "DAV:isfolder" = false And "DAV:nothing" = 1`, false],
    [`("DAV:isfolder" = true Or "DAV:isfolder" = false) And "DAV:nothing" is null`, true],
  ])('%s is %s', (text, expected) => {
    expect(matches(where(text), row)).toBe(expected);
  });
});

test('a query says what, where, and in which order', () => {
  const query = parseSql(
    `select "DAV:uid", "http://schemas.microsoft.com/mapi/string/{00020329-0000-0000-c000-000000000046}/urn:x:y" as z from scope('Shallow TRAVERSAL OF "/exchange/a/It''s"', '"/exchange/b"') order by "DAV:uid" desc, "DAV:href"`,
  );
  expect(query.select).toEqual([
    { name: { ns: 'DAV:', local: 'uid' }, alias: null },
    {
      name: {
        ns: 'http://schemas.microsoft.com/mapi/string/{00020329-0000-0000-c000-000000000046}/',
        local: 'urn:x:y',
      },
      alias: 'z',
    },
  ]);
  expect(query.from).toEqual([
    { traversal: 'shallow', path: "/exchange/a/It's" },
    { traversal: 'deep', path: '/exchange/b' },
  ]);
  expect(query.orderBy.map(({ name, descending }) => [name.local, descending])).toEqual([
    ['uid', true],
    ['href', false],
  ]);
});

test('whatever the text, a query is read or refused', () => {
  const word = fc.constantFrom(
    'SELECT',
    '"DAV:uid"',
    'FROM',
    'SCOPE',
    '(',
    ')',
    `'""'`,
    'WHERE',
    'NOT',
    'AND',
    '=',
    '1',
    'IS',
    'NULL',
    'CAST',
    ',',
    "'",
    '"',
    'ORDER',
    'BY',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      try {
        parseSql(words.join(' '));
      } catch (error) {
        expect(error).toBeInstanceOf(DavError);
      }
    }),
  );
});

test('rows are sorted by each column in turn, and missing values come first', () => {
  const rows = [3, null, 1, 2].map((value) => ({ value }));
  const sorted = ordered(
    rows,
    parseSql('SELECT * FROM "" ORDER BY "DAV:n"').orderBy,
    ({ value }) =>
      () =>
        value === null ? null : { type: 'Integer', value },
  );
  expect(sorted.map(({ value }) => value)).toEqual([null, 1, 2, 3]);
});

test.each([
  ['2026-03-02T09:00:00.000Z', '2026-03-02T09:00:00.000Z'],
  ['2026/03/02 09:00:00', '2026-03-02T09:00:00.000Z'],
  ['2026-3-2', '2026-03-02T00:00:00.000Z'],
  ['2026-03-02T09:00:00.1234567+02:00', '2026-03-02T07:00:00.123Z'],
])('%s is the time %s', (text, iso) => {
  expect(new Date(readTime(text) ?? Number.NaN).toISOString()).toBe(iso);
});
