import { composeMime } from './compose-mime.ts';
import { icalendarOf } from './icalendar.ts';
import type { Item } from './item.ts';

/** The bytes a server hands out for an item. `rebuild`: made anew from what a parser found, with other boundaries each time. */
export async function exportMime(item: Item, rebuild: boolean): Promise<Buffer> {
  const { content } = item;
  const calendar = content.calendar === undefined ? null : icalendarOf(item, content.calendar);
  // A meeting message is a message with a calendar in it; an appointment is nothing but one.
  if (calendar !== null && content.mime === null && !item.itemClass.startsWith('IPM.Schedule.')) return calendar;
  const stored = content.mime ?? composeMime(content, calendar);
  // Signed and encrypted messages are handed out as they are: anything else would break them ([MS-OXOSMIME]).
  if (!rebuild || item.itemClass.startsWith('IPM.Note.SMIME')) return stored;
  const { rebuildMime } = await import('./rebuild-mime.ts');
  return rebuildMime(stored);
}
