import type { FolderId, ItemId } from '#model/ids.ts';

/**
 * Ids are the ends of permanent URLs, which are made of source keys and survive every renaming (evolution-exchange `docs/entryids`):
 * `GUID-COUNTER` of a folder, `GUID-COUNTER/GUID-COUNTER` of an item in its folder; GUID 32 hex digits, COUNTER hex without leading zeros.
 */
const segment = '[0-9a-f]{32}-[0-9a-f]{1,12}';
const flatSpace = '-FlatUrlSpace-';
const permanent = new RegExp(`/${flatSpace}/(${segment})(?:/(${segment}))?/?$`, 'i');
const folderForm = new RegExp(`^${segment}$`);
const itemForm = new RegExp(`^(${segment})/(${segment})$`);

export function folderIdOfUrl(url: string): FolderId | null {
  const match = permanent.exec(url);
  return match === null || match[2] !== undefined ? null : ((match[1] ?? '').toLowerCase() as FolderId);
}

export function itemIdOfUrl(url: string): { readonly id: ItemId; readonly folder: FolderId } | null {
  const match = permanent.exec(url);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const folder = match[1].toLowerCase() as FolderId;
  return { id: `${folder}/${match[2].toLowerCase()}` as ItemId, folder };
}

/** The part of an item id that names the item in its folder. */
export const itemSegment = (id: ItemId): string => itemForm.exec(id)?.[2] ?? '';
export const isFolderId = (id: string): boolean => folderForm.test(id);
export const itemIdIn = (folder: FolderId, item: string): ItemId => `${folder}/${item}` as ItemId;

/** Address of what an id names, below the root of its mailbox. */
export const pathOfId = (root: string, id: FolderId | ItemId): string => `${root}${flatSpace}/${id}`;

/** 16 bytes of GUID, 6 of counter ([MS-OXCFXICS] 2.2.2.3) as a segment; null for anything else. */
function segmentOfSourceKey(key: Buffer): string | null {
  if (key.length !== 22) return null;
  return `${key.toString('hex', 0, 16)}-${key.toString('hex', 16).replace(/^0+(?=.)/, '')}`;
}

/** `rid:` and a source key in hex, as manifests name items. */
export function segmentOfReplUid(uid: string): string | null {
  const digits = /^\s*rid:([0-9a-f]{44})\s*$/i.exec(uid)?.[1];
  return digits === undefined ? null : segmentOfSourceKey(Buffer.from(digits, 'hex'));
}
