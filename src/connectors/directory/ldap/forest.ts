import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { dnKey, domainOfDn, isUnder, parentDn } from '#model/directory/distinguished-name.ts';
import type { Context } from '../../contract.ts';
import { AttributeShapes } from './attribute-shapes.ts';
import { Controller, type SignIn } from './controller.ts';
import { equal } from './ldap-filter.ts';
import { asFault } from './ldap-results.ts';
import { catalogOf, elsewhere, endpointOf, type LdapEndpoint, peerName } from './ldap-socket.ts';
import { readIdentity, type ServerIdentity } from './server-identity.ts';

export interface ForestOptions {
  /** `ldaps://host[:port]`, or `ldap://host[:port]` with `startTls`; the first that answers is the one that work stays with. */
  readonly urls: readonly string[];
  readonly startTls: boolean;
  readonly tls: TlsPolicy;
  readonly signIn: SignIn;
  readonly clock: Clock;
  readonly requestMaxMs: number;
  readonly counts: { searches: number; writes: number };
}

export interface Domain {
  readonly name: string;
  readonly dn: DistinguishedName;
}

/** A controller with what it said of itself on its present connection. */
export interface Known {
  readonly controller: Controller;
  readonly identity: ServerIdentity;
}

interface ListedController {
  readonly dnsHostName: string;
  readonly domains: readonly string[];
  readonly hasCatalog: boolean;
}

const ntdsDomain = 2; // FLAG_CR_NTDS_DOMAIN ([MS-ADTS] 2.2.10)
const hasCatalogFlag = 1; // NTDSDSA_OPT_IS_GC ([MS-ADTS] 6.1.1.2.2.1.2.1.1)

/** The controllers of a forest: which one is worked with, which one serves which domain, and what the schema says. */
export class Forest {
  readonly #options: ForestOptions;
  readonly #endpoints: readonly LdapEndpoint[];
  readonly #controllers = new Map<string, Controller>();
  readonly #identities = new Map<Controller, { readonly opened: number; readonly identity: ServerIdentity }>();
  #home: Controller | null = null;
  #domains: readonly Domain[] | null = null;
  #listed: readonly ListedController[] | null = null;
  readonly shapes = new AttributeShapes((context) => this.home(context));
  readonly #byDomain = new Map<string, Controller>();

  constructor(options: ForestOptions) {
    this.#options = options;
    this.#endpoints = options.urls.map((url) => endpointOf(url, options.startTls));
    const problem =
      this.#endpoints.length === 0
        ? 'the directory has no address'
        : options.signIn.user.trim() === '' || options.signIn.password === ''
          ? // A simple bind without a password succeeds as nobody ([RFC 4513] 5.1.2).
            'the directory needs a user and a password that is not empty'
          : null;
    if (problem !== null) throw new FaultError({ kind: 'fatal', code: 'config', detail: problem });
  }

  /** The controller that work is pinned to: the first of the list that answered, for as long as it does. */
  async home(context: Context): Promise<Known> {
    if (this.#home !== null) return this.known(this.#home, context);
    let last: unknown = null;
    for (const endpoint of this.#endpoints) {
      const controller = this.#at(endpoint);
      try {
        const known = await this.known(controller, context);
        this.#home = controller;
        return known;
      } catch (error) {
        last = error;
        // Only one that cannot be reached is passed over: another answer would be the same everywhere, or must be seen.
        if (!(error instanceof FaultError) || error.fault.kind !== 'transient' || context.signal.aborted) throw error;
      }
    }
    throw last;
  }

  /** Pinned controllers whose connection is gone are given up: the next call takes the first that answers. */
  releaseUnusable(): void {
    if (this.#home?.isOpen === false) this.#home = null;
    for (const [key, controller] of this.#byDomain) if (!controller.isOpen) this.#byDomain.delete(key);
  }

  async known(controller: Controller, context: Context): Promise<Known> {
    const cached = this.#identities.get(controller);
    if (cached !== undefined && cached.opened === controller.opened && controller.isOpen) {
      return { controller, identity: cached.identity };
    }
    const identity = await readIdentity(controller, context);
    this.#identities.set(controller, { opened: controller.opened, identity });
    return { controller, identity };
  }

  /** The root first. */
  async domains(context: Context): Promise<readonly Domain[]> {
    if (this.#domains !== null) return this.#domains;
    const { controller, identity } = await this.home(context);
    const found = new Map<string, Domain>();
    const put = (dn: string, name: string) =>
      found.set(dnKey(dn), { dn: dn as DistinguishedName, name: (name || domainOfDn(dn)).toLowerCase() });
    put(identity.rootDn, '');
    put(identity.domainDn, '');
    if (identity.configurationDn !== '') {
      const entries = await this.#list(
        controller,
        `CN=Partitions,${identity.configurationDn}`,
        'crossRef',
        ['nCName', 'dnsRoot', 'systemFlags'],
        context,
      );
      for (const entry of entries) {
        const dn = entry.one('nCName');
        if (dn !== '' && (Number(entry.one('systemFlags')) & ntdsDomain) !== 0) put(dn, entry.one('dnsRoot'));
      }
    }
    this.#domains = [...found.values()];
    return this.#domains;
  }

  /** The domain that a name lies in; null: none of this forest. */
  async domainOf(dn: string, context: Context): Promise<Domain | null> {
    let found: Domain | null = null;
    for (const domain of await this.domains(context)) {
      if (isUnder(dn, domain.dn) && (found === null || domain.dn.length > found.dn.length)) found = domain;
    }
    return found;
  }

  /** The controller that reads and writes of a domain are pinned to. */
  async serving(domain: Domain, context: Context): Promise<Known> {
    const home = await this.home(context);
    const key = dnKey(domain.dn);
    if (dnKey(home.identity.domainDn) === key) return home;
    const pinned = this.#byDomain.get(key);
    if (pinned !== undefined) return this.known(pinned, context);
    const candidates = [
      ...this.#endpoints,
      ...(await this.#controllersListed(context))
        .filter(({ domains }) => domains.includes(key))
        .map(({ dnsHostName }) => elsewhere(home.controller.endpoint, dnsHostName)),
    ];
    let last: unknown = null;
    for (const endpoint of candidates) {
      try {
        const known = await this.known(this.#at(endpoint), context);
        if (dnKey(known.identity.domainDn) !== key) continue;
        this.#byDomain.set(key, known.controller);
        return known;
      } catch (error) {
        last = error;
        if (context.signal.aborted) throw error;
      }
    }
    if (last !== null) throw last;
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: `no controller of the domain ${domain.name} is known: name one under url of the directory`,
    });
  }

  /** A global catalogue, when there is one and it answers. */
  async catalog(context: Context): Promise<Controller | null> {
    const home = await this.home(context);
    const listed = await this.#controllersListed(context);
    const hosts = listed.filter(({ hasCatalog }) => hasCatalog).map(({ dnsHostName }) => dnsHostName);
    const own = hosts.includes(home.identity.dnsHostName) ? [home.controller.endpoint] : [];
    for (const endpoint of [...own, ...hosts.map((host) => elsewhere(home.controller.endpoint, host))]) {
      const catalog = this.#at(catalogOf(endpoint));
      try {
        await catalog.search({ base: '', scope: 'base', attributes: ['dnsHostName'], isLearning: true }, context);
        return catalog;
      } catch (error) {
        if (context.signal.aborted) throw error;
      }
    }
    return null;
  }

  /** DNS names of the controllers that can be asked, the pinned one first. */
  async controllerNames(context: Context): Promise<readonly string[]> {
    const { identity } = await this.home(context);
    const listed = (await this.#controllersListed(context)).map(({ dnsHostName }) => dnsHostName);
    return [...new Set([identity.dnsHostName, ...listed])];
  }

  /** The controller of a name as `controllerNames` gives them. */
  async named(name: string, context: Context): Promise<Known> {
    const wanted = name.toLowerCase();
    const home = await this.home(context);
    if (home.identity.dnsHostName === wanted) return home;
    const given = this.#endpoints.find(({ host }) => host === wanted);
    if (given !== undefined) return this.known(this.#at(given), context);
    // Those that were given by another name or by their address are known by what they say.
    for (const endpoint of this.#endpoints) {
      try {
        const known = await this.known(this.#at(endpoint), context);
        if (known.identity.dnsHostName === wanted) return known;
      } catch (error) {
        if (context.signal.aborted) throw error;
      }
    }
    return this.known(this.#at(elsewhere(home.controller.endpoint, wanted)), context);
  }

  /** Entries of a class below a container; none when the container is not there or may not be seen. */
  async #list(
    controller: Controller,
    base: string,
    objectClass: string,
    attributes: readonly string[],
    context: Context,
  ): Promise<readonly { readonly dn: string; one(name: string): string; all(name: string): readonly string[] }[]> {
    try {
      const entries = await controller.searchAll(
        { base, filter: equal('objectClass', objectClass), attributes, isLearning: true },
        context,
      );
      return entries.map(({ dn, values }) => {
        const all = (name: string) => (values.get(name) ?? []).map((value) => value.toString('utf8'));
        return { dn, all, one: (name) => all(name)[0] ?? '' };
      });
    } catch (error) {
      const fault = asFault(error);
      if (fault instanceof FaultError && fault.fault.kind === 'gone') return [];
      throw fault;
    }
  }

  async #controllersListed(context: Context): Promise<readonly ListedController[]> {
    if (this.#listed !== null) return this.#listed;
    const { controller, identity } = await this.home(context);
    if (identity.configurationDn === '') return [];
    const sites = `CN=Sites,${identity.configurationDn}`;
    const servers = await this.#list(controller, sites, 'server', ['dNSHostName'], context);
    const hosts = new Map(servers.map((server) => [dnKey(server.dn), server.one('dNSHostName').toLowerCase()]));
    const services = await this.#list(controller, sites, 'nTDSDSA', ['options', 'hasMasterNCs'], context);
    this.#listed = services.flatMap((service) => {
      const dnsHostName = hosts.get(dnKey(parentDn(service.dn as DistinguishedName) ?? '')) ?? '';
      if (dnsHostName === '') return [];
      const hasCatalog = (Number(service.one('options')) & hasCatalogFlag) !== 0;
      return [{ dnsHostName, hasCatalog, domains: service.all('hasMasterNCs').map(dnKey) }];
    });
    return this.#listed;
  }

  #at(endpoint: LdapEndpoint): Controller {
    const key = peerName(endpoint);
    let controller = this.#controllers.get(key);
    if (controller === undefined) {
      const { tls, signIn, clock, requestMaxMs, counts } = this.#options;
      controller = new Controller({ endpoint, tls, signIn, clock, requestMaxMs, counts });
      this.#controllers.set(key, controller);
    }
    return controller;
  }

  close(): void {
    for (const controller of this.#controllers.values()) controller.close();
  }
}
