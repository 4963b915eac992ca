import type { Connector, Context, Mailbox } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { FolderId, LinkId, MailboxGuid } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { StampKey } from '#model/stamp.ts';
import type { Claim, Commit, HistoryRow, PairRow, Store } from '#store/store.ts';

/** The pass was asked to end where it is: everything so far is recorded, the next one goes on from there. */
export class PassInterrupted extends Error {
  override readonly name = 'PassInterrupted';
}

/** What a pass is given. */
export interface PassServices {
  readonly store: Store;
  readonly left: Connector;
  readonly right: Connector;
  readonly policy: MailPolicy;
  readonly clock: Clock;
  readonly random: Random;
  /** No request of this pass is on its way longer than this. Whoever takes over waits it out. */
  readonly requestDeadlineMs: number;
  /** Batches in work at the same time. */
  readonly lanes: number;
  readonly progress?: (event: PassProgress) => void;
  /** Aborted: end between two batches. The pass's own signal ends it in the middle of a request. */
  readonly draining?: AbortSignal;
  /** Milliseconds that requests of this pair waited since it was last asked, by the name of the limit. */
  readonly takeWaits?: () => Readonly<Record<string, number>>;
}

export type PassProgress =
  | { readonly kind: 'folder'; readonly name: string }
  | { readonly kind: 'items'; readonly copied: number; readonly bytes: number }
  | { readonly kind: 'waiting'; readonly why: string; readonly ms: number };

/** A write that a pass decided on. With `dry` it is only this. */
export interface PlannedWrite {
  readonly action:
    | 'create-folder'
    | 'rename-folder'
    | 'move-folder'
    | 'remove-folder'
    | 'create'
    | 'update'
    | 'move'
    | 'remove'
    | 'replace';
  readonly reason: string;
  /** Path of the folder on the source. */
  readonly folder: string;
  readonly left: string | null;
  readonly right: string | null;
  readonly bytes: number;
  readonly detail: string | null;
}

export interface PassCounts {
  created: number;
  adopted: number;
  updated: number;
  moved: number;
  removed: number;
  replaced: number;
  folderWrites: number;
  quarantined: number;
  left: Record<string, number>;
  held: number;
  conflicts: number;
  bytes: number;
  oddities: Record<string, number>;
  leftCalls: number;
  rightCalls: number;
}

/** One pass over one pair: everything its steps share. */
export interface PassContext extends PassServices {
  readonly pair: PairRow;
  readonly pass: number;
  readonly claim: Claim | null;
  readonly leftBox: Mailbox;
  readonly rightBox: Mailbox;
  readonly signal: AbortSignal;
  readonly counts: PassCounts;
  /** Set: nothing is written, neither to a mailbox nor to the store; decisions are collected here. */
  readonly plan: PlannedWrite[] | null;
  /** Folder rows as this pass knows them, by source id; kept equal to the store by `saveFolder`. */
  readonly rows: Map<FolderId, FolderRow>;
  leftMailbox: MailboxGuid;
  /** Between two batches: throws `PassInterrupted` when the pass is to end, and the signal's reason when it must. */
  checkpoint(): void;
  /** Creates of this pass that are on their way: whoever resolves intents leaves them to their own lane. */
  readonly inFlight: Set<StampKey>;
  /** `Clock.monotonicMs` after which nothing of a create is on its way: the wall clock may be set while a pass runs. */
  readonly settledAt: Map<StampKey, number>;
  /** Runs one piece of work of a name at a time: lanes share feeds and cursors. */
  exclusively<R>(name: string, work: () => Promise<R>): Promise<R>;
  /** How long a request that carries so many bytes may take. */
  deadlineFor(bytes: number): number;
  /** A fresh deadline for one call that carries so many bytes. */
  call(bytes?: number): Context;
  commit(commit: Commit): Promise<void>;
}

export const writesOf = (c: PassCounts): number =>
  c.created + c.updated + c.moved + c.removed + c.replaced + c.folderWrites;

export function freshCounts(): PassCounts {
  return {
    created: 0,
    adopted: 0,
    updated: 0,
    moved: 0,
    removed: 0,
    replaced: 0,
    folderWrites: 0,
    quarantined: 0,
    left: {},
    held: 0,
    conflicts: 0,
    bytes: 0,
    oddities: {},
    leftCalls: 0,
    rightCalls: 0,
  };
}

/** Adds folder rows to a commit and to what the pass knows. */
export function withRows(context: PassContext, rows: readonly FolderRow[], commit: Commit = {}): Commit {
  for (const row of rows) context.rows.set(row.left, row);
  return { ...commit, folders: [...(commit.folders ?? []), ...rows] };
}

export function history(
  context: PassContext,
  action: string,
  reason: string,
  at: {
    readonly left?: string | null;
    readonly right?: string | null;
    readonly outcome?: HistoryRow['outcome'];
    readonly detail?: string | null;
  },
): Omit<HistoryRow, 'pair'> {
  return {
    pass: context.pass,
    atMs: context.clock.nowMs(),
    action,
    reason,
    left: at.left ?? null,
    right: at.right ?? null,
    outcome: at.outcome ?? 'done',
    detail: at.detail ?? null,
  };
}

/** Begins with the time, so that stores append links in the order in which they are made, and nothing else is read from it. */
export function newLinkId({ random, clock }: Pick<PassContext, 'random' | 'clock'>): LinkId {
  const id = random.bytes(16);
  id.writeUIntBE(Math.floor(clock.nowMs()), 0, 6);
  return id.toString('hex') as LinkId;
}

/** Source path of a folder row, for people. */
export function pathOf(context: PassContext, left: FolderId): string {
  const names: string[] = [];
  for (let row = context.rows.get(left); row; row = row.leftParent ? context.rows.get(row.leftParent) : undefined)
    names.unshift(row.leftName);
  return names.join('/');
}
