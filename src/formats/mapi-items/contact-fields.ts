import type { ContactFields, PostalAddress } from '#model/contact.ts';
import { contactProperties as rows } from '#model/contact-properties.ts';
import { plainFields } from '#model/plain-fields.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Day } from '#model/wall-time.ts';
import type { MapiPropertyValue } from '../mapi/mapi-message.ts';
import { isPhotoName } from './attachments.ts';
import {
  body,
  categories,
  type FieldCodec,
  importance,
  midnightOf,
  noonOf,
  readDay,
  sensitivity,
  textOrNone,
  texts,
} from './field-codec.ts';
import { mainProperties } from './item-properties.ts';
import { addressTypeOf, entryIdOf } from './people.ts';
import type { PlainKindCodec } from './plain-kind.ts';
import { type Get, isNumber, isText } from './property-values.ts';

const { address: addressSet } = propertySets;
const named = (lid: number, type: MapiProperty['type']): MapiProperty => ({ set: addressSet, lid, type });
const tagged = (tag: number, type: MapiProperty['type'] = 'string'): MapiProperty => ({ tag, type });

const textOf = (get: Get, property: MapiProperty | undefined): string => {
  const value = property === undefined ? undefined : get(property);
  return isText(value) ? value : '';
};
const textValue = (property: MapiProperty, value: string): MapiPropertyValue => ({
  property,
  value: value === '' ? null : value,
});

/** PidLidBirthdayLocal and PidLidWeddingAnniversaryLocal: the day itself, at 0:00. [MS-OXOCNTC] 2.2.1.5.2, 2.2.1.5.4 */
const birthdayLocal = named(0x80de, 'time');
const anniversaryLocal = named(0x80df, 'time');
const dayMs = 86_400_000;

/** A day of the year a person keeps: an instant for old clients, and the day itself. */
const keptDay = (property: MapiProperty, local: MapiProperty): FieldCodec<Day | null> => ({
  write: (value) => [
    { property, value: value === null ? null : noonOf(value) },
    { property: local, value: value === null ? null : midnightOf(value) },
  ],
  read(get) {
    const [instant, own] = [get(property), get(local)];
    // One that was left behind by a client that knows only the instant is not believed.
    const isOwn = isNumber(own) && own % dayMs === 0 && (!isNumber(instant) || Math.abs(own - instant) <= dayMs);
    return readDay(get, isOwn ? local : property);
  },
});

/** The five properties of an e-mail address, as they stand in the table. [MS-OXOCNTC] 2.2.1.2.1 to 2.2.1.2.5 */
const slots = ['1', '2', '3'].map((key, n) => {
  const [name, type, address, original, entryId] = rows.emails.mapi.slice(5 * n, 5 * n + 5) as unknown as readonly [
    MapiProperty,
    MapiProperty,
    MapiProperty,
    MapiProperty,
    MapiProperty,
  ];
  return { key, name, type, address, original, entryId };
});
type Slot = (typeof slots)[number];
/** An address as SMTP has it. */
const smtpForm = /^[^\s@/]+@[^\s@/]+$/;

function readSlot(get: Get, slot: Slot): { readonly name: string; readonly address: string } | null {
  const [written, original] = [textOf(get, slot.address), textOf(get, slot.original)];
  // Of somebody in the directory of old Outlook keeps the legacy name, and beside it the address that means something elsewhere.
  const address = textOf(get, slot.type).toUpperCase() === 'EX' && smtpForm.test(original) ? original : written;
  const name = textOf(get, slot.name);
  if (address === '' && name === '') return null;
  // Whoever was given no name takes the address for one.
  return { name: name === address ? '' : name, address };
}

/** All five go together: a slot that is none has none of them. [MS-OXOCNTC] 2.2.1.2 */
function writeSlot(slot: Slot, value: ContactFields['emails'][string] | undefined): readonly MapiPropertyValue[] {
  const { name = '', address = '' } = value ?? {};
  return [
    textValue(slot.name, name || address),
    textValue(slot.type, address === '' ? '' : addressTypeOf(address)),
    textValue(slot.address, address),
    textValue(slot.original, address),
    { property: slot.entryId, value: address === '' ? null : entryIdOf({ name: name || address, address }) },
  ];
}

const emails: FieldCodec<ContactFields['emails']> = {
  write: (value) => slots.flatMap((slot) => writeSlot(slot, value[slot.key])),
  read: (get) =>
    Object.fromEntries(
      slots.flatMap((slot) => {
        const found = readSlot(get, slot);
        return found === null ? [] : [[slot.key, found]];
      }),
    ),
};

/** A list of texts by key, each in a property of its own; '' is none. */
const keyedTexts = (
  keys: readonly (readonly [string, MapiProperty])[],
): FieldCodec<Readonly<Record<string, string>>> => ({
  write: (value) => keys.map(([key, property]) => textValue(property, value[key] ?? '')),
  read: (get) =>
    Object.fromEntries(
      keys.flatMap(([key, property]) => {
        const text = textOf(get, property);
        return text === '' ? [] : [[key, text]];
      }),
    ),
});
const numbered = (properties: readonly MapiProperty[]) =>
  properties.map((property, n) => [String(n + 1), property] as const);

/** The table has the properties in the order of the keys of EWS. */
const phones = keyedTexts(
  rows.phones.ews.flatMap((uri, n) => {
    const property = rows.phones.mapi[n];
    return property === undefined ? [] : [[uri.slice(uri.lastIndexOf(':') + 1), property] as const];
  }),
);

/** Exchange keeps these two for EWS and ActiveSync only; the names are assumed. */
const airSync = '71035549-0739-4dcb-9163-00f0580dbbdf';
const moreImAddresses: readonly MapiProperty[] = [
  { set: airSync, name: 'AirSync:IMAddress2', type: 'string' },
  { set: airSync, name: 'AirSync:IMAddress3', type: 'string' },
];

const addressParts = [
  'street',
  'city',
  'state',
  'postalCode',
  'country',
] as const satisfies readonly (keyof PostalAddress)[];
const addressKeys = ['business', 'home', 'other'] as const;
const addressProperties = addressKeys.map((key, n) => [key, rows.addresses.mapi.slice(5 * n, 5 * n + 5)] as const);

const addresses: FieldCodec<ContactFields['addresses']> = {
  write: (value) =>
    addressProperties.flatMap(([key, properties]) =>
      properties.map((property, n) => textValue(property, value[key]?.[addressParts[n] ?? 'street'] ?? '')),
    ),
  read: (get) =>
    Object.fromEntries(
      addressProperties.flatMap(([key, properties]) => {
        const parts = addressParts.map((part, n) => [part, textOf(get, properties[n])] as const);
        return parts.every(([, text]) => text === '') ? [] : [[key, Object.fromEntries(parts)]];
      }),
    ),
};

/** PidLidPostalAddressId ([MS-OXOCNTC] 2.2.1.3.9). */
const mailingIds = [null, 'home', 'business', 'other'] as const satisfies readonly ContactFields['mailingAddress'][];
const [mailingProperty] = rows.mailingAddress.mapi;
const mailingAddress: FieldCodec<ContactFields['mailingAddress']> = {
  write: (value) => [{ property: mailingProperty, value: value === null ? null : mailingIds.indexOf(value) }],
  read(get) {
    const value = get(mailingProperty);
    return isNumber(value) ? mailingIds[value] : undefined;
  },
};

/** What lists, forms and old clients go by. [MS-OXOCNTC] 2.2.1.2.11, 2.2.1.3.8, 2.2.1.8.1, 2.2.1.10.12 */
const shown = {
  subject: tagged(0x0037),
  providers: named(0x8029, 'integer'),
  hasPicture: named(0x8015, 'boolean'),
  html: named(0x802b, 'string'),
  formatted: { home: named(0x801a, 'string'), business: named(0x801b, 'string'), other: named(0x801c, 'string') },
  mailing: {
    whole: tagged(0x3a15),
    parts: {
      street: tagged(0x3a29),
      city: tagged(0x3a27),
      state: tagged(0x3a28),
      postalCode: tagged(0x3a2a),
      country: tagged(0x3a26),
    },
  },
} as const;
const contactIcon = 0x200;

function formatted(address: PostalAddress | undefined): string {
  if (address === undefined) return '';
  const { street, city, state, postalCode, country } = address;
  const town = [city, state, postalCode].filter((part) => part !== '').join(' ');
  return [street, town, country].filter((line) => line !== '').join('\r\n');
}

function derive(fields: ContactFields): readonly MapiPropertyValue[] {
  const { mailing } = shown;
  const forMail = fields.mailingAddress === null ? undefined : fields.addresses[fields.mailingAddress];
  const used = slots.reduce(
    (bits, { key }, n) => ((fields.emails[key]?.address ?? '') === '' ? bits : bits | (1 << n)),
    0,
  );
  return [
    textValue(shown.subject, fields.displayName),
    { property: mainProperties.iconIndex, value: contactIcon },
    { property: mainProperties.sideEffects, value: 0x110 },
    { property: mainProperties.isPrivate, value: fields.sensitivity === 'private' },
    { property: shown.providers, value: used },
    { property: shown.hasPicture, value: fields.attachments.some(({ name }) => isPhotoName(name)) },
    textValue(shown.html, fields.webPage),
    ...addressKeys.map((key) => textValue(shown.formatted[key], formatted(fields.addresses[key]))),
    textValue(mailing.whole, formatted(forMail)),
    ...addressParts.map((part) => textValue(mailing.parts[part], forMail?.[part] ?? '')),
  ];
}

/** From 0x3a00 on everything is about whom the contact is of. [MS-OXPROPS] */
const isOfPerson = (tag: number): boolean => tag >= 0x3a00 && tag <= 0x3aff;

/** Contacts, [MS-OXOCNTC]. */
export const contactCodec: PlainKindCodec<'contacts'> = {
  kind: 'contacts',
  fields: {
    displayName: textOrNone(rows.displayName.mapi[0]),
    fileAs: textOrNone(rows.fileAs.mapi[0]),
    title: textOrNone(rows.title.mapi[0]),
    givenName: textOrNone(rows.givenName.mapi[0]),
    middleName: textOrNone(rows.middleName.mapi[0]),
    surname: textOrNone(rows.surname.mapi[0]),
    generation: textOrNone(rows.generation.mapi[0]),
    initials: textOrNone(rows.initials.mapi[0]),
    nickname: textOrNone(rows.nickname.mapi[0]),
    company: textOrNone(rows.company.mapi[0]),
    department: textOrNone(rows.department.mapi[0]),
    jobTitle: textOrNone(rows.jobTitle.mapi[0]),
    officeLocation: textOrNone(rows.officeLocation.mapi[0]),
    profession: textOrNone(rows.profession.mapi[0]),
    manager: textOrNone(rows.manager.mapi[0]),
    assistant: textOrNone(rows.assistant.mapi[0]),
    spouse: textOrNone(rows.spouse.mapi[0]),
    children: texts(rows.children.mapi[0]),
    birthday: keptDay(rows.birthday.mapi[0], birthdayLocal),
    anniversary: keptDay(rows.anniversary.mapi[0], anniversaryLocal),
    webPage: textOrNone(rows.webPage.mapi[0]),
    emails,
    phones,
    addresses,
    mailingAddress,
    imAddresses: keyedTexts(numbered([...rows.imAddresses.mapi, ...moreImAddresses])),
    userFields: keyedTexts(numbered(rows.userFields.mapi)),
    categories,
    sensitivity,
    importance,
    body,
  },
  absent: plainFields.contacts,
  derive,
  derived: [
    birthdayLocal,
    anniversaryLocal,
    ...moreImAddresses,
    shown.subject,
    shown.providers,
    shown.hasPicture,
    shown.html,
    ...Object.values(shown.formatted),
    shown.mailing.whole,
    ...Object.values(shown.mailing.parts),
  ],
  usual: [],
  keepsTag: isOfPerson,
  wellKnown: [
    // How a name is filed and spoken, fax addresses, free/busy; [MS-OXOCNTC] 2.2.1.1.12, 2.2.1.1.13 to 15, 2.2.1.2.6 to 2.2.1.2.9, 2.2.1.10.9
    named(0x8006, 'integer'),
    named(0x8010, 'string'),
    named(0x802c, 'string'),
    named(0x802d, 'string'),
    named(0x802e, 'string'),
    named(0x80d8, 'string'),
    ...[0x80b0, 0x80c0, 0x80d0].flatMap((first) => [
      named(first + 2, 'string'),
      named(first + 3, 'string'),
      named(first + 4, 'string'),
      named(first + 5, 'binary'),
    ]),
    // Of the person: numbers, pages, hobbies, post office boxes; [MS-OXOCNTC] 2.2.1.10
    ...[0x3a07, 0x3a0c, 0x3a0d, 0x3a2b, 0x3a43, 0x3a47, 0x3a49, 0x3a4a, 0x3a4c, 0x3a50, 0x3a5e, 0x3a64].map((tag) =>
      tagged(tag),
    ),
    tagged(0x3a4d, 'integer'),
  ],
};
