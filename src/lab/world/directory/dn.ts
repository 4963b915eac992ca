/** One part of a distinguished name. */
export interface Rdn {
  /** As written, usually upper case: `CN`, `OU`, `DC`. */
  readonly attribute: string;
  readonly value: string;
}

/** A distinguished name in parts, the object itself first. */
export type DnParts = readonly Rdn[];

/** A form in which two texts are the same when Active Directory takes them for the same: case and accents do not count. [MS-ADTS] 6.5 */
export function comparable(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text.toLowerCase() : text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

export const rdnKey = ({ attribute, value }: Rdn): string => `${attribute.toLowerCase()}=${comparable(value)}`;

/** Reads the text form of RFC 4514; null: it is none. Parts with several values, which Active Directory does not take either, are none. */
export function parseDn(text: string): DnParts | null {
  const parts: Rdn[] = [];
  if (text.trim() === '') return parts;
  let at = 0;
  while (at <= text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0) return null;
    const attribute = text.slice(at, equals).trim();
    if (!/^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)$/.test(attribute)) return null;
    const bytes: Buffer[] = [];
    let end = equals + 1;
    while (text[end] === ' ') end++;
    let kept = 0;
    const quoted = text[end] === '"';
    if (quoted) end++;
    for (; end < text.length; end++) {
      const letter = text.charAt(end);
      if (quoted ? letter === '"' : letter === ',' || letter === ';') break;
      if (!quoted && (letter === '+' || letter === '"' || letter === '<' || letter === '>')) return null;
      if (letter !== '\\') {
        const whole = String.fromCodePoint(text.codePointAt(end) ?? 0);
        bytes.push(Buffer.from(whole));
        end += whole.length - 1;
        if (letter !== ' ') kept = bytes.length;
        continue;
      }
      const hex = text.slice(end + 1, end + 3);
      if (/^[0-9a-fA-F]{2}$/.test(hex)) {
        bytes.push(Buffer.from(hex, 'hex'));
        end += 2;
      } else if (end + 1 < text.length) {
        bytes.push(Buffer.from(text.charAt(end + 1)));
        end++;
      } else return null;
      kept = bytes.length;
    }
    if (quoted) {
      if (text[end] !== '"') return null;
      end++;
      while (text[end] === ' ') end++;
      if (end < text.length && text[end] !== ',') return null;
    }
    const value = Buffer.concat(quoted ? bytes : bytes.slice(0, kept)).toString('utf8');
    if (value === '') return null;
    parts.push({ attribute, value });
    if (end >= text.length) return parts;
    at = end + 1;
  }
  return null;
}

/** The value of one part as Active Directory writes it. RFC 4514 section 2.4, and `=` escaped too */
function escapeValue(value: string): string {
  if (!/[,\\+"<>;=\n\r\u0000]|^[ #]| $/.test(value)) return value;
  return value
    .replace(/[,\\+"<>;=]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
    .replaceAll('\n', '\\0A')
    .replaceAll('\r', '\\0D')
    .replaceAll('\u0000', '\\00');
}

const formatRdn = ({ attribute, value }: Rdn): string => `${attribute}=${escapeValue(value)}`;
export const formatDn = (parts: DnParts): string => parts.map(formatRdn).join(',');

/** A GUID in the bytes of an objectGUID. [MS-DTYP] 2.3.4.2 */
export function guidBytes(guid: string): Buffer {
  const raw = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return Buffer.concat([
    raw.subarray(0, 4).reverse(),
    raw.subarray(4, 6).reverse(),
    raw.subarray(6, 8).reverse(),
    raw.subarray(8),
  ]);
}

/** The GUID in those bytes, lower case with dashes; null: they are not sixteen. */
export function guidOfBytes(bytes: Buffer): string | null {
  if (bytes.length !== 16) return null;
  const hex = Buffer.concat([
    Buffer.from(bytes.subarray(0, 4)).reverse(),
    Buffer.from(bytes.subarray(4, 6)).reverse(),
    Buffer.from(bytes.subarray(6, 8)).reverse(),
    bytes.subarray(8),
  ]).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
