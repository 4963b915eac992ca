import { attribute, children, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeText } from '#formats/text/xml-write.ts';
import type { MapiType } from '#model/property-row.ts';
import { type DavName, davNamespace } from './dav-names.ts';

/** Namespaces of the attribute `dt` that says of which type a value is: answers have the first, clients write the second. */
const answeredTypes = 'urn:uuid:c2f41010-65b3-11d1-a29f-00aa00c14882/';
const requestedTypes = 'urn:schemas-microsoft-com:datatypes';
/** Namespace of the `v` elements of a property with several values. */
const valueNamespace = 'xml:';

/** FILETIME zero, the first instant that Exchange can hold. */
const firstMs = Date.UTC(1601, 0, 1);
const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/;

/** `2026-03-02T09:00:00.000Z` to UTC milliseconds; undefined when it is none. */
export function readDavTime(text: string): number | undefined {
  const match = timeForm.exec(text.trim());
  if (match === null) return undefined;
  const [, seconds = '', fraction = '', zone = 'Z'] = match;
  const ms = Date.parse(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`);
  return Number.isNaN(ms) || ms < firstMs ? undefined : ms;
}
/** With milliseconds, which clients of these servers insist on. */
export const writeDavTime = (ms: number): string => new Date(ms).toISOString();

/** Texts of a property's value: one, or those of its `v` elements. */
export function valuesOf(element: XmlElement): readonly string[] {
  const several = children(element, valueNamespace, 'v');
  return several.length > 0 || isMultiple(element) ? several.map(({ text }) => text) : [element.text];
}

const isMultiple = (element: XmlElement): boolean =>
  (attribute(element, `${answeredTypes}|dt`) ?? attribute(element, `${requestedTypes}|dt`) ?? '').startsWith('mv.');

export function readDavInteger(text: string): number | undefined {
  return /^\s*[+-]?\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}
export function readDavBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return word === '1' || word === 'true' ? true : word === '0' || word === 'false' ? false : undefined;
}

/** Value of `dt` for each type; null: text, which needs none. */
const typeNames: Readonly<Record<MapiType, string | null>> = {
  string: null,
  integer: 'int',
  boolean: 'boolean',
  time: 'dateTime.tz',
  binary: 'bin.base64',
  strings: 'mv.string',
  long: 'i8',
  double: 'float',
  guid: 'uuid',
};

/** One property with its value, for a PROPPATCH. `texts`: as many as the type has; of a list any number. */
export interface DavValue {
  readonly name: DavName;
  readonly type: MapiType | 'binaries' | 'integers';
  readonly texts: readonly string[];
}

const typeNameOf = (type: DavValue['type']): string | null =>
  type === 'binaries' ? 'mv.bin.base64' : type === 'integers' ? 'mv.int' : typeNames[type];
const isList = (type: DavValue['type']): boolean => type === 'strings' || type === 'binaries' || type === 'integers';

/** `D:propertyupdate`, carried out in its order: what goes goes first, since servers derive one body of an item from the other. */
export function propertyUpdate(set: readonly DavValue[], remove: readonly DavName[] = []): string {
  const namespaces = new Map<string, string>([[davNamespace, 'D']]);
  const prefixOf = (ns: string): string => {
    const known = namespaces.get(ns);
    if (known !== undefined) return known;
    const made = `n${namespaces.size}`;
    namespaces.set(ns, made);
    return made;
  };
  const write = ({ name, type, texts }: DavValue): string => {
    const tag = `${prefixOf(name.ns)}:${name.name}`;
    const typeName = typeNameOf(type);
    const open = typeName === null ? `<${tag}>` : `<${tag} T:dt="${typeName}">`;
    const content = isList(type)
      ? texts.map((text) => `<v xmlns="${valueNamespace}">${escapeText(text)}</v>`).join('')
      : escapeText(texts[0] ?? '');
    return `${open}${content}</${tag}>`;
  };
  const sets = set.length === 0 ? '' : `<D:set><D:prop>${set.map(write).join('')}</D:prop></D:set>`;
  const removes =
    remove.length === 0
      ? ''
      : `<D:remove><D:prop>${remove.map(({ ns, name }) => `<${prefixOf(ns)}:${name}/>`).join('')}</D:prop></D:remove>`;
  return `<?xml version="1.0"?><D:propertyupdate${declared(namespaces)} xmlns:T="${requestedTypes}">${removes}${sets}</D:propertyupdate>`;
}

/** `D:propfind`, with targets for a bulk one. */
export function propertyFind(wanted: readonly DavName[], targets: readonly string[] | null = null): string {
  const namespaces = new Map<string, string>([[davNamespace, 'D']]);
  const elements = wanted.map(({ ns, name }) => {
    const prefix = namespaces.get(ns) ?? `n${namespaces.size}`;
    namespaces.set(ns, prefix);
    return `<${prefix}:${name}/>`;
  });
  const target =
    targets === null
      ? ''
      : `<D:target>${targets.map((href) => `<D:href>${escapeText(href)}</D:href>`).join('')}</D:target>`;
  return `<?xml version="1.0"?><D:propfind${declared(namespaces)}>${target}<D:prop>${elements.join('')}</D:prop></D:propfind>`;
}

const declared = (namespaces: ReadonlyMap<string, string>): string =>
  [...namespaces].map(([ns, prefix]) => ` xmlns:${prefix}="${ns}"`).join('');
