import { hash } from 'node:crypto';
import { assert } from '#kit/assert.ts';
import type { EventIdentity } from '#model/appointment.ts';

/** What ids are looked up by: the first 16 bytes of their SHA-256. */
export function idHash(id: string): Buffer {
  return hash('sha256', id, 'buffer').subarray(0, 16);
}

/** Our own random ids, 32 hex digits. */
export function uuidBytes(hex: string): Buffer {
  assert(/^[0-9a-f]{32}$/.test(hex), `an id of ours is 32 hex digits: ${hex}`);
  return Buffer.from(hex, 'hex');
}

export const uuidText = (bytes: Buffer): string => bytes.toString('hex');

const LOWER = 0;
const TEXT = 1;
const UPPER = 2;

/**
 * Keys that are hex in all but odd cases (search keys, fingerprints, stamp keys), in half the room: a tag and the bytes. Any
 * other text is kept as it is behind another tag, so that nothing is ever refused or changed.
 */
export function packKey(key: string): Buffer {
  return /^(?:[0-9a-f]{2})*$/.test(key)
    ? Buffer.concat([Buffer.of(LOWER), Buffer.from(key, 'hex')])
    : Buffer.concat([Buffer.of(TEXT), Buffer.from(key, 'utf8')]);
}

/** The same for identities of events, whose hex is upper case. */
export function packIdentity(identity: EventIdentity): Buffer {
  return /^(?:[0-9A-F]{2})*$/.test(identity)
    ? Buffer.concat([Buffer.of(UPPER), Buffer.from(identity, 'hex')])
    : packKey(identity);
}

export function unpackKey(bytes: Buffer): string {
  const rest = bytes.subarray(1);
  switch (bytes[0]) {
    case LOWER:
      return rest.toString('hex');
    case UPPER:
      return rest.toString('hex').toUpperCase();
    default:
      return rest.toString('utf8');
  }
}
