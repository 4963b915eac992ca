/** What is recorded about typed items on two sides: rows of the store that the engine decides on. Plain data. */
import type { EventIdentity } from './appointment.ts';
import type { FolderId, ItemId, LinkId, Side, Version } from './ids.ts';
import type { StampKey, StampText } from './stamp.ts';
import type { TypedHead } from './typed-item.ts';
import type { Day } from './wall-time.ts';

/** Values as JSON holds them, so that they survive the store and compare by their canonical text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * What a side showed when it was last read: per field its canonical value, or for what is large (bodies, attachments, long lists) a
 * hash `#…` of it. A field has changed when the side shows something else now.
 */
export interface Shown {
  readonly fields: Readonly<Record<string, Json>>;
  /** Overrides by day; `deleted` for a day that is gone. */
  readonly occurrences: Readonly<Record<Day, Readonly<Record<string, Json>> | 'deleted'>>;
  /** Values of the other side that are about to be written to this one; absent: none. See `engine/elements-on-their-way.ts`. */
  readonly onTheirWay?: Pick<Shown, 'fields' | 'occurrences'> & { readonly rewrite?: Rewrite };
}

/** A pattern that is about to be written to a side, with which all changes of its occurrences go. */
export interface Rewrite {
  /** Version of that side for which it is written: as long as it has this one, nothing was carried out. */
  readonly at: Version;
  /** What the snapshots said of occurrences until then. */
  readonly before: Readonly<Record<Side, Shown['occurrences']>>;
}

/** One side of a link. */
export interface LinkEnd {
  readonly id: ItemId;
  readonly folder: FolderId;
  /** Version at which `seen` was read. */
  readonly version: Version;
  readonly seen: Shown;
}

/** The recorded correspondence of two typed items. */
export interface TypedLinkRow {
  readonly id: LinkId;
  readonly identity: EventIdentity | null;
  /** Of the stamp that the created side carries; null: adopted. */
  readonly stampKey: StampKey | null;
  readonly left: LinkEnd;
  readonly right: LinkEnd;
  /** `left-gone`, `right-gone`: missed there since `goneSincePass`, waits for its create elsewhere before its twin is removed. */
  readonly state: 'live' | 'left-gone' | 'right-gone';
  readonly goneSincePass: number | null;
}

/** Recorded before a create: what may be on `side` although no answer arrived. */
export interface TypedIntentRow {
  readonly stampKey: StampKey;
  readonly stamp: StampText;
  /** Where it is created. */
  readonly side: Side;
  readonly folder: FolderId;
  readonly identity: EventIdentity | null;
  /** The item that it is a copy of, on the other side. */
  readonly from: {
    readonly id: ItemId;
    readonly folder: FolderId;
    readonly version: Version;
    /** What it showed, and so what the copy was given. */
    readonly seen: Shown;
  };
  /** Wall-clock time after which no request of this intent is on its way any more. */
  readonly settledAfterMs: number;
}

/** An item that was seen and is in no link: excluded, quarantined, waiting, or of a folder that is not in step. */
export interface UnlinkedRow {
  readonly side: Side;
  readonly head: TypedHead;
}
