import type { FolderInfo, FolderRole } from '#model/folder.ts';
import type { FolderRow } from '#model/link.ts';

/** The row of a folder of the source that nothing is known of yet. */
export function newFolderRow(
  left: Pick<FolderInfo, 'id' | 'parent' | 'name' | 'containerClass'>,
  role: FolderRole | null,
): FolderRow {
  return {
    left: left.id,
    right: null,
    leftParent: left.parent,
    rightParent: null,
    leftName: left.name,
    rightName: null,
    containerClass: left.containerClass,
    role,
    excluded: null,
    leftCursor: null,
    rightCursor: null,
    leftMark: null,
    rightMark: null,
    goneSincePass: null,
    rightGone: false,
  };
}
