import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import { type Asked, askedFor, columnValue, isItem, propstatsOf } from './answer-properties.ts';
import { allColumns, columnOf } from './columns.ts';
import type { DavContext } from './context.ts';
import type { DavCall } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { uriOf } from './dav-name.ts';
import type { DavResponse } from './multistatus.ts';
import type { Query, Scope } from './sql.ts';
import type { Row } from './sql-match.ts';

/** What a query finds. */
export type Target = Folder | Item;

export const rowOf =
  (context: DavContext) =>
  (target: Target): Row =>
  (name) =>
    columnValue(columnOf(name), target, context);

/** Columns of a query, each once. */
export function askedBy({ select }: Query): readonly Asked[] {
  if (select === null) return allColumns.map((column) => askedFor(column.name, column));
  const seen = new Set<string>();
  const asked: Asked[] = [];
  for (const { name, alias } of select) {
    const as = alias ?? uriOf(name);
    if (seen.has(as)) continue;
    seen.add(as);
    asked.push(askedFor(name, columnOf(name), alias));
  }
  return asked;
}

/** The folder that a scope names. @throws DavError */
export function folderOfScope({ context, path: own }: DavCall, { path, traversal }: Scope): Folder {
  const resource = context.resolve(path === '' ? own : encoded(path));
  if (resource.kind !== 'folder') throw new DavError(404, 'there is no folder to search');
  const { folder } = resource;
  const { organization } = context;
  if (!organization.isPublicStore(folder.mailbox)) return folder;
  // (Exchange SDK: searching folders; DavMail getSubFolders goes level by level there)
  if (traversal !== 'shallow') throw new DavError(422, 'public folders are searched level by level');
  if (organization.publicFolders.closed.has(folder)) throw new DavError(403, 'only its owners may look into it');
  return folder;
}

/** Paths in queries come percent-encoded or as they are read. */
function encoded(path: string): string {
  const [, origin = '', rest = path] = /^(https?:\/\/[^/]*)?(.*)$/is.exec(path) ?? [];
  return origin + rest.replace(/[^\u0021-\u007e]|[?#]|%(?![0-9a-f]{2})/giu, (c) => encodeURIComponent(c));
}

/** What is in a scope. */
export function* targetsIn(folder: Folder, { traversal }: Scope): Generator<Target> {
  for (const child of folder.children) {
    if (child.role === 'msgfolderroot') continue;
    yield child;
    if (traversal !== 'shallow') yield* targetsIn(child, { traversal, path: '' });
  }
  if (traversal !== 'hierarchical') yield* folder.items();
}

export const responseFor = (
  target: Target,
  asked: readonly Asked[],
  context: DavContext,
  brief: boolean,
): DavResponse => ({
  href: isItem(target) ? context.itemUrl(target) : context.folderUrl(target),
  propstats: propstatsOf(asked, (column) => columnValue(column, target, context), brief),
});
