import { FaultError } from '#kit/fault.ts';
import type { Context } from '../../contract.ts';
import type { Controller } from './controller.ts';
import { guidOfBytes } from './guids.ts';
import { asFault } from './ldap-results.ts';

/** What a server says of itself in the root of its tree ([MS-ADTS] 3.1.1.3.2). */
export interface ServerIdentity {
  /** Lower case. */
  readonly dnsHostName: string;
  /** DN of its domain; of the root domain, the configuration and the schema. Empty: it does not say. */
  readonly domainDn: string;
  readonly rootDn: string;
  readonly configurationDn: string;
  readonly schemaDn: string;
  /**
   * Differs between two databases, and after one was restored from a backup ([MS-ADTS] 3.1.1.1.9): numbers of changes count only together
   * with it.
   */
  readonly invocationId: string;
  /** Whether it takes `<GUID=…>` in place of a DN. */
  readonly takesGuids: boolean;
  readonly controls: ReadonlySet<string>;
  readonly vendor: string | null;
  /** Functional level of the controller; null: not said. */
  readonly level: number | null;
}

const activeDirectoryOid = '1.2.840.113556.1.4.800';

async function readRoot(controller: Controller, attributes: readonly string[], context: Context) {
  const { entries } = await controller.search({ base: '', scope: 'base', attributes, isLearning: true }, context);
  const values = new Map<string, readonly string[]>();
  for (const [name, list] of entries[0]?.values ?? []) {
    values.set(
      name.toLowerCase(),
      list.map((value) => value.toString('utf8')),
    );
  }
  return (name: string) => values.get(name.toLowerCase()) ?? [];
}

export async function readIdentity(controller: Controller, context: Context): Promise<ServerIdentity> {
  try {
    const root = await readRoot(
      controller,
      [
        ...['dnsHostName', 'dsServiceName', 'defaultNamingContext', 'rootDomainNamingContext', 'supportedCapabilities'],
        ...['configurationNamingContext', 'schemaNamingContext', 'supportedControl', 'vendorName', 'vendorVersion'],
        'domainControllerFunctionality',
      ],
      context,
    );
    const one = (name: string) => root(name)[0] ?? '';
    const domainDn = one('defaultNamingContext');
    if (domainDn === '') {
      const detail = `${controller.peer} is an LDAP server but no domain controller: it names no default naming context`;
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail });
    }
    const service = one('dsServiceName');
    let invocationId: string | null = null;
    if (service !== '') {
      const { entries } = await controller.search(
        { base: service, scope: 'base', attributes: ['invocationId'], isLearning: true },
        context,
      );
      const bytes = entries[0]?.values.get('invocationId')?.[0];
      invocationId = bytes === undefined ? null : guidOfBytes(bytes);
    }
    const level = one('domainControllerFunctionality');
    return {
      dnsHostName: (one('dnsHostName') || controller.endpoint.host).toLowerCase(),
      domainDn,
      rootDn: one('rootDomainNamingContext') || domainDn,
      configurationDn: one('configurationNamingContext'),
      schemaDn: one('schemaNamingContext'),
      invocationId: invocationId ?? (service || controller.peer),
      takesGuids: root('supportedCapabilities').includes(activeDirectoryOid),
      controls: new Set(root('supportedControl')),
      vendor: one('vendorName') === '' ? null : `${one('vendorName')} ${one('vendorVersion')}`.trim(),
      level: /^\d+$/.test(level) ? Number(level) : null,
    };
  } catch (error) {
    throw asFault(error);
  }
}

/** Number of the last change in the server's database; null: it does not count. */
export async function readHighestUsn(controller: Controller, context: Context): Promise<bigint | null> {
  const root = await readRoot(controller, ['highestCommittedUSN'], context);
  const usn = root('highestCommittedUSN')[0] ?? '';
  return /^\d+$/.test(usn) ? BigInt(usn) : null;
}

const levels: Readonly<Record<number, string>> = {
  0: '2000',
  2: '2003',
  3: '2008',
  4: '2008 R2',
  5: '2012',
  6: '2012 R2',
  7: '2016',
  10: '2025',
};

export const isSamba = ({ vendor }: ServerIdentity): boolean => vendor !== null && /samba/i.test(vendor);

/** In words, for reports. */
export function productOf(identity: ServerIdentity): string {
  const { vendor, level } = identity;
  const behind = level === null ? '' : ` (level ${level}${levels[level] === undefined ? '' : `, as ${levels[level]}`})`;
  if (vendor === null) return `Active Directory${behind}`;
  return `${isSamba(identity) ? 'Samba' : vendor.slice(0, 60)}${behind}`;
}
