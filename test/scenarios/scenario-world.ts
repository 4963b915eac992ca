import type { EventFields, EventIdentity } from '#model/appointment.ts';
import type { ItemId, Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedEdit, TypedItem } from '#model/typed-item.ts';

/** A new event as somebody makes it: a person, or a server for a person. */
export interface NewEvent {
  readonly identity: EventIdentity;
  readonly fields: EventFields;
}

export interface JournalEntry {
  readonly outcome: string;
  readonly field: string;
  readonly day: string | null;
  readonly winner: Side;
  readonly left: unknown;
  readonly right: unknown;
}

/**
 * Two calendars of one person and a sync between them: what scenarios are played on. A backend may be a model in memory, or connectors with
 * the real pass. Calendar folders are known by name and are in step under the same name; `Calendar` is there, others are made on demand.
 */
export interface ScenarioWorld {
  items(side: Side): Promise<readonly { readonly folder: string; readonly item: TypedItem<'calendar'> }[]>;

  // What people, clients and servers do on one side. None of it is Causeway's.
  create(side: Side, folder: string, event: NewEvent): Promise<void>;
  /** With the semantics of the server: a new pattern, or new times of a series, drop every exception that the edit does not name. */
  edit(side: Side, id: ItemId, edit: TypedEdit<'calendar'>): Promise<void>;
  move(side: Side, id: ItemId, folder: string): Promise<void>;
  remove(side: Side, id: ItemId): Promise<void>;
  /** The server writes the item without changing anything in it. */
  touch(side: Side, id: ItemId): Promise<void>;

  setPolicy(policy: TypedPolicy): Promise<void>;
  /**
   * One pass.
   * @param failing `unrecorded`: everything is written and nothing of it is recorded, as when the process dies at the end.
   *   `halfway`: it dies after the first write, in the middle of it when it has two steps: the pattern is written, the exceptions are not.
   *   Absent in backends that cannot do this; their scenarios are left out by name.
   * @returns how many writes the two sides have seen.
   */
  sync(failing: 'unrecorded' | 'halfway' | null): Promise<number>;
  /** Everything that was recorded about items is lost; what is in the mailboxes stays. */
  loseRecords(): Promise<void>;
  journal(): Promise<readonly JournalEntry[]>;
  /** Messages that left a mailbox because of us. */
  mails(): Promise<number>;
  close(): Promise<void>;
}

export interface ScenarioBackend {
  readonly name: string;
  open(policy: TypedPolicy): Promise<ScenarioWorld>;
  /** Steps that this backend cannot play: `unrecorded`, `halfway`, `loseRecords`. Scenarios with one of them are skipped. */
  readonly cannot: readonly string[];
}
