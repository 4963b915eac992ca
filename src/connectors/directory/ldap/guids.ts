import type { ObjectGuid } from '#model/directory/directory-object.ts';

/** GUIDs as directories keep them: the first three fields with their least byte first ([MS-DTYP] 2.3.4.2). */

export function guidOfBytes(bytes: Buffer): ObjectGuid | null {
  if (bytes.length !== 16) return null;
  const field = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).reverse().toString('hex');
  const tail = bytes.subarray(8).toString('hex');
  return `${field(0, 4)}-${field(4, 6)}-${field(6, 8)}-${tail.slice(0, 4)}-${tail.slice(4)}` as ObjectGuid;
}

/** @returns null for a text that is no GUID. */
export function bytesOfGuid(guid: string): Buffer | null {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(guid)) return null;
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  const field = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).reverse();
  return Buffer.concat([field(0, 4), field(4, 6), field(6, 8), bytes.subarray(8)]);
}
