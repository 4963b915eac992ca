import type { XmlElement } from '#formats/text/xml-read.ts';
import { lidKey, nameKey, type Property, type PropertyKey, sets, tagKey } from '../world/property.ts';
import { EwsError } from './ews-error.ts';
import { attribute, child, kids } from './request.ts';

import { dateTime, esc, type Xml } from './xml-out.ts';

/** What `t:FieldURI`, `t:IndexedFieldURI` and `t:ExtendedFieldURI` name. */
export type PropertyPath =
  | { readonly kind: 'field'; readonly uri: string }
  | { readonly kind: 'indexed'; readonly uri: string; readonly index: string }
  | { readonly kind: 'extended'; readonly key: PropertyKey; readonly type: string; readonly xml: string };

const pathNames: ReadonlySet<string> = new Set([
  'FieldURI',
  'IndexedFieldURI',
  'ExtendedFieldURI',
  'ExceptionFieldURI',
]);
export const isPath = (element: XmlElement): boolean => pathNames.has(element.name);

/** Throws ErrorInvalidExtendedProperty for attributes that do not go together. */
export function readPath(element: XmlElement): PropertyPath {
  if (element.name === 'FieldURI') return { kind: 'field', uri: attribute(element, 'FieldURI') ?? '' };
  if (element.name === 'IndexedFieldURI')
    return {
      kind: 'indexed',
      uri: attribute(element, 'FieldURI') ?? '',
      index: attribute(element, 'FieldIndex') ?? '',
    };
  if (element.name !== 'ExtendedFieldURI') throw new EwsError('ErrorInvalidPropertyRequest');
  return readExtended(element);
}

const shared = new Map<string, PropertyPath & { kind: 'extended' }>();

export function readExtended(element: XmlElement): PropertyPath & { readonly kind: 'extended' } {
  const distinguished = attribute(element, 'DistinguishedPropertySetId');
  const set = attribute(element, 'PropertySetId');
  const tag = attribute(element, 'PropertyTag');
  const name = attribute(element, 'PropertyName');
  const id = attribute(element, 'PropertyId');
  const type = attribute(element, 'PropertyType') ?? '';
  const cacheKey = `${distinguished}|${set}|${tag}|${name}|${id}|${type}`;
  const known = shared.get(cacheKey);
  if (known !== undefined) return known;
  const path = ((): PropertyPath & { kind: 'extended' } => {
    if (tag !== null) {
      if (distinguished !== null || set !== null || name !== null || id !== null)
        throw new EwsError('ErrorInvalidExtendedProperty');
      const number = Number(tag);
      if (!Number.isInteger(number) || number < 1 || number >= 0x8000)
        throw new EwsError('ErrorInvalidExtendedProperty');
      return {
        kind: 'extended',
        key: tagKey(number),
        type,
        xml: `<t:ExtendedFieldURI PropertyTag="0x${number.toString(16)}" PropertyType="${type}"/>`,
      };
    }
    if ((distinguished === null) === (set === null) || (name === null) === (id === null))
      throw new EwsError('ErrorInvalidExtendedProperty');
    const guid = distinguished === null ? (set ?? '').toLowerCase() : sets[distinguished as keyof typeof sets];
    if (guid === undefined) throw new EwsError('ErrorInvalidExtendedProperty');
    const setXml = distinguished === null ? `PropertySetId="${guid}"` : `DistinguishedPropertySetId="${distinguished}"`;
    if (name !== null) {
      if (name === '' || name.length > 125) throw new EwsError('ErrorInvalidExtendedProperty');
      return {
        kind: 'extended',
        key: nameKey(guid, name),
        type,
        xml: `<t:ExtendedFieldURI ${setXml} PropertyName="${esc(name)}" PropertyType="${type}"/>`,
      };
    }
    const lid = Number(id);
    return {
      kind: 'extended',
      key: lidKey(guid, lid),
      type,
      xml: `<t:ExtendedFieldURI ${setXml} PropertyId="${lid}" PropertyType="${type}"/>`,
    };
  })();
  if (shared.size < 4096) shared.set(cacheKey, path);
  return path;
}

/** Indexed fields live inside an element of another name. */
export const indexedContainers: Readonly<Record<string, string>> = {
  'contacts:EmailAddress': 'EmailAddresses',
  'contacts:PhoneNumber': 'PhoneNumbers',
  'contacts:ImAddress': 'ImAddresses',
  'contacts:PhysicalAddress:Street': 'PhysicalAddresses',
  'contacts:PhysicalAddress:City': 'PhysicalAddresses',
  'contacts:PhysicalAddress:State': 'PhysicalAddresses',
  'contacts:PhysicalAddress:CountryOrRegion': 'PhysicalAddresses',
  'contacts:PhysicalAddress:PostalCode': 'PhysicalAddresses',
};

/** The paths below `m:…Shape/t:AdditionalProperties`. */
export const readPaths = (parent: XmlElement | null): readonly PropertyPath[] => kids(parent).map(readPath);

/** A value out of its text. Throws ErrorInvalidExtendedPropertyValue. */
function readValue(text: string, type: string): string | number | boolean {
  const bad = (): EwsError => new EwsError('ErrorInvalidExtendedPropertyValue');
  switch (type) {
    case 'Integer':
    case 'Short':
    case 'Error': {
      if (!/^\s*[+-]?\d+\s*$/.test(text)) throw bad();
      const value = Number(text);
      if (type === 'Short' ? value < -32768 || value > 65535 : value < -2147483648 || value > 2147483647) throw bad();
      return value;
    }
    case 'Boolean': {
      const value = text.trim().toLowerCase();
      if (value !== 'true' && value !== 'false' && value !== '1' && value !== '0') throw bad();
      return value === 'true' || value === '1';
    }
    case 'SystemTime':
    case 'ApplicationTime': {
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/.test(text.trim())) throw bad();
      const value = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text.trim()) ? text.trim() : `${text.trim()}Z`);
      if (Number.isNaN(value)) throw bad();
      return value;
    }
    case 'Binary': {
      const value = text.replace(/\s+/g, '');
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0) throw bad();
      return value;
    }
    case 'Long':
    case 'Currency': {
      if (!/^\s*[+-]?\d+\s*$/.test(text)) throw bad();
      return text.trim();
    }
    case 'Double':
    case 'Float': {
      const value = Number(text);
      if (text.trim() === '' || Number.isNaN(value)) throw bad();
      return value;
    }
    case 'CLSID': {
      if (!/^[{(]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?$/i.test(text.trim())) throw bad();
      return text
        .trim()
        .replace(/[{}()]/g, '')
        .toLowerCase();
    }
    case 'String':
      return text;
    default:
      throw new EwsError('ErrorInvalidExtendedProperty');
  }
}

/** Property and value of a `t:ExtendedProperty` in a request. */
export function readExtendedProperty(element: XmlElement): { readonly key: PropertyKey; readonly property: Property } {
  const uri = child(element, 'ExtendedFieldURI');
  if (uri === null) throw new EwsError('ErrorInvalidExtendedProperty');
  const path = readExtended(uri);
  const single = child(element, 'Value');
  const many = child(element, 'Values');
  const isArray = path.type.endsWith('Array');
  if (isArray) {
    if (many === null) throw new EwsError('ErrorInvalidExtendedPropertyValue');
    return {
      key: path.key,
      property: {
        type: path.type,
        value: kids(many).map((value) => readValue(value.text, path.type.slice(0, -'Array'.length))),
      },
    };
  }
  if (single === null) throw new EwsError('ErrorInvalidExtendedPropertyValue');
  return { key: path.key, property: { type: path.type, value: readValue(single.text, path.type) } };
}

function valueText(value: string | number | boolean, type: string, precise: boolean): string {
  if (typeof value === 'number')
    return type.startsWith('SystemTime') || type.startsWith('ApplicationTime')
      ? dateTime(value, precise)
      : String(value);
  return typeof value === 'string' ? esc(value) : String(value);
}

/** `t:ExtendedProperty` of an answer; nothing when the type asked for is not the property's. */
export function writeExtended(
  path: PropertyPath & { readonly kind: 'extended' },
  property: Property | null,
  precise: boolean,
): Xml {
  if (property === null || !compatible(path.type, property)) return '';
  const { value } = property;
  if (!Array.isArray(value))
    return `<t:ExtendedProperty>${path.xml}<t:Value>${valueText(value as string, path.type, precise)}</t:Value></t:ExtendedProperty>`;
  const values = (value as readonly (string | number | boolean)[]).map(
    (one) => `<t:Value>${valueText(one, path.type, precise)}</t:Value>`,
  );
  return values.length === 0
    ? ''
    : `<t:ExtendedProperty>${path.xml}<t:Values>${values.join('')}</t:Values></t:ExtendedProperty>`;
}

/** Whole numbers of 16 and 32 bits are told apart by nobody; everything else must be asked for by its own type. */
function compatible(asked: string, { type, value }: Property): boolean {
  if (asked === type) return Array.isArray(value) === asked.endsWith('Array');
  // A size has a 32-bit and a 64-bit form under one tag.
  if (asked === 'Long' && type === 'Integer') return true;
  return (asked === 'Integer' || asked === 'Short') && (type === 'Integer' || type === 'Short');
}
