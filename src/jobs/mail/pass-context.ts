import type { Mailbox } from '#connectors/contract.ts';
import type { FolderId, MailboxGuid } from '#model/ids.ts';
import type { FolderRow, LinkRow } from '#model/link.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { StampKey } from '#model/stamp.ts';
import type { Commit } from '#store/store.ts';
import type { PassBasics, PassCore } from '../pass/pass-core.ts';

/** What a pass is given. */
export interface PassServices extends PassBasics {
  readonly policy: MailPolicy;
  /** Batches in work at the same time. */
  readonly lanes: number;
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
export interface PassContext extends PassServices, PassCore {
  readonly leftBox: Mailbox;
  readonly rightBox: Mailbox;
  readonly counts: PassCounts;
  /** Folder rows as this pass knows them, by source id; kept equal to the store by `withRows`. */
  readonly rows: Map<FolderId, FolderRow>;
  /** Source folders whose feed this pass read to its end with nothing held back: what a mark that is settling does not show. */
  readonly readThrough: Set<FolderId>;
  leftMailbox: MailboxGuid;
  rightMailbox: MailboxGuid;
  /** Creates of this pass that are on their way: whoever resolves intents leaves them to their own lane. */
  readonly inFlight: Set<StampKey>;
  /** `Clock.monotonicMs` after which nothing of a create is on its way: the wall clock may be set while a pass runs. */
  readonly settledAt: Map<StampKey, number>;
  readonly forgotten: Forgotten;
}

/** What is known of a life of the pair before the store's, which ended with its store. */
export interface Forgotten {
  /** `Clock.monotonicMs` when the target's feeds were begun to be read last. */
  readAtMs: number;
  /** Whether there was such a life. */
  isMet: boolean;
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

/**
 * Ends links. What else carries the stamp of one is a person's: until the pair is in step, when copies without a link are orphans of a store
 * that was lost, that has to be remembered.
 */
export const endLinks = (
  { pair }: Pick<PassContext, 'pair'>,
  links: readonly LinkRow[],
): Pick<Commit, 'linksForgotten' | 'outlived'> => ({
  linksForgotten: links.map(({ id }) => id),
  outlived: pair.state === 'in-step' ? [] : links.map(({ stampKey }) => stampKey),
});

/** Source path of a folder row, for people. */
export function pathOf(context: PassContext, left: FolderId): string {
  const names: string[] = [];
  for (let row = context.rows.get(left); row; row = row.leftParent ? context.rows.get(row.leftParent) : undefined)
    names.unshift(row.leftName);
  return names.join('/');
}

/** Whether a write to a folder is to be done now: a plan only takes it down. */
export function isToBeDone(
  context: PassContext,
  action: 'rename-folder' | 'move-folder' | 'remove-folder',
  reason: string,
  row: FolderRow,
): boolean {
  context.plan?.push({
    action,
    reason,
    folder: pathOf(context, row.left),
    left: row.left,
    right: row.right,
    bytes: 0,
    detail: null,
  });
  return context.plan === null;
}
