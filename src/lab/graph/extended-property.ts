import { lidKey, nameKey, type Property, type PropertyKey, tagKey } from '../world/property.ts';
import { badRequest } from './graph-error.ts';

// learn.microsoft.com/graph/api/resources/extended-properties-overview: `{type} {proptag}`, `{type} {guid} Id {id}`,
// `{type} {guid} Name {name}`.

const types: ReadonlySet<string> = new Set([
  'ApplicationTime',
  'Binary',
  'Boolean',
  'CLSID',
  'Currency',
  'Double',
  'Error',
  'Float',
  'Integer',
  'Long',
  'Object',
  'Short',
  'String',
  'SystemTime',
]);
const guidPattern = '\\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\\}?';
const tagForm = /^(\w+) 0x([0-9a-fA-F]{1,8})$/;
const idForm = new RegExp(`^(\\w+) ${guidPattern} Id (0x[0-9a-fA-F]+|\\d+)$`);
const nameForm = new RegExp(`^(\\w+) ${guidPattern} Name (.+)$`, 's');

export interface ExtendedId {
  /** As the request wrote it; answers repeat it. */
  readonly id: string;
  readonly key: PropertyKey;
  /** Of the lab: `StringArray` for several. */
  readonly type: string;
}

/** @throws GraphError */
export function readExtendedId(id: string): ExtendedId {
  const fail = (): Error =>
    badRequest(
      `The property id '${id.slice(0, 80)}' in the property list is not valid. Check its type, GUID, and id or name.`,
    );
  const [, type = '', set = '', rest = ''] = idForm.exec(id) ?? nameForm.exec(id) ?? [];
  if (set !== '') {
    if (!known(type)) throw fail();
    const isId = idForm.test(id);
    const key = isId ? lidKey(set.toLowerCase(), Number(rest)) : nameKey(set.toLowerCase(), rest);
    return { id, key, type };
  }
  const [, tagType = '', tag = ''] = tagForm.exec(id) ?? [];
  const number = Number.parseInt(tag, 16);
  // A tag may come with its type in the low half.
  const short = number > 0xffff ? number >>> 16 : number;
  if (!known(tagType) || !(short > 0) || short >= 0x8000) throw fail();
  return { id, key: tagKey(short), type: tagType };
}
const known = (type: string): boolean => types.has(type.replace(/Array$/, ''));

function readOne(type: string, text: string): string | number | boolean | null {
  switch (type) {
    case 'Boolean':
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : null;
    case 'Short':
    case 'Integer':
    case 'Error':
      return /^-?\d+$/.test(text) ? Number(text) : null;
    case 'Float':
    case 'Double':
    case 'ApplicationTime':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
    case 'Long':
    case 'Currency':
      return /^-?\d+$/.test(text) ? text : null;
    case 'SystemTime': {
      const ms = Date.parse(text);
      return Number.isNaN(ms) ? null : ms;
    }
    case 'Binary':
      return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? text : null;
    default:
      return text;
  }
}

/** A value of JSON as a property. @throws GraphError */
export function readExtendedValue({ id, type }: ExtendedId, value: string | readonly string[]): Property {
  const fail = (): Error => badRequest(`The value of the property '${id.slice(0, 80)}' does not go with its type.`);
  const isMany = type.endsWith('Array');
  if (isMany !== Array.isArray(value)) throw fail();
  const one = isMany ? type.slice(0, -5) : type;
  const values = (Array.isArray(value) ? value : [value]).map((text: string) => {
    const read = readOne(one, text);
    if (read === null) throw fail();
    return read;
  });
  return { type, value: isMany ? values : (values[0] ?? '') };
}

const writeOne = (type: string, value: string | number | boolean): string =>
  type === 'SystemTime' && typeof value === 'number'
    ? new Date(value).toISOString().replace(/\.000Z$/, 'Z')
    : String(value);

/** A property as JSON has it: texts. */
export function writeExtendedValue({ type, value }: Property): string | readonly string[] {
  const one = type.replace(/Array$/, '');
  return Array.isArray(value) ? value.map((each) => writeOne(one, each)) : writeOne(one, value as string);
}
