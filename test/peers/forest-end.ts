import { Attribute, Change, Client, Control } from 'ldapts';

/** A forest as somebody signs in to it. */
export interface PeerForest {
  readonly url: string;
  /** What the project names instead, the preferred one first. */
  readonly controllers?: readonly string[];
  readonly base: string;
  readonly domain: string;
  readonly user: string;
  readonly password: string;
  readonly ca: string;
  /** The same in PEM, for the tests' own connections. */
  readonly caPem: string;
}

export type Entry = Awaited<ReturnType<Client['search']>>['searchEntries'][number];
export type Values = Readonly<Record<string, string | readonly string[] | Buffer>>;

/** The first value of an attribute as text; empty: it has none. */
export const one = (entry: Entry | null | undefined, name: string): string =>
  String([entry?.[name] ?? ''].flat()[0] ?? '');
export const all = (entry: Entry | null | undefined, name: string): readonly string[] =>
  [entry?.[name] ?? []].flat().map(String);
/** Bytes in hex; empty: it has none. */
export const hex = (entry: Entry | null | undefined, name: string): string => {
  const [value] = [entry?.[name] ?? []].flat();
  return value === undefined ? '' : Buffer.from(value).toString('hex');
};

/** A value of a DN as it has to be written ([RFC 4514] 2.4). */
export const escaped = (value: string): string =>
  value
    .replaceAll(/[\\,+"<>;=]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ');

/** Takes away an entry with all that lies below ([MS-ADTS] 3.1.1.3.4.1.15). */
class TreeDelete extends Control {
  constructor() {
    super('1.2.840.113556.1.4.805', { critical: true });
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && /No Such Object|code: 0x20\b/i.test(String(error));

/** A connection of the tests' own: what people and other programs do in a forest, and what is there afterwards, without Causeway. */
export class ForestEnd {
  readonly forest: PeerForest;
  readonly #client: Client;

  private constructor(forest: PeerForest, client: Client) {
    this.forest = forest;
    this.#client = client;
  }

  static async open(forest: PeerForest): Promise<ForestEnd> {
    const client = new Client({ url: forest.url, tlsOptions: { ca: [forest.caPem] } });
    await client.bind(forest.user, forest.password);
    return new ForestEnd(forest, client);
  }

  close(): Promise<void> {
    return this.#client.unbind();
  }

  /** A name below the domain. */
  at(...names: readonly string[]): string {
    return [...names, this.forest.base].join(',');
  }

  async add(dn: string, values: Values): Promise<void> {
    await this.#client.add(
      dn,
      Object.entries(values).map(
        ([type, value]) =>
          new Attribute({ type, values: Buffer.isBuffer(value) ? [value] : [value as string | string[]].flat() }),
      ),
    );
  }

  /** Organizational units, each below the one before; those that are there stay. */
  async units(...dns: readonly string[]): Promise<void> {
    for (const dn of dns)
      if ((await this.read(dn)) === null) await this.#client.add(dn, { objectClass: 'organizationalUnit' });
  }

  /** Other values for attributes; none: it is cleared. */
  async set(dn: string, values: Values): Promise<void> {
    await this.#client.modify(
      dn,
      Object.entries(values).map(
        ([type, value]) =>
          new Change({
            operation: 'replace',
            modification: new Attribute({
              type,
              values: Buffer.isBuffer(value)
                ? [value]
                : [value as string | string[]].flat().filter((one) => one !== ''),
            }),
          }),
      ),
    );
  }

  async gain(dn: string, type: string, values: readonly string[]): Promise<void> {
    await this.#client.modify(
      dn,
      new Change({ operation: 'add', modification: new Attribute({ type, values: [...values] }) }),
    );
  }

  /** To another name, or another place. */
  async rename(dn: string, to: string): Promise<void> {
    await this.#client.modifyDN(dn, to);
  }

  async remove(dn: string): Promise<void> {
    await this.#client.del(dn);
  }

  /** With all that lies below; what is not there is no mistake. */
  async removeTree(dn: string): Promise<void> {
    await this.#client.del(dn, new TreeDelete()).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  /** Null: it is not there. */
  async read(dn: string, attributes: readonly string[] = ['objectClass']): Promise<Entry | null> {
    try {
      const [entry = null] = await this.search(dn, '(objectClass=*)', attributes, 'base');
      return entry;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async search(
    base: string,
    filter: string,
    attributes: readonly string[],
    scope: 'base' | 'one' | 'sub' = 'sub',
  ): Promise<readonly Entry[]> {
    const { searchEntries } = await this.#client.search(base, {
      scope,
      filter,
      paged: { pageSize: 500 },
      attributes: [...attributes],
      explicitBufferAttributes: bytes.filter((name) => attributes.includes(name)),
    });
    return searchEntries;
  }

  /** An account with a mailbox, as Exchange would have made it. @returns its DN. */
  async mailbox(place: string, name: string, more: Values = {}): Promise<string> {
    const dn = `CN=${escaped(name)},${place}`;
    await this.add(dn, { ...accountOf(this.forest.domain, name), msExchMailboxGuid: mailboxGuidOf(name), ...more });
    return dn;
  }

  /** A distribution group of mail. @returns its DN. */
  async group(place: string, name: string, members: readonly string[], more: Values = {}): Promise<string> {
    const dn = `CN=${escaped(name)},${place}`;
    const alias = aliasOf(name);
    await this.add(dn, {
      objectClass: 'group',
      groupType: '8',
      sAMAccountName: alias,
      displayName: name,
      mailNickname: alias,
      mail: `${alias}@${this.forest.domain}`,
      proxyAddresses: [`SMTP:${alias}@${this.forest.domain}`],
      legacyExchangeDN: legacyDnOf(this.forest.domain, alias),
      msExchRecipientDisplayType: '1',
      ...(members.length > 0 && { member: members }),
      ...more,
    });
    return dn;
  }
}

const bytes = ['objectGUID', 'ms-DS-ConsistencyGuid', 'msExchMailboxGuid'];

/** What a name is written as in addresses: letters and digits, and where there are none of these, its bytes. */
export function aliasOf(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase();
  return plain.length > 2 ? plain : `x${Buffer.from(name).toString('hex').slice(0, 40)}`;
}

const legacyDnOf = (domain: string, alias: string): string => `/o=${domain}/ou=Exchange/cn=Recipients/cn=${alias}`;

/** Mailboxes have a GUID, of bytes. */
const mailboxGuidOf = (name: string): Buffer =>
  Buffer.from(
    `${name.length.toString(16).padStart(2, '0')}${Buffer.from(name).toString('hex')}`.padEnd(32, '0').slice(0, 32),
    'hex',
  );

/** An account that mail knows of. 544: enabled, and no password needed. */
export function accountOf(domain: string, name: string): Readonly<Record<string, string | readonly string[]>> {
  const alias = aliasOf(name);
  const address = `${alias}@${domain}`;
  return {
    objectClass: 'user',
    sAMAccountName: alias.slice(0, 20),
    userPrincipalName: address,
    displayName: name,
    mailNickname: alias,
    mail: address,
    proxyAddresses: [`SMTP:${address}`],
    legacyExchangeDN: legacyDnOf(domain, alias),
    userAccountControl: '544',
    msExchRecipientTypeDetails: '1',
    msExchRecipientDisplayType: '1073741824',
    msExchVersion: '44220983382016',
  };
}
