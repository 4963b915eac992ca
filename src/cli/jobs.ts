/**
 * The work behind the commands, as each command sees it: one function a job. Commands read the project, choose pairs and print;
 * these do the rest. Tests put their own in place.
 */
import type { Connector } from '#connectors/contract.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import type { Clock } from '#kit/clock.ts';
import type { Fault } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { Project, ProjectPair } from '#project/project.ts';
import type { PassSummary, Store } from '#store/store.ts';
import type { Log } from './log.ts';

/** A pair with what its passes need. */
export interface JobPair {
  readonly id: PairId;
  readonly left: { readonly connector: Connector; readonly address: string };
  readonly right: { readonly connector: Connector; readonly address: string };
  readonly policy: MailPolicy;
}

/** Everything a job is given from outside. */
export interface JobSurroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A write that a pass would do. */
export interface PlannedWrite {
  readonly action: string;
  readonly reason: string;
  /** Path of the folder on the source; never a subject. */
  readonly folder: string;
  readonly left: string | null;
  readonly right: string | null;
  readonly bytes: number;
  readonly detail: string | null;
}

/** Something that `check` looked at. */
export interface Finding {
  readonly level: 'ok' | 'note' | 'warning' | 'error';
  /** Short name of the check: `sign-in`, `tls`, `quota`, … */
  readonly check: string;
  /** Organization, or mailbox address. */
  readonly subject: string;
  readonly detail: string;
  /** What to do about it; null for `ok`. */
  readonly advice: string | null;
}

/** What an experiment in a real organization showed about a behaviour that the lab assumes. */
export interface ProbeResult {
  /** Name of the behaviour in the lab's table. */
  readonly behaviour: string;
  readonly outcome: 'as-assumed' | 'different' | 'undecided';
  readonly detail: string;
}

export interface MailboxInventory {
  readonly organization: string;
  readonly address: string;
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

/** Progress of passes, as it comes from the workers. */
export type AgentEvent =
  | { readonly kind: 'pass-started'; readonly pair: PairId }
  | { readonly kind: 'items'; readonly pair: PairId; readonly copied: number; readonly bytes: number }
  | { readonly kind: 'waiting'; readonly pair: PairId; readonly why: string; readonly ms: number }
  | { readonly kind: 'pass-ended'; readonly pair: PairId; readonly summary: PassSummary }
  | { readonly kind: 'pair-stopped'; readonly pair: PairId; readonly because: string };

export interface AgentOptions extends JobSurroundings {
  readonly project: Project;
  readonly store: Store;
  readonly log: Log;
  /** Worker processes; null: one a core. */
  readonly workers: number | null;
  readonly pairs: readonly ProjectPair[];
  /** `one-pass`: ends when each pair had a pass; `continuous`: until the signal, then drains. */
  readonly until: 'one-pass' | 'continuous';
  readonly onEvent: (event: AgentEvent) => void;
}

export interface Jobs {
  /** The agent: worker processes that claim pairs and pass over them. Resolves when it has drained. */
  readonly runAgent: (options: AgentOptions) => Promise<void>;
  /** What a pass would do. Writes nothing, neither to servers nor to the store. */
  readonly planPair: (pair: JobPair, store: Store, around: JobSurroundings) => Promise<readonly PlannedWrite[]>;
  readonly check: (
    pairs: readonly JobPair[],
    connectors: ReadonlyMap<string, Connector>,
    around: JobSurroundings,
  ) => AsyncIterable<Finding>;
  readonly probe: (
    connector: Connector,
    addresses: readonly [string, string],
    around: JobSurroundings,
  ) => AsyncIterable<ProbeResult>;
  readonly discover: (connector: Connector, address: string, around: JobSurroundings) => Promise<MailboxInventory>;
  readonly verifyPair: (
    pair: JobPair,
    store: Store,
    /** Share of items, 0 to 1, whose whole property lists are compared. */
    options: { readonly sampleShare: number; readonly progress: (done: number, due: number) => void },
    around: JobSurroundings,
  ) => Promise<VerifyReport>;
  /** Forgets what the store knows of the pair and finds it again by the stamps on the target. */
  readonly relinkPair: (
    pair: JobPair,
    store: Store,
    around: JobSurroundings,
  ) => Promise<{ readonly found: number; readonly unclaimed: number } | Fault>;
  /** Reads an organization's secrets and makes its connector; nothing is sent yet. */
  readonly openConnector: (
    project: Project,
    organization: string,
    around: JobSurroundings & { readonly log: Log },
  ) => Promise<Connector>;
}
