/**
 * The best waves for a few people. First by branch and bound: people are given to waves one after another, strongest ties first, and a branch
 * ends when it cannot become better than the best so far. Where everybody is tied to everybody hardly any branch ends early; then by dynamic
 * programming over all sets of people, which takes its time whatever the ties are, and no more.
 */
import { must } from '#kit/assert.ts';
import type { TieGraph } from './tie-graph.ts';

/** Beyond, the number of ways grows past what is worth waiting for. */
export const exactPeopleMax = 20;

/** Branches that are looked at before the other way is taken. */
const branchesMax = 200_000;

/** Sums of weights are compared with what rounding may do to them. */
const tolerance = 1e-9;

/** @returns wave of each person: least weight cut, then fewest waves. */
export function exactPartition(graph: TieGraph, pins: readonly (number | null)[], sizeMax: number): readonly number[] {
  const found = byBranches(graph, pins, sizeMax, branchesMax) ?? bySets(graph, pins, sizeMax);
  return renumbered(found, new Set(pins.flatMap((wave) => wave ?? [])));
}

/** @returns null: more branches than `branches`. */
export function byBranches(
  graph: TieGraph,
  pins: readonly (number | null)[],
  sizeMax: number,
  branches: number,
): readonly number[] | null {
  const count = graph.people.length;
  let looked = 0;
  const order = searchOrder(graph, pins);
  const wave: number[] = pins.map((pin) => pin ?? -1);
  const sizes = new Map<number, number>();
  for (const pin of pins) if (pin !== null) sizes.set(pin, (sizes.get(pin) ?? 0) + 1);
  const fewest = Math.ceil(count / sizeMax);
  let best: { readonly cut: number; readonly used: number; readonly wave: readonly number[] } | null = null;
  let cut = 0;
  for (let a = 0; a < count; a++)
    for (const [b, weight] of graph.of(a))
      if (a < b && wave[a] !== -1 && wave[b] !== -1 && wave[a] !== wave[b]) cut += weight;

  const isBetter = (ofCut: number, used: number) =>
    best === null || ofCut < best.cut - tolerance || (ofCut <= best.cut + tolerance && used < best.used);

  /** What people who are not placed yet cost at least: each alone, were it to join the wave that it is tied to most. */
  const atLeast = (depth: number) => {
    let bound = 0;
    for (let i = depth; i < order.length; i++) {
      const person = order[i] ?? 0;
      const tied = new Map<number, number>();
      let total = 0;
      for (const [other, weight] of graph.of(person)) {
        const at = wave[other] ?? -1;
        if (at === -1) continue;
        total += weight;
        tied.set(at, (tied.get(at) ?? 0) + weight);
      }
      let most = 0;
      for (const [at, weight] of tied) if ((sizes.get(at) ?? 0) < sizeMax && weight > most) most = weight;
      bound += total - most;
    }
    return bound;
  };

  const place = (depth: number): void => {
    const used = sizes.size;
    if (++looked > branches) return;
    if (!isBetter(cut + atLeast(depth), Math.max(used, fewest))) return;
    const person = order[depth];
    if (person === undefined) {
      best = { cut, used, wave: [...wave] };
      return;
    }
    const tied = new Map<number, number>();
    let total = 0;
    for (const [other, weight] of graph.of(person)) {
      const at = wave[other] ?? -1;
      if (at === -1) continue;
      total += weight;
      tied.set(at, (tied.get(at) ?? 0) + weight);
    }
    const open = [...sizes.keys()].filter((at) => (sizes.get(at) ?? 0) < sizeMax);
    // Of waves that nobody is in, one is as good as another.
    open.push(firstUnused(sizes));
    open.sort((a, b) => (tied.get(b) ?? 0) - (tied.get(a) ?? 0) || a - b);
    for (const at of open) {
      const more = total - (tied.get(at) ?? 0);
      wave[person] = at;
      sizes.set(at, (sizes.get(at) ?? 0) + 1);
      cut += more;
      place(depth + 1);
      cut -= more;
      const left = (sizes.get(at) ?? 1) - 1;
      if (left === 0) sizes.delete(at);
      else sizes.set(at, left);
      wave[person] = -1;
    }
  };
  place(0);
  if (looked > branches) return null;
  return must(best as { readonly wave: readonly number[] } | null, 'people can always be parted').wave;
}

/** For every set of people the best waves: the one with the first person of the set, and the best for the rest. */
export function bySets(graph: TieGraph, pins: readonly (number | null)[], sizeMax: number): readonly number[] {
  // People pinned to one wave are one, so that they stay together; those of different waves never meet.
  const units: number[][] = [];
  const unitOfPin = new Map<number, number[]>();
  for (const [person, pin] of pins.entries()) {
    const known = pin === null ? undefined : unitOfPin.get(pin);
    if (known !== undefined) known.push(person);
    else {
      const unit = [person];
      units.push(unit);
      if (pin !== null) unitOfPin.set(pin, unit);
    }
  }
  const count = units.length;
  const all = 2 ** count - 1;
  const pinnedMask = units.reduce((mask, unit, at) => (pins[unit[0] ?? 0] === null ? mask : mask | (1 << at)), 0);
  const between = (a: number, b: number) =>
    (units[a] ?? []).reduce((sum, p) => sum + (units[b] ?? []).reduce((more, q) => more + graph.weight(p, q), 0), 0);
  const weights = units.map((_, a) => Float64Array.from(units, (__, b) => (a === b ? 0 : between(a, b))));
  const size = new Uint8Array(all + 1);
  const inner = new Float64Array(all + 1);
  for (let set = 1; set <= all; set++) {
    const first = 31 - Math.clz32(set & -set);
    const rest = set & (set - 1);
    size[set] = (size[rest] ?? 0) + (units[first]?.length ?? 0);
    let sum = inner[rest] ?? 0;
    for (let left = rest; left !== 0; left &= left - 1) sum += weights[first]?.[31 - Math.clz32(left & -left)] ?? 0;
    inner[set] = sum;
  }
  const kept = new Float64Array(all + 1).fill(-1);
  const used = new Uint8Array(all + 1);
  const choice = new Int32Array(all + 1);
  kept[0] = 0;
  // In order of number, what is left of a set comes before it. What is left never has the very first person, so but for the whole no set
  // with that person is asked for.
  for (const set of setsWithoutFirst(all)) {
    const first = set & -set;
    const rest = set ^ first;
    let best = -1;
    let bestUses = 0;
    let bestWave = 0;
    for (let more = rest; ; more = (more - 1) & rest) {
      const wave = more | first;
      if ((size[wave] as number) <= sizeMax) {
        const pinned = wave & pinnedMask;
        const left = set ^ wave;
        const keeps = (inner[wave] as number) + (kept[left] as number);
        if (keeps >= best - tolerance && (pinned & (pinned - 1)) === 0) {
          const uses = (used[left] as number) + 1;
          if (keeps > best + tolerance || uses < bestUses) {
            best = keeps;
            bestUses = uses;
            bestWave = wave;
          }
        }
      }
      if (more === 0) break;
    }
    kept[set] = best;
    used[set] = bestUses;
    choice[set] = bestWave;
  }
  const wave: number[] = pins.map(() => 0);
  const taken = new Set(unitOfPin.keys());
  for (let set = all; set !== 0; set ^= choice[set] ?? 0) {
    const people = units.flatMap((unit, at) => (((choice[set] ?? 0) >> at) & 1 ? unit : []));
    const pin = people.map((person) => pins[person]).find((one) => one != null);
    const at = pin ?? firstUnused(taken);
    taken.add(at);
    for (const person of people) wave[person] = at;
  }
  return wave;
}

/** Sets without the first of all, in order of number, and then the set of all. */
function* setsWithoutFirst(all: number): Iterable<number> {
  for (let set = 2; set < all; set += 2) yield set;
  if (all > 0) yield all;
}

function firstUnused(sizes: { has(at: number): boolean }): number {
  let at = 0;
  while (sizes.has(at)) at++;
  return at;
}

/** Strongest ties to those who were placed before come first: bad branches end early. */
function searchOrder(graph: TieGraph, pins: readonly (number | null)[]): readonly number[] {
  const rest = new Set(graph.people.keys());
  const gain = graph.people.map((_, person) => [...graph.of(person).values()].reduce((sum, weight) => sum + weight, 0));
  const pull = graph.people.map(() => 0);
  const take = (person: number) => {
    rest.delete(person);
    for (const [other, weight] of graph.of(person)) pull[other] = (pull[other] ?? 0) + weight;
  };
  for (const [person, pin] of pins.entries()) if (pin !== null) take(person);
  const order: number[] = [];
  while (rest.size > 0) {
    const next = [...rest].reduce((a, b) => {
      const difference = (pull[b] ?? 0) - (pull[a] ?? 0) || (gain[b] ?? 0) - (gain[a] ?? 0);
      return difference > 0 ? b : a;
    });
    order.push(next);
    take(next);
  }
  return order;
}

/** Waves without pins in the order of their first person, on the numbers that pins leave free. */
export function renumbered(wave: readonly number[], pinned: ReadonlySet<number>): readonly number[] {
  const names = new Map<number, number>();
  let next = 0;
  for (const at of wave) {
    if (names.has(at)) continue;
    if (pinned.has(at)) names.set(at, at);
    else {
      while (pinned.has(next)) next++;
      names.set(at, next++);
    }
  }
  return wave.map((at) => names.get(at) ?? at);
}
