/** What is remembered of directories: links of objects, cursors, and the journal of every write, so that it can be undone. */

import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { Claim } from './store.ts';

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
  readonly links?: readonly DirectoryLink[];
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
  directoryLinks(sync: string, side: Side, guids: readonly ObjectGuid[]): Promise<readonly DirectoryLink[]>;
  /** In order of `left`, after `after`. */
  pageDirectoryLinks(sync: string, after: ObjectGuid | null, limit: number): Promise<readonly DirectoryLink[]>;
  /** Links of which one side was found gone. */
  directoryLinksGone(sync: string, limit: number): Promise<readonly DirectoryLink[]>;
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
