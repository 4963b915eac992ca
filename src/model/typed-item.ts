/**
 * Items that are understood, not only moved: events, contacts, tasks and notes. Plain data with every field of a property table;
 * both sides are compared and merged field by field.
 */
import type { AttachmentContent, EventFields, EventIdentity, ModifiedOccurrence } from './appointment.ts';
import type { ContactFields } from './contact.ts';
import type { FolderId, ItemId, Version } from './ids.ts';
import type { Instant, RawProperty } from './mail.ts';
import type { NoteFields } from './note.ts';
import type { Receipt, StampText } from './stamp.ts';
import type { TaskFields } from './task.ts';
import type { Day } from './wall-time.ts';

export interface TypedFields {
  readonly calendar: EventFields;
  readonly contacts: ContactFields;
  readonly tasks: TaskFields;
  readonly notes: NoteFields;
}
/** Kinds of typed content, named as the folders that hold them (`FolderContent`). */
export type TypedKind = keyof TypedFields;
export const typedKinds = ['calendar', 'contacts', 'tasks', 'notes'] as const satisfies readonly TypedKind[];

/** One item as a change feed shows it: what it takes to know whether it has to be read. */
export interface TypedHead {
  readonly id: ItemId;
  readonly version: Version;
  readonly folder: FolderId;
  readonly itemClass: string;
  /** Events only; null: the item has none. */
  readonly identity: EventIdentity | null;
  readonly stamp: StampText | null;
  /** Of the last update that carried one; null: none did. */
  readonly receipt: Receipt | null;
  /** Hex, or '' when the item has none. */
  readonly searchKey: string;
  readonly sizeBytes: number;
  readonly createdAt: Instant | null;
  readonly modifiedAt: Instant | null;
}

/** One item, complete. A series comes with its modified and deleted occurrences. */
export interface TypedItem<Kind extends TypedKind = TypedKind> {
  readonly kind: Kind;
  readonly head: TypedHead;
  readonly fields: TypedFields[Kind];
  /** Ordered by day; empty for what is no series. */
  readonly occurrences: readonly ModifiedOccurrence[];
  /** Days of the pattern that were deleted; ordered. Modified ones are not among them. */
  readonly deletedDays: readonly Day[];
  /** Properties outside the table and values that could not be read, as they came. Carried at creation where the other side takes them. */
  readonly extras: readonly RawProperty[];
}

/** What is created on the other side. Attachments in the order of `fields.attachments`; those of occurrences by day. */
export interface TypedDraft<Kind extends TypedKind = TypedKind> {
  readonly item: TypedItem<Kind>;
  readonly attachments: readonly AttachmentContent[];
  readonly occurrenceAttachments: ReadonlyMap<Day, readonly AttachmentContent[]>;
  readonly stamp: StampText;
}

/**
 * What changes in an item. A change of `recurrence` or of a series' `when` makes Exchange drop every exception
 * ([MS-OXOCAL] 3.1.4.7.3.5), so such an edit names all occurrences that are to be there afterwards.
 */
export interface TypedEdit<Kind extends TypedKind = TypedKind> {
  /** Only the fields that change. Attachments are given whole: what is not among them is removed. */
  readonly set: Partial<TypedFields[Kind]>;
  /** By day: overrides as they are to be afterwards (`set`), or deleted. A field that returns to the series' value is left out of `set`. */
  readonly occurrences: readonly (
    | { readonly day: Day; readonly do: 'modify'; readonly overrides: ModifiedOccurrence['overrides'] }
    | { readonly day: Day; readonly do: 'delete' }
  )[];
  /** Bytes of attachments that `set` or an occurrence names and the item lacks, by hash. */
  readonly attachments: ReadonlyMap<string, AttachmentContent>;
  /** Written in the same request as `set`, but for attachments. Absent: the item keeps the one that it has. */
  readonly receipt?: Receipt;
}
