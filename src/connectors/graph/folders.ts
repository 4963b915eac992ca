import type { FolderRole } from '#model/folder.ts';
import type { FolderId, MailboxGuid, Version } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { readTime } from '../ews/ews-time.ts';
import { mailboxGuidOf, type SeenFolder } from '../ews/operations/folder-shape.ts';
import { expandOf, extendedEntry, extendedValues, valuesOf } from './extended-properties.ts';
import { type Json, type JsonObject, numberAt, textAt } from './json.ts';

/** PidTagContainerClass. Folders of the import API show it as `type`, mail folders not at all. */
const containerClass: MapiProperty = { tag: 0x3613, type: 'string' };
/** PidTagFolderType: 2 for search folders ([MS-OXCFOLD] 2.2.2.2.1.5). */
const folderType: MapiProperty = { tag: 0x3601, type: 'integer' };
/** PidTagContentUnreadCount. */
const unreadCount: MapiProperty = { tag: 0x3603, type: 'integer' };
/** PidTagLocalCommitTimeMax and PidTagDeletedCountTotal, [MS-OXCFOLD] 2.2.2.2.1: move when contents change. */
const commitTimeMax: MapiProperty = { tag: 0x670a, type: 'time' };
const deletedCountTotal: MapiProperty = { tag: 0x670b, type: 'integer' };
/** PidTagEntryId. */
const entryId: MapiProperty = { tag: 0x0fff, type: 'binary' };
const searchFolder = '2';

/**
 * Query that shows all that is to know of folders. *Assumed*: that folders hand out these extended properties, by themselves and in a
 * feed of folders; documented is only that folders have such properties. Where they are not shown a folder has no mark, and every look
 * reads its feed.
 */
export const folderQuery = (isOfImportApi: boolean): string => {
  const names = ['displayName', 'parentFolderId', 'childFolderCount', 'totalItemCount'];
  const shown = [containerClass, folderType, unreadCount, commitTimeMax, deletedCountTotal, entryId];
  return `$select=${[...names, ...(isOfImportApi ? ['type'] : ['unreadItemCount'])].join(',')}&$expand=${encodeURIComponent(expandOf(shown))}`;
};

/** Null for a folder without an id, which nothing can be done with. */
export function readFolder(entity: JsonObject, mailboxId: string): SeenFolder | null {
  const id = textAt(entity, 'id');
  if (id === null) return null;
  const extended = extendedValues(entity);
  const shown = (property: MapiProperty) => valuesOf(extended, property)?.[0] ?? null;
  const committed = shown(commitTimeMax);
  const committedMs = committed === null ? null : (readTime(committed) ?? null);
  const total = numberAt(entity, 'totalItemCount') ?? 0;
  const unread = shown(unreadCount) ?? numberAt(entity, 'unreadItemCount') ?? '';
  const ownEntryId = shown(entryId) ?? '';
  return {
    info: {
      id: id as FolderId,
      parent: textAt(entity, 'parentFolderId') as FolderId | null,
      name: textAt(entity, 'displayName') ?? '',
      containerClass: (shown(containerClass) ?? textAt(entity, 'type')) || null,
      kind:
        shown(folderType) === searchFolder || (textAt(entity, '@odata.type') ?? '').endsWith('earchFolder')
          ? 'search'
          : 'folder',
      // Folders have no change key here: what of them can change tells whether they did.
      version: [textAt(entity, 'displayName'), textAt(entity, 'parentFolderId')].join(' ') as Version,
      itemCount: total,
      childCount: numberAt(entity, 'childFolderCount') ?? 0,
      mark: committed === null ? null : `${committed}/${shown(deletedCountTotal) ?? ''}/${total}/${unread}`,
    },
    mailbox: mailboxGuidOf(ownEntryId) ?? mailboxGuidIn(mailboxId),
    entryId: ownEntryId,
    committedMs,
  };
}

/** `MBX:` and the GUID of the mailbox, then `@` and the tenant: read off published samples, which are cut short. */
function mailboxGuidIn(mailboxId: string): MailboxGuid | null {
  const guid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(mailboxId)?.[0];
  return guid === undefined ? null : (guid.toLowerCase() as MailboxGuid);
}

/** Well-known names of mail folders (GDOC `api-reference/v1.0/resources/mailfolder.md`). */
export const mailRoles = [
  'msgfolderroot',
  'inbox',
  'drafts',
  'sentitems',
  'deleteditems',
  'outbox',
  'junkemail',
  'archive',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
  'conversationhistory',
  'clutter',
] as const satisfies readonly FolderRole[];

/** Where deleted things can be brought back from; a well-known name too, and no folder of the visible tree. */
export const deletions = 'recoverableitemsdeletions';

/** Entry ids of the other default folders, which the Inbox keeps ([MS-OXOSFLD] 2.2.3). */
const defaultFolders: readonly (readonly [FolderRole, MapiProperty])[] = [
  ['calendar', { tag: 0x36d0, type: 'binary' }],
  ['contacts', { tag: 0x36d1, type: 'binary' }],
  ['journal', { tag: 0x36d2, type: 'binary' }],
  ['notes', { tag: 0x36d3, type: 'binary' }],
  ['tasks', { tag: 0x36d4, type: 'binary' }],
];
export const defaultFoldersExpand = expandOf(defaultFolders.map(([, property]) => property));

/** Roles by entry id, base64. */
export function defaultFoldersOf(inbox: JsonObject): ReadonlyMap<string, FolderRole> {
  const extended = extendedValues(inbox);
  return new Map(
    defaultFolders.flatMap(([role, property]) => {
      const value = valuesOf(extended, property)?.[0] ?? null;
      return value === null ? [] : [[value, role] as const];
    }),
  );
}

/** What makes a new folder one for another kind of content, where folders have no type: an extended property (in the same request). */
export const containerClassEntry = (value: string): Json => extendedEntry(containerClass, value);
