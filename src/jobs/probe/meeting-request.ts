import type { EventIdentity } from '#model/appointment.ts';
import { meetingProperties as of } from '#model/class-properties.ts';
import type { Instant, RawProperty } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';

const hourMs = 3_600_000;

/** PidLidMeetingType: a request that comes first; PidLidAppointmentStateFlags: a meeting that was received. */
const requestFirst = 1;
const received = 3;

/** What a request to a meeting has besides its MIME ([MS-OXOCAL] 2.2.6), as a client would act on it. */
export function requestProperties(identity: EventIdentity, start: Instant): readonly RawProperty[] {
  const id = Buffer.from(identity, 'hex').toString('base64');
  const time = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  const [from, to] = [time(start), time(start + hourMs)];
  const values: readonly (readonly [MapiProperty, string])[] = [
    [of.globalObjectId, id],
    [of.cleanGlobalObjectId, id],
    [of.meetingType, String(requestFirst)],
    [of.ownerCriticalChange, time(start - 24 * hourMs)],
    [of.sequence, '0'],
    [of.startWhole, from],
    [of.endWhole, to],
    [of.stateFlags, String(received)],
    [of.fInvited, 'true'],
    [of.commonStart, from],
    [of.commonEnd, to],
  ];
  return values.map(([property, value]) => ({ property, values: [value] }));
}
