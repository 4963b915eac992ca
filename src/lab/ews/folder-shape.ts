import type { XmlElement } from '#formats/text/xml-read.ts';
import { ewsVersions } from '../seams.ts';
import { roleSince } from '../world/default-folders.ts';
import type { Folder } from '../world/folder.ts';
import { folderChangeKeyOf, folderIdOf } from '../world/ids.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { writePermissionSet } from './permission-set.ts';
import { type PropertyPath, readPaths, writeExtended } from './property-path.ts';
import { child, childText } from './request.ts';
import { t, type Xml } from './xml-out.ts';

export interface FolderShape {
  readonly base: string;
  readonly additional: readonly PropertyPath[];
}

/** Folder fields of the request, none of an item's. */
export function readFolderShape(element: XmlElement | null): FolderShape {
  if (element === null) return { base: 'AllProperties', additional: [] };
  const additional = readPaths(child(element, 'AdditionalProperties'));
  for (const path of additional)
    if (path.kind !== 'extended' && !path.uri.startsWith('folder:')) throw new EwsError('ErrorInvalidPropertyRequest');
  return { base: childText(element, 'BaseShape') ?? 'Default', additional };
}

const entryIdOf = (folder: Folder): Buffer => folder.mailbox.ids.folderEntryId(folder.no);

/** PidTagAdditionalRenEntryIds of the Inbox, by place: conflicts, sync issues, local and server failures, junk. [MS-OXOSFLD] 2.2.4 */
function additionalEntryIds(folder: Folder): Property | null {
  if (folder.role !== 'inbox') return null;
  const list = ['conflicts', 'syncissues', 'localfailures', 'serverfailures', 'junkemail'].map((role) =>
    entryIdOf(folder.mailbox.folder(role)).toString('base64'),
  );
  return { type: 'BinaryArray', value: list };
}

/** PidTagAdditionalRenEntryIdsEx of the root: a block for each folder by its PersistID, then an empty one. [MS-OXOSFLD] 2.2.5 */
function additionalEntryIdsEx(folder: Folder): Property | null {
  if (folder.role !== 'root') return null;
  const blocks: Buffer[] = [];
  for (const [persistId, id] of persistIds) {
    const special = folder.mailbox.defaults.get(id);
    if (special === undefined) continue;
    const entryId = entryIdOf(special);
    const head = Buffer.alloc(8);
    head.writeUInt16LE(persistId, 0);
    head.writeUInt16LE(entryId.length + 4, 2);
    head.writeUInt16LE(1, 4);
    head.writeUInt16LE(entryId.length, 6);
    blocks.push(head, entryId);
  }
  blocks.push(Buffer.alloc(4));
  return { type: 'Binary', value: Buffer.concat(blocks).toString('base64') };
}
const persistIds = [
  [0x8001, 'rss'],
  [0x8006, 'conversationactions'],
  [0x8008, 'suggested'],
] as const;

/** One MAPI property of a folder; null: it has none of that name. */
export function folderPropertyOf(folder: Folder, at: PropertyKey): Property | null {
  switch (at) {
    case key.displayName:
      return { type: 'String', value: folder.name };
    case key.containerClass:
      return folder.containerClass === null ? null : { type: 'String', value: folder.containerClass };
    case key.contentCount:
      return { type: 'Integer', value: folder.count };
    case key.unreadCount:
      return { type: 'Integer', value: folder.unread };
    case key.subfolders:
      return { type: 'Boolean', value: folder.children.size > 0 };
    case key.createdAt:
      return { type: 'SystemTime', value: folder.createdAtMs };
    case key.modifiedAt:
      return { type: 'SystemTime', value: folder.modifiedAtMs };
    case key.localCommitAt:
      return { type: 'SystemTime', value: folder.localCommitMs };
    case key.deletedCount:
      return { type: 'Integer', value: folder.deletedCount };
    case key.hidden:
      return { type: 'Boolean', value: folder.hidden };
    case key.size:
      return { type: 'Integer', value: folder.parent === null ? folder.mailbox.usedBytes : folder.count * 9000 };
    // PidTagProhibitReceiveQuota and PidTagMaximumSubmitMessageSize of the store, in KB.
    case '0x666a':
      return folder.parent !== null || folder.mailbox.quotaBytes === null
        ? null
        : { type: 'Integer', value: Math.floor(folder.mailbox.quotaBytes / 1024) };
    case '0x666d':
      return folder.parent === null
        ? { type: 'Integer', value: Math.floor(folder.mailbox.organization.itemMaxBytes / 1024) }
        : null;
    case key.entryId:
      return { type: 'Binary', value: entryIdOf(folder).toString('base64') };
    case '0x36d8':
      return additionalEntryIds(folder);
    case '0x36d9':
      return additionalEntryIdsEx(folder);
    case '0x6751':
      return { type: 'Integer', value: folder.mailbox.lastCn };
    case '0x6752':
      return { type: 'Integer', value: folder.mailbox.lastCn };
    case '0x3601':
      return { type: 'Integer', value: folder.kind === 'search' ? 2 : folder.parent === null ? 0 : 1 };
    case key.urlName:
      return { type: 'String', value: `/${folder.path().map(encodeURIComponent).join('/')}` };
    default:
      return folder.properties.get(at) ?? null;
  }
}

/** Element by container class. (EWS doc: Folder, CalendarFolder, …) */
export function folderElementOf(folder: Folder): string {
  if (folder.kind === 'search') return 'SearchFolder';
  const [first = '', second = ''] = (folder.containerClass ?? '').toLowerCase().split('.');
  if (first !== 'ipf') return 'Folder';
  return second === 'appointment'
    ? 'CalendarFolder'
    : second === 'contact'
      ? 'ContactsFolder'
      : second === 'task'
        ? 'TasksFolder'
        : 'Folder';
}

const rights =
  '<t:EffectiveRights><t:CreateAssociated>true</t:CreateAssociated><t:CreateContents>true</t:CreateContents><t:CreateHierarchy>true</t:CreateHierarchy><t:Delete>true</t:Delete><t:Modify>true</t:Modify><t:Read>true</t:Read></t:EffectiveRights>';
const rights2010 = rights.replace(
  '</t:EffectiveRights>',
  '<t:ViewPrivateItems>true</t:ViewPrivateItems></t:EffectiveRights>',
);
const defaults = ['FolderId', 'ParentFolderId', 'DisplayName', 'TotalCount', 'ChildFolderCount', 'UnreadCount'];
const all = [...defaults, 'FolderClass', 'EffectiveRights', 'DistinguishedFolderId'];

export function folderIdXml(folder: Folder, name = 'FolderId'): string {
  return `<t:${name} Id="${folderIdOf(folder)}" ChangeKey="${folderChangeKeyOf(folder)}"/>`;
}

/** Whether the version of the request has a name for the folder's role. */
function visibleRole(context: Context, folder: Folder): string | null {
  if (folder.role === null) return null;
  const since = roleSince[folder.role];
  return since === undefined || ewsVersions.indexOf(context.version) >= ewsVersions.indexOf(since) ? folder.role : null;
}

/** A folder as asked for. */
export function writeFolder(context: Context, folder: Folder, shape: FolderShape): Xml {
  const name = folderElementOf(folder);
  const wanted = new Set(shape.base === 'IdOnly' ? ['FolderId'] : shape.base === 'AllProperties' ? all : defaults);
  const extended: Xml[] = [];
  for (const path of shape.additional) {
    if (path.kind === 'extended')
      extended.push(writeExtended(path, folderPropertyOf(folder, path.key), context.precise));
    else wanted.add(path.uri.slice(path.uri.indexOf(':') + 1));
  }
  wanted.add('FolderId');
  const parts: Xml[] = [];
  for (const field of context.schema.order(`t:${name === 'SearchFolder' ? 'SearchFolderType' : `${name}Type`}`)) {
    if (field === 'ExtendedProperty') parts.push(extended);
    else if (wanted.has(field)) parts.push(writeField(context, folder, field));
  }
  return [`<t:${name}>`, parts, `</t:${name}>`];
}

function writeField(context: Context, folder: Folder, field: string): Xml {
  switch (field) {
    case 'FolderId':
      return folderIdXml(folder);
    case 'ParentFolderId':
      return folder.parent === null
        ? folderIdXml(folder, 'ParentFolderId')
        : folderIdXml(folder.parent, 'ParentFolderId');
    case 'FolderClass':
      return folder.containerClass === null ? '' : t('FolderClass', folder.containerClass);
    case 'DisplayName':
      return t('DisplayName', folder.name);
    case 'TotalCount':
      return t('TotalCount', folder.count);
    case 'ChildFolderCount':
      return t('ChildFolderCount', folder.children.size);
    case 'EffectiveRights':
      return context.version === '2007' ? rights : rights2010;
    case 'PermissionSet':
      return writePermissionSet(folder);
    case 'UnreadCount':
      return t('UnreadCount', folder.unread);
    case 'DistinguishedFolderId': {
      // Exchange shows it to 2013 clients and later.
      const role = visibleRole(context, folder);
      return role === null || ewsVersions.indexOf(context.version) < ewsVersions.indexOf('2013')
        ? ''
        : t('DistinguishedFolderId', role);
    }
    default:
      return '';
  }
}
