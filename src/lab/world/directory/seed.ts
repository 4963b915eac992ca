import type { LabVersion } from '../../seams.ts';
import { digest, guidOf } from '../account.ts';
import type { MailboxEntry } from '../organization.ts';
import { givenNames, surnames } from '../person-names.ts';
import { comparable, formatDn, guidBytes } from './dn.ts';
import type { EntrySeed, Values } from './entry.ts';
import { attributeRows, categories, classRow, type Syntax, type Value } from './schema.ts';

/** What a forest is made from. */
export interface ForestSeed {
  readonly seed: string;
  /** Name of the organization. */
  readonly name: string;
  readonly version: LabVersion;
  /** DNS name of its first domain, by which the forest goes. */
  readonly domain: string;
  /** Those of its other domains: below one that stands before it (`child.source.test`), or the first of another tree. */
  readonly otherDomains?: readonly string[];
  /** Their accounts are spread over the domains, one after the other. */
  readonly mailboxes: readonly MailboxEntry[];
  /** Mailboxes of rooms and those that several people share. */
  readonly resources: readonly ResourceEntry[];
  /** GUID of the mailbox behind an address now; null: it was taken away. */
  readonly mailboxGuid: (address: string) => string | null;
  /** Sign-in names of the two accounts without a mailbox. */
  readonly admin: string;
  readonly restricted: string;
  /** Number of directory objects that are neither accounts nor the server's: default by the number of mailboxes. */
  readonly groups?: number;
  readonly contacts?: number;
}

export interface ResourceEntry extends MailboxEntry {
  readonly kind: 'room' | 'equipment' | 'shared';
}

/** What the forest of an organization has from the beginning, and what its parts are called. */
export interface ForestPlan {
  /** The root domain first. */
  readonly domains: readonly DomainPlan[];
  readonly names: ExchangeNames;
  readonly lastRid: number;
}

/** One domain of it. */
export interface DomainPlan {
  /** DNS name. */
  readonly name: string;
  readonly dn: string;
  readonly netbios: string;
  /** Beginning of its accounts' SIDs; four bytes are missing. */
  readonly sid: Buffer;
  /** Host names of its two controllers. */
  readonly hosts: readonly [string, string];
  /** GUIDs of the databases of both. */
  readonly invocationIds: readonly [string, string];
  /** What its controllers hold: the domain itself, and with all others the configuration and the schema. */
  readonly seeds: readonly EntrySeed[];
}

/** Where Exchange keeps what recipients point at. */
export interface ExchangeNames {
  /** `/o=Source` */
  readonly organizationDn: string;
  /** `/o=Source/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)` */
  readonly administrativeGroupDn: string;
  readonly database: string;
  readonly serverLegacyDn: string;
  readonly globalAddressList: string;
  readonly addressLists: Readonly<Record<'people' | 'rooms' | 'groups' | 'contacts', string>>;
  /** msExchVersion of objects that this version makes; null: it has none. */
  readonly objectVersion: string | null;
  readonly defaultPolicy: string;
}

/** Excludes an object from all address policies. (Get-EmailAddressPolicy; EmailAddressPolicyEnabled false) */
export const excludedFromPolicies = '{26491CFC-9E50-4857-861B-0CB8DF22B5D7}';

const departments = ['Sales', 'Research', 'Production', 'Finance', 'Support'] as const;
const offices = ['Berlin', 'Paris', 'Prague'] as const;
const titles = ['Engineer', 'Assistant', 'Head of department', 'Clerk', 'Analyst'] as const;

const oids: Readonly<Record<Syntax, string>> = {
  text: '2.5.5.12',
  exact: '2.5.5.5',
  integer: '2.5.5.9',
  large: '2.5.5.16',
  boolean: '2.5.5.8',
  time: '2.5.5.11',
  octets: '2.5.5.10',
  sid: '2.5.5.17',
  dn: '2.5.5.1',
  'dn-binary': '2.5.5.7',
  oid: '2.5.5.2',
};

/** rangeUpper of ms-Exch-Schema-Version-Pt. (Exchange doc: prepare-ad-and-domains) */
const schemaVersions: Readonly<Record<LabVersion, string>> = {
  '2003': '6870',
  '2007': '11116',
  '2010': '14732',
  '2013': '15292',
  '2016': '15326',
  se: '17003',
  online: '17003',
};

const objectVersions: Readonly<Record<LabVersion, string | null>> = {
  '2003': null,
  '2007': '4535486012416',
  '2010': '44220983382016',
  '2013': '88218628259840',
  '2016': '88218628259840',
  se: '88218628259840',
  online: '1125899906842624',
};

const serials: Readonly<Record<LabVersion, string>> = {
  '2003': 'Version 6.5 (Build 7638.2: Service Pack 2)',
  '2007': 'Version 8.1 (Build 30240.6)',
  '2010': 'Version 14.2 (Build 30247.5)',
  '2013': 'Version 15.0 (Build 30847.32)',
  '2016': 'Version 15.1 (Build 30669.32)',
  se: 'Version 15.2 (Build 32562.17)',
  online: 'Version 15.20 (Build 39500.20)',
};

/** One of the list and each so many after it. */
function every<T>(list: readonly T[], first: number, step: number): readonly T[] {
  const chosen: T[] = [];
  for (let at = first; at < list.length; at += step) chosen.push(list[at] as T);
  return chosen;
}

export function planForest(from: ForestSeed): ForestPlan {
  return new Planner(from).plan();
}

const schemaGuids = new Map<string, string>();
/** Objects of the schema have the same GUIDs in every forest of the lab, so that they are made once. */
function schemaGuid(name: string): string {
  const known = schemaGuids.get(name) ?? guidOf('schema', name);
  schemaGuids.set(name, known);
  return known;
}

type Given = Readonly<Record<string, Value | readonly Value[] | null | undefined>>;

/** A domain while it is planned. */
interface Planned extends Omit<DomainPlan, 'seeds'> {
  readonly root: EntrySeed;
}

class Planner {
  readonly #from: ForestSeed;
  readonly #seeds: EntrySeed[] = [];
  readonly #accountNames = new Set<string>();
  #rid = 1100;

  constructor(from: ForestSeed) {
    this.#from = from;
  }

  /** @param at its place among the domains of the forest, from 0. Controllers are counted through: DC1 and DC2, then DC3 and DC4. */
  #domain(name: string, at: number): Planned {
    const { seed, domain } = this.#from;
    const dn = formatDn(name.split('.').map((value) => ({ attribute: 'DC', value })));
    // S-1-5-21-x-y-z; the relative identifier of each account makes it five.
    const head = Buffer.from([1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]);
    const sid = Buffer.concat([head, digest('domain sid', seed, name).subarray(0, 12)]);
    const [first, second] = [2 * at + 1, 2 * at + 2];
    return {
      name,
      dn,
      netbios: (name.split('.')[0] ?? '').toUpperCase().slice(0, 15),
      sid,
      hosts: [`dc${first}.${name}`, `dc${second}.${name}`],
      invocationIds: [guidOf('invocation', seed, domain, first), guidOf('invocation', seed, domain, second)],
      root: this.#put(null, 'DC', dn, 'domainDNS', () => ({ objectSid: sidOfDomain(sid) })),
    };
  }

  #guid(...path: readonly string[]): string {
    return guidOf('directory', this.#from.seed, this.#from.domain, ...path);
  }

  /** @param values attributes besides those that the class brings; derived when they are looked at. */
  #put(
    parent: EntrySeed | null,
    attribute: string,
    value: string,
    className: string,
    values: () => Given = () => ({}),
    guid?: string,
  ): EntrySeed {
    const row = classRow(className);
    if (row === null) throw new Error(`the schema has no class ${className}`);
    const path = `${parent === null ? '' : parent.guid}/${attribute}=${comparable(value)}`;
    const category = schemaGuid(row.category);
    const seed: EntrySeed = {
      guid: guid ?? this.#guid(path),
      parent,
      rdn: { attribute, value },
      values: () => {
        const all = new Map<string, readonly Value[]>([
          ['objectclass', row.chain],
          ['instancetype', [parent === null ? '5' : '4']],
          ['objectcategory', [category]],
        ]);
        for (const [name, given] of Object.entries(values())) {
          if (given === null || given === undefined || (Array.isArray(given) && given.length === 0)) continue;
          all.set(name.toLowerCase(), Array.isArray(given) ? given : [given as Value]);
        }
        return all as Values;
      },
    };
    this.#seeds.push(seed);
    return seed;
  }

  plan(): ForestPlan {
    const { domain, otherDomains = [], version, name } = this.#from;
    const first = this.#domain(domain, 0);
    const domains = [first, ...otherDomains.map((other, at) => this.#domain(other, at + 1))];
    const configuration = this.#put(null, 'CN', `CN=Configuration,${first.dn}`, 'configuration');
    const schema = this.#put(null, 'CN', `CN=Schema,CN=Configuration,${first.dn}`, 'dMD');
    this.#schema(schema);

    // Exchange in the configuration partition
    const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    const groupName =
      version === '2003' ? 'First Administrative Group' : 'Exchange Administrative Group (FYDIBOHF23SPDLT)';
    const organizationDn = `/o=${title}`;
    const administrativeGroupDn = `${organizationDn}/ou=${groupName}`;
    const serverLegacyDn = `${administrativeGroupDn}/cn=Configuration/cn=Servers/cn=EX1`;
    this.#partitions(configuration, schema, domains);
    this.#controllers(configuration, schema, domains);
    const services = this.#put(configuration, 'CN', 'Services', 'container');
    const exchange = this.#put(services, 'CN', 'Microsoft Exchange', 'msExchConfigurationContainer');
    const organization = this.#put(exchange, 'CN', title, 'msExchOrganizationContainer', () => ({
      legacyExchangeDN: organizationDn,
      msExchProductId: version === '2003' ? null : serials[version].replace(/^Version /, '').replace(/ .*/, ''),
    }));
    const groups = this.#put(organization, 'CN', 'Administrative Groups', 'msExchAdminGroupContainer');
    const group = this.#put(groups, 'CN', groupName, 'msExchAdminGroup', () => ({
      legacyExchangeDN: administrativeGroupDn,
    }));
    const servers = this.#put(group, 'CN', 'Servers', 'msExchServersContainer');
    const server = this.#put(servers, 'CN', 'EX1', 'msExchExchangeServer', () => ({
      legacyExchangeDN: serverLegacyDn,
      networkAddress: [`ncacn_ip_tcp:mail.${domain}`],
      serialNumber: serials[version],
      msExchServerRole: version === '2003' ? null : '54',
    }));
    const store = this.#put(server, 'CN', 'InformationStore', 'msExchInformationStore');
    // Databases belong to the organization from 2010 on.
    const isOld = version === '2003' || version === '2007';
    const databases = isOld
      ? this.#put(store, 'CN', 'First Storage Group', 'msExchStorageGroup')
      : this.#put(group, 'CN', 'Databases', 'container');
    const database = this.#put(databases, 'CN', 'DB1', 'msExchPrivateMDB', () => ({
      legacyExchangeDN: `${serverLegacyDn}/cn=Microsoft Private MDB`,
    }));
    const policies = this.#put(organization, 'CN', 'Recipient Policies', 'container');
    const policy = this.#put(policies, 'CN', 'Default Policy', 'msExchRecipientPolicy', () => ({
      gatewayProxy: [`SMTP:%m@${domain}`],
    }));
    const lists = this.#put(organization, 'CN', 'Address Lists Container', 'container');
    const global = this.#put(lists, 'CN', 'All Global Address Lists', 'addressBookContainer');
    const gal = this.#put(global, 'CN', 'Default Global Address List', 'addressBookContainer');
    const all = this.#put(lists, 'CN', 'All Address Lists', 'addressBookContainer');
    const list = (what: string): string => this.#put(all, 'CN', what, 'addressBookContainer').guid;
    const names: ExchangeNames = {
      organizationDn,
      administrativeGroupDn,
      serverLegacyDn,
      database: database.guid,
      globalAddressList: gal.guid,
      addressLists: {
        people: list('All Users'),
        rooms: list('All Rooms'),
        groups: list('All Groups'),
        contacts: list('All Contacts'),
      },
      objectVersion: objectVersions[version],
      defaultPolicy: policy.guid,
    };

    for (const one of domains) {
      const { root } = one;
      this.#put(root, 'CN', 'Deleted Objects', 'container');
      this.#put(root, 'CN', 'LostAndFound', 'lostAndFound');
      this.#put(root, 'CN', 'Microsoft Exchange System Objects', 'msExchSystemObjectsContainer');
      this.#put(root, 'OU', 'Other forest', 'organizationalUnit');
      const users = this.#put(root, 'CN', 'Users', 'container');
      // Accounts of the first domain sign in at the controllers of all: domains of a forest trust each other.
      const admin = one === first ? this.#account(one, users, 'Migration', this.#from.admin) : null;
      if (one === first) this.#account(one, users, 'Restricted', this.#from.restricted);
      this.#group(one, users, 'Domain Users', { groupType: '-2147483646' });
      this.#group(one, users, 'Domain Admins', {
        groupType: '-2147483646',
        member: admin === null ? [] : [admin.guid],
      });
    }
    this.#recipients(domains, names);
    const rootOf = (seed: EntrySeed): EntrySeed => (seed.parent === null ? seed : rootOf(seed.parent));
    return {
      domains: domains.map(({ root, ...one }) => ({
        ...one,
        seeds: this.#seeds.filter((seed) => [root, configuration, schema].includes(rootOf(seed))),
      })),
      names,
      lastRid: this.#rid,
    };
  }

  #schema(schema: EntrySeed): void {
    for (const row of attributeRows)
      this.#put(
        schema,
        'CN',
        row.name,
        'attributeSchema',
        () => ({
          lDAPDisplayName: row.name,
          attributeSyntax: oids[row.syntax],
          isSingleValued: row.single ? 'TRUE' : 'FALSE',
          rangeUpper: row.rangeUpper === null ? null : String(row.rangeUpper),
          linkID: row.link === null ? null : String(row.link),
          isMemberOfPartialAttributeSet: row.isInCatalogue ? 'TRUE' : null,
        }),
        schemaGuid(row.name),
      );
    for (const category of categories)
      this.#put(schema, 'CN', category, 'classSchema', () => ({}), schemaGuid(category));
    // Exchange tells its version by an attribute that nothing has.
    this.#put(schema, 'CN', 'ms-Exch-Schema-Version-Pt', 'attributeSchema', () => ({
      lDAPDisplayName: 'msExchSchemaVersionPt',
      attributeSyntax: oids.text,
      isSingleValued: 'TRUE',
      rangeUpper: schemaVersions[this.#from.version],
    }));
  }

  /** What is in which naming context, and who has it. [MS-ADTS] 6.1.1.2.1 */
  #partitions(configuration: EntrySeed, schema: EntrySeed, domains: readonly Planned[]): void {
    const partitions = this.#put(configuration, 'CN', 'Partitions', 'crossRefContainer');
    const cross = (name: string, naming: EntrySeed, dnsRoot: string, more: Given): EntrySeed =>
      this.#put(partitions, 'CN', name, 'crossRef', () => ({ nCName: naming.guid, dnsRoot, Enabled: 'TRUE', ...more }));
    const crossRefs = new Map<string, EntrySeed>();
    for (const { name, netbios, root } of domains) {
      // Of the domain that it is a child of; of the first one when it begins a tree of its own.
      const parent = crossRefs.get(name.slice(name.indexOf('.') + 1));
      const trust =
        crossRefs.size === 0
          ? {}
          : parent === undefined
            ? { rootTrust: crossRefs.get(this.#from.domain)?.guid }
            : { trustParent: parent.guid };
      // 1: a naming context of Active Directory, 2: a domain
      crossRefs.set(name, cross(netbios, root, name, { nETBIOSName: netbios, systemFlags: '3', ...trust }));
    }
    cross('Enterprise Configuration', configuration, this.#from.domain, { systemFlags: '1' });
    cross('Enterprise Schema', schema, this.#from.domain, { systemFlags: '1' });
  }

  /** One site with all controllers. The first of each domain is a global catalogue. */
  #controllers(configuration: EntrySeed, schema: EntrySeed, domains: readonly Planned[]): void {
    const sites = this.#put(configuration, 'CN', 'Sites', 'sitesContainer');
    const site = this.#put(sites, 'CN', 'Default-First-Site-Name', 'site');
    const servers = this.#put(site, 'CN', 'Servers', 'serversContainer');
    for (const one of domains)
      for (const [at, host] of one.hosts.entries()) {
        const name = (host.split('.')[0] ?? '').toUpperCase();
        const server = this.#put(servers, 'CN', name, 'server', () => ({ dNSHostName: host }));
        const contexts = [one.root, configuration, schema].map(({ guid }) => guid);
        this.#put(server, 'CN', 'NTDS Settings', 'nTDSDSA', () => ({
          invocationId: guidBytes(one.invocationIds[at] ?? ''),
          hasMasterNCs: contexts,
          'msDS-hasMasterNCs': contexts,
          hasPartialReplicaNCs: at === 0 ? domains.flatMap(({ root }) => (root === one.root ? [] : [root.guid])) : null,
          // NTDSDSA_OPT_IS_GC. [MS-ADTS] 6.1.1.2.2.1.2.1.1
          options: at === 0 ? '1' : '0',
        }));
      }
  }

  #sid(domain: Planned): Buffer {
    const rid = Buffer.alloc(4);
    rid.writeUInt32LE(++this.#rid);
    return Buffer.concat([domain.sid, rid]);
  }

  /** At most twenty letters, and nobody else's. */
  #accountName(wanted: string): string {
    let name = wanted.slice(0, 20);
    for (let n = 1; this.#accountNames.has(name.toLowerCase()); n++)
      name = `${wanted.slice(0, 20 - String(n).length)}${n}`;
    this.#accountNames.add(name.toLowerCase());
    return name;
  }

  #account(domain: Planned, parent: EntrySeed, cn: string, user: string): EntrySeed {
    const sid = this.#sid(domain);
    const account = this.#accountName(user.slice(0, user.indexOf('@')));
    return this.#put(parent, 'CN', cn, 'user', () => ({
      ...this.#accountValues(account, user, sid, '66048'),
      displayName: cn,
    }));
  }
  #accountValues(account: string, user: string, sid: Buffer, flags: string): Given {
    return {
      sAMAccountName: account,
      userPrincipalName: user,
      objectSid: sid,
      sAMAccountType: '805306368',
      userAccountControl: flags,
      primaryGroupID: '513',
      accountExpires: '9223372036854775807',
    };
  }

  #group(domain: Planned, parent: EntrySeed, cn: string, values: Given, lazy: () => Given = () => ({})): EntrySeed {
    const sid = this.#sid(domain);
    const account = this.#accountName(cn);
    return this.#put(parent, 'CN', cn, 'group', () => ({
      sAMAccountName: account,
      objectSid: sid,
      sAMAccountType: Number(values['groupType']) < 0 ? '268435456' : '268435457',
      ...values,
      ...lazy(),
    }));
  }

  #recipients(domains: readonly Planned[], names: ExchangeNames): void {
    const { domain, mailboxes, resources, version } = this.#from;
    const units = domains.map(({ root }) => {
      const people = this.#put(root, 'OU', 'People', 'organizationalUnit');
      return offices.map((office) =>
        this.#put(people, 'OU', office, 'organizationalUnit', () => ({ description: [`People in ${office}`] })),
      );
    });
    /** The domain that the nth of a kind lies in. */
    const homeOf = (n: number): Planned => domains[n % domains.length] as Planned;
    const isOld = version === '2003' || version === '2007';
    const legacyDn = (local: string): string =>
      // From 2010 on part of it is drawn by lot.
      `${names.administrativeGroupDn}/cn=Recipients/cn=${isOld ? local : `${digest('legacy', this.#from.seed, local, domain).toString('hex').slice(0, 32)}-${local.slice(0, 20)}`}`;
    const mailValues = (local: string, lists: readonly string[], address = `${local}@${domain}`): Given => ({
      mail: address,
      mailNickname: local,
      proxyAddresses: [
        `SMTP:${address}`,
        ...(isOld ? [`X400:c=DE;a= ;p=${names.organizationDn.slice(3)};o=Exchange;s=${local};`] : []),
      ],
      legacyExchangeDN: legacyDn(local),
      showInAddressBook: lists,
      msExchVersion: names.objectVersion,
      msExchPoliciesIncluded:
        version === '2003' ? null : [`{${names.defaultPolicy.toUpperCase()}},${excludedFromPolicies}`],
    });
    const mailboxValues = (one: MailboxEntry, kind: ResourceEntry['kind'] | 'user'): Given => {
      const guid = this.#from.mailboxGuid(one.address);
      if (guid === null) return {};
      const local = one.address.slice(0, one.address.indexOf('@'));
      const list = kind === 'room' || kind === 'equipment' ? names.addressLists.rooms : names.addressLists.people;
      return {
        ...mailValues(local, [names.globalAddressList, list]),
        homeMDB: names.database,
        msExchHomeServerName: names.serverLegacyDn,
        msExchMailboxGuid: guidBytes(guid),
        mDBUseDefaults: 'TRUE',
        ...(version === '2003'
          ? {}
          : {
              msExchRecipientTypeDetails: { user: '1', shared: '4', room: '16', equipment: '32' }[kind],
              msExchRecipientDisplayType: { user: '1073741824', shared: '0', room: '7', equipment: '8' }[kind],
            }),
        ...(kind === 'room'
          ? {
              msExchResourceMetaData: ['ResourceType:Room'],
              msExchResourceSearchProperties: ['Room'],
              msExchResourceDisplay: 'Room',
              msExchResourceCapacity: '12',
            }
          : {}),
      };
    };
    const taken = offices.map(() => new Set<string>());
    const made: EntrySeed[] = [];
    for (const one of mailboxes) {
      const home = homeOf(one.index);
      const at = Math.floor(one.index / domains.length) % offices.length;
      const ou = units[domains.indexOf(home)]?.[at] as EntrySeed;
      const cn = taken[at]?.has(comparable(one.displayName)) ? `${one.displayName} ${one.index}` : one.displayName;
      taken[at]?.add(comparable(cn));
      const sid = this.#sid(home);
      const account = this.#accountName(one.user.slice(0, one.user.indexOf('@')));
      const [given = '', ...rest] = one.displayName.split(' ');
      made.push(
        this.#put(ou, 'CN', cn, 'user', () => ({
          ...this.#accountValues(account, one.user, sid, '512'),
          ...mailboxValues(one, 'user'),
          givenName: given,
          sn: rest.join(' '),
          displayName: one.displayName,
          department: departments[Math.floor(one.index / 3) % departments.length],
          title: titles[one.index % titles.length],
          company: names.organizationDn.slice(3),
          l: offices[at],
          physicalDeliveryOfficeName: `${offices[at]} ${100 + (one.index % 40)}`,
          telephoneNumber: `+49 30 5550 ${1000 + one.index}`,
          employeeID: String(10_000 + one.index),
          // Everybody but the first works for somebody before; every fifth lets the next one send on behalf.
          manager: one.index === 0 ? null : made[Math.floor((one.index - 1) / 8)]?.guid,
          publicDelegates:
            one.index % 5 === 0 && made[one.index + 1] !== undefined ? [made[one.index + 1]?.guid ?? ''] : null,
        })),
      );
    }
    const shared = domains.map(({ root }) => this.#put(root, 'OU', 'Resources', 'organizationalUnit'));
    for (const [n, one] of resources.entries()) {
      const sid = this.#sid(homeOf(n));
      const account = this.#accountName(one.user.slice(0, one.user.indexOf('@')));
      // 514: the account of a mailbox that nobody signs in to is disabled.
      this.#put(shared[n % domains.length] as EntrySeed, 'CN', one.displayName, 'user', () => ({
        ...this.#accountValues(account, one.user, sid, '514'),
        ...mailboxValues(one, one.kind),
        displayName: one.displayName,
      }));
    }
    const groups = domains.map(({ root }) => this.#put(root, 'OU', 'Groups', 'organizationalUnit'));
    const groupCount =
      this.#from.groups ?? (mailboxes.length === 0 ? 0 : Math.max(3, Math.ceil(mailboxes.length / 10)));
    const groupSeeds: EntrySeed[] = [];
    for (let n = 0; n < groupCount; n++) {
      // The first holds the two after it, and so on: nested ones.
      const cn = n === 0 ? 'Everybody' : `${departments[n % departments.length]} ${n}`;
      const local = cn.toLowerCase().replaceAll(' ', '-');
      const isSecurity = n % 3 === 2;
      groupSeeds.push(
        this.#group(
          homeOf(n),
          groups[n % domains.length] as EntrySeed,
          cn,
          {
            groupType: isSecurity ? '-2147483640' : '8',
            displayName: cn,
            ...mailValues(local, [names.globalAddressList, names.addressLists.groups]),
            ...(version === '2003'
              ? {}
              : {
                  msExchRecipientDisplayType: isSecurity ? '1073741833' : '1',
                  // From 2007 on only senders that signed in may write to a new group.
                  msExchRequireAuthToSendTo: n % 2 === 1 ? 'TRUE' : null,
                }),
          },
          () => ({
            member: [
              ...(n === 0 ? [] : every(made, n - 1, groupCount - 1)).map(({ guid }) => guid),
              ...(n === 0 ? groupSeeds.slice(1, 1 + Math.min(2, groupCount)).map(({ guid }) => guid) : []),
              ...(n > 0 && groupSeeds[2 * n + 1] !== undefined ? [groupSeeds[2 * n + 1]?.guid ?? ''] : []),
            ],
            managedBy: made[n % Math.max(1, made.length)]?.guid,
          }),
        ),
      );
    }
    const contacts = domains.map(({ root }) => this.#put(root, 'OU', 'Contacts', 'organizationalUnit'));
    const contactCount =
      this.#from.contacts ?? (mailboxes.length === 0 ? 0 : Math.max(2, Math.ceil(mailboxes.length / 25)));
    for (let n = 0; n < contactCount; n++) {
      const given = givenNames[(n * 5 + 3) % givenNames.length] ?? '';
      const surname = surnames[(n * 3 + 1) % surnames.length] ?? '';
      const cn = `${given} ${surname} (partner ${n})`;
      const address = `p${n}@partner.test`;
      this.#put(contacts[n % domains.length] as EntrySeed, 'CN', cn, 'contact', () => ({
        givenName: given,
        sn: surname,
        displayName: cn,
        ...mailValues(`partner${n}`, [names.globalAddressList, names.addressLists.contacts], address),
        targetAddress: `SMTP:${address}`,
        ...(version === '2003' ? {} : { msExchRecipientTypeDetails: '64', msExchRecipientDisplayType: '6' }),
      }));
    }
  }
}

/** The domain's own has a part less than those of its accounts. */
function sidOfDomain(sid: Buffer): Buffer {
  const own = Buffer.from(sid);
  own[1] = 4;
  return own;
}
