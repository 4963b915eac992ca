/** Rows of the contract ↔ rows of the tables, where that is more than naming. */
import type { Selectable } from 'kysely';
import type { Cursor, FolderId, ItemId, LinkId, PairId, Version } from '#model/ids.ts';
import type { MailHead, MailState, MailStateField } from '#model/mail.ts';
import { absentMailState } from '#model/mail-properties.ts';
import type { StampKey, StampText } from '#model/stamp.ts';
import { unpackKey, uuidText } from './hashes.ts';
import type { FolderMarks, FolderRow, IntentRow, LinkRow, PairRow, UnclaimedRow } from './store.ts';
import type { Tables } from './tables.ts';

/** Snapshots keep only what differs from it, which is nothing for most. */
const untouched = absentMailState;

export function writeState(state: MailState): string {
  const differs: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(state)) {
    const usual = untouched[field as MailStateField];
    if (value !== usual && !(field === 'categories' && (value as readonly string[]).length === 0))
      differs[field] = value;
  }
  return JSON.stringify(differs);
}

const readState = (text: string): MailState => (text === '{}' ? untouched : { ...untouched, ...JSON.parse(text) });

/** Everything of a folder that has no column of its own. As JSON, because names may hold any character. */
export function writeFolder(row: FolderRow): string {
  const { left, leftCursor, rightCursor, leftMark, rightMark, ...rest } = row;
  return JSON.stringify(rest);
}

type Row<Name extends keyof Tables> = Selectable<Tables[Name]>;

export function readFolder(row: Row<'folder'>): FolderRow {
  return {
    ...(JSON.parse(row.row) as Omit<FolderRow, 'left' | 'leftCursor' | 'rightCursor' | 'leftMark' | 'rightMark'>),
    left: row.left_id as FolderId,
    leftCursor: row.left_cursor as Cursor | null,
    rightCursor: row.right_cursor as Cursor | null,
    leftMark: row.left_mark,
    rightMark: row.right_mark,
  };
}

export function readFolderMarks(row: Pick<Row<'folder'>, 'left_id' | 'row' | 'left_mark' | 'right_mark'>): FolderMarks {
  const { right, excluded, rightGone } = JSON.parse(row.row) as FolderRow;
  return {
    left: row.left_id as FolderId,
    right,
    excluded,
    rightGone,
    leftMark: row.left_mark,
    rightMark: row.right_mark,
  };
}

export const linkStates = ['live', 'left-gone', 'right-gone'] as const satisfies readonly LinkRow['state'][];
export const linkStateNumber = (state: LinkRow['state']): number => linkStates.indexOf(state);

export function readLink(
  row: Row<'link'> & Pick<Row<'snapshot'>, 'seen_left' | 'seen_right'>,
  folder: (no: number) => FolderId,
): LinkRow {
  return {
    id: uuidText(row.id) as LinkId,
    leftId: row.left_id as ItemId,
    leftFolder: folder(row.left_folder),
    leftVersion: row.left_version as Version,
    leftSizeBytes: row.left_size,
    rightId: row.right_id as ItemId,
    rightFolder: folder(row.right_folder),
    rightVersion: row.right_version as Version | null,
    searchKey: unpackKey(row.search_key),
    fingerprint: unpackKey(row.fingerprint),
    stampKey: unpackKey(row.stamp_key) as StampKey,
    state: linkStates[row.state] ?? 'live',
    goneSincePass: row.gone_pass,
    touched: row.touched === '' ? [] : (row.touched.split(',') as LinkRow['touched'][number][]),
    seenLeft: readState(row.seen_left),
    seenRight: row.seen_right === null ? null : readState(row.seen_right),
  };
}

export function readIntent(row: Row<'intent'>): IntentRow {
  return {
    stampKey: unpackKey(row.stamp_key) as StampKey,
    stamp: row.stamp as StampText,
    rightFolder: row.right_folder as FolderId,
    left: JSON.parse(row.left_head) as MailHead,
    settledAfterMs: row.settled_after_ms,
    replaces: row.replaces === null ? null : (JSON.parse(row.replaces) as IntentRow['replaces']),
  };
}

export function readUnclaimed(row: Row<'unclaimed'>): UnclaimedRow {
  return {
    right: JSON.parse(row.right_head) as MailHead,
    stampKey: unpackKey(row.stamp_key) as StampKey,
    searchKey: unpackKey(row.search_key),
    firstId: row.first_id,
    fingerprint: unpackKey(row.fingerprint),
  };
}

export function readPair(row: Row<'pair'>): PairRow {
  return {
    id: row.id as PairId,
    kind: row.kind as PairRow['kind'],
    collection: row.collection,
    left: {
      organization: row.left_organization,
      address: row.left_address,
      mailbox: row.left_mailbox as PairRow['left']['mailbox'],
    },
    right: {
      organization: row.right_organization,
      address: row.right_address,
      mailbox: row.right_mailbox as PairRow['right']['mailbox'],
    },
    state: row.state as PairRow['state'],
    stoppedBecause: row.stopped_because,
    pass: row.pass,
    lastPass: row.last_pass === null ? null : JSON.parse(row.last_pass),
    ringing: row.ringing === null ? null : JSON.parse(row.ringing),
    knownSinceMs: row.known_since_ms,
    counts: {
      folders: row.folders,
      links: row.links,
      quarantined: row.quarantined,
      bytesCopied: row.bytes_copied,
      conflicts: row.conflicts,
      leftItems: row.left_items,
    },
  };
}

/** Text for people, of which PostgreSQL takes everything but NUL. */
export const printable = (text: string): string => text.replaceAll('\0', '\ufffd');
