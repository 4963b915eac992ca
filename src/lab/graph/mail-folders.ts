import type { Folder } from '../world/folder.ts';
import { key, type Property, type PropertyKey, serverOwned } from '../world/property.ts';
import { type Entry, page, select, subjectOf } from './collection.ts';
import type { Context } from './context.ts';
import { defaultEntryIdOf } from './default-entry-ids.ts';
import { linkOf, roundOf } from './delta-token.ts';
import { extendedJson, readExtendedProperties } from './extended-json.ts';
import { badRequest, notFound } from './graph-error.ts';
import type { FilterSubject } from './odata-filter.ts';
import type { Query } from './odata-query.ts';
import { idOfFolder, wellKnownNameOf } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';

/** Mail folders are those that hold notes or nothing in particular. Calendars, contacts and tasks have paths of their own. */
const isMailFolder = (folder: Folder): boolean =>
  folder.containerClass === null || /^ipf\.note(?:\.|$)/i.test(folder.containerClass);
/** Below the visible tree. */
const isShown = (folder: Folder, hidden: boolean): boolean =>
  folder.kind === 'folder' && isMailFolder(folder) && (hidden || !folder.hidden);

export function propertyOfFolder(folder: Folder, at: PropertyKey): Property | null {
  const text = (value: string | null): Property | null => (value === null ? null : { type: 'String', value });
  switch (at) {
    case key.containerClass:
      return text(folder.containerClass);
    case key.displayName:
      return text(folder.name);
    case key.localCommitAt:
      return { type: 'SystemTime', value: folder.localCommitMs };
    case key.deletedCount:
      return { type: 'Integer', value: folder.deletedCount };
    case key.contentCount:
      return { type: 'Integer', value: folder.count };
    case key.unreadCount:
      return { type: 'Integer', value: folder.unread };
    case key.hidden:
      return { type: 'Boolean', value: folder.hidden };
    case key.createdAt:
      return { type: 'SystemTime', value: folder.createdAtMs };
    case key.modifiedAt:
      return { type: 'SystemTime', value: folder.modifiedAtMs };
    case key.entryId:
      return { type: 'Binary', value: folder.mailbox.ids.folderEntryId(folder.no).toString('base64') };
    default:
      return defaultEntryIdOf(folder, at) ?? folder.properties.get(at) ?? null;
  }
}

/** Folders of mail below, without what is below those. */
const childrenOf = (folder: Folder, hidden: boolean): readonly Folder[] =>
  [...folder.children].filter((child) => isShown(child, hidden));

function folderJson(context: Context, folder: Folder, query: Query): Json {
  const json: Json = {
    id: idOfFolder(folder),
    displayName: folder.name,
    parentFolderId: folder.parent === null ? null : idOfFolder(folder.parent),
    childFolderCount: childrenOf(folder, false).length,
    unreadItemCount: folder.unread,
    totalItemCount: folder.count,
    isHidden: folder.hidden,
    ...(context.version === 'beta' ? { sizeInBytes: 0, wellKnownName: wellKnownNameOf(folder) } : {}),
    ...extendedJson(query.expand, (at) => propertyOfFolder(folder, at)),
    ...(query.expand.has('childFolders')
      ? {
          childFolders: childrenOf(folder, false).map((child) =>
            folderJson(context, child, { ...query, expand: new Map() }),
          ),
        }
      : {}),
  };
  return select(json, query);
}

const folderSubject = (folder: Folder): FilterSubject =>
  subjectOf({
    id: () => idOfFolder(folder),
    displayName: () => folder.name,
    isHidden: () => folder.hidden,
    totalItemCount: () => folder.count,
    unreadItemCount: () => folder.unread,
    childFolderCount: () => childrenOf(folder, false).length,
  });

const wantsHidden = (context: Context): boolean =>
  context.query.own.get('includehiddenfolders')?.toLowerCase() === 'true';

function listBelow(context: Context, parent: Folder, tail: string): Reply {
  const hidden = wantsHidden(context);
  const entries = childrenOf(parent, hidden).map(
    (folder): Entry => ({ subject: folderSubject(folder), json: (query) => folderJson(context, folder, query) }),
  );
  return ok(page(context, `${context.userTail}/${tail}`, entries));
}

/** Changes of the tree below a folder, since a change number. Parents come before their children. */
function delta(context: Context, top: Folder, tail: string): Reply {
  const { token, query } = roundOf(context, 'mailFolders', top.no);
  const { mailbox } = context;
  // Before a round is over its token says after which change number it looks, how far it got, and when it began.
  const since = token === null ? -1 : token.base;
  const began = token?.initialTo ?? mailbox.lastCn;
  const from = token === null || token.initialTo === null ? 0 : token.position;
  const size = context.prefer.maxPageSize ?? 100;
  const changed = [...mailbox.below(top)].filter((folder) => isShown(folder, false) && folder.cn > since);
  const removed =
    since < 0 ? [] : mailbox.deletedFolders.filter(({ folder, cn }) => cn > since && isMailFolder(folder));
  const all: readonly Json[] = [
    ...changed.map((folder) => folderJson(context, folder, query)),
    ...removed.map(({ folder }) => ({ id: idOfFolder(folder), '@removed': { reason: 'deleted' } })),
  ];
  const complete = from + size >= all.length;
  const next = complete
    ? { base: began, position: 0, initialTo: null }
    : { base: since, position: from + size, initialTo: began };
  return ok({
    '@odata.context': context.contextOf(`${context.userTail}/${tail}`),
    value: all.slice(from, from + size),
    ...linkOf(
      context,
      { kind: 'mailFolders', folder: top.no, query: token?.query ?? context.query.raw, ...next },
      complete,
    ),
  });
}

function createIn(context: Context, parent: Folder, tail: string): Reply {
  const json = context.json();
  const name = json['displayName'];
  if (typeof name !== 'string' || name.trim() === '') throw badRequest('A folder needs a displayName.');
  const folder = context.mailbox.createFolder(parent, name, 'IPF.Note', context.hand());
  if (json['isHidden'] === true) folder.hidden = true;
  writeFolderProperties(folder, json);
  return created({
    '@odata.context': context.contextOf(`${context.userTail}/${tail}/$entity`),
    ...folderJson(context, folder, context.query),
  });
}

/** Writes the extended properties of a request to a folder. */
export function writeFolderProperties(folder: Folder, json: Json): void {
  for (const [at, property] of readExtendedProperties(json)) setFolderProperty(folder, at, property);
}

function setFolderProperty(folder: Folder, at: PropertyKey, property: Property): void {
  if (at === key.containerClass && typeof property.value === 'string') folder.containerClass = property.value;
  else if (!serverOwned.has(at)) folder.properties.set(at, property);
}

function change(context: Context, folder: Folder): Reply {
  const json = context.json();
  const name = json['displayName'];
  if (name !== undefined && typeof name !== 'string') throw badRequest('A displayName is a text.');
  writeFolderProperties(folder, json);
  context.mailbox.updateFolder(folder, typeof name === 'string' ? { name } : {}, context.hand());
  return ok(entity(context, folder));
}

const entity = (context: Context, folder: Folder): Json => ({
  '@odata.context': context.contextOf(`${context.userTail}/mailFolders/$entity`),
  ...folderJson(context, folder, context.query),
});

/** Where a move or copy goes. */
export function destinationOf(context: Context): Folder {
  const json = context.json();
  const id = json['destinationId'] ?? json['DestinationId'];
  if (typeof id !== 'string') throw badRequest('A destinationId is needed.');
  return context.folder(id);
}

const root = (context: Context): Folder => context.mailbox.folder('msgfolderroot');

/** The folder of a path. */
export function mailFolderOf(context: Context, parameters: Parameters): Folder {
  const folder = context.folder(parameters['folder'] ?? '');
  const inner = parameters['child'];
  if (inner === undefined) return folder;
  const child = context.folder(inner);
  if (child.parent !== folder) throw notFound();
  return child;
}

const folderPaths = ['users/{user}/mailFolders/{folder}', 'users/{user}/mailFolders/{folder}/childFolders/{child}'];

const ofOne = folderPaths.flatMap((path): readonly Route[] => [
  {
    method: 'GET',
    path,
    needs: 'mailRead',
    run: (context, parameters) => ok(entity(context, mailFolderOf(context, parameters))),
  },
  {
    method: 'PATCH',
    path,
    needs: 'mailWrite',
    run: (context, parameters) => change(context, mailFolderOf(context, parameters)),
  },
  {
    method: 'DELETE',
    path,
    needs: 'mailWrite',
    run(context, parameters) {
      context.mailbox.removeFolder(mailFolderOf(context, parameters), 'MoveToDeletedItems', context.hand());
      return noContent;
    },
  },
]);

/** learn.microsoft.com/graph/api/resources/mailfolder */
export const mailFolderRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: 'users/{user}/mailFolders',
    needs: 'mailRead',
    run: (context) => listBelow(context, root(context), 'mailFolders'),
  },
  {
    method: 'POST',
    path: 'users/{user}/mailFolders',
    needs: 'mailWrite',
    run: (context) => createIn(context, root(context), 'mailFolders'),
  },
  {
    method: 'GET',
    path: 'users/{user}/mailFolders/delta',
    needs: 'mailRead',
    run: (context) => delta(context, root(context), 'mailFolders'),
  },
  {
    method: 'GET',
    path: 'users/{user}/mailFolders/{folder}/childFolders',
    needs: 'mailRead',
    run: (context, parameters) =>
      listBelow(context, mailFolderOf(context, parameters), `mailFolders('${parameters['folder']}')/childFolders`),
  },
  {
    method: 'POST',
    path: 'users/{user}/mailFolders/{folder}/childFolders',
    needs: 'mailWrite',
    run: (context, parameters) =>
      createIn(context, mailFolderOf(context, parameters), `mailFolders('${parameters['folder']}')/childFolders`),
  },
  {
    method: 'GET',
    path: 'users/{user}/mailFolders/{folder}/childFolders/delta',
    needs: 'mailRead',
    run: (context, parameters) => delta(context, mailFolderOf(context, parameters), 'mailFolders'),
  },
  {
    method: 'POST',
    path: 'users/{user}/mailFolders/{folder}/move',
    needs: 'mailWrite',
    run(context, parameters) {
      const folder = mailFolderOf(context, parameters);
      context.mailbox.moveFolder(folder, destinationOf(context), context.hand());
      return created(entity(context, folder));
    },
  },
  {
    method: 'POST',
    path: 'users/{user}/mailFolders/{folder}/copy',
    needs: 'mailWrite',
    run: (context, parameters) =>
      created(
        entity(
          context,
          context.mailbox.copyFolder(mailFolderOf(context, parameters), destinationOf(context), context.hand()),
        ),
      ),
  },
  {
    method: 'POST',
    path: 'users/{user}/mailFolders/{folder}/permanentDelete',
    needs: 'mailWrite',
    run(context, parameters) {
      context.mailbox.removeFolder(mailFolderOf(context, parameters), 'HardDelete', context.hand());
      return noContent;
    },
  },
  ...ofOne,
];
