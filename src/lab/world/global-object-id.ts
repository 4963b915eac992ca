import { digest } from './account.ts';
import type { Day } from './calendar-part.ts';

// [MS-OXOCAL] 2.2.1.27: 16 known bytes, the day of an exception, the time of creation, 8 zeros, a length, and data.

const known = Buffer.from('040000008200e00074c5b7101a82e008', 'hex');
const dayAt = 16;
const sizeAt = 36;
const dataAt = 40;
/** Before a UID that another system made. */
const wrapper = Buffer.concat([Buffer.from('vCal-Uid'), Buffer.from([1, 0, 0, 0])]);
/** Of 100 nanoseconds between 1601 and 1970. */
const fileTimeEpoch = 11_644_473_600_000n;

/** A new id, the same for the same mailbox and number. */
export function newGlobalObjectId(guid: string, no: number, nowMs: number): Buffer {
  const bytes = Buffer.alloc(dataAt + 16);
  known.copy(bytes);
  bytes.writeBigUInt64LE((BigInt(nowMs) + fileTimeEpoch) * 10_000n, 20);
  bytes.writeUInt32LE(16, sizeAt);
  digest('global-object', guid, no).copy(bytes, dataAt, 0, 16);
  return bytes;
}

/** The clean id behind an iCalendar UID: the id itself in hex, or an id that wraps a foreign one. */
export function cleanIdOfUid(uid: string): Buffer {
  if (/^[0-9a-f]+$/i.test(uid) && uid.length % 2 === 0 && uid.length >= 2 * dataAt) {
    const bytes = Buffer.from(uid, 'hex');
    if (bytes.subarray(0, 16).equals(known)) return cleanOf(bytes);
  }
  const data = Buffer.concat([wrapper, Buffer.from(uid), Buffer.from([0])]);
  const bytes = Buffer.alloc(dataAt + data.length);
  known.copy(bytes);
  bytes.writeUInt32LE(data.length, sizeAt);
  data.copy(bytes, dataAt);
  return bytes;
}

/** What EWS shows as UID. */
export function uidOf(clean: Buffer): string {
  const data = clean.subarray(dataAt);
  if (data.subarray(0, wrapper.length).equals(wrapper)) {
    const text = data.subarray(wrapper.length);
    const end = text.indexOf(0);
    return text.subarray(0, end < 0 ? text.length : end).toString();
  }
  return clean.toString('hex').toUpperCase();
}

export function isGlobalObjectId(bytes: Buffer): boolean {
  return bytes.length >= dataAt && bytes.subarray(0, 16).equals(known);
}

/** Without the day of an exception: equal for a master and all of its occurrences, in all mailboxes. */
export function cleanOf(bytes: Buffer): Buffer {
  const clean = Buffer.from(bytes);
  clean.fill(0, dayAt, dayAt + 4);
  return clean;
}

export function withDay(clean: Buffer, day: Day): Buffer {
  const bytes = Buffer.from(clean);
  const [year = 0, month = 0, dayOfMonth = 0] = day.split('-').map(Number);
  bytes.writeUInt16BE(year, dayAt);
  bytes[dayAt + 2] = month;
  bytes[dayAt + 3] = dayOfMonth;
  return bytes;
}

/** The day of the occurrence that an id stands for; null: a series, a single event, or no such id. */
export function dayIn(bytes: Buffer): Day | null {
  if (!isGlobalObjectId(bytes) || bytes.readUInt16BE(dayAt) === 0) return null;
  const two = (value: number | undefined): string => String(value).padStart(2, '0');
  return `${String(bytes.readUInt16BE(dayAt)).padStart(4, '0')}-${two(bytes[dayAt + 2])}-${two(bytes[dayAt + 3])}`;
}
