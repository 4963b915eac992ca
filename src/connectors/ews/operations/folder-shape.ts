import { childText, type XmlElement } from '#formats/text/xml-read.ts';
import { rawXml, type XmlFragment } from '#formats/text/xml-write.ts';
import type { FolderInfo } from '#model/folder.ts';
import type { FolderId, MailboxGuid } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { extendedFieldUri, findExtended } from '../extended-fields.ts';
import { typesNamespace } from '../namespaces.ts';
import { folderIdOf } from './ids.ts';

/** PidTagContainerClass: `folder:FolderClass` is not in every version what it says. */
const containerClass: MapiProperty = { tag: 0x3613, type: 'string' };
/** PidTagLocalCommitTimeMax and PidTagDeletedCountTotal, [MS-OXCFOLD] 2.2.2.2.1: move when contents change. */
const commitTimeMax: MapiProperty = { tag: 0x670a, type: 'time' };
const deletedCountTotal: MapiProperty = { tag: 0x670b, type: 'integer' };
/** PidTagEntryId. */
const entryId: MapiProperty = { tag: 0x0fff, type: 'binary' };

const shapeOf = (names: readonly string[], extended: readonly MapiProperty[]): XmlFragment =>
  rawXml(
    `<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>${names
      .map((name) => `<t:FieldURI FieldURI="folder:${name}"/>`)
      .join('')}${extended.map(extendedFieldUri).join('')}</t:AdditionalProperties></m:FolderShape>`,
  );

/** Shape with which one request shows all that is to know of folders. */
export const folderShape: XmlFragment = shapeOf(
  ['ParentFolderId', 'DisplayName', 'TotalCount', 'ChildFolderCount', 'UnreadCount'],
  [containerClass, commitTimeMax, deletedCountTotal, entryId],
);
/** Of that what the mark is made of. */
export const markShape: XmlFragment = shapeOf(['TotalCount', 'UnreadCount'], [commitTimeMax, deletedCountTotal]);

/** A folder as its shape shows it. `info.parent` is what the server says, also for children of the root. */
export interface SeenFolder {
  readonly info: FolderInfo;
  readonly mailbox: MailboxGuid | null;
  /** PidTagEntryId, base64; empty when it is not shown. */
  readonly entryId: string;
  /** PidTagLocalCommitTimeMax, to the second; null when it is not shown. */
  readonly committedMs: number | null;
}

/** Null for a folder without an id, which nothing can be done with. */
export function readFolder(element: XmlElement): SeenFolder | null {
  const ids = folderIdOf(element, 'FolderId');
  if (ids === null) return null;
  const ownEntryId = findExtended(element, entryId)?.[0]?.trim() ?? '';
  const committed = findExtended(element, commitTimeMax)?.[0] ?? null;
  const count = (name: string): number => Number.parseInt(childText(element, typesNamespace, name) ?? '0', 10) || 0;
  return {
    info: {
      ...ids,
      parent: folderIdOf(element, 'ParentFolderId')?.id ?? (null as FolderId | null),
      name: childText(element, typesNamespace, 'DisplayName') ?? '',
      containerClass: findExtended(element, containerClass)?.[0] || null,
      kind: element.name === 'SearchFolder' ? 'search' : 'folder',
      itemCount: count('TotalCount'),
      childCount: count('ChildFolderCount'),
      // Read flags may not move the commit time; the count of what is unread shows all but those that cancel each other out.
      mark:
        committed === null
          ? null
          : `${committed}/${findExtended(element, deletedCountTotal)?.[0] ?? ''}/${count('TotalCount')}/${count('UnreadCount')}`,
    },
    mailbox: mailboxGuidOf(ownEntryId) ?? mailboxGuidInId(ids.id),
    entryId: ownEntryId,
    committedMs: committed === null || Number.isNaN(Date.parse(committed)) ? null : Date.parse(committed),
  };
}

/** Commit times and the server's clock are both told to the second, and the two may be a little apart. */
const settlesMs = 2000;

/**
 * The folder at a moment of the server's clock: within its second another change leaves the commit time as it is.
 *
 * @param serverTimeMs null: not told, so that nobody knows whether the second is over.
 */
export function asSeenAt(seen: SeenFolder, serverTimeMs: number | null): SeenFolder {
  if (seen.committedMs === null) return seen;
  if (serverTimeMs !== null && serverTimeMs - seen.committedMs >= settlesMs) return seen;
  return { ...seen, info: { ...seen.info, settling: true } };
}

/**
 * GUID of the mailbox from the entry id of one of its folders, base64: bytes 4 to 20 are the ProviderUID, which in a private
 * mailbox is its GUID, the first three fields little-endian ([MS-OXCDATA] 2.2.4.1). Null for anything shorter.
 */
export function mailboxGuidOf(entryIdBase64: string): MailboxGuid | null {
  const bytes = Buffer.from(entryIdBase64, 'base64');
  if (bytes.length < 20) return null;
  const hex = (order: readonly number[]): string =>
    order.map((i) => (bytes[4 + i] ?? 0).toString(16).padStart(2, '0')).join('');
  return `${hex([3, 2, 1, 0])}-${hex([5, 4])}-${hex([7, 6])}-${hex([8, 9])}-${hex([10, 11, 12, 13, 14, 15])}` as MailboxGuid;
}

/**
 * The same from the EWS id, for servers that do not show the entry id: after a compression flag, a kind and a length come
 * the GUID’s 36 letters. Not documented, read off recorded ids of 2010 and later; compressed ids and any other form give null.
 */
function mailboxGuidInId(id: FolderId): MailboxGuid | null {
  const bytes = Buffer.from(id.slice(0, 56), 'base64');
  if (bytes.length < 40 || bytes.readUInt16LE(2) !== 36) return null;
  const guid = bytes.toString('latin1', 4, 40).toLowerCase();
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(guid) ? (guid as MailboxGuid) : null;
}
