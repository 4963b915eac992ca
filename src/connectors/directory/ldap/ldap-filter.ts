import { type BerWriter, Filter, SearchFilter } from 'ldapts';

/**
 * Search filters ([RFC 4511] 4.5.1.7, as text [RFC 4515]). Values are bytes: an escape stands for a byte, and two of them may be one
 * letter or a part of a GUID.
 */
export type LdapFilter =
  | { readonly kind: 'and' | 'or'; readonly of: readonly LdapFilter[] }
  | { readonly kind: 'not'; readonly of: LdapFilter }
  | { readonly kind: 'present'; readonly attribute: string }
  | {
      readonly kind: 'equal' | 'at-least' | 'at-most' | 'approximate';
      readonly attribute: string;
      readonly value: Buffer;
    }
  | {
      readonly kind: 'parts';
      readonly attribute: string;
      readonly initial: Buffer | null;
      readonly any: readonly Buffer[];
      readonly final: Buffer | null;
    }
  | {
      readonly kind: 'rule';
      readonly attribute: string | null;
      readonly rule: string | null;
      /** The parts of the DN are asked as well. */
      readonly dn: boolean;
      readonly value: Buffer;
    };

export const allOf = (...of: readonly LdapFilter[]): LdapFilter => ({ kind: 'and', of });
export const anyOf = (...of: readonly LdapFilter[]): LdapFilter => ({ kind: 'or', of });
export const notAny = (of: LdapFilter): LdapFilter => ({ kind: 'not', of });
export const present = (attribute: string): LdapFilter => ({ kind: 'present', attribute });
export const equal = (attribute: string, value: string | Buffer): LdapFilter => ({
  kind: 'equal',
  attribute,
  value: Buffer.from(value),
});
export const atLeast = (attribute: string, value: string): LdapFilter => ({
  kind: 'at-least',
  attribute,
  value: Buffer.from(value),
});

/** Text that is no filter. The message says where, for the person who wrote it. */
export class FilterSyntaxError extends Error {
  override readonly name = 'FilterSyntaxError';
}

const textMax = 16_384;
const depthMax = 100;
const attributePattern = /(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*/y;

/** Reads a filter as people write it, also without the outer parentheses. Throws FilterSyntaxError. */
export function parseFilter(text: string): LdapFilter {
  if (text.length > textMax) throw new FilterSyntaxError(`the filter is longer than ${textMax} characters`);
  const trimmed = text.trim();
  const source = trimmed.startsWith('(') ? trimmed : `(${trimmed})`;
  let at = 0;
  const fail = (what: string): never => {
    throw new FilterSyntaxError(`${what} at character ${at + 1} of the filter ${source}`);
  };
  const expect = (char: string) => {
    if (source[at] !== char) fail(`expected "${char}"`);
    at++;
  };
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0] ?? null;
    if (found !== null) at += found.length;
    return found;
  };
  /** Pieces between stars. */
  const values = (): Buffer[] => {
    const pieces: Buffer[] = [];
    let bytes: Buffer[] = [];
    for (;;) {
      const plain = match(/[^\\*()\0]+/y);
      if (plain !== null) bytes.push(Buffer.from(plain));
      else if (source[at] === '\\') {
        const hex = /\\([0-9A-Fa-f]{2})/y;
        const escaped = match(hex) ?? fail('expected two hexadecimal digits behind "\\" (as \\2a for *)');
        bytes.push(Buffer.from(escaped.slice(1), 'hex'));
      } else {
        pieces.push(Buffer.concat(bytes));
        bytes = [];
        if (source[at] !== '*') return pieces;
        at++;
      }
    }
  };
  const whole = (): Buffer => {
    const [value, ...more] = values();
    return value === undefined || more.length > 0 ? fail('unexpected "*"') : value;
  };
  const spaces = () => match(/\s+/y);
  const item = (): LdapFilter => {
    const attribute = match(attributePattern);
    if (source[at] === ':') {
      const dn = match(/:dn(?=:)/iy) !== null;
      const rule = match(/:(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?=:=)/y)?.slice(1) ?? null;
      expect(':');
      expect('=');
      if (attribute === null && rule === null) fail('expected an attribute or a matching rule');
      return { kind: 'rule', attribute, rule, dn, value: whole() };
    }
    if (attribute === null) return fail('expected an attribute');
    const comparison = match(/>=|<=|~=|=/y);
    switch (comparison) {
      case '>=':
        return { kind: 'at-least', attribute, value: whole() };
      case '<=':
        return { kind: 'at-most', attribute, value: whole() };
      case '~=':
        return { kind: 'approximate', attribute, value: whole() };
      case '=': {
        const pieces = values();
        const [first = Buffer.alloc(0), ...rest] = pieces;
        const last = rest.pop();
        if (last === undefined) return { kind: 'equal', attribute, value: first };
        const any = rest.filter(({ length }) => length > 0);
        if (first.length + last.length + any.length === 0) return { kind: 'present', attribute };
        const some = (piece: Buffer) => (piece.length > 0 ? piece : null);
        return { kind: 'parts', attribute, initial: some(first), any, final: some(last) };
      }
      default:
        return fail('expected =, >=, <=, ~= or := behind the attribute');
    }
  };
  const filter = (depth: number): LdapFilter => {
    if (depth > depthMax) fail('too many parentheses');
    expect('(');
    spaces();
    let found: LdapFilter;
    const sign = source[at];
    if (sign === '&' || sign === '|') {
      at++;
      const of: LdapFilter[] = [];
      for (spaces(); source[at] === '('; spaces()) of.push(filter(depth + 1));
      found = { kind: sign === '&' ? 'and' : 'or', of };
    } else if (sign === '!') {
      at++;
      spaces();
      found = notAny(filter(depth + 1));
      spaces();
    } else found = item();
    expect(')');
    return found;
  };
  const found = filter(0);
  if (at < source.length) fail('unexpected text');
  return found;
}

/** Everything that is not a plain ASCII letter, digit or harmless sign is escaped. */
const escapeValue = (value: Buffer): string =>
  [...value]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9 @.,:;=_+/'-]/.test(char) ? char : `\\${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');

/** As text, ASCII only. */
export function formatFilter(filter: LdapFilter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${filter.kind === 'and' ? '&' : '|'}${filter.of.map(formatFilter).join('')})`;
    case 'not':
      return `(!${formatFilter(filter.of)})`;
    case 'present':
      return `(${filter.attribute}=*)`;
    case 'parts': {
      const pieces = [filter.initial, ...filter.any, filter.final].map((piece) => (piece ? escapeValue(piece) : ''));
      return `(${filter.attribute}=${pieces.join('*')})`;
    }
    case 'rule': {
      const head = `${filter.attribute ?? ''}${filter.dn ? ':dn' : ''}${filter.rule === null ? '' : `:${filter.rule}`}`;
      return `(${head}:=${escapeValue(filter.value)})`;
    }
    default:
      return `(${filter.attribute}${signs[filter.kind]}${escapeValue(filter.value)})`;
  }
}
const signs = { equal: '=', 'at-least': '>=', 'at-most': '<=', approximate: '~=' } as const;

const comparisonTags = {
  equal: SearchFilter.equalityMatch,
  'at-least': SearchFilter.greaterOrEqual,
  'at-most': SearchFilter.lessOrEqual,
  approximate: SearchFilter.approxMatch,
} as const;
const octetString = 0x04;

function writeFilter(writer: BerWriter, filter: LdapFilter): void {
  switch (filter.kind) {
    case 'and':
    case 'or':
      writer.startSequence(filter.kind === 'and' ? SearchFilter.and : SearchFilter.or);
      for (const part of filter.of) writeFilter(writer, part);
      writer.endSequence();
      return;
    case 'not':
      writer.startSequence(SearchFilter.not);
      writeFilter(writer, filter.of);
      writer.endSequence();
      return;
    case 'present':
      writer.writeString(filter.attribute, SearchFilter.present);
      return;
    case 'parts':
      writer.startSequence(SearchFilter.substrings);
      writer.writeString(filter.attribute);
      writer.startSequence();
      if (filter.initial) writer.writeBuffer(filter.initial, 0x80);
      for (const piece of filter.any) writer.writeBuffer(piece, 0x81);
      if (filter.final) writer.writeBuffer(filter.final, 0x82);
      writer.endSequence();
      writer.endSequence();
      return;
    case 'rule':
      writer.startSequence(SearchFilter.extensibleMatch);
      if (filter.rule !== null) writer.writeString(filter.rule, 0x81);
      if (filter.attribute !== null) writer.writeString(filter.attribute, 0x82);
      writer.writeBuffer(filter.value, 0x83);
      if (filter.dn) writer.writeBoolean(true, 0x84);
      writer.endSequence();
      return;
    default:
      writer.startSequence(comparisonTags[filter.kind]);
      writer.writeString(filter.attribute);
      writer.writeBuffer(filter.value, octetString);
      writer.endSequence();
  }
}

/** A filter in a search request. Not ldapts' own: those take an escape for a character, so that `\c3\bc` would be two letters. */
export class EncodedFilter extends Filter {
  readonly type = SearchFilter.and;
  readonly #filter: LdapFilter;
  constructor(filter: LdapFilter) {
    super();
    this.#filter = filter;
  }
  override write(writer: BerWriter): void {
    writeFilter(writer, this.#filter);
  }
  override toString(): string {
    return formatFilter(this.#filter);
  }
}
