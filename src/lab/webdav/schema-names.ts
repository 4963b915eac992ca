import { calendarKey } from '../world/calendar-keys.ts';
import { key, lidKey, nameKey, type PropertyKey, type PropertyType, sets, tagKey } from '../world/property.ts';
import { namespaces } from './dav-name.ts';

/** A MAPI property that the schema has a name of its own for. */
export interface SchemaName {
  readonly key: PropertyKey;
  readonly type: PropertyType;
}

type Table = Readonly<Record<string, readonly [key: PropertyKey, type?: PropertyType]>>;

const address = (lid: number): PropertyKey => lidKey(sets.Address, lid);
const common = (lid: number): PropertyKey => lidKey(sets.Common, lid);
const task = (lid: number): PropertyKey => lidKey(sets.Task, lid);

/** (evolution-exchange e2k-propnames, DavMail Field.java; the Exchange SDK's "mapping of contact properties to MAPI") */
const contacts: Table = {
  account: [tagKey(0x3a00)],
  billinginformation: [common(0x8535)],
  bday: [tagKey(0x3a42), 'SystemTime'],
  businesshomepage: [tagKey(0x3a51)],
  callbackphone: [tagKey(0x3a02)],
  childrensnames: [tagKey(0x3a58), 'StringArray'],
  cn: [tagKey(0x3001)],
  co: [address(0x8049)],
  computernetworkname: [tagKey(0x3a49)],
  customerid: [tagKey(0x3a4a)],
  department: [tagKey(0x3a18)],
  facsimiletelephonenumber: [tagKey(0x3a24)],
  fileas: [address(0x8005)],
  fileasid: [address(0x8006), 'Integer'],
  ftpsite: [tagKey(0x3a4c)],
  gender: [tagKey(0x3a4d), 'Short'],
  givenName: [tagKey(0x3a06)],
  governmentid: [tagKey(0x3a07)],
  hobbies: [tagKey(0x3a43)],
  homeCity: [tagKey(0x3a59)],
  homeCountry: [tagKey(0x3a5a)],
  homefax: [tagKey(0x3a25)],
  homePhone: [tagKey(0x3a09)],
  homePhone2: [tagKey(0x3a2f)],
  homePostalCode: [tagKey(0x3a5b)],
  homepostaladdress: [address(0x801a)],
  homepostofficebox: [tagKey(0x3a5e)],
  homeState: [tagKey(0x3a5c)],
  homeStreet: [tagKey(0x3a5d)],
  initials: [tagKey(0x3a0a)],
  internationalisdnnumber: [tagKey(0x3a2d)],
  l: [address(0x8046)],
  language: [tagKey(0x3a0c)],
  location: [tagKey(0x3a0d)],
  mailingaddressid: [address(0x8022), 'Integer'],
  manager: [tagKey(0x3a4e)],
  middlename: [tagKey(0x3a44)],
  mobile: [tagKey(0x3a1c)],
  namesuffix: [tagKey(0x3a05)],
  nickname: [tagKey(0x3a4f)],
  o: [tagKey(0x3a16)],
  officetelephonenumber: [tagKey(0x3a08)],
  office2telephonenumber: [tagKey(0x3a1b)],
  organizationmainphone: [tagKey(0x3a57)],
  othercity: [tagKey(0x3a5f)],
  othercountry: [tagKey(0x3a60)],
  otherfax: [tagKey(0x3a23)],
  othermobile: [tagKey(0x3a1e)],
  otherpager: [tagKey(0x3a1d)],
  otherpostaladdress: [address(0x801c)],
  otherpostalcode: [tagKey(0x3a61)],
  otherpostofficebox: [tagKey(0x3a64)],
  otherstate: [tagKey(0x3a62)],
  otherstreet: [tagKey(0x3a63)],
  otherTelephone: [tagKey(0x3a1f)],
  pager: [tagKey(0x3a21)],
  personalHomePage: [tagKey(0x3a50)],
  personaltitle: [tagKey(0x3a45)],
  postalcode: [address(0x8048)],
  postofficebox: [address(0x804a)],
  profession: [tagKey(0x3a46)],
  referredby: [tagKey(0x3a47)],
  roomnumber: [tagKey(0x3a19)],
  secretarycn: [tagKey(0x3a30)],
  secretaryphone: [tagKey(0x3a2e)],
  sn: [tagKey(0x3a11)],
  spousecn: [tagKey(0x3a48)],
  st: [address(0x8047)],
  street: [address(0x8045)],
  telephoneNumber: [tagKey(0x3a08)],
  telephonenumber2: [tagKey(0x3a1b)],
  telexnumber: [tagKey(0x3a2c)],
  title: [tagKey(0x3a17)],
  ttytddphone: [tagKey(0x3a4b)],
  weddinganniversary: [tagKey(0x3a41), 'SystemTime'],
  workaddress: [address(0x801b)],
};

const httpmail: Table = {
  datereceived: [key.receivedAt, 'SystemTime'],
  date: [key.sentAt, 'SystemTime'],
  displaycc: [key.displayCc],
  displayto: [key.displayTo],
  importance: [key.importance, 'Integer'],
  messageflag: [key.flagRequest],
  normalizedsubject: [key.normalizedSubject],
  subject: [key.subject],
  textdescription: [key.body],
  htmldescription: [key.htmlBody],
  'thread-topic': [key.conversationTopic],
};

const mailheader: Table = {
  'message-id': [key.messageId],
  'in-reply-to': [key.inReplyTo],
  references: [key.references],
  subject: [key.subject],
  'thread-topic': [key.conversationTopic],
  'thread-index': [key.conversationIndex],
  date: [key.sentAt, 'SystemTime'],
  'reply-by': [tagKey(0x0030), 'SystemTime'],
  'expiry-date': [tagKey(0x0015), 'SystemTime'],
};

const calendar: Table = {
  alldayevent: [calendarKey.allDay, 'Boolean'],
  dtend: [calendarKey.end, 'SystemTime'],
  dtstart: [calendarKey.start, 'SystemTime'],
  fburl: [address(0x80d8)],
  location: [calendarKey.location],
  responserequested: [calendarKey.responseRequested, 'Boolean'],
  sequence: [calendarKey.sequence, 'Integer'],
  lastmodified: [key.modifiedAt, 'SystemTime'],
  lastmodifiedtime: [key.modifiedAt, 'SystemTime'],
  created: [key.createdAt, 'SystemTime'],
  replytime: [calendarKey.repliedAt, 'SystemTime'],
};

const exchange: Table = {
  outlookmessageclass: [key.itemClass],
  'keywords-utf8': [key.keywords, 'StringArray'],
  sensitivity: [key.sensitivity, 'Integer'],
  mileage: [common(0x8534)],
  companies: [common(0x8539), 'StringArray'],
  extensionattribute1: [address(0x804f)],
  extensionattribute2: [address(0x8050)],
  extensionattribute3: [address(0x8051)],
  extensionattribute4: [address(0x8052)],
};

/** Outlook's short names. (evolution-exchange e2k-propnames) */
const mapi: Table = {
  apptstateflags: [calendarKey.stateFlags, 'Integer'],
  alldayevent: [calendarKey.allDay, 'Boolean'],
  busystatus: [calendarKey.busyStatus, 'Integer'],
  commonend: [calendarKey.commonEnd, 'SystemTime'],
  commonstart: [calendarKey.commonStart, 'SystemTime'],
  email1addrtype: [address(0x8082)],
  email1emailaddress: [address(0x8083)],
  email1originaldisplayname: [address(0x8084)],
  email2addrtype: [address(0x8092)],
  email2emailaddress: [address(0x8093)],
  email2originaldisplayname: [address(0x8094)],
  email3addrtype: [address(0x80a2)],
  email3emailaddress: [address(0x80a3)],
  email3originaldisplayname: [address(0x80a4)],
  finvited: [calendarKey.fInvited, 'Boolean'],
  InstMsg: [address(0x8062)],
  is_recurring: [calendarKey.recurring, 'Boolean'],
  location: [calendarKey.location],
  reminderdelta: [calendarKey.reminderMinutes, 'Integer'],
  reminderset: [key.reminderSet, 'Boolean'],
  remindernexttime: [calendarKey.reminderSignalTime, 'SystemTime'],
  responsestatus: [calendarKey.response, 'Integer'],
  responsestate: [calendarKey.response, 'Integer'],
  noteheight: [lidKey('0006200e-0000-0000-c000-000000000046', 0x8b03), 'Integer'],
  notewidth: [lidKey('0006200e-0000-0000-c000-000000000046', 0x8b02), 'Integer'],
  notecolor: [lidKey('0006200e-0000-0000-c000-000000000046', 0x8b00), 'Integer'],
  x: [lidKey('0006200e-0000-0000-c000-000000000046', 0x8b04), 'Integer'],
  y: [lidKey('0006200e-0000-0000-c000-000000000046', 0x8b05), 'Integer'],
};

const tables: Readonly<Record<string, Table>> = {
  [namespaces.contacts]: contacts,
  [namespaces.httpmail]: httpmail,
  [namespaces.mailheader]: mailheader,
  [namespaces.calendar]: calendar,
  [namespaces.exchange]: exchange,
  [namespaces.mapi]: mapi,
};

export function schemaNameOf(ns: string, local: string): SchemaName | null {
  const row = Object.hasOwn(tables, ns) && Object.hasOwn(tables[ns] ?? {}, local) ? tables[ns]?.[local] : undefined;
  return row === undefined ? null : { key: row[0], type: row[1] ?? 'String' };
}

/** All names that stand for a property, for `allprop`. */
export const schemaUris: readonly string[] = Object.entries(tables).flatMap(([ns, table]) =>
  Object.keys(table).map((local) => ns + local),
);

/** Types of named properties that a client may write without saying which: [MS-OXPROPS]. Others are strings. */
const namedTypes = new Map<PropertyKey, PropertyType>([
  ...Object.values(tables).flatMap((table) =>
    Object.values(table).map(([at, type]) => [at, type ?? 'String'] as [PropertyKey, PropertyType]),
  ),
  [calendarKey.private, 'Boolean'],
  [calendarKey.recurBlob, 'Binary'],
  [calendarKey.zoneStruct, 'Binary'],
  [calendarKey.zoneStart, 'Binary'],
  [calendarKey.zoneEnd, 'Binary'],
  [calendarKey.zoneRecur, 'Binary'],
  [calendarKey.globalObjectId, 'Binary'],
  [calendarKey.cleanGlobalObjectId, 'Binary'],
  [calendarKey.busyStatus, 'Integer'],
  [calendarKey.stateFlags, 'Integer'],
  [calendarKey.response, 'Integer'],
  [calendarKey.recurring, 'Boolean'],
  [calendarKey.isRecurring, 'Boolean'],
  [calendarKey.isException, 'Boolean'],
  [calendarKey.fInvited, 'Boolean'],
  [calendarKey.reminderMinutes, 'Integer'],
  [calendarKey.intendedBusyStatus, 'Integer'],
  [calendarKey.durationMin, 'Integer'],
  [calendarKey.recurrenceKind, 'Integer'],
  [calendarKey.start, 'SystemTime'],
  [calendarKey.end, 'SystemTime'],
  [calendarKey.clipStart, 'SystemTime'],
  [calendarKey.clipEnd, 'SystemTime'],
  [calendarKey.commonStart, 'SystemTime'],
  [calendarKey.commonEnd, 'SystemTime'],
  [calendarKey.reminderTime, 'SystemTime'],
  [calendarKey.reminderSignalTime, 'SystemTime'],
  [calendarKey.replacedStart, 'SystemTime'],
  [calendarKey.repliedAt, 'SystemTime'],
  [calendarKey.attendeeCriticalChange, 'SystemTime'],
  [calendarKey.ownerCriticalChange, 'SystemTime'],
  [task(0x8101), 'Integer'],
  [task(0x8102), 'Double'],
  [task(0x8104), 'SystemTime'],
  [task(0x8105), 'SystemTime'],
  [task(0x810f), 'SystemTime'],
  [task(0x811c), 'Boolean'],
  [address(0x8015), 'Boolean'],
  [nameKey(sets.PublicStrings, 'Keywords'), 'StringArray'],
]);

export const typeOfNamed = (at: PropertyKey): PropertyType => namedTypes.get(at) ?? 'String';

/** Types by the last four digits of a tag. [MS-OXCDATA] 2.11.1 */
const tagTypes: Readonly<Record<string, PropertyType>> = {
  '0002': 'Short',
  '0003': 'Integer',
  '0004': 'Float',
  '0005': 'Double',
  '0006': 'Currency',
  '0007': 'ApplicationTime',
  '000a': 'Error',
  '000b': 'Boolean',
  '0014': 'Long',
  '001e': 'String8',
  '001f': 'String',
  '0040': 'SystemTime',
  '0048': 'CLSID',
  '0102': 'Binary',
};

/** `x0e230003` and `0x0e230003`; `String8` is the type of narrow strings. Null: no tag. */
export function readTag(local: string): { readonly key: PropertyKey; readonly type: PropertyType } | null {
  const [, id = '', code = ''] = /^0?x([0-9a-f]{4})([0-9a-f]{4})$/i.exec(local) ?? [];
  if (id === '') return null;
  const bare = code.toLowerCase();
  const isMany = bare.startsWith('1');
  const type = tagTypes[isMany ? `0${bare.slice(1)}` : bare];
  return type === undefined ? null : { key: tagKey(Number.parseInt(id, 16)), type: isMany ? `${type}Array` : type };
}

/** `0x8570`, `0x00008104` and `32900`; null: no number. */
export function readLid(local: string): number | null {
  const value = /^0x[0-9a-f]{1,8}$/i.test(local)
    ? Number.parseInt(local, 16)
    : /^\d{1,10}$/.test(local)
      ? Number(local)
      : Number.NaN;
  return value >= 0 && value <= 0xffff_ffff ? value : null;
}
