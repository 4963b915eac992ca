import type { Written } from '#connectors/contract.ts';
import { shown } from '#engine/shown.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { LinkEnd } from '#model/typed-link.ts';

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
