/** Distinguished names as text (RFC 4514, and what Active Directory makes of it): taking apart, putting together, comparing. */
import type { DistinguishedName } from './directory-object.ts';

/** One attribute of a relative name. A name of several (`CN=a+UID=b`) is a list of them. */
export interface NamePart {
  /** As written: `CN`, `OU`, `DC`, or an OID. */
  readonly type: string;
  /** Unescaped. A value in hex (`#0401…`) stays as it is written. */
  readonly value: string;
}

/** DNs of Active Directory have at most 255 parts; texts of any server are cut off here before anybody spends time on them. */
const lengthMax = 32_768;

/** @returns relative names, the object's own first; null: this is no DN. The empty text is the root and has none. */
export function parseDn(dn: string): readonly (readonly NamePart[])[] | null {
  if (dn.length > lengthMax) return null;
  if (dn === '') return [];
  const names: (readonly NamePart[])[] = [];
  for (const text of splitAt(dn, ',', ';') ?? ['']) {
    const parts: NamePart[] = [];
    for (const part of splitAt(text, '+') ?? ['']) {
      const equals = part.indexOf('=');
      const type = part.slice(0, Math.max(0, equals)).trim();
      if (!/^([A-Za-z][A-Za-z0-9-]*|(OID\.)?\d+(\.\d+)*)$/i.test(type)) return null;
      const value = unescapeValue(part.slice(equals + 1));
      if (value === null) return null;
      parts.push({ type, value });
    }
    names.push(parts);
  }
  return names;
}

/** Splits where a separator is neither escaped nor quoted; null: a quotation mark or a backslash without its other half. */
function splitAt(text: string, ...separators: readonly string[]): readonly string[] | null {
  const pieces: string[] = [];
  let begin = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '\\') i++;
    else if (c === '"') isQuoted = !isQuoted;
    else if (!isQuoted && separators.includes(c)) {
      pieces.push(text.slice(begin, i));
      begin = i + 1;
    }
  }
  pieces.push(text.slice(begin));
  return isQuoted ? null : pieces;
}

function unescapeValue(raw: string): string | null {
  const trimmed = raw.replace(/^[ \n\r\t]+/, '');
  if (trimmed.startsWith('#')) return /^#([0-9a-f]{2})+\s*$/i.test(trimmed) ? trimmed.trim().toLowerCase() : null;
  let text = '';
  let bytes: number[] = [];
  // Unescaped spaces at the end belong to nobody; escaped ones do.
  let keep = 0;
  const flush = () => {
    if (bytes.length === 0) return;
    text += Buffer.from(bytes).toString('utf8');
    bytes = [];
    keep = text.length;
  };
  const isQuoted = trimmed.startsWith('"');
  for (let i = isQuoted ? 1 : 0; i < trimmed.length; i++) {
    const c = trimmed.charAt(i);
    if (c === '\\') {
      const hex = trimmed.slice(i + 1, i + 3);
      if (/^[0-9a-f]{2}$/i.test(hex)) {
        bytes.push(Number.parseInt(hex, 16));
        i += 2;
        continue;
      }
      flush();
      const next = trimmed.charAt(i + 1);
      if (next === '') return null;
      text += next;
      keep = text.length;
      i++;
      continue;
    }
    flush();
    if (isQuoted && c === '"') return /^\s*$/.test(trimmed.slice(i + 1)) ? text : null;
    text += c;
    if (isQuoted || !/[ \n\r\t]/.test(c)) keep = text.length;
  }
  flush();
  return text.slice(0, keep);
}

/** RFC 4514 §2.4, control characters too: Active Directory writes the line feed of deleted objects as `\0A`. */
export function escapeDnValue(value: string): string {
  const escaped = value.replace(/[\\",+;<>=]|[\u0000-\u001f\u007f]/g, (c) =>
    c < ' ' || c === '\u007f' ? `\\${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}` : `\\${c}`,
  );
  return escaped.replace(/^[ #]/, '\\$&').replace(/(?<!\\) $/, '\\ ');
}

/** Before the key of what is no DN: no type of a name begins so. */
const noDn = '?';
/** Nearly all DNs: nothing in them is escaped, quoted, of several parts or beyond ASCII, so that only case has to be taken away. */
const plainDn = (() => {
  const visible = String.raw`[!$-*\--:?-[\]-~]`;
  const part = String.raw`[A-Za-z][A-Za-z0-9-]*=${visible}(?:[ !$-*\--:?-[\]-~]*${visible})?`;
  return new RegExp(`^${part}(?:,${part})*$`);
})();

/** Equal for DNs that name the same object: case, spaces around separators and the way of escaping do not count. */
export function dnKey(dn: string): string {
  if (dn.length <= lengthMax && plainDn.test(dn)) return dn.toLowerCase();
  const names = parseDn(dn);
  if (names === null) return `${noDn}${dn.toLowerCase()}`;
  return names
    .map((parts) =>
      parts
        .map(({ type, value }) => `${type.toLowerCase()}=${escapeDnValue(foldName(value))}`)
        .sort()
        .join('+'),
    )
    .join(',');
}

/** Case as directories ignore it. */
function foldName(value: string): string {
  return value.normalize('NFC').toUpperCase().toLowerCase();
}

export function sameDn(a: string, b: string): boolean {
  return a === b || dnKey(a) === dnKey(b);
}

/** The DN of the container; null: there is none above. */
export function parentDn(dn: DistinguishedName): DistinguishedName | null {
  const pieces = splitAt(dn, ',', ';');
  const own = pieces?.[0];
  if (pieces === null || own === undefined || pieces.length < 2) return null;
  return dn.slice(own.length + 1).trimStart() as DistinguishedName;
}

/** Own name of an object, `Huber, Anna`; null: no DN, or the root. */
export function nameOfDn(dn: string): string | null {
  return parseDn(dn)?.[0]?.[0]?.value ?? null;
}

/** @param type `CN` for everything but organizational units (`OU`). */
export function childDn(container: DistinguishedName, type: 'CN' | 'OU', name: string): DistinguishedName {
  const own = `${type}=${escapeDnValue(name)}`;
  return (container === '' ? own : `${own},${container}`) as DistinguishedName;
}

/** Whether an object is the container or lies somewhere below it. What is no DN lies nowhere. */
export function isUnder(dn: string, container: string): boolean {
  const [inner, outer] = [dnKey(dn), dnKey(container)];
  if (inner.startsWith(noDn) || outer.startsWith(noDn)) return false;
  return outer === '' || inner === outer || inner.endsWith(`,${outer}`);
}

/** Names of the containers from `root` (left out) down to the one an object lies in; null: it does not lie below. */
export function pathBelow(dn: DistinguishedName, root: DistinguishedName): readonly DistinguishedName[] | null {
  if (!isUnder(dn, root) || sameDn(dn, root)) return null;
  const path: DistinguishedName[] = [];
  for (let at = parentDn(dn); at !== null && !sameDn(at, root); at = parentDn(at)) path.unshift(at);
  return path;
}

/** DNS name of the domain a DN lies in: its DC parts, lower case. Empty: it has none. */
export function domainOfDn(dn: string): string {
  return (parseDn(dn) ?? [])
    .flatMap(([part]) => (part !== undefined && part.type.toUpperCase() === 'DC' ? [part.value.toLowerCase()] : []))
    .join('.');
}
