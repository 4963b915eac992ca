import type { Folder } from '../world/folder.ts';
import { type Entry, page, select, subjectOf } from './collection.ts';
import type { Context } from './context.ts';
import { linkOf, roundOf } from './delta-token.ts';
import { badRequest, notFound } from './graph-error.ts';
import type { Query } from './odata-query.ts';
import type { Permission } from './permissions.ts';
import { idOfFolder } from './rest-ids.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';

/** Folders of one kind that have a path of their own: contact folders, task lists. */
export interface FolderFamily {
  /** `users/{user}/contactFolders` */
  readonly path: string;
  /** Name of the parameter for one of them. */
  readonly parameter: string;
  readonly kind: string;
  readonly containerClass: string;
  /** The one that every mailbox has. */
  readonly role: string;
  /** Whether that one is in the lists. */
  readonly listsDefault: boolean;
  readonly reads: Permission;
  readonly writes: Permission;
  readonly json: (folder: Folder) => Json;
}

const isOf = (family: FolderFamily, folder: Folder): boolean =>
  folder.kind === 'folder' && !folder.hidden && (folder.containerClass ?? '').startsWith(family.containerClass);

/** All folders of the kind, wherever they are, but those that were thrown away. */
function* allOf(context: Context, family: FolderFamily): Generator<Folder> {
  const { mailbox } = context;
  const trash = mailbox.folder('deleteditems');
  for (const folder of mailbox.below(mailbox.folder('msgfolderroot')))
    if (
      isOf(family, folder) &&
      !folder.isInside(trash) &&
      (family.listsDefault || folder !== mailbox.folder(family.role))
    )
      yield folder;
}

export function typedFolderOf(context: Context, family: FolderFamily, parameters: Parameters): Folder {
  const id = parameters[family.parameter];
  if (id === undefined) return context.mailbox.folder(family.role);
  const folder = context.folder(id);
  if (!isOf(family, folder)) throw notFound();
  return folder;
}

const entryOf = (family: FolderFamily, folder: Folder): Entry => ({
  subject: subjectOf({ id: () => idOfFolder(folder), displayName: () => folder.name }),
  json: (query) => shown(family, folder, query),
});
const shown = (family: FolderFamily, folder: Folder, query: Query): Json => select(family.json(folder), query);

function delta(context: Context, family: FolderFamily): Reply {
  const { token, query } = roundOf(context, family.kind, 0);
  const since = token === null ? -1 : token.base;
  const changed = [...allOf(context, family)].filter((folder) => folder.cn > since);
  const removed =
    since < 0
      ? []
      : context.mailbox.deletedFolders.filter(
          ({ folder, cn }) => cn > since && (folder.containerClass ?? '').startsWith(family.containerClass),
        );
  const now = context.mailbox.lastCn;
  return ok({
    '@odata.context': context.contextOf(`Collection(${family.kind})`),
    value: [
      ...changed.map((folder) => shown(family, folder, query)),
      ...removed.map(({ folder }) => ({ id: idOfFolder(folder), '@removed': { reason: 'deleted' } })),
    ],
    ...linkOf(
      context,
      {
        kind: family.kind,
        folder: 0,
        base: now,
        position: 0,
        initialTo: null,
        query: token?.query ?? context.query.raw,
      },
      true,
    ),
  });
}

function nameIn(context: Context): string | null {
  const name = context.json()['displayName'];
  if (name !== undefined && (typeof name !== 'string' || name.trim() === ''))
    throw badRequest('A displayName is a text.');
  return name ?? null;
}

function create(context: Context, family: FolderFamily, parent: Folder): Reply {
  const name = nameIn(context);
  if (name === null) throw badRequest('A displayName is needed.');
  const folder = context.mailbox.createFolder(parent, name, family.containerClass, context.hand());
  return created({ '@odata.context': context.contextOf(`${family.kind}/$entity`), ...family.json(folder) });
}

/** What can be done with folders of a kind. */
export function typedFolderRoutes(family: FolderFamily): readonly Route[] {
  const { path, reads, writes, parameter } = family;
  const one = `${path}/{${parameter}}`;
  const entity = (context: Context, folder: Folder): Json => ({
    '@odata.context': context.contextOf(`${family.kind}/$entity`),
    ...shown(family, folder, context.query),
  });
  return [
    {
      method: 'GET',
      path,
      needs: reads,
      run: (context) =>
        ok(
          page(
            context,
            family.kind,
            [...allOf(context, family)].map((folder) => entryOf(family, folder)),
            100,
          ),
        ),
    },
    {
      method: 'POST',
      path,
      needs: writes,
      run: (context) => create(context, family, context.mailbox.folder('msgfolderroot')),
    },
    { method: 'GET', path: `${path}/delta`, needs: reads, run: (context) => delta(context, family) },
    {
      method: 'GET',
      path: one,
      needs: reads,
      run: (context, parameters) => ok(entity(context, typedFolderOf(context, family, parameters))),
    },
    {
      method: 'PATCH',
      path: one,
      needs: writes,
      run(context, parameters) {
        const folder = typedFolderOf(context, family, parameters);
        const name = nameIn(context);
        context.mailbox.updateFolder(folder, name === null ? {} : { name }, context.hand());
        return ok(entity(context, folder));
      },
    },
    {
      method: 'DELETE',
      path: one,
      needs: writes,
      run(context, parameters) {
        context.mailbox.removeFolder(typedFolderOf(context, family, parameters), 'MoveToDeletedItems', context.hand());
        return noContent;
      },
    },
    {
      method: 'POST',
      path: `${one}/permanentDelete`,
      needs: writes,
      run(context, parameters) {
        context.mailbox.removeFolder(typedFolderOf(context, family, parameters), 'HardDelete', context.hand());
        return noContent;
      },
    },
    {
      method: 'GET',
      path: `${one}/childFolders`,
      needs: reads,
      run: (context, parameters) =>
        ok(
          page(
            context,
            family.kind,
            [...typedFolderOf(context, family, parameters).children]
              .filter((folder) => isOf(family, folder))
              .map((folder) => entryOf(family, folder)),
          ),
        ),
    },
    {
      method: 'POST',
      path: `${one}/childFolders`,
      needs: writes,
      run: (context, parameters) => create(context, family, typedFolderOf(context, family, parameters)),
    },
  ];
}
