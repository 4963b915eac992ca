import { decodeBase64Leniently } from './base64.ts';
import { decodeCharset, decodeUnnamed } from './charset.ts';
import { decodeQ } from './quoted-printable.ts';

/** A header as it stands in the message. */
export interface MimeHeader {
  /** As written; compare without regard to case. '' for a line in the header block that is none. */
  readonly name: string;
  /** One character per byte (latin1), folding included, without the final line end. */
  readonly rawValue: string;
}

/** A value with parameters: Content-Type, Content-Disposition. */
export interface ParameterizedValue {
  /** Lower case, `text/plain`. */
  readonly value: string;
  /** Lower-case names; decoded values (RFC 2231, and RFC 2047 as senders use it there). */
  readonly parameters: ReadonlyMap<string, string>;
}

/** RFC 5322 §2.2.3. */
function unfold(raw: string): string {
  return raw.replace(/\r?\n(?=[ \t])/g, '').replace(/[\r\n]+/g, ' ');
}

const encodedWord = /=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=/g;

/**
 * The text of an unstructured header (RFC 2047): encoded words decoded, white space between two of them dropped, characters cut in
 * two by a sender put together again; 8-bit text outside of them read as UTF-8 or Windows-1252.
 * @param raw one character per byte; may be folded.
 */
export const decodeHeader = (raw: string): string =>
  decoded(raw, (bytes) => decodeUnnamed(Buffer.from(bytes, 'latin1')));

/** The same of a text whose other characters are what they are. */
const decodeWords = (text: string): string => decoded(text, (plain) => plain);

function decoded(raw: string, plain: (text: string) => string): string {
  const text = unfold(raw);
  let out = '';
  let at = 0;
  let pending: Buffer[] = [];
  let charset = '';
  const flush = (): void => {
    if (pending.length > 0) out += decodeCharset(Buffer.concat(pending), charset);
    pending = [];
  };
  for (const match of text.matchAll(encodedWord)) {
    const between = text.slice(at, match.index);
    const next = (match[1] ?? '').replace(/\*.*$/, '').toLowerCase();
    if (pending.length === 0 || /[^ \t]/.test(between)) {
      flush();
      out += plain(between);
    } else if (next !== charset) flush();
    charset = next;
    const content = match[3] ?? '';
    pending.push(
      match[2]?.toLowerCase() === 'b' ? decodeBase64Leniently(Buffer.from(content, 'latin1')) : decodeQ(content),
    );
    at = match.index + match[0].length;
  }
  flush();
  return out + plain(text.slice(at));
}

/** Text without comments in parentheses (RFC 5322 §3.2.2); quoted strings stay as they are. */
function withoutComments(text: string): string {
  if (!text.includes('(')) return text;
  let out = '';
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '\\' && (quoted || depth > 0)) {
      if (depth === 0) out += c + (text[i + 1] ?? '');
      i++;
    } else if (c === '"' && depth === 0) {
      quoted = !quoted;
      out += c;
    } else if (c === '(' && !quoted) depth++;
    else if (c === ')' && !quoted && depth > 0) depth--;
    else if (depth === 0) out += c;
  }
  return out;
}

const percent = /%([0-9a-fA-F]{2})/g;

/** RFC 2045 §5.1 with RFC 2231, from a raw header value. */
export function parseParameters(raw: string): ParameterizedValue {
  const text = unfold(raw);
  const plain = withoutComments(text);
  const stop = plain.indexOf(';');
  const value = (stop < 0 ? plain : plain.slice(0, stop)).trim().toLowerCase();
  const single = new Map<string, string>();
  const pieces = new Map<string, { readonly index: number; readonly extended: boolean; readonly text: string }[]>();
  const parameter = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"?|([^;]*))/g;
  for (const match of (stop < 0 ? '' : plain.slice(stop)).matchAll(parameter)) {
    const name = (match[1] ?? '').toLowerCase();
    const content = match[2] !== undefined ? match[2].replace(/\\([\s\S])/g, '$1') : (match[3] ?? '').trim();
    const continued = /^([^*]+)(?:\*(\d{1,4}))?(\*)?$/.exec(name);
    if (continued === null || (continued[2] === undefined && continued[3] === undefined)) {
      if (!single.has(name)) single.set(name, decodeHeader(content));
      continue;
    }
    const base = continued[1] ?? '';
    const list = pieces.get(base) ?? [];
    list.push({ index: Number(continued[2] ?? 0), extended: continued[3] === '*', text: content });
    pieces.set(base, list);
  }
  const parameters = new Map(single);
  for (const [name, list] of pieces) {
    list.sort((a, b) => a.index - b.index);
    let charset = '';
    let bytes = '';
    for (const [n, piece] of list.entries()) {
      let content = piece.text;
      if (piece.extended) {
        const language = n === 0 ? /^([^']*)'[^']*'/.exec(content) : null;
        if (language !== null) {
          charset = language[1] ?? '';
          content = content.slice(language[0].length);
        }
        content = content.replace(percent, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
      }
      bytes += content;
    }
    // The extended form wins over a plain one given for old readers (RFC 6266 §4.3 says so for HTTP, mail programs agree).
    parameters.set(
      name,
      list.some((piece) => piece.extended) ? decodeCharset(Buffer.from(bytes, 'latin1'), charset) : decodeHeader(bytes),
    );
  }
  return { value, parameters };
}

/** One address, brought to a form in which equal ones are equal. */
export interface MailAddress {
  /** Display name, decoded; '' when there is none or when it only repeats the address. */
  readonly name: string;
  /** `local@domain`, domain in lower case, quotes removed that are not needed; '' for a name alone. */
  readonly address: string;
}

type AddressToken = {
  readonly kind: 'word' | 'quoted' | 'comment' | 'special';
  readonly text: string;
  readonly spaced: boolean;
};

function* addressTokens(text: string): Generator<AddressToken> {
  let i = 0;
  let spaced = false;
  while (i < text.length) {
    const c = text[i] as string;
    if (c === ' ' || c === '\t') {
      spaced = true;
      i++;
      continue;
    }
    if (c === '"') {
      let inner = '';
      for (i++; i < text.length && text[i] !== '"'; i++) {
        if (text[i] === '\\' && i + 1 < text.length) i++;
        inner += text[i];
      }
      i++;
      yield { kind: 'quoted', text: inner, spaced };
    } else if (c === '(') {
      let inner = '';
      let depth = 1;
      for (i++; i < text.length; i++) {
        const d = text[i] as string;
        if (d === '\\' && i + 1 < text.length) {
          inner += text[++i];
          continue;
        }
        if (d === '(') depth++;
        if (d === ')' && --depth === 0) break;
        inner += d;
      }
      i++;
      yield { kind: 'comment', text: inner, spaced };
    } else if (',;:<>'.includes(c)) {
      i++;
      yield { kind: 'special', text: c, spaced };
    } else {
      // An encoded word may hold anything but a question mark and still be one word.
      const encoded = c === '=' ? /^=\?[^?\s]+\?[bBqQ]\?[^?]*\?=/.exec(text.slice(i)) : null;
      const word = encoded?.[0] ?? /^[^\s",;:<>()]+/.exec(text.slice(i))?.[0] ?? c;
      i += word.length;
      yield { kind: 'word', text: word, spaced };
    }
    spaced = false;
  }
}

/** RFC 5322 §3.4 with the obsolete forms, from a raw header value. Groups are taken apart; order is kept. */
export const parseAddresses = (raw: string): readonly MailAddress[] => addressesIn(raw, decodeHeader);

/** The same from a text of characters, not of bytes, in which servers show header fields and take them. */
export const parseAddressText = (text: string): readonly MailAddress[] => addressesIn(text, decodeWords);

function addressesIn(raw: string, decode: (text: string) => string): readonly MailAddress[] {
  const found: MailAddress[] = [];
  let phrase: AddressToken[] = [];
  let comments: string[] = [];
  let angle: AddressToken[] | null = null;
  let inAngle = false;
  const finish = (): void => {
    const spec = (tokens: readonly AddressToken[]): string =>
      tokens.map((token) => (token.kind === 'quoted' ? quoteLocal(token.text) : token.text)).join('');
    const named = (tokens: readonly AddressToken[]): string =>
      tokens.map((token, n) => (n > 0 && token.spaced ? ' ' : '') + token.text).join('');
    const bare = angle === null && phrase.some((token) => token.text.includes('@') || token.kind === 'special');
    const address = normalAddress(angle !== null ? spec(angle) : bare ? spec(phrase) : '');
    const written = angle !== null || !bare ? named(phrase) : '';
    const name = decode(written === '' ? comments.join(' ') : written)
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^'(.*)'$/, '$1');
    if (address !== '' || name !== '')
      found.push({ name: name.toLowerCase() === address.toLowerCase() ? '' : name, address });
    phrase = [];
    comments = [];
    angle = null;
    inAngle = false;
  };
  for (const token of addressTokens(unfold(raw))) {
    if (token.kind === 'comment') comments.push(token.text);
    else if (token.kind === 'special' && token.text === '<' && !inAngle) {
      inAngle = true;
      angle = [];
    } else if (token.kind === 'special' && token.text === '>') inAngle = false;
    else if (inAngle && angle !== null) {
      // A route before the address, `<@a,@b:x@y>`, is dropped.
      if (token.text === ':' && token.kind === 'special') angle = [];
      else angle.push(token);
    } else if (token.kind === 'special' && token.text === ':') {
      phrase = [];
      comments = [];
    } else if (token.kind === 'special' && (token.text === ',' || token.text === ';')) finish();
    else phrase.push(token);
  }
  finish();
  return found;
}

function quoteLocal(text: string): string {
  return /^[^\s"(),:;<>@[\\\]]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function normalAddress(text: string): string {
  const decoded = decodeHeader(text).trim();
  const at = decoded.lastIndexOf('@');
  return at < 0 ? decoded : decoded.slice(0, at + 1) + decoded.slice(at + 1).toLowerCase();
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const zones: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
};

/** RFC 5322 §3.3 with the obsolete forms. Milliseconds since 1970; null when it is no date. A zone nobody knows counts as UTC. */
export function parseMailDate(raw: string): number | null {
  const text = withoutComments(unfold(raw)).trim();
  const match =
    /^(?:[a-z]+\s*,?\s*)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s-]+(\d{2,4})\s+(\d{1,2})\s*[:.]\s*(\d{2})(?:\s*[:.]\s*(\d{2}))?\s*([+-]\s*\d{4}|[a-z]+)?/i.exec(
      text,
    );
  if (match === null) return null;
  const month = months.indexOf((match[2] ?? '').toLowerCase());
  if (month < 0) return null;
  let year = Number(match[3]);
  if ((match[3] ?? '').length < 4) year += year < 50 ? 2000 : 1900;
  const zone = (match[7] ?? '').replace(/\s/g, '').toLowerCase();
  let offset = zones[zone] ?? 0;
  if (/^[+-]\d{4}$/.test(zone))
    offset = (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3)));
  return (
    Date.UTC(year, month, Number(match[1]), Number(match[4]), Number(match[5]), Number(match[6] ?? 0)) - offset * 60_000
  );
}
