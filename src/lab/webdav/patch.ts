import type { XmlElement } from '#formats/text/xml-read.ts';
import type { Property, PropertyType } from '../world/property.ts';
import { type Column, columnOf } from './columns.ts';
import { DavError } from './dav-error.ts';
import { type DavName, decodeName, namespaces } from './dav-name.ts';
import { readTime } from './sql.ts';

/** One change of a property that a client asks for. */
export interface Change {
  readonly name: DavName;
  /** Null: no property that could be written. */
  readonly column: Column | null;
  /** Null: it is to be removed. */
  readonly value: Property | null;
}

const typesByName: Readonly<Record<string, PropertyType>> = {
  string: 'String',
  i2: 'Short',
  int: 'Integer',
  i4: 'Integer',
  i8: 'Long',
  boolean: 'Boolean',
  float: 'Double',
  r8: 'Double',
  r4: 'Float',
  'fixed.14.4': 'Currency',
  datetime: 'SystemTime',
  'datetime.tz': 'SystemTime',
  uuid: 'CLSID',
  'bin.base64': 'Binary',
};

/** Type by the attribute `dt` in either of its namespaces; null: none is given. @throws DavError 400 */
function typeGiven({ attributes }: XmlElement): PropertyType | null {
  const dt =
    attributes.get(`${namespaces.types}|dt`) ?? attributes.get(`${namespaces.clientTypes}|dt`) ?? attributes.get('dt');
  if (dt === undefined) return null;
  const lower = dt.trim().toLowerCase();
  const many = lower.startsWith('mv.');
  const type = typesByName[many ? lower.slice(3) : lower];
  if (type === undefined) throw new DavError(400, `there is no type ${dt}`);
  return many ? `${type}Array` : type;
}

function readOne(type: PropertyType, text: string): string | number | boolean | null {
  switch (type) {
    case 'Boolean':
      return /^\s*(?:1|true)\s*$/i.test(text) ? true : /^\s*(?:0|false|)\s*$/i.test(text) ? false : null;
    case 'Short':
    case 'Integer':
    case 'Error': {
      const value = Number(text.trim());
      return text.trim() !== '' && Number.isInteger(value) && Math.abs(value) < 2 ** 32 ? value | 0 : null;
    }
    case 'Double':
    case 'Float':
    case 'ApplicationTime': {
      const value = Number(text.trim());
      return text.trim() !== '' && Number.isFinite(value) ? value : null;
    }
    case 'Long':
    case 'Currency':
      return /^\s*-?\d+\s*$/.test(text) ? text.trim() : null;
    case 'SystemTime':
      return readTime(text);
    case 'Binary': {
      const compact = text.replace(/\s+/g, '');
      return /^[A-Za-z0-9+/]*={0,2}$/.test(compact) ? compact : null;
    }
    default:
      return text;
  }
}

/** The value of an element. @throws DavError 400 for one that is not of its type */
function propertyIn(element: XmlElement, fallback: PropertyType): Property {
  const said = typeGiven(element);
  // A tag says its type itself.
  const given = element.ns === namespaces.proptag ? null : said;
  const values = element.children.filter(({ name }) => name === 'v');
  const type = given ?? (values.length > 0 && !fallback.endsWith('Array') ? `${fallback}Array` : fallback);
  const refuse = (): never => {
    throw new DavError(400, `the value of ${element.name} is not of the type ${type}`);
  };
  if (type.endsWith('Array')) {
    const texts = values.length === 0 && element.text.trim() !== '' ? [element.text] : values.map(({ text }) => text);
    return { type, value: texts.map((text) => readOne(type.slice(0, -5), text) ?? refuse()) };
  }
  return { type, value: readOne(type, element.text) ?? refuse() };
}

/** The type a value is read as when the client does not say it. */
function fallbackOf(column: Column | null): PropertyType {
  if (column?.writing.kind === 'property') return column.writing.type;
  return column?.name.local === 'read' ? 'Boolean' : 'String';
}

/** The changes of a `propertyupdate`, in their order. @throws DavError 400 */
export function readChanges(root: XmlElement | null): readonly Change[] {
  if (root === null || root.name !== 'propertyupdate' || root.ns !== namespaces.dav)
    throw new DavError(400, 'the request needs a propertyupdate');
  const changes: Change[] = [];
  for (const part of root.children) {
    if (part.name !== 'set' && part.name !== 'remove') continue;
    for (const prop of part.children) {
      if (prop.name !== 'prop') continue;
      for (const element of prop.children) {
        const name = { ns: element.ns, local: decodeName(element.name) };
        const column = columnOf(name);
        changes.push({ name, column, value: part.name === 'remove' ? null : propertyIn(element, fallbackOf(column)) });
      }
    }
  }
  return changes;
}
