import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import type { Day } from '#model/wall-time.ts';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { anyFields, comesBack, fitsSchema, servers, shownBack } from '../typed/codec-laws.fixture.ts';
import { kindPaths, readFields, updateParts } from '../typed/kind-codec.ts';
import { shownItem } from '../typed/shown-item.ts';
import { contactCodec } from './contact-codec.ts';

const text = fc.constantFrom('', 'a', 'Zoë & <Söhne> "x"', '+43 (1) 234');
const keyed = (...keys: readonly string[]) =>
  fc.record(Object.fromEntries(keys.map((key) => [key, text.filter((one) => one !== '')])), { requiredKeys: [] });
const address = fc
  .record({ street: text, city: text, state: text, postalCode: text, country: text })
  .filter((one) => Object.values(one).some((part) => part !== ''));
const contacts = anyFields(contactCodec, {
  phones: keyed('BusinessPhone', 'HomePhone', 'TtyTddPhone', 'AssistantPhone'),
  imAddresses: keyed('1', '2', '3'),
  userFields: keyed('1', '2', '3', '4'),
  emails: fc.record(
    {
      '1': fc.record({ name: fc.constantFrom('', 'Ana Berg'), address: fc.constant('ana@source.example') }),
      '2': fc.record({ name: fc.constant('Gone'), address: fc.constantFrom('/o=Old/cn=gone', '') }),
    },
    { requiredKeys: [] },
  ),
  addresses: fc.record({ business: address, home: address, other: address }, { requiredKeys: [] }),
});

describe.each(servers)('contacts in the words of %s', (server, version) => {
  test('come back as they were written', () => comesBack(contactCodec, contacts, version));
  test.skipIf(!haveSchemas())('fit the schema', () =>
    fitsSchema(contactCodec, contacts, version, (bytes) => validateEnvelope(server, bytes)),
  );
});

const plain = shownBack(contactCodec, contactCodec.unread, 'Exchange2016').fields;
const changes = (set: Parameters<typeof updateParts<'contacts'>>[1], before: Partial<typeof plain> = {}) =>
  updateParts(contactCodec, set, { ...plain, ...before }, 'Exchange2016');

test('a web page may be anything that people write, which the element of EWS may not', () => {
  expect(changes({ webPage: 'see ]above[ ' })).toEqual([
    {
      path: expect.stringContaining('<t:ExtendedFieldURI PropertyTag="0x3A51"'),
      element: 'ExtendedProperty',
      xml: expect.stringContaining('see ]above[ '),
    },
  ]);
});

test('a key that goes is deleted alone, and one that stays is not written', () => {
  const phones = { BusinessPhone: '1', HomePhone: '2' };
  expect(changes({ phones: { HomePhone: '2', Pager: '3' } }, { phones })).toEqual([
    {
      path: '<t:IndexedFieldURI FieldURI="contacts:PhoneNumber" FieldIndex="BusinessPhone"/>',
      element: 'PhoneNumbers',
      xml: null,
    },
    {
      path: '<t:IndexedFieldURI FieldURI="contacts:PhoneNumber" FieldIndex="Pager"/>',
      element: 'PhoneNumbers',
      xml: '<t:PhoneNumbers><t:Entry Key="Pager">3</t:Entry></t:PhoneNumbers>',
    },
  ]);
});

test('of an address the parts that change are written', () => {
  const home = { street: 'Way 1', city: 'Wien', state: '', postalCode: '1010', country: '' };
  const parts = changes({ addresses: { home: { ...home, street: '', city: 'Graz' } } }, { addresses: { home } });
  expect(
    parts.map(({ path, xml }) => [/FieldURI="contacts:PhysicalAddress:(\w+)" FieldIndex="Home"/.exec(path)?.[1], xml]),
  ).toEqual([
    ['Street', null],
    ['City', '<t:PhysicalAddresses><t:Entry Key="Home"><t:City>Graz</t:City></t:Entry></t:PhysicalAddresses>'],
  ]);
});

test('a text that becomes empty is deleted', () => {
  expect(changes({ company: '', children: [] }, { company: 'x', children: ['Ben'] }).map(({ xml }) => xml)).toEqual([
    null,
    null,
  ]);
});

const shown = (inner: string) =>
  readFields(
    contactCodec,
    shownItem(
      parseXmlBytes(
        `<t:Contact xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">${inner}</t:Contact>`,
      ).root,
    ),
  );
const local = (value: string) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="Address" PropertyId="32990" PropertyType="SystemTime"/><t:Value>${value}</t:Value></t:ExtendedProperty>`;

test.each([
  // What Exchange's own clients write, and what Outlook writes at midnight in Vienna, New York, Kolkata.
  ['1970-02-28T11:59:00Z', null],
  ['1970-02-27T23:00:00Z', null],
  ['1970-02-28T05:00:00Z', null],
  ['1970-02-27T18:30:00Z', null],
  // Midnight in Auckland is nearer to the day before; the local property tells.
  ['1970-02-27T11:00:00Z', '1970-02-28T00:00:00Z'],
  // One that was left behind is not believed.
  ['1970-02-28T11:59:00Z', '1980-01-01T00:00:00Z'],
])('a birthday is a day whatever the zone: %s, %s', (instant, day) => {
  const { fields } = shown(`${day === null ? '' : local(day)}<t:Birthday>${instant}</t:Birthday>`);
  expect(fields.birthday).toBe('1970-02-28' as Day);
});

test('what cannot be read is kept as it came', () => {
  const { fields, extras } = shown(
    '<t:Birthday>yesterday</t:Birthday><t:PostalAddressIndex>Yacht</t:PostalAddressIndex>',
  );
  expect([fields.birthday, fields.mailingAddress]).toEqual([null, null]);
  expect(extras.map(({ values }) => values)).toEqual([['yesterday'], ['Yacht']]);
});

test('every key of the table is asked for', () => {
  const paths = kindPaths(contactCodec);
  for (const key of ['EmailAddress3', 'TtyTddPhone', 'ImAddress2']) expect(paths).toContain(`FieldIndex="${key}"`);
  expect(paths).toContain('FieldURI="contacts:PhysicalAddress:CountryOrRegion" FieldIndex="Other"');
});
