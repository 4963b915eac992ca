import type { FolderTree } from '#model/folder.ts';
import type { LinkRow } from '#model/link.ts';
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
  const shown = new Map(right.folders.map((f) => [f.id, f]));
  let waiting = 0;
  const deepestFirst = [...context.rows.values()].filter((r) => r.goneSincePass !== null).reverse();
  for (const row of deepestFirst) {
    if ((row.goneSincePass ?? 0) >= context.pass) {
      waiting++;
      continue;
    }
    const [linked] = await context.store.links(context.pair.id, { leftFolder: row.left }, null, 1);
    if (linked) continue;
    const folder = row.right && !row.rightGone && row.excluded === null ? shown.get(row.right) : undefined;
    const taken = folder && [...context.rows.values()].some((r) => r.left !== row.left && r.right === row.right);
    if (folder && !taken && row.role === null) {
      const occupied = folder.itemCount > 0 || right.folders.some((f) => f.parent === folder.id);
      const reason = occupied
        ? 'gone on the source; on the target a person has put things into it, so it stays'
        : 'gone on the source, and empty';
      if (!occupied) {
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
