/**
 * Who is switched together. People who share mailboxes should change sides on one day, and a day takes only so many. The fewest and weakest
 * ties are cut; of proposals that cut as little the one with the fewest waves counts. This is graph partitioning, which nobody solves
 * quickly for many, so: up to 20 people exactly, beyond that groups that fit a wave are never cut and the others are cut by local search.
 */
import { assert } from '#kit/assert.ts';
import { cutGroup } from './cut-group.ts';
import { exactPartition, exactPeopleMax } from './exact-partition.ts';
import { packGroups } from './pack-groups.ts';
import { TieGraph } from './tie-graph.ts';

/** Why two people should be switched together. */
export type TieReason = 'delegate' | 'send-on-behalf' | 'folder-permission' | 'shared-mailbox' | 'full-access';

export interface Tie {
  readonly a: string;
  readonly b: string;
  /** How much it hurts to part them; greater than 0. Ties of the same two people add up. */
  readonly weight: number;
  readonly reason: TieReason;
  /** For the operator: `ana may act for ben`. */
  readonly detail: string;
}

export interface WavesInput {
  /** Keys of people and of the mailboxes they share, without doubles. */
  readonly people: readonly string[];
  /** Ties with people that are not among these, and of people with themselves, count for nothing. */
  readonly ties: readonly Tie[];
  readonly sizeMax: number;
  /** When each wave takes place, in order; waves beyond the last have none. */
  readonly dates: readonly string[];
  /** Who has to be in which wave, by its number from 0. */
  readonly pinned: ReadonlyMap<string, number>;
}

export interface Wave {
  readonly date: string | null;
  /** In order. Empty only where pins leave a wave without anybody. */
  readonly people: readonly string[];
}

/** A tie that the proposal parts, with the reason. */
export interface Cut {
  readonly tie: Tie;
  readonly waves: readonly [number, number];
  readonly because: 'group-too-large' | 'pinned-apart' | 'wave-full';
  readonly detail: string;
}

export interface WavesProposal {
  readonly waves: readonly Wave[];
  readonly cuts: readonly Cut[];
  readonly cutWeight: number;
  /** True: no proposal within the size cuts less, and none that cuts as little has fewer waves. */
  readonly isOptimal: boolean;
}

/**
 * Groups people into waves of at most `sizeMax`. The same input in any order gives the same proposal.
 *
 * Throws AssertionFailure when a wave has more people pinned to it than it takes, or the input is no graph.
 */
export function proposeWaves(input: WavesInput): WavesProposal {
  const { sizeMax, pinned } = input;
  const people = [...new Set(input.people)].sort();
  assert(people.length === input.people.length, 'a person is named twice');
  assert(Number.isInteger(sizeMax) && sizeMax > 0, 'a wave takes at least one person');
  const pins = people.map((person) => {
    const wave = pinned.get(person) ?? null;
    assert(wave === null || (Number.isInteger(wave) && wave >= 0 && wave < 10_000), `${person} is pinned to no wave`);
    return wave;
  });
  const pinnedTo = new Map<number, number>();
  for (const wave of pins) if (wave !== null) pinnedTo.set(wave, (pinnedTo.get(wave) ?? 0) + 1);
  for (const [wave, count] of pinnedTo)
    assert(count <= sizeMax, `${count} people are pinned to wave ${wave + 1}, which takes ${sizeMax}`);

  const graph = new TieGraph(people, input.ties);
  const isExact = people.length <= exactPeopleMax;
  const assignment = isExact ? exactPartition(graph, pins, sizeMax) : byGroups(graph, pins, sizeMax);
  return proposal(input, graph, assignment, pins, isExact);
}

/** Beyond what can be solved exactly: whole groups where they fit, cut ones where they do not. */
function byGroups(graph: TieGraph, pins: readonly (number | null)[], sizeMax: number): readonly number[] {
  const whole = graph.groups();
  const parts = whole.flatMap((group) => {
    const pinnedWaves = new Set(group.flatMap((person) => pins[person] ?? []));
    return group.length <= sizeMax && pinnedWaves.size <= 1 ? [group] : cutGroup(graph, group, pins, sizeMax);
  });
  return packGroups(graph, parts, pins, sizeMax);
}

function proposal(
  input: WavesInput,
  graph: TieGraph,
  assignment: readonly number[],
  pins: readonly (number | null)[],
  isOptimal: boolean,
): WavesProposal {
  const count = Math.max(-1, ...assignment) + 1;
  const members: string[][] = Array.from({ length: count }, () => []);
  graph.people.forEach((person, at) => {
    members[assignment[at] ?? 0]?.push(person);
  });
  const groupOf = new Map(graph.groups().flatMap((group) => group.map((person) => [person, group] as const)));
  const cuts = [...input.ties].flatMap((tie): readonly Cut[] => {
    const a = graph.indexOf(tie.a);
    const b = graph.indexOf(tie.b);
    if (a === null || b === null || a === b) return [];
    const [waveA, waveB] = [assignment[a] ?? 0, assignment[b] ?? 0];
    if (waveA === waveB) return [];
    const group = groupOf.get(a) ?? [];
    const waves = [waveA, waveB] as const;
    const pinnedWaves = new Set(group.flatMap((person) => pins[person] ?? []));
    if (group.length > input.sizeMax)
      return [
        {
          tie,
          waves,
          because: 'group-too-large',
          detail: `${tie.detail}: they belong to ${group.length} people who share mailboxes, and a wave takes ${input.sizeMax}`,
        },
      ];
    if (pinnedWaves.size > 1)
      return [
        {
          tie,
          waves,
          because: 'pinned-apart',
          detail: `${tie.detail}: people of their group are pinned to different waves`,
        },
      ];
    return [
      {
        tie,
        waves,
        because: 'wave-full',
        detail: `${tie.detail}: somebody of their group is pinned to a wave that does not take all ${group.length}`,
      },
    ];
  });
  return {
    waves: members.map((list, at) => ({ date: input.dates[at] ?? null, people: list })),
    cuts,
    cutWeight: cuts.reduce((sum, { tie }) => sum + tie.weight, 0),
    isOptimal,
  };
}
