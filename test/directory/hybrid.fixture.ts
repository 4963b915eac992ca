import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Directory } from '#connectors/directory/contract.ts';
import { ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import type { DirectoryServices } from '#jobs/directory/directory-context.ts';
import { runDirectoryPass } from '#jobs/directory/directory-pass.ts';
import { openHandedOver, scriptOfHandedOver, takeReceipt } from '#jobs/directory/handed-over.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import { receiptOf } from '#lab/world/directory/exchange-online-shell.ts';
import { runExchangeShell } from '#lab/world/directory/exchange-shell.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { type DirectorySyncPolicy, defaultDirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import { readReceipt } from '#project/receipt.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import { EntraLab } from '../connectors/entra-lab.fixture.ts';

const { signal } = new AbortController();

export interface HybridOptions {
  readonly policy?: Partial<DirectorySyncPolicy>;
  /** In the forest. */
  readonly mailboxes: number;
  readonly groups?: number;
  readonly contacts?: number;
  readonly inTenant?: number;
}

/** A forest of the lab on the left, a tenant on the right, and a sync between them. */
export class Hybrid {
  readonly tenant: EntraLab;
  readonly source: Lab;
  readonly store: Store;
  readonly services: DirectoryServices;

  readonly #ends: readonly { close(): Promise<void> }[];

  private constructor(tenant: EntraLab, source: Lab, services: DirectoryServices) {
    this.tenant = tenant;
    this.source = source;
    this.store = services.store;
    this.services = services;
    const { left, right } = services.ends;
    this.#ends = [services.store, left.directory, right.directory, source, tenant.lab];
  }

  static async open({
    policy = {},
    mailboxes,
    groups = 3,
    contacts = 1,
    inTenant = 0,
  }: HybridOptions): Promise<Hybrid> {
    const source = createLab({
      organizations: [{ name: 'source', version: '2016', mailboxes, directory: { groups, contacts } }],
      throttling: 'off',
      seed: 'hybrid',
    });
    const { orgs } = await source.listen();
    const org = must(orgs[0], 'an organization');
    const { urls, base, user, password } = must(org.directory, 'a directory');
    const left: Directory = ldapDirectory({
      urls: [must(urls[0], 'a controller')],
      startTls: false,
      tls: { ca: [readFileSync(org.ca, 'utf8')], min: '1.2' },
      user,
      password,
    });
    const tenant = new EntraLab({ clock: systemClock, mailboxes: inTenant, directory: { groups: 0, contacts: 0 } });
    const right = tenant.open();
    const store = await openStore('sqlite::memory:', { clock: systemClock, log: { info() {}, warn() {} } });
    const under = ['People', 'Groups', 'Contacts', 'Other forest'].map(
      (name) => `OU=${name},${base}` as DistinguishedName,
    );
    const services: DirectoryServices = {
      store,
      clock: systemClock,
      requestDeadlineMs: 30_000,
      ends: {
        left: { directory: left, organization: 'source', kind: 'ad', scope: { under, filter: null, memberOf: [] } },
        right: {
          directory: right,
          organization: 'target',
          kind: 'entra',
          scope: { under: [], filter: null, memberOf: [] },
        },
      },
      policy: {
        ...defaultDirectorySyncPolicy,
        sync: 'main',
        direction: 'one-way',
        into: { left: null, right: 'the tenant' as DistinguishedName },
        roots: { left: under, right: [] },
        domains: { left: ['source.test'], right: ['target.test'] },
        targetMailboxes: false,
        ...policy,
      },
    };
    return new Hybrid(tenant, source, services);
  }

  async close(): Promise<void> {
    for (const one of this.#ends) await one.close();
  }

  pass() {
    return runDirectoryPass(this.services, null, signal);
  }
  async script() {
    return scriptOfHandedOver(await openHandedOver(this.store, 'main'), 'right');
  }
  /** Runs a script in the tenant. @returns its receipt */
  run(script: readonly string[]): string {
    const outcomes = runExchangeShell(this.tenant.organization, script);
    expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
    return receiptOf(outcomes.flatMap(({ check }) => check ?? []));
  }
  take(receipt: string) {
    return takeReceipt(this.services, null, readReceipt(receipt).lines, signal);
  }
  /** Everybody is made, completed and linked, and no script is left to be run. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      await this.pass();
      const script = await this.script();
      if (script.length === 0) return;
      await this.take(this.run(script));
    }
    expect(await this.script()).toEqual([]);
  }
  async entry(no: number) {
    return must((await this.store.directoryJournal({ no }, 1))[0], 'an entry');
  }
  /** Where the forest keeps its groups. */
  get groupsUnder(): DistinguishedName {
    return must(
      this.services.policy.roots.left.find((dn) => dn.startsWith('OU=Groups')),
      'groups',
    );
  }
  get people() {
    return this.source.organization('source').world;
  }
  get at() {
    return this.tenant.organization.forest.first;
  }
}
