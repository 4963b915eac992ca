import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Directory } from '#connectors/directory/contract.ts';
import { type LdapDirectoryOptions, ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import { must } from '#kit/assert.ts';
import { createLab, type DirectoryAddresses, type Lab } from '#lab/lab.ts';
import type { Held } from '#lab/world/directory/controller.ts';
import type { Forest } from '#lab/world/directory/forest.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';

/** A wire to a controller that can be cut, and on which something may happen just before a request arrives. */
class Wire {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  /** Called once, before the next bytes of a client go on. */
  beforeNext: (() => void) | null = null;

  constructor(url: string) {
    this.#to = Number(new URL(url).port);
  }
  get url(): string {
    return `ldaps://127.0.0.1:${this.#port}`;
  }
  async open(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(this.#to, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one
          .on('error', () => {})
          .on('close', () => {
            this.#sockets.delete(one);
            other.destroy();
          });
      }
      near.on('data', (bytes: Buffer) => {
        const act = this.beforeNext;
        this.beforeNext = null;
        act?.();
        far.write(bytes);
      });
      far.pipe(near);
    });
    this.#server = server;
    await new Promise<void>((ready) => server.listen(this.#port, '127.0.0.1', ready));
    const address = server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
  }
  /** Whoever comes is refused until it is opened again, at the same port. */
  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((closed) => this.#server?.close(() => closed()) ?? closed());
  }
}

export const domainNames = ['source.test', 'child.source.test', 'other.test'] as const;
export type DomainName = (typeof domainNames)[number];
export const dnOf = (domain: DomainName): DistinguishedName =>
  domain
    .split('.')
    .map((label) => `DC=${label}`)
    .join(',') as DistinguishedName;
export const into = (domain: DomainName): DistinguishedName => `OU=Other forest,${dnOf(domain)}` as DistinguishedName;

/** An organization whose forest has three domains, a wire to a controller of each, and what administrators do to it. */
export class SeveralDomains {
  readonly lab: Lab;
  readonly addresses: DirectoryAddresses;
  readonly wires: Readonly<Record<DomainName, Wire>>;
  readonly #ca: string;
  readonly #open: Directory[] = [];
  #made = 0;

  private constructor(lab: Lab, addresses: DirectoryAddresses, ca: string) {
    this.lab = lab;
    this.addresses = addresses;
    this.#ca = ca;
    const wire = (name: DomainName) =>
      new Wire(must(addresses.domains.find((one) => one.name === name)?.urls[0], 'a controller'));
    this.wires = {
      'source.test': wire('source.test'),
      'child.source.test': wire('child.source.test'),
      'other.test': wire('other.test'),
    };
  }
  static async start(mailboxes = 12): Promise<SeveralDomains> {
    const otherDomains = domainNames.slice(1);
    const lab = createLab({
      organizations: [{ name: 'source', version: '2016', mailboxes, directory: { otherDomains } }],
    });
    const org = must((await lab.listen()).orgs[0], 'one organization');
    const made = new SeveralDomains(lab, must(org.directory, 'a directory'), readFileSync(org.ca, 'utf8'));
    for (const wire of Object.values(made.wires)) await wire.open();
    return made;
  }

  get forest(): Forest {
    return this.lab.organization('source').world.forest;
  }
  connect(set: Partial<LdapDirectoryOptions> = {}): Directory {
    const directory = ldapDirectory({
      urls: domainNames.map((name) => this.wires[name].url),
      startTls: false,
      tls: { ca: [this.#ca], min: '1.2' },
      user: this.addresses.user,
      password: this.addresses.password,
      ...set,
    });
    this.#open.push(directory);
    return directory;
  }
  restricted(): Directory {
    const { user, password } = this.addresses.restricted;
    return this.connect({ user, password });
  }

  add(
    domain: DomainName,
    object: 'user' | 'group' | 'contact',
    values: Readonly<Record<string, string>> = {},
  ): ObjectGuid {
    const name = `${object}${++this.#made}`;
    const given = { objectClass: object, ...(object === 'contact' ? {} : { sAMAccountName: name }), ...values };
    const at = must(
      this.forest.domains.find((one) => one.name === domain),
      'a domain',
    ).first;
    const attributes = new Map(Object.entries(given).map(([key, value]) => [key, [Buffer.from(value)]]));
    return at.add(this.forest.system, `CN=${name},${into(domain)}`, attributes).guid as ObjectGuid;
  }
  /** Where an object is. */
  held(guid: ObjectGuid): Held {
    for (const { first } of this.forest.domains) {
      const entry = first.byGuid(guid);
      if (entry !== null && !entry.isDeleted) return { at: first, entry };
    }
    throw new Error(`there is no ${guid}`);
  }
  dn(guid: ObjectGuid): DistinguishedName {
    const { at, entry } = this.held(guid);
    return at.dnOf(entry) as DistinguishedName;
  }
  put(guid: ObjectGuid, values: Readonly<Record<string, readonly string[]>>): void {
    const { at, entry } = this.held(guid);
    at.put(entry, values);
  }
  move(guid: ObjectGuid, to: DomainName): void {
    this.forest.move(this.forest.system, this.dn(guid), into(to));
  }
  remove(guid: ObjectGuid): void {
    const { at, entry } = this.held(guid);
    at.remove(this.forest.system, at.dnOf(entry));
  }

  async close(): Promise<void> {
    for (const directory of this.#open) await directory.close();
    for (const wire of Object.values(this.wires)) await wire.cut();
    await this.lab.close();
    if (this.lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: this.lab.failures[0] });
  }
}
