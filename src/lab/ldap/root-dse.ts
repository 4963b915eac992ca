import type { Controller } from '../world/directory/controller.ts';
import type { Forest } from '../world/directory/forest.ts';
import { generalizedTime } from '../world/directory/schema.ts';
import { controlOids } from './controls.ts';
import type { AttributeValues } from './message.ts';

export const extendedOids = { startTls: '1.3.6.1.4.1.1466.20037', whoAmI: '1.3.6.1.4.1.4203.1.11.3' } as const;

/** What a controller says of itself, also to who has not signed in. [MS-ADTS] 3.1.1.3.2 */
export function rootDse(
  forest: Forest,
  at: Controller,
  wanted: readonly string[],
  nowMs: number,
  hasStartTls: boolean,
): readonly AttributeValues[] {
  const contexts = [at.domain, at.configuration, at.schema].map((root) => at.dnOf(root));
  const [domain = '', configuration = '', schema = ''] = contexts;
  const [host = '', ...labels] = at.name.split('.');
  const isCatalogue = forest.domains.some(({ first }) => first === at);
  const site = `CN=Servers,CN=Default-First-Site-Name,CN=Sites,${configuration}`;
  const all: Readonly<Record<string, readonly string[]>> = {
    currentTime: [generalizedTime(nowMs)],
    subschemaSubentry: [`CN=Aggregate,${schema}`],
    dsServiceName: [`CN=NTDS Settings,CN=${host.toUpperCase()},${site}`],
    serverName: [`CN=${host.toUpperCase()},${site}`],
    dnsHostName: [at.name],
    ldapServiceName: [`${forest.domain}:${host}$@${labels.join('.').toUpperCase()}`],
    defaultNamingContext: [domain],
    rootDomainNamingContext: [forest.domainDn],
    configurationNamingContext: [configuration],
    schemaNamingContext: [schema],
    namingContexts: contexts,
    highestCommittedUSN: [String(at.usn)],
    supportedControl: Object.values(controlOids),
    supportedLDAPVersion: ['3', '2'],
    // Active Directory, its LDAP Integration, and those of Windows Server 2003 to 2012.
    supportedCapabilities: [
      '1.2.840.113556.1.4.800',
      '1.2.840.113556.1.4.1670',
      '1.2.840.113556.1.4.1791',
      '1.2.840.113556.1.4.1935',
      '1.2.840.113556.1.4.2080',
      '1.2.840.113556.1.4.2237',
    ],
    supportedExtension: [...(hasStartTls ? [extendedOids.startTls] : []), extendedOids.whoAmI],
    supportedSASLMechanisms: [],
    isSynchronized: ['TRUE'],
    isGlobalCatalogReady: [isCatalogue ? 'TRUE' : 'FALSE'],
    // 7: Windows Server 2016
    domainFunctionality: ['7'],
    forestFunctionality: ['7'],
    domainControllerFunctionality: ['7'],
  };
  const asked = new Set(wanted.map((name) => name.toLowerCase()));
  const shown = Object.entries(all).filter(
    ([name, values]) =>
      values.length > 0 && (asked.size === 0 || asked.has('*') || asked.has('+') || asked.has(name.toLowerCase())),
  );
  return shown.map(([name, values]) => ({ name, values: values.map((value) => Buffer.from(value)) }));
}
