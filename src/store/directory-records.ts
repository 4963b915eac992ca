/** What is remembered of directories: links of objects, cursors, and the journal of every write, so that it can be undone. */

import type { Attributes, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { Claim } from './store.ts';

/** Two objects that are the same person, contact, group or resource. */
export interface DirectoryLinkRow {
  readonly left: ObjectGuid;
  readonly right: ObjectGuid;
  /** What made them a link: the name of the rule that matched, or `made` for an object of ours, or `anchor`. */
  readonly by: string;
  /** Side of the object we made; null: both were there. Only an object of ours is ever removed. */
  readonly made: Side | null;
  /** Side where the mailbox is that the person works in: attributes flow from there, redirection points there. */
  readonly home: Side;
  /** What each side showed when it was last read back, mapped attributes only. */
  readonly shownLeft: Attributes;
  readonly shownRight: Attributes;
  readonly leftDn: DistinguishedName;
  readonly rightDn: DistinguishedName;
  /** Versions at that time: equal versions need no look. */
  readonly leftVersion: string;
  readonly rightVersion: string;
  /** The pass in which one side was first found gone; null: both are there. */
  readonly goneSincePass: number | null;
}

/** An object on one side that is in scope and has no counterpart yet, with the named reason. */
export interface DirectoryWaitingRow {
  readonly side: Side;
  readonly guid: ObjectGuid;
  /** A named outcome of `engine/directory`. */
  readonly reason: string;
  /** For the operator; holds names of objects and addresses. */
  readonly detail: string;
  readonly sinceMs: number;
}

/** One write to a directory. Written before it is done; `outcome` follows. */
export interface DirectoryJournalRow {
  readonly no: number;
  readonly sync: string;
  /** The pass that wrote it; `undo` takes back the writes of one. An undo is a pass of its own. */
  readonly pass: number;
  readonly atMs: number;
  readonly side: Side;
  /** `note`: no write; a value that lost, or something that was left out (`reason`), under `before`. */
  readonly action: 'add' | 'modify' | 'move' | 'remove' | 'note';
  /** Null: an add that has not come back. */
  readonly guid: ObjectGuid | null;
  readonly dn: DistinguishedName;
  /** Values of what the write touches, before and after. */
  readonly before: Attributes;
  readonly after: Attributes;
  readonly reason: string;
  readonly outcome: 'open' | 'done' | 'refused' | 'handed-over' | 'undone';
  readonly detail: string | null;
}

export interface DirectorySyncRow {
  readonly sync: string;
  readonly pass: number;
  readonly leftCursor: string | null;
  readonly rightCursor: string | null;
  /** GUID of the domain at the root of each side, pinned at the first pass: a swapped forest is never believed. */
  readonly leftPinned: string | null;
  readonly rightPinned: string | null;
  readonly lastPass: DirectoryPassSummary | null;
}

export interface DirectoryPassSummary {
  readonly pass: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly searches: number;
  readonly writes: number;
  readonly refused: number;
  readonly held: number;
  readonly outcome: 'complete' | 'partial' | 'stopped';
  readonly stoppedBecause: string | null;
}

/** What a pass over a directory sync records in one transaction. */
export interface DirectoryCommit {
  readonly sync?: Partial<Omit<DirectorySyncRow, 'sync'>>;
  /** Inserted, or replaced by `left` and by `right`. */
  readonly links?: readonly DirectoryLinkRow[];
  readonly linksForgotten?: readonly { readonly left: ObjectGuid; readonly right: ObjectGuid }[];
  /** Inserted, or replaced by side and guid. */
  readonly waiting?: readonly DirectoryWaitingRow[];
  readonly waitingDone?: readonly { readonly side: Side; readonly guid: ObjectGuid }[];
  /** New entries; their numbers come from the store, in this order. */
  readonly journal?: readonly Omit<DirectoryJournalRow, 'no' | 'sync'>[];
  readonly journalSettled?: readonly {
    readonly no: number;
    readonly outcome: DirectoryJournalRow['outcome'];
    readonly guid?: ObjectGuid;
    readonly detail?: string;
  }[];
  /** Objects removed now: they count against `maxDelete` over 24 hours. */
  readonly removals?: { readonly atMs: number; readonly count: number };
}

/** Part of `Store`. */
export interface DirectoryRecords {
  directorySync(sync: string): Promise<DirectorySyncRow | null>;
  directoryLinks(sync: string, side: Side, guids: readonly ObjectGuid[]): Promise<readonly DirectoryLinkRow[]>;
  /** In order of `left`, after `after`. */
  pageDirectoryLinks(sync: string, after: ObjectGuid | null, limit: number): Promise<readonly DirectoryLinkRow[]>;
  /** Links of which one side was found gone. */
  directoryLinksGone(sync: string, limit: number): Promise<readonly DirectoryLinkRow[]>;
  countDirectoryLinks(sync: string): Promise<number>;
  directoryWaiting(sync: string, limit: number): Promise<readonly DirectoryWaitingRow[]>;
  /** Newest first. */
  directoryJournal(
    filter: {
      readonly sync?: string;
      readonly pass?: number;
      readonly no?: number;
      readonly guid?: ObjectGuid;
      readonly outcome?: DirectoryJournalRow['outcome'];
      /** Only entries with a lower number: where the page before ended. */
      readonly before?: number;
    },
    limit: number,
  ): Promise<readonly DirectoryJournalRow[]>;
  directoryRemovalsSince(sync: string, sinceMs: number): Promise<number>;
  /** @returns the numbers of the journal entries, in the order given. Throws `FencedOut`. */
  commitDirectory(sync: string, claim: Claim | null, commit: DirectoryCommit): Promise<readonly number[]>;
}
