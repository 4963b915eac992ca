import type { Address, Attachment, Body } from './item.ts';
import type { Property, PropertyKey } from './property.ts';
import type { Recurrence } from './recurrence.ts';
import type { Zone } from './zone.ts';

/** A calendar day, `2031-07-14`. */
export type Day = string;

export type AttendeeRole = 'required' | 'optional' | 'resource';

/** `t:ResponseType` by its number in PidLidResponseStatus. [MS-OXOCAL] 2.2.1.11 */
export const responses = ['Unknown', 'Organizer', 'Tentative', 'Accept', 'Decline', 'NoResponseReceived'] as const;
export type Response = (typeof responses)[number];

export interface Attendee extends Address {
  readonly role: AttendeeRole;
  readonly response: Response;
  /** When the response came, UTC milliseconds. */
  readonly respondedAtMs: number | null;
}

/**
 * One occurrence that is not as its series says. Only what differs is here; the rest shows through from the master, also when
 * the master changes later. [MS-OXOCAL] 2.2.1.44.2: override flags
 */
export interface CalendarException {
  /** Day on which the series would have had it, in the zone of the series. */
  readonly day: Day;
  /** UTC milliseconds; those of the pattern when the time is no different. */
  readonly startMs: number;
  readonly endMs: number;
  /** Overridden properties; null: the exception has none where the master has one. */
  readonly properties: ReadonlyMap<PropertyKey, Property | null>;
  /** Null: the master's. */
  readonly body: Body | null;
  readonly attachments: readonly Attachment[] | null;
  readonly attendees: readonly Attendee[] | null;
  readonly modifiedAtMs: number;
}

/** What an appointment has beside its properties. Times and flags are properties: `calendarKey`. */
export interface CalendarPart {
  readonly startZone: Zone;
  readonly endZone: Zone;
  readonly attendees: readonly Attendee[];
  /** Null: a single appointment. */
  readonly recurrence: Recurrence | null;
  /** By day, ascending. */
  readonly exceptions: readonly CalendarException[];
  /** Days of occurrences that were taken away, ascending; never one of `exceptions`. */
  readonly deletedDays: readonly Day[];
}
