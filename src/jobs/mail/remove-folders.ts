import type { FolderTree } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { FolderRow, LinkRow } from '#model/link.ts';
import { history } from '../pass/pass-core.ts';
import { type PassContext, pathOf } from './pass-context.ts';

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

/** Removes target folders whose source folder is gone once nothing of ours is in them; what a person put there keeps them alive. */
export async function removeGoneFolders(context: PassContext, right: FolderTree): Promise<number> {
  const removed = new Set<FolderId>();
  let waiting = 0;
  const gone = [...context.rows.values()].filter((r) => r.goneSincePass !== null);
  for (const row of deepestFirst(gone, right)) {
    if ((row.goneSincePass ?? 0) >= context.pass) {
      waiting++;
      continue;
    }
    const [linked] = await context.store.links(context.pair.id, { leftFolder: row.left }, null, 1);
    if (linked) continue;
    const wanted = row.right !== null && !row.rightGone && row.excluded === null ? row.right : null;
    const folder = right.folders.find(({ id }) => id === wanted);
    const taken = folder && [...context.rows.values()].some((r) => r.left !== row.left && r.right === row.right);
    if (folder && !taken && row.role === null) {
      const occupied = folder.itemCount > 0 || right.folders.some((f) => f.parent === folder.id && !removed.has(f.id));
      const reason = occupied
        ? 'gone on the source; on the target a person has put things into it, so it stays'
        : 'gone on the source, and empty';
      if (!occupied) {
        removed.add(folder.id);
        context.plan?.push({
          action: 'remove-folder',
          reason,
          folder: pathOf(context, row.left),
          left: row.left,
          right: row.right,
          bytes: 0,
          detail: null,
        });
        if (context.plan === null) {
          await context.rightBox.removeFolder(folder.id, context.call());
          context.counts.folderWrites++;
        }
      }
      if (context.plan === null)
        await context.commit({
          history: [
            history(context, 'remove-folder', reason, {
              left: row.left,
              right: row.right,
              outcome: occupied ? 'held' : 'done',
            }),
          ],
        });
    }
    if (context.plan !== null) continue;
    context.rows.delete(row.left);
    await context.commit({ foldersForgotten: [row.left] });
  }
  return waiting;
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
