import { guidBytes } from '../world/directory/dn.ts';
import type { Entry } from '../world/directory/entry.ts';
import type { Organization } from '../world/organization.ts';

/** What Graph calls the objects of the tenant that are anything to a mail system. */
export type EntraKind = 'user' | 'group' | 'contact';

/** One write to the tenant's directory, as delta queries tell of it. */
export interface EntraChange {
  readonly kind: EntraKind;
  readonly guid: string;
  readonly members: { readonly added: readonly string[]; readonly removed: readonly string[] };
  /** The manager was set or taken away. */
  readonly manager: boolean;
  /** Names of the attributes that were written, in lower case; of an object that was made `objectclass` is one of them. */
  readonly attributes: readonly string[];
}

/** Changes that are kept; whoever comes with an older token reads everything anew. */
const changesMax = 200_000;

/**
 * What Entra knows of a tenant beside the objects themselves, which are those of the organization's forest: who is synced from on-premises,
 * what was deleted and can be restored, and what changed.
 */
export class EntraState {
  readonly #organization: Organization;
  readonly #changes: EntraChange[] = [];
  /** Number of the first change that is kept. */
  #first = 0;
  readonly #synced = new Set<string>();
  readonly #deletedForGood = new Set<string>();

  constructor(organization: Organization) {
    this.#organization = organization;
    organization.forest.onWrite((entry, { links, values, place }) => {
      const kind = this.kindOf(entry);
      if (kind === null || (values.length === 0 && links.length === 0 && place === null)) return;
      const members = links.find(({ name }) => name === 'member') ?? { added: [], removed: [] };
      const manager = links.some(({ name }) => name === 'manager');
      const attributes = values.map(({ name }) => name.toLowerCase());
      this.#changes.push({ kind, guid: entry.guid, members, manager, attributes });
      if (this.#changes.length <= changesMax) return;
      this.#first += this.#changes.length - changesMax / 2;
      this.#changes.splice(0, this.#changes.length - changesMax / 2);
    });
  }

  /** Where the log ends: changes from here on are new. */
  get position(): number {
    return this.#first + this.#changes.length;
  }
  /** Null: so far back is not kept. */
  since(position: number): readonly EntraChange[] | null {
    return position < this.#first || position > this.position ? null : this.#changes.slice(position - this.#first);
  }

  /** Null: nothing that a tenant shows. */
  kindOf(entry: Entry): EntraKind | null {
    const { groups } = this.#organization.forest.first.classOf(entry);
    if (groups.includes('account')) return 'user';
    if (groups.includes('group')) return 'group';
    return groups.includes('person') ? 'contact' : null;
  }

  /** Entra Connect syncs the object from now on: it is written on-premises only. @param anchor objectGUID of the object there */
  syncFrom(entry: Entry, anchor: string): void {
    this.#synced.add(entry.guid);
    if (this.kindOf(entry) === 'user')
      this.#organization.forest.first.put(entry, { 'mS-DS-ConsistencyGuid': [guidBytes(anchor)] });
  }
  isSynced(guid: string): boolean {
    return this.#synced.has(guid);
  }

  /** It is emptied out of the deleted items: nobody restores it any more. */
  purge(guid: string): void {
    this.#deletedForGood.add(guid);
  }
  isPurged(guid: string): boolean {
    return this.#deletedForGood.has(guid);
  }
}

const states = new WeakMap<Organization, EntraState>();

/** The tenant of an organization; its log begins when it is first asked for. */
export function entraOf(organization: Organization): EntraState {
  let state = states.get(organization);
  if (state === undefined) {
    state = new EntraState(organization);
    states.set(organization, state);
  }
  return state;
}
