/**
 * Users, groups and organizational contacts of a tenant as directory objects: which property is which attribute, and which of them Graph
 * writes. Sources: GDOC resources `user`, `group`, `orgContact`, `mailboxSettings`.
 */
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { hash128 } from '#model/stamp.ts';
import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../../graph/json.ts';

export type EntraKind = 'user' | 'group' | 'contact';
export const entraKinds = ['user', 'group', 'contact'] as const satisfies readonly EntraKind[];

export const collections: Readonly<Record<EntraKind, string>> = {
  user: '/users',
  group: '/groups',
  contact: '/contacts',
};

/** Kind of an object by its `@odata.type`; null: a device, an application or whatever else is a directory object. */
export function kindOfType(type: string | null): EntraKind | null {
  if (type === '#microsoft.graph.user') return 'user';
  if (type === '#microsoft.graph.group') return 'group';
  return type === '#microsoft.graph.orgContact' ? 'contact' : null;
}

/** Attributes that are one text property, by kind. `writes`: Graph takes it in a PATCH. */
interface TextProperty {
  readonly property: string;
  readonly writes: boolean;
}
const written = (property: string): TextProperty => ({ property, writes: true });
const shown = (property: string): TextProperty => ({ property, writes: false });

const textProperties: Readonly<Record<EntraKind, Readonly<Record<string, TextProperty>>>> = {
  user: {
    displayName: written('displayName'),
    givenName: written('givenName'),
    sn: written('surname'),
    title: written('jobTitle'),
    department: written('department'),
    company: written('companyName'),
    physicalDeliveryOfficeName: written('officeLocation'),
    streetAddress: written('streetAddress'),
    l: written('city'),
    st: written('state'),
    postalCode: written('postalCode'),
    co: written('country'),
    mobile: written('mobilePhone'),
    facsimileTelephoneNumber: written('faxNumber'),
    employeeID: written('employeeId'),
    employeeType: written('employeeType'),
    preferredLanguage: written('preferredLanguage'),
    mailNickname: written('mailNickname'),
    userPrincipalName: written('userPrincipalName'),
    mail: shown('mail'),
    sAMAccountName: shown('onPremisesSamAccountName'),
  },
  group: {
    displayName: written('displayName'),
    description: written('description'),
    mail: shown('mail'),
    sAMAccountName: shown('onPremisesSamAccountName'),
  },
  contact: {
    displayName: shown('displayName'),
    givenName: shown('givenName'),
    sn: shown('surname'),
    title: shown('jobTitle'),
    department: shown('department'),
    company: shown('companyName'),
    mail: shown('mail'),
    mailNickname: shown('mailNickname'),
  },
};

const extensionNames = Array.from({ length: 15 }, (_, at) => `extensionAttribute${at + 1}`);

/** Properties that are asked for, always the same, so that equal versions mean equal objects. */
export const selected: Readonly<Record<EntraKind, readonly string[]>> = {
  user: [
    'id',
    ...Object.values(textProperties.user).map(({ property }) => property),
    ...['businessPhones', 'accountEnabled', 'proxyAddresses', 'onPremisesExtensionAttributes', 'onPremisesImmutableId'],
    // A licence that comes or goes makes or unmakes a mailbox.
    ...['onPremisesSecurityIdentifier', 'onPremisesSyncEnabled', 'userType', 'assignedPlans'],
  ],
  group: [
    'id',
    ...Object.values(textProperties.group).map(({ property }) => property),
    ...['mailNickname', 'proxyAddresses', 'groupTypes', 'mailEnabled', 'securityEnabled', 'createdDateTime'],
    ...['onPremisesSecurityIdentifier', 'onPremisesSyncEnabled'],
  ],
  contact: [
    'id',
    ...Object.values(textProperties.contact).map(({ property }) => property),
    ...['proxyAddresses', 'phones', 'addresses', 'onPremisesSyncEnabled'],
  ],
};

/** What stands beside the properties of an object. */
export interface Beside {
  readonly members: readonly ObjectGuid[];
  readonly manager: ObjectGuid | null;
  /** Null: not asked for. */
  readonly memberOf: readonly ObjectGuid[] | null;
  /** `userPurpose` of the mailbox; null: there is none. Of others than users null. */
  readonly purpose: string | null;
}

/** RecipientTypeDetails by the purpose of a mailbox (GDOC `mailboxSettings`). */
const detailsByPurpose: Readonly<Record<string, string>> = {
  user: '1',
  linked: '2',
  shared: '4',
  room: '16',
  equipment: '32',
};
const details = {
  user: '65536',
  'mail-user': '128',
  contact: '64',
  distribution: '256',
  'mail-security': '1024',
  security: '262144',
  /** No value that we know: guests, Microsoft 365 groups and what else is left alone. */
  other: '8192',
} as const;
const universalDistribution = '8';
const universalSecurity = '-2147483640';

const isSmtp = (value: string): boolean => /^smtp:/i.test(value);

/** Whether Exchange knows of it: then it has an address. */
export const hasAddress = (json: JsonObject): boolean => (textsAt(json, 'proxyAddresses') ?? []).some(isSmtp);

/** @param wanted Lower case; null: everything there is. */
export function objectOf(
  kind: EntraKind,
  json: JsonObject,
  beside: Beside,
  domain: string,
  wanted: ReadonlySet<string> | null,
): DirectoryObject {
  const guid = (textAt(json, 'id') ?? '').toLowerCase() as ObjectGuid;
  const all: Record<string, readonly string[]> = {};
  const put = (name: string, values: readonly (string | null)[]) => {
    const there = values.filter((value): value is string => value !== null && value !== '');
    if (there.length > 0) all[name] = there;
  };
  for (const [name, { property }] of Object.entries(textProperties[kind])) put(name, [textAt(json, property)]);
  put('proxyAddresses', textsAt(json, 'proxyAddresses') ?? []);
  if (json['onPremisesSyncEnabled'] === true) put('onPremisesSyncEnabled', ['TRUE']);
  put('objectSid', [sidHex(textAt(json, 'onPremisesSecurityIdentifier'))]);
  put('manager', [beside.manager]);
  if (kind === 'user') putUser(json, beside.purpose, put);
  if (kind === 'group') putGroup(json, put);
  if (kind === 'contact') putContact(json, put);
  put('member', [...beside.members].sort());
  // A back link says nothing of the object itself.
  const version = hash128(JSON.stringify([kind, Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))]));
  put('memberOf', beside.memberOf ?? []);
  const attributes: Attributes =
    wanted === null ? all : Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name.toLowerCase())));
  return { guid, kind, dn: '' as DistinguishedName, domain, attributes, version };
}

type Put = (name: string, values: readonly (string | null)[]) => void;

function putUser(json: JsonObject, purpose: string | null, put: Put): void {
  put('telephoneNumber', [textsAt(json, 'businessPhones')?.[0] ?? null]);
  // An account of nobody in particular is enabled: 512, and 514 when it is not ([MS-ADTS] 2.2.16).
  put('userAccountControl', [json['accountEnabled'] === false ? '514' : '512']);
  const extensions = objectAt(json, 'onPremisesExtensionAttributes');
  if (extensions !== null) for (const name of extensionNames) put(name, [textAt(extensions, name)]);
  const anchor = textAt(json, 'onPremisesImmutableId');
  put('ms-DS-ConsistencyGuid', [anchor === null ? null : Buffer.from(anchor, 'base64').toString('hex')]);
  put('msExchRecipientTypeDetails', [
    textAt(json, 'userType') === 'Guest'
      ? details.other
      : purpose !== null
        ? (detailsByPurpose[purpose] ?? details.other)
        : hasAddress(json)
          ? details['mail-user']
          : details.user,
  ]);
}

function putGroup(json: JsonObject, put: Put): void {
  const isMailed = json['mailEnabled'] === true;
  const isSecurity = json['securityEnabled'] === true;
  put('whenCreated', [textAt(json, 'createdDateTime')]);
  const isOfGroups = (textsAt(json, 'groupTypes') ?? []).length > 0;
  // Every group has an alias, also one that is nothing to mail.
  if (isMailed) put('mailNickname', [textAt(json, 'mailNickname')]);
  put('groupType', [isSecurity ? universalSecurity : universalDistribution]);
  put('msExchRecipientTypeDetails', [
    isOfGroups ? details.other : isMailed ? details[isSecurity ? 'mail-security' : 'distribution'] : details.security,
  ]);
}

function putContact(json: JsonObject, put: Put): void {
  const phone = (type: string): string | null =>
    objectsAt(json, 'phones')
      .filter((one) => textAt(one, 'type') === type)
      .map((one) => textAt(one, 'number'))[0] ?? null;
  put('telephoneNumber', [phone('business')]);
  put('mobile', [phone('mobile')]);
  put('facsimileTelephoneNumber', [phone('businessFax')]);
  const [address] = objectsAt(json, 'addresses');
  if (address !== undefined)
    for (const [name, property] of [
      ['l', 'city'],
      ['co', 'countryOrRegion'],
      ['physicalDeliveryOfficeName', 'officeLocation'],
      ['postalCode', 'postalCode'],
      ['st', 'state'],
      ['streetAddress', 'street'],
    ] as const)
      put(name, [textAt(address, property)]);
  if (hasAddress(json)) put('msExchRecipientTypeDetails', [details.contact]);
}

/** `S-1-5-21-…` as its bytes in hex ([MS-DTYP] 2.4.2.2); null: no SID. */
function sidHex(text: string | null): string | null {
  const [, revision, authority, ...subs] = (text ?? '').split('-').map((part, at) => (at === 0 ? 0 : Number(part)));
  if (text === null || revision === undefined || authority === undefined || subs.some(Number.isNaN)) return null;
  const bytes = Buffer.alloc(8 + subs.length * 4);
  bytes[0] = revision;
  bytes[1] = subs.length;
  bytes.writeUIntBE(authority, 2, 6);
  for (const [at, sub] of subs.entries()) bytes.writeUInt32LE(sub >>> 0, 8 + at * 4);
  return bytes.toString('hex');
}

/** Attributes that Graph shows of some kind of object, lower case. Any other one an Entra side has not. */
export const shownAttributes: ReadonlySet<string> = new Set(
  [
    ...entraKinds.flatMap((kind) => Object.keys(textProperties[kind])),
    ...extensionNames,
    ...['proxyAddresses', 'onPremisesSyncEnabled', 'objectSid', 'manager', 'member', 'memberOf', 'telephoneNumber'],
    ...['userAccountControl', 'ms-DS-ConsistencyGuid', 'msExchRecipientTypeDetails', 'groupType', 'mailNickname'],
    'whenCreated',
  ].map((name) => name.toLowerCase()),
);

const foldedProperties: Readonly<Record<EntraKind, ReadonlyMap<string, TextProperty>>> = {
  user: folded(textProperties.user),
  group: folded(textProperties.group),
  contact: folded(textProperties.contact),
};
function folded(rows: Readonly<Record<string, TextProperty>>): ReadonlyMap<string, TextProperty> {
  return new Map(Object.entries(rows).map(([name, row]) => [name.toLowerCase(), row]));
}

/** The part of a PATCH that sets an attribute; null: Graph does not write it. References are written in another way. */
export function patchOf(kind: EntraKind, attribute: string, values: readonly string[]): JsonObject | null {
  const name = attribute.toLowerCase();
  const row = foldedProperties[kind].get(name);
  const value: Json = values[0] ?? null;
  if (row !== undefined) return row.writes ? { [row.property]: value } : null;
  if (kind !== 'user') return null;
  if (name === 'telephonenumber') return { businessPhones: value === null ? [] : [value] };
  if (name === 'useraccountcontrol') return { accountEnabled: (Number(value ?? 0) & 2) === 0 };
  const extension = extensionNames.find((one) => one.toLowerCase() === name);
  return extension === undefined ? null : { onPremisesExtensionAttributes: { [extension]: value } };
}

/** Parts of a PATCH together. */
export function mergedPatch(parts: readonly JsonObject[]): JsonObject {
  const merged: Record<string, Json> = {};
  for (const part of parts)
    for (const [name, value] of Object.entries(part)) {
      const before = merged[name];
      merged[name] = isObject(value) && isObject(before) ? { ...before, ...value } : value;
    }
  return merged;
}

/** A filter by which Graph finds objects of a kind with one of these values; null: it does not compare that attribute. */
export function filterOf(kind: EntraKind, attribute: string, values: readonly string[]): string | null {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const name = attribute.toLowerCase();
  if (name === 'proxyaddresses') return values.map((one) => `proxyAddresses/any(p:p eq ${text(one)})`).join(' or ');
  const property =
    name === 'ms-ds-consistencyguid'
      ? kind === 'user'
        ? 'onPremisesImmutableId'
        : null
      : name === 'mailnickname'
        ? 'mailNickname'
        : (foldedProperties[kind].get(name)?.property ?? null);
  if (property === null) return null;
  const asked =
    property === 'onPremisesImmutableId' ? values.map((hex) => Buffer.from(hex, 'hex').toString('base64')) : values;
  return asked.map((one) => `${property} eq ${text(one)}`).join(' or ');
}

/** Attributes that only an advanced query compares (GDOC `aad-advanced-queries`). */
export const comparedByIndex: ReadonlySet<string> = new Set(['samaccountname']);
