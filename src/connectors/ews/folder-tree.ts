import { FaultError } from '#kit/fault.ts';
import type { FolderInfo, FolderTree } from '#model/folder.ts';
import type { FolderId, MailboxGuid } from '#model/ids.ts';
import type { SeenFolder } from './operations/folder-shape.ts';

/**
 * The tree from the folders below its root, in any order. The root is the parent that is not among them; null when that does not
 * single one out (nothing below it, or folders whose parents may not be seen), so that the caller has to ask.
 */
export function rootOf(seen: readonly SeenFolder[]): FolderId | null {
  const known = new Set(seen.map(({ info }) => info.id));
  const outside = new Set(
    seen.flatMap(({ info }) => (info.parent === null || known.has(info.parent) ? [] : [info.parent])),
  );
  const [root] = outside;
  return outside.size === 1 && root !== undefined ? root : null;
}

/** Parents before children. A folder whose parent may not be seen hangs below the root: better there than not at all. */
export function treeOf(root: FolderId, mailbox: MailboxGuid | null, seen: readonly SeenFolder[]): FolderTree {
  const guid = mailbox ?? seen.find((one) => one.mailbox !== null)?.mailbox ?? null;
  if (guid === null)
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: 'no folder shows the mailbox it belongs to (PidTagEntryId)',
    });
  // Paging over a tree that changes meanwhile can show a folder twice.
  const byId = new Map(seen.map(({ info }) => [info.id, info] as const));
  byId.delete(root);
  const children = new Map<FolderId, FolderInfo[]>();
  for (const info of byId.values()) {
    const parent = info.parent !== null && byId.has(info.parent) ? info.parent : root;
    const placed = info.parent === parent ? info : { ...info, parent };
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [placed]);
    else siblings.push(placed);
  }
  const folders: FolderInfo[] = [...(children.get(root) ?? [])];
  for (let i = 0; i < folders.length; i++) folders.push(...(children.get(folders[i]?.id ?? root) ?? []));
  return { mailbox: guid, root, folders };
}
