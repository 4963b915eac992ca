import { composeMime } from './compose-mime.ts';
import { icalendarOf } from './icalendar.ts';
import type { Item } from './item.ts';

/** The bytes a server hands out for an item. `rebuild`: made anew from what a parser found, with other boundaries each time. */
export async function exportMime(item: Item, rebuild: boolean): Promise<Buffer> {
  const { content } = item;
  if (content.calendar !== undefined && content.mime === null) return icalendarOf(item, content.calendar);
  const stored = content.mime ?? composeMime(content);
  // Signed and encrypted messages are handed out as they are: anything else would break them ([MS-OXOSMIME]).
  if (!rebuild || item.itemClass.startsWith('IPM.Note.SMIME')) return stored;
  const { rebuildMime } = await import('./rebuild-mime.ts');
  return rebuildMime(stored);
}
