import type { MapiProperty } from '#model/property-row.ts';
import type { MapiPropertyValue, MapiValue } from '../mapi/mapi-message.ts';

/** Reads a property of a message; undefined: it has none. */
export type Get = (property: MapiProperty) => MapiValue | undefined;

/** One name for a property, whatever type it has and however its set is written. */
export function propertyKey(property: MapiProperty): string {
  if ('tag' in property) return String(property.tag);
  const set = property.set.toLowerCase();
  return 'lid' in property ? `${set}/${property.lid}` : `${set}/"${property.name}"`;
}

/** Of a property that is there twice the first counts. */
export function valuesOf(properties: readonly MapiPropertyValue[]): Get {
  const values = new Map<string, MapiValue>();
  for (const { property, value } of properties) {
    const key = propertyKey(property);
    if (!values.has(key)) values.set(key, value);
  }
  return (wanted) => values.get(propertyKey(wanted));
}

export const isText = (value: MapiValue | undefined): value is string => typeof value === 'string';
export const isNumber = (value: MapiValue | undefined): value is number => typeof value === 'number';
