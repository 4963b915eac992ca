import { type Clock, systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Context } from '../../contract.ts';
import type { GraphHttp } from '../../graph/graph-http.ts';
import { objectsAt, textAt } from '../../graph/json.ts';
import type {
  Directory,
  DirectoryCursor,
  DirectoryDescription,
  DirectoryPage,
  DirectoryScope,
  DirectoryWritten,
} from '../contract.ts';
import { FilterSyntaxError, parseFilter } from '../ldap/ldap-filter.ts';
import { ChangeFeed } from './change-feed.ts';
import { collections, comparedByIndex, entraKinds, filterOf, shownAttributes } from './entra-objects.ts';
import { isScripted } from './exchange-script.ts';
import { type EntraRequest, GraphSession } from './graph-session.ts';
import { clausesMax, mustSucceed, ObjectReader } from './read-objects.ts';
import { ObjectWriter } from './write-objects.ts';

export interface EntraDirectoryOptions {
  readonly http: GraphHttp;
  /** `https://graph.microsoft.com`. */
  readonly endpoint: string;
  readonly clock?: Clock;
}

/** Characters of a value that a query of the default kind compares, and of the URL of an advanced one. */
const valueMax = 120;
const urlMax = 1900;
/** Groups of these have no tree: their names are ids, addresses, or what they are called. */
const isGuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/**
 * The directory of a tenant over Microsoft Graph: users, groups and organizational contacts. It has no tree, so names are empty and references are ids.
 * What Graph does not write is handed over as Exchange Online PowerShell. Needs User.ReadWrite.All, Group.ReadWrite.All, OrgContact.Read.All,
 * Organization.Read.All and MailboxSettings.Read.
 */
export function entraDirectory(options: EntraDirectoryOptions): Directory {
  return new EntraDirectory(options);
}

interface Tenant {
  readonly id: string;
  /** The default one first. */
  readonly domains: readonly string[];
  readonly isSynced: boolean;
}

class EntraDirectory implements Directory {
  readonly #graph: GraphSession;
  readonly #reader: ObjectReader;
  readonly #feed: ChangeFeed;
  readonly #writer: ObjectWriter;
  readonly #http: GraphHttp;
  #tenant: Promise<Tenant> | null = null;
  #writes = 0;
  /** Requests that writes took, reading before them included. */
  #ofWrites = 0;

  constructor({ http, endpoint, clock }: EntraDirectoryOptions) {
    this.#http = http;
    this.#graph = new GraphSession({ http, endpoint, clock: clock ?? systemClock });
    const domain = async (context: Context) => (await this.#who(context)).domains[0] ?? '';
    this.#reader = new ObjectReader(this.#graph, domain);
    this.#feed = new ChangeFeed(this.#graph, this.#reader, domain);
    this.#writer = new ObjectWriter(this.#graph, this.#reader);
  }

  get counts(): { readonly searches: number; readonly writes: number } {
    return { searches: this.#graph.requests - this.#ofWrites, writes: this.#writes };
  }

  async describe(context: Context): Promise<DirectoryDescription> {
    const { id, domains, isSynced } = await this.#who(context);
    return {
      product: 'Entra ID',
      domains: domains.map((name) => ({ name, dn: '' as DistinguishedName })),
      controller: id,
      controllers: [id],
      feed: {
        by: 'delta',
        why: `delta queries of Graph${isSynced ? '; the tenant is synced from a directory on premises, and what comes from there is read-only here' : ''}`,
      },
      exchange: null,
    };
  }

  async changes(
    { under, filter }: DirectoryScope,
    attributes: readonly string[],
    cursor: DirectoryCursor | null,
    context: Context,
  ): Promise<DirectoryPage> {
    const config = (detail: string) => new FaultError({ kind: 'fatal', code: 'config', detail });
    if (under.length > 0)
      throw config(
        'a tenant has no tree: leave out scope.under on the side of Entra, and choose by filter or memberOf',
      );
    try {
      // The delta queries of directory objects filter by id only; who calls compares.
      if (filter !== null) parseFilter(filter);
    } catch (error) {
      if (error instanceof FilterSyntaxError) throw config(error.message);
      throw error;
    }
    return this.#feed.page(wantedOf(attributes), filter, cursor, context);
  }

  async read(
    guids: readonly ObjectGuid[],
    attributes: readonly string[],
    context: Context,
  ): Promise<ReadonlyMap<ObjectGuid, DirectoryObject>> {
    const found = await this.#reader.read(guids, wantedOf(attributes), context);
    return new Map([...found].map(([guid, { object }]) => [guid, object]));
  }

  /** Names are ids, addresses or display names of groups: whatever the project file calls them. */
  async resolve(
    names: readonly DistinguishedName[],
    context: Context,
  ): Promise<ReadonlyMap<DistinguishedName, ObjectGuid>> {
    const found = new Map<DistinguishedName, ObjectGuid>();
    const ids = names.filter((name) => isGuid(name));
    const there = await this.#reader.read(
      ids.map((id) => id.toLowerCase() as ObjectGuid),
      new Set(),
      context,
    );
    for (const id of ids) if (there.has(id.toLowerCase() as ObjectGuid)) found.set(id, id.toLowerCase() as ObjectGuid);
    for (const name of names) {
      if (isGuid(name) || name === '') continue;
      const ways = name.includes('@') ? ['mail', 'proxyAddresses'] : ['displayName'];
      for (const way of ways) {
        const [object, second] = await this.find(
          [way],
          [way === 'proxyAddresses' ? `smtp:${name}` : name],
          [],
          context,
        );
        if (object !== undefined && second === undefined) {
          found.set(name, object.guid);
          break;
        }
      }
    }
    return found;
  }

  async find(
    attributes: readonly string[],
    values: readonly string[],
    wanted: readonly string[],
    context: Context,
  ): Promise<readonly DirectoryObject[]> {
    const requests: EntraRequest[] = [];
    const guids = new Set<ObjectGuid>();
    const unique = [...new Set(values)];
    for (const attribute of attributes) {
      const isByIndex = comparedByIndex.has(attribute.toLowerCase());
      const short = unique.filter((value) => value.length <= valueMax && !isByIndex);
      const long = unique.filter((value) => value.length > valueMax || isByIndex);
      for (const kind of entraKinds) {
        const query = (some: readonly string[], isAdvanced: boolean) => {
          const filter = filterOf(kind, attribute, some);
          if (filter === null) return null;
          return `${collections[kind]}?$select=id&$top=999${isAdvanced ? '&$count=true' : ''}&$filter=${encodeURIComponent(filter)}`;
        };
        for (let at = 0; at < short.length; at += clausesMax) {
          const path = query(short.slice(at, at + clausesMax), false);
          if (path !== null) requests.push({ method: 'GET', path });
        }
        for (const some of packed(long, (list) => (query(list, true) ?? '').length <= urlMax)) {
          const path = query(some, true);
          if (path !== null) requests.push({ method: 'GET', path, isAdvanced: true });
        }
      }
    }
    for (const [at, outcome] of (await this.#graph.all(requests, context)).entries()) {
      const page = mustSucceed(outcome, requests[at]?.path ?? '');
      for (const one of [...objectsAt(page, 'value'), ...(await this.#graph.rest(page, context))])
        guids.add((textAt(one, 'id') ?? '').toLowerCase() as ObjectGuid);
    }
    if (guids.size === 0) return [];
    // The index that answers advanced queries lags behind: what is told is what the objects hold now.
    const now = await this.#reader.read(guids, null, context);
    const sought = new Set(unique.map((value) => value.toLowerCase()));
    const only = wantedOf(wanted);
    return [...now.values()]
      .filter(({ object }) =>
        attributes.some((name) => valuesOf(object.attributes, name).some((value) => sought.has(value.toLowerCase()))),
      )
      .map(({ object }) => ({
        ...object,
        attributes: Object.fromEntries(
          Object.entries(object.attributes).filter(([name]) => only.has(name.toLowerCase())),
        ),
      }));
  }

  async write(edits: readonly DirectoryEdit[], context: Context): Promise<readonly DirectoryWritten[]> {
    const before = this.#graph.requests;
    try {
      const written = await this.#writer.write(edits, context);
      this.#writes += written.filter(({ kind }) => kind === 'done').length;
      return written;
    } finally {
      this.#ofWrites += this.#graph.requests - before;
    }
  }

  async replicated(
    guid: ObjectGuid,
    shows: Attributes,
    controllers: readonly string[],
    context: Context,
  ): Promise<ReadonlyMap<string, boolean | null>> {
    const { id } = await this.#who(context);
    const object = (await this.read([guid], Object.keys(shows), context)).get(guid);
    const isThere =
      object !== undefined &&
      Object.entries(shows).every(([name, values]) => {
        const now = new Set(valuesOf(object.attributes, name));
        return now.size === values.length && values.every((value) => now.has(value));
      });
    return new Map(controllers.map((name) => [name, name === id ? isThere : null]));
  }

  /** Neither shown by Graph nor set by a script. */
  async lacks(attributes: readonly string[]): Promise<ReadonlySet<string>> {
    const missing = attributes.filter((name) => !shownAttributes.has(name.toLowerCase()) && !isScripted(name));
    return new Set(missing.map((name) => name.toLowerCase()));
  }

  /** A tenant has one face: which of its servers answered it does not tell. */
  async unheard(): Promise<readonly string[]> {
    return [];
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  async #who(context: Context): Promise<Tenant> {
    this.#tenant ??= this.#askWho(context);
    try {
      return await this.#tenant;
    } catch (error) {
      this.#tenant = null;
      throw error;
    }
  }

  async #askWho(context: Context): Promise<Tenant> {
    const answer = await this.#graph.get('/organization', context);
    const [tenant] = objectsAt(answer, 'value');
    const id = tenant === undefined ? null : textAt(tenant, 'id');
    if (tenant === undefined || id === null)
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'Graph does not say which tenant it serves' });
    const domains = [...objectsAt(tenant, 'verifiedDomains')].sort(
      (a, b) => Number(b['isDefault'] === true) - Number(a['isDefault'] === true),
    );
    return {
      id: id.toLowerCase(),
      domains: domains.flatMap((one) => textAt(one, 'name')?.toLowerCase() ?? []),
      isSynced: tenant['onPremisesSyncEnabled'] === true,
    };
  }
}

const wantedOf = (attributes: readonly string[]): ReadonlySet<string> =>
  new Set(attributes.map((name) => name.toLowerCase()));

function valuesOf(attributes: Attributes, name: string): readonly string[] {
  const folded = name.toLowerCase();
  return Object.entries(attributes).find(([one]) => one.toLowerCase() === folded)?.[1] ?? [];
}

/** As many together as fit. What fits not even alone goes alone, and the service says what it thinks of it. */
function packed(values: readonly string[], fits: (list: readonly string[]) => boolean): readonly (readonly string[])[] {
  const lists: string[][] = [];
  for (const value of values) {
    const last = lists.at(-1);
    if (last !== undefined && fits([...last, value])) last.push(value);
    else lists.push([value]);
  }
  return lists;
}
