/**
 * The plan of a directory sync. Fed with what changed, what waits and the links of both; asks for what else it has to know (`look-up`), and
 * never for the whole forest. Groups come out right whatever the order of chunks, but people before groups saves look-ups.
 */

import { must } from '#kit/assert.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { recipientType } from '#model/directory/recipient-type.ts';
import { type BySide, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { type DraftEdit, ordered } from './draft.ts';
import { homeOf, join, nameOf } from './join.ts';
import { makeObject } from './make-object.ts';
import { wantedName } from './merge-attributes.ts';
import { mergeReferences } from './merge-references.ts';
import type { DirectoryPlan, DirectoryPlanInput, DirectoryStep, PlannedLink } from './plan.ts';
import { forget, planGone } from './plan-gone.ts';
import { planPair } from './plan-pair.ts';
import { type Pair, Planner } from './planner.ts';
import { type ValueChange, valuesOf, withoutEmpty } from './values.ts';

/** Attributes by which an object knows who refers to it: they have to be looked at when it gets a counterpart. */
const backLinks = ['memberOf', 'directReports', 'managedObjects', 'publicDelegatesBL'] as const;
const sidesInOrder = ['left', 'right'] as const;

export function planDirectory(input: DirectoryPlanInput): DirectoryStep {
  const planner = new Planner(input);
  const run = new Run(planner);
  for (const side of sidesInOrder) for (const guid of [...input.changed[side]].sort()) run.consider(side, guid);
  run.work();
  run.planReferences();
  const lookups = planner.know.lookups();
  return lookups === null ? { kind: 'plan', plan: run.plan() } : { kind: 'look-up', lookups };
}

class Run {
  readonly #planner: Planner;
  readonly #input: DirectoryPlanInput;
  readonly #queue: { readonly side: Side; readonly guid: ObjectGuid }[] = [];
  readonly #considered: BySide<Set<ObjectGuid>> = { left: new Set(), right: new Set() };
  /** Links that were looked at, by left GUID: both of their objects may be among the changed ones. */
  readonly #planned = new Set<ObjectGuid>();
  /** Links that one side was found gone of in this pass. */
  readonly #goneLinks: DirectoryLink[] = [];

  constructor(planner: Planner) {
    this.#planner = planner;
    this.#input = planner.input;
  }

  consider(side: Side, guid: ObjectGuid): void {
    if (this.#considered[side].has(guid)) return;
    this.#considered[side].add(guid);
    this.#queue.push({ side, guid });
  }

  work(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.#planner.isPaired(next.side, next.guid)) continue;
      const openBefore = this.#planner.know.openCount;
      const link = this.#planner.know.link(next.side, next.guid);
      if (this.#planner.know.openCount > openBefore) continue;
      if (link === null) this.#planAlone(next.side, next.guid);
      else if (!this.#planner.forgotten.left.has(link.left)) this.#planLink(link);
    }
  }

  #planLink(link: DirectoryLink): void {
    const { know } = this.#planner;
    const openBefore = know.openCount;
    const left = know.object('left', link.left);
    const right = know.object('right', link.right);
    if (know.openCount > openBefore) return;
    if (this.#planned.has(link.left)) return;
    this.#planned.add(link.left);
    this.#considered.left.add(link.left);
    this.#considered.right.add(link.right);
    if (left === null && right === null) {
      forget(this.#planner, link, [], 'both objects are gone');
      return;
    }
    if (left === null || right === null) {
      const alive = must(left ?? right, 'one of both');
      this.#planGone(link, left === null ? 'left' : 'right', alive);
      return;
    }
    const outside = this.#outsideOf(link, left, right);
    if (outside !== null) {
      const isRemoved = this.#input.policy.outOfScope === 'remove' && link.made === otherSide(outside);
      if (isRemoved) this.#planGone(link, outside, outside === 'left' ? right : left);
      else
        this.#planner.wait(
          outside,
          link[outside],
          'left-scope',
          `${nameOf(outside === 'left' ? left : right)} left the scope`,
        );
      return;
    }
    this.#pair({ by: link.by, made: link.made, home: link.home, left, right, link });
  }

  /** Side whose object must not be written any more because it left the scope; objects of ours lie where they were put. */
  #outsideOf(link: DirectoryLink, left: DirectoryObject, right: DirectoryObject): Side | null {
    for (const side of sidesInOrder) {
      const object = side === 'left' ? left : right;
      const isOurs = link.made === side && this.#planner.mayWrite(side, object, true);
      if (!isOurs && !this.#planner.know.isScoped(side, object.guid)) return side;
    }
    return null;
  }

  #planGone(link: DirectoryLink, gone: Side, alive: DirectoryObject): void {
    const decision = planGone(this.#planner, link, gone, alive);
    if (decision.kind === 'wait') this.#goneLinks.push(link);
    if (decision.kind === 'over' && decision.joinAgain) this.#planAlone(otherSide(gone), alive.guid);
  }

  #planAlone(side: Side, guid: ObjectGuid): void {
    const planner = this.#planner;
    const object = planner.know.object(side, guid);
    if (object === null || object.kind === 'container' || !planner.know.isScoped(side, guid)) return;
    if (recipientType(object) === 'other') {
      planner.wait(side, guid, 'other-type', `${nameOf(object)} is of a type that is left alone`);
      return;
    }
    const found = join(this.#input, planner.know, side, object);
    // In one-way work the target is only looked at for matches.
    const isAsked = side === 'left' || this.#input.policy.direction === 'both';
    if (found.kind === 'unknown') {
      // Nearly always nobody is found, and then names and addresses have to be free. The plan itself is thrown away.
      if (isAsked) makeObject(planner, side, object);
      return;
    }
    const other = otherSide(side);
    if (found.kind === 'match') {
      if (planner.isPaired(other, found.other.guid)) {
        planner.wait(side, guid, 'match-linked', `by ${found.by} it is ${nameOf(found.other)}`);
        return;
      }
      this.#considered[other].add(found.other.guid);
      const [left, right] = side === 'left' ? [object, found.other] : [found.other, object];
      const home = found.made === null ? homeOf(left, right) : this.#homeOfOurs(found.made, left, right);
      this.#pair({ by: found.by, made: found.made, home, left, right, link: null });
      return;
    }
    if (found.kind === 'wait') {
      if (isAsked) planner.wait(side, guid, found.reason, found.detail);
      return;
    }
    const before = this.#input.waiting[side].get(guid);
    if (before === 'counterpart-deleted') {
      planner.wait(side, guid, 'counterpart-deleted', `the object that ${nameOf(object)} was linked to is gone`);
      return;
    }
    if (!isAsked) return;
    const made = makeObject(planner, side, object);
    if ('reason' in made) {
      planner.wait(side, guid, made.reason, made.detail);
      return;
    }
    planner.addPair(made);
    this.#lookAtReferrers(made);
  }

  /** An object of ours may be the one that the person works in by now: then it has a mailbox, and the original sends on. */
  #homeOfOurs(made: Side, left: DirectoryObject, right: DirectoryObject): Side {
    const home = homeOf(left, right);
    const ours = made === 'left' ? left : right;
    return home === made && valuesOf(ours.attributes, 'targetAddress').length > 0 ? otherSide(made) : home;
  }

  #pair(of: {
    readonly by: string;
    readonly made: Side | null;
    readonly home: Side;
    readonly left: DirectoryObject;
    readonly right: DirectoryObject;
    readonly link: DirectoryLink | null;
  }): void {
    const memory = (side: Side) =>
      Object.fromEntries(
        Object.entries((side === 'left' ? of.link?.shownLeft : of.link?.shownRight) ?? {}).flatMap(([name, values]) =>
          name.startsWith(wantedName('')) ? [[name.slice(wantedName('').length), values]] : [],
        ),
      );
    const pair: Pair = {
      by: of.by,
      made: of.made,
      home: of.home,
      objects: { left: of.left, right: of.right },
      link: of.link,
      add: null,
      drafts: [],
      wanted: { left: memory('left'), right: memory('right') },
      isHeld: false,
    };
    this.#planner.addPair(pair);
    planPair(this.#planner, pair);
    if (pair.link === null && !pair.isHeld) this.#lookAtReferrers(pair);
  }

  /** Groups and people that name somebody who had no counterpart so far. */
  #lookAtReferrers(pair: Pair): void {
    const { know } = this.#planner;
    for (const side of sidesInOrder)
      for (const name of backLinks)
        for (const dn of valuesOf(pair.objects[side].attributes, name)) {
          const guid = know.resolve(side, dn as DistinguishedName);
          if (guid !== null && know.link(side, guid) !== null) this.consider(side, guid);
        }
  }

  planReferences(): void {
    const planner = this.#planner;
    for (const pair of planner.pairs) {
      if (pair.isHeld) continue;
      const { left, right } = pair.objects;
      const found = mergeReferences({
        policy: this.#input.policy,
        home: pair.home,
        kinds: { left: left.kind, right: right.kind },
        shown: pair.link === null ? null : { left: pair.link.shownLeft, right: pair.link.shownRight },
        writes: {
          left: planner.mayWrite('left', left, pair.made === 'left'),
          right: planner.mayWrite('right', right, pair.made === 'right'),
        },
        lacks: { left: this.#input.sides.left.lacks, right: this.#input.sides.right.lacks },
        objects: pair.objects,
        resolve: (side, dn) => planner.know.resolve(side, dn),
        counterpart: (side, guid) => planner.counterpart(side, guid),
      });
      for (const note of found.notes)
        planner.note(
          { left: left.guid, right: right.guid },
          note,
          `${note.attribute} of ${nameOf(pair.objects[pair.home])}`,
        );
      for (const side of sidesInOrder)
        this.#reference(
          pair,
          side,
          found.edits.filter((edit) => edit.side === side),
        );
    }
  }

  #reference(
    pair: Pair,
    side: Side,
    edits: readonly {
      readonly attribute: string;
      readonly remove: readonly string[];
      readonly add: readonly ObjectGuid[];
    }[],
  ): void {
    const planner = this.#planner;
    const object = pair.objects[side];
    const needs = new Set<DraftEdit>(pair.add === null || pair.made !== side ? [] : [pair.add]);
    const values: Record<string, ValueChange> = {};
    const before: Record<string, readonly string[]> = {};
    const after: Record<string, readonly string[]> = {};
    for (const { attribute, remove, add } of edits) {
      const added = add.flatMap((guid) => {
        const reference = planner.referenceTo(side, guid);
        if (reference === null) return [];
        if (reference.draft !== null) needs.add(reference.draft);
        return [reference.value];
      });
      if (added.length + remove.length === 0) continue;
      values[attribute] = { remove, add: added };
      const now = valuesOf(object.attributes, attribute);
      before[attribute] = now;
      after[attribute] = [...now.filter((value) => !remove.includes(value)), ...added];
    }
    const attributes = Object.keys(values);
    if (attributes.length === 0) return;
    const draft: DraftEdit = {
      side,
      phase: 'reference',
      makes: null,
      change: { kind: 'modify', guid: object.guid, values },
      dn: planner.placed[side].get(object.guid)?.dn ?? object.dn,
      before: withoutEmpty(before),
      after: withoutEmpty(after),
      reason: attributes.includes('member') ? 'members' : 'reference',
      detail: `${attributes.join(', ')} as of ${nameOf(pair.objects[otherSide(side)])}`,
      needs: [...needs],
    };
    planner.drafts.push(draft);
    pair.drafts.push(draft);
  }

  plan(): DirectoryPlan {
    const planner = this.#planner;
    const { edits, numbers } = ordered(planner.drafts);
    const numbersOf = (drafts: readonly DraftEdit[]) =>
      drafts.map((draft) => must(numbers.get(draft), 'an edit of this plan')).sort((a, b) => a - b);
    const links = planner.pairs
      .filter(({ isHeld }) => !isHeld)
      .map(
        (pair): PlannedLink => ({
          left: pair.objects.left.guid,
          right: pair.objects.right.guid,
          by: pair.by,
          made: pair.made,
          home: pair.home,
          goneSincePass: null,
          edits: numbersOf(pair.drafts),
          wanted: pair.wanted,
        }),
      );
    const settled = sidesInOrder.flatMap((side) =>
      [...this.#input.waiting[side].keys()]
        .filter((guid) => this.#considered[side].has(guid) && !planner.isWaiting(side, guid))
        .map((guid) => ({ side, guid })),
    );
    return {
      edits,
      links,
      gone: this.#goneLinks.map(({ left, right, goneSincePass }) => ({
        left,
        right,
        sincePass: goneSincePass ?? this.#input.pass,
      })),
      forget: planner.forget.map(({ drafts, ...rest }) => ({ ...rest, edits: numbersOf(drafts) })),
      waiting: planner.waiting,
      settled,
      notes: planner.notes,
      needs: planner.needs,
      removals: planner.removals,
      held: planner.held,
    };
  }
}
