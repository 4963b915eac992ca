import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import { key } from '../world/property.ts';
import { type Entry, page, select, subjectOf, texts } from './collection.ts';
import type { Context } from './context.ts';
import { linkOf, roundOf } from './delta-token.ts';
import { extendedJson, withExtended } from './extended-json.ts';
import { badRequest, notFound } from './graph-error.ts';
import { entriesOf, type ItemFamily, itemFeed } from './item-feed.ts';
import { changeKeyOf, etagOf, isoTime, propertyOfItem, textsOf } from './item-values.ts';
import { propertyOfFolder, writeFolderProperties } from './mail-folders.ts';
import { requireWorldwide } from './mailbox-transfer.ts';
import type { Query } from './odata-query.ts';
import { idOfFolder } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Route } from './route.ts';

// Folders and items of any kind, as the import and export API has them: learn.microsoft.com/graph/api/resources/mailboxfolder,
// /mailboxitem.

const root = 'admin/exchange/mailboxes/{mailbox}/folders';

const isShown = (folder: Folder): boolean => folder.kind === 'folder' && !folder.hidden;

function folderJson(folder: Folder, query: Query): Json {
  return {
    ...select(
      {
        id: idOfFolder(folder),
        displayName: folder.name,
        parentFolderId: folder.parent === null ? null : idOfFolder(folder.parent),
        type: folder.containerClass,
        childFolderCount: [...folder.children].filter(isShown).length,
        totalItemCount: folder.count,
      },
      query,
    ),
    ...extendedJson(query.expand, (at) => propertyOfFolder(folder, at)),
  };
}

const entryOf = (folder: Folder): Entry => ({
  subject: subjectOf({
    id: () => idOfFolder(folder),
    displayName: () => folder.name,
    type: () => folder.containerClass,
  }),
  json: (query) => folderJson(folder, query),
});

const family: ItemFamily = {
  name: 'items',
  type: '#microsoft.graph.mailboxItem',
  has: (item) => !item.associated,
  json: (context, item, query) => ({
    ...select(
      {
        '@odata.etag': etagOf(item),
        id: context.idOf(item),
        type: item.itemClass,
        size: item.sizeBytes,
        createdDateTime: isoTime(item.createdAtMs),
        lastModifiedDateTime: isoTime(item.modifiedAtMs),
        changeKey: changeKeyOf(item),
        categories: textsOf(item, key.keywords),
      },
      query,
    ),
    ...extendedJson(query.expand, (at) => propertyOfItem(item, at)),
  }),
  subject: (item) =>
    withExtended(
      item,
      subjectOf(
        {
          type: () => item.itemClass,
          size: () => item.sizeBytes,
          createdDateTime: () => isoTime(item.createdAtMs),
          lastModifiedDateTime: () => isoTime(item.modifiedAtMs),
        },
        { categories: () => texts(textsOf(item, key.keywords)) },
      ),
    ),
};

const top = (context: Context): Folder => {
  requireWorldwide(context);
  return context.mailbox.folder('msgfolderroot');
};
function folderOf(context: Context, parameters: Parameters): Folder {
  requireWorldwide(context);
  const folder = context.folder(parameters['folder'] ?? '');
  const inner = parameters['child'];
  if (inner === undefined) return folder;
  const child = context.folder(inner);
  if (child.parent !== folder) throw notFound();
  return child;
}

function listBelow(context: Context, parent: Folder): Json {
  return page(context, 'mailboxFolders', [...parent.children].filter(isShown).map(entryOf), 100);
}

function create(context: Context, parent: Folder): Json {
  const json = context.json();
  const { displayName, type } = json;
  if (typeof displayName !== 'string' || displayName.trim() === '') throw badRequest('A folder needs a displayName.');
  if (type !== undefined && type !== null && typeof type !== 'string') throw badRequest('A type is a text.');
  const folder = context.mailbox.createFolder(parent, displayName, type ?? 'IPF.Note', context.hand());
  writeFolderProperties(folder, json);
  return { '@odata.context': context.contextOf('mailboxFolders/$entity'), ...folderJson(folder, context.query) };
}

function delta(context: Context, parent: Folder): Json {
  const { token, query } = roundOf(context, 'mailboxFolders', parent.no);
  const { mailbox } = context;
  const since = token === null ? -1 : token.base;
  const changed = [...mailbox.below(parent)].filter((folder) => isShown(folder) && folder.cn > since);
  const removed = since < 0 ? [] : mailbox.deletedFolders.filter(({ cn }) => cn > since);
  const next = {
    kind: 'mailboxFolders',
    folder: parent.no,
    base: mailbox.lastCn,
    position: 0,
    initialTo: null,
    query: token?.query ?? context.query.raw,
  };
  return {
    '@odata.context': context.contextOf('Collection(mailboxFolder)'),
    value: [
      ...changed.map((folder) => folderJson(folder, query)),
      ...removed.map(({ folder }) => ({ id: idOfFolder(folder), '@removed': { reason: 'deleted' } })),
    ],
    ...linkOf(context, next, true),
  };
}

function itemOf(context: Context, parameters: Parameters): Item {
  const item = context.item(parameters['item'] ?? '');
  if (item.folder !== folderOf(context, parameters)) throw notFound();
  return item;
}

const entity = (context: Context, folder: Folder): Json => ({
  '@odata.context': context.contextOf('mailboxFolders/$entity'),
  ...folderJson(folder, context.query),
});

export const mailboxItemRoutes: readonly Route[] = [
  { method: 'GET', path: root, needs: 'folderRead', run: (context) => ok(listBelow(context, top(context))) },
  { method: 'POST', path: root, needs: 'folderWrite', run: (context) => created(create(context, top(context))) },
  { method: 'GET', path: `${root}/delta`, needs: 'folderRead', run: (context) => ok(delta(context, top(context))) },
  {
    method: 'GET',
    path: `${root}/{folder}`,
    needs: 'folderRead',
    run: (context, parameters) => ok(entity(context, folderOf(context, parameters))),
  },
  {
    method: 'PATCH',
    path: `${root}/{folder}`,
    needs: 'folderWrite',
    run(context, parameters) {
      const folder = folderOf(context, parameters);
      const json = context.json();
      const name = json['displayName'];
      if (name !== undefined && typeof name !== 'string') throw badRequest('A displayName is a text.');
      writeFolderProperties(folder, json);
      context.mailbox.updateFolder(folder, name === undefined ? {} : { name }, context.hand());
      return ok(entity(context, folder));
    },
  },
  {
    method: 'DELETE',
    path: `${root}/{folder}`,
    needs: 'folderWrite',
    run(context, parameters) {
      context.mailbox.removeFolder(folderOf(context, parameters), 'MoveToDeletedItems', context.hand());
      return noContent;
    },
  },
  {
    method: 'GET',
    path: `${root}/{folder}/childFolders`,
    needs: 'folderRead',
    run: (context, parameters) => ok(listBelow(context, folderOf(context, parameters))),
  },
  {
    method: 'POST',
    path: `${root}/{folder}/childFolders`,
    needs: 'folderWrite',
    run: (context, parameters) => created(create(context, folderOf(context, parameters))),
  },
  {
    method: 'GET',
    path: `${root}/{folder}/childFolders/delta`,
    needs: 'folderRead',
    run: (context, parameters) => ok(delta(context, folderOf(context, parameters))),
  },
  {
    method: 'GET',
    path: `${root}/{folder}/childFolders/{child}`,
    needs: 'folderRead',
    run: (context, parameters) => ok(entity(context, folderOf(context, parameters))),
  },
  {
    method: 'GET',
    path: `${root}/{folder}/items`,
    needs: 'itemRead',
    run: (context, parameters) =>
      ok(page(context, 'mailboxItems', entriesOf(context, folderOf(context, parameters).newest(), family))),
  },
  {
    method: 'GET',
    path: `${root}/{folder}/items/delta`,
    needs: 'itemRead',
    run: (context, parameters) => itemFeed(context, folderOf(context, parameters), family),
  },
  {
    method: 'GET',
    path: `${root}/{folder}/items/{item}`,
    needs: 'itemRead',
    run: (context, parameters) =>
      ok({
        '@odata.context': context.contextOf('mailboxItems/$entity'),
        ...family.json(context, itemOf(context, parameters), context.query),
      }),
  },
];
