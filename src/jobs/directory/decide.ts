import type { DirectoryPlan, DirectorySideProfile } from '#engine/directory/plan.ts';
import { planDirectory } from '#engine/directory/plan-directory.ts';
import { type DirectoryLookups, DirectorySight } from '#engine/directory/view.ts';
import { assert } from '#kit/assert.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import type { BySide } from '#model/directory/sync-policy.ts';
import { type DirectoryContext, sides } from './directory-context.ts';
import type { Reach } from './reach.ts';

const BATCH = 500;
/** Values of one search: servers limit how long a filter may be. */
const VALUES_MAX = 200;
/** Searches of a side that are on their way together. */
const FINDS_AT_ONCE = 4;
/** A plan that asks this often has gone in a circle. */
const STEPS_MAX = 64;

/** What is decided about. */
export interface Question {
  readonly changed: BySide<ReadonlySet<ObjectGuid>>;
  /** Objects that were read already. */
  readonly read: BySide<Iterable<DirectoryObject>>;
  /** Looked for, and not there. */
  readonly gone: BySide<Iterable<ObjectGuid>>;
  readonly waiting: BySide<ReadonlyMap<ObjectGuid, string>>;
  readonly profiles: BySide<DirectorySideProfile>;
  readonly reach: BySide<Reach>;
  readonly switching: ReadonlySet<ObjectGuid>;
  readonly linked: number;
  readonly removed: number;
}

export interface Decided {
  readonly plan: DirectoryPlan;
  readonly view: BySide<DirectorySight>;
}

/** Asks the engine for a plan, and reads what it has to know until it has one. */
export async function decide(context: DirectoryContext, question: Question): Promise<Decided> {
  const { policy, store, sync } = context;
  const named = policy.match.flatMap((rule) => (rule.by === 'attribute' ? [rule] : []));
  const mark = policy.mark === null ? [] : [policy.mark];
  const view = {
    left: new DirectorySight([...mark, ...named.map(({ left }) => left)]),
    right: new DirectorySight([...mark, ...named.map(({ right }) => right)]),
  };
  const linksKnown = { left: new Set<ObjectGuid>(), right: new Set<ObjectGuid>() };
  const links = new Map<string, DirectoryLink>();
  const elsewhere = new Map<ObjectGuid, string>();
  const learnLinks = async (side: 'left' | 'right', guids: readonly ObjectGuid[]) => {
    for (const other of side === 'right' ? (context.others ?? []) : [])
      for (const { right } of await store.directoryLinks(other, 'right', guids)) elsewhere.set(right, other);
    for (const row of await store.directoryLinks(sync, side, guids)) links.set(`${row.left} ${row.right}`, row);
    for (const guid of guids) linksKnown[side].add(guid);
  };
  for (const side of sides) {
    for (const object of question.read[side]) view[side].see(object, question.reach[side].contains(object));
    for (const guid of question.gone[side]) view[side].miss(guid);
    await learnLinks(side, [...question.changed[side]]);
  }
  const { profiles: ends, switching, linked, removed } = question;
  for (let step = 0; step < STEPS_MAX; step++) {
    const answer = planDirectory({
      policy,
      sides: ends,
      pass: context.pass,
      changed: { left: [...question.changed.left], right: [...question.changed.right] },
      view,
      links: [...links.values()],
      linksKnown,
      elsewhere,
      waiting: question.waiting,
      switching,
      linked,
      removed,
    });
    if (answer.kind === 'plan') return { plan: answer.plan, view };
    context.checkpoint();
    await Promise.all(
      sides.map((side) => lookUp(context, side, answer.lookups[side], view[side], question.reach[side])),
    );
    for (const side of sides) await learnLinks(side, answer.lookups[side].links);
  }
  assert(false, `the plan of ${sync} asks for more and more`);
}

async function lookUp(
  context: DirectoryContext,
  side: 'left' | 'right',
  lookups: DirectoryLookups,
  view: DirectorySight,
  reach: Reach,
): Promise<void> {
  const { directory } = context.ends[side];
  const wanted = context.wanted[side];
  for (const guids of pieces(lookups.read, BATCH)) {
    const found = await directory.read(guids, wanted, context.call());
    for (const guid of guids) {
      const object = found.get(guid);
      if (object) view.see(object, reach.contains(object));
      else view.miss(guid);
    }
  }
  for (const dns of pieces(lookups.resolve, BATCH))
    view.answerResolve(dns, await directory.resolve(dns, context.call()));
  const finds = lookups.find
    .flatMap(({ attribute, values }) => [...pieces(values, VALUES_MAX)].map((piece) => ({ attribute, piece })))
    .values();
  const findNext = async (): Promise<void> => {
    for (const { attribute, piece } of finds) {
      const found = await directory.find([attribute], piece, wanted, context.call());
      for (const object of found) view.see(object, reach.contains(object));
      view.answerFind(attribute, piece, found);
    }
  };
  await Promise.all(Array.from({ length: FINDS_AT_ONCE }, findNext));
}

function* pieces<T>(values: readonly T[], size: number): Iterable<readonly T[]> {
  for (let at = 0; at < values.length; at += size) yield values.slice(at, at + size);
}
