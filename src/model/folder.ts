import type { FolderId, MailboxGuid, Version } from './ids.ts';

/** Well-known folders by role, whatever their language. Names are those of EWS DistinguishedFolderIdNameType where it has one. */
export const folderRoles = [
  'msgfolderroot',
  'inbox',
  'drafts',
  'sentitems',
  'deleteditems',
  'outbox',
  'junkemail',
  'calendar',
  'contacts',
  'tasks',
  'notes',
  'journal',
  'archive',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
  'conversationhistory',
  'rssfeeds',
  'conversationactions',
  'suggestedcontacts',
  'quickcontacts',
  'clutter',
] as const;
export type FolderRole = (typeof folderRoles)[number];

/** One folder, as one request for the whole tree shows it. */
export interface FolderInfo {
  readonly id: FolderId;
  /** Null for the root of the visible tree. */
  readonly parent: FolderId | null;
  readonly name: string;
  /** PidTagContainerClass, `IPF.Note` and below for mail; null when the folder has none (then it is mail). */
  readonly containerClass: string | null;
  /** Search folders show items of other folders and are never copied. */
  readonly kind: 'folder' | 'search';
  readonly version: Version;
  readonly itemCount: number;
  readonly childCount: number;
  /**
   * Differs whenever something in the folder's contents changed since it was read, as far as the server tells
   * (PidTagLocalCommitTimeMax 0x670A and PidTagDeletedCountTotal 0x670B). Null: the server does not tell, read the feed.
   * Read flags may not move it.
   */
  readonly mark: string | null;
  /** The last change is so young that another one need not move the mark: whoever believes it now may overlook that one. */
  readonly settling?: boolean;
}

/** What of a folder moves when its contents do. */
export type FolderMark = Pick<FolderInfo, 'mark' | 'settling'>;

/** The visible tree of a mailbox: everything below the root of the message folders, parents before children. */
export interface FolderTree {
  readonly mailbox: MailboxGuid;
  readonly root: FolderId;
  readonly folders: readonly FolderInfo[];
}

/** The folder's content as far as passes are concerned: which kind of pass it belongs to. */
export type FolderContent = 'mail' | 'calendar' | 'contacts' | 'tasks' | 'notes' | 'journal' | 'other';

export function folderContent(containerClass: string | null): FolderContent {
  const [, kind = 'note'] = (containerClass ?? 'IPF.Note').toLowerCase().split('.');
  switch (kind) {
    case 'note':
    case 'imap':
      return 'mail';
    case 'appointment':
      return 'calendar';
    case 'contact':
      return 'contacts';
    case 'task':
      return 'tasks';
    case 'stickynote':
      return 'notes';
    case 'journal':
      return 'journal';
    default:
      return 'other';
  }
}
