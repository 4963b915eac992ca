import type { FolderInfo, FolderTree } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { FolderRow, LinkRow } from '#model/link.ts';
import { type DiscardFolder, discardFolders } from '../pass/discard-folder.ts';
import { history } from '../pass/pass-core.ts';
import { isToBeDone, type PassContext } from './pass-context.ts';

/** Folders that are gone from the source since an earlier pass: first what was in them, item by item, then the empty folder. */
export async function missItemsOfGoneFolders(context: PassContext): Promise<void> {
  for (const row of context.rows.values()) {
    if (row.goneSincePass === null) continue;
    for (let after: LinkRow['id'] | null = null; ; ) {
      const links: readonly LinkRow[] = await context.store.links(
        context.pair.id,
        { leftFolder: row.left },
        after,
        500,
      );
      after = links.at(-1)?.id ?? null;
      const missed = links
        .filter((l) => l.state !== 'left-gone')
        .map((l): LinkRow => ({ ...l, state: 'left-gone', goneSincePass: row.goneSincePass }));
      if (missed.length > 0) await context.commit({ links: missed });
      if (links.length < 500) break;
    }
  }
}

/**
 * Target folders whose source folder is gone go as well once nothing of ours is in them, the outermost with what is inside; what a person put
 * there keeps them alive.
 *
 * @returns how many are missed for the first time.
 */
export async function removeGoneFolders(context: PassContext, right: FolderTree): Promise<number> {
  const gone = [...context.rows.values()].filter((r) => r.goneSincePass !== null);
  const due: FolderRow[] = [];
  const empty = new Set<FolderId>();
  /** Of the target, not empty yet. */
  const waiting = new Set<FolderId | null>();
  const inside = (folder: FolderInfo) => right.folders.filter(({ parent }) => parent === folder.id);
  for (const row of deepestFirst(gone, right)) {
    const folder = folderFor(context, row, right);
    const [linked] = await context.store.links(context.pair.id, { leftFolder: row.left }, null, 1);
    const holdsWaiting = folder !== undefined && inside(folder).some(({ id }) => waiting.has(id));
    if ((row.goneSincePass ?? 0) >= context.pass || linked || holdsWaiting) {
      waiting.add(row.right);
      continue;
    }
    due.push(row);
    if (folder?.itemCount === 0 && inside(folder).every(({ id }) => empty.has(id))) empty.add(folder.id);
  }
  const discard = discardFolders(context.rightBox, right, () => context.call());
  for (const row of due.reverse()) {
    const folder = folderFor(context, row, right);
    if (folder) await takeAway(context, row, folder, { empty, discard });
    if (context.plan !== null) continue;
    context.rows.delete(row.left);
    await context.commit({ foldersForgotten: [row.left] });
  }
  return gone.filter((row) => (row.goneSincePass ?? 0) >= context.pass).length;
}

/** The folder of the target that stands for it alone, and goes with it. */
function folderFor({ rows }: PassContext, row: FolderRow, { folders }: FolderTree): FolderInfo | undefined {
  if (row.role !== null || row.rightGone || row.excluded !== null) return undefined;
  const isTaken = [...rows.values()].some((r) => r.left !== row.left && r.right === row.right);
  return isTaken ? undefined : folders.find(({ id }) => id === row.right);
}

async function takeAway(
  context: PassContext,
  row: FolderRow,
  folder: FolderInfo,
  { empty, discard }: { readonly empty: ReadonlySet<FolderId>; readonly discard: DiscardFolder },
): Promise<void> {
  const isEmpty = empty.has(folder.id);
  const reason = isEmpty
    ? 'gone on the source, and empty'
    : 'gone on the source; on the target a person has put things into it, so it stays';
  if (isEmpty && !isToBeDone(context, 'remove-folder', reason, row)) return;
  if (context.plan !== null) return;
  // Inside of one that goes it has gone already.
  if (isEmpty && (folder.parent === null || !empty.has(folder.parent))) {
    await discard(folder);
    context.counts.folderWrites++;
  }
  const outcome = isEmpty ? 'done' : 'held';
  await context.commit({
    history: [history(context, 'remove-folder', reason, { left: row.left, right: row.right, outcome })],
  });
}

/** In an order in which folders inside of others come before those around them. */
function deepestFirst(rows: readonly FolderRow[], { folders }: FolderTree): readonly FolderRow[] {
  const parents = new Map(folders.map(({ id, parent }) => [id, parent]));
  const depth = ({ right }: FolderRow): number => {
    let steps = 0;
    for (let at = right; at !== null && steps <= parents.size; at = parents.get(at) ?? null) steps++;
    return steps;
  };
  return [...rows].sort((a, b) => depth(b) - depth(a));
}
