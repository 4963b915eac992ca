import type { Directory, DirectoryScope } from '#connectors/directory/contract.ts';
import { type LdapFilter, parseFilter } from '#connectors/directory/ldap/ldap-filter.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey, isUnder } from '#model/directory/distinguished-name.ts';
import type { DirectoryContext } from './directory-context.ts';
import { matchesFilter } from './matches-filter.ts';

/** Groups in groups that are followed: deeper ones are almost always a circle. */
const DEPTH_MAX = 32;
const BATCH = 500;

/** Which objects of one side a sync may look at and write. */
export interface Reach {
  contains(object: DirectoryObject): boolean;
  /** Members of the scope's groups; null: the scope names no groups. */
  readonly members: ReadonlySet<ObjectGuid> | null;
  /** Differs whenever the members may have changed; empty without groups. */
  readonly version: string;
}

/** Reads who is a member of the scope's groups by now, if it names any. */
export async function openReach(
  directory: Directory,
  scope: DirectoryScope,
  context: Pick<DirectoryContext, 'call'>,
): Promise<Reach> {
  const filter = scope.filter === null ? null : parseFilter(scope.filter);
  if (scope.memberOf.length === 0) return reach(scope, filter, null, '');
  const members = new Set<ObjectGuid>();
  const versions: string[] = [];
  const seen = new Set<string>();
  let groups: readonly DistinguishedName[] = scope.memberOf;
  for (let depth = 0; groups.length > 0 && depth < DEPTH_MAX; depth++) {
    const found = await readByDn(directory, groups, ['member'], context);
    const below: DistinguishedName[] = [];
    for (const group of found) {
      seen.add(dnKey(group.dn));
      const inside = (group.attributes['member'] ?? []) as readonly DistinguishedName[];
      if (depth === 0 || inside.length > 0) versions.push(`${group.guid} ${group.version}`);
      below.push(...inside);
    }
    if (depth > 0) for (const { guid } of found) members.add(guid);
    const unseen = below.filter((dn) => !seen.has(dnKey(dn)));
    for (const dn of unseen) seen.add(dnKey(dn));
    groups = unseen;
  }
  return reach(scope, filter, members, versions.sort().join(','));
}

async function readByDn(
  directory: Directory,
  dns: readonly DistinguishedName[],
  attributes: readonly string[],
  context: Pick<DirectoryContext, 'call'>,
): Promise<readonly DirectoryObject[]> {
  const objects: DirectoryObject[] = [];
  for (let at = 0; at < dns.length; at += BATCH) {
    const guids = await directory.resolve(dns.slice(at, at + BATCH), context.call());
    objects.push(...(await directory.read([...guids.values()], attributes, context.call())).values());
  }
  return objects;
}

const reach = (
  { under }: DirectoryScope,
  filter: LdapFilter | null,
  members: ReadonlySet<ObjectGuid> | null,
  version: string,
): Reach => ({
  members,
  version,
  contains: (object) =>
    (under.length === 0 || object.dn === '' || under.some((top) => isUnder(object.dn, top))) &&
    (filter === null || matchesFilter(filter, object)) &&
    (members === null || members.has(object.guid)),
});
