import { hash } from 'node:crypto';
import fc from 'fast-check';
import { itemClasses } from '#formats/mapi-items/item-classes.ts';
import type { PlainKind } from '#formats/mapi-items/plain-kind.ts';
import { shownBody } from '#formats/shown-body.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import { recurrenceProblem } from '#model/expand-recurrence.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { RawProperty } from '#model/mail.ts';
import { propertySets } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedFields } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import { anyDay, anyRecurrence } from './any-recurrence.ts';

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('', 'Zoë & <Söhne> "x"', '+43 (1) 234', 'a\r\nb'));
const given = text.filter((one) => one !== '');
const keyed = (...keys: readonly string[]) =>
  fc.record(Object.fromEntries(keys.map((key) => [key, given])), { requiredKeys: [] });
const address = fc
  .record({ street: text, city: text, state: text, postalCode: text, country: text })
  .filter((one) => Object.values(one).some((part) => part !== ''));
const slot = fc
  .record({
    name: text,
    address: fc.oneof(fc.emailAddress(), fc.constantFrom('/o=Old/ou=x/cn=Recipients/cn=gone', '+43 1 2345')),
  })
  // A name that is the address says nothing.
  .filter((one) => one.name !== one.address);
const body = fc
  .record({ type: fc.constantFrom('html' as const, 'text' as const), text })
  .map(({ type, text: words }) => shownBody(type, words));
const instant = fc.integer({ min: Date.UTC(1995, 0, 1), max: Date.UTC(2040, 0, 1) });
const days = fc.option(anyDay('1900-01-01', '2090-12-31'));

/** What the samples of the property table do not have enough of. */
const more: { readonly [Kind in PlainKind]: Readonly<Record<string, fc.Arbitrary<unknown>>> } = {
  contacts: {
    ...Object.fromEntries(
      ['displayName', 'fileAs', 'givenName', 'surname', 'company', 'jobTitle', 'webPage'].map((field) => [field, text]),
    ),
    children: fc.array(text, { maxLength: 3 }),
    categories: fc.array(text, { maxLength: 3 }),
    birthday: days,
    anniversary: days,
    emails: fc.record({ '1': slot, '2': slot, '3': slot }, { requiredKeys: [] }),
    phones: keyed('BusinessPhone', 'HomePhone', 'TtyTddPhone', 'AssistantPhone', 'OtherFax', 'Isdn'),
    addresses: fc.record({ business: address, home: address, other: address }, { requiredKeys: [] }),
    imAddresses: keyed('1', '2', '3'),
    userFields: keyed('1', '2', '3', '4'),
    body,
  },
  tasks: {
    subject: text,
    body,
    startDay: days,
    dueDay: days,
    completedDay: days,
    percentComplete: fc.nat({ max: 100 }).map((percent) => percent / 100),
    actualWorkMinutes: fc.nat({ max: 1_000_000 }),
    totalWorkMinutes: fc.nat({ max: 1_000_000 }),
    owner: text,
    companies: fc.array(text, { maxLength: 3 }),
    contacts: fc.array(text, { maxLength: 3 }),
    categories: fc.array(text, { maxLength: 3 }),
    recurrence: fc.oneof(
      anyRecurrence.filter((one) => recurrenceProblem(one) === null),
      fc.record({
        pattern: fc.record({
          kind: fc.constant('regenerating'),
          every: fc.constantFrom('day', 'week', 'month', 'year'),
          interval: fc.integer({ min: 1, max: 30 }),
        }),
        range: anyDay().map((startDay) => ({ end: 'never', startDay })),
      }),
    ),
    reminder: fc.record({ isSet: fc.boolean(), minutesBefore: fc.nat({ max: 50_000 }) }),
    reminderAt: fc.option(instant),
  },
  notes: {
    subject: text,
    body,
    categories: fc.array(text, { maxLength: 3 }),
    width: fc.nat({ max: 4000 }),
    height: fc.nat({ max: 4000 }),
  },
};

const attachment: fc.Arbitrary<AttachmentContent> = fc
  .record({
    name: fc.oneof(text, fc.constantFrom('ContactPicture.jpg', 'contactpicture.JPG')),
    contentType: fc.option(fc.constantFrom('text/plain', 'image/jpeg')),
    contentId: fc.option(fc.constant('image001@x')),
    isInline: fc.boolean(),
    bytes: fc.uint8Array({ maxLength: 50 }),
  })
  .map(({ bytes, ...head }) => ({
    head: {
      ...head,
      sizeBytes: bytes.length,
      hash: hash('sha256', Buffer.from(bytes), 'hex').slice(0, 32),
      kind: 'file' as const,
    },
    bytes: payloadOfBytes(bytes),
  }));

const own = '11111111-2222-3333-4444-555555555555';
const extra = fc.constantFrom<RawProperty>(
  { property: { set: propertySets.common, lid: 0x8599, type: 'integer' }, values: ['-3'] },
  { property: { set: own, name: 'Colour', type: 'string' }, values: ['blåu'] },
  { property: { set: own, name: 'When', type: 'time' }, values: ['2024-01-02T03:04:05.000Z'] },
  { property: { set: own, name: 'Many', type: 'strings' }, values: ['a', ''] },
  { property: { set: own, name: 'Raw', type: 'binary' }, values: ['AAEC'] },
  { property: { set: own, name: 'Share', type: 'double' }, values: ['0.25'] },
);
/** Of a person only: the hobbies, and a fax address. */
const ofPerson = fc.constantFrom<RawProperty>(
  { property: { tag: 0x3a43, type: 'string' }, values: ['Chess'] },
  { property: { set: propertySets.address, lid: 0x80b3, type: 'string' }, values: ['+43 1 9'] },
);

const where = { id: 'id' as ItemId, version: 'v1' as Version, folder: 'f' as FolderId };

/** Complete items of a kind: every field at a sample of the property table, or at anything else that it can be. */
export function anyPlainItem<Kind extends PlainKind>(kind: Kind): fc.Arbitrary<TypedDraft<Kind>> {
  const fields = Object.entries(typedRows(kind))
    .filter(([field]) => field !== 'attachments')
    .map(([field, { sample }]) => {
      const others = more[kind][field];
      const samples = fc.constantFrom(...sample);
      return [field, others === undefined ? samples : fc.oneof(samples, others)] as const;
    });
  // Two of one name and the same bytes are told apart by nobody.
  const files = fc.uniqueArray(attachment, {
    maxLength: kind === 'notes' ? 0 : 2,
    selector: ({ head }) => `${head.name} ${head.hash}`,
  });
  const extras = kind === 'contacts' ? fc.oneof(extra, ofPerson) : extra;
  return fc
    .record({ fields: fc.record(Object.fromEntries(fields)), files, extras: fc.uniqueArray(extras, { maxLength: 3 }) })
    .map(({ fields: some, files: attachments, extras: raw }) => ({
      item: {
        kind,
        head: {
          ...where,
          itemClass: itemClasses[kind],
          identity: null,
          stamp: null,
          receipt: null,
          searchKey: '',
          sizeBytes: 0,
          createdAt: null,
          modifiedAt: null,
        },
        fields: {
          ...some,
          ...(kind === 'notes' ? {} : { attachments: attachments.map(({ head }) => head) }),
        } as unknown as TypedFields[Kind],
        occurrences: [],
        deletedDays: [],
        extras: raw,
      },
      attachments,
      occurrenceAttachments: new Map(),
      stamp: 'cw1;org;box;;00;00;1;nonce' as StampText,
    }));
}
