/** What is remembered of the switch of each person: state, where the person works, and every step that was taken. */
import type { PairId, Side } from '#model/ids.ts';
import type { SwitchState } from '#model/switch.ts';
import type { Claim } from './store.ts';

export interface SwitchRow {
  readonly pair: PairId;
  readonly state: SwitchState;
  /** Where the person works by now; wins over the project file's `active`. */
  readonly active: Side;
  /** Number of this switch or undo: steps of an earlier one are history. */
  readonly run: number;
  /** When to switch: a time, `when-ready`, or null: when somebody says so. */
  readonly at: number | 'when-ready' | null;
  readonly changedAtMs: number;
  /** What stands in the way or went wrong, for the operator; null: nothing. */
  readonly because: string | null;
}

/** A step of the saga. Recorded before it begins and when it ends, so that whoever takes over knows what may have happened. */
export interface SwitchStepRow {
  readonly pair: PairId;
  readonly run: number;
  /** A name of `engine/switch`. */
  readonly step: string;
  readonly direction: 'forward' | 'undo';
  readonly state: 'begun' | 'done' | 'failed' | 'skipped';
  readonly beganAtMs: number;
  readonly endedAtMs: number | null;
  /** What it found and must put back when it is undone: plain data. */
  readonly before: unknown;
  /** For the operator. Holds no subject, no body, no secret. */
  readonly detail: string | null;
  readonly attempts: number;
}

/** Part of `Store`. */
export interface SwitchRecords {
  switches(pairs?: readonly PairId[]): Promise<readonly SwitchRow[]>;
  /** In the order in which they began. */
  switchSteps(pair: PairId, run?: number): Promise<readonly SwitchStepRow[]>;
  /** Writes the row and its steps in one transaction (steps by run, step and direction). Throws `FencedOut`. */
  commitSwitch(
    claim: Claim | null,
    commit: { readonly row?: SwitchRow; readonly steps?: readonly SwitchStepRow[] },
  ): Promise<void>;
}
