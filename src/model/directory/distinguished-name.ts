import type { DistinguishedName } from './directory-object.ts';

/**
 * Distinguished names in text ([RFC 4514], and what RFC 2253 still lets servers and people write: quotes, `;` between parts, spaces around
 * separators). Active Directory escapes the line feed in the names of deleted objects: `CN=Ann\0ADEL:…`.
 */

/** One type and value of a relative name; the value unescaped. Active Directory has one per relative name, other directories may have several. */
export interface NamePart {
  readonly type: string;
  readonly value: string;
}
/** From the entry itself to the root. */
export type NameParts = readonly (readonly NamePart[])[];

/** Far above what a directory holds (Active Directory: RDN of 255 bytes, a few dozen levels). */
const lengthMax = 16_384;

/** @returns null when the text is no distinguished name. The empty name is the root's: no parts. */
export function parseDn(dn: string): NameParts | null {
  if (dn.length > lengthMax) return null;
  if (dn.trim() === '') return [];
  const parts: NamePart[][] = [];
  let at = 0;
  for (let joined = false; ; ) {
    const type = /^\s*(?:OID\.)?([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)\s*=\s*/i.exec(dn.slice(at, at + 1024));
    if (type === null) return null;
    at += type[0].length;
    const read = readValue(dn, at);
    if (read === null) return null;
    const part = { type: type[1] ?? '', value: read.value };
    if (joined) parts.at(-1)?.push(part);
    else parts.push([part]);
    at = read.end;
    if (at === dn.length) return parts;
    joined = dn[at] === '+';
    at++;
  }
}

function readValue(dn: string, start: number): { readonly value: string; readonly end: number } | null {
  if (dn[start] === '#') return readHexValue(dn, start);
  const quoted = dn[start] === '"';
  const bytes: number[] = [];
  /** Bytes up to the last one that is not an unescaped space: those behind it are not part of the value. */
  let kept = 0;
  let at = quoted ? start + 1 : start;
  for (;;) {
    const char = dn[at];
    if (char === undefined) {
      if (quoted) return null;
      break;
    }
    if (quoted ? char === '"' : /[,;+]/.test(char)) break;
    if (char === '\\') {
      const hex = /^[0-9A-Fa-f]{2}/.exec(dn.slice(at + 1, at + 3));
      if (hex) {
        bytes.push(Number.parseInt(hex[0], 16));
        at += 3;
      } else {
        const escaped = dn.codePointAt(at + 1);
        if (escaped === undefined) return null;
        const text = String.fromCodePoint(escaped);
        bytes.push(...new TextEncoder().encode(text));
        at += 1 + text.length;
      }
      kept = bytes.length;
      continue;
    }
    const text = String.fromCodePoint(dn.codePointAt(at) ?? 0);
    bytes.push(...new TextEncoder().encode(text));
    at += text.length;
    if (quoted || text !== ' ') kept = bytes.length;
  }
  if (quoted) {
    at++;
    while (dn[at] === ' ') at++;
    if (at < dn.length && !/[,;+]/.test(dn[at] ?? '')) return null;
  }
  return { value: new TextDecoder().decode(Uint8Array.from(bytes.slice(0, kept))), end: at };
}

/** `#04…`: the BER form of a value. Kept as written, since its type is the server's business. */
function readHexValue(dn: string, start: number): { readonly value: string; readonly end: number } | null {
  const found = /^(#(?:[0-9A-Fa-f]{2})+)\s*(?=[,;+]|$)/.exec(dn.slice(start));
  return found === null ? null : { value: (found[1] ?? '').toLowerCase(), end: start + found[0].length };
}

/** Value of a relative name as text, every special character escaped ([RFC 4514] 2.4). */
export function escapeRdnValue(value: string): string {
  return value
    .replaceAll(/[\\",+;<>=]/g, '\\$&')
    .replaceAll(/\p{Cc}/gu, (control) =>
      [...new TextEncoder().encode(control)]
        .map((byte) => `\\${byte.toString(16).padStart(2, '0').toUpperCase()}`)
        .join(''),
    )
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, (space, offset: number, whole: string) => (whole[offset - 1] === '\\' ? space : `\\${space}`));
}

export function writeDn(parts: NameParts): DistinguishedName {
  return parts
    .map((rdn) => rdn.map(({ type, value }) => `${type}=${escapeRdnValue(value)}`).join('+'))
    .join(',') as DistinguishedName;
}

/** The name of an entry in a container. */
export function childDn(type: string, value: string, container: DistinguishedName): DistinguishedName {
  const rdn = `${type}=${escapeRdnValue(value)}`;
  return (container === '' ? rdn : `${rdn},${container}`) as DistinguishedName;
}

const keys = new Map<string, string>();
const keysMax = 20_000;

/**
 * A text that is equal for names that are the same, whatever their escapes, case and spaces. A text that is no name stands for itself.
 * Directories ignore the case of all attributes that names are made of.
 */
export function dnKey(dn: string): string {
  const known = keys.get(dn);
  if (known !== undefined) return known;
  const parts = parseDn(dn);
  const rdn = (names: readonly NamePart[]) =>
    names.map(({ type, value }) => `${type.toLowerCase()}=${escapeInKey(foldValue(value))}`).sort();
  const key = parts === null ? `\0${dn}` : parts.map((names) => rdn(names).join('+')).join(',');
  if (keys.size >= keysMax) keys.clear();
  keys.set(dn, key);
  return key;
}

/** No separator stays, so that a container's key is the end of its entries' keys. */
const escapeInKey = (value: string): string =>
  value.replaceAll(/[\\,+]/g, (char) => `\\${char.charCodeAt(0).toString(16)}`);

/** Case ignored, spaces at the ends dropped and runs of them one, as the matching rules of names prepare them ([RFC 4518] 2.6.1). */
const foldValue = (value: string): string => value.normalize('NFC').toLowerCase().trim().replaceAll(/ +/g, ' ');

export const sameDn = (a: string, b: string): boolean => a === b || dnKey(a) === dnKey(b);

/** Whether it is the container or lies below it. */
export function isUnder(dn: string, container: string): boolean {
  const [key, above] = [dnKey(dn), dnKey(container)];
  return above === '' || key === above || key.endsWith(`,${above}`);
}

/** The container of an entry; null for the root and for what is no name. */
export function parentDn(dn: string): DistinguishedName | null {
  const parts = parseDn(dn);
  return parts === null || parts.length === 0 ? null : writeDn(parts.slice(1));
}

/** The entry's own name, unescaped: type and value of the first relative name. */
export function ownName(dn: string): NamePart | null {
  return parseDn(dn)?.[0]?.[0] ?? null;
}

/** DNS name of the domain that a name ends in, lower case; empty when it ends in none. */
export function domainOfDn(dn: string): string {
  const parts = parseDn(dn) ?? [];
  const labels: string[] = [];
  for (const rdn of [...parts].reverse()) {
    const [part] = rdn;
    if (part === undefined || part.type.toLowerCase() !== 'dc') break;
    labels.unshift(part.value.toLowerCase());
  }
  return labels.join('.');
}
