import type { MapiProperty } from '#model/property-row.ts';
import type { TypedFields, TypedItem, TypedKind } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { MapiPropertyValue } from '../mapi/mapi-message.ts';
import { type FieldCodec, internetCodePage, nativeBody } from './field-codec.ts';
import { writeBody } from './item-body.ts';
import { headProperties, mainProperties, receiptProperty, stampProperty } from './item-properties.ts';
import type { Get } from './property-values.ts';

/** Kinds without occurrences and without people. */
export type PlainKind = Exclude<TypedKind, 'calendar'>;
/** All fields but attachments, which no property holds. */
export type PlainFields<Kind extends PlainKind> = Omit<TypedFields[Kind], 'attachments'>;

/** How the items of a kind stand in their properties. */
export interface PlainKindCodec<Kind extends PlainKind> {
  readonly kind: Kind;
  readonly fields: { readonly [F in keyof PlainFields<Kind>]: FieldCodec<PlainFields<Kind>[F]> };
  /** What a field is when its properties are not there. */
  readonly absent: TypedFields[Kind];
  /** What follows from the fields: lists, old clients and other programs go by it. */
  derive(fields: TypedFields[Kind]): readonly MapiPropertyValue[];
  /** Every property that `derive` may write. */
  readonly derived: readonly MapiProperty[];
  /** Written where the item has none of its own among its extras. */
  readonly usual: readonly MapiPropertyValue[];
  /** Beside named properties: tags that say something about the item itself. */
  keepsTag(tag: number): boolean;
  /** What no field stands for, and clients of Exchange are known to write. */
  readonly wellKnown: readonly MapiProperty[];
}

const namesOf = <Kind extends PlainKind>(codec: PlainKindCodec<Kind>) =>
  Object.keys(codec.fields) as unknown as readonly (keyof PlainFields<Kind> & string)[];

/** Every property that a field accounts for. */
export const knownTo = <Kind extends PlainKind>({ kind, derived }: PlainKindCodec<Kind>): readonly MapiProperty[] => [
  ...Object.values(mainProperties),
  ...Object.values(headProperties),
  stampProperty,
  receiptProperty,
  internetCodePage,
  nativeBody,
  ...Object.values(typedRows(kind)).flatMap((row) => row.mapi),
  ...derived,
];

export interface ReadFields<Kind extends PlainKind> {
  readonly fields: PlainFields<Kind>;
  /** Fields whose properties are there and are not understood. */
  readonly unread: readonly string[];
}

export function readFields<Kind extends PlainKind>(codec: PlainKindCodec<Kind>, get: Get): ReadFields<Kind> {
  const rows = typedRows(codec.kind);
  const unread: string[] = [];
  const fields = namesOf(codec).map((name) => {
    const value = codec.fields[name].read(get);
    const isThere = rows[name]?.mapi.some((property) => get(property) !== undefined) ?? false;
    if (value === undefined && isThere) unread.push(name);
    return [name, value ?? codec.absent[name]];
  });
  return { fields: Object.fromEntries(fields) as PlainFields<Kind>, unread };
}

/** The properties of an item itself, but for its stamp and its extras. */
export function plainValues<Kind extends PlainKind>(
  codec: PlainKindCodec<Kind>,
  item: TypedItem<Kind>,
): readonly MapiPropertyValue[] {
  const { head, fields } = item;
  return [
    { property: mainProperties.messageClass, value: head.itemClass },
    { property: mainProperties.messageFlags, value: 1 },
    ...namesOf(codec)
      .filter((name) => name !== 'body')
      .flatMap((name) => codec.fields[name].write(fields[name] as never)),
    ...writeBody(item as unknown as TypedItem),
    ...codec.derive(fields),
  ].filter(({ value }) => value !== null);
}
