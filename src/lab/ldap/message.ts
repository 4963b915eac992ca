import type { Filter } from '../world/directory/filter.ts';
import { BerError, BerReader, element, integer, octets, sequence, tag } from './ber.ts';

/** A control as it came. RFC 4511 section 4.1.11 */
export interface Control {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Buffer | null;
}

export interface AttributeValues {
  readonly name: string;
  readonly values: readonly Buffer[];
}

export type Operation =
  | { readonly kind: 'bind'; readonly version: number; readonly name: string; readonly password: string | null }
  | { readonly kind: 'unbind' }
  | {
      readonly kind: 'search';
      readonly base: string;
      readonly scope: 'base' | 'one' | 'sub';
      readonly sizeLimit: number;
      readonly typesOnly: boolean;
      readonly filter: Filter;
      readonly attributes: readonly string[];
    }
  | {
      readonly kind: 'modify';
      readonly dn: string;
      readonly changes: readonly {
        readonly op: 'add' | 'delete' | 'replace';
        readonly attribute: string;
        readonly values: readonly Buffer[];
      }[];
    }
  | { readonly kind: 'add'; readonly dn: string; readonly attributes: readonly AttributeValues[] }
  | { readonly kind: 'delete'; readonly dn: string }
  | { readonly kind: 'rename'; readonly dn: string; readonly newRdn: string; readonly newParent: string | null }
  | { readonly kind: 'compare'; readonly dn: string; readonly attribute: string; readonly value: Buffer }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'extended'; readonly oid: string };

export interface Message {
  readonly id: number;
  readonly operation: Operation;
  readonly controls: readonly Control[];
}

/** Operation → tag of its answer. */
export const responseTags: Readonly<Record<Exclude<Operation['kind'], 'unbind' | 'abandon'>, number>> = {
  bind: 0x61,
  search: 0x65,
  modify: 0x67,
  add: 0x69,
  delete: 0x6b,
  rename: 0x6d,
  compare: 0x6f,
  extended: 0x78,
};

/** Reads one LDAPMessage. @throws BerError */
export function readMessage(bytes: Buffer): Message {
  const reader = new BerReader(bytes).enter();
  const id = reader.integer();
  const operation = readOperation(reader);
  const controls: Control[] = [];
  if (reader.tag === 0xa0) {
    const list = reader.enter(0xa0);
    while (!list.isAtEnd) {
      const one = list.enter();
      const oid = one.text();
      const isCritical = one.tag === tag.boolean ? one.boolean() : false;
      controls.push({ oid, isCritical, value: one.tag === tag.octets ? one.octets() : null });
    }
  }
  return { id, operation, controls };
}

const modifyOps = ['add', 'delete', 'replace'] as const;
const scopes = ['base', 'one', 'sub'] as const;

function readOperation(reader: BerReader): Operation {
  switch (reader.tag) {
    case 0x60: {
      const bind = reader.enter(0x60);
      const version = bind.integer();
      const name = bind.text();
      return { kind: 'bind', version, name, password: bind.tag === 0x80 ? bind.text(0x80) : null };
    }
    case 0x42:
      reader.take(0x42);
      return { kind: 'unbind' };
    case 0x63: {
      const search = reader.enter(0x63);
      const base = search.text();
      const scope = scopes[search.integer(tag.enumerated)];
      search.integer(tag.enumerated);
      const sizeLimit = search.integer();
      search.integer();
      const typesOnly = search.boolean();
      const filter = readFilter(search, 0);
      if (scope === undefined) throw new BerError('a search has one of three scopes');
      const attributes: string[] = [];
      const list = search.enter();
      while (!list.isAtEnd) attributes.push(list.text());
      return { kind: 'search', base, scope, sizeLimit, typesOnly, filter, attributes };
    }
    case 0x66: {
      const modify = reader.enter(0x66);
      const dn = modify.text();
      const list = modify.enter();
      const changes: { op: 'add' | 'delete' | 'replace'; attribute: string; values: readonly Buffer[] }[] = [];
      while (!list.isAtEnd) {
        const change = list.enter();
        const op = modifyOps[change.integer(tag.enumerated)];
        if (op === undefined) throw new BerError('a change adds, deletes or replaces');
        const { name, values } = readAttribute(change);
        changes.push({ op, attribute: name, values });
      }
      return { kind: 'modify', dn, changes };
    }
    case 0x68: {
      const add = reader.enter(0x68);
      const dn = add.text();
      const list = add.enter();
      const attributes: AttributeValues[] = [];
      while (!list.isAtEnd) attributes.push(readAttribute(list));
      return { kind: 'add', dn, attributes };
    }
    case 0x4a:
      return { kind: 'delete', dn: reader.text(0x4a) };
    case 0x6c: {
      const rename = reader.enter(0x6c);
      const dn = rename.text();
      const newRdn = rename.text();
      rename.boolean();
      return { kind: 'rename', dn, newRdn, newParent: rename.tag === 0x80 ? rename.text(0x80) : null };
    }
    case 0x6e: {
      const compare = reader.enter(0x6e);
      const dn = compare.text();
      const assertion = compare.enter();
      return { kind: 'compare', dn, attribute: assertion.text(), value: assertion.octets() };
    }
    case 0x50:
      reader.take(0x50);
      return { kind: 'abandon' };
    case 0x77: {
      const extended = reader.enter(0x77);
      return { kind: 'extended', oid: extended.text(0x80) };
    }
    default:
      throw new BerError(`there is no operation ${reader.tag}`);
  }
}

function readAttribute(reader: BerReader): AttributeValues {
  const one = reader.enter();
  const name = one.text();
  const set = one.enter(tag.set);
  const values: Buffer[] = [];
  while (!set.isAtEnd) values.push(set.octets());
  return { name, values };
}

const depthMax = 100;
const bare = (description: string): string => description.split(';')[0] ?? '';

function readFilter(reader: BerReader, depth: number): Filter {
  if (depth > depthMax) throw new BerError('a filter is nested too deep');
  const kind = reader.tag;
  switch (kind) {
    case 0xa0:
    case 0xa1: {
      const list = reader.enter(kind);
      const of: Filter[] = [];
      while (!list.isAtEnd) of.push(readFilter(list, depth + 1));
      return { kind: kind === 0xa0 ? 'and' : 'or', of };
    }
    case 0xa2:
      return { kind: 'not', of: readFilter(reader.enter(0xa2), depth + 1) };
    case 0xa3:
    case 0xa5:
    case 0xa6:
    case 0xa8: {
      const assertion = reader.enter(kind);
      const attribute = bare(assertion.text());
      const value = Buffer.from(assertion.octets());
      // What is approximately equal is equal here. [MS-ADTS] 3.1.1.3.1.3.1
      return { kind: kind === 0xa5 ? 'greater' : kind === 0xa6 ? 'less' : 'equal', attribute, value };
    }
    case 0xa4: {
      const assertion = reader.enter(0xa4);
      const attribute = bare(assertion.text());
      const list = assertion.enter();
      let initial: string | null = null;
      let final: string | null = null;
      const any: string[] = [];
      while (!list.isAtEnd) {
        const at = list.tag;
        if (at === 0x80) initial = list.text(0x80);
        else if (at === 0x81) any.push(list.text(0x81));
        else final = list.text(0x82);
      }
      return { kind: 'substrings', attribute, initial, any, final };
    }
    case 0x87:
      return { kind: 'present', attribute: bare(reader.text(0x87)) };
    case 0xa9: {
      const assertion = reader.enter(0xa9);
      let rule = '';
      let attribute = '';
      let value = Buffer.alloc(0);
      while (!assertion.isAtEnd) {
        const at = assertion.tag;
        if (at === 0x81) rule = assertion.text(0x81);
        else if (at === 0x82) attribute = bare(assertion.text(0x82));
        else if (at === 0x83) value = Buffer.from(assertion.octets(0x83));
        else assertion.take(at ?? 0);
      }
      return { kind: 'matching', rule, attribute, value };
    }
    default:
      throw new BerError(`there is no filter ${kind}`);
  }
}

const withControls = (controls: readonly Control[]): readonly Buffer[] =>
  controls.length === 0
    ? []
    : [
        element(
          0xa0,
          ...controls.map(({ oid, value }) => sequence(octets(oid), ...(value === null ? [] : [octets(value)]))),
        ),
      ];

/** The end of an operation. */
export function resultMessage(
  id: number,
  tagByte: number,
  result: {
    readonly code: number;
    readonly matchedDn?: string;
    readonly diagnostic?: string;
    /** Where else to ask. RFC 4511 section 4.1.10 */
    readonly referral?: readonly string[];
    readonly oid?: string;
    readonly value?: string;
  },
  controls: readonly Control[] = [],
): Buffer {
  return sequence(
    integer(id),
    element(
      tagByte,
      integer(result.code, tag.enumerated),
      octets(result.matchedDn ?? ''),
      octets(result.diagnostic ?? ''),
      ...((result.referral ?? []).length === 0
        ? []
        : [element(0xa3, ...(result.referral ?? []).map((url) => octets(url)))]),
      ...(result.oid === undefined ? [] : [octets(result.oid, 0x8a)]),
      ...(result.value === undefined ? [] : [octets(result.value, 0x8b)]),
    ),
    ...withControls(controls),
  );
}

export function entryMessage(id: number, dn: string, attributes: readonly AttributeValues[]): Buffer {
  return sequence(
    integer(id),
    element(
      0x64,
      octets(dn),
      sequence(
        ...attributes.map(({ name, values }) =>
          sequence(octets(name), element(tag.set, ...values.map((one) => octets(one)))),
        ),
      ),
    ),
  );
}

export const referenceMessage = (id: number, urls: readonly string[]): Buffer =>
  sequence(integer(id), element(0x73, ...urls.map((url) => octets(url))));
