import { attribute, child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeText, XmlFragment } from '#formats/text/xml-write.ts';
import { assert } from '#kit/assert.ts';
import type { Payload } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
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
import type { MapiProperty, PropertyRow } from '#model/property-row.ts';
import { causewayPropertySet, type StampText, stampPropertyName } from '#model/stamp.ts';
import { extendedFieldUri, extendedProperty, extendedValues, propertyKey, propertyKeyOf } from './extended-fields.ts';
import { typesNamespace } from './namespaces.ts';
import { boolean, choice, type Form, formOf, hex } from './value-forms.ts';

/** Fields whose form does not follow from their MAPI type: a bit of an integer, words for numbers, hex for bytes. */
const ownForms: Partial<Record<MailField, Form>> = {
  isRead: boolean,
  importance: choice('low', 'normal', 'high'),
  sensitivity: choice('normal', 'personal', 'private', 'confidential'),
  searchKey: hex,
};

/** One row of the property table, made ready for EWS. */
interface FieldCodec {
  readonly field: MailField;
  readonly row: PropertyRow<unknown>;
  /** Place in the array of values while an item is read. */
  readonly index: number;
  /** Local name of the typed element, or null for an extended property. */
  readonly element: string | null;
  /** `t:FieldURI` or `t:ExtendedFieldURI`. */
  readonly path: string;
  /** What stands before and after the text of a single value. */
  readonly before: string;
  readonly after: string;
  readonly form: Form;
  readonly list: boolean;
  readonly absent: unknown;
}

const codecs: readonly FieldCodec[] = mailFields.map((field, index) => {
  const row: PropertyRow<unknown> = mailProperties[field];
  const element = row.ews === null ? null : row.ews.slice(row.ews.indexOf(':') + 1);
  const path = row.ews === null ? extendedFieldUri(row.mapi) : `<t:FieldURI FieldURI="${row.ews}"/>`;
  return {
    field,
    row,
    index,
    element,
    path,
    before: element === null ? `<t:ExtendedProperty>${path}<t:Value>` : `<t:${element}>`,
    after: element === null ? '</t:Value></t:ExtendedProperty>' : `</t:${element}>`,
    form: ownForms[field] ?? formOf(row.mapi.type),
    list: row.mapi.type === 'strings',
    absent: absentMailFields[field] ?? null,
  };
});
const codecOf = new Map(codecs.map((codec) => [codec.field, codec]));
const typedCodecs = new Map(
  codecs.flatMap((codec) => (codec.element === null ? [] : [[codec.element, codec] as const])),
);
const extendedCodecs = new Map(
  codecs.flatMap((codec) => (codec.element === null ? [[propertyKey(codec.row.mapi), codec] as const] : [])),
);
const stateCodecs = codecs.filter((codec) => codec.row.carriage === 'state');
const factCodecs = codecs.filter((codec) => codec.row.carriage !== 'state');
const flagsCodec = codecOf.get('messageFlags');
const readCodec = codecOf.get('isRead');
assert(flagsCodec !== undefined && readCodec !== undefined, 'the property table has messageFlags and isRead');

export const stampProperty: MapiProperty = { set: causewayPropertySet, name: stampPropertyName, type: 'string' };
const stampKey = propertyKey(stampProperty);

/** Paths of everything that a change feed shows, the stamp included. */
export const feedPaths =
  codecs
    .filter((codec) => codec.row.readFrom === 'feed')
    .map((codec) => codec.path)
    .join('') + extendedFieldUri(stampProperty);
/** Paths of everything, for a read of items. */
export const itemPaths = `${codecs.map((codec) => codec.path).join('')}${extendedFieldUri(stampProperty)}<t:FieldURI FieldURI="message:BccRecipients"/>`;

/** What was odd about an item, counted for the report. */
export type Oddities = Record<string, number>;
const count = (oddities: Oddities, name: string, by = 1): void => {
  oddities[name] = (oddities[name] ?? 0) + by;
};

/** Id and version of an item; null when there is none. */
export function itemIdOf(item: XmlElement): { readonly id: ItemId; readonly version: Version } | null {
  const found = child(item, typesNamespace, 'ItemId');
  const id = found === null ? null : attribute(found, 'Id');
  return id === null || id === '' || found === null
    ? null
    : { id: id as ItemId, version: (attribute(found, 'ChangeKey') ?? '') as Version };
}

export const parentFolderOf = (item: XmlElement): FolderId | null => {
  const found = child(item, typesNamespace, 'ParentFolderId');
  return found === null ? null : (attribute(found, 'Id') as FolderId | null);
};

/** An item element of whatever kind (`t:Message`, `t:Item`, `t:MeetingRequest`, …) as a head; null when it has no id. */
export function readHead(item: XmlElement, folder: FolderId, oddities: Oddities): MailHead | null {
  const values: unknown[] = new Array(codecs.length);
  const unread: RawProperty[] = [];
  let stamp: StampText | null = null;
  let ids: { readonly id: ItemId; readonly version: Version } | null = null;
  for (const element of item.children) {
    if (element.ns !== typesNamespace) continue;
    if (element.name === 'ExtendedProperty') {
      const uri = child(element, typesNamespace, 'ExtendedFieldURI');
      if (uri === null) continue;
      const key = propertyKeyOf(uri);
      const codec = extendedCodecs.get(key);
      if (codec !== undefined) readValue(codec, element, extendedValues(element), values, unread, oddities);
      else if (key === stampKey) stamp = (extendedValues(element)[0] ?? '') as StampText;
      continue;
    }
    if (element.name === 'ItemId') {
      ids = itemIdOf(item);
      continue;
    }
    const codec = typedCodecs.get(element.name);
    if (codec !== undefined)
      readValue(
        codec,
        element,
        codec.list ? children(element, typesNamespace, 'String').map((one) => one.text) : [element.text],
        values,
        unread,
        oddities,
      );
  }
  if (ids === null) return null;
  const flags = values[flagsCodec?.index ?? 0];
  // Kinds without a typed read flag (reports as `t:Item`, posts) still have it among their message flags.
  const readIndex = readCodec?.index ?? 0;
  if (values[readIndex] === undefined && typeof flags === 'number')
    values[readIndex] = (flags & MESSAGE_FLAG_READ) !== 0;
  return {
    ...ids,
    folder,
    state: pick(stateCodecs, values) as unknown as MailState,
    facts: pick(factCodecs, values) as unknown as MailFacts,
    stamp,
    unread,
  };
}

function pick(wanted: readonly FieldCodec[], values: readonly unknown[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const codec of wanted) record[codec.field] = values[codec.index] ?? codec.absent;
  return record;
}

function readValue(
  codec: FieldCodec,
  element: XmlElement,
  raw: readonly string[],
  values: unknown[],
  unread: RawProperty[],
  oddities: Oddities,
): void {
  const repairs = repairsIn(element);
  if (repairs.length > 0) {
    // The value stays usable with U+FFFD in it; what stood there is kept beside it.
    count(oddities, 'forbidden character', repairs.length);
    if (codec.row.carriage !== 'server') unread.push({ property: codec.row.mapi, values: [...raw, ...repairs] });
  }
  const value = codec.list ? raw : raw.length === 1 ? codec.form.read(raw[0] ?? '') : undefined;
  if (value !== undefined) {
    values[codec.index] = value;
    return;
  }
  count(oddities, `unreadable ${codec.field}`);
  unread.push({ property: codec.row.mapi, values: raw });
}

/** The forbidden characters of an element and of those below it, as they were written. */
function repairsIn(element: XmlElement): readonly string[] {
  if (element.children.length === 0)
    return element.repairs.length === 0 ? noRepairs : element.repairs.map((repair) => repair.raw);
  let found = element.repairs.length === 0 ? noRepairs : element.repairs.map((repair) => repair.raw);
  for (const inner of element.children) {
    const more = repairsIn(inner);
    if (more.length > 0) found = [...found, ...more];
  }
  return found;
}
const noRepairs: readonly string[] = [];

/** Blind-copy recipients of an item as `Name <address>`. */
export function readBcc(item: XmlElement): readonly string[] {
  const found = child(item, typesNamespace, 'BccRecipients');
  return found === null
    ? []
    : children(found, typesNamespace, 'Mailbox').map((mailbox) => {
        const name = childText(mailbox, typesNamespace, 'Name') ?? '';
        return `${name} <${childText(mailbox, typesNamespace, 'EmailAddress') ?? ''}>`.trimStart();
      });
}

function writeMailbox(recipient: string): string {
  const match = /^(.*?)\s*<([^<>]*)>$/s.exec(recipient);
  const name = match?.[1] ?? '';
  const address = match?.[2] ?? recipient;
  const nameXml = name === '' ? '' : `<t:Name>${escapeText(name)}</t:Name>`;
  const addressXml = address === '' ? '' : `<t:EmailAddress>${escapeText(address)}</t:EmailAddress>`;
  // An address of the old directory form means nothing elsewhere, but as type EX it is at least kept as it is.
  return `<t:Mailbox>${nameXml}${addressXml}${address.startsWith('/') ? '<t:RoutingType>EX</t:RoutingType>' : ''}</t:Mailbox>`;
}

/** The typed element or extended property that holds a value. */
function writeField(codec: FieldCodec, value: unknown): string {
  if (codec.list) {
    const list = value as readonly string[];
    if (codec.element === null) return extendedProperty(codec.row.mapi, list);
    return `<t:${codec.element}>${list.map((one) => `<t:String>${escapeText(one)}</t:String>`).join('')}</t:${codec.element}>`;
  }
  return codec.before + escapeText(codec.form.write(value as never)) + codec.after;
}

/** Nothing to say about the field: the server's own default is the same. */
const isAbsent = (codec: FieldCodec, value: unknown): boolean =>
  value === null ||
  value === undefined ||
  (Array.isArray(value) ? value.length === 0 : value === codec.absent && typeof value !== 'string');

/** Posts, which have an element of their own and no recipients; of every other class in a mail folder a message is made. */
const isPost = /^ipm\.post(?:\.|$)/i;

/** What a create writes as typed elements, in the order of ItemType in the types schema. */
const typedAtCreate = (['itemClass', 'sensitivity', 'categories', 'importance'] as const).flatMap(
  (field) => codecOf.get(field) ?? [],
);
/** And as extended properties. */
const extendedAtCreate = codecs.filter(
  ({ element, row }) => element === null && (row.carriage === 'state' || row.carriage === 'fact'),
);

/**
 * Bits of PidTagMessageFlags that must not travel: SUBMIT, ASSOCIATED, RESEND, and the two pending receipts, with which a later
 * deletion of the copy would send a receipt.
 */
const flagsLeftBehind = 0x4 | 0x40 | 0x80 | 0x100 | 0x200;

/**
 * A draft as an item of a CreateItem. Only this request can make something that is no draft: flags 0x0E07 without UNSENT, with
 * the read flag of now. Both times are written, or the server takes the present one: without an arrival time the time it was
 * sent, then the time it was made, and the reverse.
 */
export function writeMessage(draft: MailDraft): XmlFragment {
  const { head, mime, bcc } = draft.content;
  const { state, facts } = head;
  const messageFlags =
    (facts.messageFlags & ~flagsLeftBehind & ~MESSAGE_FLAG_READ) | (state.isRead ? MESSAGE_FLAG_READ : 0);
  const receivedAt = facts.receivedAt ?? facts.sentAt ?? facts.createdAt;
  const sentAt = facts.sentAt ?? facts.receivedAt ?? facts.createdAt;
  const fields: MailFields = { ...state, ...facts, messageFlags, receivedAt, sentAt };
  let typed = '';
  for (const codec of typedAtCreate) {
    const value = fields[codec.field];
    if (!isAbsent(codec, value) && value !== 'IPM.Note') typed += writeField(codec, value);
  }
  let extended = '';
  for (const codec of extendedAtCreate) {
    const value = fields[codec.field];
    if (codec === flagsCodec || !isAbsent(codec, value)) extended += writeField(codec, value);
  }
  for (const { property, values } of draft.ofClass) extended += extendedOfRaw(property, values);
  extended += extendedProperty(stampProperty, draft.stamp);
  const element = isPost.test(facts.itemClass) ? 'PostItem' : 'Message';
  const blind =
    bcc.length === 0 || element === 'PostItem'
      ? ''
      : `<t:BccRecipients>${bcc.map(writeMailbox).join('')}</t:BccRecipients>`;
  // Once a receipt was sent nobody asks for one any more, though the header fields of the message still do.
  const noReceipt =
    facts.readReceiptRequested || element === 'PostItem'
      ? ''
      : '<t:IsReadReceiptRequested>false</t:IsReadReceiptRequested>';
  const parts: readonly (string | Payload)[] = [
    `<t:${element}><t:MimeContent>`,
    mime,
    `</t:MimeContent>${typed}${extended}${blind}${noReceipt}</t:${element}>`,
  ];
  return new XmlFragment(parts, 0);
}

/** A raw value as it came; a text of nothing is none. */
function extendedOfRaw(property: MapiProperty, values: readonly string[]): string {
  if (property.type === 'strings') return values.length === 0 ? '' : extendedProperty(property, values);
  const [value = ''] = values;
  return value === '' ? '' : extendedProperty(property, value);
}

/** `t:Updates` of an UpdateItem. */
export function writeUpdates(set: Partial<MailState>): XmlFragment {
  let updates = '';
  for (const codec of stateCodecs) {
    const value = set[codec.field as MailStateField];
    if (value === undefined) continue;
    updates += clears(codec, value)
      ? `<t:DeleteItemField>${codec.path}</t:DeleteItemField>`
      : `<t:SetItemField>${codec.path}<t:Message>${writeField(codec, value)}</t:Message></t:SetItemField>`;
  }
  return new XmlFragment([`<t:Updates>${updates}</t:Updates>`], 0);
}

/** Null, an empty list, and a flag that is none ([MS-OXOFLAG] 2.2.1.1: an unflagged message has no such property). */
const clears = (codec: FieldCodec, value: unknown): boolean =>
  value === null || (Array.isArray(value) && value.length === 0) || (codec.field === 'flagStatus' && value === 0);
