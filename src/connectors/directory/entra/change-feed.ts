import { FaultError } from '#kit/fault.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { hash128 } from '#model/stamp.ts';
import type { Context } from '../../contract.ts';
import { type JsonObject, objectAt, objectsAt, textAt } from '../../graph/json.ts';
import type { DirectoryChange, DirectoryCursor, DirectoryPage } from '../contract.ts';
import { collections, type EntraKind, entraKinds, kindOfType, objectOf, selected } from './entra-objects.ts';
import { type EntraOutcome, faultOf, type GraphSession } from './graph-session.ts';
import { mustSucceed, type ObjectReader } from './read-objects.ts';

/** Where a reading of one kind of object stands: the next page, or where the next round begins. */
interface Place {
  readonly path: string;
  readonly isEnd: boolean;
}
type Places = Readonly<Record<EntraKind, Place>>;

/** A group whose members came so far: they come in pieces, also on pages that follow (GDOC `delta-query-groups`). */
interface Gathered {
  readonly json: JsonObject;
  readonly members: Set<ObjectGuid>;
}

/** Whether the mailboxes of a reading may be opened. One page says nothing: its people may all be others'. */
interface Mailboxes {
  readonly isOneOpen: boolean;
  readonly closed: EntraOutcome | null;
}

/** A reading that has not come to its end. Lives as long as the session. */
interface Reading {
  readonly isWhole: boolean;
  readonly wanted: string;
  places: Places;
  /** Of a reading from the beginning, as are the others that follow. */
  readonly groups: Map<ObjectGuid, Gathered>;
  /** Users and contacts that came, by the number of the page on which they came first. */
  readonly told: Map<ObjectGuid, number>;
  readonly page: number;
  mailboxes: Mailboxes;
}

const readingsMax = 16;
const initial = (kind: EntraKind): Place => ({
  path: `${collections[kind]}/delta?$select=${[...selected[kind], ...(kind === 'group' ? ['members'] : kind === 'user' ? ['manager'] : [])].join(',')}`,
  isEnd: false,
});
const mark = 'entra';
const session = 'reading:';

/**
 * Changes of a tenant: the delta queries of users, groups and contacts, asked in one batch. A cursor holds the three links, as the service
 * gave them out; they are good for seven days. From the beginning everything comes from the feeds, groups before the others, so that it is known who
 * is a member of what; later only ids are taken from them, and what they name is read.
 */
export class ChangeFeed {
  readonly #graph: GraphSession;
  readonly #reader: ObjectReader;
  readonly #domain: (context: Context) => Promise<string>;
  readonly #readings = new Map<string, Reading>();
  #given = 0;

  constructor(graph: GraphSession, reader: ObjectReader, domain: (context: Context) => Promise<string>) {
    this.#graph = graph;
    this.#reader = reader;
    this.#domain = domain;
  }

  /** @param wanted Lower case. @param filter of the scope: one that was changed makes another reading. */
  async page(
    wanted: ReadonlySet<string>,
    filter: string | null,
    cursor: DirectoryCursor | null,
    context: Context,
  ): Promise<DirectoryPage> {
    const reading = this.#readingOf(cursor, hash128(JSON.stringify([[...wanted].sort(), filter])));
    if (reading.isWhole) return this.#whole(reading, wanted, context);
    let pages: ReadonlyMap<EntraKind, JsonObject>;
    try {
      pages = await this.#pages(reading, entraKinds, context);
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'cursor-lost') throw error;
      // The service keeps what it knows for seven days: everything is read anew.
      return this.#whole(whole(reading.wanted), wanted, context);
    }
    return this.#changes(reading, pages, wanted, context);
  }

  #readingOf(cursor: DirectoryCursor | null, wanted: string): Reading {
    if (cursor?.startsWith(session)) {
      const reading = this.#readings.get(cursor);
      // One of another session, or with other attributes, which would be a mixture.
      if (reading?.wanted !== wanted) throw new FaultError({ kind: 'cursor-lost' });
      return reading;
    }
    const places = cursor === null ? null : placesIn(cursor, wanted);
    return places === null ? whole(wanted) : { ...whole(wanted), isWhole: false, places };
  }

  /** The next pages of the kinds that have one, in one batch. */
  async #pages(
    reading: Reading,
    kinds: readonly EntraKind[],
    context: Context,
  ): Promise<ReadonlyMap<EntraKind, JsonObject>> {
    const open = kinds.filter((kind) => !reading.places[kind].isEnd);
    const outcomes = await this.#graph.all(
      open.map((kind) => ({ method: 'GET', path: reading.places[kind].path })),
      context,
    );
    const pages = new Map<EntraKind, JsonObject>();
    let places = reading.places;
    for (const [at, kind] of open.entries()) {
      const outcome = outcomes[at];
      if (outcome?.kind !== 'ok') throw new FaultError(feedFault(outcome, kind));
      pages.set(kind, outcome.body);
      places = { ...places, [kind]: this.#placeIn(outcome.body, kind) };
    }
    reading.places = places;
    return pages;
  }

  #placeIn(page: JsonObject, kind: EntraKind): Place {
    const [next, delta] = [textAt(page, '@odata.nextLink'), textAt(page, '@odata.deltaLink')];
    if (next !== null) return { path: this.#graph.pathOf(next), isEnd: false };
    if (delta !== null) return { path: this.#graph.pathOf(delta), isEnd: true };
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: `the changes of ${collections[kind]} end without a link for the next time`,
    });
  }

  #answer(reading: Reading, changes: readonly DirectoryChange[]): DirectoryPage {
    const { isWhole, places, wanted } = reading;
    const complete = entraKinds.every((kind) => places[kind].isEnd);
    return { changes, cursor: complete ? cursorOf(places, wanted) : this.#keep(reading), complete, isWhole };
  }

  #keep(reading: Reading): DirectoryCursor {
    const name = `${session}${++this.#given}`;
    this.#readings.set(name, reading);
    const [oldest] = this.#readings.keys();
    if (this.#readings.size > readingsMax && oldest !== undefined) this.#readings.delete(oldest);
    return name;
  }

  /** Groups until their end, then the others page by page; groups themselves go out with the last page. */
  async #whole(before: Reading, wanted: ReadonlySet<string>, context: Context): Promise<DirectoryPage> {
    // A page that is asked for again is a copy of what it was: nothing is gathered twice.
    const reading: Reading = { ...before, groups: new Map(before.groups), page: before.page + 1 };
    if (!reading.places.group.isEnd) {
      const page = await this.#pages(reading, ['group'], context);
      for (const json of objectsAt(page.get('group') ?? {}, 'value')) gather(reading.groups, json);
      return this.#answer(reading, []);
    }
    const pages = await this.#pages(reading, ['user', 'contact'], context);
    const { found, again } = this.#sorted(reading, pages);
    const domain = await this.#domain(context);
    const purposes = await this.#reader.purposes(
      found.flatMap(({ kind, json }) => (kind === 'user' ? [json] : [])),
      context,
    );
    reading.mailboxes = {
      isOneOpen: before.mailboxes.isOneOpen || purposes.isOneOpen,
      closed: before.mailboxes.closed ?? purposes.closed,
    };
    const isEnd = entraKinds.every((kind) => reading.places[kind].isEnd);
    const { isOneOpen, closed } = reading.mailboxes;
    // Not one of all of them: it is the permission that is missing.
    if (isEnd && !isOneOpen && closed !== null) mustSucceed(closed, '/users/…/mailboxSettings');
    const memberOf = this.#membershipsOf(reading);
    const upsert = (kind: EntraKind, json: JsonObject, members: readonly ObjectGuid[]): DirectoryChange => {
      const id = textAt(json, 'id') ?? '';
      const guid = guidOf(json);
      this.#reader.know(guid, kind);
      const beside = {
        members,
        manager: managerIn(json),
        memberOf: memberOf.get(guid) ?? [],
        purpose: purposes.byId.get(id) ?? null,
      };
      return { kind: 'upsert', object: objectOf(kind, json, beside, domain, wanted) };
    };
    const changes = found.map(({ kind, json }) => upsert(kind, json, []));
    if (isEnd)
      for (const [guid, { json, members }] of reading.groups)
        if (isFull('group', json)) changes.push(upsert('group', json, [...members]));
        else again.add(guid);
    return this.#answer(reading, [...changes, ...(await this.#asTheyAre(again, wanted, context))]);
  }

  /**
   * Users and contacts of a page: those that come whole and for the first time, and those that have to be read. What is written while the
   * feed is read comes again, with as little as the properties that were written, and what is deleted as a removal; the next round tells neither.
   */
  #sorted({ told, page: number }: Reading, pages: ReadonlyMap<EntraKind, JsonObject>) {
    const found = new Map<ObjectGuid, { readonly kind: EntraKind; readonly json: JsonObject }>();
    const again = new Set<ObjectGuid>();
    for (const [kind, page] of pages)
      for (const json of objectsAt(page, 'value')) {
        const guid = guidOf(json);
        this.#reader.know(guid, kind);
        const isFirst = (told.get(guid) ?? number) >= number && !found.has(guid) && !again.has(guid);
        if (isFirst) told.set(guid, number);
        if (isFirst && !isRemoved(json) && isFull(kind, json)) found.set(guid, { kind, json });
        else {
          found.delete(guid);
          again.add(guid);
        }
      }
    return { found: [...found.values()], again };
  }

  async #asTheyAre(
    guids: ReadonlySet<ObjectGuid>,
    wanted: ReadonlySet<string>,
    context: Context,
  ): Promise<readonly DirectoryChange[]> {
    if (guids.size === 0) return [];
    const now = await this.#reader.read(guids, wanted, context);
    return [...guids].map((guid): DirectoryChange => {
      const object: DirectoryObject | undefined = now.get(guid)?.object;
      // One that was removed and restored since is there again.
      return object === undefined ? { kind: 'gone', guid, lastDn: null } : { kind: 'upsert', object };
    });
  }

  readonly #memberships = new WeakMap<Places[EntraKind], ReadonlyMap<ObjectGuid, readonly ObjectGuid[]>>();
  /** Worked out once for a reading: the place of its groups stays the same object from then on. */
  #membershipsOf({ places, groups }: Reading): ReadonlyMap<ObjectGuid, readonly ObjectGuid[]> {
    const known = this.#memberships.get(places.group);
    if (known !== undefined) return known;
    const made = new Map<ObjectGuid, ObjectGuid[]>();
    for (const [group, { members }] of groups)
      for (const member of members) {
        const list = made.get(member);
        if (list === undefined) made.set(member, [group]);
        else list.push(group);
      }
    this.#memberships.set(places.group, made);
    return made;
  }

  /** What a page names is read as it is now: pages hold what changed, and of references only the differences. */
  async #changes(
    reading: Reading,
    pages: ReadonlyMap<EntraKind, JsonObject>,
    wanted: ReadonlySet<string>,
    context: Context,
  ): Promise<DirectoryPage> {
    const named = new Set<ObjectGuid>();
    for (const [kind, page] of pages)
      for (const json of objectsAt(page, 'value')) {
        if (!isRemoved(json)) this.#reader.know(guidOf(json), kind);
        named.add(guidOf(json));
      }
    return this.#answer(reading, await this.#asTheyAre(named, wanted, context));
  }
}

const whole = (wanted: string): Reading => ({
  isWhole: true,
  wanted,
  places: { user: initial('user'), group: initial('group'), contact: initial('contact') },
  groups: new Map(),
  told: new Map(),
  page: 0,
  mailboxes: { isOneOpen: false, closed: null },
});

const guidOf = (json: JsonObject): ObjectGuid => (textAt(json, 'id') ?? '').toLowerCase() as ObjectGuid;

/** Whether an object came with what all of its kind have: one that was changed may come with its changes only. */
const isFull = (kind: EntraKind, json: JsonObject): boolean =>
  hadByAll[kind].every((name) => (json[name] ?? null) !== null);
const hadByAll: Readonly<Record<EntraKind, readonly string[]>> = {
  user: ['displayName', 'userPrincipalName', 'accountEnabled'],
  group: ['displayName', 'mailEnabled', 'securityEnabled'],
  contact: ['displayName'],
};

/** `deleted`, and `changed` for what lies in the bin: neither is there (GDOC `delta-query-overview`). */
const isRemoved = (json: JsonObject): boolean => objectAt(json, '@removed') !== null;

function gather(groups: Map<ObjectGuid, Gathered>, json: JsonObject): void {
  const guid = guidOf(json);
  if (isRemoved(json)) {
    groups.delete(guid);
    return;
  }
  const known = groups.get(guid);
  const members = new Set(known?.members ?? []);
  for (const member of objectsAt(json, 'members@delta')) {
    const id = (textAt(member, 'id') ?? '').toLowerCase() as ObjectGuid;
    if (kindOfType(textAt(member, '@odata.type')) === null) continue;
    if (isRemoved(member)) members.delete(id);
    else members.add(id);
  }
  groups.set(guid, { json: { ...known?.json, ...json }, members });
}

function managerIn(json: JsonObject): ObjectGuid | null {
  const there = objectsAt(json, 'manager@delta').filter((one) => !isRemoved(one));
  return ((there.at(-1) === undefined ? null : textAt(there.at(-1) ?? {}, 'id'))?.toLowerCase() ??
    null) as ObjectGuid | null;
}

function feedFault(outcome: Parameters<typeof faultOf>[0], kind: EntraKind) {
  const { status = 0, code = '' } = outcome ?? {};
  // The token is none of theirs any more (GDOC `delta-query-overview`: synchronization reset).
  if (status === 410 || (status === 400 && /delta ?token|syncState|resync/i.test(code)))
    return { kind: 'cursor-lost' } as const;
  return faultOf(outcome, 'Graph', `${collections[kind]}/delta`);
}

const cursorOf = ({ user, group, contact }: Places, wanted: string): DirectoryCursor =>
  `${mark} ${wanted} ${JSON.stringify([user.path, group.path, contact.path])}`;

/** Null: the cursor is none of ours, or was of other attributes. */
function placesIn(cursor: DirectoryCursor, wanted: string): Places | null {
  const prefix = `${mark} ${wanted} `;
  if (!cursor.startsWith(prefix)) return null;
  let paths: unknown;
  try {
    paths = JSON.parse(cursor.slice(prefix.length));
  } catch {
    return null;
  }
  if (!Array.isArray(paths)) return null;
  const [user, group, contact]: readonly unknown[] = paths;
  const isPath = (path: unknown): path is string => typeof path === 'string' && path.startsWith('/');
  if (!isPath(user) || !isPath(group) || !isPath(contact)) return null;
  const place = (path: string): Place => ({ path, isEnd: false });
  return { user: place(user), group: place(group), contact: place(contact) };
}
