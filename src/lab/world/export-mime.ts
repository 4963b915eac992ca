import { composeMime, withHeader } from './compose-mime.ts';
import { icalendarOf } from './icalendar.ts';
import type { Item } from './item.ts';
import { key } from './property.ts';
import { headerFields, importanceSaid } from './read-message.ts';

/** The bytes a server hands out for an item. `rebuild`: made anew from what a parser found, with other boundaries each time. */
export async function exportMime(item: Item, rebuild: boolean): Promise<Buffer> {
  const { content } = item;
  const calendar = content.calendar === undefined ? null : icalendarOf(item, content.calendar);
  // A meeting message is a message with a calendar in it; an appointment is nothing but one.
  if (calendar !== null && content.mime === null && !item.itemClass.startsWith('IPM.Schedule.')) return calendar;
  const stored =
    content.mime === null ? composeMime(content, calendar) : withImportance(content.mime, item.number(key.importance));
  // Signed and encrypted messages are handed out as they are: anything else would break them ([MS-OXOSMIME]).
  if (!rebuild || item.itemClass.startsWith('IPM.Note.SMIME')) return stored;
  const { rebuildMime } = await import('./rebuild-mime.ts');
  return rebuildMime(stored);
}

/** Bytes as they came, but for an importance that was given to the message later: servers write the property. [MS-OXCMAIL] 2.2.3.2.5 */
function withImportance(mime: Buffer, importance: number | null): Buffer {
  const fields = headerFields(mime);
  const said = (name: string) => fields.find((field) => field.name.toLowerCase() === name)?.value ?? null;
  if (importance === null || importanceSaid(said('importance'), said('x-priority')) === importance) return mime;
  const word = importance === 1 ? null : importance === 2 ? 'high' : 'low';
  return withHeader(withoutImportance(mime, others), 'Importance', word);
}

const others = ['x-priority', 'x-msmail-priority', 'priority'] as const;

/** Bytes without the header fields that say an importance: what is the same of a message whatever importance it is given. */
export const withoutImportance = (mime: Buffer, names: readonly string[] = ['importance', ...others]): Buffer =>
  names.reduce((left, name) => withHeader(left, name, null), mime);
