import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { dnKey, domainOfDn, isUnder, parentDn, parseDn } from '#model/directory/distinguished-name.ts';
import type { Context } from '../../contract.ts';
import { AttributeShapes } from './attribute-shapes.ts';
import { Controller, type SignIn } from './controller.ts';
import { equal } from './ldap-filter.ts';
import { asFault } from './ldap-results.ts';
import { elsewhere, endpointOf, type LdapEndpoint, peerName } from './ldap-socket.ts';
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
}

const ntdsDomain = 2; // FLAG_CR_NTDS_DOMAIN ([MS-ADTS] 2.2.10)
const isFatal = (error: unknown): boolean => error instanceof FaultError && error.fault.kind === 'fatal';

/** How long the list of domains is taken for true: it changes a few times in the life of a forest. */
const domainsFreshMs = 3_600_000;

/**
 * The controllers of a forest: which one is worked with, which one serves which domain, and what the schema says.
 *
 * With several domains all of them are needed for every pass. What is gone from one may be in another by now, an address is free only when
 * nobody in the forest has it, and references go to and fro: who saw a part of them only would take for gone or free what is not. So a
 * domain that cannot be reached stops the work as a whole, and nothing is lost by it, since each has a place in the feed of its own. For the
 * same reason no global catalogue is asked: it hears of other domains last, and an address that was given there a minute ago is not in it.
 */
export class Forest {
  readonly #options: ForestOptions;
  readonly #endpoints: readonly LdapEndpoint[];
  readonly #controllers = new Map<string, Controller>();
  readonly #identities = new Map<Controller, { readonly opened: number; readonly identity: ServerIdentity }>();
  #home: Controller | null = null;
  #domains: { readonly list: readonly Domain[]; readonly atMs: number } | null = null;
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

  /**
   * Pinned controllers whose connection is gone are given up: the next call takes the first that answers, and looks again which domains
   * there are, since one whose controllers are gone may have been taken out of the forest.
   */
  releaseUnusable(): void {
    if (this.#home?.isOpen === false) this.#home = null;
    for (const [key, controller] of this.#byDomain) if (!controller.isOpen) this.#byDomain.delete(key);
    this.#domains = null;
    this.#listed = null;
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
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#domains !== null && nowMs - this.#domains.atMs < domainsFreshMs) return this.#domains.list;
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
      const domains = entries.filter((entry) => (Number(entry.one('systemFlags')) & ntdsDomain) !== 0);
      // Every forest names one at least. Who took this one for all would take what the others hold for gone.
      if (!domains.some((entry) => entry.one('nCName') !== '')) {
        const detail = `${controller.peer}: the account may not read CN=Partitions,${identity.configurationDn}, which names the domains of the forest; see docs/operating/directory-rights.md`;
        throw new FaultError({ kind: 'fatal', code: 'access-denied', detail });
      }
      for (const entry of domains) if (entry.one('nCName') !== '') put(entry.one('nCName'), entry.one('dnsRoot'));
    }
    const list = [...found.values()];
    this.#domains = { list, atMs: nowMs };
    this.#listed = null;
    return list;
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
        if (context.signal.aborted) throw error;
        // What one refuses says more than that another cannot be reached.
        if (!isFatal(last)) last = error;
      }
    }
    throw this.#unserved(domain, last);
  }

  /** Why a domain has no controller to work with. */
  #unserved(domain: Domain, last: unknown): unknown {
    const hint = 'name a controller of it that can be reached under url of the directory';
    if (last === null)
      return new FaultError({
        kind: 'fatal',
        code: 'config',
        detail: `no controller of the domain ${domain.name} is known: ${hint}`,
      });
    if (!(last instanceof FaultError) || !('detail' in last.fault)) return last;
    const { fault } = last;
    // [MS-ADTS] 5.1.1.1.1: a DN is looked up by the controller among what it holds.
    const isDn = fault.kind === 'fatal' && fault.code === 'auth' && parseDn(this.#options.signIn.user) !== null;
    const cure = isDn
      ? 'sign in as NAME@DOMAIN or DOMAIN\\NAME, a DN is known to controllers of its own domain only'
      : hint;
    return new FaultError({ ...fault, detail: `the domain ${domain.name}: ${fault.detail}; ${cure}` });
  }

  /** DNS names of the controllers that can be asked, the pinned one first. */
  async controllerNames(context: Context): Promise<readonly string[]> {
    const { identity } = await this.home(context);
    const listed = (await this.#controllersListed(context)).map(({ dnsHostName }) => dnsHostName);
    return [...new Set([identity.dnsHostName, ...listed])];
  }

  /** Whether the controller of that name has a copy of a domain; true for one that the forest does not list. */
  async holds(name: string, domain: Domain, context: Context): Promise<boolean> {
    const listed = (await this.#controllersListed(context)).find(
      ({ dnsHostName }) => dnsHostName === name.toLowerCase(),
    );
    return listed?.domains.includes(dnKey(domain.dn)) ?? true;
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
    const services = await this.#list(controller, sites, 'nTDSDSA', ['hasMasterNCs'], context);
    this.#listed = services.flatMap((service) => {
      const dnsHostName = hosts.get(dnKey(parentDn(service.dn as DistinguishedName) ?? '')) ?? '';
      return dnsHostName === '' ? [] : [{ dnsHostName, domains: service.all('hasMasterNCs').map(dnKey) }];
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
