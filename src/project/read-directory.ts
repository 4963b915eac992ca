import { resolve } from 'node:path';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { parseDn } from '#model/directory/distinguished-name.ts';
import {
  type AttributeRule,
  type BySide,
  defaultDirectorySyncPolicy as byDefault,
  type DirectorySyncPolicy,
  type MatchRule,
  type Transform,
} from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { readCsv } from './csv.ts';
import { ProjectError } from './problem.ts';
import type { DirectoryAccess, DirectoryPairs, DirectorySync, Organization } from './project.ts';
import type { ProjectFile } from './schema.ts';
import type { Secret } from './secret.ts';
import { didYouMean } from './suggest.ts';
import { parsePercent } from './values.ts';

/** Where problems go that the schema cannot see. */
export interface Complaints {
  complain(path: readonly PropertyKey[], message: string): void;
}

type WrittenSync = NonNullable<ProjectFile['directory']>[string];
type WrittenAccess = NonNullable<ProjectFile['organizations'][string]['directory']>;
type WrittenPairs = NonNullable<ProjectFile['collections'][string]['pairs']['directory']>;

export function directoryAccessOf(written: WrittenAccess, secret: (reference: string) => Secret): DirectoryAccess {
  const domains = written.domains.map((domain) => domain.toLowerCase());
  if ('kind' in written) return { kind: 'entra', endpoint: written.endpoint ?? null, domains };
  return {
    kind: 'ad',
    urls: [written.url].flat(),
    startTls: written.startTls ?? false,
    user: written.user.startsWith('env:') ? secret(written.user) : written.user,
    password: secret(written.password),
    domains,
  };
}

/** Relative to the folder of the project file; names of collections are plain. */
export const directoryPairsFile = (collection: string): string => `.causeway/pairs/${collection}.csv`;

export const directoryPairsOf = (collection: string, written: WrittenPairs, directory: string): DirectoryPairs => ({
  collection,
  sync: written.sync,
  under: dns(written.under),
  memberOf: dns(written.memberOf),
  attributes: written.attributes ?? {},
  kinds: written.kinds ?? ['person', 'shared', 'resource'],
  collision: written.collision ?? 'refuse',
  file: resolve(directory, directoryPairsFile(collection)),
});

/** @param read The text of a file by its path as written. Throws ProjectError. */
export function directorySyncOf(
  name: string,
  written: WrittenSync,
  organizations: ReadonlyMap<string, Organization>,
  complaints: Complaints,
  read: (path: string) => string,
): DirectorySync {
  const complain = (path: readonly PropertyKey[], message: string) =>
    complaints.complain(['directory', name, ...path], message);
  for (const side of ['source', 'target'] as const) {
    const organization = organizations.get(written[side]);
    if (organization === undefined)
      complain(
        [side],
        `no organization is called ${written[side]}${didYouMean(written[side], [...organizations.keys()]) || `; there are ${[...organizations.keys()].join(', ')}`}`,
      );
    else if (organization.directory === null)
      complain([side], `${written[side]} has no directory block: write its url, user, password and domains there`);
    else complainOfSide(side, organization);
  }
  function complainOfSide(side: 'source' | 'target', { name: organization, directory, signIn }: Organization): void {
    const isDn = (text: string) => (parseDn(text)?.length ?? 0) > 0;
    const { under = [], memberOf = [] } = written.scope?.[side] ?? {};
    if (directory?.kind === 'entra') {
      if (signIn.method !== 'oauth')
        complain([side], `${organization} signs in by ${signIn.method}, and Graph takes OAuth only`);
      if (under.length > 0)
        complain(['scope', side, 'under'], 'a tenant has no tree: choose by filter or memberOf, or leave it out');
      return;
    }
    const into = written.into?.[side];
    if (into !== undefined && !isDn(into))
      complain(['into', side], 'this must be a distinguished name such as OU=Staff,DC=old,DC=example');
    for (const [at, group] of memberOf.entries())
      if (!isDn(group))
        complain(['scope', side, 'memberOf', at], 'this must be a distinguished name such as CN=All,DC=old,DC=example');
  }
  if (written.source === written.target) complain(['target'], 'source and target are the same organization');
  const direction = written.direction ?? byDefault.direction;
  if (direction === 'one-way' && written.into?.source !== undefined)
    complain(['into', 'source'], 'one-way writes to the target only, so nothing is made on the source');
  const csv = (path: readonly PropertyKey[], file: string, columns: readonly string[]) => {
    const found = csvColumns(file, columns, read);
    if (typeof found !== 'string') return found;
    complain(path, found);
    return [];
  };
  const sides = { left: organizations.get(written.source), right: organizations.get(written.target) };
  const domains = { left: sides.left?.directory?.domains ?? [], right: sides.right?.directory?.domains ?? [] };
  const shared = (written.sharedDomains ?? []).map((domain) => domain.toLowerCase());
  for (const domain of domains.left)
    if (domains.right.includes(domain) && !shared.includes(domain))
      complain(
        [],
        `both organizations accept mail for ${domain}: name it under sharedDomains, or under one of them only`,
      );
  const own = new Set([...domains.left, ...domains.right]);
  const policy: DirectorySyncPolicy = {
    sync: name,
    direction,
    into: {
      left: (written.into?.source ?? null) as DistinguishedName | null,
      right: (written.into?.target ?? null) as DistinguishedName | null,
    },
    tree: written.tree ?? byDefault.tree,
    roots: { left: dns(written.scope?.source?.under), right: dns(written.scope?.target?.under) },
    match:
      written.match?.map((rule, at): MatchRule => {
        if (typeof rule === 'string') return { by: rule };
        if ('attribute' in rule) {
          const both = typeof rule.attribute === 'string' ? null : rule.attribute;
          const one = typeof rule.attribute === 'string' ? rule.attribute : '';
          return { by: 'attribute', left: both?.source ?? one, right: both?.target ?? one };
        }
        const rows = csv(['match', at], rule.csv, ['source', 'target']);
        return { by: 'csv', pairs: rows.map(([left = '', right = '']) => ({ left, right })) };
      }) ?? byDefault.match,
    people: written.people ?? byDefault.people,
    shared: written.shared ?? byDefault.shared,
    resources: written.resources ?? byDefault.resources,
    contacts: written.contacts ?? byDefault.contacts,
    groups: written.groups ?? byDefault.groups,
    disabled: written.disabled ?? byDefault.disabled,
    targetMailboxes: written.targetMailboxes ?? byDefault.targetMailboxes,
    routing: bySide(written.routing, (domain) => domain?.toLowerCase() ?? null),
    domains,
    sharedDomains: shared,
    foreignDomains: [...organizations.values()]
      .filter(({ name: organization }) => organization !== written.source && organization !== written.target)
      .flatMap(({ directory }) => directory?.domains ?? [])
      .filter((domain) => !own.has(domain)),
    addresses: bySide(written.addresses, (templates) => templates ?? []),
    addressBook: bySide(written.addressBook, dns),
    attributes: Object.fromEntries(
      Object.entries(written.attributes ?? {}).map(([attribute, rule]): [string, AttributeRule] => {
        if (typeof rule === 'string') return [attribute, { flow: rule }];
        const on: Side = rule.on === 'source' ? 'left' : 'right';
        return [attribute, { flow: 'set', on, value: transformOf(rule, attribute) }];
      }),
    ),
    conflict: written.conflict ?? byDefault.conflict,
    nameTaken: written.nameTaken ?? byDefault.nameTaken,
    collision: written.collision ?? byDefault.collision,
    hybrid: written.hybrid ?? byDefault.hybrid,
    mark: written.mark === false ? null : (written.mark ?? byDefault.mark),
    outOfScope: written.outOfScope ?? byDefault.outOfScope,
    maxDelete: {
      share: parsePercent(written.maxDelete?.share ?? '') ?? byDefault.maxDelete.share,
      atLeast: written.maxDelete?.atLeast ?? byDefault.maxDelete.atLeast,
    },
  };
  function transformOf(
    rule: Exclude<NonNullable<WrittenSync['attributes']>[string], string>,
    attribute: string,
  ): Transform {
    if ('constant' in rule) return { kind: 'constant', values: [rule.constant].flat() };
    if ('template' in rule) return { kind: 'template', template: rule.template };
    if ('map' in rule)
      return {
        kind: 'map',
        from: rule.map.from,
        to: rule.map.values,
        otherwise: rule.map.otherwise ?? 'keep',
      };
    const rows = new Map<string, string[]>();
    for (const [key = '', value = ''] of csv(['attributes', attribute], rule.csv.file, ['key', 'value']))
      rows.set(key, [...(rows.get(key) ?? []), value]);
    return { kind: 'csv', key: rule.csv.key, rows: Object.fromEntries(rows) };
  }
  const scope = (side: 'source' | 'target') => ({
    under: dns(written.scope?.[side]?.under),
    filter: written.scope?.[side]?.filter ?? null,
    memberOf: dns(written.scope?.[side]?.memberOf),
  });
  return {
    name,
    source: written.source,
    target: written.target,
    policy,
    scope: { left: scope('source'), right: scope('target') },
    everyMs: (written.everyMinutes ?? 15) * 60_000,
  };
}

const dns = (written: readonly string[] | undefined): readonly DistinguishedName[] =>
  (written ?? []) as readonly DistinguishedName[];

const bySide = <From, To>(
  written: { readonly source?: From | undefined; readonly target?: From | undefined } | undefined,
  make: (value: From | undefined) => To,
): BySide<To> => ({ left: make(written?.source), right: make(written?.target) });

/** @returns rows of the wanted columns, or what is wrong with the file. */
function csvColumns(
  file: string,
  columns: readonly string[],
  read: (path: string) => string,
): readonly (readonly string[])[] | string {
  let text: string;
  try {
    text = read(file);
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    return `${file} ${error.problems[0]?.message ?? 'cannot be read'}`;
  }
  const { rows, problems } = readCsv(text);
  const [wrong] = problems;
  if (wrong) return `${file}:${wrong.line}:${wrong.column}: ${wrong.message}`;
  const [header = [], ...body] = rows;
  const names = header.map(({ text: name }) => name.toLowerCase());
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) return `${file}: the header line names no column ${missing.join(', ')}`;
  const empty = body.find((row) => columns.some((column) => (row[names.indexOf(column)]?.text ?? '') === ''));
  if (empty) return `${file}:${empty[0]?.line ?? 0}: ${columns.join(' or ')} is empty`;
  return body.map((row) => columns.map((column) => row[names.indexOf(column)]?.text ?? ''));
}
