import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Entry } from './collection.ts';
import type { Context } from './context.ts';
import { type DeltaToken, linkOf, roundOf } from './delta-token.ts';
import { type FilterSubject, passes } from './odata-filter.ts';
import type { Query } from './odata-query.ts';
import { type Json, ok, type Reply } from './route.ts';

/** Items of one kind: which they are, and how JSON has them. */
export interface ItemFamily {
  /** `messages`, `contacts`: also the kind of its tokens. */
  readonly name: string;
  /** `#microsoft.graph.message`, of what was removed. */
  readonly type: string;
  readonly has: (item: Item) => boolean;
  readonly json: (context: Context, item: Item, query: Query) => Json;
  readonly subject: (item: Item) => FilterSubject;
}

const changeTypes = { create: 'created', update: 'updated', 'read-flag': 'updated', delete: 'deleted' } as const;

/** Changes of a folder: everything at first, then what is new. (learn.microsoft.com/graph/delta-query-overview) */
export function itemFeed(context: Context, folder: Folder, family: ItemFamily): Reply {
  const { token, query } = roundOf(context, family.name, folder.no);
  const size = context.prefer.maxPageSize ?? query.top ?? 10;
  const only = query.own.get('changetype') ?? null;
  const { filter } = query;
  const state = token === null ? null : { base: token.base, position: token.position, initialTo: token.initialTo };
  const { changes, state: next, complete } = folder.changes(state, size, family.has);
  const value = changes.flatMap(({ kind, item }): readonly Json[] => {
    if (only !== null && only !== changeTypes[kind]) return [];
    if (kind === 'delete')
      return [{ '@odata.type': family.type, id: context.idOf(item), '@removed': { reason: 'deleted' } }];
    return filter === null || passes(filter, family.subject(item)) ? [family.json(context, item, query)] : [];
  });
  const stand: DeltaToken = { kind: family.name, folder: folder.no, query: token?.query ?? context.query.raw, ...next };
  return ok({
    '@odata.context': context.contextOf(`Collection(${family.type.slice(1)})`),
    value,
    ...linkOf(context, stand, complete),
  });
}

/** Items as entries of a list. */
export function* entriesOf(context: Context, items: Iterable<Item>, family: ItemFamily): Generator<Entry> {
  for (const item of items)
    if (family.has(item)) yield { subject: family.subject(item), json: (query) => family.json(context, item, query) };
}
