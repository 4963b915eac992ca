import { type Clock, systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey, sameDn } from '#model/directory/distinguished-name.ts';
import type { Context } from '../../contract.ts';
import type {
  Directory,
  DirectoryCursor,
  DirectoryDescription,
  DirectoryPage,
  DirectoryScope,
  DirectoryWritten,
} from '../contract.ts';
import type { AttributeShape } from './attribute-shapes.ts';
import { ChangeFeed, type Feed, readByGuid } from './change-feed.ts';
import { readExchange } from './exchange-organization.ts';
import { type Domain, Forest, type Known } from './forest.ts';
import { anyOf, equal } from './ldap-filter.ts';
import { asFault, LdapRefusal } from './ldap-results.ts';
import { onTheirWay } from './moved-objects.ts';
import { bytesOf, objectOf, readVersion, type Wanted, wantedOf } from './read-objects.ts';
import { productOf } from './server-identity.ts';
import { readUpToDateVector } from './up-to-date-vector.ts';
import { guidsOf, writeObjects } from './write-objects.ts';

export interface LdapDirectoryOptions {
  /** Controllers, the preferred one first: `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with `startTls`. */
  readonly urls: readonly string[];
  readonly startTls: boolean;
  readonly tls: TlsPolicy;
  /** UPN, DN or DOMAIN\name. */
  readonly user: string;
  readonly password: string;
  readonly clock?: Clock;
  /** Longest time that one request may take, whatever the caller's deadline is. */
  readonly requestMaxMs?: number;
}

/** Equalities of one filter. Servers answer hundreds, and a filter of thousands is refused. */
const equalitiesMax = 100;
/** Numbers of changes have 63 bits: a controller knows all of its own. */
const everything = 1n << 63n;

/**
 * An Active Directory forest over LDAP. Throws fatal `config` for an address without TLS or an empty password; opens nothing before the first
 * call.
 */
export function ldapDirectory(options: LdapDirectoryOptions): Directory {
  return new LdapDirectory(options);
}

class LdapDirectory implements Directory {
  readonly counts = { searches: 0, writes: 0 };
  readonly #forest: Forest;
  readonly #feed: ChangeFeed;
  readonly #clock: Clock;
  #description: Promise<DirectoryDescription> | null = null;

  constructor({ urls, startTls, tls, user, password, clock = systemClock, requestMaxMs }: LdapDirectoryOptions) {
    this.#clock = clock;
    this.#forest = new Forest({
      urls,
      startTls,
      tls,
      signIn: { user, password },
      clock,
      requestMaxMs: requestMaxMs ?? 120_000,
      counts: this.counts,
    });
    this.#feed = new ChangeFeed(this.#forest);
  }

  async describe(context: Context): Promise<DirectoryDescription> {
    this.#description ??= this.#around(() => this.#describe(context));
    try {
      return await this.#description;
    } catch (error) {
      this.#description = null;
      throw error;
    }
  }

  lacks(attributes: readonly string[], context: Context): Promise<ReadonlySet<string>> {
    return this.#around(async () => {
      const shapes = await this.#forest.shapes.of(attributes, context);
      return new Set(attributes.map((name) => name.toLowerCase()).filter((name) => !shapes.has(name)));
    });
  }

  changes(
    scope: DirectoryScope,
    attributes: readonly string[],
    cursor: DirectoryCursor | null,
    context: Context,
  ): Promise<DirectoryPage> {
    return this.#around(() => this.#feed.page(scope, attributes, cursor, context));
  }

  read(
    guids: readonly ObjectGuid[],
    attributes: readonly string[],
    context: Context,
  ): Promise<ReadonlyMap<ObjectGuid, DirectoryObject>> {
    return this.#around(async () => this.#read(guids, await this.#wanted(attributes, context), context));
  }

  async #read(
    guids: readonly ObjectGuid[],
    wanted: Wanted,
    context: Context,
  ): Promise<ReadonlyMap<ObjectGuid, DirectoryObject>> {
    const found = new Map<ObjectGuid, DirectoryObject>();
    const domains = await this.#forest.domains(context);
    // Who moves into a domain that was looked at already, out of one that is looked at next, would be in neither: the first ones are
    // looked at again.
    for (const domain of [...domains, ...domains.slice(0, -1)]) {
      const missing = guids.filter((guid) => !found.has(guid));
      if (missing.length === 0) break;
      const known = await this.#forest.serving(domain, context);
      for (const [guid, object] of await readByGuid(missing, known, domain.dn, null, wanted, context)) {
        found.set(guid, object);
      }
    }
    const missing = guids.filter((guid) => !found.has(guid));
    if (missing.length > 0 && domains.length > 1) await this.#expectNoneOnTheirWay(missing, domains, context);
    return found;
  }

  /** Who left one domain and has not come to another one yet is not gone. */
  async #expectNoneOnTheirWay(
    missing: readonly ObjectGuid[],
    domains: readonly Domain[],
    context: Context,
  ): Promise<void> {
    const forest: { readonly domain: Domain; readonly known: Known }[] = [];
    for (const domain of domains) forest.push({ domain, known: await this.#forest.serving(domain, context) });
    const moved = await onTheirWay(missing, forest, this.#clock.nowMs(), context);
    if (moved.length === 0) return;
    const detail = `${moved.length} of ${missing.length} objects that are not found, among them ${moved[0]}, were moved to another domain whose controller has not heard of it yet: nothing is done until the move is replicated`;
    throw new FaultError({ kind: 'transient', detail, mayHaveHappened: false });
  }

  resolve(dns: readonly DistinguishedName[], context: Context): Promise<ReadonlyMap<DistinguishedName, ObjectGuid>> {
    return this.#around(async () => {
      const found = new Map<DistinguishedName, ObjectGuid>();
      const byDomain = new Map<string, DistinguishedName[]>();
      for (const dn of new Set(dns)) {
        const domain = await this.#forest.domainOf(dn, context);
        if (domain !== null) byDomain.set(domain.dn, [...(byDomain.get(domain.dn) ?? []), dn]);
      }
      for (const domain of await this.#forest.domains(context)) {
        const names = byDomain.get(domain.dn) ?? [];
        if (names.length === 0) continue;
        const known = await this.#forest.serving(domain, context);
        for (let at = 0; at < names.length; at += equalitiesMax) {
          const these = names.slice(at, at + equalitiesMax);
          const guids = await guidsOf(known, these, context);
          for (const dn of these) {
            const guid = guids.get(dnKey(dn));
            if (guid !== undefined) found.set(dn, guid);
          }
        }
      }
      return found;
    });
  }

  find(
    attributes: readonly string[],
    values: readonly string[],
    wantedNames: readonly string[],
    context: Context,
  ): Promise<readonly DirectoryObject[]> {
    return this.#around(async () => {
      const shapes = await this.#forest.shapes.of(attributes, context);
      const wanted = await this.#wanted(wantedNames, context);
      const equalities = [...shapes.values()].flatMap((shape) =>
        [...new Set(values)].flatMap((value) => {
          const bytes = bytesOf(value, shape);
          return bytes === null ? [] : [equal(shape.name, bytes)];
        }),
      );
      const found = new Map<ObjectGuid, DirectoryObject>();
      for (let at = 0; at < equalities.length; at += equalitiesMax) {
        const filter = anyOf(...equalities.slice(at, at + equalitiesMax));
        for (const domain of await this.#forest.domains(context)) {
          const known = await this.#forest.serving(domain, context);
          const search = { base: domain.dn, filter, attributes: wanted.request };
          for (const entry of await known.controller.searchAll(search, context)) {
            const object = await objectOf(entry, wanted, known, context);
            if (object !== null) found.set(object.guid, object);
          }
        }
      }
      return [...found.values()];
    });
  }

  write(edits: readonly DirectoryEdit[], context: Context): Promise<readonly DirectoryWritten[]> {
    return this.#around(() => writeObjects(this.#forest, edits, context));
  }

  async replicated(
    guid: ObjectGuid,
    shows: Attributes,
    controllers: readonly string[],
    context: Context,
  ): Promise<ReadonlyMap<string, boolean | null>> {
    const wanted = await this.#around(() => this.#wanted(Object.keys(shows), context));
    const domain = await this.#around(() => this.#domainHolding(guid, context));
    const asked = controllers.map(async (name) => {
      try {
        if (domain !== null && !(await this.#forest.holds(name, domain, context))) return [name, true] as const;
        const known = await this.#forest.named(name, context);
        const found = await readByGuid([guid], known, known.identity.domainDn, null, wanted, context);
        return [name, showsAll(found.get(guid), shows, wanted.shapes)] as const;
      } catch (error) {
        if (context.signal.aborted) throw asFault(error);
        return [name, null] as const;
      }
    });
    return new Map(await Promise.all(asked));
  }

  /** The domain that an object lies in, where there are several; null: the only one, or none. */
  async #domainHolding(guid: ObjectGuid, context: Context): Promise<Domain | null> {
    if ((await this.#forest.domains(context)).length === 1) return null;
    const object = (await this.#read([guid], wantedOf([], new Map()), context)).get(guid);
    return object === undefined ? null : this.#forest.domainOf(object.dn, context);
  }

  unheard(versions: readonly string[], context: Context): Promise<readonly string[]> {
    return this.#around(async () => {
      const heard = new Map<string, bigint>();
      let isTold = false;
      for (const domain of await this.#forest.domains(context)) {
        const known = await this.#forest.serving(domain, context);
        const vector = await readUpToDateVector(known, context);
        isTold ||= vector !== null;
        for (const [database, usn] of vector ?? []) if (usn > (heard.get(database) ?? -1n)) heard.set(database, usn);
        heard.set(known.identity.invocationId, everything);
      }
      if (!isTold) return [];
      return versions.filter((version) => {
        const made = readVersion(version);
        return made !== null && made.usn > (heard.get(made.invocationId) ?? -1n);
      });
    });
  }

  async close(): Promise<void> {
    this.#forest.close();
  }

  async #wanted(attributes: readonly string[], context: Context): Promise<Wanted> {
    return wantedOf(attributes, await this.#forest.shapes.of(attributes, context));
  }

  async #describe(context: Context): Promise<DirectoryDescription> {
    const home = await this.#forest.home(context);
    const { by, why } = await this.#feedOfAll(home, context);
    return {
      product: productOf(home.identity),
      domains: (await this.#forest.domains(context)).map(({ name, dn }) => ({ name, dn })),
      controller: home.identity.dnsHostName,
      controllers: await this.#forest.controllerNames(context),
      feed: { by, why },
      exchange: await readExchange(home, context),
    };
  }

  /** How changes are told; of several domains the one where it is told worst, as long as its controller answers. */
  async #feedOfAll(home: Known, context: Context): Promise<Feed> {
    let worst = await this.#feed.feedOf(home, context);
    const rank = ({ by, showsDeleted }: Feed) => (showsDeleted ? 0 : 2) + (by === 'dirsync' ? 0 : 1);
    for (const domain of await this.#forest.domains(context)) {
      try {
        const feed = await this.#feed.feedOf(await this.#forest.serving(domain, context), context);
        if (rank(feed) > rank(worst)) worst = { ...feed, why: `${domain.name}: ${feed.why}` };
      } catch (error) {
        const fault = asFault(error);
        if (context.signal.aborted || !(fault instanceof FaultError) || fault.fault.kind !== 'transient') throw fault;
      }
    }
    return worst;
  }

  /** Refusals of whole requests become faults; a controller that is gone is given up, so that the next call finds another. */
  async #around<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const fault = asFault(error);
      if (fault instanceof FaultError && (fault.fault.kind === 'transient' || error instanceof LdapRefusal)) {
        this.#forest.releaseUnusable();
        // Another controller may be the next one.
        this.#description = null;
      }
      throw fault;
    }
  }
}

/** Whether the object has exactly these values. */
function showsAll(
  object: DirectoryObject | undefined,
  shows: Attributes,
  shapes: ReadonlyMap<string, AttributeShape>,
): boolean {
  if (object === undefined) return false;
  return Object.entries(shows).every(([name, values]) => {
    const now = object.attributes[name] ?? [];
    const same = shapes.get(name.toLowerCase())?.form === 'dn' ? sameDn : (a: string, b: string) => a === b;
    return now.length === values.length && values.every((value) => now.some((other) => same(value, other)));
  });
}
