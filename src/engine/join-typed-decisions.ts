/** What a join looks at, and what it decides. Plain data. */
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
  /** Wall clock since when passes look for copies: an intent that had not settled by then may still appear. */
  readonly lookedForSinceMs: number;
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
  /** Occurrences that are there by themselves, of days that the series beside them does not have (`settleDuplicates`): items of their own. */
  readonly apart: Readonly<Record<Side, ReadonlySet<ItemId>>>;
  /** Items that could not be carried over, wait for the operator, and were not changed since: nothing is made of them. */
  readonly setAside: Readonly<Record<Side, ReadonlySet<ItemId>>>;
  /** Folder of the other side that corresponds to a folder of `side`; null: not in step. */
  readonly counterpart: (side: Side, folder: FolderId) => FolderId | null;
}

/** What is to be done about one item or two. Plain data; `plan` prints it. */
export type TypedDecision =
  /**
   * New on one side. Look for its identity in `folder` once more right before the create: a rival may have been faster. What is created is
   * what `asCreatedOn` makes of it.
   */
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
   * A copy of ours whose answer was lost, and what it was made of went away before the two were linked. They are linked as if they had
   * been before: it waits whether that turns up elsewhere, and goes like any other twin when it does not.
   */
  | { readonly do: 'orphan'; readonly copy: TypedHead; readonly intent: TypedIntentRow }
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
  /**
   * Another link has the same identity in the same two folders: somebody moved one copy of an item to where another was. Or its items lie in
   * folders that do not correspond, and there is another one where one of them belongs. Its items are looked at as if nobody had linked them.
   */
  | { readonly do: 'unlink'; readonly link: TypedLinkRow }
  /** One-way only: a person removed the copy on the right; it is not made again. */
  | { readonly do: 'stay-gone'; readonly link: TypedLinkRow }
  /**
   * Several items with one identity in one folder, or a series and occurrences of it that are there by themselves. Read all, ask `settleDuplicates`. What stays without a link is recorded as unlinked, so
   * that the next pass adopts it. When another one stays than the linked one, the link takes over its id, keeps its snapshots, and is merged
   * at once: the feed has shown that item already.
   */
  | {
      readonly do: 'dedupe';
      readonly on: Side;
      /** Those without a link. */
      readonly heads: readonly TypedHead[];
      /** Its item on `on` is one of them as well. */
      readonly link: TypedLinkRow | null;
    }
  /** Recorded as unlinked. */
  | {
      readonly do: 'leave';
      readonly side: Side;
      readonly head: TypedHead;
      /**
       * `series-waits`: an occurrence without its series, which the other side has. Whether it comes to be here is settled first.
       * `twin-unsettled`: its identity is in that folder already, twice or in another link; this pass settles that, the next one links it.
       */
      readonly because: 'not-in-step' | 'one-way' | 'intent-open' | 'series-waits' | 'twin-unsettled';
    };
