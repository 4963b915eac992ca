import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailFacts, MailHead, MailState, MailStateField, RawProperty } from '#model/mail.ts';
import { absentMailFields, type MailField, mailFields, mailProperties } from '#model/mail-properties.ts';
import type { MapiProperty, PropertyRow } from '#model/property-row.ts';
import { causewayPropertySet, type StampText, stampPropertyName } from '#model/stamp.ts';
import { readTime } from '../ews/ews-time.ts';
import { type Form, formOf, hex } from '../ews/value-forms.ts';
import { expandOf, extendedEntry, extendedValues, propertyId, propertyKey, valuesOf } from './extended-properties.ts';
import { itemIdAt } from './item-ids.ts';
import { isObject, type Json, type JsonObject, objectAt, objectsAt, textAt } from './json.ts';

/** Extended properties of the service are those of EWS: their values are texts in the same forms. */
const sensitivities = ['normal', 'personal', 'private', 'confidential'] as const;
const byIndex = (words: readonly string[]): Form => ({
  read: (text) => words[Number(text)],
  write: (value: string) => String(words.indexOf(value)),
});
const ownForms: Partial<Record<MailField, Form>> = { sensitivity: byIndex(sensitivities), searchKey: hex };

interface FieldCodec {
  readonly field: MailField;
  readonly row: PropertyRow<unknown>;
  /** Property of the resource; null: extended. */
  readonly name: string | null;
  readonly form: Form;
}

const codecs: readonly FieldCodec[] = mailFields.map((field) => {
  const row: PropertyRow<unknown> = mailProperties[field];
  return { field, row, name: row.graph, form: ownForms[field] ?? formOf(row.mapi.type) };
});
const codecOf = new Map(codecs.map((codec) => [codec.field, codec]));

export const stampProperty: MapiProperty = { set: causewayPropertySet, name: stampPropertyName, type: 'string' };
/** On every message, so that its absence tells that extended properties were not shown. */
const messageFlags = mailProperties.messageFlags.mapi;

const extendedOf = (wanted: readonly FieldCodec[]): readonly MapiProperty[] => [
  // The read flag is a bit of the message flags, which are asked for by their own row.
  ...wanted.filter(({ name }) => name === null).map(({ row }) => row.mapi),
  stampProperty,
];
/**
 * Query that shows everything of a message but its content, in feeds as well: properties more in a page cost little beside a request for each
 * item.
 */
export const headQuery = `$select=${['changeKey', 'parentFolderId', ...codecs.flatMap(({ name }) => name ?? []), 'bccRecipients'].join(',')}&$expand=${encodeURIComponent(expandOf(extendedOf(codecs)))}`;

/** What was odd about an item, counted for the report. */
export type Oddities = Record<string, number>;
const count = (oddities: Oddities, name: string): void => {
  oddities[name] = (oddities[name] ?? 0) + 1;
};

/** Whether an entry of a feed shows all that was asked for: later rounds may show what changed and nothing else. */
export const isWhole = (entity: JsonObject): boolean =>
  textAt(entity, 'changeKey') !== null &&
  textAt(entity, 'parentFolderId') !== null &&
  valuesOf(extendedValues(entity), messageFlags) !== null;

/** A message as a head; null when it has no id or version. */
export function readHead(entity: JsonObject, oddities: Oddities): MailHead | null {
  const [id, changeKey, folder] = [textAt(entity, 'id'), textAt(entity, 'changeKey'), textAt(entity, 'parentFolderId')];
  if (id === null || changeKey === null || folder === null) return null;
  const extended = extendedValues(entity);
  const unread: RawProperty[] = [];
  const values: Partial<Record<MailField, unknown>> = {};
  for (const codec of codecs) {
    const value = codec.name === null ? readExtended(codec, extended) : readTyped(codec, entity[codec.name]);
    if (value === unreadable) {
      count(oddities, `unreadable ${codec.field}`);
      unread.push({ property: codec.row.mapi, values: valuesOf(extended, codec.row.mapi) ?? [] });
    }
    values[codec.field] = value === unreadable || value === null ? (absentMailFields[codec.field] ?? null) : value;
  }
  const pick = (isState: boolean) =>
    Object.fromEntries(
      codecs.filter(({ row }) => (row.carriage === 'state') === isState).map(({ field }) => [field, values[field]]),
    );
  return {
    id: itemIdAt(id, folder as FolderId),
    version: changeKey as Version,
    folder: folder as FolderId,
    state: pick(true) as unknown as MailState,
    facts: pick(false) as unknown as MailFacts,
    stamp: (valuesOf(extended, stampProperty)?.[0] ?? null) as StampText | null,
    unread,
    ...(Array.isArray(entity['bccRecipients']) ? { bcc: readBcc(entity) } : {}),
  };
}

const unreadable = Symbol('a value that cannot be read');

function readExtended({ row, form }: FieldCodec, extended: ReadonlyMap<string, readonly string[]>): unknown {
  const values = valuesOf(extended, row.mapi);
  if (values === null) return null;
  const read = form.read(values[0] ?? '');
  return read === undefined ? unreadable : read;
}

/** Properties of the resource that are no text are what they are; dates are texts. */
function readTyped({ row }: FieldCodec, value: Json | undefined): unknown {
  if (value === null || value === undefined) return null;
  if (row.mapi.type === 'time') return typeof value === 'string' ? (readTime(value) ?? unreadable) : unreadable;
  if (row.mapi.type === 'strings')
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : unreadable;
  return value;
}

/** Recipients of blind copies as `Name <address>`. */
const readBcc = (entity: JsonObject): readonly string[] =>
  objectsAt(entity, 'bccRecipients').map((one) => {
    const person = objectAt(one, 'emailAddress') ?? {};
    return `${textAt(person, 'name') ?? ''} <${textAt(person, 'address') ?? ''}>`.trimStart();
  });

/** Body of a PATCH that sets these fields, none of which it takes away (`clearsExtended`). */
export function writeState(set: Partial<MailState>): JsonObject {
  const body: Record<string, Json> = {};
  const extended: Json[] = [];
  for (const [field, value] of Object.entries(set) as [MailStateField, MailState[MailStateField]][]) {
    const codec = codecOf.get(field);
    if (codec === undefined || value === undefined) continue;
    if (codec.name !== null) body[codec.name] = value as Json;
    else extended.push(extendedEntry(codec.row.mapi, codec.form.write(value as never)));
  }
  if (extended.length > 0) body['singleValueExtendedProperties'] = extended;
  return body;
}

/** Whether something is to be taken away that only an extended property says: a PATCH can set such a property and not remove it. */
export const clearsExtended = (set: Partial<MailState>): boolean =>
  Object.entries(set).some(
    ([field, value]) => codecOf.get(field as MailStateField)?.name === null && clears(field as MailStateField, value),
  );

/** An unflagged message has no such property ([MS-OXOFLAG] 2.2.1.1). */
const clears = (field: MailStateField, value: unknown): boolean =>
  value === null || (field === 'flagStatus' && value === 0);

/** Raw values of properties, as EWS writes them too. Empty lists are absent. */
export function rawProperties(entity: JsonObject, wanted: readonly MapiProperty[]): readonly RawProperty[] {
  const values = extendedValues(entity);
  return wanted.flatMap((property) => {
    const found = values.get(propertyKey(propertyId(property)));
    return found === undefined || found.length === 0 ? [] : [{ property, values: found }];
  });
}

/** Version and id after a write that answers with the item. */
export function readWritten(entity: JsonObject): { readonly id: ItemId; readonly version: Version } | null {
  const [id, changeKey, folder] = [textAt(entity, 'id'), textAt(entity, 'changeKey'), textAt(entity, 'parentFolderId')];
  if (id === null || changeKey === null || folder === null) return null;
  return { id: itemIdAt(id, folder as FolderId), version: changeKey as Version };
}

/** An entry of a feed that says that something is there no more. */
export const isRemoved = (entity: JsonObject): boolean => isObject(entity['@removed']);

/** An entry that shows the read flag and nothing else that was asked for. */
export function readFlagOf(entity: JsonObject): boolean | null {
  const { isRead } = entity;
  const others = Object.keys(entity).filter((name) => name !== 'id' && name !== 'isRead' && !name.startsWith('@'));
  return typeof isRead === 'boolean' && others.length === 0 ? isRead : null;
}
