/** What the saga of a switch needs from outside. Each is small, so that tests and other systems can put their own in. */
import type { Connector } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { PairId, Side } from '#model/ids.ts';
import type { SwitchPolicy } from '#model/switch.ts';
import type { ContentKind, Store } from '#store/store.ts';
import type { SwitchStepRow } from '#store/switch-records.ts';

/** The person's entry in the directory of one organization, as far as mail goes by it. */
export interface RouteEntry {
  /** Lower case; null: to its own mailbox; undefined: cannot be read. */
  readonly redirectsTo: string | null | undefined;
  /** Lower case, the primary one first. */
  readonly addresses: readonly string[];
  readonly legacyExchangeDn: string | null;
  /** Whether it has this DN as an X500 address; null: cannot be read. */
  answersTo(legacyExchangeDn: string): boolean | null;
}

export type Turned =
  | { readonly kind: 'done' | 'already' }
  /** Somebody has to run these lines; whether they did is seen by `read`, or by a probe where it cannot be read. */
  | { readonly kind: 'handed-over'; readonly script: readonly string[]; readonly why: string }
  | { readonly kind: 'refused'; readonly detail: string };

/** How one organization decides where mail for a person goes. */
export interface Route {
  /** Null: no directory is configured, so that nothing can be read. */
  readonly isReadable: boolean;
  /** Null: there is no entry with this address. Throws FaultError. */
  read(signal: AbortSignal): Promise<RouteEntry | null>;
  /** Makes the entry redirect to `to` (null: deliver to its mailbox), provided that it still shows what was read. */
  turn(to: string | null, signal: AbortSignal): Promise<Turned>;
  /** Controllers that do not show it yet. */
  lagging(to: string | null, signal: AbortSignal): Promise<readonly string[]>;
}

export interface TrackPass {
  readonly writes: number;
  readonly held: number;
  /** Something waits for another pass. */
  readonly again: boolean;
}

/** The passes of the pair, one kind at a time and nobody else's meanwhile. */
export interface Tracks {
  readonly kinds: readonly ContentKind[];
  /** @param active Where the person works. Throws FaultError. */
  pass(kind: ContentKind, active: Side, signal: AbortSignal): Promise<TrackPass>;
  /** Carries back what the target has and the source has not, and what was changed there. Safe to repeat with the same memory. */
  carryBack(memory: StepMemory, signal: AbortSignal): Promise<CarriedBack>;
}

export interface CarriedBack {
  /** Writes into the source mailbox. */
  readonly writes: number;
  /** Deletions that maxDelete held back, and items that were refused. */
  readonly held: number;
}

/** What a step keeps over crashes. Plain data. */
export interface StepMemory {
  get(name: string): unknown;
  /** Recorded before it resolves. */
  set(name: string, value: unknown): Promise<void>;
}

/** Submits a mail into an organization. The only thing in Causeway that sends, and only where the project file orders it. */
export interface Post {
  /** Whose address stands in From. */
  readonly from: string;
  send(
    mail: { readonly to: string; readonly subject: string; readonly text: string; readonly messageId: string },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface SwitchedPair {
  readonly id: PairId;
  readonly left: { readonly connector: Connector; readonly address: string };
  readonly right: { readonly connector: Connector; readonly address: string };
  /** Where the project file says that the person works. */
  readonly active: Side;
}

export interface SwitchServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly requestDeadlineMs: number;
  readonly pair: SwitchedPair;
  readonly policy: SwitchPolicy;
  readonly lagObjectiveMs: number;
  readonly routes: Readonly<Record<Side, Route>>;
  readonly tracks: Tracks;
  /** Null: no mail can be submitted there. */
  readonly post: Readonly<Record<Side, Post | null>>;
  /** Settings besides out-of-office that go along to that side; absent: none do. */
  readonly carrySettings?: (to: Side, signal: AbortSignal) => Promise<string>;
  /** Tells the directory syncs where the person's home is, so that they do not turn mail back. Safe to repeat. */
  readonly turnHome?: (home: Side, signal: AbortSignal) => Promise<void>;
  readonly progress?: (event: SwitchProgress) => void;
}

export interface SwitchProgress {
  readonly step: string;
  readonly direction: SwitchStepRow['direction'];
  readonly state: SwitchStepRow['state'] | 'waits';
  readonly detail: string | null;
}
