import type { StepName } from '#engine/switch/steps.ts';
import type { StepMemory, SwitchServices } from './ports.ts';

/** How a step, or its undo, ended this time. */
export type StepEnd =
  | { readonly end: 'done'; readonly detail: string | null }
  /** There is nothing to do in this pair, or it cannot be done here; `detail` says why. */
  | { readonly end: 'skipped'; readonly detail: string }
  /** Something outside has to happen first: replication, a person who runs lines. Try again after so many milliseconds. */
  | {
      readonly end: 'waits';
      readonly detail: string;
      readonly againMs: number;
      /** Lines that a person has to run. Where nothing can be read, that person has to say so (`confirmStep`). */
      readonly script?: readonly string[];
    };

/** A step that cannot be done until somebody does something about it. The message is for the operator. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

export interface StepContext {
  readonly services: SwitchServices;
  readonly signal: AbortSignal;
  readonly memory: StepMemory;
  /** Number of this switch: part of ids that must differ from one switch to the next. */
  readonly run: number;
  /** When this step, or its undo, was begun first. */
  readonly beganAtMs: number;
}

/** What a step would do, for `--plan`: before and after. */
export interface StepOutlook {
  readonly now: string;
  readonly after: string;
}

/** What one step of `engine/switch/steps.ts` does. Every method is safe to repeat after a crash anywhere in it. */
export interface StepWork {
  readonly name: StepName;
  /** Reads only. */
  outlook(context: StepContext): Promise<StepOutlook>;
  /** Reads what has to be put back when it is taken back: plain data. Recorded before `carryOut`, once for each switch. */
  before(context: StepContext): Promise<Readonly<Record<string, unknown>>>;
  carryOut(context: StepContext): Promise<StepEnd>;
  takeBack(context: StepContext): Promise<StepEnd>;
}

export const done = (detail: string | null = null): StepEnd => ({ end: 'done', detail });
export const skipped = (detail: string): StepEnd => ({ end: 'skipped', detail });
