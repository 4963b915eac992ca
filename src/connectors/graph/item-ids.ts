import type { FolderId, ItemId } from '#model/ids.ts';

/**
 * Ids of items as the rest of the program has them: the immutable id of the service, `@`, and the folder it lies in.
 *
 * An immutable id survives a move within its mailbox (GDOC `concepts/outlook-immutable-id.md`). For whoever follows changes an id that
 * stays would make a move look like a delete in one folder and a change in another, in whichever order the two feeds are read; so the
 * place is part of the name, and what moved has another one. What the service is asked for is the part that survives.
 */
export const itemIdAt = (serverId: string, folder: FolderId): ItemId => `${serverId}@${folder}` as ItemId;

export function splitItemId(id: ItemId): { readonly serverId: string; readonly folder: FolderId } {
  const at = id.lastIndexOf('@');
  return at < 0
    ? { serverId: id, folder: '' as FolderId }
    : { serverId: id.slice(0, at), folder: id.slice(at + 1) as FolderId };
}

/**
 * Whether an id is of the kind that survives moves. Not documented, read off published samples: an id is url-safe base64 that begins with
 * a version and the kind of id, 3 for the entry id of a store (`AAMk…`) and 9 for the immutable one (`AAkA…`).
 */
export const isImmutable = (serverId: string): boolean => !/^A[AQ]Mk/.test(serverId);
