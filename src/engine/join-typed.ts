import type { FolderId, ItemId, Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';

/** One entry of a change feed, as the connectors hand it out (`TypedChange`). */
export type FeedEntry =
  | { readonly kind: 'upsert'; readonly head: TypedHead }
  | { readonly kind: 'delete'; readonly id: ItemId }
  | { readonly kind: 'unreadable'; readonly id: ItemId | null; readonly detail: string };

/** Everything that a join looks at. Rows that have nothing to do with an entry may be among them and change nothing. */
export interface TypedKnowledge {
  /** Number of this pass. */
  readonly pass: number;
  readonly policy: TypedPolicy;
  /** Wall clock when the feeds had been read: an intent that has not settled by then may still appear. */
  readonly nowMs: number;
  /** Entries of all feeds of a side, in order; of several about one id the last one counts. */
  readonly left: readonly FeedEntry[];
  readonly right: readonly FeedEntry[];
  /** Links by id, identity or stamp of an entry, and all that are `left-gone` or `right-gone`. */
  readonly links: readonly TypedLinkRow[];
  readonly intents: readonly TypedIntentRow[];
  /** Unlinked items of either side with the identity or stamp of an entry, and those whose folder has come in step or whose wait is over. */
  readonly unlinked: readonly UnlinkedRow[];
  /** Of the ids that `joinQuestions` asked for, those under which nothing is any more. */
  readonly gone: { readonly left: ReadonlySet<ItemId>; readonly right: ReadonlySet<ItemId> };
  /** Folder of the other side that corresponds to a folder of `side`; null: not in step. */
  readonly counterpart: (side: Side, folder: FolderId) => FolderId | null;
}

/** What is to be done about one item or two. Plain data; `plan` prints it. */
export type TypedDecision =
  /** New on one side. Look for its identity in `folder` once more right before the create: a rival may have been faster. */
  | { readonly do: 'create'; readonly on: Side; readonly folder: FolderId; readonly from: TypedHead }
  /** They are the same thing and nobody had linked them: read both, merge without base, link. */
  | {
      readonly do: 'adopt';
      readonly left: TypedHead;
      readonly right: TypedHead;
      readonly by: 'stamp' | 'identity';
      /** Resolved by this. */
      readonly intent: TypedIntentRow | null;
    }
  /**
   * A linked item is at another version, in another folder, or under another id. Read the sides that have a head; when what they show
   * equals `seen` it was a touch and only the link is recorded; otherwise read the other side too and merge.
   */
  | {
      readonly do: 'compare';
      /** With the ids and folders of now; versions and snapshots as recorded. */
      readonly link: TypedLinkRow;
      readonly left: TypedHead | null;
      readonly right: TypedHead | null;
      /** Where one side has to move its item; null: both are where they belong. */
      readonly move: { readonly on: Side; readonly to: FolderId } | null;
      /** Folders were changed on both sides: the loser, for the journal. */
      readonly movedApart: { readonly left: FolderId; readonly right: FolderId; readonly winner: Side } | null;
      readonly because: 'changed' | 'moved' | 'recreated';
    }
  /** Our own write or nothing new: record the link when it differs from what is recorded. */
  | { readonly do: 'see'; readonly link: TypedLinkRow }
  /** Missed on a side since this pass: the link is recorded as gone there and waits one pass for its create elsewhere. */
  | { readonly do: 'wait'; readonly link: TypedLinkRow }
  /** The wait is over. Read the other side's item (the end that is not gone) and ask `settleGone`. */
  | { readonly do: 'settle'; readonly link: TypedLinkRow; readonly gone: Side }
  /** Gone on both sides. */
  | { readonly do: 'forget'; readonly link: TypedLinkRow }
  /** One-way only: a person removed the copy on the right; it is not made again. */
  | { readonly do: 'stay-gone'; readonly link: TypedLinkRow }
  /** Several items with one identity in one folder. Read all, ask `settleDuplicates`. What stays is compared by the next pass. */
  | {
      readonly do: 'dedupe';
      readonly on: Side;
      readonly heads: readonly TypedHead[];
      /** Link of one of them. */
      readonly link: TypedLinkRow | null;
    }
  /** Recorded as unlinked. */
  | {
      readonly do: 'leave';
      readonly side: Side;
      readonly head: TypedHead;
      readonly because: 'not-in-step' | 'one-way' | 'intent-open';
    };
