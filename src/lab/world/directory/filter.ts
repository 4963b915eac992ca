import { comparable } from './dn.ts';
import type { Entry } from './entry.ts';
import { type AttributeRow, classRow, readValue, type Value, valueKey } from './schema.ts';

/** A search filter. RFC 4511 section 4.5.1.7 */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | { readonly kind: 'present'; readonly attribute: string }
  | { readonly kind: 'equal' | 'greater' | 'less'; readonly attribute: string; readonly value: Buffer }
  | {
      readonly kind: 'substrings';
      readonly attribute: string;
      readonly initial: string | null;
      readonly any: readonly string[];
      readonly final: string | null;
    }
  | { readonly kind: 'matching'; readonly rule: string; readonly attribute: string; readonly value: Buffer };

/** What a filter is held against. */
export interface FilterView {
  read(entry: Entry, attribute: string): readonly Value[];
  /** An attribute that can be asked for; null: nobody knows it here. */
  attribute(name: string): AttributeRow | null;
  /** The object of that name; null: there is none. */
  guidOf(dn: string): string | null;
  byGuid(guid: string): Entry | null;
  /** GUID of the class that a category is, by its common name. */
  categoryGuid(category: string): string;
}

/** Bit rules and the chain rule. [MS-ADTS] 3.1.1.3.4.4 */
const matchingRules = {
  bitAnd: '1.2.840.113556.1.4.803',
  bitOr: '1.2.840.113556.1.4.804',
  inChain: '1.2.840.113556.1.4.1941',
} as const;

/** Null: neither, because the schema has no such attribute or the value is none of it. RFC 4511: Undefined */
export function matches(view: FilterView, entry: Entry, filter: Filter): boolean | null {
  switch (filter.kind) {
    case 'and': {
      let unknown = false;
      for (const part of filter.of) {
        const one = matches(view, entry, part);
        if (one === false) return false;
        if (one === null) unknown = true;
      }
      return unknown ? null : true;
    }
    case 'or': {
      let unknown = false;
      for (const part of filter.of) {
        const one = matches(view, entry, part);
        if (one === true) return true;
        if (one === null) unknown = true;
      }
      return unknown ? null : false;
    }
    case 'not': {
      const one = matches(view, entry, filter.of);
      return one === null ? null : !one;
    }
    case 'matching':
      return matchesRule(view, entry, filter);
  }
  if (filter.kind === 'equal' && filter.attribute.toLowerCase() === 'anr')
    return matchesName(view, entry, filter.value);
  const row = view.attribute(filter.attribute);
  if (row === null) return null;
  const values = view.read(entry, row.name.toLowerCase());
  switch (filter.kind) {
    case 'present':
      return values.length > 0;
    case 'equal': {
      const wanted = wantedKey(view, row, filter.value);
      return wanted === null ? null : values.some((value) => valueKey(row, value) === wanted);
    }
    case 'greater':
    case 'less':
      return values.some((value) => {
        const order = compare(row, value, filter.value);
        return filter.kind === 'greater' ? order >= 0 : order <= 0;
      });
    case 'substrings': {
      if (row.syntax === 'dn' || row.syntax === 'octets' || row.syntax === 'sid') return null;
      return values.some((value) => matchesParts(comparable(String(value)), filter));
    }
  }
}

/** The key of the value that a filter asks for; null: it can be no value of the attribute. */
export function wantedKey(view: FilterView, row: AttributeRow, bytes: Buffer): string | null {
  const text = bytes.toString('utf8');
  if (row.syntax === 'dn') {
    // A category goes by the name of a class too. [MS-ADTS] 3.1.1.3.1.3.5
    const category = row.name === 'objectCategory' ? categoryOf(text) : null;
    if (category !== null) return view.categoryGuid(category);
    return view.guidOf(text);
  }
  if (row.syntax === 'sid' && text.startsWith('S-1-')) return sidBytes(text)?.toString('latin1') ?? null;
  if (row.syntax === 'time') return `${text.replace(/(?:\.\d+)?Z$/, '')}.0Z`;
  const value = readValue(row, bytes);
  return value === null ? null : valueKey(row, value);
}

/** Classes of people have one category, also by the names of those that nothing is only. */
function categoryOf(name: string): string | null {
  return classRow(/^(?:person|organizationalPerson)$/i.test(name) ? 'user' : name)?.category ?? null;
}

/** `S-1-5-21-…` in bytes; null: it is none. [MS-DTYP] 2.4.2 */
function sidBytes(text: string): Buffer | null {
  const parts = /^S-1-(\d+)((?:-\d+)*)$/.exec(text);
  if (parts === null) return null;
  const subs = (parts[2] ?? '').split('-').slice(1).map(Number);
  const bytes = Buffer.alloc(8 + 4 * subs.length);
  bytes[0] = 1;
  bytes[1] = subs.length;
  bytes.writeUIntBE(Number(parts[1]), 2, 6);
  for (const [at, sub] of subs.entries()) bytes.writeUInt32LE(sub >>> 0, 8 + 4 * at);
  return bytes;
}

/** The other way round. */
export function sidText(bytes: Buffer): string {
  const subs = Array.from({ length: bytes[1] ?? 0 }, (_, at) => bytes.readUInt32LE(8 + 4 * at));
  return ['S', bytes[0], bytes.readUIntBE(2, 6), ...subs].join('-');
}

function compare(row: AttributeRow, value: Value, wanted: Buffer): number {
  const text = wanted.toString('utf8');
  if (row.syntax === 'integer' || row.syntax === 'large') {
    if (!/^-?\d{1,19}$/.test(text)) return Number.NaN;
    const [left, right] = [BigInt(String(value)), BigInt(text)];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof value !== 'string') return Buffer.compare(value, wanted);
  const [left, right] = [comparable(value), comparable(row.syntax === 'time' ? text.replace(/Z$/, '') : text)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function matchesParts(
  text: string,
  filter: { readonly initial: string | null; readonly any: readonly string[]; readonly final: string | null },
): boolean {
  let at = 0;
  if (filter.initial !== null) {
    const part = comparable(filter.initial);
    if (!text.startsWith(part)) return false;
    at = part.length;
  }
  for (const any of filter.any) {
    const part = comparable(any);
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  if (filter.final === null) return true;
  const part = comparable(filter.final);
  return text.length - part.length >= at && text.endsWith(part);
}

function matchesRule(
  view: FilterView,
  entry: Entry,
  filter: { readonly rule: string; readonly attribute: string; readonly value: Buffer },
): boolean | null {
  const row = view.attribute(filter.attribute);
  if (row === null) return null;
  const text = filter.value.toString('utf8');
  const values = view.read(entry, row.name.toLowerCase());
  if (filter.rule === matchingRules.bitAnd || filter.rule === matchingRules.bitOr) {
    if ((row.syntax !== 'integer' && row.syntax !== 'large') || !/^-?\d{1,19}$/.test(text)) return null;
    const mask = BigInt.asUintN(64, BigInt(text));
    return values.some((value) => {
      const common = BigInt.asUintN(64, BigInt(String(value))) & mask;
      return filter.rule === matchingRules.bitAnd ? common === mask : common !== 0n;
    });
  }
  if (filter.rule !== matchingRules.inChain || row.syntax !== 'dn') return null;
  const wanted = view.guidOf(text);
  if (wanted === null) return false;
  const seen = new Set<string>([entry.guid]);
  const next = [entry];
  for (let at = next.pop(); at !== undefined; at = next.pop())
    for (const value of view.read(at, row.name.toLowerCase())) {
      if (value === wanted) return true;
      const one = view.byGuid(String(value));
      if (one === null || seen.has(one.guid)) continue;
      seen.add(one.guid);
      next.push(one);
    }
  return false;
}

const nameAttributes = [
  'displayname',
  'givenname',
  'sn',
  'name',
  'samaccountname',
  'mailnickname',
  'legacyexchangedn',
  'proxyaddresses',
];

/** Ambiguous name resolution, in its simple form: the beginning of one of the names. [MS-ADTS] 3.1.1.3.1.3.3 */
function matchesName(view: FilterView, entry: Entry, value: Buffer): boolean {
  const wanted = comparable(value.toString('utf8').trim());
  return nameAttributes.some((name) =>
    view.read(entry, name).some((one) => {
      const text = comparable(String(one));
      return text.startsWith(wanted) || (name === 'proxyaddresses' && text.startsWith(`smtp:${wanted}`));
    }),
  );
}
