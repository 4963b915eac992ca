import { BerWriter } from 'ldapts';
import { BerCursor } from './ldap-answers.ts';
import { ValueControl } from './ldap-connection.ts';

/** Controls of searches ([RFC 2696]; [MS-ADTS] 3.1.1.3.4.1). */
export const controlOids = {
  paged: '1.2.840.113556.1.4.319',
  dirSync: '1.2.840.113556.1.4.841',
  showDeleted: '1.2.840.113556.1.4.417',
  extendedDn: '1.2.840.113556.1.4.529',
} as const;

const sequence = 0x30;
const octets = 0x04;

export function pagedControl(size: number, cookie: Buffer): ValueControl {
  const value = new BerWriter();
  value.startSequence();
  value.writeInt(size);
  value.writeBuffer(cookie, octets);
  value.endSequence();
  return new ValueControl(controlOids.paged, value.buffer);
}

/** Empty: there are no more pages. */
export function readPagedCookie(controls: ReadonlyMap<string, Buffer>): Buffer {
  const value = controls.get(controlOids.paged);
  if (value === undefined) return Buffer.alloc(0);
  const body = new BerCursor(value).inside(sequence);
  body.integer();
  return Buffer.from(body.take(octets));
}

/** Only the values of a linked attribute that came or went are handed out, not all members of a group ([MS-ADTS] 3.1.1.3.4.1.3). */
const incrementalValues = 0x80000000 | 0;
/** What a server puts into one answer at most, as a wish. */
const dirSyncBytes = 1024 * 1024;

export function dirSyncControl(cookie: Buffer): ValueControl {
  const value = new BerWriter({ size: 256 + cookie.length });
  value.startSequence();
  value.writeInt(incrementalValues);
  value.writeInt(dirSyncBytes);
  value.writeBuffer(cookie, octets);
  value.endSequence();
  return new ValueControl(controlOids.dirSync, value.buffer);
}

/** @returns null when the server did not answer the control, which it was told is critical. */
export function readDirSync(
  controls: ReadonlyMap<string, Buffer>,
): { readonly hasMore: boolean; readonly cookie: Buffer } | null {
  const value = controls.get(controlOids.dirSync);
  if (value === undefined) return null;
  const body = new BerCursor(value).inside(sequence);
  const more = body.integer();
  body.integer();
  return { hasMore: more !== 0, cookie: Buffer.from(body.take(octets)) };
}

/** Deleted objects are shown like others. */
export const showDeletedControl = (): ValueControl => new ValueControl(controlOids.showDeleted, null);

/** Names come with `<GUID=hex>;` before them ([MS-ADTS] 3.1.1.3.4.1.5). */
export const extendedDnControl = (): ValueControl => new ValueControl(controlOids.extendedDn, null);
