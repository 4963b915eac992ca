import type { XmlElement } from '#formats/text/xml-read.ts';
import type { RawProperty } from '#model/mail.ts';
import type { TypedRow } from '#model/property-row.ts';
import type { TypedFields } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import { propertyKey } from '../extended-fields.ts';
import type { SchemaVersion } from '../server-version.ts';
import type { FieldCodec } from './field-codec.ts';
import { elementOf, extendedPart, type Part } from './parts.ts';
import type { ShownItem } from './shown-item.ts';

/** Kinds whose items have no occurrences of their own. */
export type PlainKind = 'contacts' | 'tasks' | 'notes';

/** Everything but attachments, which take requests of their own. */
export type PlainFields<Kind extends PlainKind> = Omit<TypedFields[Kind], 'attachments'>;

/** Something that a server does not keep when it is written over EWS. */
export interface Loss<Kind extends PlainKind> {
  readonly field: keyof TypedFields[Kind] & string;
  /** The first version that keeps it; null: none. */
  readonly keptFrom: SchemaVersion | null;
  /** In words, for the report and the document of what is carried. */
  readonly what: string;
  /** Whether it concerns what is written, of an update what changes. @param after All fields as they are to be then. */
  readonly concerns: (written: Partial<TypedFields[Kind]>, after: TypedFields[Kind]) => boolean;
}

/** One kind of items over EWS. */
export interface KindCodec<Kind extends PlainKind> {
  readonly kind: Kind;
  /** Local names of the element in a create and in an update. */
  readonly element: { readonly create: string; readonly update: string };
  /** The class of items of this kind, in lower case; those below it are of the kind as well. */
  readonly itemClass: string;
  /** Whether `ItemClass` is written although the element says it. */
  readonly alwaysClass: boolean;
  /** Written elements, in the order of the schema. */
  readonly order: readonly string[];
  readonly fields: { readonly [F in keyof PlainFields<Kind>]: FieldCodec<TypedFields[Kind][F]> };
  /** In place of a value that cannot be read. */
  readonly unread: PlainFields<Kind>;
  /** Fields without which an item would be another one. */
  readonly indispensable: readonly (keyof PlainFields<Kind>)[];
  /** Properties that every create has beside its fields. */
  readonly always: readonly Part[];
  readonly losses: readonly Loss<Kind>[];
  /** One form for what means the same, of what is read. */
  canonical(fields: PlainFields<Kind>): PlainFields<Kind>;
  /** What is written for a wish: fields that the server couples go together. */
  settled(set: Partial<PlainFields<Kind>>, before: PlainFields<Kind> | null): Partial<PlainFields<Kind>>;
  /** Whether an attachment is the picture of a contact. */
  isPicture(name: string): boolean;
}

type AnyCodec = FieldCodec<unknown>;
const codecsOf = <Kind extends PlainKind>(codec: KindCodec<Kind>): readonly (readonly [string, AnyCodec])[] =>
  Object.entries(codec.fields as Readonly<Record<string, AnyCodec>>);

/** Paths of all fields, for a read of items. */
export const kindPaths = <Kind extends PlainKind>(codec: KindCodec<Kind>): string =>
  [...new Set(codecsOf(codec).map(([, { paths }]) => paths))].join('');

export interface ReadFields<Kind extends PlainKind> {
  readonly fields: PlainFields<Kind>;
  /** What could not be read, as it came. */
  readonly extras: readonly RawProperty[];
  readonly unreadable: readonly string[];
}

export function readFields<Kind extends PlainKind>(codec: KindCodec<Kind>, shown: ShownItem): ReadFields<Kind> {
  const unread = codec.unread as Readonly<Record<string, unknown>>;
  const fields: Record<string, unknown> = {};
  const extras: RawProperty[] = [];
  const unreadable: string[] = [];
  const rows = typedRows(codec.kind);
  for (const [field, one] of codecsOf(codec)) {
    const value = one.read(shown);
    fields[field] = value === undefined ? unread[field] : value;
    const row = rows[field];
    const property = row?.mapi[0];
    const repairs = row === undefined ? [] : repairsOf(shown, row);
    if ((value === undefined || repairs.length > 0) && row !== undefined && property !== undefined)
      extras.push({ property, values: [...rawOf(shown, row), ...repairs] });
    if (value === undefined && (codec.indispensable as readonly string[]).includes(field)) unreadable.push(field);
  }
  return { fields: codec.canonical(fields as unknown as PlainFields<Kind>), extras, unreadable };
}

const shownElements = (shown: ShownItem, row: TypedRow<unknown>): readonly XmlElement[] =>
  row.ews.flatMap((uri) => shown.typed.get(elementOf(uri)) ?? []);
const rawOf = (shown: ShownItem, row: TypedRow<unknown>): readonly string[] => [
  ...shownElements(shown, row).map((element) => element.text),
  ...row.mapi.flatMap((property) => shown.extended.get(propertyKey(property)) ?? []),
];
/** Characters that XML forbids and the server sent nevertheless, as they were written. */
const repairsOf = (shown: ShownItem, row: TypedRow<unknown>): readonly string[] =>
  shownElements(shown, row).flatMap((element) => element.repairs.map((repair) => repair.raw));

export function createParts<Kind extends PlainKind>(
  codec: KindCodec<Kind>,
  fields: PlainFields<Kind>,
  version: SchemaVersion,
): readonly Part[] {
  const values = { ...fields, ...codec.settled(fields, null) } as Readonly<Record<string, unknown>>;
  return codecsOf(codec).flatMap(([field, one]) => one.create(values[field], version));
}

export function updateParts<Kind extends PlainKind>(
  codec: KindCodec<Kind>,
  set: Partial<PlainFields<Kind>>,
  before: PlainFields<Kind>,
  version: SchemaVersion,
): readonly Part[] {
  const values = codec.settled(set, before) as Readonly<Record<string, unknown>>;
  const old = before as unknown as Readonly<Record<string, unknown>>;
  return codecsOf(codec).flatMap(([field, one]) =>
    values[field] === undefined ? [] : one.update(values[field], old[field], version),
  );
}

/** Named properties that no field of the kind stands for. Tags are the server's own, and what could not be read is not written. */
export function extraParts(kind: PlainKind, extras: readonly RawProperty[]): readonly Part[] {
  const own = new Set(Object.values(typedRows(kind)).flatMap(({ mapi }) => mapi.map((one) => propertyKey(one))));
  return extras.flatMap(({ property, values }): readonly Part[] => {
    if ('tag' in property || own.has(propertyKey(property))) return [];
    if (property.type === 'strings') return [extendedPart(property, values)];
    const [value] = values;
    return value === undefined || values.length > 1 ? [] : [extendedPart(property, value)];
  });
}
