import type { ClassRow } from '#model/class-properties.ts';
import type { RawProperty } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';

/** A property that items of a class have besides their MIME and that is not the same on both sides; undefined: that side has none. */
export interface DifferentProperty {
  /** As in [MS-OXPROPS]. */
  readonly name: string;
  readonly left: RawProperty | undefined;
  readonly right: RawProperty | undefined;
}

/** Compares what two sides show of an item because of its class. */
export function classDifferences(
  row: ClassRow,
  left: readonly RawProperty[],
  right: readonly RawProperty[],
): readonly DifferentProperty[] {
  const [lefts, rights] = [byKey(left), byKey(right)];
  return row.properties.flatMap(({ name, property }) => {
    const key = keyOf(property);
    const one = { name, left: lefts.get(key), right: rights.get(key) };
    return areSame(one.left, one.right) ? [] : [one];
  });
}

/** Whether a side shows this property at all. */
export const hasProperty = (shown: readonly RawProperty[], property: MapiProperty): boolean =>
  byKey(shown).has(keyOf(property));

const keyOf = (property: MapiProperty): string =>
  'tag' in property
    ? `${property.tag}`
    : `${property.set}/${'lid' in property ? property.lid : property.name.toLowerCase()}`;

/** A text of nothing is none. */
const byKey = (properties: readonly RawProperty[]): ReadonlyMap<string, RawProperty> =>
  new Map(
    properties.flatMap((one) =>
      one.values.every((value) => value === '') ? [] : [[keyOf(one.property), one] as const],
    ),
  );

/** Connectors show raw values in one form, but for what a server makes of it: EWS writes times to the second, some versions with fractions. */
function areSame(left: RawProperty | undefined, right: RawProperty | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  const { type } = left.property;
  if (left.values.length !== right.values.length) return false;
  return left.values.every((value, at) => {
    const other = right.values[at] ?? '';
    if (value === other) return true;
    if (type === 'time') return Math.abs(Date.parse(value) - Date.parse(other)) < 1000;
    return type === 'binary' && Buffer.from(value, 'base64').equals(Buffer.from(other, 'base64'));
  });
}
