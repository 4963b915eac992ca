import type { Written } from '#connectors/contract.ts';
import { shown } from '#engine/shown.ts';
import type { Version } from '#model/ids.ts';
import type { TypedHead, TypedItem } from '#model/typed-item.ts';
import type { LinkEnd, TypedLinkRow } from '#model/typed-link.ts';

/** A side as it was read. */
export const endOf = (item: TypedItem, seen: LinkEnd['seen'] = shown(item)): LinkEnd => ({
  id: item.head.id,
  folder: item.head.folder,
  version: item.head.version,
  seen,
});

/**
 * A side after a write of ours. Normally what it shows when it is read back: a server normalises what it is given. At another version
 * than the write left it, somebody wrote in between; then what we gave is the base and the write's version is recorded, so that the
 * next look finds the difference, whoever made it, and nothing of it is taken for ours.
 */
export function endAfter(
  written: Written,
  given: TypedItem,
  back: TypedItem,
  seenOf: (item: TypedItem) => LinkEnd['seen'] = shown,
): LinkEnd {
  if (back.head.version === written.version) return endOf(back, seenOf(back));
  return { ...endOf(back, seenOf(given)), version: written.version };
}

/** No version of any server: what is found there is compared with what was agreed. */
export const noVersion = '' as Version;

/** A link with the ids and folders of now, what those items show not yet carried over. Null: nothing is new there. */
export const unseenSince = (link: TypedLinkRow, left: TypedHead | null, right: TypedHead | null): TypedLinkRow => ({
  ...link,
  left: left ? { ...link.left, version: noVersion } : link.left,
  right: right ? { ...link.right, version: noVersion } : link.right,
});
