import type { Brand } from '#kit/brand.ts';
import type { Payload } from '#kit/payload.ts';
import type { Instant } from './mail.ts';
import type { Recurrence } from './recurrence.ts';
import type { Day } from './wall-time.ts';
import type { Zone } from './zone.ts';

/**
 * PidLidCleanGlobalObjectId in upper-case hex: what makes an event the same event in every calendar it is in
 * ([MS-OXOCAL] 2.2.1.28). Of an occurrence that is there without its series PidLidGlobalObjectId, with its day: there may be several
 * of one series (2.2.1.27). Written at creation, never changed after.
 */
export type EventIdentity = Brand<'EventIdentity'>;

/** When something takes place. One value: its parts mean something together only, so they are merged together. */
export interface When {
  readonly start: Instant;
  readonly end: Instant;
  /** Then start and end are midnights in `startZone`, and the days are what counts, whatever zone a reader is in. */
  readonly isAllDay: boolean;
  readonly startZone: Zone | null;
  readonly endZone: Zone | null;
}

export interface Reminder {
  readonly isSet: boolean;
  readonly minutesBefore: number;
}

/** As the server hands it out, byte for byte. */
export interface Body {
  readonly type: 'html' | 'text';
  readonly text: string;
}

export interface Person {
  readonly name: string;
  /** SMTP where the server knows one, otherwise what it has (`/o=…` for people who left); '' for a name alone. */
  readonly address: string;
}

export type MeetingResponse = 'unknown' | 'organizer' | 'tentative' | 'accept' | 'decline' | 'none';

export interface Attendee extends Person {
  readonly role: 'required' | 'optional' | 'resource';
  readonly response: MeetingResponse;
  readonly respondedAt: Instant | null;
}

/** An attachment without its bytes. Equal hashes are equal attachments. */
export interface AttachmentHead {
  readonly name: string;
  readonly contentType: string | null;
  readonly contentId: string | null;
  readonly isInline: boolean;
  readonly sizeBytes: number;
  /** First 16 bytes of SHA-256 of the content in hex; of an attached item, of its MIME. */
  readonly hash: string;
  readonly kind: 'file' | 'item';
}
export interface AttachmentContent {
  readonly head: AttachmentHead;
  /** Whoever holds it disposes of it. */
  readonly bytes: Payload;
}

/** The fields that a single occurrence of a series may have for itself. */
export interface OccurrenceFields {
  readonly subject: string;
  readonly location: string;
  readonly when: When;
  readonly body: Body;
  readonly reminder: Reminder;
  readonly showAs: 'free' | 'tentative' | 'busy' | 'oof' | 'working-elsewhere';
  readonly sensitivity: 'normal' | 'personal' | 'private' | 'confidential';
  readonly importance: 'low' | 'normal' | 'high';
  readonly categories: readonly string[];
  readonly attendees: readonly Attendee[];
  readonly attachments: readonly AttachmentHead[];
  readonly myResponse: MeetingResponse;
  readonly myResponseAt: Instant | null;
  /** PidLidAppointmentStateFlags: 1 meeting, 2 received, 4 cancelled. Of an occurrence see `occurrenceStateFlags`. */
  readonly stateFlags: number;
}

const CANCELLED = 4;

/**
 * State flags of an occurrence. Only whether it is cancelled is its own; whether it is a meeting, and whose copy, its series says. Servers
 * mark an occurrence of an appointment as a meeting by themselves once it has attendees, and not all of them.
 */
export function occurrenceStateFlags(series: number, own: number): number {
  return (series & ~CANCELLED) | (own & CANCELLED);
}

/** Every field of an event. Each has a row in `eventProperties`. */
export interface EventFields extends OccurrenceFields {
  /** Null: no series. */
  readonly recurrence: Recurrence | null;
  /** True organizer, which the owner of the mailbox need not be. Null: the server names none. */
  readonly organizer: Person | null;
  readonly responseRequested: boolean;
  readonly allowNewTimeProposal: boolean;
  /** Link of an online meeting, and what else the server keeps about it; it may die with the tenant. */
  readonly onlineMeetingUrl: string | null;

  /** PidLidFInvited 0x8229: invitations were sent. Once true it must not change. */
  readonly invited: boolean;
  /** PidLidAppointmentSequence 0x8201. */
  readonly sequence: number;
  readonly ownerCriticalChangeAt: Instant | null;
  readonly attendeeCriticalChangeAt: Instant | null;
  /** PidLidIntendedBusyStatus 0x8224: what the organizer meant. */
  readonly intendedShowAs: OccurrenceFields['showAs'] | null;
}

/** What every occurrence inherits from its series but for the fields given here: only those that differ from the series. */
export type OccurrenceOverrides = Partial<OccurrenceFields>;

/**
 * A modified occurrence. Its day is the one on which it would have been by the pattern, in the zone of the series: a series has at
 * most one occurrence a day, so the day names it whatever happens to times and zones.
 */
export interface ModifiedOccurrence {
  readonly day: Day;
  readonly overrides: OccurrenceOverrides;
}
