import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { Client } from 'ldapts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import type { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type DirectoryAddresses, type Lab, type LabOrganizationOptions } from '../lab.ts';
import { BerReader, element, elementLength, integer, octets, sequence, tag } from './ber.ts';

/** One organization whose directory listens, and clients of it by a library that the lab knows nothing of. */
export class LdapBench {
  readonly lab: Lab;
  readonly at: DirectoryAddresses;
  readonly ca: Buffer;
  readonly #clients: Client[] = [];

  private constructor(lab: Lab, at: DirectoryAddresses, ca: Buffer) {
    this.lab = lab;
    this.at = at;
    this.ca = ca;
  }

  static async start(options: Partial<LabOrganizationOptions> & { readonly clock?: SteppingClock } = {}) {
    const { clock, ...organization } = options;
    const lab = createLab({
      organizations: [{ name: 'source', version: '2010', mailboxes: 30, ...organization }],
      clock: clock ?? systemClock,
    });
    const { orgs } = await lab.listen();
    const org = must(orgs[0], 'one organization');
    return new LdapBench(lab, must(org.directory, 'it has a directory'), readFileSync(org.ca));
  }

  get forest() {
    return this.lab.organization('source').world.forest;
  }
  dn(below: string): string {
    return `${below},${this.at.base}`;
  }
  open(url: string = must(this.at.urls[0], 'a controller')): Client {
    // The library takes settings of TLS for TLS from the first byte.
    const tlsOptions = url.startsWith('ldaps:') ? { tlsOptions: { ca: this.ca } } : {};
    const client = new Client({ url, ...tlsOptions, timeout: 10_000 });
    this.#clients.push(client);
    return client;
  }
  async admin(which = 0): Promise<Client> {
    const client = this.open(must(this.at.urls[which], 'a controller'));
    await client.bind(this.at.user, this.at.password);
    return client;
  }
  async restricted(): Promise<Client> {
    const client = this.open();
    await client.bind(this.at.restricted.user, this.at.restricted.password);
    return client;
  }
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.unbind().catch(() => {})));
    await this.lab.close();
  }
}

/** What a search brought, with the values of the controls of its answer. */
export interface RawAnswer {
  readonly entries: readonly { readonly dn: string; readonly attributes: ReadonlyMap<string, readonly string[]> }[];
  readonly code: number;
  readonly diagnostic: string;
  readonly controls: ReadonlyMap<string, Buffer>;
}

/** Speaks LDAP by hand, for what the library has no words for. */
export class RawClient {
  readonly #socket: Socket;
  #id = 0;
  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(
    bench: LdapBench,
    user = bench.at.user,
    password = bench.at.password,
    which = 0,
  ): Promise<RawClient> {
    const { port } = new URL(must(bench.at.urls[which], 'a controller'));
    const socket = connect({ port: Number(port), host: '127.0.0.1', ca: bench.ca });
    await once(socket, 'secureConnect');
    const client = new RawClient(socket);
    const { code } = await client.bind(user, password);
    if (code !== 0) throw new Error(`bind answered ${code}`);
    return client;
  }

  /** Without TLS. */
  static async plain(url: string): Promise<RawClient> {
    const socket = connectPlain({ port: Number(new URL(url).port), host: '127.0.0.1' });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  bind(user: string, password: string): Promise<RawAnswer> {
    return this.ask(element(0x60, integer(3), octets(user), octets(password, 0x80)), 0x61);
  }

  search(
    base: string,
    filter: Buffer,
    controls: readonly { readonly oid: string; readonly value?: Buffer; readonly critical?: boolean }[],
    attributes: readonly string[] = [],
    scope = 2,
  ): Promise<RawAnswer> {
    const enumerated = (value: number): Buffer => integer(value, tag.enumerated);
    const no = element(tag.boolean, Buffer.from([0]));
    return this.ask(
      element(
        0x63,
        octets(base),
        enumerated(scope),
        enumerated(0),
        integer(0),
        integer(0),
        no,
        filter,
        sequence(...attributes.map((name) => octets(name))),
      ),
      0x65,
      controls,
    );
  }

  async ask(
    operation: Buffer,
    answerTag: number,
    controls: readonly { readonly oid: string; readonly value?: Buffer; readonly critical?: boolean }[] = [],
  ): Promise<RawAnswer> {
    const id = ++this.#id;
    const given = controls.map(({ oid, value, critical = true }) =>
      sequence(
        octets(oid),
        element(tag.boolean, Buffer.from([critical ? 0xff : 0])),
        ...(value === undefined ? [] : [octets(value)]),
      ),
    );
    this.#socket.write(sequence(integer(id), operation, ...(given.length === 0 ? [] : [element(0xa0, ...given)])));
    const entries: { dn: string; attributes: Map<string, readonly string[]> }[] = [];
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const length = elementLength(rest);
      if (length === null || length > rest.length) {
        const [bytes] = (await once(this.#socket, 'data')) as [Buffer];
        rest = Buffer.concat([rest, bytes]);
        continue;
      }
      const message = new BerReader(rest.subarray(0, length)).enter();
      rest = rest.subarray(length);
      message.integer();
      if (message.tag === 0x73) continue;
      if (message.tag === 0x64) {
        const entry = message.enter(0x64);
        const dn = entry.text();
        const attributes = new Map<string, readonly string[]>();
        const list = entry.enter();
        while (!list.isAtEnd) {
          const one = list.enter();
          const name = one.text();
          const set = one.enter(tag.set);
          const values: string[] = [];
          while (!set.isAtEnd) values.push(set.octets().toString(/GUID|Sid/.test(name) ? 'hex' : 'utf8'));
          attributes.set(name, values);
        }
        entries.push({ dn, attributes });
        continue;
      }
      const result = message.enter(answerTag);
      const code = result.integer(tag.enumerated);
      result.text();
      const diagnostic = result.text();
      const found = new Map<string, Buffer>();
      if (message.tag === 0xa0) {
        const all = message.enter(0xa0);
        while (!all.isAtEnd) {
          const one = all.enter();
          found.set(one.text(), one.octets());
        }
      }
      return { entries, code, diagnostic, controls: found };
    }
  }
  close(): void {
    this.#socket.destroy();
  }
}

/** `(name=*)` */
export const present = (name: string): Buffer => octets(name, 0x87);
