/**
 * What the commands need of `src/jobs`, as types. Each is one function of one job; the command does the reading of the project,
 * the choice of pairs and the printing.
 */
import type { Abilities, Connector } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { PairRow, PassSummary, Store } from '#store/store.ts';

/** Everything a job is given from outside. */
export interface JobSurroundings {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** A pair with what its passes need. */
export interface JobPair {
  readonly id: PairId;
  readonly collection: string;
  readonly left: { readonly connector: Connector; readonly address: string };
  readonly right: { readonly connector: Connector; readonly address: string };
  readonly policy: MailPolicy;
}

/** `causeway sync`: one pass; the claim is taken and given back inside. Calls `progress` a few times a second at most. */
export type SyncPair = (
  pair: JobPair,
  around: JobSurroundings,
  progress: (now: PassProgress) => void,
) => Promise<PassSummary>;

export interface PassProgress {
  readonly phase: 'folders' | 'changes' | 'contents' | 'state' | 'deletes' | 'done';
  readonly itemsDone: number;
  /** Items known to be due; grows while feeds are read. */
  readonly itemsDue: number;
  readonly bytesDone: number;
  /** Limit that makes us wait now; null: none. */
  readonly waitingFor: string | null;
}

/** `causeway plan`: what a pass would do. Writes nothing, neither to servers nor to the store. */
export type PlanPair = (pair: JobPair, around: JobSurroundings) => AsyncIterable<PlannedAction>;

export interface PlannedAction {
  readonly action: string;
  readonly reason: string;
  /** Folder path, never a subject. */
  readonly folder: string;
  readonly item: string | null;
  readonly sizeBytes: number | null;
  readonly held: boolean;
}

/** `causeway check`: findings as they are made. */
export type Check = (
  pairs: readonly JobPair[],
  connectors: ReadonlyMap<string, Connector>,
  around: JobSurroundings,
) => AsyncIterable<Finding>;

export interface Finding {
  readonly level: 'ok' | 'note' | 'warning' | 'error';
  /** Short name of the check: `sign-in`, `tls`, `quota`, … */
  readonly check: string;
  /** Organization, or pair or mailbox address. */
  readonly subject: string;
  readonly detail: string;
  /** What to do about it; null for `ok`. */
  readonly advice: string | null;
}

/** `causeway probe`: experiments in two throw-away mailboxes of one organization. */
export type Probe = (
  connector: Connector,
  addresses: readonly [string, string],
  around: Omit<JobSurroundings, 'store'>,
) => AsyncIterable<ProbeResult>;

export interface ProbeResult {
  /** Name of the assumed behaviour in the lab's table. */
  readonly behaviour: string;
  readonly outcome: 'as-assumed' | 'different' | 'undecided';
  readonly detail: string;
}

/** `causeway discover`: one mailbox. */
export type Discover = (
  connector: Connector,
  address: string,
  around: Omit<JobSurroundings, 'store'>,
) => Promise<MailboxInventory>;

export interface MailboxInventory {
  readonly organization: string;
  readonly address: string;
  readonly product: Abilities['product'];
  readonly folders: readonly {
    readonly path: string;
    readonly role: string | null;
    readonly containerClass: string | null;
    readonly items: number;
    readonly bytes: number;
  }[];
  readonly largest: readonly { readonly folder: string; readonly bytes: number; readonly itemClass: string }[];
  /** Item classes other than IPM.Note, with their counts. */
  readonly classes: Readonly<Record<string, number>>;
}

/** `causeway verify`. */
export type VerifyPair = (
  pair: JobPair,
  options: { readonly sampleShare: number },
  around: JobSurroundings,
  progress: (done: number, due: number) => void,
) => Promise<Verification>;

export interface Verification {
  readonly pair: PairId;
  readonly compared: number;
  readonly sampled: number;
  readonly missing: number;
  readonly surplus: number;
  /** Differences by property or kind. */
  readonly differences: readonly VerifyDifference[];
  readonly grade: Grade;
}
export type Grade = 'perfect' | 'good' | 'investigate' | 'poor';
export interface VerifyDifference {
  readonly folder: string;
  readonly left: string | null;
  readonly right: string | null;
  readonly what: string;
  /** Policy that explains it (`journal`, `quarantine`, `excluded`, `changed on the target`); null: unexplained. */
  readonly explainedBy: string | null;
}

/** `causeway relink`: forgets and finds again by stamps. @returns what was found. */
export type RelinkPair = (
  pair: JobPair,
  around: JobSurroundings,
) => Promise<{ readonly linked: number; readonly unclaimed: number; readonly left: number }>;

/** `causeway status`: pure arithmetic on rows. */
export type StatusOf = (row: PairRow, nowMs: number) => PairStatus;
export interface PairStatus {
  readonly pair: PairId;
  readonly state: PairRow['state'];
  readonly items: number;
  readonly itemsDue: number;
  readonly lagMs: number | null;
  readonly itemsPerSecond: number | null;
  readonly limitedBy: string | null;
  readonly secondsLeft: number | null;
}
