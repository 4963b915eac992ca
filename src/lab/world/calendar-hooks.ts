import type { Day } from './calendar-part.ts';
import type { Item, ItemContent } from './item.ts';
import type { Hand, Mailbox } from './mailbox.ts';

/** `SendMeetingInvitations`, `SendMeetingInvitationsOrCancellations` or `SendMeetingCancellations` of the request. */
export type InvitationChoice =
  | 'SendToNone'
  | 'SendOnlyToAll'
  | 'SendToAllAndSaveCopy'
  | 'SendOnlyToChanged'
  | 'SendToChangedAndSaveCopy';

/** An appointment was written: by a client's call or by one of the lab's people, never by the machinery of meetings itself. */
export interface CalendarWrite {
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly mailbox: Mailbox;
  /** The item it is about, the master of an occurrence. After a move into Deleted Items: as it was before. */
  readonly item: Item;
  /** The one occurrence that was changed or deleted; null: all of the item. */
  readonly day: Day | null;
  /** What the item, or its occurrence, held before; null: nothing. */
  readonly before: ItemContent | null;
  /** What it holds now; null: it is gone. */
  readonly after: ItemContent | null;
  readonly choice: InvitationChoice;
  readonly by: Hand;
}

/** What a person answers to an invitation, or an organizer to the whole meeting: the response objects of CreateItem. */
export interface MeetingAnswer {
  readonly kind: 'AcceptItem' | 'TentativelyAcceptItem' | 'DeclineItem' | 'CancelCalendarItem' | 'RemoveItem';
  /** Request, cancellation, or appointment that it answers. */
  readonly item: Item;
  /** When it answers one occurrence of a series. */
  readonly day: Day | null;
  readonly disposition: 'SaveOnly' | 'SendOnly' | 'SendAndSaveCopy';
  /** What the person wrote into it. */
  readonly body: string | null;
  readonly by: Hand;
}

/** The machinery of meetings: who builds it registers here; without it invitations are written down and nobody gets them. */
export interface MeetingMachinery {
  /** Called after the write, in the same turn. */
  written(write: CalendarWrite): void;
  /** Carries an answer out. Throws a Refusal for one that does not go with the item. Answers the items that came of it. */
  answer(answer: MeetingAnswer): readonly Item[];
}
