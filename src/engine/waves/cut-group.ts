/**
 * Cuts a group of connected people that fits no wave. Parts are grown along the strongest ties, then people are moved and swapped between
 * parts as long as that cuts less (Kernighan and Lin), within the size.
 */
import type { TieGraph } from './tie-graph.ts';

/** Rounds over all people of a group; each round that changes nothing is the last. */
const roundsMax = 30;

/** @returns parts of at most `sizeMax`, people pinned to different waves in different parts. */
export function cutGroup(
  graph: TieGraph,
  group: readonly number[],
  pins: readonly (number | null)[],
  sizeMax: number,
): readonly (readonly number[])[] {
  const part = grow(graph, group, pins, sizeMax);
  improve(graph, group, part, pins, sizeMax);
  return partsOf(part);
}

function partsOf(part: ReadonlyMap<number, number>): readonly (readonly number[])[] {
  const parts = new Map<number, number[]>();
  for (const [person, at] of [...part].sort(([a], [b]) => a - b)) {
    const list = parts.get(at);
    if (list) list.push(person);
    else parts.set(at, [person]);
  }
  return [...parts.values()];
}

/** One part after another: from the person with the weakest ties, always who is tied to the part most and to the rest least. */
function grow(
  graph: TieGraph,
  group: readonly number[],
  pins: readonly (number | null)[],
  sizeMax: number,
): Map<number, number> {
  const part = new Map<number, number>();
  const rest = new Set(group);
  const free = new Map(group.map((person) => [person, total(graph, person)]));
  let number = 0;
  while (rest.size > 0) {
    const seedPin = [...rest].find((person) => pins[person] !== null);
    const seed = seedPin ?? [...rest].reduce((a, b) => ((free.get(b) ?? 0) < (free.get(a) ?? 0) ? b : a));
    let pin = pins[seed] ?? null;
    const pull = new Map<number, number>();
    const take = (person: number) => {
      rest.delete(person);
      part.set(person, number);
      pull.delete(person);
      pin ??= pins[person] ?? null;
      for (const [other, weight] of graph.of(person)) {
        if (!rest.has(other)) continue;
        pull.set(other, (pull.get(other) ?? 0) + weight);
        free.set(other, (free.get(other) ?? 0) - weight);
      }
    };
    take(seed);
    let size = 1;
    // Everybody pinned to the wave belongs in it, however far apart.
    if (pin !== null)
      for (const person of [...rest])
        if (pins[person] === pin) {
          take(person);
          size++;
        }
    for (; size < sizeMax; size++) {
      let best: number | null = null;
      let bestGain = Number.NEGATIVE_INFINITY;
      for (const [person, weight] of pull) {
        const own = pins[person] ?? null;
        if (own !== null && own !== pin) continue;
        const gain = 2 * weight - total(graph, person);
        if (gain > bestGain || (gain === bestGain && person < (best ?? person))) {
          best = person;
          bestGain = gain;
        }
      }
      if (best === null) break;
      take(best);
    }
    number++;
  }
  return part;
}

function total(graph: TieGraph, person: number): number {
  let sum = 0;
  for (const weight of graph.of(person).values()) sum += weight;
  return sum;
}

function improve(
  graph: TieGraph,
  group: readonly number[],
  part: Map<number, number>,
  pins: readonly (number | null)[],
  sizeMax: number,
): void {
  const sizes = new Map<number, number>();
  const pinOf = new Map<number, number>();
  for (const [person, at] of part) {
    sizes.set(at, (sizes.get(at) ?? 0) + 1);
    const pin = pins[person] ?? null;
    if (pin !== null) pinOf.set(at, pin);
  }
  const movable = group.filter((person) => pins[person] === null);
  const tiesTo = (person: number) => {
    const sums = new Map<number, number>();
    for (const [other, weight] of graph.of(person)) {
      const at = part.get(other);
      if (at !== undefined) sums.set(at, (sums.get(at) ?? 0) + weight);
    }
    return sums;
  };
  for (let round = 0; round < roundsMax; round++) {
    let isBetter = false;
    for (const person of movable) {
      const from = part.get(person) ?? 0;
      const ties = tiesTo(person);
      const own = ties.get(from) ?? 0;
      for (const [to, weight] of [...ties].sort(([a, x], [b, y]) => y - x || a - b)) {
        if (to === from || weight <= own) continue;
        if ((sizes.get(to) ?? 0) < sizeMax) {
          part.set(person, to);
          sizes.set(to, (sizes.get(to) ?? 0) + 1);
          sizes.set(from, (sizes.get(from) ?? 1) - 1);
          isBetter = true;
          break;
        }
        const partner = partnerOf(graph, person, from, to, weight - own, movable, part, tiesTo);
        if (partner === null) continue;
        part.set(person, to);
        part.set(partner, from);
        isBetter = true;
        break;
      }
    }
    if (!isBetter) return;
  }
}

/** Somebody in a full part who may go the other way so that less is cut altogether. */
function partnerOf(
  graph: TieGraph,
  person: number,
  from: number,
  to: number,
  gain: number,
  movable: readonly number[],
  part: ReadonlyMap<number, number>,
  tiesTo: (person: number) => ReadonlyMap<number, number>,
): number | null {
  let best: number | null = null;
  let bestGain = 1e-9;
  for (const other of movable) {
    if (part.get(other) !== to) continue;
    const ties = tiesTo(other);
    const together = gain + (ties.get(from) ?? 0) - (ties.get(to) ?? 0) - 2 * graph.weight(person, other);
    if (together > bestGain) {
      best = other;
      bestGain = together;
    }
  }
  return best;
}
