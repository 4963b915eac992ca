/**
 * The work behind the commands, as each command sees it: one function a job. Commands read the project, choose pairs and print;
 * these do the rest. Tests put their own in place.
 */

import type { HeldWork, OnHeld } from '#agent/hold-work.ts';
import type { OpenedSync } from '#agent/open-directory.ts';
import type { AgentOptions } from '#agent/run-agent.ts';
import type { SwitchOfPair } from '#agent/switch-services.ts';
import type { Connector } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import type { CheckPair, Finding } from '#jobs/check.ts';
import type { DedupeFinding } from '#jobs/dedupe.ts';
import type { MailPutBack, UndoMail } from '#jobs/dedupe-mail.ts';
import type { PutBack, UndoEntry, UndoLine } from '#jobs/dedupe-undo.ts';
import type { CheckReplies } from '#jobs/directory/check-replies.ts';
import type { DirectoryServices } from '#jobs/directory/directory-context.ts';
import type { ProbeServices } from '#jobs/directory/probe-routing.ts';
import type { MailboxInventory } from '#jobs/discover.ts';
import type { WayChoice } from '#jobs/item-ways.ts';
import type { PlannedWrite } from '#jobs/pass/planned-write.ts';
import type { ProbeResult } from '#jobs/probe/probe.ts';
import type { Relinked } from '#jobs/relink.ts';
import type { ResyncPlan } from '#jobs/resync.ts';
import type { SettingsReport } from '#jobs/settings/carry-settings.ts';
import type { SwitchProgress } from '#jobs/switch/ports.ts';
import type { RestoreReport } from '#jobs/typed/restore-value.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import type { WavePlan, WavesAsked } from '#jobs/waves/plan-waves.ts';
import type { Sharing, SharingPerson } from '#jobs/waves/read-sharing.ts';
import type { Clock } from '#kit/clock.ts';
import type { ItemId, MailboxGuid, PairId, Side } from '#model/ids.ts';
import type { MailPolicy, TypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { DirectorySync, Organization, Project, ProjectPair } from '#project/project.ts';
import type { BudgetRecords, ContentKind, Forgetting, JournalRow, Store } from '#store/store.ts';
import type { Log } from './log.ts';

/** A pair with what its passes need. */
export interface JobPair {
  readonly id: PairId;
  readonly left: { readonly connector: Connector; readonly address: string };
  readonly right: { readonly connector: Connector; readonly address: string };
  /** Of mail. */
  readonly policy: MailPolicy;
  /** Of the other kinds that are kept in step. */
  readonly typed: ReadonlyMap<TypedKind, TypedPolicy>;
}

/** Everything a job is given from outside. */
export interface JobSurroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told whom a job waits for. */
  readonly onHeld?: OnHeld;
  /** Told that a pass over a pair waits, for what, and how many milliseconds at least. */
  readonly onWaiting?: (pair: PairId, why: string, ms: number) => void;
}

export interface Jobs {
  /** The agent: worker processes that claim pairs and pass over them. Resolves when it has drained; see `runAgent`. */
  readonly runAgent: (options: AgentOptions) => Promise<readonly PairId[]>;
  /** What a pass would do. Writes nothing, neither to servers nor to the store. */
  readonly planPair: (
    pair: JobPair,
    kind: ContentKind,
    store: Store,
    around: JobSurroundings,
  ) => Promise<readonly PlannedWrite[]>;
  /** What items of the pair travel as: asked for after a look at both sides. */
  readonly itemWays: (pair: JobPair, kind: ContentKind) => readonly WayChoice[];
  readonly check: (
    pairs: readonly CheckPair[],
    /** By organization; null: Autodiscover. */
    endpoints: ReadonlyMap<string, string | null>,
    around: JobSurroundings,
  ) => AsyncIterable<Finding>;
  /** Whether the mailboxes of a pair whose calendars go both ways have each other's address. */
  readonly checkOtherAddresses: (pair: CheckPair, around: JobSurroundings) => AsyncIterable<Finding>;
  /** Whether both organizations tell the same of what these people do in the next two weeks. */
  readonly checkFreeBusy: (pairs: readonly CheckPair[], around: JobSurroundings) => AsyncIterable<Finding>;
  readonly probe: (
    connector: Connector,
    addresses: readonly [string, string],
    around: JobSurroundings,
  ) => AsyncIterable<ProbeResult>;
  readonly discover: (connector: Connector, address: string, around: JobSurroundings) => Promise<MailboxInventory>;
  readonly verifyPair: (
    pair: JobPair,
    store: Store,
    options: {
      /** Share of items, 0 to 1, whose contents are read, decoded and compared. */
      readonly contents: number;
      /** Share of items, 0 to 1, whose whole property lists are compared. */
      readonly propertyLists: number;
      readonly progress: (done: number, due: number) => void;
    },
    around: JobSurroundings,
  ) => Promise<VerifyReport>;
  /** Forgets what the store knows of the track and finds it again: by stamps, and events by their identity. */
  readonly relinkPair: (
    pair: JobPair,
    kind: ContentKind,
    store: Store,
    forgetting: Forgetting,
    around: JobSurroundings,
  ) => Promise<Relinked>;
  /** What `resyncPair` would do. Writes nothing. */
  readonly planResync: (
    pair: JobPair,
    kind: ContentKind,
    project: Project,
    store: Store,
    around: JobSurroundings,
  ) => Promise<ResyncPlan>;
  /** Links the target mailbox anew and copies what it lacks. @param accept mailbox that the plan saw on the target in place of the old one. */
  readonly resyncPair: (
    pair: JobPair,
    kind: ContentKind,
    accept: MailboxGuid | null,
    store: Store,
    around: JobSurroundings,
  ) => Promise<Relinked>;
  /** Permissions, delegates and stored settings of the pair. */
  readonly carrySettings: (
    pair: JobPair,
    project: Project,
    store: Store,
    dryRun: boolean,
    around: JobSurroundings,
  ) => Promise<SettingsReport>;
  /** Puts the value that lost a conflict back on the sides that lack it. */
  readonly restoreValue: (
    pair: JobPair,
    kind: TypedKind,
    entry: JournalRow,
    apply: boolean,
    store: Store,
    around: JobSurroundings,
  ) => Promise<RestoreReport>;
  /** What the track holds twice. With an undo file the duplicates are merged and removed; nobody else works on the track meanwhile. */
  readonly dedupePair: (
    pair: JobPair,
    kind: ContentKind,
    store: Store,
    undo: { readonly groups: number; readonly write: (line: UndoLine) => Promise<void> } | null,
    /** `seen` is told how many items were looked at so far. */
    around: JobSurroundings & { readonly seen: (items: number) => void },
  ) => AsyncIterable<DedupeFinding>;
  /** Moves messages back from the deleted items. */
  readonly undoDedupeMail: (
    pair: JobPair,
    entries: readonly UndoMail[],
    store: Store,
    around: JobSurroundings,
  ) => AsyncIterable<MailPutBack>;
  /** @param newIds Of what was put back, by the ids of before. */
  readonly undoDedupe: (
    pair: JobPair,
    kind: TypedKind,
    entries: readonly UndoEntry[],
    newIds: Map<ItemId, ItemId>,
    store: Store,
    around: JobSurroundings,
  ) => AsyncIterable<PutBack>;
  /** Everything that the switch of a pair works with. @param wave pairs that are switched along. */
  readonly switchOfPair: (
    project: Project,
    pair: ProjectPair,
    wave: readonly ProjectPair[],
    store: Store,
    around: JobSurroundings & {
      readonly connect: (organization: string) => Promise<Connector>;
      readonly openDirectory: (organization: Organization) => Promise<Directory>;
      readonly progress: (event: SwitchProgress) => void;
    },
  ) => Promise<SwitchOfPair>;
  /** The work `switch:PAIR`, held as long as a command works on it. */
  readonly holdSwitch: (pair: PairId, store: Store, around: JobSurroundings) => Promise<HeldWork>;
  readonly openDirectory: (organization: Organization, clock: Clock) => Promise<Directory>;
  /** Who works in whose mailbox, in one organization. @param directory null: the project names none. */
  readonly readSharing: (
    directory: Directory | null,
    people: readonly SharingPerson[],
    around: JobSurroundings,
  ) => Promise<Sharing>;
  /** Whether replies to old mail would arrive, were they written in the target. */
  readonly checkReplies: (
    asked: Omit<CheckReplies, 'clock' | 'requestDeadlineMs' | 'lanes'>,
    around: JobSurroundings,
  ) => AsyncIterable<Finding>;
  /** Where mail goes, by both directories of a sync. */
  readonly checkRouting: (services: DirectoryServices, around: JobSurroundings) => AsyncIterable<Finding>;
  /** The same for one person by mail: sent, found and removed. */
  readonly probeRouting: (services: ProbeServices, active: Side, signal: AbortSignal) => AsyncIterable<Finding>;
  readonly planWaves: (sharing: readonly Sharing[], asked: WavesAsked) => WavePlan;
  /** Reads the secrets of both directories; nothing is sent yet. */
  readonly openDirectorySync: (
    project: Project,
    sync: DirectorySync,
    around: { readonly store: Store; readonly clock: Clock },
  ) => Promise<OpenedSync>;
  /**
   * Reads an organization's secrets and makes its connector; nothing is sent yet. What is asked of it counts together with what the agent
   * asks, and waits for as long as it is throttled.
   */
  readonly openConnector: (
    project: Project,
    organization: string,
    around: JobSurroundings & {
      readonly log: Log;
      readonly counts: BudgetRecords;
      readonly onWaiting: (who: string, limit: string, ms: number) => void;
    },
  ) => Promise<Connector>;
}
