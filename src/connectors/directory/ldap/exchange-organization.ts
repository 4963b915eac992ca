import { FaultError } from '#kit/fault.ts';
import type { Context } from '../../contract.ts';
import type { DirectoryDescription } from '../contract.ts';
import type { Known } from './forest.ts';
import type { LdapEntry } from './ldap-answers.ts';
import { anyOf, equal, present } from './ldap-filter.ts';
import { asFault } from './ldap-results.ts';

/** The administrative group that Exchange 2007 and later make, and in which every recipient of theirs is named. */
const oneGroup = 'Exchange Administrative Group (FYDIBOHF23SPDLT)';

/** What the configuration partition says of Exchange; null: it was never set up in this forest. */
export async function readExchange(
  { controller, identity }: Known,
  context: Context,
): Promise<DirectoryDescription['exchange']> {
  if (identity.configurationDn === '') return null;
  const attributes = ['objectClass', 'legacyExchangeDN', 'name', 'rangeUpper'];
  const list = async (base: string, scope: 'base' | 'sub', objectClass: readonly string[]) => {
    try {
      const filter =
        objectClass.length === 0
          ? present('objectClass')
          : anyOf(...objectClass.map((name) => equal('objectClass', name)));
      return await controller.searchAll({ base, scope, filter, attributes, isLearning: true }, context);
    } catch (error) {
      const fault = asFault(error);
      if (fault instanceof FaultError && fault.fault.kind === 'gone') return [];
      throw fault;
    }
  };
  const one = (entry: LdapEntry | undefined, name: string) => entry?.values.get(name)?.[0]?.toString('utf8') ?? '';
  const is = (objectClass: string) => (entry: LdapEntry) =>
    (entry.values.get('objectClass') ?? []).some((value) => value.toString('utf8') === objectClass);
  const entries = await list(`CN=Microsoft Exchange,CN=Services,${identity.configurationDn}`, 'sub', [
    'msExchOrganizationContainer',
    'msExchAdminGroup',
  ]);
  const organization = entries.find(is('msExchOrganizationContainer'));
  if (organization === undefined) return null;
  const groups = entries.filter(is('msExchAdminGroup'));
  const group = groups.find((each) => one(each, 'name') === oneGroup) ?? groups[0];
  const legacyExchangeDn = one(organization, 'legacyExchangeDN') || `/o=${one(organization, 'name')}`;
  const version =
    identity.schemaDn === ''
      ? undefined
      : (await list(`CN=ms-Exch-Schema-Version-Pt,${identity.schemaDn}`, 'base', []))[0];
  const upper = one(version, 'rangeUpper');
  return {
    organization: one(organization, 'name'),
    legacyExchangeDn,
    administrativeGroupDn: one(group, 'legacyExchangeDN') || `${legacyExchangeDn}/ou=${oneGroup}`,
    schemaVersion: /^\d+$/.test(upper) ? Number(upper) : null,
  };
}
