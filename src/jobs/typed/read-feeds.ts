import type { TypedChangePage } from '#connectors/contract.ts';
import type { FeedEntry } from '#engine/join-typed-decisions.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { FolderTree } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId, Side } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { Trees } from '../pass/read-trees.ts';
import { settledMark } from '../pass/settled-mark.ts';
import { allLinks } from './all-links.ts';
import { readItems } from './read-items.ts';
import { isInStep, noteMade, type TypedContext } from './typed-context.ts';
import { whichAreGone } from './which-are-gone.ts';

/** A folder's feed on one side, and the mark that belongs to what is read now; null: the mark is not known. */
export interface Feed {
  readonly row: FolderRow['left'];
  readonly side: Side;
  readonly folder: FolderId;
  readonly mark: string | null;
}

/** Entries of several feeds, and where to go on from once they are carried out. */
export interface FeedsRead {
  readonly left: readonly FeedEntry[];
  readonly right: readonly FeedEntry[];
  readonly places: readonly { readonly feed: Feed; readonly cursor: Cursor }[];
}

/** Folders whose feeds are asked without looking at marks first: more of them cost more than both trees. */
const ASKED_STRAIGHT_MAX = 2;
const PAGES_MAX = 10_000;

/** The feeds of the known folders, when asking them costs no more than reading both trees; null: read the trees. */
export function knownFeeds(context: TypedContext): readonly Feed[] | null {
  const rows = [...context.rows.values()].filter(isInStep);
  if (rows.length === 0 || rows.length > ASKED_STRAIGHT_MAX) return null;
  if (rows.some((r) => r.leftCursor === null || r.rightCursor === null)) return null;
  return rows.flatMap((row): Feed[] => [
    { row: row.left, side: 'left', folder: row.left, mark: null },
    { row: row.left, side: 'right', folder: row.right, mark: null },
  ]);
}

/** The feeds that have something to say by their marks; all of them with `everything`. */
export function movedFeeds(context: TypedContext, trees: Trees, everything: boolean): readonly Feed[] {
  const shown = { left: folders(trees.left), right: folders(trees.right) };
  return [...context.rows.values()].filter(isInStep).flatMap((row): Feed[] => {
    const feeds: Feed[] = [];
    for (const side of ['left', 'right'] as const) {
      const folder = side === 'left' ? row.left : row.right;
      const info = shown[side].get(folder);
      if (!info) continue;
      const known = side === 'left' ? row.leftMark : row.rightMark;
      const cursor = side === 'left' ? row.leftCursor : row.rightCursor;
      if (everything || cursor === null || info.mark === null || info.mark !== known)
        feeds.push({ row: row.left, side, folder, mark: settledMark(info, known) });
    }
    return feeds;
  });
}

const folders = (tree: FolderTree) => new Map(tree.folders.map((f) => [f.id, f]));

/** Reads feeds to their end, both sides at the same time. What a folder that went away held is found by the next tree. */
export async function readFeeds(context: TypedContext, feeds: readonly Feed[]): Promise<FeedsRead> {
  const read = { left: [] as FeedEntry[], right: [] as FeedEntry[] };
  const places: { feed: Feed; cursor: Cursor }[] = [];
  const readSide = async (side: Side) => {
    for (const feed of feeds) {
      if (feed.side !== side) continue;
      context.checkpoint();
      const result = await readFeed(context, feed);
      if (result === null) continue;
      for (const entry of result.entries) read[side].push(entry);
      places.push({ feed, cursor: result.cursor });
    }
  };
  await Promise.all([readSide('left'), readSide('right')]);
  return { ...read, places };
}

async function readFeed(
  context: TypedContext,
  { row: id, side, folder }: Feed,
): Promise<{ readonly entries: readonly FeedEntry[]; readonly cursor: Cursor } | null> {
  const row = context.rows.get(id) as FolderRow;
  const { items } = context.sides[side];
  let cursor = side === 'left' ? row.leftCursor : row.rightCursor;
  let listing = cursor === null;
  let entries: FeedEntry[] = [];
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    let page: TypedChangePage;
    try {
      page = await items.changes(folder, cursor, context.call());
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (error.fault.kind === 'gone') return null;
      if (error.fault.kind !== 'cursor-lost' || cursor === null) throw error;
      cursor = null;
      listing = true;
      entries = [];
      continue;
    }
    for (const change of page.changes) {
      if (change.kind === 'unreadable')
        context.counts.oddities['unreadable change'] = (context.counts.oddities['unreadable change'] ?? 0) + 1;
      entries.push(change);
    }
    cursor = page.cursor;
    if (!page.complete) continue;
    if (listing) entries.push(...(await unlisted(context, side, folder, entries)));
    entries.push(...(await unshown(context, side, folder, entries)));
    return { entries, cursor };
  }
  throw new FaultError({
    kind: 'fatal',
    code: 'protocol',
    detail: 'the change feed of a folder does not come to its end',
  });
}

/** After a feed was read from its beginning: what is recorded as being in the folder and was not listed counts as deleted there. */
async function unlisted(
  context: TypedContext,
  side: Side,
  folder: FolderId,
  entries: readonly FeedEntry[],
): Promise<readonly FeedEntry[]> {
  const listed = new Set(entries.flatMap((e) => (e.kind === 'upsert' ? [e.head.id] : [])));
  const unseen: ItemId[] = [];
  for await (const link of allLinks(context))
    if (link[side].folder === folder && link.state !== `${side}-gone` && !listed.has(link[side].id))
      unseen.push(link[side].id);
  // A link that waits, or whose move failed, is recorded with another folder than the item is in.
  const missing = [...(await whichAreGone(context, side, unseen))];
  for (let after: ItemId | null = null; ; ) {
    const page: Awaited<ReturnType<typeof context.store.pageUnlinked>> = await context.store.pageUnlinked(
      context.pair.id,
      side,
      folder,
      after,
      500,
    );
    for (const { head } of page) if (!listed.has(head.id)) missing.push(head.id);
    if (page.length < 500) break;
    after = page.at(-1)?.head.id ?? null;
  }
  return missing.map((id) => ({ kind: 'delete', id }));
}

/**
 * What we made here and somebody removed before the feed was read: a feed that never showed it does not say that it went away. One that
 * the feed only shows late is there when it is asked for.
 */
async function unshown(
  context: TypedContext,
  side: Side,
  folder: FolderId,
  entries: readonly FeedEntry[],
): Promise<readonly FeedEntry[]> {
  const made = context.made[side].get(folder);
  if (made === undefined) return [];
  context.made[side].delete(folder);
  const shown = new Set(entries.flatMap((e) => (e.kind === 'upsert' ? [e.head.id] : e.id === null ? [] : [e.id])));
  const asked = [...made].filter((id) => !shown.has(id));
  const answers = await readItems(
    context,
    side,
    asked.map((id) => ({ id, sizeBytes: 0 })),
  );
  return asked.flatMap((id): FeedEntry[] => {
    const answer = answers.get(id);
    if (answer && !isFault(answer)) return [{ kind: 'upsert', head: answer.head }];
    if (answer?.kind === 'gone') return [{ kind: 'delete', id }];
    // Asked for once more: its feed has no place until then.
    noteMade(context, side, folder, id);
    context.isAgain = true;
    return [];
  });
}

/** Items of folders that are gone on a side: no feed says so. */
export async function entriesOfGoneFolders(context: TypedContext): Promise<Pick<FeedsRead, 'left' | 'right'>> {
  const gone = [...context.rows.values()].filter((r) => r.goneSincePass !== null);
  const left: FeedEntry[] = [];
  const right: FeedEntry[] = [];
  if (gone.length === 0) return { left, right };
  const lefts = new Set(gone.filter((r) => !r.rightGone).map((r) => r.left));
  const rights = new Set(gone.filter((r) => r.rightGone).map((r) => r.right));
  // A folder may have gone with all that is in it, where items are found under their ids for long: what is not told by a link is asked for.
  const doubtful = { left: [] as ItemId[], right: [] as ItemId[] };
  for await (const link of allLinks(context)) {
    const isLive = link.state === 'live';
    if (link.state !== 'left-gone' && lefts.has(link.left.folder)) {
      if (isLive) left.push({ kind: 'delete', id: link.left.id });
      else doubtful.left.push(link.left.id);
    }
    if (link.state !== 'right-gone' && rights.has(link.right.folder)) {
      if (isLive) right.push({ kind: 'delete', id: link.right.id });
      else doubtful.right.push(link.right.id);
    }
  }
  for (const id of await whichAreGone(context, 'left', doubtful.left)) left.push({ kind: 'delete', id });
  for (const id of await whichAreGone(context, 'right', doubtful.right)) right.push({ kind: 'delete', id });
  return { left, right };
}

/** Folder rows with the places up to which feeds were carried out. Only those that moved. */
export function advanced(context: TypedContext, { places }: FeedsRead): readonly FolderRow[] {
  const rows = new Map<FolderId, FolderRow>();
  for (const { feed, cursor } of places) {
    const row = rows.get(feed.row) ?? context.rows.get(feed.row);
    if (!row) continue;
    const was = feed.side === 'left' ? row.leftCursor : row.rightCursor;
    const mark = feed.mark ?? (feed.side === 'left' ? row.leftMark : row.rightMark);
    const wasMark = feed.side === 'left' ? row.leftMark : row.rightMark;
    if (was === cursor && wasMark === mark && !context.placeless.has(`${feed.side} ${feed.folder}`)) continue;
    rows.set(feed.row, {
      ...row,
      ...(feed.side === 'left' ? { leftCursor: cursor, leftMark: mark } : { rightCursor: cursor, rightMark: mark }),
    });
  }
  return [...rows.values()];
}
