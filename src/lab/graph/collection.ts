import type { Context } from './context.ts';
import { badRequest } from './graph-error.ts';
import { type FilterSubject, type FilterValue, passes, scalarSubject } from './odata-filter.ts';
import type { Query } from './odata-query.ts';
import type { Json } from './route.ts';

/** An entity with what it can be filtered and sorted by, and its JSON made when it is on the page. */
export interface Entry {
  readonly subject: FilterSubject;
  json(query: Query): Json;
}

/** Entries without `$top`. (GDOC concepts/paging) */
const pageDefault = 10;

function pageLink(context: Context, skip: number): string {
  const rest = context.query.raw.split('&').filter((pair) => pair !== '' && !/^(?:%24|\$)skip=/i.test(pair));
  return `${context.origin}/${context.version}${context.path}?${[...rest, `$skip=${skip}`].join('&')}`;
}

function compareValues(a: FilterValue | undefined, b: FilterValue | undefined): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  if (typeof a === 'string' && typeof b === 'string') return a.toLowerCase() < b.toLowerCase() ? -1 : 1;
  return a < b ? -1 : 1;
}

/** One page of a collection by the options of the request. */
export function page(context: Context, tail: string, entries: Iterable<Entry>, fallbackTop = pageDefault): Json {
  const { query } = context;
  const top = query.top ?? context.prefer.maxPageSize ?? fallbackTop;
  const { filter } = query;
  let all: Iterable<Entry> = entries;
  if (query.orderBy.length > 0) {
    const list = [...entries];
    for (const { path } of query.orderBy)
      if (list[0] !== undefined && list[0].subject.value(path) === undefined)
        throw badRequest(`Could not find a property named '${path}' to sort by.`);
    all = list.sort((a, b) => {
      for (const { path, descending } of query.orderBy) {
        const order = compareValues(a.subject.value(path), b.subject.value(path));
        if (order !== 0) return descending ? -order : order;
      }
      return 0;
    });
  }
  const shown: Json[] = [];
  let at = 0;
  let more = false;
  for (const entry of all) {
    if (filter !== null && !passes(filter, entry.subject)) continue;
    if (at++ < query.skip) continue;
    if (shown.length < top) shown.push(entry.json(query));
    else {
      more = true;
      if (!query.count) break;
    }
  }
  return {
    '@odata.context': context.contextOf(tail),
    ...(query.count ? { '@odata.count': at } : {}),
    value: shown,
    ...(more ? { '@odata.nextLink': pageLink(context, query.skip + top) } : {}),
  };
}

/** A subject over named values, made when they are asked for. */
export function subjectOf(
  values: Readonly<Record<string, () => FilterValue>>,
  members: Readonly<Record<string, () => readonly FilterSubject[]>> = {},
): FilterSubject {
  return { value: (path) => values[path]?.(), members: (path) => members[path]?.() };
}

export const texts = (values: readonly string[]): readonly FilterSubject[] => values.map(scalarSubject);

/** The properties that a request selects; `id` and what begins with `@` are always there. */
export function select(json: Json, query: Query): Json {
  const wanted = query.select;
  if (wanted === null) return json;
  const lower = new Set([...wanted].map((name) => name.toLowerCase()));
  return Object.fromEntries(
    Object.entries(json).filter(
      ([name]) => name === 'id' || name.startsWith('@') || query.expand.has(name) || lower.has(name.toLowerCase()),
    ),
  );
}
