import type { MeetingResponse, Person } from '#model/appointment.ts';
import type { Instant } from '#model/mail.ts';

/** [MS-OXOCAL] 2.2.1.10. */
export const MEETING = 1;
export const RECEIVED = 2;
export const CANCELLED = 4;

export interface Answer {
  readonly response: MeetingResponse;
  readonly at: Instant;
}

/** What is true of a meeting, whichever of the two calendars has heard of it so far. */
export interface MeetingFacts {
  readonly organizer: Person;
  /** The owner of the calendars organizes it. */
  readonly isOwn: boolean;
  /** Invitations went out: Outlook must never take it for one that is still to be sent. */
  isSent: boolean;
  /** From the first: no copy of it may ever look otherwise. */
  readonly isSentAtOnce: boolean;
  isCancelled: boolean;
  sequence: number;
  /** When its organizer said what has this sequence. */
  changedAt: Instant | null;
  /** The owner's own answer. */
  answer: Answer | null;
  /** Everybody who was invited, by address; null: no answer yet. */
  readonly attendees: Map<string, Answer | null>;
  readonly uninvited: Set<string>;
  /** What somebody else, who organizes it, said last about the place; null: something else was written over it. */
  location: string | null;
}
