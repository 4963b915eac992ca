import type { MapiProperty, MapiType } from '#model/property-row.ts';
import { type Json, type JsonObject, objectsAt, textAt, textsAt } from './json.ts';

/** Types as extended properties name them (GDOC `api-reference/v1.0/resources/extended-properties-overview.md`). */
const typeNames: Readonly<Record<MapiType, string>> = {
  string: 'String',
  integer: 'Integer',
  boolean: 'Boolean',
  time: 'SystemTime',
  binary: 'Binary',
  strings: 'StringArray',
  long: 'Long',
  double: 'Double',
  guid: 'CLSID',
};

/** `Integer 0x0E07`, `String {guid} Name x`, `Integer {guid} Id 0x8205`. */
export function propertyId(property: MapiProperty): string {
  const type = typeNames[property.type];
  if ('tag' in property) return `${type} ${hex(property.tag)}`;
  return 'lid' in property
    ? `${type} {${property.set}} Id ${hex(property.lid)}`
    : `${type} {${property.set}} Name ${property.name}`;
}

const hex = (number: number): string => `0x${number.toString(16).toUpperCase().padStart(4, '0')}`;

/** The same whatever the letters and leading zeros: the service does not answer in the form it was asked in. */
export function propertyKey(id: string): string {
  const tag = /^\S+ 0x([0-9a-f]+)$/i.exec(id);
  if (tag) return `0x${Number.parseInt(tag[1] ?? '0', 16).toString(16)}`;
  const named = /^\S+ \{?([0-9a-f-]{36})\}? (Id|Name) (.*)$/i.exec(id);
  if (!named) return id.toLowerCase();
  const [, set = '', kind = '', name = ''] = named;
  return kind.toLowerCase() === 'id' ? `${set.toLowerCase()}:${Number(name)}` : `${set.toLowerCase()}/${name}`;
}

export const isMultiple = ({ type }: MapiProperty): boolean => type === 'strings';

const anyOf = (properties: readonly MapiProperty[]): string =>
  properties.map((property) => `id eq '${propertyId(property).replaceAll("'", "''")}'`).join(' or ');

/** `$expand` that shows these properties. */
export function expandOf(properties: readonly MapiProperty[]): string {
  const [single, multiple] = [properties.filter((one) => !isMultiple(one)), properties.filter(isMultiple)];
  return [
    ...(single.length > 0 ? [`singleValueExtendedProperties($filter=${anyOf(single)})`] : []),
    ...(multiple.length > 0 ? [`multiValueExtendedProperties($filter=${anyOf(multiple)})`] : []),
  ].join(',');
}

/** `$filter` for what has one of these values. */
export const filterOf = (property: MapiProperty, values: readonly string[]): string =>
  values
    .map(
      (value) =>
        `singleValueExtendedProperties/Any(ep: ep/id eq '${propertyId(property).replaceAll("'", "''")}' and ep/value eq '${value.replaceAll("'", "''")}')`,
    )
    .join(' or ');

/** Values by key, as texts; a single-valued property has one. */
export function extendedValues(entity: JsonObject): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const one of objectsAt(entity, 'singleValueExtendedProperties')) {
    const [id, value] = [textAt(one, 'id'), textAt(one, 'value')];
    if (id !== null && value !== null) values.set(propertyKey(id), [value]);
  }
  for (const one of objectsAt(entity, 'multiValueExtendedProperties')) {
    const [id, value] = [textAt(one, 'id'), textsAt(one, 'value')];
    if (id !== null && value !== null) values.set(propertyKey(id), value);
  }
  return values;
}

export const valuesOf = (
  values: ReadonlyMap<string, readonly string[]>,
  property: MapiProperty,
): readonly string[] | null => values.get(propertyKey(propertyId(property))) ?? null;

/** An entry of `singleValueExtendedProperties`. */
export const extendedEntry = (property: MapiProperty, value: string): Json => ({
  id: propertyId(property),
  value,
});
