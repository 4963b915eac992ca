import { type Fault, FaultError } from '#kit/fault.ts';
import type { FolderInfo, FolderMark, FolderRole, FolderTree } from '#model/folder.ts';
import type { FolderId, MailboxGuid, Version } from '#model/ids.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { mailboxGuidOf } from '../ews/operations/folder-shape.ts';
import { entryIdsByRole } from '../ews/special-folders.ts';
import { folderIdOfUrl } from './dav-ids.ts';
import { type DavName, davNameOf, httpmailNamespace, names } from './dav-names.ts';
import { type DavResponse, shownText, shownTexts } from './multistatus.ts';
import { allOf, isTrue, searchBody } from './sql.ts';
import { readDavInteger } from './value-forms.ts';

const entryIdName = davNameOf({ tag: 0x0fff, type: 'binary' });
/** PidTagFolderType: 2 is a search folder. */
const folderTypeName = davNameOf({ tag: 0x3601, type: 'integer' });
/** PidTagDeletedCountTotal: deletions ever. */
const deletedTotalName = davNameOf({ tag: 0x670b, type: 'integer' });
/** PidTagMessageSizeExtended; PidTagProhibitReceiveQuota and PidTagMaximumSubmitMessageSize in kB ([MS-OXCSTOR] 2.2.2.1). */
const usedProperty: MapiProperty = { tag: 0x0e08, type: 'long' };
const quotaProperty: MapiProperty = { tag: 0x666a, type: 'integer' };
const itemMaxProperty: MapiProperty = { tag: 0x666d, type: 'integer' };
export const limitNames = [usedProperty, quotaProperty, itemMaxProperty].map(davNameOf);

/** What a mark is made of. */
export const markNames: readonly DavName[] = [
  names.permanentUrl,
  names.contentTag,
  names.objectCount,
  names.unreadCount,
  deletedTotalName,
];
const treeNames: readonly DavName[] = [...markNames, names.displayName, names.folderClass, names.etag, folderTypeName];

/** One deep search for all folders of a mailbox. */
const deepSearch = (select: readonly DavName[]): string =>
  searchBody({ select, depth: 'deep', where: allOf(isTrue(names.isFolder, true), isTrue(names.isHidden, false)) });
export const treeSearch: string = deepSearch(treeNames);
/** The folders of one level: public folders are not to be had otherwise. */
export const levelSearch: string = searchBody({
  select: treeNames,
  depth: 'shallow',
  where: allOf(isTrue(names.isFolder, true), isTrue(names.isHidden, false)),
});
/** The same for roles: addresses and entry ids. */
export const roleSearch: string = deepSearch([names.permanentUrl, entryIdName]);

/** Names of `urn:schemas:httpmail:` that lead to well-known folders, whatever their language. The spam folder is not among them. */
const rolesByName: Readonly<Record<string, FolderRole>> = {
  inbox: 'inbox',
  drafts: 'drafts',
  sentitems: 'sentitems',
  deleteditems: 'deleteditems',
  outbox: 'outbox',
  calendar: 'calendar',
  contacts: 'contacts',
  tasks: 'tasks',
  notes: 'notes',
  journal: 'journal',
};
const roleNames: readonly (readonly [FolderRole, DavName])[] = Object.entries(rolesByName).map(([name, role]) => [
  role,
  { ns: httpmailNamespace, name },
]);
/** Of the root. */
export const rootNames: readonly DavName[] = [names.permanentUrl, entryIdName, ...roleNames.map(([, name]) => name)];
/** PidTagAdditionalRenEntryIds of the Inbox: the entry ids of Junk E-Mail and of the folders for sync issues. */
const additionalName: DavName = { ns: 'http://schemas.microsoft.com/mapi/proptag/', name: 'x36d81102' };
export const inboxNames: readonly DavName[] = [names.permanentUrl, additionalName];

/** The mailbox as its root shows it. */
export interface MailboxRoot {
  readonly id: FolderId;
  readonly guid: MailboxGuid;
  /** Addresses of well-known folders. */
  readonly urls: ReadonlyMap<FolderRole, string>;
}

/** Throws FaultError when it is no mailbox. */
export function readRoot(response: DavResponse): MailboxRoot {
  const id = folderIdOfUrl(shownText(response, names.permanentUrl) ?? '');
  const guid = mailboxGuidOf(shownText(response, entryIdName) ?? '');
  if (id === null || guid === null)
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail:
        'the mailbox shows no permanent address or no entry id. What answers is WebDAV but not that of Exchange: give https://HOST/exchange/ as the endpoint',
    });
  const urls = roleNames.flatMap(([role, name]) => {
    const url = shownText(response, name)?.trim();
    return url ? [[role, url] as const] : [];
  });
  return { id, guid, urls: new Map(urls) };
}

/** Roles of folders that only the Inbox knows, of those that are there. @param folders What `roleSearch` found. */
export function hiddenRoles(inbox: DavResponse, folders: readonly DavResponse[]): ReadonlyMap<FolderRole, FolderId> {
  const byEntryId = new Map(
    folders.map((one) => [Buffer.from(shownText(one, entryIdName) ?? '', 'base64').toString('base64'), one] as const),
  );
  const roles = new Map<FolderRole, FolderId>();
  for (const [role, entryId] of entryIdsByRole(shownTexts(inbox, additionalName), null)) {
    const folder = byEntryId.get(entryId);
    const id = folder === undefined ? null : folderIdOfUrl(shownText(folder, names.permanentUrl) ?? '');
    if (id !== null) roles.set(role, id);
  }
  return roles;
}

/** Null: the server does not tell. */
export function readMark(response: DavResponse): FolderMark {
  const tag = shownText(response, names.contentTag)?.trim() ?? '';
  if (tag === '') return { mark: null };
  const rest = [deletedTotalName, names.objectCount, names.unreadCount].map((name) => shownText(response, name) ?? '');
  // Read flags may not move the tag; the count of what is unread shows all but those that cancel each other out.
  return { mark: [tag, ...rest].join('/') };
}

/** Values of a folder as `limits` shows them; null: not told. */
export function limitOf(response: DavResponse, at: 0 | 1 | 2, unitBytes: number): number | null {
  const name = limitNames[at];
  const value = name === undefined ? undefined : readDavInteger(shownText(response, name) ?? '');
  return value !== undefined && value > 0 ? value * unitBytes : null;
}

/** The tree from what a deep search of the root found, in any order; parents before children. */
export function treeOf(root: MailboxRoot, rootUrl: string, found: readonly DavResponse[]): FolderTree {
  const byHref = new Map<string, FolderId>([[trimmed(rootUrl), root.id]]);
  const seen = found.flatMap((response) => {
    const id = folderIdOfUrl(shownText(response, names.permanentUrl) ?? '');
    if (id === null || id === root.id) return [];
    byHref.set(trimmed(response.href), id);
    return [{ id, response }];
  });
  const folders = seen.map(({ id, response }) => {
    const href = trimmed(response.href);
    // A folder whose parent may not be seen hangs below the root: better there than not at all.
    return folderInfo(id, byHref.get(href.slice(0, href.lastIndexOf('/'))) ?? root.id, response);
  });
  return inOrder(root, folders);
}

/** Folders below folders; a tree of people's has a few levels. */
const levelsMax = 100;

/**
 * The tree level by level. @param look The folders right below a folder; null: it may not be looked into, so nothing below it is known.
 */
export async function treeByLevels(
  root: MailboxRoot,
  look: (folders: readonly FolderId[]) => Promise<readonly (readonly DavResponse[] | null)[]>,
): Promise<FolderTree> {
  const folders: FolderInfo[] = [];
  const seen = new Set<FolderId>([root.id]);
  for (let level: readonly FolderId[] = [root.id], depth = 0; level.length > 0; depth++) {
    if (depth === levelsMax) throw new FaultError(tooDeep);
    const found = await look(level);
    const next: FolderId[] = [];
    for (const [at, parent] of level.entries())
      for (const response of found[at] ?? []) {
        const id = folderIdOfUrl(shownText(response, names.permanentUrl) ?? '');
        // What was moved meanwhile is found in two places.
        if (id === null || seen.has(id)) continue;
        seen.add(id);
        next.push(id);
        folders.push(folderInfo(id, parent, response));
      }
    level = next;
  }
  return inOrder(root, folders);
}

const tooDeep: Fault = {
  kind: 'fatal',
  code: 'protocol',
  detail: `folders are nested more than ${levelsMax} levels deep, or the server answers in circles: look at the tree of public folders in Outlook`,
};

function folderInfo(id: FolderId, parent: FolderId, response: DavResponse): FolderInfo {
  const integer = (name: DavName) => readDavInteger(shownText(response, name) ?? '') ?? 0;
  return {
    id,
    parent,
    name: shownText(response, names.displayName) ?? '',
    containerClass: shownText(response, names.folderClass)?.trim() || null,
    kind: integer(folderTypeName) === 2 ? 'search' : 'folder',
    version: (shownText(response, names.etag) ?? '') as Version,
    itemCount: integer(names.objectCount),
    childCount: 0,
    ...readMark(response),
  };
}

/** Parents before children, each with the count of those. */
function inOrder(root: MailboxRoot, all: readonly FolderInfo[]): FolderTree {
  const children = new Map<FolderId, FolderInfo[]>();
  for (const info of all) {
    const siblings = children.get(info.parent ?? root.id);
    if (siblings === undefined) children.set(info.parent ?? root.id, [info]);
    else siblings.push(info);
  }
  const folders: FolderInfo[] = [];
  const queue: FolderId[] = [root.id];
  for (let at = 0; at < queue.length; at++) {
    const id = queue[at] as FolderId;
    for (const info of children.get(id) ?? []) {
      folders.push({ ...info, childCount: children.get(info.id)?.length ?? 0 });
      queue.push(info.id);
    }
  }
  return { mailbox: root.guid, root: root.id, folders };
}

/** Addresses are compared by their path: a server may name itself differently in different answers. */
const trimmed = (url: string): string =>
  url
    .replace(/^https?:\/\/[^/]*/i, '')
    .replace(/\/+$/, '')
    .toLowerCase();
