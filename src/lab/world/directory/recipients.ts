import type { Controller } from './controller.ts';
import { guidOfBytes } from './dn.ts';
import type { Entry } from './entry.ts';

/** Whom an address means in one organization. */
export type Resolved =
  | { readonly kind: 'recipient'; readonly entry: Entry }
  | { readonly kind: 'nobody' }
  /** Several objects have it: nobody gets the mail. (EXDOC recipient-resolution) */
  | { readonly kind: 'ambiguous' };

/** Whether an address is the DN of an object of an Exchange organization: type EX. */
export const isLegacyDn = (address: string): boolean => address.startsWith('/');

/** Finds a recipient as transport does: DNs among legacyExchangeDN and X500 addresses, all else among SMTP addresses. */
export function resolveRecipient(at: Controller, address: string): Resolved {
  const found = isLegacyDn(address)
    ? [...at.having('legacyExchangeDN', address), ...at.having('proxyAddresses', `X500:${address}`)]
    : at.having('proxyAddresses', `smtp:${address}`);
  const different = new Set(found);
  const [entry] = different;
  if (entry === undefined) return { kind: 'nobody' };
  return different.size > 1 ? { kind: 'ambiguous' } : { kind: 'recipient', entry };
}

/** The address without its type; null: of another type than SMTP. */
export function smtpOf(proxy: string | null): string | null {
  if (proxy === null) return null;
  const type = /^([A-Za-z0-9]+):/.exec(proxy)?.[1];
  if (type === undefined) return proxy.toLowerCase();
  return type.toLowerCase() === 'smtp' ? proxy.slice(5).toLowerCase() : null;
}

/** The address that replies go to: the one in capitals. */
export function primaryAddress(at: Controller, entry: Entry): string | null {
  const primary = at.texts(entry, 'proxyAddresses').find((proxy) => proxy.startsWith('SMTP:'));
  return smtpOf(primary ?? at.text(entry, 'mail'));
}

/** GUID of its mailbox; null: it has none. */
export function mailboxGuidOf(at: Controller, entry: Entry): string | null {
  const [guid] = at.read(entry, 'msexchmailboxguid');
  return guid instanceof Buffer && at.read(entry, 'homemdb').length > 0 ? guidOfBytes(guid) : null;
}

export const isGroup = (at: Controller, entry: Entry): boolean => at.classOf(entry).groups.includes('group');

/**
 * The address under which a DN that nobody has comes back. Letters, digits, `=` and `-` stay, `/` becomes `_`, the rest is `+HH`.
 * (EXDOC recipient-resolution; akutz/evolution-exchange docs/sending-mail)
 */
export function imceaexOf(legacyDn: string, domain: string): string {
  const local = [...Buffer.from(legacyDn)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      if (letter === '/') return '_';
      return /[A-Za-z0-9=-]/.test(letter) ? letter : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return `IMCEAEX-${local}@${domain}`;
}

/** The DN inside such an address; null: it is none, or of another domain, which leaves it as it is. */
export function legacyDnOf(address: string, domain: string): string | null {
  const parts = /^IMCEAEX-(.*)@([^@]+)$/is.exec(address);
  if (parts === null || parts[2]?.toLowerCase() !== domain) return null;
  const bytes: number[] = [];
  const local = parts[1] ?? '';
  for (let at = 0; at < local.length; at++) {
    const hex = local.charAt(at) === '+' ? local.slice(at + 1, at + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(local.charAt(at) === '_' ? 0x2f : local.charCodeAt(at) & 0xff);
  }
  return Buffer.from(bytes).toString('utf8');
}
