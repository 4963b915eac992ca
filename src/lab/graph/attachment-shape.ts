import type { Attachment, Item } from '../world/item.ts';
import type { Context } from './context.ts';
import { isoTime } from './item-values.ts';
import { idOfAttachment } from './rest-ids.ts';
import type { Json } from './route.ts';

const isItem = (attachment: Attachment): boolean =>
  attachment.itemXml !== null || attachment.contentType === 'message/rfc822';

/** A file, or an item without its content. (fileAttachment, itemAttachment) */
export function attachmentJson(
  context: Context,
  item: Item,
  attachment: Attachment,
  wanted: ReadonlySet<string> | null,
): Json {
  const { name, contentType, contentId, isInline, content } = attachment;
  const json: Json = {
    '@odata.type': isItem(attachment) ? '#microsoft.graph.itemAttachment' : '#microsoft.graph.fileAttachment',
    ...(isItem(attachment) ? {} : { '@odata.mediaContentType': contentType }),
    id: idOfAttachment(item, attachment.no, context.immutable),
    lastModifiedDateTime: isoTime(item.modifiedAtMs),
    name,
    contentType: isItem(attachment) ? null : contentType,
    // What the store counts: the file and its properties.
    size: content.length + 250,
    isInline,
    ...(isItem(attachment) ? {} : { contentId, contentLocation: null, contentBytes: content.toString('base64') }),
  };
  if (wanted === null) return json;
  const lower = new Set([...wanted].map((one) => one.toLowerCase()));
  return Object.fromEntries(
    Object.entries(json).filter(([at]) => at.startsWith('@') || at === 'id' || lower.has(at.toLowerCase())),
  );
}
