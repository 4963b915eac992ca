/** An element's name, resolved. Two equal names of one document are usually the same object; never rely on it. */
export interface XmlName {
  readonly ns: string;
  readonly name: string;
}

export const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
export const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

/** A name as written, `t:Subject`, made once for all documents. */
export class RawName {
  readonly bytes: Uint8Array;
  readonly hash: number;
  readonly prefix: string;
  readonly local: string;
  /** Where `resolved` was found; the scope is the key of this one-entry cache. */
  scope: Scope | null = null;
  resolved: XmlName | null = null;
  constructor(bytes: Uint8Array, hash: number, prefix: string, local: string) {
    this.bytes = bytes;
    this.hash = hash;
    this.prefix = prefix;
    this.local = local;
  }
}

/** The namespace declarations in force for an element; shared by elements that declare none. */
export class Scope {
  readonly parent: Scope | null;
  readonly declared: ReadonlyMap<string, string>;
  readonly #elements = new Map<RawName, XmlName>();
  constructor(parent: Scope | null, declared: ReadonlyMap<string, string>) {
    this.parent = parent;
    this.declared = declared;
  }

  /** The namespace of a prefix; undefined when it is not declared. The empty prefix is always declared. */
  namespaceOf(prefix: string): string | undefined {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) {
      const ns = scope.declared.get(prefix);
      if (ns !== undefined) return ns;
    }
    return prefix === '' ? '' : undefined;
  }

  /** The element name that `raw` means here; null when its prefix is not declared. */
  element(raw: RawName): XmlName | null {
    if (raw.scope === this) return raw.resolved;
    let name = this.#elements.get(raw);
    if (name === undefined) {
      const ns = this.namespaceOf(raw.prefix);
      if (ns === undefined) return null;
      name = { ns, name: raw.local };
      this.#elements.set(raw, name);
    }
    raw.scope = this;
    raw.resolved = name;
    return name;
  }
}

export const rootScope = new Scope(
  null,
  new Map([
    ['xml', xmlNamespace],
    ['xmlns', xmlnsNamespace],
  ]),
);

const start =
  ':A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const nameStart = start.slice(1);
const namePattern = new RegExp(
  `^(?:([${nameStart}][${nameStart}\\-.0-9\\xB7\\u0300-\\u036F\\u203F-\\u2040]*):)?([${nameStart}][${nameStart}\\-.0-9\\xB7\\u0300-\\u036F\\u203F-\\u2040]*)$`,
  'u',
);

/**
 * Names by their bytes, for all documents of the process: the names of a protocol are a few hundred. Bounded, so that a hostile
 * server can make it slow and never large.
 */
const tableSize = 16_384;
const tableFill = 8_192;
const table: (RawName | undefined)[] = new Array(tableSize).fill(undefined);
let filled = 0;

/** The name in `buffer[from, to)` whose bytes hash to `hash`; null when it is not a qualified name. */
export function rawNameAt(buffer: Buffer, from: number, to: number, hash: number): RawName | null {
  const length = to - from;
  let slot = hash & (tableSize - 1);
  for (let entry = table[slot]; entry !== undefined; entry = table[slot]) {
    if (entry.hash === hash && entry.bytes.length === length) {
      const bytes = entry.bytes;
      let i = 0;
      while (i < length && bytes[i] === buffer[from + i]) i++;
      if (i === length) return entry;
    }
    slot = (slot + 1) & (tableSize - 1);
  }
  if (length > 1024) return null;
  const text = buffer.toString('utf8', from, to);
  const match = namePattern.exec(text);
  if (match === null || text.includes('\uFFFD')) return null;
  const made = new RawName(Uint8Array.prototype.slice.call(buffer, from, to), hash, match[1] ?? '', match[2] ?? '');
  if (filled < tableFill) {
    table[slot] = made;
    filled++;
  }
  return made;
}

/**
 * The attributes of one element, declarations of namespaces left out. The key of an attribute without prefix is its name,
 * of any other `namespace|name`. Few at a time, so look-ups walk.
 */
export class XmlAttributes implements ReadonlyMap<string, string> {
  static readonly none = new XmlAttributes([]);
  readonly #flat: readonly string[];
  /** @param flat key, value, key, value, … */
  constructor(flat: readonly string[]) {
    this.#flat = flat;
  }
  get size(): number {
    return this.#flat.length / 2;
  }
  get(key: string): string | undefined {
    const flat = this.#flat;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === key) return flat[i + 1];
    return undefined;
  }
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }
  forEach(visit: (value: string, key: string, map: ReadonlyMap<string, string>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }
  *keys(): MapIterator<string> {
    for (const [key] of this) yield key;
    return undefined;
  }
  *values(): MapIterator<string> {
    for (const [, value] of this) yield value;
    return undefined;
  }
  *entries(): MapIterator<[string, string]> {
    const flat = this.#flat;
    for (let i = 0; i < flat.length; i += 2) yield [flat[i] ?? '', flat[i + 1] ?? ''];
    return undefined;
  }
  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }
}
