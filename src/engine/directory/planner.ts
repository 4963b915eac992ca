/** State of a plan while it is being made: what was decided so far, and what later decisions have to know of it. */

import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { isUnder } from '#model/directory/distinguished-name.ts';
import { graphWrites } from '#model/directory/entra-writes.ts';
import { addressKey, onlineAddressKey, parseProxyAddress } from '#model/directory/proxy-address.ts';
import { type BySide, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DraftEdit } from './draft.ts';
import { nameOf } from './join.ts';
import { Knowledge } from './knowledge.ts';
import { type AttributeNote, wantedName } from './merge-attributes.ts';
import { Claims } from './names.ts';
import type { DirectoryOutcome, DirectoryReason } from './outcomes.ts';
import type { DirectoryNote, DirectoryPlanInput, PlannedWaiting, PowerShellNeed } from './plan.ts';
import type { Recipient, RoutingWorld } from './simulate-routing.ts';
import { changeOf, type ValueChange, valuesOf, withoutEmpty } from './values.ts';
import { valueKey } from './view.ts';

/** Two objects that are one, as this plan sees them. */
export interface Pair {
  readonly by: string;
  readonly made: Side | null;
  readonly home: Side;
  /** An object that is being made has a placeholder for its GUID, and no attributes yet. */
  readonly objects: BySide<DirectoryObject>;
  /** Null: linked in this plan. */
  readonly link: DirectoryLink | null;
  /** The add of the object that is being made; null: both are there. */
  readonly add: DraftEdit | null;
  readonly drafts: DraftEdit[];
  readonly wanted: Record<Side, Record<string, readonly string[]>>;
  /** Nothing may be written for it now, so it is not recorded either. */
  isHeld: boolean;
}

export class Planner {
  readonly input: DirectoryPlanInput;
  readonly know: Knowledge;
  readonly claims = new Claims();
  readonly drafts: DraftEdit[] = [];
  readonly pairs: Pair[] = [];
  readonly waiting: PlannedWaiting[] = [];
  readonly notes: DirectoryNote[] = [];
  readonly needs: PowerShellNeed[] = [];
  readonly forget: { left: ObjectGuid; right: ObjectGuid; drafts: DraftEdit[]; detail: string }[] = [];
  readonly forgotten: BySide<Set<ObjectGuid>> = { left: new Set(), right: new Set() };
  readonly #waits: BySide<Set<ObjectGuid>> = { left: new Set(), right: new Set() };
  /** Counterparts found or made in this plan. */
  readonly #counterparts: BySide<Map<ObjectGuid, ObjectGuid>> = { left: new Map(), right: new Map() };
  /** Attributes of objects once the plan is carried out. */
  readonly #after: BySide<Map<ObjectGuid, Recipient>> = { left: new Map(), right: new Map() };
  /** DNs of objects that are made, and the edit that does it. */
  readonly placed: BySide<Map<ObjectGuid, { readonly dn: DistinguishedName; readonly draft: DraftEdit }>> = {
    left: new Map(),
    right: new Map(),
  };
  /** Containers that are being made, by `nameKey`. */
  readonly containers: BySide<Map<string, DraftEdit>> = { left: new Map(), right: new Map() };
  removals = 0;
  held = 0;

  constructor(input: DirectoryPlanInput) {
    this.input = input;
    this.know = new Knowledge(input);
  }

  /** Whether the sync writes to a side at all. */
  mayWriteTo(side: Side): boolean {
    return side === 'right' || this.input.policy.direction === 'both';
  }

  /** Whether this object may be written: it lies in the scope, or where objects of ours are made. */
  mayWrite(side: Side, object: DirectoryObject, isOurs: boolean): boolean {
    if (!this.mayWriteTo(side)) return false;
    if (valuesOf(object.attributes, 'onPremisesSyncEnabled')[0] === 'TRUE') return false;
    if (this.know.isScoped(side, object.guid)) return true;
    const container = this.input.policy.into[side];
    return isOurs && (object.dn === '' || (container !== null && isUnder(object.dn, container)));
  }

  wait(side: Side, guid: ObjectGuid, reason: DirectoryOutcome, detail: string): void {
    if (this.isWaiting(side, guid)) return;
    this.#waits[side].add(guid);
    this.waiting.push({ side, guid, reason, detail });
  }

  isWaiting(side: Side, guid: ObjectGuid): boolean {
    return this.#waits[side].has(guid);
  }

  note(guids: BySide<ObjectGuid>, { side, attribute, outcome, values }: AttributeNote, detail: string): void {
    this.notes.push({ side, guid: guids[side], outcome, attribute, values, detail });
  }

  addPair(pair: Pair): void {
    this.pairs.push(pair);
    const { left, right } = pair.objects;
    this.#counterparts.left.set(left.guid, right.guid);
    this.#counterparts.right.set(right.guid, left.guid);
  }

  isPaired(side: Side, guid: ObjectGuid): boolean {
    return this.#counterparts[side].has(guid);
  }

  /** Nothing may refer to a counterpart that is not going to be linked. */
  hold(pair: Pair): void {
    pair.isHeld = true;
    if (pair.link !== null) return;
    this.#counterparts.left.delete(pair.objects.left.guid);
    this.#counterparts.right.delete(pair.objects.right.guid);
  }

  /** The same person on the other side; null: nobody. */
  counterpart(side: Side, guid: ObjectGuid): ObjectGuid | null {
    const found = this.#counterparts[side].get(guid);
    if (found !== undefined) return found;
    if (this.forgotten[side].has(guid)) return null;
    const link = this.know.link(side, guid);
    return link === null ? null : side === 'left' ? link.right : link.left;
  }

  /** What names an object among the values of another one of its side. */
  referenceTo(side: Side, guid: ObjectGuid): { readonly value: string; readonly draft: DraftEdit | null } | null {
    const placed = this.placed[side].get(guid);
    if (placed !== undefined) return { value: placed.dn === '' ? guid : placed.dn, draft: placed.draft };
    const object = this.know.object(side, guid);
    return object === null ? null : { value: object.dn === '' ? object.guid : object.dn, draft: null };
  }

  /** Somebody else who has, or is about to get, a value that must be one of a kind; null: it is free. */
  takenBy(side: Side, attribute: 'proxyAddresses', value: string, self: ObjectGuid): ObjectGuid | null {
    const key = valueKey(attribute, value);
    const claimed = this.claims.ownerOf(side, key);
    if (claimed !== null && claimed !== self) return claimed;
    const parsed = parseProxyAddress(value);
    const holders = [
      ...this.know.holders(side, attribute, value),
      ...(parsed?.type === 'X500' ? this.know.holders(side, 'legacyExchangeDN', parsed.address) : []),
    ];
    return holders.find((guid) => guid !== self) ?? null;
  }

  nameOf(side: Side, guid: ObjectGuid): string {
    const object = this.know.object(side, guid);
    if (object !== null) return nameOf(object);
    const placed = this.placed[side].get(guid);
    return placed?.dn ?? guid;
  }

  /** Attributes of an object once everything decided so far is done. */
  after(side: Side, object: DirectoryObject): Attributes {
    return this.#after[side].get(object.guid)?.attributes ?? object.attributes;
  }

  become(side: Side, object: DirectoryObject, attributes: Attributes): void {
    this.#after[side].set(object.guid, { guid: object.guid, kind: object.kind, attributes });
    for (const value of valuesOf(attributes, 'proxyAddresses'))
      this.claims.claim(side, valueKey('proxyAddresses', value), object.guid);
    const [dn] = valuesOf(attributes, 'legacyExchangeDN');
    if (dn !== undefined) this.claims.claim(side, valueKey('proxyAddresses', `x500:${dn}`), object.guid);
  }

  /** Whether a side has an attribute that it never shows. */
  isUnseen(side: Side, attribute: string): boolean {
    return this.input.sides[side].kind === 'entra' && attributeRow(attribute)?.entra === null;
  }

  /** What a directory does not show is taken for what was asked for last. */
  #currentOf({ link, objects }: Pair, side: Side, attribute: string): readonly string[] {
    const asked = (side === 'left' ? link?.shownLeft : link?.shownRight)?.[wantedName(attribute)];
    return asked !== undefined && this.isUnseen(side, attribute)
      ? asked
      : valuesOf(objects[side].attributes, attribute);
  }

  /** Where mail goes once the plan is carried out, with two objects as they would become. */
  routing(trial: BySide<Recipient>): RoutingWorld {
    return {
      policy: this.input.policy,
      holders: (side, address) => {
        const key = addressKey(`smtp:${address}`);
        const has = (recipient: Recipient) =>
          valuesOf(recipient.attributes, 'proxyAddresses').some((value) => addressKey(value) === key);
        const own = trial[side];
        // What home or shadow has itself needs no look into the directory: clashes were found before.
        if (has(own)) return [own];
        const claimed = this.claims.ownerOf(side, valueKey('proxyAddresses', `smtp:${address}`));
        const guids = new Set([
          ...(claimed === null ? [] : [claimed]),
          ...this.know.holders(side, 'proxyAddresses', `smtp:${address}`),
        ]);
        guids.delete(own.guid);
        return [...guids].flatMap((guid) => {
          const after = this.#after[side].get(guid);
          const recipient = after ?? this.know.object(side, guid);
          return recipient !== null && recipient !== undefined && has(recipient) ? [recipient] : [];
        });
      },
    };
  }

  /**
   * One write of values to an object that is there. On an Entra side each attribute that Graph does not write is an edit of its own: it is
   * handed over, and nothing waits for it.
   * @returns null: nothing is left to write.
   */
  modify(
    pair: Pair,
    side: Side,
    to: Attributes,
    reasons: ReadonlyMap<string, DirectoryReason>,
    needs: readonly DraftEdit[],
  ): DraftEdit | null {
    const object = pair.objects[side];
    const isEntra = this.input.sides[side].kind === 'entra';
    const values: Record<string, ValueChange> = {};
    const before: Record<string, readonly string[]> = {};
    const after: Record<string, readonly string[]> = {};
    for (const [attribute, wanted] of Object.entries(to)) {
      const current = this.#currentOf(pair, side, attribute);
      const change = changeOf(current, wanted);
      if (change === null || this.input.sides[side].lacks.has(attribute.toLowerCase())) continue;
      if (isEntra && !graphWrites(attribute, object)) {
        this.#handOver(pair, side, attribute, change, wanted, reasons.get(attribute) ?? 'attribute');
        continue;
      }
      values[attribute] = change;
      before[attribute] = current;
      after[attribute] = wanted;
    }
    const attributes = Object.keys(values);
    const [first] = attributes;
    if (first === undefined) return null;
    const draft: DraftEdit = {
      side,
      phase: side === pair.home ? 'home' : 'shadow',
      makes: null,
      change: { kind: 'modify', guid: object.guid, values },
      dn: object.dn,
      before: withoutEmpty(before),
      after: withoutEmpty(after),
      reason: strongest(attributes.map((name) => reasons.get(name) ?? 'attribute')),
      detail: `${attributes.join(', ')} of ${nameOf(object)}, as of ${nameOf(pair.objects[otherSide(side)])}`,
      needs,
    };
    this.drafts.push(draft);
    pair.drafts.push(draft);
    return draft;
  }

  #handOver(
    pair: Pair,
    side: Side,
    attribute: string,
    change: ValueChange,
    wanted: readonly string[],
    reason: DirectoryReason,
  ): void {
    const object = pair.objects[side];
    if (attribute === 'proxyAddresses') {
      const current = valuesOf(object.attributes, attribute);
      if (changeOf(current.map(onlineAddressKey), wanted.map(onlineAddressKey)) === null) return;
    }
    const draft: DraftEdit = {
      side,
      phase: side === pair.home ? 'home' : 'shadow',
      makes: null,
      change: { kind: 'modify', guid: object.guid, values: { [attribute]: change } },
      dn: object.dn,
      before: withoutEmpty({ [attribute]: this.#currentOf(pair, side, attribute) }),
      after: withoutEmpty({ [attribute]: wanted }),
      reason,
      detail: `${attribute} of ${nameOf(object)}, as of ${nameOf(pair.objects[otherSide(side)])}`,
      needs: [],
    };
    this.drafts.push(draft);
    pair.drafts.push(draft);
  }
}

/** By what PowerShell finds the object. */
export function identityOf(object: DirectoryObject): string {
  return object.dn === '' ? object.guid : object.dn;
}

/** Of several reasons the one that matters most to whoever reads the plan. */
const weight: readonly DirectoryReason[] = [
  'redirect',
  'no-redirect',
  'mail-enable',
  'routing',
  'replies',
  'addresses',
  'computed',
];

function strongest(reasons: readonly DirectoryReason[]): DirectoryReason {
  return weight.find((reason) => reasons.includes(reason)) ?? 'attribute';
}
