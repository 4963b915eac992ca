import type { FolderInfo } from '#model/folder.ts';

/**
 * The mark to record once a folder's feed is read. One that is still settling is not believed: another change need not move it, so
 * what was recorded before stays, and the next pass reads the feed once more.
 */
export const settledMark = ({ mark, settling }: FolderInfo, recorded: string | null): string | null =>
  settling === true ? recorded : mark;
