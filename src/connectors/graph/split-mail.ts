import { isSameProperty, type MapiAttachment, type MapiMessage, mapiValue } from '#formats/mapi/mapi-message.ts';
import { attachMethods, attachmentTags, mailTags, shownInBody } from '#formats/mime-mapi/mail-tags.ts';
import { type FollowingFile, fileBytesMax } from './attach-files.ts';

export interface SplitMail {
  readonly message: MapiMessage;
  /** In the order of the message. */
  readonly files: readonly FollowingFile[];
}

/** What an attachment that is made by itself can say again; one that says more stays where it is. */
const said = [
  attachmentTags.method,
  attachmentTags.displayName,
  attachmentTags.fileName,
  attachmentTags.shortFileName,
  attachmentTags.extension,
  attachmentTags.contentType,
  attachmentTags.contentId,
  attachmentTags.disposition,
  attachmentTags.charset,
  attachmentTags.rendering,
  attachmentTags.flags,
  attachmentTags.isHidden,
];

/** The file of an attachment; null: it is a message, is too large, or has properties that no request about attachments takes. */
function fileOf({ properties, content, message }: MapiAttachment): FollowingFile | null {
  const text = (tag: (typeof said)[number]): string | null => {
    const value = mapiValue(properties, tag);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const name = text(attachmentTags.fileName) ?? text(attachmentTags.displayName);
  if (content === null || message !== null || name === null || content.sizeBytes > fileBytesMax) return null;
  if (mapiValue(properties, attachmentTags.method) !== attachMethods.byValue) return null;
  if (!properties.every(({ property }) => said.some((one) => isSameProperty(one, property)))) return null;
  const flags = mapiValue(properties, attachmentTags.flags);
  return {
    name,
    contentType: text(attachmentTags.contentType) ?? 'application/octet-stream',
    contentId: text(attachmentTags.contentId),
    isInline: typeof flags === 'number' && (flags & shownInBody) !== 0,
    content,
  };
}

/**
 * A message that is too large for one import, and the files that follow it: the largest ones until `excessBytes` are off, and what comes
 * after the first of them, so that their order stays. Null: that is not enough, or the message is signed as a whole, and what is in
 * such a message is its one attachment.
 */
export function splitMail(message: MapiMessage, excessBytes: number): SplitMail | null {
  const itemClass = mapiValue(message.properties, mailTags.messageClass);
  if (typeof itemClass === 'string' && /^ipm\.note\.(?:smime|rpmsg)/i.test(itemClass)) return null;
  const files = message.attachments.map(fileOf);
  const bySize = [...files.entries()]
    .flatMap(([at, file]) => (file === null ? [] : [{ at, bytes: file.content.sizeBytes }]))
    .sort((a, b) => b.bytes - a.bytes);
  let open = excessBytes;
  let first = Number.POSITIVE_INFINITY;
  for (const { at, bytes } of bySize) {
    if (open <= 0) break;
    open -= bytes;
    first = Math.min(first, at);
  }
  if (open > 0) return null;
  const follows = (at: number): boolean => at >= first && files[at] !== null;
  return {
    message: { ...message, attachments: message.attachments.filter((_, at) => !follows(at)) },
    files: files.flatMap((file, at) => (file !== null && follows(at) ? [file] : [])),
  };
}
