import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import { type XmlFragment, xmlText } from '#formats/text/xml-write.ts';
import type { FolderId } from '#model/ids.ts';
import type { MailFacts, MailFields, MailState } from '#model/mail.ts';
import { type MailField, mailFields, mailProperties, mailStateFields } from '#model/mail-properties.ts';
import { draftWith, headWith, plainFacts, plainState } from './ews.fixture.ts';
import { itemPaths, readBcc, readHead, writeMessage, writeUpdates } from './mail-codec.ts';

const folder = 'AAMkFOLDER=' as FolderId;
const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
const parsed = (text: string): XmlElement =>
  parseXmlBytes(`<t:Message xmlns:t="${types}"><t:ItemId Id="I" ChangeKey="C"/>${text}</t:Message>`).root;
const read = (text: string) => readHead(parsed(text), folder, {});
/** What a server that keeps everything would show of a message that was created. */
const asCreated = (fragment: XmlFragment): string =>
  xmlText(fragment)
    .replace(/^<t:Message><t:MimeContent>.*?<\/t:MimeContent>/, '')
    .replace(/<\/t:Message>$/, '');

/** Any value of a field that its form can hold, the samples among them. */
const anyText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((s) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(s));
const anyBase64 = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const anyOf: { readonly [F in MailField]?: fc.Arbitrary<MailFields[F]> } = {
  importance: fc.constantFrom('low', 'normal', 'high'),
  sensitivity: fc.constantFrom('normal', 'personal', 'private', 'confidential'),
  categories: fc.array(anyText, { maxLength: 5 }),
  isRead: fc.boolean(),
  flagStatus: fc.constantFrom(0, 1, 2),
  itemClass: anyText,
};
function valuesOf(field: MailField): fc.Arbitrary<unknown> {
  const samples = fc.constantFrom<unknown>(...mailProperties[field].sample);
  const own = anyOf[field];
  if (own !== undefined) return fc.oneof(samples, own);
  switch (mailProperties[field].mapi.type) {
    case 'integer':
      return fc.oneof(samples, fc.integer());
    case 'boolean':
      return fc.oneof(samples, fc.boolean());
    case 'time':
      return fc.oneof(samples, fc.integer({ min: Date.UTC(1601, 0, 1), max: Date.UTC(9999, 11, 31) }));
    case 'binary':
      return fc.oneof(samples, anyBase64);
    default:
      return fc.oneof(samples, anyText);
  }
}

/** Written by a create, and read back as it was. */
const carriedFields = mailFields.filter(
  (field) =>
    ['state', 'fact'].includes(mailProperties[field].carriage) &&
    !['isRead', 'messageFlags', 'receivedAt', 'sentAt'].includes(field),
);
const fieldOf = (head: { readonly state: MailState; readonly facts: MailFacts } | null, field: MailField): unknown =>
  ({ ...head?.state, ...head?.facts })[field];

describe('every row of the property table', () => {
  test.each(carriedFields)('%s comes back from a create', (field) => {
    fc.assert(
      fc.property(valuesOf(field), (value) => {
        const head = headWith({ [field]: value } as Partial<MailState>, { [field]: value } as Partial<MailFacts>);
        const shown = read(asCreated(writeMessage(draftWith(head))));
        expect(fieldOf(shown, field)).toEqual(value);
        expect(shown?.unread).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test.each(mailStateFields)('%s comes back from an update', (field) => {
    fc.assert(
      fc.property(valuesOf(field), (value) => {
        const root = parseXmlBytes(`<e xmlns:t="${types}">${xmlText(writeUpdates({ [field]: value }))}</e>`).root;
        const [change] = root.children[0]?.children ?? [];
        if (change?.name === 'DeleteItemField') {
          expect(value).toEqual(plainState[field]);
          return;
        }
        const message = change?.children.find((child) => child.name === 'Message');
        const shown =
          message === undefined
            ? null
            : readHead({ ...message, children: [...message.children, ...parsed('').children] }, folder, {});
        expect(fieldOf(shown, field)).toEqual(value);
      }),
      { numRuns: 40 },
    );
  });

  test('is asked for once', () => {
    for (const field of mailFields) {
      const { ews, mapi } = mailProperties[field];
      const needle =
        ews !== null
          ? `FieldURI="${ews}"`
          : 'tag' in mapi
            ? `PropertyTag="0x${mapi.tag.toString(16).toUpperCase().padStart(4, '0')}"`
            : `PropertyId="${mapi.lid}"`;
      expect(itemPaths.split(needle).length - 1, field).toBe(1);
    }
  });
});

describe('a create', () => {
  const flagsOf = (text: string) =>
    Number(/PropertyTag="0x0E07" PropertyType="Integer"\/><t:Value>(\d+)</.exec(text)?.[1]);
  test.each([
    [{ isRead: true }, { messageFlags: 0 }, 1],
    [{ isRead: false }, { messageFlags: 1 }, 0],
    [{ isRead: true }, { messageFlags: 0x8 | 0x2 }, 0xb],
    [{ isRead: false }, { messageFlags: 0x4 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200 }, 0x20],
  ])('flags of %o %o', (state, facts, flags) => {
    const text = asCreated(writeMessage(draftWith(headWith(state, facts))));
    expect(flagsOf(text)).toBe(flags);
    expect(read(text)?.state.isRead).toBe(state.isRead);
  });

  test('always says when the message was sent and came', () => {
    const times = (facts: Partial<MailFacts>) => {
      const shown = read(asCreated(writeMessage(draftWith(headWith({}, facts)))));
      return [shown?.facts.receivedAt, shown?.facts.sentAt];
    };
    expect(times({ receivedAt: 5000, sentAt: 4000 })).toEqual([5000, 4000]);
    expect(times({ receivedAt: null, sentAt: 4000 })).toEqual([4000, 4000]);
    expect(times({ receivedAt: 5000, sentAt: null })).toEqual([5000, 5000]);
    expect(times({ createdAt: 3000 })).toEqual([3000, 3000]);
    expect(times({ receivedAt: 5000, messageFlags: 8 })).toEqual([5000, 5000]);
    expect(times({})).toEqual([null, null]);
    expect(times({ receivedAt: -11_644_473_600_000, sentAt: -11_644_473_600_000 })).toEqual([
      -11_644_473_600_000, -11_644_473_600_000,
    ]);
  });

  test('carries the stamp, and it is read back', () => {
    expect(read(asCreated(writeMessage(draftWith(headWith()))))?.stamp).toBe('cw1;org;0;1;2;3');
  });

  test('keeps blind-copy recipients', () => {
    const bcc = ['Bo Ek <bo@example.test>', '<only@example.test>', 'A "B" & <C> <x@y.z>', 'Old </O=ORG/CN=OLD>'];
    expect(readBcc(parsed(asCreated(writeMessage(draftWith(headWith(), undefined, bcc)))))).toEqual(bcc);
  });

  test('hands the MIME on as it came', () => {
    const mime = Buffer.from('From: a\r\n\r\n\u00fc\u0000\r\n', 'latin1');
    const parts = writeMessage(draftWith(headWith(), mime)).parts;
    const [payload] = parts.filter((part) => typeof part !== 'string');
    expect(payload?.inMemoryBase64?.join('')).toBe(mime.toString('base64'));
  });
});

describe('reading', () => {
  const tag = (number: string, type: string, value: string) =>
    `<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="${number}" PropertyType="${type}"/><t:Value>${value}</t:Value></t:ExtendedProperty>`;

  test('nothing but an id', () => {
    expect(read('')).toMatchObject({
      id: 'I',
      version: 'C',
      folder,
      state: plainState,
      facts: plainFacts,
      stamp: null,
      unread: [],
    });
  });
  test('no id', () => expect(readHead(parseXmlBytes(`<t:Message xmlns:t="${types}"/>`).root, folder, {})).toBeNull());

  test.each([
    ['0x1090', 'Integer', '2', 'flagStatus', 2],
    ['0xe07', 'Integer', '9', 'messageFlags', 9],
    ['4240', 'Integer', ' 1 ', 'flagStatus', 1],
    ['0x0039', 'SystemTime', '1601-01-01T00:00:00Z', 'sentAt', -11_644_473_600_000],
    ['0x0039', 'SystemTime', '2020-09-13T12:26:40.1239999Z', 'sentAt', 1_600_000_000_123],
    ['0x0039', 'SystemTime', '2020-09-13T12:26:40', 'sentAt', 1_600_000_000_000],
    ['0x0039', 'SystemTime', '2020-09-13T14:26:40+02:00', 'sentAt', 1_600_000_000_000],
    ['0x0039', 'SystemTime', '4501-01-01T00:00:00Z', 'sentAt', Date.UTC(4501, 0, 1)],
    ['0x300B', 'Binary', 'ABEiM0RVZneImaq7zN3u/w==', 'searchKey', '00112233445566778899aabbccddeeff'],
  ])('%s %s %s', (number, type, value, field, expected) => {
    expect(fieldOf(read(tag(number, type, value)), field as MailField)).toBe(expected);
  });

  test('a named property by the name of its set', () => {
    const value =
      '<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="Common" PropertyId="34096" PropertyType="String"/><t:Value>Call</t:Value></t:ExtendedProperty>';
    expect(read(value)?.state.flagRequest).toBe('Call');
    expect(
      read(value.replace('DistinguishedPropertySetId="Common"', 'PropertySetId="00062008-0000-0000-C000-000000000046"'))
        ?.state.flagRequest,
    ).toBe('Call');
  });

  test.each([
    ['0x1090', 'Integer', 'two', 'flagStatus', 0],
    ['0x1090', 'Integer', '99999999999', 'flagStatus', 0],
    ['0x0039', 'SystemTime', '1500-01-01T00:00:00Z', 'sentAt', null],
    ['0x0039', 'SystemTime', '2020-02-31T99:00:00Z', 'sentAt', null],
    ['0x300B', 'Binary', 'A', 'searchKey', null],
    ['0x7D01', 'Boolean', 'yes', 'processed', null],
  ])('%s %s that cannot be read, %s, is kept raw', (number, type, value, field, expected) => {
    const oddities = {};
    const head = readHead(parsed(tag(number, type, value)), folder, oddities);
    expect(fieldOf(head, field as MailField)).toBe(expected);
    expect(head?.unread).toEqual([{ property: mailProperties[field as MailField].mapi, values: [value] }]);
    expect(oddities).toEqual({ [`unreadable ${field}`]: 1 });
  });

  test('forbidden characters are replaced, counted, and kept for fields that are carried', () => {
    const oddities = {};
    const head = readHead(
      parsed(`<t:Subject>a&#x1;b</t:Subject>${tag('0x0070', 'String', 'x&#xB;y')}`),
      folder,
      oddities,
    );
    expect(head?.facts.subject).toBe('a\ufffdb');
    expect(head?.facts.conversationTopic).toBe('x\ufffdy');
    expect(head?.unread).toEqual([{ property: mailProperties.conversationTopic.mapi, values: ['x\ufffdy', '&#xB;'] }]);
    expect(oddities).toEqual({ 'forbidden character': 2 });
  });

  test('the read flag of kinds that have no typed one', () => {
    expect(read(tag('0x0E07', 'Integer', '1'))?.state.isRead).toBe(true);
    expect(read(`${tag('0x0E07', 'Integer', '1')}<t:IsRead>false</t:IsRead>`)?.state.isRead).toBe(false);
  });
});
