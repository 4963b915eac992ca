import type { EventIdentity } from '#model/appointment.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';

/** PidLidGlobalObjectId and PidLidCleanGlobalObjectId, [MS-OXOCAL] 2.2.1.27, 2.2.1.28. */
export const globalObjectId: MapiProperty = { set: propertySets.meeting, lid: 0x0003, type: 'binary' };
export const cleanGlobalObjectId: MapiProperty = { set: propertySets.meeting, lid: 0x0023, type: 'binary' };

/** First 16 bytes of every global object id. */
const known = '040000008200E00074C5B7101A82E008';
/** What stands before a UID that another system made: `vCal-Uid`, 1. [MS-OXCICAL] 2.1.3.1.1.20.26 */
const foreign = '7643616C2D55696401000000';
/** Known bytes, exception date, creation time, zero, length. */
const headLetters = 2 * (16 + 4 + 8 + 8 + 4);

/** The `UID` that EWS shows for an identity: of another system its own text, otherwise the identity in hex. */
export function uidOf(identity: EventIdentity): string {
  const data = identity.slice(headLetters);
  if (!identity.startsWith(known) || !data.startsWith(foreign)) return identity;
  return Buffer.from(data.slice(foreign.length), 'hex').toString('utf8').replace(/\0+$/, '');
}

/** The way back, for items that show a UID and no global object id. */
export function identityOfUid(uid: string): EventIdentity | null {
  const text = uid.trim();
  if (text === '') return null;
  const upper = text.toUpperCase();
  if (upper.startsWith(known) && /^(?:[0-9A-F]{2}){40,}$/.test(upper))
    return `${known}00000000${upper.slice(known.length + 8)}` as EventIdentity;
  const data = `${foreign}${Buffer.from(text).toString('hex')}00`.toUpperCase();
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length / 2);
  return `${known}${'0'.repeat(40)}${length.toString('hex').toUpperCase()}${data}` as EventIdentity;
}
