import type { Connector } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { Fault } from '#kit/fault.ts';
import type { SteppingClock } from '#kit/stepping-clock.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';

/** The program died. Nothing of the same life does anything after it. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** One life of the program: from its start to its end or its death. */
export interface Life {
  dead: boolean;
  /** It died while a request was on its way, which arrives some time later. */
  late: boolean;
}

/** One of the two organizations, as its people and as the program have it. */
export interface SimulatedSide {
  readonly mailbox: SimulatedMailbox;
  /** The connector of one life of the program. */
  connect(life: Life): Connector;
}

/** What the world gives to the stage that is set in it. */
export interface StageHost {
  readonly seed: number;
  readonly clock: SteppingClock;
  /** A fault for one item of a batch, by the world's own mix; null: none. */
  itemFault(operation: string, id: string): Fault | null;
  /** People do something, in the middle of whatever is going on. */
  sourceStep(): void;
  targetStep(): void;
  /** Whoever asks is not heard of until its lease has ended and another has done its work. */
  stall(): Promise<void>;
  /** Asked between a series and its occurrences, where these are requests of their own: throws to leave it so. */
  halfway(operation: string): void;
  /** The database was lost in this life. */
  isStoreLost(): boolean;
}

/** What stands between the program and the two mailboxes of a world. */
export interface Stage {
  readonly left: SimulatedSide;
  readonly right: SimulatedSide;
  /** The clock that the program is given. */
  readonly clock: Clock;
  /** Time passes, and what was planned for it happens. Undefined: it is over already. */
  advance(ms: number): Promise<void> | undefined;
  /** Plans what happens while nobody waits for it. */
  later(atMs: number, work: () => Promise<unknown>): void;
  /** Whether the stage's own faults are off. */
  setCalm(isCalm: boolean): void;
  close(): Promise<void>;
}

export type OpenStage = (host: StageHost) => Stage;
