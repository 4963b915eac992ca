import { createHash } from 'node:crypto';
import type { Context } from './context.ts';
import { type DirectoryShape, shapeOf, typeOf } from './directory-shape.ts';
import { type EntraChange, type EntraKind, entraOf } from './entra-state.ts';
import { badRequest, GraphError } from './graph-error.ts';
import { type Query, readQuery } from './odata-query.ts';
import { type Json, ok, type Reply } from './route.ts';

// learn.microsoft.com/graph/delta-query-overview, delta-query-users, delta-query-groups

/** What a token stands for. */
interface Stand {
  readonly kind: EntraKind;
  readonly epoch: number;
  /** `initial`: everything there is, from the object and the member on; `changes`: what came after a place of the log. */
  readonly mode: 'initial' | 'changes';
  /** Of the log: where the round begins, or the next one if this is the first. */
  readonly log: number;
  /** Of the log: where a round of several pages ends. */
  readonly to: number | null;
  /** How many objects of the round were looked at. */
  readonly skip: number;
  /** Members of the next object that were told. */
  readonly members: number;
  readonly atMs: number;
  readonly query: string;
}

/** What was written of an object in a round. */
interface Written {
  readonly members: Map<string, boolean>;
  readonly attributes: Set<string>;
  manager: boolean;
}

/** Directory tokens are good for seven days. (FACTS §4) */
const lifeMs = 7 * 86_400_000;
const pageObjects = 100;
/** Members on a page; the group comes again with those that did not fit. (delta-query-groups: large groups) */
const pageMembers = 200;

const checkOf = (text: string): string =>
  createHash('sha256').update(`directory ${text}`).digest('base64url').slice(0, 8);

function write(stand: Stand): string {
  const text = Buffer.from(JSON.stringify(stand)).toString('base64url');
  return `${text}${checkOf(text)}`;
}

function read(context: Context, kind: EntraKind, text: string): Stand {
  const body = text.slice(0, -8);
  if (checkOf(body) !== text.slice(-8))
    throw new GraphError(400, 'Directory_InvalidDeltaToken', 'The delta token is not valid.');
  const stand = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Stand;
  if (stand.kind !== kind)
    throw new GraphError(400, 'Directory_InvalidDeltaToken', 'The delta token is of another collection.');
  const isForgotten =
    stand.epoch !== context.state.epoch ||
    context.nowMs - stand.atMs > lifeMs ||
    entraOf(context.organization).since(stand.log) === null ||
    context.strike('stale-state') !== null;
  if (isForgotten)
    throw new GraphError(
      410,
      'syncStateNotFound',
      'The sync state generation is not found; continuous tracking is not possible.',
      {
        location: `${context.origin}/${context.version}${context.path}`,
      },
    );
  return stand;
}

const selected = (json: Json, { select }: Query): Json => {
  if (select === null) return json;
  const names = new Set([...select].map((name) => name.toLowerCase()));
  return Object.fromEntries(
    // What never had a value is left out. (group-delta: default behaviour)
    Object.entries(json).filter(([name, value]) => name === 'id' || (names.has(name.toLowerCase()) && value !== null)),
  );
};
const wants = ({ select }: Query, name: string): boolean =>
  select === null ? name !== 'manager' : [...select].some((one) => one.toLowerCase() === name);

/** Changes of a kind of object: everything at first, then what is new. */
export function directoryDelta(context: Context, kind: EntraKind): Reply {
  const { deltaToken, skipToken } = context.query;
  if (context.query.top !== null || context.query.orderBy.length > 0 || context.query.expand.size > 0)
    throw badRequest('The query specified in the URI is not valid: delta takes $select and $filter by id only.');
  const text = deltaToken ?? skipToken;
  const entra = entraOf(context.organization);
  const stand: Stand =
    text === null
      ? {
          kind,
          epoch: context.state.epoch,
          mode: 'initial',
          log: entra.position,
          to: null,
          skip: 0,
          members: 0,
          atMs: context.nowMs,
          query: context.query.raw,
        }
      : read(context, kind, text);
  const round = new Round(context, stand, readQuery(stand.query));
  return stand.mode === 'initial' ? round.initial() : round.changes();
}

class Round {
  readonly #context: Context;
  readonly #stand: Stand;
  readonly #query: Query;

  constructor(context: Context, stand: Stand, query: Query) {
    this.#context = context;
    this.#stand = stand;
    this.#query = query;
  }

  #reply(value: readonly Json[], next: Partial<Stand>, isComplete: boolean): Reply {
    const { origin, version, path } = this.#context;
    const token = write({ ...this.#stand, atMs: this.#context.nowMs, ...next });
    const collection = this.#stand.kind === 'contact' ? 'contacts' : `${this.#stand.kind}s`;
    return ok({
      '@odata.context': this.#context.contextOf(collection),
      value,
      ...(isComplete
        ? { '@odata.deltaLink': `${origin}/${version}${path}?$deltatoken=${token}` }
        : { '@odata.nextLink': `${origin}/${version}${path}?$skiptoken=${token}` }),
    });
  }

  /** Of an object that was made everything, of others the properties that were written: null is what has no value any more. */
  #changed(shape: DirectoryShape, attributes: ReadonlySet<string>): Json {
    if (attributes.has('objectclass')) return selected(shape.json(), this.#query);
    const properties = shape.propertiesOf(attributes);
    const json = Object.entries(shape.json());
    return Object.fromEntries(
      json.filter(([name]) => name === 'id' || (properties.has(name) && wants(this.#query, name.toLowerCase()))),
    );
  }

  #manager(shape: DirectoryShape): Json {
    if (!wants(this.#query, 'manager')) return {};
    const [id] = shape.references('manager');
    return id === undefined ? {} : { 'manager@delta': [{ '@odata.type': typeOf('user'), id }] };
  }
  #memberJson(id: string): Json {
    const shape = shapeOf(this.#context.organization, id);
    return { '@odata.type': typeOf(shape?.kind ?? 'user'), id };
  }

  initial(): Reply {
    const { organization } = this.#context;
    // What is deleted keeps its place, so that nothing moves up while somebody reads.
    const all = [...organization.forest.first.entries()];
    const value: Json[] = [];
    let { skip, members: from } = this.#stand;
    let room = pageMembers;
    while (skip < all.length && value.length < pageObjects && room > 0) {
      const shape = shapeOf(organization, all[skip]?.guid ?? '');
      if (shape?.kind !== this.#stand.kind) {
        skip++;
        continue;
      }
      const members = wants(this.#query, 'members') && shape.kind === 'group' ? shape.references('member') : [];
      const told = members.slice(from, from + room);
      room -= told.length;
      value.push({
        ...selected(shape.json(), this.#query),
        ...this.#manager(shape),
        ...(told.length > 0 ? { 'members@delta': told.map((id) => this.#memberJson(id)) } : {}),
      });
      if (from + told.length < members.length) from += told.length;
      else {
        skip++;
        from = 0;
      }
    }
    if (skip < all.length) return this.#reply(value, { skip, members: from }, false);
    // What was written while somebody read comes on a page more of this round, and the link does not tell it again.
    const isNews = this.#news(entraOf(organization).position).length > 0;
    return this.#reply(value, { mode: 'changes', skip: 0, members: 0 }, !isNews);
  }

  #news(to: number): readonly EntraChange[] {
    const { log, kind } = this.#stand;
    const news = (entraOf(this.#context.organization).since(log) ?? []).slice(0, to - log);
    return news.filter((change) => change.kind === kind);
  }

  changes(): Reply {
    const { organization } = this.#context;
    const entra = entraOf(organization);
    const to = this.#stand.to ?? entra.position;
    const byGuid = new Map<string, Written>();
    for (const change of this.#news(to)) {
      const known: Written = byGuid.get(change.guid) ?? { members: new Map(), attributes: new Set(), manager: false };
      for (const name of change.attributes) known.attributes.add(name);
      for (const id of change.members.added) known.members.set(id, true);
      for (const id of change.members.removed) known.members.set(id, false);
      known.manager ||= change.manager;
      byGuid.set(change.guid, known);
    }
    const all = [...byGuid];
    const page = all.slice(this.#stand.skip, this.#stand.skip + pageObjects);
    const value = page.map(([guid, { members, attributes, manager }]): Json => {
      const shape = shapeOf(organization, guid);
      if (shape === null || shape.kind !== this.#stand.kind)
        // Contacts have no bin. (delta-query-overview: changed, deleted)
        return {
          id: guid,
          '@removed': { reason: this.#stand.kind === 'contact' || entra.isPurged(guid) ? 'deleted' : 'changed' },
        };
      const delta = [...members].map(([id, isThere]) => ({
        ...this.#memberJson(id),
        ...(isThere ? {} : { '@removed': { reason: 'deleted' } }),
      }));
      return {
        ...this.#changed(shape, attributes),
        ...(manager ? this.#manager(shape) : {}),
        ...(wants(this.#query, 'members') && delta.length > 0 ? { 'members@delta': delta } : {}),
      };
    });
    const skip = this.#stand.skip + page.length;
    return skip < all.length
      ? this.#reply(value, { skip, to }, false)
      : this.#reply(value, { log: to, to: null, skip: 0 }, true);
  }
}
