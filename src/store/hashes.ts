import { hash } from 'node:crypto';
import { assert } from '#kit/assert.ts';

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

/**
 * Keys that are hex in all but odd cases (search keys, fingerprints, stamp keys), in half the room: a tag and the bytes. Any
 * other text is kept as it is behind another tag, so that nothing is ever refused or changed.
 */
export function packKey(key: string): Buffer {
  return /^(?:[0-9a-f]{2})*$/.test(key)
    ? Buffer.concat([Buffer.of(LOWER), Buffer.from(key, 'hex')])
    : Buffer.concat([Buffer.of(TEXT), Buffer.from(key, 'utf8')]);
}

export function unpackKey(bytes: Buffer): string {
  return bytes.subarray(1).toString(bytes[0] === LOWER ? 'hex' : 'utf8');
}
