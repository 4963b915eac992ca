/**
 * What Causeway remembers. One interface, two engines (SQLite, PostgreSQL), one suite (`test/suites/store-suite.ts`).
 *
 * - Every method is atomic. `commit` is the only way in which a pass records results: all of it or nothing, fenced by the
 *   token of the work claim, so that a worker whose lease was taken over cannot write any more (`FencedOut`).
 * - Arguments and results are plain data that survive structured clone: workers reach the store over IPC.
 * - Ids of servers are kept raw and looked up by hash; ids of ours are random.
 */
import type { PoisonReason } from '#kit/fault.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, LinkId, MailboxGuid, PairId, Side } from '#model/ids.ts';
import type { FolderMarks, FolderRow, IntentRow, LinkRow, UnclaimedRow } from '#model/link.ts';
import type { StampKey } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import type { DirectoryRecords } from './directory-records.ts';
import type { SwitchRecords } from './switch-records.ts';

export type { FolderMarks, FolderRow, IntentRow, LinkRow, TouchedAspect, UnclaimedRow } from '#model/link.ts';

export type ContentKind = 'mail' | TypedKind;

/** The row of a pair for a kind. Mail's is the pair itself. */
export const trackId = (pair: PairId, kind: ContentKind): PairId =>
  (kind === 'mail' ? pair : `${kind}: ${pair}`) as PairId;

/** Thrown by `commit` and claim calls when the claim is held by somebody else by now. */
export class FencedOut extends Error {
  override readonly name = 'FencedOut';
}

/** A pair has one row per kind of content, a *track*: passes, folders and links of one kind know nothing of another's. */
export interface PairRow {
  /** Of the pair and the kind, see `trackId`. */
  readonly id: PairId;
  readonly kind: ContentKind;
  readonly collection: string;
  readonly left: { readonly organization: string; readonly address: string; readonly mailbox: MailboxGuid | null };
  readonly right: { readonly organization: string; readonly address: string; readonly mailbox: MailboxGuid | null };
  readonly state: 'new' | 'first-pass' | 'in-step' | 'stopped';
  /** Why it is stopped: `code: detail` of the fatal fault. */
  readonly stoppedBecause: string | null;
  /** Number of the last pass that was begun; 0 before the first. */
  readonly pass: number;
  readonly lastPass: PassSummary | null;
  /** Null: nothing was linked yet, or items of this kind do not ring. */
  readonly ringing: Ringing | null;
  /** Wall clock, ms: what was written before it is in no intent, even if it is on its way still. 0: that is long over. */
  readonly knownSinceMs: number;
  readonly counts: PairCounts;
}

/** Where reminders of linked items ring: one side only, the one the person works on. */
export interface Ringing {
  readonly on: Side;
  /** False: the person was switched, and what rings on the other side is being moved. */
  readonly isDone: boolean;
  /** Then up to this link; null: none yet. */
  readonly upTo: LinkId | null;
}

/** Kept by the store with every commit, so that status costs one row per pair. */
export interface PairCounts {
  readonly folders: number;
  /** Live ones: items that are on both sides. */
  readonly links: number;
  readonly quarantined: number;
  readonly bytesCopied: number;
  readonly conflicts: number;
  /** Items the source had at the last look, by its own folder counts. */
  readonly leftItems: number;
}

export interface PassSummary {
  readonly pass: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly writes: number;
  readonly requestsLeft: number;
  readonly requestsRight: number;
  readonly bytes: number;
  /** Milliseconds spent waiting, by the name of the limit that made us wait (a throttling policy, `network`, `left`, `right`, `store`). */
  readonly waitedMs: Readonly<Record<string, number>>;
  readonly held: number;
  readonly outcome: 'complete' | 'partial' | 'stopped';
  /** How long changes took to become visible on the other side, as counts by class (`jobs/pass/lag-histogram.ts`), over passes. */
  readonly lag?: readonly number[];
  /** What others wrote in this pass's time under an identity that was known, by side where it can be told; absent: nothing. */
  readonly rivals?: { readonly left: number; readonly right: number; readonly either: number };
}

export interface QuarantineRow {
  readonly pair: PairId;
  readonly left: ItemId;
  readonly leftFolder: FolderId;
  readonly reason: PoisonReason;
  /** For the operator; holds no subject and no body. */
  readonly detail: string;
  readonly attempts: number;
  readonly sinceMs: number;
  /** Item class and size, so that the operator can judge without opening it. */
  readonly itemClass: string;
  readonly sizeBytes: number;
  /** The next pass tries again: set by `quarantine retry`, and by a pass for an item that failed for a passing reason. */
  readonly retry: boolean;
}

/** A conflict and its loser. */
export interface JournalRow {
  readonly pair: PairId;
  /** Number of the entry, for `journal show`. */
  readonly no: number;
  readonly restoredAtMs: number | null;
  readonly atMs: number;
  readonly link: LinkId;
  readonly field: string;
  /** Day of the occurrence that it is about; null: the item, or the series. */
  readonly day: Day | null;
  readonly base: unknown;
  readonly left: unknown;
  readonly right: unknown;
  readonly winner: Side;
  readonly why: string;
}

/** One write, and why it was made. Subjects and bodies are not in it. */
export interface HistoryRow {
  readonly pair: PairId;
  readonly pass: number;
  readonly atMs: number;
  readonly action: string;
  readonly reason: string;
  readonly left: string | null;
  readonly right: string | null;
  readonly outcome: 'done' | 'adopted' | 'failed' | 'held';
  readonly detail: string | null;
}

/** What is to be believed of a pair that is forgotten. */
export interface Forgetting {
  /** Wall clock, ms, up to when creates may have gone out of which the store never knew: it was lost, or an older one took its place. Null: none. */
  readonly lostAtMs: number | null;
}

/** What a pass records in one transaction. Absent members change nothing. */
export interface Commit {
  /** Before everything else what `forget` does, in the same transaction. */
  readonly forgetsAll?: Forgetting;
  readonly folders?: readonly FolderRow[];
  readonly foldersForgotten?: readonly FolderId[];
  /** Inserted, or replaced by id. */
  readonly links?: readonly LinkRow[];
  readonly linksForgotten?: readonly LinkId[];
  readonly intents?: readonly IntentRow[];
  readonly intentsResolved?: readonly StampKey[];
  readonly unclaimed?: readonly UnclaimedRow[];
  readonly unclaimedTaken?: readonly ItemId[];
  /** Stamps whose link ends here although other copies may carry them. */
  readonly outlived?: readonly StampKey[];
  readonly quarantine?: readonly Omit<QuarantineRow, 'pair'>[];
  readonly quarantineLeft?: readonly ItemId[];
  readonly typedLinks?: readonly TypedLinkRow[];
  readonly typedLinksForgotten?: readonly LinkId[];
  readonly typedIntents?: readonly TypedIntentRow[];
  readonly typedIntentsResolved?: readonly StampKey[];
  /** Inserted, or replaced by side and id. */
  readonly unlinked?: readonly UnlinkedRow[];
  readonly unlinkedTaken?: readonly { readonly side: Side; readonly id: ItemId }[];
  readonly journal?: readonly Omit<JournalRow, 'pair' | 'no' | 'restoredAtMs'>[];
  readonly journalRestored?: { readonly no: number; readonly atMs: number };
  readonly history?: readonly Omit<HistoryRow, 'pair'>[];
  /** Deletions made now: they count against the budget of 24 hours. */
  readonly deletions?: { readonly atMs: number; readonly count: number };
  readonly bytesCopied?: number;
  readonly pair?: Partial<
    Pick<PairRow, 'state' | 'stoppedBecause' | 'pass' | 'lastPass' | 'ringing' | 'knownSinceMs'>
  > & {
    readonly leftMailbox?: MailboxGuid;
    readonly rightMailbox?: MailboxGuid;
    readonly leftItems?: number;
  };
}

/** `kind:subject`. */
export type WorkKey = string;

/** One unit of work: `(kind, subject)`, for example `mail:PAIR`. Not one row per job: notices of the same subject coalesce. */
export interface WorkRow {
  readonly key: WorkKey;
  readonly priority: number;
  /** Due time, or lease end while it runs; null: nothing to do until somebody raises it. */
  readonly nextAtMs: number | null;
  readonly generation: number;
  readonly startedGeneration: number;
  readonly owner: string | null;
  readonly token: number;
  readonly attempts: number;
  /** When the oldest notice that is not done yet came in: lag is counted from it. */
  readonly dirtySinceMs: number | null;
}

export interface Claim {
  readonly key: WorkKey;
  readonly token: number;
  readonly generation: number;
  readonly attempts: number;
  readonly leaseEndsAtMs: number;
  readonly dirtySinceMs: number | null;
}

export interface BudgetGrant {
  /** 0: taken, the request may be sent. Otherwise nothing was taken: ask again after so many milliseconds. */
  readonly waitMs: number;
  /** What stands in the way: `in-flight`, `requests-per-minute`, `bytes-per-minute`, or the limit that the server named. */
  readonly limitedBy: string | null;
}

/** What a holder is about to use. More than one request for a slice that a process spends by itself. */
export interface BudgetCost {
  readonly requests: number;
  readonly bytes: number;
}

/**
 * Budget of one thing that limits us: a mailbox, an organization, a host. `window` counts requests and bytes;
 * `inFlight` counts leases that end by themselves when a holder dies.
 */
export interface BudgetLimits {
  readonly inFlightMax: number;
  readonly requestsPerMinute: number | null;
  readonly bytesPerMinute: number | null;
}

/** What was used of budgets, by all processes: those too that only look at the store. */
export interface BudgetRecords {
  /**
   * Asks for one place among the requests in flight, and for `cost` of the windows. The place is the holder's until `release`, or until
   * its deadline when the holder dies; asking again as the same holder keeps the place. Windows never let more than their
   * allowance pass in any minute, but for the last request, which may overdraw them: then the next one waits.
   */
  spend(
    budget: string,
    limits: BudgetLimits,
    holder: string,
    cost: BudgetCost,
    nowMs: number,
    deadlineMs: number,
  ): Promise<BudgetGrant>;
  release(budget: string, holder: string): Promise<void>;
  /**
   * The server told us to back off: nobody spends before `untilMs`. The limit of requests in flight is halved, once for refusals that
   * come together, and grows back by one every 15 s from `untilMs` on, up to what is configured.
   */
  backOff(budget: string, untilMs: number, limit: string): Promise<void>;
}

export interface Store extends BudgetRecords, DirectoryRecords, SwitchRecords {
  // pairs
  /** Inserts or updates the pairs of a project; pairs that are no longer named keep their rows and are not worked on. */
  putPairs(pairs: readonly Pick<PairRow, 'id' | 'kind' | 'collection' | 'left' | 'right'>[]): Promise<void>;
  pair(id: PairId): Promise<PairRow | null>;
  pairs(filter?: { readonly collection?: string }): Promise<readonly PairRow[]>;

  // what a pass reads
  folders(pair: PairId): Promise<readonly FolderRow[]>;
  /** Of many pairs with one question; those without folders are not named. */
  folderMarks(pairs: readonly PairId[]): Promise<ReadonlyMap<PairId, readonly FolderMarks[]>>;
  /** Live or not, by the item's present id on a side. */
  linksById(pair: PairId, side: Side, ids: readonly ItemId[]): Promise<readonly LinkRow[]>;
  linksBySearchKey(pair: PairId, searchKeys: readonly string[]): Promise<readonly LinkRow[]>;
  /** Of mails that have no search key. */
  linksByFingerprint(pair: PairId, fingerprints: readonly string[]): Promise<readonly LinkRow[]>;
  linksByStamp(pair: PairId, keys: readonly StampKey[]): Promise<readonly LinkRow[]>;
  /** In order of id, after `after`; for sweeps, verify and pending deletes. */
  links(
    pair: PairId,
    filter: { readonly state?: LinkRow['state']; readonly leftFolder?: FolderId; readonly rightFolder?: FolderId },
    after: LinkId | null,
    limit: number,
  ): Promise<readonly LinkRow[]>;
  intents(pair: PairId): Promise<readonly IntentRow[]>;
  unclaimedBySearchKey(pair: PairId, searchKeys: readonly string[]): Promise<readonly UnclaimedRow[]>;
  unclaimedByFingerprint(pair: PairId, fingerprints: readonly string[]): Promise<readonly UnclaimedRow[]>;
  unclaimedById(pair: PairId, ids: readonly ItemId[]): Promise<readonly UnclaimedRow[]>;
  unclaimedCount(pair: PairId): Promise<number>;
  /** Any `limit` of them but those whose stamp outlived its link, for what is left over when everything was read. */
  unclaimed(pair: PairId, limit: number): Promise<readonly UnclaimedRow[]>;
  deletionsSince(pair: PairId, sinceMs: number): Promise<number>;

  /** Records results. Throws `FencedOut` when `claim` is not held any more; a null claim is for single-process commands. */
  commit(pair: PairId, claim: Claim | null, commit: Commit): Promise<void>;

  // what people read
  quarantine(
    filter: { readonly pair?: PairId; readonly reason?: PoisonReason; readonly retry?: boolean },
    limit: number,
  ): Promise<readonly QuarantineRow[]>;
  /** @returns how many rows will be tried again. */
  retryQuarantine(filter: { readonly pair?: PairId; readonly reason?: PoisonReason }): Promise<number>;
  /** Newest first. */
  journal(filter: { readonly pair?: PairId; readonly no?: number }, limit: number): Promise<readonly JournalRow[]>;
  /** Newest first. `item` matches either side's id. */
  history(
    filter: { readonly pair?: PairId; readonly item?: string; readonly sinceMs?: number },
    limit: number,
  ): Promise<readonly HistoryRow[]>;
  // typed items
  typedLinks(pair: PairId, side: Side, ids: readonly ItemId[]): Promise<readonly TypedLinkRow[]>;
  typedLinksByIdentity(pair: PairId, identities: readonly EventIdentity[]): Promise<readonly TypedLinkRow[]>;
  /** In order of id, from after `after`; for full comparisons. */
  pageTypedLinks(pair: PairId, after: LinkId | null, limit: number): Promise<readonly TypedLinkRow[]>;
  /** Links that are not live, first those that wait (`goneSincePass`), then those that stay so. */
  typedLinksGone(pair: PairId, limit: number): Promise<readonly TypedLinkRow[]>;
  typedIntents(pair: PairId): Promise<readonly TypedIntentRow[]>;
  unlinked(pair: PairId, side: Side, ids: readonly ItemId[]): Promise<readonly UnlinkedRow[]>;
  unlinkedByIdentity(pair: PairId, side: Side, identities: readonly EventIdentity[]): Promise<readonly UnlinkedRow[]>;
  unlinkedByStamp(pair: PairId, side: Side, stamps: readonly StampKey[]): Promise<readonly UnlinkedRow[]>;
  /** Everything unlinked of a folder, page by page in an order that stays; `after` is the last id of the page before. */
  pageUnlinked(
    pair: PairId,
    side: Side,
    folder: FolderId,
    after: ItemId | null,
    limit: number,
  ): Promise<readonly UnlinkedRow[]>;

  /**
   * Forgets links, cursors, marks, snapshots and intents of a pair, and nothing else: the next pass finds them again. With intents among them,
   * the pair is known since now; without, one that was in step for as long as need be.
   */
  forget(pair: PairId): Promise<void>;

  // work claims
  /** Makes sure that the rows exist; existing ones are left alone. */
  ensureWork(
    work: readonly { readonly key: WorkKey; readonly priority: number; readonly nextAtMs: number | null }[],
  ): Promise<void>;
  /** Change notices: raises generations, makes the work due now, wakes claimers. */
  notify(keys: readonly WorkKey[], nowMs: number): Promise<void>;
  /** Takes due work: free and due, or held with a lease that ended. Ordered by priority, then due time. */
  claim(owner: string, kindPrefix: string, limit: number, nowMs: number, leaseMs: number): Promise<readonly Claim[]>;
  /**
   * Takes this work, due or not, once nobody holds it. Null: somebody does. Given back, it is then left to whoever asked for it last, for two
   * seconds, in which he asks again. The work must have been ensured.
   */
  take(key: WorkKey, owner: string, nowMs: number, leaseMs: number): Promise<Claim | null>;
  /** Heartbeat. Throws `FencedOut`. */
  extend(claim: Claim, nowMs: number, leaseMs: number): Promise<Claim>;
  /** Gives the row back. Runs again at `nextAtMs`, or at once when a notice came in since the claim was taken. */
  complete(claim: Claim, outcome: { readonly nextAtMs: number | null; readonly failed: boolean }): Promise<void>;
  work(keys?: readonly WorkKey[]): Promise<readonly WorkRow[]>;
  /** Earliest time at which something becomes due; null when nothing is planned. */
  nextDueMs(kindPrefix: string): Promise<number | null>;
  /** Resolves when new work of a kind (`mail:`; without one of any) may be there, at the latest after `timeoutMs`. */
  waitForWork(timeoutMs: number, signal: AbortSignal, kindPrefix?: string): Promise<void>;

  close(): Promise<void>;
}
