import { AssertionFailure } from '#kit/assert.ts';

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
  readonly ties: readonly Tie[];
  readonly sizeMax: number;
  /** When each wave takes place, in order; waves beyond the last have none. */
  readonly dates: readonly string[];
  /** Who has to be in which wave, by its number from 0. */
  readonly pinned: ReadonlyMap<string, number>;
}

export interface Wave {
  readonly date: string | null;
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

/** Groups people into waves of at most `sizeMax`, keeping together those who share mailboxes. */
export function proposeWaves(input: WavesInput): WavesProposal {
  throw new AssertionFailure(`no waves for ${input.people.length} people yet`);
}
