/** Puts groups into as few waves as it can: largest first, each where it is tied most, else where it fits best. */
import { renumbered } from './exact-partition.ts';
import type { TieGraph } from './tie-graph.ts';

/**
 * @param groups At most `sizeMax` each, and each with people pinned to one wave at most.
 * @returns wave of each person.
 */
export function packGroups(
  graph: TieGraph,
  groups: readonly (readonly number[])[],
  pins: readonly (number | null)[],
  sizeMax: number,
): readonly number[] {
  const wave: number[] = graph.people.map(() => -1);
  const free: number[] = [];
  const room = (at: number) => free[at] ?? sizeMax;
  const put = (group: readonly number[], at: number) => {
    while (free.length <= at) free.push(sizeMax);
    free[at] = room(at) - group.length;
    for (const person of group) wave[person] = at;
  };
  const pinOf = (group: readonly number[]) =>
    group.map((person) => pins[person] ?? null).find((pin) => pin !== null) ?? null;
  const rest: (readonly number[])[] = [];
  // Who is pinned comes first; what does not fit with them has to go elsewhere.
  for (const group of groups) {
    const pin = pinOf(group);
    if (pin === null) rest.push(group);
    else
      put(
        group.filter((person) => pins[person] === pin),
        pin,
      );
  }
  for (const group of groups) {
    const pin = pinOf(group);
    if (pin === null) continue;
    const others = group.filter((person) => pins[person] !== pin);
    if (others.length <= room(pin)) put(others, pin);
    else rest.push(...graph.groups(others));
  }
  const pinned = new Set(pins.flatMap((pin) => pin ?? []));
  const bySize = [...rest].sort((a, b) => b.length - a.length || (a[0] ?? 0) - (b[0] ?? 0));
  for (const group of bySize) {
    const ties = new Map<number, number>();
    for (const person of group)
      for (const [other, weight] of graph.of(person)) {
        const at = wave[other] ?? -1;
        if (at !== -1) ties.set(at, (ties.get(at) ?? 0) + weight);
      }
    let best = -1;
    for (let at = 0; at < free.length; at++) {
      const isOpen = room(at) >= group.length && (room(at) < sizeMax || pinned.has(at));
      if (!isOpen) continue;
      const isBetter =
        best === -1 ||
        (ties.get(at) ?? 0) > (ties.get(best) ?? 0) ||
        ((ties.get(at) ?? 0) === (ties.get(best) ?? 0) && room(at) < room(best));
      if (isBetter) best = at;
    }
    put(group, best === -1 ? firstEmpty(free, sizeMax, pinned) : best);
  }
  return renumbered(wave, pinned);
}

function firstEmpty(free: readonly number[], sizeMax: number, pinned: ReadonlySet<number>): number {
  let at = 0;
  while (pinned.has(at) || (free[at] ?? sizeMax) < sizeMax) at++;
  return at;
}
