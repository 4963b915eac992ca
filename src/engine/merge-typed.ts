import type { AttachmentHead } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Json, Shown } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import type { MergeOutcome } from './merge-outcomes.ts';

export interface MergeInput<Kind extends TypedKind> {
  readonly kind: Kind;
  readonly left: TypedItem<Kind>;
  readonly right: TypedItem<Kind>;
  /** What each side showed when it was last read back; null: nobody had linked them, there is no base. */
  readonly seen: { readonly left: Shown; readonly right: Shown } | null;
  readonly policy: TypedPolicy;
  /** The person's addresses in both organizations, lower case: whose response is the person's own. */
  readonly own: readonly string[];
}

/** One value that lost, for the journal. `left` and `right` are complete values, not hashes. */
export interface TypedConflict {
  readonly outcome: MergeOutcome;
  /** A field of the kind's table; `occurrence` for one as a whole, `item` for the item as a whole, `folder` for its place. */
  readonly field: string;
  readonly day: Day | null;
  readonly base: Json;
  readonly left: Json;
  readonly right: Json;
  readonly winner: Side;
  /** One sentence for a person. */
  readonly why: string;
}

/** Bytes that an edit needs: fetched from `side` before the edit is carried out, and put into `edit.attachments` by hash. */
export interface NeededAttachments {
  readonly side: Side;
  /** Occurrence that holds them there; null: the item or the series. */
  readonly day: Day | null;
  readonly heads: readonly AttachmentHead[];
}

export interface SideEdit<Kind extends TypedKind> {
  /** Its `attachments` are empty: `needs` says which bytes belong there. */
  readonly edit: TypedEdit<Kind>;
  readonly needs: readonly NeededAttachments[];
  /**
   * The edit sets `recurrence` or a series' `when`, so the server drops every exception before it makes those again that the edit
   * names. A crash in between looks like a person who dropped them. So before such an edit is sent, the link is committed with
   * `withoutOccurrences` of both snapshots: the next merge then unites what both sides have and loses nothing.
   */
  readonly rewrites: boolean;
}

/** Which side's value a field takes, where the merge changed something: for plans and history. */
export interface FieldTaken {
  readonly field: string;
  readonly day: Day | null;
  /** `both`: made of both, element by element. */
  readonly from: Side | 'both';
}

export interface TypedMerge<Kind extends TypedKind> {
  /** Null: nothing to write on this side. */
  readonly left: SideEdit<Kind> | null;
  readonly right: SideEdit<Kind> | null;
  readonly conflicts: readonly TypedConflict[];
  readonly taken: readonly FieldTaken[];
  /**
   * Changes of the right that a one-way policy leaves where they are. Their base stays recorded (`seenAfter`), so that a later change
   * on the left is known to be a conflict.
   */
  readonly drift: readonly { readonly field: string; readonly day: Day | null }[];
}

export type MergeTyped = <Kind extends TypedKind>(input: MergeInput<Kind>) => TypedMerge<Kind>;
