import { type Cut, proposeWaves, type Tie } from '#engine/waves/propose-waves.ts';
import { TieGraph } from '#engine/waves/tie-graph.ts';
import { type OutsideTie, tiesOfSharing } from '#engine/waves/ties-of-sharing.ts';
import { type WaveCalendar, waveDays } from '#engine/waves/wave-days.ts';
import type { Day } from '#model/wall-time.ts';
import type { Sharing } from './read-sharing.ts';

export type { Cut, OutsideTie, Tie, WaveCalendar };

export interface WavesAsked {
  /** Keys of everybody who is to be in a wave. */
  readonly people: readonly string[];
  readonly sizeMax: number;
  readonly calendar: WaveCalendar;
  /** Wave of a person by number from 0. */
  readonly pinned: ReadonlyMap<string, number>;
}

export interface WavePlan {
  readonly ties: readonly Tie[];
  readonly outside: readonly OutsideTie[];
  /** People who are tied to one another, largest group first; who is tied to nobody is in none. */
  readonly groups: readonly (readonly string[])[];
  readonly waves: readonly { readonly day: Day | null; readonly people: readonly string[] }[];
  readonly cuts: readonly Cut[];
  readonly cutWeight: number;
  /** True: no way within the size cuts less. */
  readonly isOptimal: boolean;
  /** Null: every wave has a day, or none was asked for. Otherwise how many waves there are days for. */
  readonly daysFor: number | null;
}

/** Who is switched together, and when: people who share mailboxes in one wave wherever they fit into one. */
export function planWaves(sharing: readonly Sharing[], { people, sizeMax, calendar, pinned }: WavesAsked): WavePlan {
  // Of each organization for itself: an address may be somebody else's in another one.
  const all = sharing.map(({ mailboxes, keys }) =>
    tiesOfSharing(mailboxes, (address) => keys.get(address.toLowerCase()) ?? null),
  );
  const ties = all.flatMap((one) => one.ties);
  const proposal = proposeWaves({ people, ties, sizeMax, dates: [], pinned });
  const days = waveDays(calendar, proposal.waves.length);
  const isLate = 'possible' in days;
  const graph = new TieGraph([...people].sort(), ties);
  return {
    ties,
    outside: all.flatMap((one) => one.outside),
    groups: graph
      .groups()
      .filter((group) => group.length > 1)
      .map((group) => group.map((at) => graph.people[at] ?? ''))
      .sort((a, b) => b.length - a.length),
    waves: proposal.waves.map(({ people: members }, at) => ({
      day: isLate ? null : (days[at] ?? null),
      people: members,
    })),
    cuts: proposal.cuts,
    cutWeight: proposal.cutWeight,
    isOptimal: proposal.isOptimal,
    daysFor: isLate ? days.possible : null,
  };
}
