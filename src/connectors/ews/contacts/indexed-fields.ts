import { attribute, children, childText } from '#formats/text/xml-read.ts';
import { escapeAttribute, escapeText } from '#formats/text/xml-write.ts';
import type { ContactFields, PostalAddress } from '#model/contact.ts';
import { contactProperties } from '#model/contact-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { extendedFieldUri } from '../extended-fields.ts';
import { typesNamespace } from '../namespaces.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';
import { type FieldCodec, mapiOf } from '../typed/field-codec.ts';
import { extendedPart, fieldUri, indexedUri, type Part } from '../typed/parts.ts';
import { propertyIn, type ShownItem } from '../typed/shown-item.ts';

/**
 * Lists by key of a contact: `t:EmailAddresses`, `t:PhoneNumbers`, `t:PhysicalAddresses`, `t:ImAddresses`. A create writes a list whole,
 * an update each key under an IndexedFieldURI.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/indexedfielduri
 */

/** Path and index of a row of the table: `contacts:PhysicalAddress:Street:Home` is `Home` of `contacts:PhysicalAddress:Street`. */
const indexed = (uri: string): string => {
  const at = uri.lastIndexOf(':');
  return indexedUri(uri.slice(0, at), uri.slice(at + 1));
};
const pathsOf = (uris: readonly string[]): string => uris.map(indexed).join('');

/** Texts of the entries of a list, by key. Empty ones are none. */
function entriesIn(shown: ShownItem, list: string): ReadonlyMap<string, string> {
  const element = shown.typed.get(list);
  const entries = element === undefined ? [] : children(element, typesNamespace, 'Entry');
  return new Map(
    entries.flatMap((entry): readonly (readonly [string, string])[] => {
      const key = attribute(entry, 'Key');
      return key === null || entry.text === '' ? [] : [[key, entry.text]];
    }),
  );
}

interface TextList {
  /** Local name of the list. */
  readonly list: string;
  readonly uri: string;
  /** Keys on the wire, in the order of the schema. */
  readonly keys: readonly string[];
  /** The key of the model from the one on the wire. */
  readonly own: (key: string) => string;
  readonly attributes?: (text: string, version: SchemaVersion) => string;
}

function entryXml({ attributes }: TextList, key: string, text: string, version: SchemaVersion): string {
  return `<t:Entry Key="${escapeAttribute(key)}"${attributes?.(text, version) ?? ''}>${escapeText(text)}</t:Entry>`;
}

function createList(list: TextList, value: Readonly<Record<string, string>>, version: SchemaVersion): readonly Part[] {
  const entries = list.keys.flatMap((key) => {
    const text = value[list.own(key)] ?? '';
    return text === '' ? [] : [entryXml(list, key, text, version)];
  });
  if (entries.length === 0) return [];
  return [
    { path: fieldUri(list.uri), element: list.list, xml: `<t:${list.list}>${entries.join('')}</t:${list.list}>` },
  ];
}

function updateList(
  list: TextList,
  value: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
  version: SchemaVersion,
): readonly Part[] {
  return list.keys.flatMap((key): readonly Part[] => {
    const [now, old] = [value[list.own(key)] ?? '', before[list.own(key)] ?? ''];
    if (now === old) return [];
    const xml = now === '' ? null : `<t:${list.list}>${entryXml(list, key, now, version)}</t:${list.list}>`;
    return [{ path: indexedUri(list.uri, key), element: list.list, xml }];
  });
}

const readList = (list: TextList, shown: ShownItem): Readonly<Record<string, string>> =>
  Object.fromEntries([...entriesIn(shown, list.list)].map(([key, text]) => [list.own(key), text]));

function textList(list: TextList, uris: readonly string[]): FieldCodec<Readonly<Record<string, string>>> {
  return {
    paths: pathsOf(uris),
    read: (shown) => readList(list, shown),
    create: (value, version) => createList(list, value, version),
    update: (value, before, version) => updateList(list, value, before, version),
  };
}

const lastOf = (uri: string): string => uri.slice(uri.lastIndexOf(':') + 1);
const numbered = (name: string) => ({ own: (key: string) => key.slice(name.length) });

const phoneUris: readonly string[] = contactProperties.phones.ews;
export const phones = textList(
  {
    list: 'PhoneNumbers',
    uri: 'contacts:PhoneNumber',
    keys: phoneUris.map(lastOf),
    own: (key) => key,
  },
  phoneUris,
);

const imUris: readonly string[] = contactProperties.imAddresses.ews;
export const imAddresses = textList(
  { list: 'ImAddresses', uri: 'contacts:ImAddress', keys: imUris.map(lastOf), ...numbered('ImAddress') },
  imUris,
);

const emailUris: readonly string[] = contactProperties.emails.ews;
const emailList: TextList = {
  list: 'EmailAddresses',
  uri: 'contacts:EmailAddress',
  keys: emailUris.map(lastOf),
  ...numbered('EmailAddress'),
  /** An address of the directory of old means nothing elsewhere, but says what it is. */
  attributes: (text, version) => (text.startsWith('/') && atLeast(version, 'Exchange2010') ? ' RoutingType="EX"' : ''),
};
/** PidLidEmail1DisplayName and those of the others, five properties apart in the table. [MS-OXOCNTC] 2.2.1.2.1 */
const emailNames: readonly (readonly [string, MapiProperty])[] = [0, 1, 2].map(
  (n) => [String(n + 1), mapiOf(contactProperties.emails, 5 * n)] as const,
);
type Emails = ContactFields['emails'];
const addressesOf = (emails: Emails): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(emails).map(([key, { address }]) => [key, address]));

/** The name of an address is an extended property: the attribute of the entry is not there before 2010. */
export const emails: FieldCodec<Emails> = {
  paths: pathsOf(emailUris) + emailNames.map(([, property]) => extendedFieldUri(property)).join(''),
  read(shown) {
    const addresses = readList(emailList, shown);
    const found: Record<string, { readonly name: string; readonly address: string }> = {};
    for (const [key, property] of emailNames) {
      const address = addresses[key] ?? '';
      const name = propertyIn(shown, property) ?? '';
      // A server that was given no name takes the address for one.
      if (address !== '' || name !== '') found[key] = { name: name === address ? '' : name, address };
    }
    return found;
  },
  create: (value, version) => [
    ...createList(emailList, addressesOf(value), version),
    ...emailNames.flatMap(([key, property]) => {
      const name = value[key]?.name ?? '';
      return name === '' ? [] : [extendedPart(property, name)];
    }),
  ],
  update: (value, before, version) => [
    ...updateList(emailList, addressesOf(value), addressesOf(before), version),
    ...emailNames.flatMap(([key, property]) => {
      const [now, old] = [value[key], before[key]];
      const name = now?.name ?? '';
      // Writing an address may name it anew.
      if (name === (old?.name ?? '') && (name === '' || now?.address === old?.address)) return [];
      return [extendedPart(property, name === '' ? null : name)];
    }),
  ],
};

/** Parts of an address: element, and name in the model; in the order of the schema. */
const addressParts = [
  ['Street', 'street'],
  ['City', 'city'],
  ['State', 'state'],
  ['CountryOrRegion', 'country'],
  ['PostalCode', 'postalCode'],
] as const satisfies readonly (readonly [string, keyof PostalAddress])[];
const addressKeys = [
  ['Business', 'business'],
  ['Home', 'home'],
  ['Other', 'other'],
] as const;
const noAddress: PostalAddress = { street: '', city: '', state: '', postalCode: '', country: '' };
type Addresses = ContactFields['addresses'];

const addressEntry = (key: string, inner: string): string => `<t:Entry Key="${key}">${inner}</t:Entry>`;
const addressList = (entries: string): string => `<t:PhysicalAddresses>${entries}</t:PhysicalAddresses>`;
const partXml = (element: string, text: string): string => `<t:${element}>${escapeText(text)}</t:${element}>`;

export const addresses: FieldCodec<Addresses> = {
  paths: pathsOf(contactProperties.addresses.ews),
  read(shown) {
    const element = shown.typed.get('PhysicalAddresses');
    const found: Partial<Record<'business' | 'home' | 'other', PostalAddress>> = {};
    for (const entry of element === undefined ? [] : children(element, typesNamespace, 'Entry')) {
      const key = addressKeys.find(([wire]) => wire === attribute(entry, 'Key'))?.[1];
      const value = Object.fromEntries(
        addressParts.map(([name, field]) => [field, childText(entry, typesNamespace, name) ?? '']),
      ) as unknown as PostalAddress;
      if (key !== undefined && addressParts.some(([, field]) => value[field] !== '')) found[key] = value;
    }
    return found;
  },
  create(value) {
    const entries = addressKeys.flatMap(([wire, key]) => {
      const address = value[key] ?? noAddress;
      const inner = addressParts.map(([name, field]) => (address[field] === '' ? '' : partXml(name, address[field])));
      return inner.every((one) => one === '') ? [] : [addressEntry(wire, inner.join(''))];
    });
    return entries.length === 0
      ? []
      : [
          {
            path: fieldUri('contacts:PhysicalAddresses'),
            element: 'PhysicalAddresses',
            xml: addressList(entries.join('')),
          },
        ];
  },
  update: (value, before) =>
    addressKeys.flatMap(([wire, key]) => {
      const [now, old] = [value[key] ?? noAddress, before[key] ?? noAddress];
      return addressParts.flatMap(([name, field]): readonly Part[] => {
        if (now[field] === old[field]) return [];
        const xml = now[field] === '' ? null : addressList(addressEntry(wire, partXml(name, now[field])));
        return [{ path: indexedUri(`contacts:PhysicalAddress:${name}`, wire), element: 'PhysicalAddresses', xml }];
      });
    }),
};

/** PidLidContactUserField1 to 4, by number from 1. [MS-OXOCNTC] 2.2.1.10 */
const userProperties: readonly (readonly [string, MapiProperty])[] = contactProperties.userFields.mapi.map(
  (property, n) => [String(n + 1), property] as const,
);
export const userFields: FieldCodec<ContactFields['userFields']> = {
  paths: userProperties.map(([, property]) => extendedFieldUri(property)).join(''),
  read: (shown) =>
    Object.fromEntries(
      userProperties.flatMap(([key, property]) => {
        const text = propertyIn(shown, property) ?? '';
        return text === '' ? [] : [[key, text] as const];
      }),
    ),
  create: (value) =>
    userProperties.flatMap(([key, property]) => {
      const text = value[key] ?? '';
      return text === '' ? [] : [extendedPart(property, text)];
    }),
  update: (value, before) =>
    userProperties.flatMap(([key, property]) => {
      const [now, old] = [value[key] ?? '', before[key] ?? ''];
      return now === old ? [] : [extendedPart(property, now === '' ? null : now)];
    }),
};
