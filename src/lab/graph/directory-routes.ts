import { type Entry, page, select } from './collection.ts';
import type { Context } from './context.ts';
import { directoryDelta } from './directory-delta.ts';
import { type DirectoryShape, shapeOf, shapesOf, typeOf } from './directory-shape.ts';
import {
  addMember,
  makeGroup,
  noResource,
  patchObject,
  referenced,
  removeMember,
  removeObject,
  setManager,
} from './directory-writes.ts';
import type { EntraKind } from './entra-state.ts';
import { GraphError } from './graph-error.ts';
import type { Filter } from './odata-filter.ts';
import type { Permission } from './permissions.ts';
import { created, type Json, noContent, ok, type Parameters, type Reply, type Route } from './route.ts';

/** Clauses joined by `or` in a query of the default kind. (known issues, query parameters) */
const clausesMax = 15;
/** Characters of a value that is compared, in a query of the default kind; of the whole URL in an advanced one. */
const valueMax = 120;
const urlMax = 2048;
/** Properties that only an advanced query compares. (aad-advanced-queries) */
const advancedOnly: ReadonlySet<string> = new Set(['onPremisesSamAccountName', 'onPremisesSecurityIdentifier']);

const unsupported = (message: string): GraphError => new GraphError(400, 'Request_UnsupportedQuery', message);

interface Comparison {
  readonly path: string;
  readonly value: unknown;
  readonly operator: string;
}

function comparisons(filter: Filter): readonly Comparison[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.flatMap(comparisons);
    case 'not':
      return comparisons(filter.part);
    case 'any':
      return filter.part === null ? [] : comparisons(filter.part).map((inner) => ({ ...inner, path: filter.path }));
    default: {
      const { left, right } = filter;
      const operator = filter.kind === 'call' ? filter.name : filter.operator;
      return [
        {
          path: left.kind === 'path' ? left.path : '',
          value: right.kind === 'value' ? right.value : null,
          operator,
        },
      ];
    }
  }
}

function checkQuery(context: Context): void {
  const { filter, count, expand, raw } = context.query;
  if (filter === null) return;
  const isAdvanced = count && (context.headers['consistencylevel'] ?? '').toLowerCase() === 'eventual';
  if (isAdvanced) {
    if (expand.size > 0) throw unsupported('$expand is not supported with advanced queries.');
    if (context.path.length + raw.length > urlMax) throw unsupported('The URL of the request is too long.');
    return;
  }
  const all = comparisons(filter);
  if (filter.kind === 'or' && all.length > clausesMax)
    throw unsupported(
      `Too many child clauses specified in search filter expression containing 'OR' operators: ${all.length}. Max allowed: ${clausesMax}.`,
    );
  for (const { path, value, operator } of all) {
    if (typeof value === 'string' && value.length > valueMax) throw unsupported(`The value of '${path}' is too long.`);
    if (advancedOnly.has(path) || operator === 'ne' || operator === 'endswith')
      throw unsupported(`Unsupported Query: '${path}' with '${operator}' needs ConsistencyLevel: eventual and $count.`);
  }
}

const collectionOf: Readonly<Record<EntraKind, string>> = { user: 'users', group: 'groups', contact: 'contacts' };

/** What is shown unasked; the rest is there for who selects it. */
const shownUnasked: Readonly<Record<EntraKind, readonly string[]>> = {
  user: [
    'businessPhones',
    'displayName',
    'givenName',
    'jobTitle',
    'mail',
    'mobilePhone',
    'officeLocation',
    'preferredLanguage',
    'surname',
    'userPrincipalName',
  ],
  group: [
    'displayName',
    'description',
    'groupTypes',
    'mail',
    'mailEnabled',
    'mailNickname',
    'onPremisesSyncEnabled',
    'proxyAddresses',
    'securityEnabled',
  ],
  contact: [
    'addresses',
    'companyName',
    'department',
    'displayName',
    'givenName',
    'jobTitle',
    'mail',
    'mailNickname',
    'onPremisesSyncEnabled',
    'phones',
    'proxyAddresses',
    'surname',
  ],
};

function shown(context: Context, shape: DirectoryShape): Json {
  const { query } = context;
  const json = shape.json();
  const unasked = new Set(shownUnasked[shape.kind]);
  const chosen =
    query.select === null
      ? Object.fromEntries(Object.entries(json).filter(([name]) => name === 'id' || unasked.has(name)))
      : select(json, query);
  if (!query.expand.has('manager')) return chosen;
  const [id] = shape.references('manager');
  return id === undefined ? chosen : { ...chosen, manager: { '@odata.type': typeOf('user'), id } };
}

const entryOf = (context: Context, shape: DirectoryShape): Entry => ({
  subject: shape.subject(),
  json: () => shown(context, shape),
});

function* entries(context: Context, kind: EntraKind): Generator<Entry> {
  for (const shape of shapesOf(context.organization, kind)) yield entryOf(context, shape);
}

/** By id, or by sign-in name. */
function named(context: Context, kind: EntraKind, id: string): DirectoryShape {
  const shape = shapeOf(context.organization, id);
  if (shape?.kind === kind) return shape;
  if (kind === 'user') {
    const [entry] = context.organization.forest.first.having('userPrincipalName', id);
    const found = entry === undefined ? null : shapeOf(context.organization, entry.guid);
    if (found?.kind === 'user') return found;
  }
  throw noResource(id);
}

const references = (context: Context, ids: readonly string[]): Json => {
  const all = ids.flatMap((id) => {
    const shape = shapeOf(context.organization, id);
    return shape === null
      ? []
      : [{ subject: shape.subject(), json: () => ({ '@odata.type': typeOf(shape.kind), id }) }];
  });
  return page(context, 'directoryObjects', all, 100);
};

const reading: Readonly<Record<EntraKind, Permission>> = {
  user: 'usersRead',
  group: 'groupsRead',
  contact: 'orgContactsRead',
};

function routesOf(kind: EntraKind, parameter: string): readonly Route[] {
  const path = collectionOf[kind];
  const needs = reading[kind];
  const one = (context: Context, parameters: Parameters): DirectoryShape =>
    named(context, kind, parameters[parameter] ?? '');
  return [
    {
      method: 'GET',
      path,
      needs,
      isDirectory: true,
      run(context): Reply {
        checkQuery(context);
        return ok(page(context, path, entries(context, kind), 100));
      },
    },
    { method: 'GET', path: `${path}/delta`, needs, isDirectory: true, run: (context) => directoryDelta(context, kind) },
    {
      method: 'GET',
      path: `${path}/{${parameter}}`,
      needs,
      isDirectory: true,
      run: (context, parameters) =>
        ok({ '@odata.context': context.contextOf(`${path}/$entity`), ...shown(context, one(context, parameters)) }),
    },
    {
      method: 'GET',
      path: `${path}/{${parameter}}/memberOf`,
      needs,
      isDirectory: true,
      run: (context, parameters) => ok(references(context, one(context, parameters).references('memberOf'))),
    },
  ];
}

/** Users, groups and organizational contacts of the tenant. */
export const directoryRoutes: readonly Route[] = [
  ...routesOf('user', 'user'),
  ...routesOf('group', 'group'),
  ...routesOf('contact', 'contact'),
  {
    method: 'PATCH',
    path: 'users/{user}',
    needs: 'usersWrite',
    isDirectory: true,
    run(context, { user = '' }) {
      patchObject(context, named(context, 'user', user));
      return noContent;
    },
  },
  {
    method: 'DELETE',
    path: 'users/{user}',
    needs: 'usersWrite',
    isDirectory: true,
    run(context, { user = '' }) {
      removeObject(context, named(context, 'user', user));
      return noContent;
    },
  },
  {
    method: 'PUT',
    path: 'users/{user}/manager/$ref',
    needs: 'usersWrite',
    isDirectory: true,
    run(context, { user = '' }) {
      setManager(context, named(context, 'user', user), referenced(context));
      return noContent;
    },
  },
  {
    method: 'DELETE',
    path: 'users/{user}/manager/$ref',
    needs: 'usersWrite',
    isDirectory: true,
    run(context, { user = '' }) {
      setManager(context, named(context, 'user', user), null);
      return noContent;
    },
  },
  {
    method: 'POST',
    path: 'groups',
    needs: 'groupsWrite',
    isDirectory: true,
    run: (context) =>
      created({ '@odata.context': context.contextOf('groups/$entity'), ...shown(context, makeGroup(context)) }),
  },
  {
    method: 'PATCH',
    path: 'groups/{group}',
    needs: 'groupsWrite',
    isDirectory: true,
    run(context, { group = '' }) {
      patchObject(context, named(context, 'group', group));
      return noContent;
    },
  },
  {
    method: 'DELETE',
    path: 'groups/{group}',
    needs: 'groupsWrite',
    isDirectory: true,
    run(context, { group = '' }) {
      removeObject(context, named(context, 'group', group));
      return noContent;
    },
  },
  {
    method: 'GET',
    path: 'groups/{group}/members',
    needs: 'groupsRead',
    isDirectory: true,
    run: (context, { group = '' }) => ok(references(context, named(context, 'group', group).references('member'))),
  },
  {
    method: 'POST',
    path: 'groups/{group}/members/$ref',
    needs: 'membersWrite',
    isDirectory: true,
    run(context, { group = '' }) {
      addMember(context, named(context, 'group', group), referenced(context));
      return noContent;
    },
  },
  {
    method: 'DELETE',
    path: 'groups/{group}/members/{member}/$ref',
    needs: 'membersWrite',
    isDirectory: true,
    run(context, { group = '', member = '' }) {
      removeMember(context, named(context, 'group', group), member);
      return noContent;
    },
  },
];
