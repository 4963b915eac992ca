import type { EventIdentity } from '#model/appointment.ts';
import type { Day } from '#model/wall-time.ts';

/**
 * PidLidGlobalObjectId ([MS-OXOCAL] 2.2.1.27): 16 known bytes, 4 of the day of an exception, 8 of the time of creation, 8 zeros, the length
 * of the rest, the rest. PidLidCleanGlobalObjectId (2.2.1.28) is the same with no day: equal in the master, in all its occurrences and in
 * every calendar.
 */
const KNOWN = '040000008200E00074C5B7101A82E008';
const DAY_AT = 16;
const LENGTH_AT = 36;
const DATA_AT = 40;
/**
 * How foreign UIDs are wrapped: this, the text, a zero byte; time of creation zero ([MS-OXCICAL] 2.1.3.1.1.20.26; the zero byte is in
 * what Exchange writes, other writers leave it out).
 */
const WRAP = Buffer.from('vCal-Uid\x01\x00\x00\x00', 'latin1');

const hasKnownStart = (bytes: Uint8Array): boolean =>
  bytes.length >= DATA_AT && Buffer.from(bytes.subarray(0, DAY_AT)).toString('hex').toUpperCase() === KNOWN;

/**
 * Identity of an event by its (clean or other) global object id.
 *
 * @returns null for bytes that are no global object id
 */
export function identityOfBytes(globalObjectId: Uint8Array): EventIdentity | null {
  if (!hasKnownStart(globalObjectId)) return null;
  const clean = Buffer.from(globalObjectId);
  clean.fill(0, DAY_AT, DAY_AT + 4);
  return clean.toString('hex').toUpperCase() as EventIdentity;
}

/**
 * Identity of an item by both of its ids. An occurrence that is there without its series, because its attendee was invited to nothing
 * else, has its day in the one and is another event than the next of them; the other one says only which series it is of.
 */
export function identityOfIds(globalObjectId: Uint8Array, clean: Uint8Array): EventIdentity | null {
  if (dayOfGlobalObjectId(globalObjectId) === null) return identityOfBytes(clean) ?? identityOfBytes(globalObjectId);
  return Buffer.from(globalObjectId).toString('hex').toUpperCase() as EventIdentity;
}

/**
 * Identity of an event by the UID that EWS, iCalendar or Graph (`iCalUId`) shows. A UID in hex is the id itself, whatever its case and
 * whether or not a day is in it, since foreign systems echo those of exceptions; any other is wrapped.
 *
 * @returns null for an empty UID
 */
export function identityOfUid(uid: string): EventIdentity | null {
  const text = uid.trim();
  if (text === '') return null;
  if (text.length % 2 === 0 && text.slice(0, KNOWN.length).toUpperCase() === KNOWN && /^[0-9a-f]+$/i.test(text)) {
    const identity = identityOfBytes(Buffer.from(text, 'hex'));
    if (identity !== null) return identity;
  }
  const data = Buffer.concat([WRAP, Buffer.from(text, 'utf8'), Buffer.of(0)]);
  const head = Buffer.alloc(DATA_AT);
  head.write(KNOWN, 'hex');
  head.writeUInt32LE(data.length, LENGTH_AT);
  return Buffer.concat([head, data]).toString('hex').toUpperCase() as EventIdentity;
}

/** The UID of an identity: the text that was wrapped, otherwise the id in hex, upper case. A series and its occurrences share it. */
export function uidOfIdentity(identity: EventIdentity): string {
  const data = Buffer.from(identity.slice(DATA_AT * 2), 'hex');
  if (!data.subarray(0, WRAP.length).equals(WRAP)) return cleanGlobalObjectId(identity).toString('hex').toUpperCase();
  let end = data.length;
  while (end > WRAP.length && data[end - 1] === 0) end--;
  return data.subarray(WRAP.length, end).toString('utf8');
}

/** PidLidCleanGlobalObjectId. */
export function cleanGlobalObjectId(identity: EventIdentity): Buffer {
  const bytes = Buffer.from(identity, 'hex');
  return bytes.length < DATA_AT ? bytes : bytes.fill(0, DAY_AT, DAY_AT + 4);
}

/**
 * PidLidGlobalObjectId.
 *
 * @param day Day of the occurrence by the pattern, of an exception inside of its series; null: the item itself.
 */
export function globalObjectId(identity: EventIdentity, day: Day | null): Buffer {
  const bytes = Buffer.from(identity, 'hex');
  if (day === null || bytes.length < DATA_AT) return bytes;
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  bytes.writeUInt16BE(year, DAY_AT);
  bytes[DAY_AT + 2] = month;
  bytes[DAY_AT + 3] = date;
  return bytes;
}

/** Day that a global object id names; null: that of a master, or no day of the calendar. */
export function dayOfGlobalObjectId(bytes: Uint8Array): Day | null {
  if (!hasKnownStart(bytes)) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [year, month, date] = [view.readUInt16BE(DAY_AT), view.readUInt8(DAY_AT + 2), view.readUInt8(DAY_AT + 3)];
  if (year < 1601 || year > 4500) return null;
  const at = new Date(Date.UTC(year, month - 1, date));
  return at.getUTCMonth() === month - 1 && at.getUTCDate() === date ? (at.toISOString().slice(0, 10) as Day) : null;
}

const WRAP_HEX = WRAP.toString('hex').toUpperCase();

/** Whether two identities are of one event: equal, or one UID wrapped with and without the zero byte at its end. */
export const sameIdentity = (a: EventIdentity, b: EventIdentity): boolean =>
  a === b || (a.startsWith(WRAP_HEX, DATA_AT * 2) && uidOfIdentity(a) === uidOfIdentity(b));
