import type { EventIdentity } from '#model/appointment.ts';
import type { Instant, RawProperty } from '#model/mail.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';

const { appointment, meeting, common } = propertySets;
const lid = (set: string, number: number, type: MapiProperty['type']): MapiProperty => ({ set, lid: number, type });
const hourMs = 3_600_000;

/** PidLidMeetingType: a request that comes first; PidLidAppointmentStateFlags: a meeting that was received. */
const requestFirst = 1;
const received = 3;

/** What a request to a meeting has besides its MIME ([MS-OXOCAL] 2.2.6), as a client would act on it. */
export function requestProperties(identity: EventIdentity, start: Instant): readonly RawProperty[] {
  const id = Buffer.from(identity, 'hex').toString('base64');
  const time = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  const [from, to] = [time(start), time(start + hourMs)];
  return [
    [lid(meeting, 0x0003, 'binary'), id],
    [lid(meeting, 0x0023, 'binary'), id],
    [lid(meeting, 0x0026, 'integer'), String(requestFirst)],
    [lid(meeting, 0x001a, 'time'), time(start - 24 * hourMs)],
    [lid(appointment, 0x8201, 'integer'), '0'],
    [lid(appointment, 0x820d, 'time'), from],
    [lid(appointment, 0x820e, 'time'), to],
    [lid(appointment, 0x8217, 'integer'), String(received)],
    [lid(appointment, 0x8229, 'boolean'), 'true'],
    [lid(common, 0x8516, 'time'), from],
    [lid(common, 0x8517, 'time'), to],
  ].map(([property, value]) => ({ property: property as MapiProperty, values: [value as string] }));
}
