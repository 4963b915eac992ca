import { FaultError } from '#kit/fault.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Context } from '../../contract.ts';
import { type JsonObject, objectAt, objectsAt, textAt } from '../../graph/json.ts';
import {
  type Beside,
  collections,
  type EntraKind,
  entraKinds,
  hasAddress,
  kindOfType,
  objectOf,
  selected,
} from './entra-objects.ts';
import { type EntraOutcome, type EntraRequest, faultOf, type GraphSession } from './graph-session.ts';

/** Clauses of one filter of the default kind. */
export const clausesMax = 15;

/** An object with its kind, and the JSON that it was made of. */
export interface ReadObject {
  readonly kind: EntraKind;
  readonly json: JsonObject;
  readonly object: DirectoryObject;
}

/** What mailboxes are for, and whether this application may look at all. */
export interface Purposes {
  readonly byId: ReadonlyMap<string, string>;
  readonly isOneOpen: boolean;
  /** The first that was refused; null: none was. */
  readonly closed: EntraOutcome | null;
}

/** Reads objects of a tenant by id: several requests for each, twenty in a batch. */
export class ObjectReader {
  readonly #graph: GraphSession;
  readonly #domain: (context: Context) => Promise<string>;
  /** Ids never change their kind. */
  readonly #kinds = new Map<ObjectGuid, EntraKind>();

  constructor(graph: GraphSession, domain: (context: Context) => Promise<string>) {
    this.#graph = graph;
    this.#domain = domain;
  }

  know(guid: ObjectGuid, kind: EntraKind): void {
    this.#kinds.set(guid, kind);
  }

  /** @param wanted Lower case; null: everything. Objects that are not there are left out. */
  async read(
    guids: Iterable<ObjectGuid>,
    wanted: ReadonlySet<string> | null,
    context: Context,
  ): Promise<ReadonlyMap<ObjectGuid, ReadObject>> {
    const asked = [...new Set(guids)].filter((guid) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(guid));
    await this.#learnKinds(
      asked.filter((guid) => !this.#kinds.has(guid)),
      context,
    );
    const known = asked.flatMap((guid) => {
      const kind = this.#kinds.get(guid);
      return kind === undefined ? [] : [{ guid, kind }];
    });
    const withGroups = wanted === null || wanted.has('memberof');
    const requests = known.map(({ guid, kind }) => requestsOf(guid, kind, withGroups));
    const outcomes = await this.#graph.all(requests.flat(), context);
    let at = 0;
    const found: { readonly kind: EntraKind; readonly json: JsonObject; beside: Beside }[] = [];
    for (const [n, { guid, kind }] of known.entries()) {
      const [main, ...more] = outcomes.slice(at, at + (requests[n]?.length ?? 0));
      at += requests[n]?.length ?? 0;
      const json = thereOr(main);
      if (json === null) continue;
      const lists: (readonly ObjectGuid[])[] = [];
      for (const outcome of more) lists.push(await this.#ids(thereOr(outcome) ?? {}, context));
      const manager = objectAt(json, 'manager');
      found.push({
        kind,
        json,
        beside: {
          members: kind === 'group' ? (lists[0] ?? []) : [],
          memberOf: withGroups ? (lists.at(-1) ?? []) : null,
          manager: manager === null ? null : ((textAt(manager, 'id')?.toLowerCase() ?? null) as ObjectGuid | null),
          purpose: null,
        },
      });
      this.#kinds.set(guid, kind);
    }
    const purposes = await this.purposes(
      found.flatMap(({ kind, json }) => (kind === 'user' ? [json] : [])),
      context,
    );
    const domain = await this.#domain(context);
    return new Map(
      found.map(({ kind, json, beside }) => {
        const object = objectOf(
          kind,
          json,
          { ...beside, purpose: purposes.byId.get(textAt(json, 'id') ?? '') ?? null },
          domain,
          wanted,
        );
        return [object.guid, { kind, json, object }];
      }),
    );
  }

  /**
   * What the mailboxes of users are for, by id; those that have none are missing. Only who has an address can have one. A mailbox that this
   * application may not open (RBAC for Applications, access policies) is for `others`, and left alone.
   */
  async purposes(users: readonly JsonObject[], context: Context): Promise<Purposes> {
    const asked = users.flatMap((json) => (hasAddress(json) ? [textAt(json, 'id') ?? ''] : []));
    const outcomes = await this.#graph.all(
      asked.map((id) => ({ method: 'GET', path: `/users/${id}/mailboxSettings?$select=userPurpose` })),
      context,
    );
    const byId = new Map<string, string>();
    let isOneOpen = false;
    let closed: EntraOutcome | null = null;
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.kind === 'refused' && outcome.status === 403) {
        closed ??= outcome;
        byId.set(asked[at] ?? '', 'others');
        continue;
      }
      isOneOpen = true;
      // There is no mailbox, or it is somewhere else: 404, with one code or another.
      const settings = thereOr(outcome);
      if (settings !== null) byId.set(asked[at] ?? '', textAt(settings, 'userPurpose') ?? 'user');
    }
    return { byId, isOneOpen, closed };
  }

  async #learnKinds(guids: readonly ObjectGuid[], context: Context): Promise<void> {
    const requests: EntraRequest[] = [];
    const kinds: EntraKind[] = [];
    for (let at = 0; at < guids.length; at += clausesMax) {
      const filter = guids
        .slice(at, at + clausesMax)
        .map((guid) => `id eq '${guid}'`)
        .join(' or ');
      for (const kind of entraKinds) {
        kinds.push(kind);
        requests.push({
          method: 'GET',
          path: `${collections[kind]}?$select=id&$top=${clausesMax}&$filter=${encodeURIComponent(filter)}`,
        });
      }
    }
    for (const [at, outcome] of (await this.#graph.all(requests, context)).entries())
      for (const one of objectsAt(mustSucceed(outcome, requests[at]?.path ?? ''), 'value'))
        this.#kinds.set((textAt(one, 'id') ?? '').toLowerCase() as ObjectGuid, kinds[at] ?? 'user');
  }

  /** Ids of users, groups and contacts on all pages of a list. */
  async #ids(first: JsonObject, context: Context): Promise<readonly ObjectGuid[]> {
    const all = [...objectsAt(first, 'value'), ...(await this.#graph.rest(first, context))];
    return all.flatMap((one) => {
      const kind = kindOfType(textAt(one, '@odata.type'));
      const guid = textAt(one, 'id')?.toLowerCase() as ObjectGuid | undefined;
      if (kind === null || guid === undefined) return [];
      this.#kinds.set(guid, kind);
      return [guid];
    });
  }
}

function requestsOf(guid: ObjectGuid, kind: EntraKind, withGroups: boolean): readonly EntraRequest[] {
  const path = `${collections[kind]}/${guid}`;
  const expand = kind === 'group' ? '' : '&$expand=manager($select=id)';
  const list = (name: string): EntraRequest => ({ method: 'GET', path: `${path}/${name}?$select=id&$top=999` });
  return [
    { method: 'GET', path: `${path}?$select=${selected[kind].join(',')}${expand}` },
    ...(kind === 'group' ? [list('members')] : []),
    ...(withGroups ? [list('memberOf')] : []),
  ];
}

/** Null: there is no such object. Throws FaultError for every other refusal. */
function thereOr(outcome: EntraOutcome | undefined): JsonObject | null {
  if (outcome?.kind === 'ok') return outcome.body;
  if (outcome?.status === 404) return null;
  throw new FaultError(faultOf(outcome, 'Graph', 'a read of an object'));
}

export function mustSucceed(outcome: EntraOutcome | undefined, path: string): JsonObject {
  if (outcome?.kind === 'ok') return outcome.body;
  throw new FaultError(faultOf(outcome, 'Graph', path));
}
