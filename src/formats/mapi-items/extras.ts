import type { RawProperty } from '#model/mail.ts';
import type { MapiProperty, MapiType } from '#model/property-row.ts';
import type { MapiPropertyValue, MapiScalar, MapiValue } from '../mapi/mapi-message.ts';
import { propertyKey } from './property-values.ts';

/** As EWS writes values of extended properties. */
function rawText(value: MapiScalar, type: MapiType): string {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return type === 'time' && typeof value === 'number' ? new Date(value).toISOString() : String(value ?? '');
}

export function rawProperty({ property, value }: MapiPropertyValue): RawProperty {
  const values = (Array.isArray(value) ? value : [value]) as readonly MapiScalar[];
  return { property, values: values.map((one) => rawText(one, property.type)) };
}

/** Of the server that kept the item: ids, sizes, change times, folders. They would be lies in another. */
const isOfServer = (property: MapiProperty): boolean =>
  'tag' in property && ((property.tag >= 0x0e00 && property.tag <= 0x0fff) || property.tag >= 0x6600);

/** A value that a connector showed. @returns undefined for texts that do not make one of the type */
export function valueOfRaw({ property, values }: RawProperty): MapiValue | undefined {
  const [first] = values;
  if (property.type === 'strings') return values;
  if (first === undefined) return undefined;
  switch (property.type) {
    case 'string':
      return first;
    case 'boolean':
      return first === 'true' || first === '1';
    case 'integer':
    case 'double':
      return Number.isFinite(Number(first)) ? Number(first) : undefined;
    case 'long':
      return /^-?\d{1,19}$/.test(first) ? BigInt(first) : undefined;
    case 'time': {
      const instant = Date.parse(first);
      return Number.isNaN(instant) ? undefined : instant;
    }
    case 'binary':
      return Buffer.from(first, 'base64');
    case 'guid':
      return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(first) ? first : undefined;
    default:
      return property.type satisfies never;
  }
}

/** What may be written of the extras beside what is written anyway. */
export function writeExtras(
  extras: readonly RawProperty[],
  written: readonly MapiPropertyValue[],
): readonly MapiPropertyValue[] {
  const taken = new Set(written.filter(({ value }) => value !== null).map(({ property }) => propertyKey(property)));
  return extras.flatMap((extra) => {
    const value = valueOfRaw(extra);
    if (value === undefined || isOfServer(extra.property) || taken.has(propertyKey(extra.property))) return [];
    taken.add(propertyKey(extra.property));
    return [{ property: extra.property, value }];
  });
}
