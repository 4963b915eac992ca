import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import { byBranches, bySets } from './exact-partition.ts';
import { proposeWaves, type Tie, type WavesInput, type WavesProposal } from './propose-waves.ts';
import { TieGraph } from './tie-graph.ts';

const tie = (a: string, b: string, weight = 1): Tie => ({
  a,
  b,
  weight,
  reason: 'delegate',
  detail: `${a} may act for ${b}`,
});
const input = (
  people: readonly string[],
  ties: readonly Tie[],
  sizeMax: number,
  more: Partial<WavesInput> = {},
): WavesInput => ({
  people,
  ties,
  sizeMax,
  dates: [],
  pinned: new Map(),
  ...more,
});
const names = (count: number) => Array.from({ length: count }, (_, n) => `p${String(n).padStart(4, '0')}`);

/** Another solver, which knows nothing but the question: every way to part people, one after the other. */
function bruteForce({ people, ties, sizeMax, pinned }: WavesInput): { readonly cut: number; readonly waves: number } {
  let best = { cut: Number.POSITIVE_INFINITY, waves: 0 };
  const parts: string[][] = [];
  const visit = (at: number) => {
    const person = people[at];
    if (person === undefined) {
      const where = new Map(parts.flatMap((part, n) => part.map((one) => [one, n] as const)));
      const cut = ties.reduce((sum, { a, b, weight }) => (where.get(a) === where.get(b) ? sum : sum + weight), 0);
      const waves = parts.length;
      if (cut < best.cut || (cut === best.cut && waves < best.waves)) best = { cut, waves };
      return;
    }
    const pin = pinned.get(person);
    for (const part of [...parts, null]) {
      const list = part ?? [];
      const others = list.map((one) => pinned.get(one)).filter((one) => one !== undefined);
      if (list.length >= sizeMax || (pin !== undefined && others.some((one) => one !== pin))) continue;
      // All people pinned to a wave are in one part.
      if (pin !== undefined && parts.some((one) => one !== part && one.some((each) => pinned.get(each) === pin)))
        continue;
      if (part === null) parts.push(list);
      list.push(person);
      visit(at + 1);
      list.pop();
      if (part === null) parts.pop();
    }
  };
  visit(0);
  return best;
}

const graphs = (max: number, weightMax = 5) =>
  fc.integer({ min: 1, max }).chain((count) => {
    const people = names(count);
    const person = fc.constantFrom(...people);
    return fc.record({
      people: fc.constant(people),
      ties: fc.array(
        fc.tuple(person, person, fc.integer({ min: 1, max: weightMax })).map(([a, b, w]) => tie(a, b, w)),
        { maxLength: 2 * count },
      ),
      sizeMax: fc.integer({ min: 1, max: count + 1 }),
      pinned: fc.array(fc.tuple(person, fc.integer({ min: 0, max: 3 })), { maxLength: 3 }).map((list) => new Map(list)),
    });
  });

/** Whether as many as are pinned to a wave fit into it. */
const isPossible = ({ pinned, sizeMax }: Pick<WavesInput, 'pinned' | 'sizeMax'>) => {
  const counts = new Map<number, number>();
  for (const wave of pinned.values()) counts.set(wave, (counts.get(wave) ?? 0) + 1);
  return [...counts.values()].every((count) => count <= sizeMax);
};

function holds(proposal: WavesProposal, asked: WavesInput): void {
  const all = proposal.waves.flatMap(({ people }) => people);
  expect([...all].sort()).toEqual([...asked.people].sort());
  for (const { people } of proposal.waves) expect(people.length).toBeLessThanOrEqual(asked.sizeMax);
  const waveOf = new Map(proposal.waves.flatMap(({ people }, n) => people.map((person) => [person, n] as const)));
  for (const [person, wave] of asked.pinned) expect(waveOf.get(person)).toBe(wave);
  const parted = asked.ties.filter(({ a, b }) => waveOf.get(a) !== waveOf.get(b));
  expect(proposal.cuts.map((cut) => cut.tie)).toEqual(parted);
  for (const { tie: cut, waves, detail } of proposal.cuts) {
    expect([waveOf.get(cut.a), waveOf.get(cut.b)]).toEqual(waves);
    expect(detail).toContain(cut.detail);
  }
  expect(proposal.cutWeight).toBeCloseTo(parted.reduce((sum, { weight }) => sum + weight, 0));
}

describe('waves of a few people', () => {
  test('cut as little as any way does, in as few waves', () => {
    fc.assert(
      fc.property(graphs(8), (graph) => {
        fc.pre(isPossible(graph));
        const asked = input(graph.people, graph.ties, graph.sizeMax, { pinned: graph.pinned });
        const proposal = proposeWaves(asked);
        holds(proposal, asked);
        const best = bruteForce(asked);
        expect(proposal.isOptimal).toBe(true);
        expect(proposal.cutWeight).toBe(best.cut);
        expect(proposal.waves.filter(({ people }) => people.length > 0)).toHaveLength(best.waves);
      }),
      { numRuns: 300 },
    );
  });

  test('two exact ways agree where one alone could be wrong', () => {
    fc.assert(
      fc.property(graphs(12), (graph) => {
        fc.pre(isPossible(graph));
        const tied = new TieGraph(graph.people, graph.ties);
        const pins = graph.people.map((person) => graph.pinned.get(person) ?? null);
        const cost = (waves: readonly number[] | null) => ({
          cut: graph.ties.reduce((sum, { a, b, weight }) => {
            const [p, q] = [tied.indexOf(a) ?? 0, tied.indexOf(b) ?? 0];
            return waves?.[p] === waves?.[q] ? sum : sum + weight;
          }, 0),
          waves: new Set(waves).size,
        });
        expect(cost(bySets(tied, pins, graph.sizeMax))).toEqual(
          cost(byBranches(tied, pins, graph.sizeMax, Number.POSITIVE_INFINITY)),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('people who are all tied to one another are parted exactly, by sets', () => {
    const random = seededRandom('dense');
    const people = names(17);
    const ties = people.flatMap((a, i) => people.slice(i + 1).map((b) => tie(a, b, 1 + random.int(9))));
    const asked = input(people, ties, 7);
    const started = performance.now();
    const proposal = proposeWaves(asked);
    holds(proposal, asked);
    expect(proposal.isOptimal).toBe(true);
    expect(performance.now() - started).toBeLessThan(60_000);
  }, 90_000);
});

describe('waves of many people', () => {
  test('never cut a group that fits a wave, and say why others are cut', () => {
    fc.assert(
      fc.property(graphs(60, 3), fc.integer({ min: 1, max: 12 }), (graph, sizeMax) => {
        fc.pre(graph.people.length > 20);
        const asked = input(graph.people, graph.ties, sizeMax);
        const proposal = proposeWaves(asked);
        holds(proposal, asked);
        const groups = new TieGraph(graph.people, graph.ties).groups();
        const size = new Map(groups.flatMap((group) => group.map((n) => [graph.people[n], group.length] as const)));
        for (const cut of proposal.cuts) {
          expect(cut.because).toBe('group-too-large');
          expect(size.get(cut.tie.a)).toBeGreaterThan(sizeMax);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('keep everybody where they are pinned', () => {
    fc.assert(
      fc.property(graphs(60, 3), (graph) => {
        fc.pre(graph.people.length > 20 && isPossible(graph));
        const asked = input(graph.people, graph.ties, graph.sizeMax, { pinned: graph.pinned });
        holds(proposeWaves(asked), asked);
      }),
      { numRuns: 100 },
    );
  });

  test('are the same for people and ties in any order', () => {
    fc.assert(
      fc.property(graphs(40), fc.integer(), (graph, seed) => {
        const random = seededRandom(seed);
        const shuffled = <T>(list: readonly T[]): readonly T[] =>
          list
            .map((one) => ({ one, key: random.next() }))
            .sort((a, b) => a.key - b.key)
            .map(({ one }) => one);
        const waves = proposeWaves(input(graph.people, graph.ties, graph.sizeMax)).waves;
        expect(proposeWaves(input(shuffled(graph.people), shuffled(graph.ties), graph.sizeMax)).waves).toEqual(waves);
      }),
      { numRuns: 60 },
    );
  });

  test('part two thousand people in seconds, near where the ties are weak', () => {
    const random = seededRandom('company');
    const people = names(2000);
    const ties: Tie[] = [];
    // Departments of 40 with strong ties inside, and every person with a weak one anywhere: one group of two thousand.
    for (let n = 0; n < 2000; n++) {
      const department = n - (n % 40);
      for (let k = 0; k < 3; k++) ties.push(tie(people[n] ?? '', people[department + random.int(40)] ?? '', 5));
      ties.push(tie(people[n] ?? '', people[random.int(2000)] ?? '', 1));
    }
    const asked = input(people, ties, 100, { dates: ['2027-01-09', '2027-01-16'] });
    const started = performance.now();
    const proposal = proposeWaves(asked);
    const ms = performance.now() - started;
    holds(proposal, asked);
    expect(ms).toBeLessThan(20_000);
    expect(proposal.waves.slice(0, 3).map(({ date }) => date)).toEqual(['2027-01-09', '2027-01-16', null]);
    const whole = ties.reduce((sum, { weight }) => sum + weight, 0);
    // At random 95 of 100 ties would be cut; weak ones alone are 6 of 100 of the weight.
    expect(proposal.cutWeight / whole).toBeLessThan(0.25);
  }, 60_000);
});

describe('what cannot be', () => {
  test('is refused', () => {
    expect(() => proposeWaves(input(['a', 'a'], [], 2))).toThrow('twice');
    expect(() => proposeWaves(input(['a'], [], 0))).toThrow('at least one');
    expect(() => proposeWaves(input(['a', 'b'], [tie('a', 'b', 0)], 2))).toThrow('weighs nothing');
    const pinned = new Map([
      ['a', 1],
      ['b', 1],
    ]);
    expect(() => proposeWaves(input(['a', 'b'], [], 1, { pinned }))).toThrow('2 people are pinned to wave 2');
  });

  test('people nobody knows and ties with oneself count for nothing', () => {
    const proposal = proposeWaves(input(['a', 'b'], [tie('a', 'a'), tie('a', 'x')], 2));
    expect(proposal).toMatchObject({ waves: [{ people: ['a', 'b'] }], cuts: [], cutWeight: 0 });
    expect(proposeWaves(input([], [], 2)).waves).toEqual([]);
  });

  test('a pin parts a group, and the cut says so', () => {
    const pinned = new Map([
      ['a', 0],
      ['b', 1],
    ]);
    const proposal = proposeWaves(input(['a', 'b', 'c'], [tie('a', 'b'), tie('b', 'c')], 3, { pinned }));
    expect(proposal.waves.map(({ people }) => people)).toEqual([['a'], ['b', 'c']]);
    expect(proposal.cuts.map(({ because }) => because)).toEqual(['pinned-apart']);
  });
});
