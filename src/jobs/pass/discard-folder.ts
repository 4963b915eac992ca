import type { Context, Mailbox } from '#connectors/contract.ts';
import type { FolderInfo, FolderRole, FolderTree } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import { tryNames } from './try-names.ts';

/** Takes away a folder that was empty when it was last looked at. */
export type DiscardFolder = (folder: FolderInfo) => Promise<void>;

/**
 * Takes folders away as people do it: into Deleted Items. No protocol removes a folder on the condition that it is empty, and what somebody
 * puts into it right now would go with it. Only what is in Deleted Items already is removed, and what is in a store without such a folder.
 *
 * @param tree In which the folders are.
 */
export function discardFolders(
  box: Pick<Mailbox, 'roles' | 'renameFolder' | 'moveFolder' | 'removeFolder'>,
  tree: FolderTree,
  call: () => Context,
): DiscardFolder {
  let roles: ReadonlyMap<FolderRole, FolderId> | null = null;
  return async (folder) => {
    roles ??= await box.roles(call());
    const trash = roles.get('deleteditems');
    if (trash === undefined || isInside(tree, folder, trash)) return box.removeFolder(folder.id, call());
    await tryNames(folder.name, async (name) => {
      if (name !== folder.name) await box.renameFolder(folder.id, name, call());
      await box.moveFolder(folder.id, trash, call());
    });
  };
}

function isInside({ folders }: FolderTree, { parent }: FolderInfo, outer: FolderId): boolean {
  const parents = new Map(folders.map((folder) => [folder.id, folder.parent]));
  let at = parent;
  for (let steps = 0; at !== null && at !== outer && steps <= parents.size; steps++) at = parents.get(at) ?? null;
  return at === outer;
}
