import type { EventFields, EventIdentity, OccurrenceOverrides } from '#model/appointment.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';

/** An event as it lies in its calendar, without any protocol in between. */
export interface SimulatedEvent {
  readonly id: ItemId;
  readonly folder: FolderId;
  readonly identity: EventIdentity;
  readonly item: TypedItem<'calendar'>;
}

/**
 * The calendars of a mailbox as their owner has them: what people do in them, and what somebody who may look at everything sees.
 * Implemented by the memory organization and by the lab's world, so that one simulation runs on both.
 */
export interface SimulatedCalendar {
  readonly address: string;
  /** Folders that hold events; the first is the default one. */
  folders(): readonly FolderId[];
  events(): readonly SimulatedEvent[];
  /** Events that were deleted and can be brought back, by whomever; absent where that cannot be told. */
  recoverable?(): readonly SimulatedEvent[];
  /** What left the mailbox, in words. The promise is that there is never anything because of us. */
  sent(): readonly string[];
  /** Writes by anybody since the beginning. */
  readonly commits: number;

  /** @param identity Null: the mailbox makes one. */
  book(folder: FolderId, fields: Partial<EventFields>, identity: EventIdentity | null): ItemId;
  /** A new pattern, or a new time of a series, drops its exceptions, as on a server. */
  edit(id: ItemId, set: Partial<EventFields>): void;
  /** What is given joins what the occurrence has for itself already. */
  editOccurrence(id: ItemId, day: Day, overrides: OccurrenceOverrides): void;
  deleteOccurrence(id: ItemId, day: Day): void;
  /** Into another calendar of the mailbox; the id changes. */
  move(id: ItemId, to: FolderId): ItemId;
  /** For good, as far as the owner sees. */
  remove(id: ItemId): void;
  /** The server itself writes an item again: its version moves and nothing else. */
  touch(id: ItemId): void;
}
