/**
 * Whether a write whose answer is lost was carried out nobody says. What it wrote looks there as if somebody had written it there: changed
 * back afterwards, or taken out, where it came from, it would come back from its own copy. So snapshots say before the write what is on
 * its way.
 *
 * Of a value, and of a day, the snapshot of the side that is given it says which: where that shows it afterwards, both had it. Of an element
 * that is added to a set the snapshot of the side that it came from says so; and, as soon as that is known, at which version of the other
 * side it was there, since until the next snapshot somebody may take it out again. Where nobody learns that in time, the receipt of the
 * write does: it is in the snapshot before, and in the item as soon as the write is carried out. Versions and receipts tell that only until
 * the next write of ours makes others: what a merge has decided by them is written down before it.
 */
import type { Side, Version } from '#model/ids.ts';
import { hash128, type Receipt } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { Json, Rewrite, Shown } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import { type ElementBase, elementBase, sameJson, sameTimes } from './shown.ts';

type Both<T> = Readonly<Record<Side, T>>;

/**
 * Snapshots in which no value and no day is on its way any more.
 *
 * @param now What the sides show.
 * @param versions Of what they show; null: it is gone.
 */
export function carriedOut(seen: Both<Shown>, now: Both<Shown>, versions: Both<Version | null>): Both<Shown> {
  if (seen.left.onTheirWay === undefined && seen.right.onTheirWay === undefined) return seen;
  const occurrences = beforeRewrites(seen, versions) ?? { left: seen.left.occurrences, right: seen.right.occurrences };
  const after = {
    left: { fields: { ...seen.left.fields }, occurrences: { ...occurrences.left } },
    right: { fields: { ...seen.right.fields }, occurrences: { ...occurrences.right } },
  };
  for (const [from, to] of [['left', 'right'] as const, ['right', 'left'] as const]) {
    const { fields, occurrences } = seen[to].onTheirWay ?? { fields: {}, occurrences: {} };
    for (const [field, value] of Object.entries(fields)) {
      const { [field]: is } = now[to].fields;
      if (is === undefined || !(sameJson(is, value) || (field === 'when' && sameTimes(is, value)))) continue;
      after[to].fields[field] = is;
      after[from].fields[field] = value;
    }
    for (const [day, entry] of Object.entries(occurrences) as [Day, Shown['occurrences'][Day]][])
      if (sameJson(now[to].occurrences[day], entry))
        for (const side of [from, to]) after[side].occurrences[day] = entry;
  }
  return after;
}

/** What was known of occurrences when a pattern was to be written of which nothing was carried out; null: there is none. */
function beforeRewrites(seen: Both<Shown>, versions: Both<Version | null>): Rewrite['before'] | null {
  const rewrites = (['left', 'right'] as const).flatMap((side) => {
    const rewrite = seen[side].onTheirWay?.rewrite;
    return rewrite ? [{ rewrite, isThere: versions[side] !== rewrite.at }] : [];
  });
  return rewrites.some(({ isThere }) => isThere) ? null : (rewrites[0]?.rewrite.before ?? null);
}

/** An element in a snapshot; in place of what is known of it: what the other side is given. */
export interface OnItsWay {
  readonly onItsWay: Json;
  /** Of the update that brings it. */
  readonly by?: Receipt;
  /** A version of the other side that has it: written with an answer, or seen since. Absent: nobody knows of any. */
  readonly thereAt?: Version;
}

const isRecord = (value: Json | undefined): value is Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isOnItsWay = (held: Json | undefined): held is Json & OnItsWay => isRecord(held) && 'onItsWay' in held;

/**
 * The receipt of an update: no other one that says something else can be carried out at the same version.
 *
 * @param version That the update is made for.
 */
export const receiptFor = (version: Version, lists: Readonly<Record<string, unknown>>): Receipt =>
  hash128(JSON.stringify([version, lists])) as Receipt;

export const isAnyOnItsWay = (base: ReadonlyMap<string, Json>): boolean => [...base.values()].some(isOnItsWay);

/** A base without what is on its way. */
export const withoutOnTheirWay = (base: ReadonlyMap<string, Json> | null): ReadonlyMap<string, Json> | null =>
  base && new Map([...base].filter(([, held]) => !isOnItsWay(held)));

/**
 * Bases in which what a merge takes from where it came is not on its way any more: as long as one side has it both had it, and what
 * nobody has is as new as ever, should somebody write it again. That is not believed of what may arrive yet.
 *
 * @param now What the sides have, by key.
 * @param after What they are to have.
 * @param hasArrived Asked of what nobody has: whether the write that brought it was carried out, or cannot be any more.
 * @returns the same bases when there is no such element.
 */
export function decided(
  base: Both<ElementBase>,
  now: Both<ReadonlyMap<string, unknown>>,
  after: Both<ReadonlyMap<string, unknown>>,
  hasArrived: (held: OnItsWay, from: Side) => boolean,
): Both<ElementBase> {
  const taken = (['left', 'right'] as const).flatMap((from) =>
    [...(base[from] ?? [])].flatMap(([key, held]) =>
      isOnItsWay(held) && !after[from].has(key) && (now.left.has(key) || now.right.has(key) || hasArrived(held, from))
        ? [{ from, key, had: held.onItsWay }]
        : [],
    ),
  );
  if (taken.length === 0) return base;
  const sides = { left: base.left && new Map(base.left), right: base.right && new Map(base.right) };
  for (const { from, key, had } of taken) {
    const isSomewhere = now.left.has(key) || now.right.has(key);
    for (const side of isSomewhere ? (['left', 'right'] as const) : []) sides[side]?.set(key, had);
    if (!isSomewhere) sides[from]?.delete(key);
  }
  return sides;
}

/**
 * A set of a snapshot, with elements that are about to be written to the other side.
 * @param base What the snapshot holds, element by element.
 * @param there What the other side has now. Of what was on its way before: it has arrived.
 * @param by Of the write.
 */
export function withOnTheirWay(
  base: ReadonlyMap<string, Json>,
  added: ReadonlyMap<string, Json>,
  there: { readonly elements: ReadonlyMap<string, unknown>; readonly version: Version },
  by?: Receipt,
): Json {
  const known = [...base].map(([key, held]) => {
    const isThere = isOnItsWay(held) && there.elements.has(key);
    return [key, isThere ? { onItsWay: held.onItsWay, thereAt: there.version } : held];
  });
  const next = [...added].map(([key, onItsWay]) => [key, { onItsWay, ...(by === undefined ? {} : { by }) }]);
  return Object.fromEntries([...known, ...next]);
}

/**
 * A snapshot after the write of what was on its way from it was answered.
 * @param version Of the other side after it.
 * @param isKept Whether the other side can be trusted to show elements of a field under the keys that they were given with.
 * @returns the same snapshot when nothing was on its way.
 */
export function withWritten(seen: Shown, version: Version, isKept: (field: string) => boolean): Shown {
  let hasWritten = false;
  const written = (elements: Json): Json => {
    if (!isRecord(elements) || !Object.values(elements).some(isOnItsWay)) return elements;
    hasWritten = true;
    return Object.fromEntries(
      Object.entries(elements).map(([key, held]) => [
        key,
        isOnItsWay(held) ? { onItsWay: held.onItsWay, thereAt: version } : held,
      ]),
    );
  };
  const fields = Object.fromEntries(
    Object.entries(seen.fields).map(([field, value]) => [field, isKept(field) ? written(value) : value]),
  );
  return hasWritten ? { ...seen, fields } : seen;
}

/**
 * A snapshot after a look at the other side, whose answer to the write was lost.
 * @param version Of what the other side shows.
 * @returns the same snapshot when nothing was on its way.
 */
export function withFound(seen: Shown, there: Shown, version: Version): Shown {
  const found = Object.entries(seen.fields).flatMap(([field, value]) => {
    const base = elementBase(value);
    const elements = elementBase(there.fields[field]) ?? new Map<string, Json>();
    return base && isAnyOnItsWay(base) ? [[field, withOnTheirWay(base, new Map(), { elements, version })]] : [];
  });
  return found.length === 0 ? seen : { ...seen, fields: { ...seen.fields, ...Object.fromEntries(found) } };
}

/**
 * Bases in which nothing is on its way any more. What the other side has was carried out: both had it. What it lacks and is known to have
 * had was taken out since, or if nobody wrote there since, its server leaves it out, and it stays where it came from. Of what else it lacks
 * the write was not carried out, or it is gone again: the receipt of the write says which. Without one it is as new as it was.
 *
 * @param now What the sides have, by key.
 * @param isTakenOut Asked of what a write brought whose answer was lost and whose receipt is there, and which is missing there. False: its
 *   server may have left it out, or have it under another key; then it is as new as it was.
 */
export function arrived<E>(
  base: Readonly<Record<Side, ElementBase>>,
  now: Readonly<Record<Side, ReadonlyMap<string, E>>>,
  heads: Readonly<Record<Side, Pick<TypedHead, 'version' | 'receipt'>>>,
  isTakenOut: (element: E, from: Side) => boolean,
): Readonly<Record<Side, ElementBase>> {
  const sides = { left: base.left && new Map(base.left), right: base.right && new Map(base.right) };
  for (const [from, to] of [['left', 'right'] as const, ['right', 'left'] as const]) {
    // What nobody knows of may be what we put there, as its server calls it.
    const hasStrangers = [...now[to].keys()].some((key) => !base[to]?.has(key) && !base[from]?.has(key));
    for (const [key, held] of base[from] ?? []) {
      if (!isOnItsWay(held)) continue;
      const isThere = now[to].has(key);
      const element = now[from].get(key);
      const hasReceipt = held.by !== undefined && held.by === heads[to].receipt;
      const wasThere =
        isThere ||
        held.thereAt !== undefined ||
        (hasReceipt && !hasStrangers && element !== undefined && isTakenOut(element, from));
      if (!wasThere) sides[from]?.delete(key);
      else {
        sides[from]?.set(key, held.onItsWay);
        if (isThere || held.thereAt !== heads[to].version) sides[to]?.set(key, held.onItsWay);
      }
    }
  }
  return sides;
}
