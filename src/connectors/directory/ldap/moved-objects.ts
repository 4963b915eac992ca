import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { Context } from '../../contract.ts';
import type { Domain, Known } from './forest.ts';
import { bytesOfGuid, guidOfBytes } from './guids.ts';
import type { LdapEntry } from './ldap-answers.ts';
import { allOf, anyOf, atLeast, equal, type LdapFilter } from './ldap-filter.ts';
import { LdapRefusal } from './ldap-results.ts';
import { extendedDnControl, showDeletedControl } from './search-controls.ts';

/**
 * Moves between the domains of a forest that are only half known. The controllers of the old domain hear of a move by a deleted object of
 * class infrastructureUpdate that names the one that was moved, and let go of it ([MS-ADTS] 3.1.1.5.4.2.3); those of the new one hear of it
 * by replication, perhaps hours later. In between nobody who is asked has the object, and it is not gone.
 */

/** Replication between sites takes hours at most; clocks may be wrong by a day. */
const lookBackMs = 3 * 24 * 3_600_000;
const guidsPerSearch = 100;

/** Those of the missing objects that were moved and have come nowhere yet. Who does not see deleted objects sees none. */
export async function onTheirWay(
  missing: readonly ObjectGuid[],
  forest: readonly { readonly domain: Domain; readonly known: Known }[],
  nowMs: number,
  context: Context,
): Promise<readonly ObjectGuid[]> {
  const since = `${new Date(nowMs - lookBackMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}.0Z`;
  const proxies = allOf(equal('objectClass', 'infrastructureUpdate'), atLeast('whenCreated', since));
  const moved = new Set<ObjectGuid>();
  for (const { domain, known } of forest)
    for (const entry of await deleted(known, `CN=Deleted Objects,${domain.dn}`, 'one', proxies, context)) {
      const hex = /<GUID=([0-9a-f]{32})>/i.exec(first(entry, 'proxiedObjectName').toString('utf8'))?.[1] ?? '';
      const guid = guidOfBytes(Buffer.from(hex, 'hex'));
      if (guid !== null) moved.add(guid);
    }
  const left = new Set(missing.filter((guid) => moved.has(guid)));
  // Deleted since, where it had come to: that is told by its tombstone.
  for (const { domain, known } of forest) {
    const asked = [...left];
    for (let at = 0; at < asked.length; at += guidsPerSearch) {
      const these = asked.slice(at, at + guidsPerSearch).flatMap((guid) => {
        const bytes = bytesOfGuid(guid);
        return bytes === null ? [] : [equal('objectGUID', bytes)];
      });
      const filter = allOf(anyOf(...these), equal('isDeleted', 'TRUE'));
      for (const entry of await deleted(known, domain.dn, 'sub', filter, context)) {
        const guid = guidOfBytes(first(entry, 'objectGUID'));
        if (guid !== null) left.delete(guid);
      }
    }
  }
  return [...left];
}

async function deleted(
  { controller }: Known,
  base: string,
  scope: 'one' | 'sub',
  filter: LdapFilter,
  context: Context,
): Promise<readonly LdapEntry[]> {
  const attributes = ['objectGUID', 'proxiedObjectName'];
  const controls = [showDeletedControl(), extendedDnControl()];
  try {
    return await controller.searchAll({ base, scope, filter, attributes, controls }, context);
  } catch (error) {
    if (error instanceof LdapRefusal && [32, 50].includes(error.code)) return [];
    throw error;
  }
}

const first = ({ values }: LdapEntry, name: string): Buffer => values.get(name)?.[0] ?? Buffer.alloc(0);
