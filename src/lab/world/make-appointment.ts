import { patternTimes } from './appointment.ts';
import { calendarKey, stateFlag } from './calendar-keys.ts';
import type { Attendee } from './calendar-part.ts';
import { cleanOf, newGlobalObjectId } from './global-object-id.ts';
import type { Address, Attachment, Body, ItemContent } from './item.ts';
import { plainContent } from './plain-content.ts';
import { key, type Property, type PropertyKey } from './property.ts';
import { dayNumber, firstDayOf, type Recurrence } from './recurrence.ts';
import { wallOf, type Zone } from './zone.ts';

/** An appointment as its maker thinks of it. */
export interface Plan {
  readonly subject: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly zone: Zone;
  readonly organizer: Address;
  /** Clean global object id; default: a new one for `idFor`. */
  readonly id?: Buffer;
  /** What a new id is made from: the same gives the same. */
  readonly idFor?: readonly [guid: string, no: number, nowMs: number];
  readonly allDay?: boolean;
  readonly location?: string;
  readonly body?: Body;
  /** 0 free, 1 tentative, 2 busy, 3 away. */
  readonly busyStatus?: number;
  /** Null: none. */
  readonly reminderMinutes?: number | null;
  readonly sensitivity?: number;
  readonly categories?: readonly string[];
  readonly attendees?: readonly Attendee[];
  readonly attachments?: readonly Attachment[];
  /** Without times of day: those of `startMs` and `endMs` count. */
  readonly recurrence?: Pick<Recurrence, 'pattern' | 'range' | 'startDay'>;
  readonly properties?: ReadonlyMap<PropertyKey, Property>;
}

const dayMs = 86_400_000;

/** Content of an appointment of one's own, as a client of the store would have written it. */
export function appointmentOf(plan: Plan): ItemContent {
  const { zone, attendees = [], reminderMinutes = 15 } = plan;
  let { startMs, endMs } = plan;
  let recurrence: Recurrence | null = null;
  if (plan.recurrence !== undefined) {
    const midnight = Math.floor(wallOf(zone, startMs) / dayMs) * dayMs;
    recurrence = {
      ...plan.recurrence,
      startOffsetMs: wallOf(zone, startMs) - midnight,
      endOffsetMs: wallOf(zone, endMs) - midnight,
    };
    [startMs, endMs] = patternTimes(zone, recurrence, firstDayOf(recurrence) ?? dayNumber(recurrence.startDay));
  }
  const [guid, no, nowMs] = plan.idFor ?? ['', 0, startMs];
  const id = cleanOf(plan.id ?? newGlobalObjectId(guid, no, nowMs)).toString('base64');
  const properties = new Map<PropertyKey, Property>();
  const put = (at: PropertyKey, type: string, value: Property['value']): void => {
    properties.set(at, { type, value });
  };
  put(key.itemClass, 'String', 'IPM.Appointment');
  put(key.subject, 'String', plan.subject);
  put(key.normalizedSubject, 'String', plan.subject);
  put(key.conversationTopic, 'String', plan.subject);
  put(key.receivedAt, 'SystemTime', nowMs);
  put(key.sentAt, 'SystemTime', nowMs);
  put(calendarKey.start, 'SystemTime', startMs);
  put(calendarKey.end, 'SystemTime', endMs);
  put(calendarKey.allDay, 'Boolean', plan.allDay ?? false);
  put(calendarKey.busyStatus, 'Integer', plan.busyStatus ?? 2);
  if (plan.location !== undefined) put(calendarKey.location, 'String', plan.location);
  put(calendarKey.globalObjectId, 'Binary', id);
  put(calendarKey.cleanGlobalObjectId, 'Binary', id);
  put(calendarKey.sequence, 'Integer', 0);
  put(calendarKey.stateFlags, 'Integer', attendees.length === 0 ? 0 : stateFlag.meeting);
  put(calendarKey.response, 'Integer', 1);
  put(calendarKey.fInvited, 'Boolean', false);
  put(calendarKey.responseRequested, 'Boolean', true);
  put(key.reminderSet, 'Boolean', reminderMinutes !== null);
  put(calendarKey.reminderMinutes, 'Integer', reminderMinutes ?? 15);
  if (plan.sensitivity !== undefined) put(key.sensitivity, 'Integer', plan.sensitivity);
  if (plan.categories !== undefined) put(key.keywords, 'StringArray', plan.categories);
  for (const [at, property] of plan.properties ?? []) properties.set(at, property);
  return plainContent({
    properties,
    from: plan.organizer,
    body: plan.body ?? { type: 'Text', text: '' },
    attachments: plan.attachments ?? [],
    calendar: { startZone: zone, endZone: zone, attendees, recurrence, exceptions: [], deletedDays: [] },
  });
}
