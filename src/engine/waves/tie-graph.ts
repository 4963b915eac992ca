import { assert } from '#kit/assert.ts';
import type { Tie } from './propose-waves.ts';

/** People by number and what ties them, ties of the same two added up. */
export class TieGraph {
  readonly people: readonly string[];
  /** Neighbours of each person with the weight of what ties them, in order of number. */
  readonly neighbours: readonly ReadonlyMap<number, number>[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param people Sorted, without doubles. */
  constructor(people: readonly string[], ties: readonly Tie[]) {
    this.people = people;
    this.#numbers = new Map(people.map((person, at) => [person, at]));
    const weights: Map<number, number>[] = people.map(() => new Map());
    for (const tie of ties) {
      assert(tie.weight > 0 && Number.isFinite(tie.weight), `a tie of ${tie.a} and ${tie.b} weighs nothing`);
      const a = this.indexOf(tie.a);
      const b = this.indexOf(tie.b);
      if (a === null || b === null || a === b) continue;
      weights[a]?.set(b, (weights[a]?.get(b) ?? 0) + tie.weight);
      weights[b]?.set(a, (weights[b]?.get(a) ?? 0) + tie.weight);
    }
    this.neighbours = weights.map((list) => new Map([...list].sort(([a], [b]) => a - b)));
  }

  indexOf(person: string): number | null {
    return this.#numbers.get(person) ?? null;
  }

  weight(a: number, b: number): number {
    return this.neighbours[a]?.get(b) ?? 0;
  }

  of(person: number): ReadonlyMap<number, number> {
    return this.neighbours[person] ?? new Map();
  }

  /** Connected people, each group and the list of groups in order of number. */
  groups(within: readonly number[] = this.people.map((_, at) => at)): readonly (readonly number[])[] {
    const rest = new Set(within);
    const groups: number[][] = [];
    for (const start of within) {
      if (!rest.delete(start)) continue;
      const group = [start];
      for (let i = 0; i < group.length; i++)
        for (const next of this.of(group[i] ?? start).keys()) if (rest.delete(next)) group.push(next);
      groups.push(group.sort((a, b) => a - b));
    }
    return groups;
  }
}
