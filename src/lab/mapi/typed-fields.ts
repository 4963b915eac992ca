import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import { lidKey, type Property, type PropertyKey, sets, tagKey } from '../world/property.ts';
import type { PropertyBag } from './message.ts';
import type { Bag } from './message-parts.ts';

// Contacts and tasks as EWS names their fields, and the properties that they are. [MS-OXOCNTC] 2.2.1, [MS-OXOTASK] 2.2.2;
// EWS doc: the pages of the elements name the properties.

const ns = 'http://schemas.microsoft.com/exchange/services/2006/types';
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};
const escaped = (text: string): string => text.replace(/[&<>"\r]/g, (c) => escapes[c] ?? c);

/** How a text between tags and the value of a property say the same. */
interface Form {
  readonly type: string;
  read(text: string): Property['value'] | null;
  write(value: Property['value']): string | null;
}

const string: Form = { type: 'String', read: (text) => text, write: String };
const integer: Form = {
  type: 'Integer',
  read: (text) => (/^\s*-?\d+\s*$/.test(text) ? Number(text) : null),
  write: String,
};
const boolean: Form = {
  type: 'Boolean',
  read: (text) => /^\s*(?:true|1)\s*$/.test(text),
  write: (value) => String(value === true),
};
const time: Form = {
  type: 'SystemTime',
  read: (text) => {
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? null : ms;
  },
  write: (value) => (typeof value === 'number' ? new Date(value).toISOString().replace('.000Z', 'Z') : null),
};
/** Hundredths between tags, parts of one in the property. */
const percent: Form = {
  type: 'Double',
  read: (text) => (Number.isFinite(Number(text)) ? Number(text) / 100 : null),
  write: (value) => (typeof value === 'number' ? String(Math.round(value * 1e6) / 1e4) : null),
};
const oneOf = (...names: readonly string[]): Form => ({
  type: 'Integer',
  read: (text) => {
    const at = names.indexOf(text.trim());
    return at < 0 ? null : at;
  },
  write: (value) => names[Number(value)] ?? null,
});

const field = (at: PropertyKey, form: Form = string) => ({ at, form });
const address = (lid: number): PropertyKey => lidKey(sets.Address, lid);
const common = (lid: number): PropertyKey => lidKey(sets.Common, lid);
const task = (lid: number): PropertyKey => lidKey(sets.Task, lid);

type Fields = Readonly<Record<string, { readonly at: PropertyKey; readonly form: Form }>>;

const contactFields: Fields = {
  FileAs: field(address(0x8005)),
  DisplayName: field(tagKey(0x3001)),
  GivenName: field(tagKey(0x3a06)),
  Initials: field(tagKey(0x3a0a)),
  MiddleName: field(tagKey(0x3a44)),
  Nickname: field(tagKey(0x3a4f)),
  CompanyName: field(tagKey(0x3a16)),
  AssistantName: field(tagKey(0x3a30)),
  Birthday: field(tagKey(0x3a42), time),
  BusinessHomePage: field(tagKey(0x3a51)),
  Department: field(tagKey(0x3a18)),
  Generation: field(tagKey(0x3a05)),
  JobTitle: field(tagKey(0x3a17)),
  Manager: field(tagKey(0x3a4e)),
  Mileage: field(common(0x8534)),
  OfficeLocation: field(tagKey(0x3a19)),
  PostalAddressIndex: field(address(0x8022), oneOf('None', 'Home', 'Business', 'Other')),
  Profession: field(tagKey(0x3a46)),
  SpouseName: field(tagKey(0x3a48)),
  Surname: field(tagKey(0x3a11)),
  WeddingAnniversary: field(tagKey(0x3a41), time),
};

const taskFields: Fields = {
  ActualWork: field(task(0x8110), integer),
  BillingInformation: field(common(0x8535)),
  CompleteDate: field(task(0x810f), time),
  DueDate: field(task(0x8105), time),
  IsComplete: field(task(0x811c), boolean),
  Mileage: field(common(0x8534)),
  Owner: field(task(0x811f)),
  PercentComplete: field(task(0x8102), percent),
  StartDate: field(task(0x8104), time),
  Status: field(task(0x8101), oneOf('NotStarted', 'InProgress', 'Completed', 'WaitingOnOthers', 'Deferred')),
  TotalWork: field(task(0x8111), integer),
};

/** Lists of texts. */
const contactLists: Readonly<Record<string, PropertyKey>> = { Children: tagKey(0x3a58), Companies: common(0x8539) };
const taskLists: Readonly<Record<string, PropertyKey>> = { Companies: common(0x8539), Contacts: common(0x853a) };

/** Entries with a key; of addresses with a part, too. */
const emailLids = { EmailAddress1: 0x8083, EmailAddress2: 0x8093, EmailAddress3: 0x80a3 } as const;
const phoneTags = {
  AssistantPhone: 0x3a2e,
  BusinessFax: 0x3a24,
  BusinessPhone: 0x3a08,
  BusinessPhone2: 0x3a1b,
  Callback: 0x3a02,
  CarPhone: 0x3a1e,
  CompanyMainPhone: 0x3a57,
  HomeFax: 0x3a25,
  HomePhone: 0x3a09,
  HomePhone2: 0x3a2f,
  Isdn: 0x3a2d,
  MobilePhone: 0x3a1c,
  OtherFax: 0x3a23,
  OtherTelephone: 0x3a1f,
  Pager: 0x3a21,
  PrimaryPhone: 0x3a1a,
  RadioPhone: 0x3a1d,
  Telex: 0x3a2c,
  TtyTddPhone: 0x3a4b,
} as const;
const entries = (of: Readonly<Record<string, number>>, key: (id: number) => PropertyKey): Record<string, PropertyKey> =>
  Object.fromEntries(Object.entries(of).map(([name, id]) => [name, key(id)]));
const contactEntries: Readonly<Record<string, Readonly<Record<string, PropertyKey>>>> = {
  EmailAddresses: entries(emailLids, address),
  PhoneNumbers: entries(phoneTags, tagKey),
  ImAddresses: { ImAddress1: address(0x8062) },
};
const addressParts = ['Street', 'City', 'State', 'CountryOrRegion', 'PostalCode'] as const;
type AddressPart = (typeof addressParts)[number];
const postal = (
  street: number,
  city: number,
  state: number,
  country: number,
  code: number,
  key: (n: number) => PropertyKey,
) =>
  ({
    Street: key(street),
    City: key(city),
    State: key(state),
    CountryOrRegion: key(country),
    PostalCode: key(code),
  }) satisfies Record<AddressPart, PropertyKey>;
const postalAddresses: Readonly<Record<string, Readonly<Record<AddressPart, PropertyKey>>>> = {
  Business: postal(0x8045, 0x8046, 0x8047, 0x8049, 0x8048, address),
  Home: postal(0x3a5d, 0x3a59, 0x3a5c, 0x3a5a, 0x3a5b, tagKey),
  Other: postal(0x3a63, 0x3a5f, 0x3a62, 0x3a60, 0x3a61, tagKey),
};

interface Family {
  readonly fields: Fields;
  readonly lists: Readonly<Record<string, PropertyKey>>;
  readonly entries: Readonly<Record<string, Readonly<Record<string, PropertyKey>>>>;
  readonly addresses: typeof postalAddresses;
}
const contacts: Family = {
  fields: contactFields,
  lists: contactLists,
  entries: contactEntries,
  addresses: postalAddresses,
};
const tasks: Family = { fields: taskFields, lists: taskLists, entries: {}, addresses: {} };

const familyOf = (itemClass: string): Family | null =>
  /^ipm\.contact(?:\.|$)/i.test(itemClass) ? contacts : /^ipm\.task(?:\.|$)/i.test(itemClass) ? tasks : null;

const keysOf = (family: Family): ReadonlySet<PropertyKey> =>
  new Set([
    ...Object.values(family.fields).map(({ at }) => at),
    ...Object.values(family.lists),
    ...Object.values(family.entries).flatMap((one) => Object.values(one)),
    ...Object.values(family.addresses).flatMap((one) => Object.values(one)),
  ]);
const owned = new Map<Family, ReadonlySet<PropertyKey>>([
  [contacts, keysOf(contacts)],
  [tasks, keysOf(tasks)],
]);

/** Properties that an item of this class keeps as fields of EWS. */
export const fieldKeysOf = (itemClass: string): ReadonlySet<PropertyKey> => {
  const family = familyOf(itemClass);
  return (family === null ? undefined : owned.get(family)) ?? new Set();
};

const parsed = (xml: string): XmlElement | undefined =>
  parseXmlBytes(Buffer.from(`<x xmlns:t="${ns}">${xml}</x>`)).root.children[0];

/**
 * Writes the fields of a contact or task as properties.
 * @returns fields that no property stands for: element → its XML.
 */
export function putFields(bag: Bag, itemClass: string, typed: ReadonlyMap<string, string>): Map<string, string> {
  const family = familyOf(itemClass);
  if (family === null) return new Map(typed);
  const left = new Map<string, string>();
  for (const [name, xml] of typed) {
    const element = parsed(xml);
    if (element === undefined || !putField(bag, family, name, element)) left.set(name, xml);
  }
  return left;
}

function putField(bag: Bag, family: Family, name: string, element: XmlElement): boolean {
  const simple = family.fields[name];
  if (simple !== undefined) {
    bag.put(simple.at, simple.form.type, simple.form.read(element.text));
    return true;
  }
  const list = family.lists[name];
  if (list !== undefined) {
    bag.put(
      list,
      'StringArray',
      element.children.map(({ text }) => text),
    );
    return true;
  }
  const isAddresses = name === 'PhysicalAddresses';
  const known = family.entries[name];
  if (known === undefined && !isAddresses) return false;
  let whole = true;
  for (const entry of element.children) {
    const index = entry.attributes.get('Key') ?? '';
    if (isAddresses) {
      const keys = family.addresses[index];
      for (const part of entry.children) {
        const at = keys?.[part.name as AddressPart];
        if (at !== undefined) bag.put(at, 'String', part.text);
        else whole = false;
      }
    } else {
      const at = known?.[index];
      if (at !== undefined) bag.put(at, 'String', entry.text);
      else whole = false;
    }
  }
  return whole;
}

const textIn = (bag: PropertyBag, at: PropertyKey): string | null => {
  const value = bag.get(at)?.value;
  return typeof value === 'string' && value !== '' ? value : null;
};

/** The fields that EWS shows for the properties of a contact or task: element → its XML. */
export function fieldsOf(bag: PropertyBag, itemClass: string): Map<string, string> {
  const family = familyOf(itemClass);
  const typed = new Map<string, string>();
  if (family === null) return typed;
  const put = (name: string, inner: string): void => {
    if (inner !== '') typed.set(name, `<t:${name}>${inner}</t:${name}>`);
  };
  for (const [name, { at, form }] of Object.entries(family.fields)) {
    const value = bag.get(at)?.value;
    const text = value === undefined ? null : form.write(value);
    if (text !== null) put(name, escaped(text));
  }
  for (const [name, at] of Object.entries(family.lists)) {
    const value = bag.get(at)?.value;
    if (Array.isArray(value)) put(name, value.map((one) => `<t:String>${escaped(String(one))}</t:String>`).join(''));
  }
  for (const [name, keys] of Object.entries(family.entries))
    put(
      name,
      Object.entries(keys)
        .map(([index, at]) => {
          const text = textIn(bag, at);
          return text === null ? '' : `<t:Entry Key="${index}">${escaped(text)}</t:Entry>`;
        })
        .join(''),
    );
  const postalOnes = Object.entries(family.addresses).map(([index, keys]) => {
    const parts = addressParts.map((part) => {
      const text = textIn(bag, keys[part]);
      return text === null ? '' : `<t:${part}>${escaped(text)}</t:${part}>`;
    });
    const inner = parts.join('');
    return inner === '' ? '' : `<t:Entry Key="${index}">${inner}</t:Entry>`;
  });
  put('PhysicalAddresses', postalOnes.join(''));
  return typed;
}
