import { parseAddressText } from '#formats/text/mime-header.ts';
import type { XmlElement } from '#formats/text/xml-read.ts';
import { assert } from '#kit/assert.ts';
import type { Version } from '#model/ids.ts';
import {
  type MailDraft,
  type MailFacts,
  type MailFields,
  type MailHead,
  type MailState,
  type MailStateField,
  MESSAGE_FLAG_READ,
  type RawProperty,
} from '#model/mail.ts';
import { absentMailFields, type MailField, mailFields, mailProperties } from '#model/mail-properties.ts';
import type { MapiProperty, MapiType, PropertyRow } from '#model/property-row.ts';
import { causewayPropertySet, type StampText, stampPropertyName } from '#model/stamp.ts';
import { itemIdOfUrl } from './dav-ids.ts';
import { type DavName, davKey, davNameOf, davNameOfUri, mailheaderNamespace, names } from './dav-names.ts';
import { type DavResponse, shownText, shownTexts } from './multistatus.ts';
import { type DavValue, readDavBoolean, readDavInteger, readDavTime, valuesOf, writeDavTime } from './value-forms.ts';

/** How one value is written as text. Undefined: cannot be read. */
interface Form {
  readonly read: (text: string) => unknown;
  readonly write: (value: never) => string;
}
const text: Form = { read: (value) => value, write: (value: string) => value };
const integer: Form = { read: readDavInteger, write: (value: number) => String(value) };
const boolean: Form = { read: readDavBoolean, write: (value: boolean) => (value ? '1' : '0') };
const time: Form = { read: readDavTime, write: writeDavTime };
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const base64: Form = {
  read: (value) => {
    const joined = value.replace(/\s+/g, '');
    return canonicalBase64.test(joined) ? joined : undefined;
  },
  write: (value: string) => value,
};
const hex: Form = {
  read: (value) => {
    const encoded = base64.read(value);
    return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('hex') : undefined;
  },
  write: (value: string) => Buffer.from(value, 'hex').toString('base64'),
};
/** Words of ours for numbers of theirs. */
const choice = (...words: readonly string[]): Form => ({
  read: (value) => words[readDavInteger(value) ?? -1],
  write: (value: string) => String(words.indexOf(value)),
});

const formOfType: Readonly<Record<MapiType, Form>> = {
  string: text,
  strings: text,
  guid: text,
  integer,
  long: integer,
  double: text,
  boolean,
  time,
  binary: base64,
};
const ownForms: Partial<Record<MailField, Form>> = {
  isRead: boolean,
  importance: choice('low', 'normal', 'high'),
  sensitivity: choice('normal', 'personal', 'private', 'confidential'),
  searchKey: hex,
};
/** Of fields whose WebDAV name is of another type than their MAPI property. */
const ownTypes: Partial<Record<MailField, MapiType>> = { isRead: 'boolean' };

/** One row of the property table, made ready for WebDAV. */
interface FieldCodec {
  readonly field: MailField;
  readonly row: PropertyRow<unknown>;
  readonly name: DavName;
  readonly type: MapiType;
  readonly form: Form;
  readonly list: boolean;
  readonly absent: unknown;
}

const codecs: readonly FieldCodec[] = mailFields.map((field) => {
  const row: PropertyRow<unknown> = mailProperties[field];
  return {
    field,
    row,
    name: row.dav === null ? davNameOf(row.mapi) : davNameOfUri(row.dav),
    type: ownTypes[field] ?? row.mapi.type,
    form: ownForms[field] ?? formOfType[row.mapi.type],
    list: row.mapi.type === 'strings',
    absent: absentMailFields[field] ?? null,
  };
});
const codecByKey = new Map(codecs.map((codec) => [davKey(codec.name), codec] as const));
const stateCodecs = codecs.filter(({ row }) => row.carriage === 'state');
const flagsCodec = codecs.find(({ field }) => field === 'messageFlags');
const classCodec = codecs.find(({ field }) => field === 'itemClass');
const receivedCodec = codecs.find(({ field }) => field === 'receivedAt');
assert(
  flagsCodec !== undefined && classCodec !== undefined && receivedCodec !== undefined,
  'the property table has messageFlags, itemClass and receivedAt',
);

export const stampName = davNameOf({ set: causewayPropertySet, name: stampPropertyName, type: 'string' });
/** Carried by an item whose content is still on its way, in place of the stamp. */
export const unfinishedName = davNameOf({ set: causewayPropertySet, name: 'CausewayUnfinished', type: 'string' });
const bccName: DavName = { ns: mailheaderNamespace, name: 'bcc' };
/** PidTagReadReceiptRequested and PidTagNonReceiptNotificationRequested. */
const receiptNames: readonly DavName[] = [
  davNameOf({ tag: 0x0029, type: 'boolean' }),
  davNameOf({ tag: 0x0c06, type: 'boolean' }),
];

/** What every read of an item asks for besides its fields. */
const headNames: readonly DavName[] = [
  names.permanentUrl,
  names.etag,
  names.isFolder,
  names.isHidden,
  stampName,
  unfinishedName,
];
/** Of a change feed and of heads. */
export const feedNames: readonly DavName[] = [
  ...headNames,
  ...codecs.filter(({ row }) => row.readFrom === 'feed').map(({ name }) => name),
];
/** Of a read of an item with its content. */
export const itemNames: readonly DavName[] = [...headNames, ...codecs.map(({ name }) => name), bccName];

/** What was odd, counted for the report. */
export type Oddities = Record<string, number>;

export function countOddities(into: Oddities, more: Readonly<Record<string, number>>): void {
  for (const [name, by] of Object.entries(more)) into[name] = (into[name] ?? 0) + by;
}

/** Null: it has no permanent address, so nothing can be done with it. */
export function readHead(response: DavResponse, oddities: Oddities): MailHead | null {
  const ids = itemIdOfUrl(shownText(response, names.permanentUrl) ?? '');
  const version = shownText(response, names.etag)?.trim() ?? '';
  if (ids === null || version === '') return null;
  const values = new Map<MailField, unknown>();
  const unread: RawProperty[] = [];
  for (const [key, element] of response.properties) {
    const codec = codecByKey.get(key);
    if (codec !== undefined) readValue(codec, element, values, unread, oddities);
  }
  const pick = (state: boolean): Record<string, unknown> =>
    Object.fromEntries(
      codecs
        .filter(({ row }) => (row.carriage === 'state') === state)
        .map(({ field, absent: none }) => [field, values.get(field) ?? none]),
    );
  return {
    id: ids.id,
    version: version as Version,
    folder: ids.folder,
    state: pick(true) as unknown as MailState,
    facts: pick(false) as unknown as MailFacts,
    stamp: shownText(response, stampName) as StampText | null,
    unread,
  };
}

function readValue(
  codec: FieldCodec,
  element: XmlElement,
  values: Map<MailField, unknown>,
  unread: RawProperty[],
  oddities: Oddities,
): void {
  const raw = valuesOf(element);
  // An empty element is a property that is not there, but for texts, which may be empty.
  if (!codec.list && codec.form !== text && raw.join('').trim() === '') return;
  const repairs = [element, ...element.children].flatMap((one) => one.repairs.map((repair) => repair.raw));
  if (repairs.length > 0 && codec.row.carriage !== 'server')
    unread.push({ property: codec.row.mapi, values: [...raw, ...repairs] });
  const value = codec.list ? raw : raw.length === 1 ? codec.form.read(raw[0] ?? '') : undefined;
  if (value !== undefined) {
    values.set(codec.field, value);
    return;
  }
  countOddities(oddities, { [`unreadable ${codec.field}`]: 1 });
  unread.push({ property: codec.row.mapi, values: raw });
}

/** Items that are none of a folder's contents: folders, hidden ones, and those of ours that are not finished. */
export function isContent(response: DavResponse): boolean {
  if (response.properties.has(davKey(unfinishedName))) return false;
  const yes = (name: DavName) => readDavBoolean(shownText(response, name) ?? '0') === true;
  return !yes(names.isFolder) && !yes(names.isHidden);
}

/** Recipients of blind copies as `Name <address>`. */
export function readBcc(response: DavResponse): readonly string[] {
  return parseAddressText(shownText(response, bccName) ?? '').map(
    ({ name, address }) => `${name || address} <${address}>`,
  );
}

/** Value of a property in the form in which all connectors hand out raw values: `true`, times without empty milliseconds. */
export function rawValues(response: DavResponse, property: MapiProperty): readonly string[] | null {
  const texts = shownTexts(response, davNameOf(property));
  if (texts === null) return null;
  if (property.type === 'boolean') return texts.map((one) => String(readDavBoolean(one) ?? one));
  if (property.type === 'time')
    return texts.map((one) => {
      const ms = readDavTime(one);
      return ms === undefined ? one : new Date(ms).toISOString().replace('.000Z', 'Z');
    });
  return texts;
}

/** The reverse of `rawValues`; a text of nothing is none. */
function writeRaw({ property, values }: RawProperty): readonly DavValue[] {
  if (values.length === 0 || (values.length === 1 && values[0] === '')) return [];
  const texts = values.map((value) => {
    if (property.type === 'boolean') return value === 'true' ? '1' : '0';
    const ms = property.type === 'time' ? readDavTime(value) : undefined;
    return ms === undefined ? value : writeDavTime(ms);
  });
  return [{ name: davNameOf(property), type: property.type, texts }];
}

const davValue = (codec: FieldCodec, value: unknown): DavValue => ({
  name: codec.field === 'itemClass' ? names.messageClass : codec.name,
  type: codec.type,
  texts: codec.list ? (value as readonly string[]) : [codec.form.write(value as never)],
});

/** Nothing to say about the field: the server's own default is the same. */
const isAbsent = (codec: FieldCodec, value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) ? value.length === 0 : value === codec.absent && typeof value !== 'string');

/**
 * Bits of PidTagMessageFlags that must not travel: SUBMIT, ASSOCIATED, RESEND, and the two pending receipts, with which a later
 * deletion of the copy would send a receipt.
 */
const flagsLeftBehind = 0x4 | 0x40 | 0x80 | 0x100 | 0x200;

/** All that is written of a draft besides its content, by the step that writes it. */
export interface WrittenDraft {
  /** Before the content is there: only now can the message be made one that is no draft, and read without a receipt. */
  readonly before: readonly DavValue[];
  /** After it, because the server makes properties of the content: stamp, times, state and facts. */
  readonly after: readonly DavValue[];
}

/**
 * Both times are written, or the server takes the present one: without an arrival time the time it was sent, then the time it was
 * made, and the reverse.
 */
export function writeDraft({ content, stamp, ofClass }: MailDraft): WrittenDraft {
  const { state, facts } = content.head;
  const fields: MailFields = {
    ...state,
    ...facts,
    messageFlags: (facts.messageFlags & ~flagsLeftBehind & ~MESSAGE_FLAG_READ) | (state.isRead ? MESSAGE_FLAG_READ : 0),
    receivedAt: facts.receivedAt ?? facts.sentAt ?? facts.createdAt,
    sentAt: facts.sentAt ?? facts.receivedAt ?? facts.createdAt,
  };
  const first = [classCodec, flagsCodec, receivedCodec].filter(
    (codec): codec is FieldCodec => codec !== undefined && fields[codec.field] !== null,
  );
  const second = codecs.filter(
    (codec) =>
      (codec.row.carriage === 'state' || codec.row.carriage === 'fact') &&
      codec !== flagsCodec &&
      codec.field !== 'isRead' &&
      !isAbsent(codec, fields[codec.field]),
  );
  const blind: readonly DavValue[] =
    content.bcc.length === 0 ? [] : [{ name: bccName, type: 'string', texts: [content.bcc.join(', ')] }];
  // Once a receipt was sent nobody asks for one any more, though the header fields of the message still do.
  const noReceipt: readonly DavValue[] = facts.readReceiptRequested
    ? []
    : [{ name: davNameOf(mailProperties.readReceiptRequested.mapi), type: 'boolean', texts: ['0'] }];
  return {
    before: [
      ...first.map((codec) => davValue(codec, fields[codec.field])),
      { name: unfinishedName, type: 'string', texts: [stamp] },
    ],
    after: [
      ...second.map((codec) => davValue(codec, fields[codec.field])),
      ...blind,
      ...noReceipt,
      ...ofClass.flatMap(writeRaw),
      { name: stampName, type: 'string', texts: [stamp] },
    ],
  };
}

/** What a PROPPATCH of these fields sets and removes. */
export function writeState(set: Partial<MailState>): {
  readonly set: readonly DavValue[];
  readonly remove: readonly DavName[];
} {
  const sets: DavValue[] = [];
  const removes: DavName[] = [];
  for (const codec of stateCodecs) {
    const value = set[codec.field as MailStateField];
    if (value === undefined) continue;
    if (clears(codec, value)) removes.push(codec.name);
    else sets.push(davValue(codec, value));
  }
  return { set: sets, remove: removes };
}

/** Null, an empty list, and a flag that is none ([MS-OXOFLAG] 2.2.1.1: an unflagged message has no such property). */
const clears = (codec: FieldCodec, value: unknown): boolean =>
  value === null || (Array.isArray(value) && value.length === 0) || (codec.field === 'flagStatus' && value === 0);

/** Takes back the requests for receipts, so that neither reading nor removing the item sends one. */
export const withoutReceipts: readonly DavValue[] = receiptNames.map((name) => ({
  name,
  type: 'boolean',
  texts: ['0'],
}));
