import { createHash } from 'node:crypto';
import { md4 } from './md4.ts';

/** Somebody who can sign in. */
export interface Account {
  /** Sign-in name, lower case: `user@domain`. */
  readonly user: string;
  readonly password: string;
  readonly kind: 'person' | 'admin';
  /** Address of the account's own mailbox; null: it has none. */
  readonly address: string | null;
}

/** NT hash of a password: MD4 of its UTF-16LE form. [MS-NLMP] 3.3.1 NTOWFv1 */
export const ntHashOf = (password: string): Buffer => md4(Buffer.from(password, 'utf16le'));

/** The same text for the same parts, always: bytes of SHA-256. */
export function digest(...parts: readonly (string | number)[]): Buffer {
  return createHash('sha256').update(parts.join('\u0000')).digest();
}

/** A GUID made of parts, lower case, version 4 by its bits. */
export function guidOf(...parts: readonly (string | number)[]): string {
  const bytes = digest(...parts).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A password that is the same for the same seed. The lab listens on loopback only and keeps nothing worth a secret. */
export const passwordOf = (...parts: readonly (string | number)[]): string =>
  `Lab-${digest('password', ...parts)
    .toString('base64url')
    .slice(0, 12)}`;
