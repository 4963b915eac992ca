import { must } from '#kit/assert.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey } from '#model/directory/distinguished-name.ts';
import type { BySide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryPlanInput } from './plan.ts';
import { type DirectoryLookups, valueKey } from './view.ts';

const nobody: readonly ObjectGuid[] = [];

/**
 * What a plan may ask. A question that the views do not answer is written down, and gets the answer that is the most harmless for the
 * moment (nobody, nothing): a plan that has open questions is thrown away.
 */
export class Knowledge {
  readonly #input: DirectoryPlanInput;
  readonly #links: BySide<Map<ObjectGuid, DirectoryLink>> = { left: new Map(), right: new Map() };
  readonly #open: BySide<{
    readonly read: Set<ObjectGuid>;
    readonly resolve: Map<string, DistinguishedName>;
    readonly find: Map<string, Map<string, string>>;
    readonly links: Set<ObjectGuid>;
  }> = { left: emptyQuestions(), right: emptyQuestions() };
  /** Questions without an answer so far. */
  openCount = 0;

  constructor(input: DirectoryPlanInput) {
    this.#input = input;
    for (const link of input.links) {
      this.#links.left.set(link.left, link);
      this.#links.right.set(link.right, link);
    }
  }

  object(side: Side, guid: ObjectGuid): DirectoryObject | null {
    const known = this.#input.view[side].objects.get(guid);
    if (known === undefined) this.#ask(this.#open[side].read, guid);
    return known ?? null;
  }

  isScoped(side: Side, guid: ObjectGuid): boolean {
    return this.#input.view[side].scoped.has(guid);
  }

  /** GUID of what has this DN; null: nothing. */
  resolve(side: Side, dn: DistinguishedName): ObjectGuid | null {
    const key = dnKey(dn);
    const view = this.#input.view[side];
    const known = view.resolved.get(key);
    if (known !== undefined) return known;
    // In Entra, which has no DNs, references are GUIDs.
    if (view.objects.has(dn as string as ObjectGuid)) return dn as string as ObjectGuid;
    if (this.#input.sides[side].kind === 'entra') return dn as string as ObjectGuid;
    if (!this.#open[side].resolve.has(key)) {
      this.#open[side].resolve.set(key, dn);
      this.openCount++;
    }
    return null;
  }

  /** Whether nothing has this DN: false while nobody has looked. */
  isFree(side: Side, dn: DistinguishedName): boolean {
    return this.resolve(side, dn) === null && this.#input.view[side].resolved.has(dnKey(dn));
  }

  /** Who in the whole forest has a value, in order of GUID. */
  holders(side: Side, attribute: string, value: string): readonly ObjectGuid[] {
    const key = valueKey(attribute, value);
    const view = this.#input.view[side];
    const known = view.holders.get(key);
    if (known !== undefined) return known.size === 0 ? nobody : [...known].sort();
    if (view.indexed.has(attribute.toLowerCase()) || this.#input.sides[side].lacks.has(attribute.toLowerCase()))
      return [];
    const questions = this.#open[side].find;
    let values = questions.get(attribute);
    if (values === undefined) {
      values = new Map();
      questions.set(attribute, values);
    }
    if (!values.has(key)) {
      values.set(key, value);
      this.openCount++;
    }
    return [];
  }

  link(side: Side, guid: ObjectGuid): DirectoryLink | null {
    const known = this.#links[side].get(guid);
    if (known === undefined && !this.#input.linksKnown[side].has(guid)) this.#ask(this.#open[side].links, guid);
    return known ?? null;
  }

  /** Null: there are no open questions, and the plan holds. */
  lookups(): BySide<DirectoryLookups> | null {
    if (this.openCount === 0) return null;
    return { left: lookupsOf(this.#open.left), right: lookupsOf(this.#open.right) };
  }

  #ask(questions: Set<ObjectGuid>, guid: ObjectGuid): void {
    if (questions.has(guid)) return;
    questions.add(guid);
    this.openCount++;
  }
}

function emptyQuestions() {
  return {
    read: new Set<ObjectGuid>(),
    resolve: new Map<string, DistinguishedName>(),
    find: new Map<string, Map<string, string>>(),
    links: new Set<ObjectGuid>(),
  };
}

function lookupsOf(open: ReturnType<typeof emptyQuestions>): DirectoryLookups {
  return {
    read: [...open.read].sort(),
    resolve: [...open.resolve.keys()].sort().map((key) => must(open.resolve.get(key), 'a DN that was asked for')),
    find: [...open.find].map(([attribute, values]) => ({ attribute, values: [...values.values()].sort() })),
    links: [...open.links].sort(),
  };
}
