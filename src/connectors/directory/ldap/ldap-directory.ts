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
import { ChangeFeed, readByGuid } from './change-feed.ts';
import { readExchange } from './exchange-organization.ts';
import { Forest } from './forest.ts';
import { anyOf, equal, type LdapFilter } from './ldap-filter.ts';
import { asFault, LdapRefusal } from './ldap-results.ts';
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
  #description: Promise<DirectoryDescription> | null = null;

  constructor({ urls, startTls, tls, user, password, clock, requestMaxMs }: LdapDirectoryOptions) {
    this.#forest = new Forest({
      urls,
      startTls,
      tls,
      signIn: { user, password },
      clock: clock ?? systemClock,
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
    return this.#around(async () => {
      const wanted = await this.#wanted(attributes, context);
      const found = new Map<ObjectGuid, DirectoryObject>();
      for (const domain of await this.#forest.domains(context)) {
        const missing = guids.filter((guid) => !found.has(guid));
        if (missing.length === 0) break;
        const known = await this.#forest.serving(domain, context);
        for (const [guid, object] of await readByGuid(missing, known, domain.dn, null, wanted, context)) {
          found.set(guid, object);
        }
      }
      return found;
    });
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
        for (const object of await this.#search(filter, [...shapes.values()], wanted, context)) {
          found.set(object.guid, object);
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
    const asked = controllers.map(async (name) => {
      try {
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
    const { by, why } = await this.#feed.feedOf(home, context);
    return {
      product: productOf(home.identity),
      domains: (await this.#forest.domains(context)).map(({ name, dn }) => ({ name, dn })),
      controller: home.identity.dnsHostName,
      controllers: await this.#forest.controllerNames(context),
      feed: { by, why },
      exchange: await readExchange(home, context),
    };
  }

  /** The whole forest: by a global catalogue where there are several domains and it has the attributes, else domain by domain. */
  async #search(
    filter: LdapFilter,
    asked: readonly AttributeShape[],
    wanted: Wanted,
    context: Context,
  ): Promise<readonly DirectoryObject[]> {
    const domains = await this.#forest.domains(context);
    const canAskCatalog = domains.length > 1 && asked.every(({ isInCatalog }) => isInCatalog);
    const catalog = canAskCatalog ? await this.#forest.catalog(context) : null;
    const found: DirectoryObject[] = [];
    if (catalog !== null) {
      const home = await this.#forest.home(context);
      const guids: ObjectGuid[] = [];
      const only = wantedOf([], new Map());
      for (const entry of await catalog.searchAll({ base: '', filter, attributes: only.request }, context)) {
        const object = await objectOf(entry, only, { controller: catalog, identity: home.identity }, context);
        if (object !== null) guids.push(object.guid);
      }
      // The catalogue has a part of the attributes only, and lags behind.
      return guids.length === 0 ? [] : [...(await this.read(guids, [...wanted.names.values()], context)).values()];
    }
    for (const domain of domains) {
      const known = await this.#forest.serving(domain, context);
      for (const entry of await known.controller.searchAll(
        { base: domain.dn, filter, attributes: wanted.request },
        context,
      )) {
        const object = await objectOf(entry, wanted, known, context);
        if (object !== null) found.push(object);
      }
    }
    return found;
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
