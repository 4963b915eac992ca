import { exactPeopleMax } from '#engine/waves/exact-partition.ts';
import { proposeWaves, type Tie, type WavesProposal } from '#engine/waves/propose-waves.ts';
import { seededRandom } from '#kit/random.ts';
import type { Bench, BenchReport } from '../support/bench.ts';
import { against, round } from '../support/results.ts';

/** Graphs of 20 people, which brute force takes seconds for, and of fewer. */
const exactRounds = { whole: 8, few: 200 };
const companyRounds = 20;
const companyPeople = 2000;

type Random = ReturnType<typeof seededRandom>;

interface Graph {
  readonly people: readonly string[];
  readonly ties: readonly Tie[];
  readonly sizeMax: number;
}

/** Proposals of waves for random graphs: against the best there is for a few people, against what is promised for a company. */
export const waves: Bench = async (options): Promise<BenchReport> => {
  const scale = options.quick ? 0.25 : 1;
  const rounds = options.rounds ?? Math.ceil(companyRounds * scale);
  const random = seededRandom('bench waves');
  let worse = 0;
  const sizes = [
    ...Array.from({ length: Math.ceil(exactRounds.few * scale) }, () => 2 + random.int(13)),
    ...Array.from({ length: Math.ceil(exactRounds.whole * scale) }, () => exactPeopleMax),
  ];
  for (const count of sizes) {
    const graph = randomGraph(random, count, 1 + random.int(3 * count), 1 + random.int(count));
    if (costOf(proposeWaves(asked(graph))) !== leastCut(graph)) worse++;
  }
  options.say(`${sizes.length} graphs of up to ${exactPeopleMax} people were held against brute force`);

  const company = { cutGroups: 0, unnamed: 0, apart: 0, tooLarge: 0, slowestMs: 0, cuts: 0, ties: 0 };
  for (let n = 0; n < rounds; n++) {
    const graph = companyGraph(random);
    const began = performance.now();
    const proposal = proposeWaves(asked(graph));
    company.slowestMs = Math.max(company.slowestMs, performance.now() - began);
    const seen = promises(graph, proposal);
    company.cutGroups += seen.cutGroups;
    company.unnamed += seen.unnamed;
    company.apart += seen.apart;
    company.tooLarge += seen.tooLarge;
    company.cuts += proposal.cuts.length;
    company.ties += graph.ties.length;
  }
  options.say(`${rounds} companies of ${companyPeople} people were parted`);
  const figures = {
    graphs: sizes.length,
    worse,
    companies: rounds,
    people: companyPeople,
    cutGroups: company.cutGroups,
    cutsWithoutReason: company.unnamed,
    apart: company.apart,
    wavesTooLarge: company.tooLarge,
    cutShare: round(company.cuts / Math.max(1, company.ties)),
    slowestSeconds: round(company.slowestMs / 1000),
  };
  const none = (value: number) => value === 0;
  return {
    figures,
    lines: [
      against(`cut more than brute force, of ${sizes.length}`, worse, '0', none),
      against('groups cut that fit a wave', company.cutGroups, '0', none),
      against('ties parted without a named reason', company.unnamed + company.apart, '0', none),
      against('waves over their size', company.tooLarge, '0', none),
      against('slowest company, s', figures.slowestSeconds, '≤ 20', (value) => value <= 20),
    ],
    details: { cuts: company.cuts, ties: company.ties },
  };
};

const asked = ({ people, ties, sizeMax }: Graph) => ({ people, ties, sizeMax, dates: [], pinned: new Map() });

const names = (count: number) => Array.from({ length: count }, (_, n) => `p${String(n).padStart(4, '0')}`);

const tie = (a: string, b: string, weight: number): Tie => ({
  a,
  b,
  weight,
  reason: 'delegate',
  detail: `${b} is a delegate of ${a}`,
});

function randomGraph(random: Random, count: number, tieCount: number, sizeMax: number): Graph {
  const people = names(count);
  const anybody = () => people[random.int(count)] ?? '';
  const ties = Array.from({ length: tieCount }, () => tie(anybody(), anybody(), 1 + random.int(9)));
  return { people, ties, sizeMax };
}

/** Teams of every size, some larger than a wave, some tied to each other; and people who share with nobody. */
function companyGraph(random: Random): Graph {
  const people = names(companyPeople);
  const ties: Tie[] = [];
  for (let first = 0; first < people.length; ) {
    const team = random.next() < 0.1 ? 1 : random.next() < 0.05 ? 80 + random.int(200) : 2 + random.int(40);
    const last = Math.min(people.length, first + team);
    for (let n = first + 1; n < last; n++)
      for (let more = 1 + random.int(3); more > 0; more--)
        ties.push(tie(people[n] ?? '', people[first + random.int(n - first)] ?? '', 1 + random.int(9)));
    if (random.next() < 0.2) ties.push(tie(people[first] ?? '', people[random.int(people.length)] ?? '', 1));
    first = last;
  }
  return { people, ties, sizeMax: 20 + random.int(80) };
}

const costOf = ({ cutWeight }: WavesProposal): number => cutWeight;

/**
 * The least that any way cuts, by looking at every way: for each set of people every wave that its first one could be in. Knows nothing of
 * how proposals are made.
 */
function leastCut({ people, ties, sizeMax }: Graph): number {
  const count = people.length;
  const numbers = new Map(people.map((person, at) => [person, at]));
  const between = Array.from({ length: count }, () => new Float64Array(count));
  let whole = 0;
  for (const { a, b, weight } of ties) {
    const [p, q] = [numbers.get(a) ?? 0, numbers.get(b) ?? 0];
    if (p === q) continue;
    whole += weight;
    for (const [from, to] of [
      [p, q],
      [q, p],
    ] as const)
      (between[from] as Float64Array)[to] = (between[from]?.[to] ?? 0) + weight;
  }
  const sets = 2 ** count;
  const inside = new Float64Array(sets);
  const size = new Uint8Array(sets);
  for (let set = 1; set < sets; set++) {
    const top = 31 - Math.clz32(set);
    const rest = set ^ (1 << top);
    let sum = inside[rest] as number;
    for (let other = 0; other < top; other++) if ((rest >> other) & 1) sum += between[top]?.[other] ?? 0;
    inside[set] = sum;
    size[set] = (size[rest] as number) + 1;
  }
  const most = new Float64Array(sets);
  for (let set = 1; set < sets; set++) {
    const top = 1 << (31 - Math.clz32(set));
    const rest = set ^ top;
    let best = 0;
    for (let along = rest; ; along = (along - 1) & rest) {
      if ((size[along] as number) < sizeMax)
        best = Math.max(best, (inside[along | top] as number) + (most[rest ^ along] as number));
      if (along === 0) break;
    }
    most[set] = best;
  }
  return whole - (most[sets - 1] as number);
}

/** What a proposal breaks of what is promised, counted from the graph alone. */
function promises({ people, ties, sizeMax }: Graph, { waves: proposed, cuts }: WavesProposal) {
  const waveOf = new Map(proposed.flatMap((wave, at) => wave.people.map((person) => [person, at] as const)));
  const named = new Map(cuts.map((cut) => [cut.tie, cut]));
  const cutGroups = groupsOf(people, ties).filter(
    (group) => group.length <= sizeMax && new Set(group.map((person) => waveOf.get(person))).size > 1,
  ).length;
  const parted = ties.filter(({ a, b }) => waveOf.get(a) !== waveOf.get(b));
  return {
    cutGroups,
    unnamed: parted.filter((one) => (named.get(one)?.detail ?? '') === '').length,
    /** Named as cut, and not parted. */
    apart: Math.abs(cuts.length - parted.length),
    tooLarge: proposed.filter((wave) => wave.people.length > sizeMax).length,
  };
}

/** Connected people: each joined to whom he is tied, until nothing moves. */
function groupsOf(people: readonly string[], ties: readonly Tie[]): readonly (readonly string[])[] {
  const head = new Map(people.map((person) => [person, person]));
  const headOf = (person: string): string => {
    let at = person;
    for (let up = head.get(at) ?? at; up !== at; up = head.get(at) ?? at) at = up;
    head.set(person, at);
    return at;
  };
  for (const { a, b } of ties) head.set(headOf(a), headOf(b));
  const groups = new Map<string, string[]>();
  for (const person of people) groups.set(headOf(person), [...(groups.get(headOf(person)) ?? []), person]);
  return [...groups.values()];
}
