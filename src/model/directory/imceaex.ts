/**
 * IMCEAEX addresses: a legacyExchangeDN wrapped into an SMTP address, `IMCEAEX-_O=ORG_OU=…_CN=ANNA@source.example`. A reply to old mail
 * that finds nobody bounces with one; what is missing is an X500 address of the DN that is inside.
 * Exchange, "Recipient resolution": letters, digits, `=` and `-` as they are, `/` as `_`, every other byte as `+HH`.
 */

const prefix = 'IMCEAEX-';
const localPartMax = 315;
const addressMax = 571;

/** @returns null: longer than Exchange takes (315 before the @, 571 altogether). */
export function encodeImceaex(legacyExchangeDn: string, domain: string): string | null {
  let local = prefix;
  for (const byte of Buffer.from(legacyExchangeDn, 'utf8')) {
    const c = String.fromCharCode(byte);
    if (/[A-Za-z0-9=-]/.test(c)) local += c;
    else if (c === '/') local += '_';
    else local += `+${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }
  const address = `${local}@${domain}`;
  return local.length > localPartMax || address.length > addressMax ? null : address;
}

/** @returns the legacyExchangeDN and the domain; null: it is no IMCEAEX address, or what is inside is no legacyExchangeDN. */
export function decodeImceaex(address: string): { readonly legacyExchangeDn: string; readonly domain: string } | null {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  if (at < 0 || address.length > addressMax || local.length > localPartMax) return null;
  if (local.slice(0, prefix.length).toUpperCase() !== prefix) return null;
  const inner = local.slice(prefix.length);
  if (!/^([A-Za-z0-9=_.-]|\+[0-9A-F]{2})*$/i.test(inner)) return null;
  const bytes = inner
    .replaceAll('_', '/')
    .replace(/\+([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const legacyExchangeDn = Buffer.from(bytes, 'latin1').toString('utf8');
  return /^\/o=[^/]+(\/[a-z]+=[^/]*)+$/i.test(legacyExchangeDn)
    ? { legacyExchangeDn, domain: address.slice(at + 1).toLowerCase() }
    : null;
}
