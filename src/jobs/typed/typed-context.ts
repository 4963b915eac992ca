import type { Connector, Mailbox, TypedItems } from '#connectors/contract.ts';
import type { FeedEntry } from '#engine/join-typed-decisions.ts';
import type { FolderId, ItemId, LinkId, MailboxGuid, PairId, Side } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Commit, PassSummary, QuarantineRow } from '#store/store.ts';
import type { Lags } from '../pass/lag-histogram.ts';
import type { PassBasics, PassCore } from '../pass/pass-core.ts';
import type { PlannedWrite } from '../pass/planned-write.ts';
import type { ToldConflicts } from './journal-entries.ts';

/** What a pass over typed items is given. */
export interface TypedPassServices extends PassBasics {
  readonly policy: TypedPolicy;
}

export interface TypedPassOptions {
  /** Reads every feed, whatever the marks say, and looks again at everything that waits. */
  readonly everything?: boolean;
  /**
   * Somebody said that something changed: ask the feeds of the known folders straight away instead of reading both trees. New folders
   * and folders that went away are found by the passes that read trees.
   */
  readonly noticed?: boolean;
  /** Collects what would be written and writes nothing. */
  readonly plan?: PlannedWrite[];
}

export interface TypedCounts {
  created: number;
  adopted: number;
  updated: number;
  moved: number;
  removed: number;
  folderWrites: number;
  quarantined: number;
  /** Items that were left alone, by reason. */
  left: Record<string, number>;
  held: number;
  conflicts: number;
  /** What others wrote under an identity that was known; see `jobs/rivals.ts`. Nothing is counted in the first pass. */
  rivals: { left: number; right: number; either: number };
  bytes: number;
  oddities: Record<string, number>;
  leftCalls: number;
  rightCalls: number;
}

export interface TypedPassResult {
  readonly summary: PassSummary;
  readonly counts: Readonly<TypedCounts>;
  /** Something waits for another pass: deletes for their create, items that failed for a passing reason, open intents. */
  readonly again: boolean;
  readonly held: number;
}

/** One side as a pass works with it. */
export interface PassSide<Kind extends TypedKind> {
  readonly side: Side;
  readonly connector: Connector;
  readonly box: Mailbox;
  readonly items: TypedItems<Kind>;
}

/** One pass over one track: everything its steps share. */
export interface TypedContext<Kind extends TypedKind = TypedKind> extends TypedPassServices, PassCore {
  readonly kind: Kind;
  /** The pair itself, whatever the kind. */
  readonly ofPair: PairId;
  readonly leftBox: Mailbox;
  readonly rightBox: Mailbox;
  readonly sides: Readonly<Record<Side, PassSide<Kind>>>;
  readonly counts: TypedCounts;
  /** Folder rows as this pass knows them, by source id; kept equal to the store by `withRows`. */
  readonly rows: Map<FolderId, FolderRow>;
  readonly mailboxes: Record<Side, MailboxGuid>;
  readonly lags: Lags;
  /** Items in quarantine, by their id on either side. */
  readonly failed: Map<ItemId, QuarantineRow>;
  /** Feeds whose entries are being carried out; their places are recorded last. */
  feeds: readonly { readonly row: FolderId; readonly side: Side; readonly folder: FolderId }[];
  /** What is recorded together, at the latest when the round ends; see `flush`. */
  readonly staged: Staged;
  /** What the next round of this pass looks at, besides what feeds say. */
  readonly lookAgain: Record<Side, FeedEntry[]>;
  /** Occurrences that are no part of the series beside them; see `TypedKnowledge`. */
  readonly apart: Readonly<Record<Side, Set<ItemId>>>;
  /** Duplicates that this pass could not remove and that wait for the operator: no later round tries once more. */
  readonly refused: Readonly<Record<Side, Set<ItemId>>>;
  /** Items that this pass has put aside already: it counts as one attempt, in however many rounds. */
  readonly attempted: Set<ItemId>;
  /** What was created or moved in this round, by its folder: the places of the feeds do not know it yet. */
  readonly made: Readonly<Record<Side, Map<FolderId, Set<ItemId>>>>;
  /** Feeds whose recorded places were taken back because of that, by side and folder. */
  readonly placeless: Set<string>;
  /** Which conflicts are in the journal already. */
  readonly told: ToldConflicts;
  /** Links whose wait for a create elsewhere was over in this pass. */
  readonly settled: Set<LinkId>;
  /** Items of this pass that were booked, with a reminder, where the person does not work: by their id there. */
  readonly ringTwice: ItemId[];
  /** Something is left for the next pass. */
  isAgain: boolean;
  /** Something of this pass is in the store. */
  hasRecorded: boolean;
}

export const otherSide = (side: Side): Side => (side === 'left' ? 'right' : 'left');

/** Results that are not recorded yet, by member of `Commit`. */
export class Staged {
  #commit: Commit = {};
  #size = 0;

  add(more: Commit): void {
    const merged: Record<string, unknown> = { ...this.#commit };
    for (const [member, value] of Object.entries(more) as [keyof Commit, unknown][]) {
      if (value === undefined) continue;
      if (Array.isArray(value)) {
        merged[member] = [...((merged[member] as readonly unknown[] | undefined) ?? []), ...value];
        this.#size += value.length;
      } else if (member === 'bytesCopied')
        merged[member] = ((merged[member] as number | undefined) ?? 0) + (value as number);
      else if (member === 'deletions') {
        const before = merged[member] as Commit['deletions'];
        const added = value as NonNullable<Commit['deletions']>;
        merged[member] = { atMs: added.atMs, count: (before?.count ?? 0) + added.count };
      } else merged[member] = { ...((merged[member] as object | undefined) ?? {}), ...(value as object) };
    }
    this.#commit = merged;
  }

  /** Whether links wait to be recorded. */
  get holdsLinks(): boolean {
    return (this.#commit.typedLinks?.length ?? 0) > 0;
  }

  /** Rows that wait to be recorded. */
  get size(): number {
    return this.#size;
  }

  take(): Commit {
    const commit = this.#commit;
    this.#commit = {};
    this.#size = 0;
    return commit;
  }
}

/**
 * Records what was staged. The number of the pass goes with the first thing that it records, so that a pass that finds nothing writes
 * nothing.
 */
export async function flush(context: TypedContext, more: Commit = {}): Promise<void> {
  context.staged.add(more);
  if (context.staged.size === 0 && Object.keys(more).length === 0) return;
  const commit = context.staged.take();
  context.hasRecorded = true;
  await context.commit({ ...commit, pair: { pass: context.pass, ...commit.pair } });
}

/**
 * Records what was staged in the middle of carrying out feeds. Items are linked then that the recorded places do not know: read again
 * from there, the feeds would not say that one of them was deleted. So until the end the feeds have no place to go on from.
 */
export async function flushPart(context: TypedContext, more: Commit = {}): Promise<void> {
  const rows: FolderRow[] = [];
  for (const { row: id } of context.feeds) {
    const row = context.rows.get(id);
    if (!row || (row.leftCursor === null && row.rightCursor === null)) continue;
    const sides = context.feeds.filter((f) => f.row === id).map((f) => f.side);
    const next = {
      ...row,
      ...(sides.includes('left') ? { leftCursor: null, leftMark: null } : {}),
      ...(sides.includes('right') ? { rightCursor: null, rightMark: null } : {}),
    };
    context.rows.set(id, next);
    rows.push(next);
  }
  const recorded = withoutPlaces(context, [...new Map(rows.map((r) => [r.left, r])).values()]);
  await flush(context, {
    ...more,
    ...(recorded.length > 0 ? { folders: recorded } : {}),
  });
}

/**
 * Rows as they are recorded while feeds have not shown what was made in their folders: should we break off, they are read from their
 * beginning, and what is missing then was removed. Read on from the place before, they would not say so.
 */
export function withoutPlaces(context: TypedContext, rows: readonly FolderRow[]): readonly FolderRow[] {
  for (const { left, right } of rows) {
    context.placeless.delete(`left ${left}`);
    context.placeless.delete(`right ${right}`);
  }
  const recorded = new Map(rows.map((row) => [row.left, row]));
  for (const side of ['left', 'right'] as const) {
    for (const folder of context.made[side].keys()) {
      const known =
        side === 'left' ? context.rows.get(folder) : [...context.rows.values()].find((r) => r.right === folder);
      if (!known) continue;
      context.placeless.add(`${side} ${folder}`);
      const row = recorded.get(known.left) ?? known;
      recorded.set(row.left, {
        ...row,
        ...(side === 'left' ? { leftCursor: null, leftMark: null } : { rightCursor: null, rightMark: null }),
      });
    }
  }
  return [...recorded.values()];
}

/** The feed of this folder has not shown the item yet; until it is read, it has no place that is recorded. */
export function noteMade({ made }: Pick<TypedContext, 'made'>, side: Side, folder: FolderId, id: ItemId): void {
  made[side].set(folder, (made[side].get(folder) ?? new Set()).add(id));
}

/** Records what has to be known before the next request. Feeds keep their places while no item was linked. */
export async function flushMiddle(context: TypedContext, more: Commit): Promise<void> {
  if (context.staged.holdsLinks || (more.typedLinks?.length ?? 0) > 0) await flushPart(context, more);
  else await flush(context, more);
}

export const freshTypedCounts = (): TypedCounts => ({
  created: 0,
  adopted: 0,
  updated: 0,
  moved: 0,
  removed: 0,
  folderWrites: 0,
  quarantined: 0,
  left: {},
  held: 0,
  conflicts: 0,
  rivals: { left: 0, right: 0, either: 0 },
  bytes: 0,
  oddities: {},
  leftCalls: 0,
  rightCalls: 0,
});

export const writesOf = (c: TypedCounts): number => c.created + c.updated + c.moved + c.removed + c.folderWrites;

/** Whether items of the row are kept in step. */
export const isInStep = (row: FolderRow): row is FolderRow & { readonly right: FolderId } =>
  row.right !== null && row.excluded === null && !row.rightGone && row.goneSincePass === null;

/** The folder's row, by its id on a side. */
function rowOf(context: TypedContext, side: Side, folder: FolderId): FolderRow | undefined {
  if (side === 'left') return context.rows.get(folder);
  for (const row of context.rows.values()) if (row.right === folder) return row;
  return undefined;
}

/** Folder of the other side that is in step with a folder of `side`; null: none. */
export function counterpart(context: TypedContext, side: Side, folder: FolderId): FolderId | null {
  const row = rowOf(context, side, folder);
  if (!row || !isInStep(row)) return null;
  return side === 'left' ? row.right : row.left;
}

/** Path of a folder for people: names from the source where it has the folder. */
export function pathOf(context: TypedContext, side: Side, folder: FolderId): string {
  const names: string[] = [];
  for (let row = rowOf(context, side, folder); row; row = row.leftParent ? context.rows.get(row.leftParent) : undefined)
    names.unshift(row.leftName);
  return names.join('/');
}
