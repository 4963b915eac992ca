import type { MapiPropertyValue, MapiScalar, MapiValue } from '#formats/mapi/mapi-message.ts';
import type { XmlElement } from '#formats/text/xml-read.ts';
import type { MapiProperty, MapiType } from '#model/property-row.ts';
import { type DavName, davKey, davNameOf } from '../dav-names.ts';
import type { DavResponse } from '../multistatus.ts';
import { type DavValue, readDavBoolean, readDavInteger, readDavTime, valuesOf, writeDavTime } from '../value-forms.ts';

/** Undefined: no value of the type. */
function scalarOf(type: MapiType, text: string): MapiScalar | undefined {
  switch (type) {
    case 'string':
    case 'strings':
      return text;
    case 'integer':
      return readDavInteger(text);
    case 'double':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'long':
      return /^\s*-?\d{1,19}\s*$/.test(text) ? BigInt(text.trim()) : undefined;
    case 'boolean':
      return readDavBoolean(text);
    case 'time':
      return readDavTime(text);
    case 'binary': {
      const compact = text.replace(/\s+/g, '');
      return compact !== '' && /^[A-Za-z0-9+/]*={0,2}$/.test(compact) ? Buffer.from(compact, 'base64') : undefined;
    }
    case 'guid': {
      const plain = text.replace(/[{}\s]/g, '').toLowerCase();
      return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(plain) ? plain : undefined;
    }
    default:
      return type satisfies never;
  }
}

function valueIn(type: MapiType, element: XmlElement): MapiValue | undefined {
  const texts = valuesOf(element);
  if (type === 'strings') return texts;
  const [text = ''] = texts;
  return scalarOf(type, text);
}

/** What an answer shows of the properties that are wanted; those that are not there, or cannot be read, are left out. */
export function mapiValuesOf(
  { properties }: DavResponse,
  wanted: readonly MapiProperty[],
): readonly MapiPropertyValue[] {
  return wanted.flatMap((property) => {
    const element = properties.get(davKey(davNameOf(property)));
    const value = element === undefined ? undefined : valueIn(property.type, element);
    return value === undefined ? [] : [{ property, value }];
  });
}

function textOf(type: MapiType, value: MapiScalar): string {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (type === 'time' && typeof value === 'number') return writeDavTime(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value ?? '');
}

/** What a PROPPATCH sets and removes; a value of null is none. */
export function davWrites(values: readonly MapiPropertyValue[]): {
  readonly set: readonly DavValue[];
  readonly remove: readonly DavName[];
} {
  const set: DavValue[] = [];
  const remove: DavName[] = [];
  for (const { property, value } of values) {
    const name = davNameOf(property);
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      remove.push(name);
      continue;
    }
    const scalars = (Array.isArray(value) ? value : [value]) as readonly MapiScalar[];
    set.push({ name, type: property.type, texts: scalars.map((one) => textOf(property.type, one)) });
  }
  return { set, remove };
}
