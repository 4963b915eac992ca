import { createHash, randomUUID } from 'node:crypto';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey, isUnder, parseDn } from '#model/directory/distinguished-name.ts';
import type { Context } from '../../contract.ts';
import type { DirectoryChange, DirectoryCursor, DirectoryPage, DirectoryScope } from '../contract.ts';
import type { PagePlace } from './controller.ts';
import type { Domain, Forest, Known } from './forest.ts';
import { bytesOfGuid, guidOfBytes } from './guids.ts';
import type { LdapEntry } from './ldap-answers.ts';
import {
  allOf,
  anyOf,
  atLeast,
  equal,
  FilterSyntaxError,
  type LdapFilter,
  notAny,
  parseFilter,
} from './ldap-filter.ts';
import { LdapRefusal } from './ldap-results.ts';
import { carriedObjects, objectOf, type Wanted, wantedOf } from './read-objects.ts';
import { controlOids, dirSyncControl, readDirSync, showDeletedControl } from './search-controls.ts';
import { isSamba, readHighestUsn } from './server-identity.ts';

/**
 * What changed in a forest. Two ways to ask ([MS-ADTS] 3.1.1.3.4.1.3 and 3.1.1.1.9):
 *
 * - *dirsync*: the server keeps the place in a cookie and shows deletions. Needs the right "Replicating Directory Changes".
 * - *usn*: objects whose uSNChanged is above the last one seen, deleted ones too. Needs to see the container of deleted objects; without
 *   that nobody would hear of a deletion, so that everything is read every time.
 *
 * Both only say *which* objects changed; those are then read whole. A reading from the beginning takes its place in the feed first and then
 * pages through the scope, so that what changes meanwhile is told afterwards. Numbers of changes belong to one database: with another
 * controller, or after it was restored, the reading begins anew. So it does when a container was renamed or moved, which changes the DN of
 * everything below without touching it.
 */

type FeedKind = 'dirsync' | 'usn';

/** Place in the feed of one domain. */
interface DomainPlace {
  readonly by: FeedKind;
  /** The database that it belongs to. */
  readonly at: string;
  /** DirSync cookie in base64, or the highest uSNChanged seen. */
  readonly place: string;
}

interface FeedCursor {
  readonly form: 1;
  /** What was asked for: another scope or other attributes need a reading from the beginning. */
  readonly asked: string;
  readonly domains: Readonly<Record<string, DomainPlace>>;
}

/** A reading from the beginning, in the middle. Lives in memory: a paged search dies with its connection anyhow. */
interface WholeReading {
  readonly asked: string;
  readonly domains: Readonly<Record<string, DomainPlace>>;
  readonly searches: { readonly domain: Domain; readonly base: DistinguishedName }[];
  at: number;
  page: PagePlace | null;
}

/** Readings that somebody began and did not end are forgotten, the oldest first. */
const readingsMax = 4;
const guidsPerSearch = 100;
const wholePrefix = 'reading:';

export interface Feed {
  readonly by: FeedKind;
  readonly why: string;
  /** False: deletions cannot be seen, so every reading is whole. */
  readonly showsDeleted: boolean;
}

export class ChangeFeed {
  readonly #forest: Forest;
  readonly #readings = new Map<string, WholeReading>();
  readonly #feeds = new Map<string, Feed>();

  constructor(forest: Forest) {
    this.#forest = forest;
  }

  /** How the pinned controller tells changes. What it does not show of deletions today it may show tomorrow. */
  async feedOf(known: Known, context: Context): Promise<Feed> {
    const key = known.identity.invocationId;
    let feed = this.#feeds.get(key);
    if (feed?.showsDeleted !== true) {
      feed = await chooseFeed(known, context);
      this.#feeds.set(key, feed);
    }
    return feed;
  }

  async page(
    scope: DirectoryScope,
    attributes: readonly string[],
    cursor: DirectoryCursor | null,
    context: Context,
  ): Promise<DirectoryPage> {
    const filter = scopeFilter(scope.filter);
    const asked = createHash('sha256')
      .update(JSON.stringify([scope.under.map(dnKey).sort(), scope.filter, [...attributes].sort()]))
      .digest('base64url')
      .slice(0, 22);
    const shapes = await this.#forest.shapes.of(attributes, context);
    const wanted = wantedOf(attributes, shapes);
    if (cursor?.startsWith(wholePrefix)) {
      const reading = this.#readings.get(cursor.slice(wholePrefix.length));
      if (reading === undefined || reading.asked !== asked) throw new FaultError({ kind: 'cursor-lost' });
      return this.#wholePage(cursor.slice(wholePrefix.length), reading, filter, wanted, context);
    }
    const place = cursor === null ? null : readCursor(cursor);
    const changed =
      place === null || place.asked !== asked ? null : await this.#changedPage(place, filter, wanted, context);
    if (changed !== null) return changed;
    const reading = await this.#begin(scope, asked, context);
    const id = randomUUID();
    this.#readings.set(id, reading);
    for (const oldest of [...this.#readings.keys()].slice(0, -readingsMax)) this.#readings.delete(oldest);
    return this.#wholePage(id, reading, filter, wanted, context);
  }

  async #begin(scope: DirectoryScope, asked: string, context: Context): Promise<WholeReading> {
    const domains: Record<string, DomainPlace> = {};
    const searches: WholeReading['searches'] = [];
    const outside = [...scope.under];
    for (const domain of await this.#forest.domains(context)) {
      const known = await this.#forest.serving(domain, context);
      const feed = await this.feedOf(known, context);
      const under = scope.under.filter((dn) => isUnder(dn, domain.dn));
      const inner = (await this.#forest.domains(context)).filter(
        (other) => other !== domain && isUnder(other.dn, domain.dn),
      );
      const mine = under.filter((dn) => !inner.some((other) => isUnder(dn, other.dn)));
      for (const dn of mine) outside.splice(outside.indexOf(dn), 1);
      const place =
        feed.by === 'dirsync' ? await presentCookie(known, domain, context) : await presentUsn(known, context);
      domains[dnKey(domain.dn)] = { by: feed.by, at: known.identity.invocationId, place };
      // A container above a child domain holds it by name; a search there refers to it only.
      const isWithin = scope.under.length === 0 || scope.under.some((dn) => isUnder(domain.dn, dn));
      const bases = isWithin ? [domain.dn] : mine;
      // A container within another one would be read twice.
      const outer = bases.filter(
        (dn, i) => !bases.some((other, j) => i !== j && isUnder(dn, other) && (j < i || dnKey(dn) !== dnKey(other))),
      );
      for (const base of outer) searches.push({ domain, base });
    }
    if (outside.length > 0) {
      const detail = `${outside.join('; ')} lies in no domain of this forest: correct the scope of the directory sync`;
      throw new FaultError({ kind: 'fatal', code: 'config', detail });
    }
    return { asked, domains, searches, at: 0, page: null };
  }

  async #wholePage(
    id: string,
    reading: WholeReading,
    filter: LdapFilter | null,
    wanted: Wanted,
    context: Context,
  ): Promise<DirectoryPage> {
    const changes: DirectoryChange[] = [];
    const search = reading.searches[reading.at];
    if (search !== undefined) {
      try {
        const known = await this.#forest.serving(search.domain, context);
        const { entries, next } = await known.controller.page(
          {
            base: search.base,
            filter: filter === null ? carriedObjects : allOf(carriedObjects, filter),
            attributes: wanted.request,
          },
          reading.page,
          context,
        );
        for (const entry of entries) {
          const object = await objectOf(entry, wanted, known, context);
          if (object !== null) changes.push({ kind: 'upsert', object });
        }
        reading.page = next;
        if (next === null) reading.at++;
      } catch (error) {
        this.#readings.delete(id);
        throw explainMissingBase(error, search.base);
      }
    }
    const complete = reading.at >= reading.searches.length;
    if (complete) this.#readings.delete(id);
    const cursor = complete ? writeCursor(reading) : `${wholePrefix}${id}`;
    return { changes, cursor, complete, isWhole: true };
  }

  /** @returns null when the place is lost, so that the reading begins anew. */
  async #changedPage(
    cursor: FeedCursor,
    filter: LdapFilter | null,
    wanted: Wanted,
    context: Context,
  ): Promise<DirectoryPage | null> {
    const domains = await this.#forest.domains(context);
    if (domains.length !== Object.keys(cursor.domains).length) return null;
    const places: Record<string, DomainPlace> = {};
    const changes: DirectoryChange[] = [];
    let complete = true;
    for (const domain of domains) {
      const key = dnKey(domain.dn);
      const place = cursor.domains[key];
      const known = await this.#forest.serving(domain, context);
      const feed = await this.feedOf(known, context);
      if (place === undefined || place.by !== feed.by || place.at !== known.identity.invocationId) return null;
      if (!feed.showsDeleted) return null;
      const opened = known.controller.opened;
      const news =
        feed.by === 'dirsync'
          ? await dirSyncNews(known, domain, place.place, wanted, context)
          : await usnNews(known, domain, place.place, context);
      const read = news === null ? null : await this.#readNews(news, domain, known, filter, wanted, context);
      if (news === null || read === null) return null;
      changes.push(...read);
      places[key] = { ...place, place: news.place };
      complete &&= !news.hasMore;
      if (known.controller.opened !== opened) {
        // A name may stand for several controllers: what this one counted says nothing about the other.
        const again = await this.#forest.known(known.controller, context);
        if (again.identity.invocationId !== place.at) return null;
      }
    }
    return { changes, cursor: writeCursor({ asked: cursor.asked, domains: places }), complete, isWhole: false };
  }

  /** Objects that changed, as they are now. @returns null when a container got another name, and with it all that lies below. */
  async #readNews(
    news: News,
    domain: Domain,
    known: Known,
    filter: LdapFilter | null,
    wanted: Wanted,
    context: Context,
  ): Promise<readonly DirectoryChange[] | null> {
    const matching = filter === null ? carriedObjects : allOf(carriedObjects, filter);
    const found = await readByGuid([...news.changed.keys()], known, domain.dn, matching, wanted, context);
    const missing = new Map([...news.changed].filter(([guid]) => !found.has(guid)));
    // What was told and is not carried lies outside of the filter, was deleted meanwhile, or is a container.
    const holding = await readByGuid([...missing.keys()], known, domain.dn, containers, wanted, context);
    for (const guid of holding.keys()) {
      if (news.renamed.has(guid)) return null;
      missing.delete(guid);
    }
    // What went from one domain may have moved to another one, and keeps its GUID.
    const lost = [...missing.keys(), ...news.gone.keys()];
    if (lost.length > 0) {
      for (const other of await this.#forest.domains(context)) {
        if (other === domain) continue;
        const serving = await this.#forest.serving(other, context);
        for (const [guid, object] of await readByGuid(lost, serving, other.dn, matching, wanted, context)) {
          found.set(guid, object);
        }
      }
    }
    const changes: DirectoryChange[] = [...found.values()].map((object) => ({ kind: 'upsert', object }));
    for (const [guid, lastDn] of [...missing, ...news.gone]) {
      if (!found.has(guid)) changes.push({ kind: 'gone', guid, lastDn });
    }
    return changes;
  }
}

/** Which objects changed since a place. */
interface News {
  readonly changed: ReadonlyMap<ObjectGuid, DistinguishedName>;
  readonly gone: ReadonlyMap<ObjectGuid, DistinguishedName | null>;
  /** Those of the changed ones that were there before and may have got another name or place. */
  readonly renamed: ReadonlySet<ObjectGuid>;
  readonly place: string;
  readonly hasMore: boolean;
}

/** Objects by GUID that match the filter, from one domain. */
export async function readByGuid(
  guids: readonly ObjectGuid[],
  known: Known,
  base: string,
  filter: LdapFilter | null,
  wanted: Wanted,
  context: Context,
): Promise<Map<ObjectGuid, DirectoryObject>> {
  const found = new Map<ObjectGuid, DirectoryObject>();
  for (let at = 0; at < guids.length; at += guidsPerSearch) {
    const these = guids.slice(at, at + guidsPerSearch).flatMap((guid) => {
      const bytes = bytesOfGuid(guid);
      return bytes === null ? [] : [equal('objectGUID', bytes)];
    });
    if (these.length === 0) continue;
    const one = anyOf(...these);
    const search = { base, filter: filter === null ? one : allOf(one, filter), attributes: wanted.request };
    for (const entry of await known.controller.searchAll(search, context)) {
      const object = await objectOf(entry, wanted, known, context);
      if (object !== null) found.set(object.guid, object);
    }
  }
  return found;
}

const containers: LdapFilter = anyOf(equal('objectClass', 'organizationalUnit'), equal('objectClass', 'container'));
/** Deleted objects keep their classes, and nothing by which a scope could be told. */
const told: LdapFilter = anyOf(carriedObjects, containers);
/** No object has none: the server only says where its feed stands. */
const nothing: LdapFilter = notAny({ kind: 'present', attribute: 'objectClass' });

const text = (entry: LdapEntry, name: string): string => {
  const key = name.toLowerCase();
  for (const [full, values] of entry.values) if (full.toLowerCase() === key) return values[0]?.toString('utf8') ?? '';
  return '';
};
const bytes = (entry: LdapEntry, name: string): Buffer => {
  const key = name.toLowerCase();
  for (const [full, values] of entry.values) if (full.toLowerCase() === key) return values[0] ?? Buffer.alloc(0);
  return Buffer.alloc(0);
};

/** Where a deleted object was: its own name stands before a line feed and its GUID ([MS-ADTS] 3.1.1.5.5). */
function lastDnOf(entry: LdapEntry): DistinguishedName | null {
  // DirSync writes names with GUID and SID before them ([MS-ADTS] 3.1.1.3.4.1.3).
  const parent = text(entry, 'lastKnownParent').replace(/^(?:<[^>]*>;)+/, '');
  const own = /^(?:[^\\,+]|\\.)+?(?=\\0ADEL:)/i.exec(entry.dn)?.[0];
  return parent === '' || own === undefined || parseDn(own) === null ? null : (`${own},${parent}` as DistinguishedName);
}

function sort(
  entries: readonly LdapEntry[],
  isRenamed: (entry: LdapEntry) => boolean,
): Pick<News, 'changed' | 'gone' | 'renamed'> {
  const changed = new Map<ObjectGuid, DistinguishedName>();
  const gone = new Map<ObjectGuid, DistinguishedName | null>();
  const renamed = new Set<ObjectGuid>();
  for (const entry of entries) {
    const guid = guidOfBytes(bytes(entry, 'objectGUID'));
    if (guid === null) continue;
    if (text(entry, 'isDeleted').toUpperCase() === 'TRUE') gone.set(guid, lastDnOf(entry));
    else {
      changed.set(guid, entry.dn as DistinguishedName);
      if (isRenamed(entry)) renamed.add(guid);
    }
  }
  return { changed, gone, renamed };
}

/** Cookie for "from now on": everything up to here is passed over by the server itself. */
async function presentCookie(known: Known, domain: Domain, context: Context): Promise<string> {
  for (let cookie: Buffer = Buffer.alloc(0); ; ) {
    const { result } = await known.controller.search(
      { base: domain.dn, filter: nothing, attributes: ['objectGUID'], controls: [dirSyncControl(cookie)] },
      context,
    );
    const answer = readDirSync(result.controls);
    if (answer === null)
      throw new FaultError({
        kind: 'fatal',
        code: 'protocol',
        detail: `${known.controller.peer}: the answer to DirSync has no cookie`,
      });
    cookie = answer.cookie;
    if (!answer.hasMore) return cookie.toString('base64');
  }
}

async function dirSyncNews(
  known: Known,
  domain: Domain,
  place: string,
  wanted: Wanted,
  context: Context,
): Promise<News | null> {
  const attributes = [...new Set([...wanted.request, 'name', 'isDeleted', 'lastKnownParent', 'parentGUID'])];
  let outcome: Awaited<ReturnType<typeof known.controller.search>>;
  try {
    const controls = [dirSyncControl(Buffer.from(place, 'base64'))];
    outcome = await known.controller.search({ base: domain.dn, filter: told, attributes, controls }, context);
  } catch (error) {
    // A cookie that the server does not know any more: too old, or of another database.
    if (error instanceof LdapRefusal && [2, 12, 53, 80].includes(error.code)) return null;
    throw error;
  }
  const answer = readDirSync(outcome.result.controls);
  if (answer === null) return null;
  // Attributes that did not change are left out: what has a name but no class was there before.
  const isRenamed = (entry: LdapEntry) => {
    const names = new Set([...entry.values.keys()].map((name) => name.toLowerCase()));
    return names.has('name') && !names.has('objectclass');
  };
  const news = sort(outcome.entries, isRenamed);
  return {
    ...news,
    gone: await lastNames(news.gone, known, domain, context),
    place: answer.cookie.toString('base64'),
    hasMore: answer.hasMore,
  };
}

/** Fills in where deleted objects were, for a feed that leaves it out. */
async function lastNames(gone: News['gone'], known: Known, domain: Domain, context: Context): Promise<News['gone']> {
  const filled = new Map(gone);
  const unknown = [...gone].flatMap(([guid, dn]) => {
    const value = dn === null ? bytesOfGuid(guid) : null;
    return value === null ? [] : [equal('objectGUID', value)];
  });
  for (let at = 0; at < unknown.length; at += guidsPerSearch) {
    const entries = await known.controller.searchAll(
      {
        base: domain.dn,
        filter: anyOf(...unknown.slice(at, at + guidsPerSearch)),
        attributes: ['objectGUID', 'lastKnownParent'],
        controls: [showDeletedControl()],
      },
      context,
    );
    for (const entry of entries) {
      const guid = guidOfBytes(bytes(entry, 'objectGUID'));
      if (guid !== null) filled.set(guid, lastDnOf(entry));
    }
  }
  return filled;
}

async function presentUsn(known: Known, context: Context): Promise<string> {
  const usn = await readHighestUsn(known.controller, context);
  if (usn === null) {
    const detail = `${known.controller.peer} neither lets this account use DirSync nor numbers its changes (highestCommittedUSN)`;
    throw new FaultError({ kind: 'fatal', code: 'unsupported', detail });
  }
  return String(usn);
}

async function usnNews(known: Known, domain: Domain, place: string, context: Context): Promise<News | null> {
  const highest = await presentUsn(known, context);
  // A database that counts less than it did is another one, or was put back.
  if (BigInt(highest) < BigInt(place)) return null;
  const since = String(BigInt(place) + 1n);
  const entries = await known.controller.searchAll(
    {
      base: domain.dn,
      filter: allOf(atLeast('uSNChanged', since), told),
      attributes: ['objectGUID', 'isDeleted', 'lastKnownParent', 'uSNCreated'],
      controls: [showDeletedControl()],
    },
    context,
  );
  // The number of the creation does not change; that of a new name is no other than that of any change.
  const isRenamed = (entry: LdapEntry) => {
    const created = text(entry, 'uSNCreated');
    return !/^\d+$/.test(created) || BigInt(created) <= BigInt(place);
  };
  return { ...sort(entries, isRenamed), place: highest, hasMore: false };
}

/** Asks the server what it allows. */
async function chooseFeed(known: Known, context: Context): Promise<Feed> {
  const { controller, identity } = known;
  let by: FeedKind = 'usn';
  let why = 'this server has no DirSync';
  if (identity.controls.has(controlOids.dirSync)) {
    try {
      const controls = [dirSyncControl(Buffer.alloc(0))];
      const search = { base: identity.domainDn, filter: nothing, attributes: ['objectGUID'], controls };
      await controller.search({ ...search, isLearning: true }, context);
      by = 'dirsync';
      why = 'the account may replicate directory changes';
    } catch (error) {
      if (!(error instanceof LdapRefusal) || ![50, 53, 12].includes(error.code)) throw error;
      why = 'the account lacks the right "Replicating Directory Changes"';
    }
  }
  // Who may replicate is shown everything ([MS-ADTS] 3.1.1.3.4.1.3); Samba shows deleted objects only to those who may see them.
  const showsDeleted = (by === 'dirsync' && !isSamba(identity)) || (await seesDeleted(known, context));
  const unseen = '; it sees no deleted objects, so that everything is read every time: let it see them';
  return { by, why: `${why}${showsDeleted ? '' : unseen}`, showsDeleted };
}

/** Whether any deleted object is shown. That the container is shown says nothing, and an empty one proves nothing. */
async function seesDeleted({ controller, identity }: Known, context: Context): Promise<boolean> {
  try {
    const { entries } = await controller.page(
      {
        base: `CN=Deleted Objects,${identity.domainDn}`,
        scope: 'one',
        attributes: ['objectGUID'],
        controls: [showDeletedControl()],
        isLearning: true,
      },
      null,
      context,
    );
    return entries.length > 0;
  } catch (error) {
    if (error instanceof LdapRefusal && [32, 50].includes(error.code)) return false;
    throw error;
  }
}

function scopeFilter(filter: string | null): LdapFilter | null {
  if (filter === null) return null;
  try {
    return parseFilter(filter);
  } catch (error) {
    if (!(error instanceof FilterSyntaxError)) throw error;
    throw new FaultError({ kind: 'fatal', code: 'config', detail: `scope of the directory sync: ${error.message}` });
  }
}

function explainMissingBase(error: unknown, base: string): unknown {
  if (!(error instanceof LdapRefusal) || error.code !== 32) return error;
  const detail = `the container ${base} is not there, or the account may not see it: correct the scope of the directory sync`;
  return new FaultError({ kind: 'fatal', code: 'config', detail, cause: error });
}

const writeCursor = ({ asked, domains }: Pick<FeedCursor, 'asked' | 'domains'>): DirectoryCursor =>
  JSON.stringify({ form: 1, asked, domains } satisfies FeedCursor);

/** @returns null for one that this version did not write. */
function readCursor(cursor: DirectoryCursor): FeedCursor | null {
  try {
    const read = JSON.parse(cursor) as Partial<FeedCursor> | null;
    if (read?.form !== 1 || typeof read.asked !== 'string' || typeof read.domains !== 'object') return null;
    const places = Object.values(read.domains) as readonly Partial<DomainPlace>[];
    const isPlace = ({ by, at, place }: Partial<DomainPlace>) =>
      typeof at === 'string' && (by === 'dirsync' || (by === 'usn' && /^\d+$/.test(place ?? '')));
    return places.every(isPlace) ? (read as FeedCursor) : null;
  } catch {
    return null;
  }
}
