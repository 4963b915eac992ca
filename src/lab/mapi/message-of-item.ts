import { decodeUnnamed } from '#formats/text/charset.ts';
import { splitMime } from '#formats/text/mime-split.ts';
import type { Address, Attachment, Item, ItemContent } from '../world/item.ts';
import { key, type Property } from '../world/property.ts';
import { attachmentsOf, bodyOf, contentOfMime, headEnd } from '../world/read-message.ts';
import { calendarPropertyOf, workedOutKeys } from './calendar-property.ts';
import type { MapiAttachment, MapiMessage, PropertyBag } from './message.ts';
import { messageOfAppointment } from './message-of-appointment.ts';
import { Bag, fileOf, personRow, putBody } from './message-parts.ts';
import { attachMethods, mailTag, tag, typedKey } from './tags.ts';
import { putFields } from './typed-fields.ts';

const classOf = ({ properties }: ItemContent): string => {
  const value = properties.get(key.itemClass)?.value;
  return typeof value === 'string' ? value : 'IPM.Note';
};
const isSigned = (itemClass: string): boolean => /^ipm\.note\.smime/i.test(itemClass);

/** Who sent and for whom, in the forms that [MS-OXOMSG] 2.2.1 has. */
function putSender(bag: Bag, from: Address | null): Bag {
  if (from === null) return bag;
  const type = /^\/o=/i.test(from.address) ? 'EX' : 'SMTP';
  for (const [name, kind, address, smtp] of [
    [tag.organizerName, mailTag.organizerType, tag.organizerAddress, tag.organizerSmtp],
    [key.senderName, mailTag.senderType, key.senderAddress, mailTag.senderSmtp],
  ] as const) {
    // A sender of its own stands among the properties.
    if (bag.has(address)) continue;
    bag.put(name, 'String', from.name || from.address);
    if (from.address === '') continue;
    bag.put(kind, 'String', type).put(address, 'String', from.address);
    if (type === 'SMTP') bag.put(smtp, 'String', from.address);
  }
  return bag;
}

const recipientsOf = ({ to, cc, bcc }: ItemContent): readonly PropertyBag[] =>
  [to, cc, bcc]
    .flatMap((list, at) => list.map((person) => personRow(person, at + 1, 1)))
    .map((bag, at) => bag.put(tag.rowId, 'Integer', at));

/** A signed or encrypted message is one file that holds what was signed. [MS-OXOSMIME] 2.1.3.2, 2.2.3.2 */
function signedFile(mime: Buffer): Attachment {
  const root = splitMime(mime);
  const end = headEnd(mime);
  const own = mime
    .subarray(0, end)
    .toString('latin1')
    .split(/\r?\n(?![ \t])/)
    .filter((line) => /^content-/i.test(line));
  const isClear = root.contentType.value === 'multipart/signed';
  return {
    no: 1,
    name: 'smime.p7m',
    contentType: isClear ? 'multipart/signed' : headerContentType(root.contentType.value),
    contentId: null,
    isInline: false,
    content: isClear
      ? Buffer.concat([Buffer.from(`${own.join('\r\n')}\r\n\r\n`, 'latin1'), mime.subarray(end)])
      : root.body(),
    itemXml: null,
  };
}
const headerContentType = (value: string): string => (value === '' ? 'application/pkcs7-mime' : value);

/** A file, or the message that was attached. */
function attachmentOf(attachment: Attachment, at: number, depth: number): MapiAttachment {
  if (attachment.itemXml !== null || attachment.contentType !== 'message/rfc822' || depth > 8)
    return fileOf(attachment, at);
  const { properties } = fileOf({ ...attachment, content: Buffer.alloc(0) }, at);
  const bag = new Bag(properties).put(tag.attachMethod, 'Integer', attachMethods.embedded);
  bag.delete(tag.attachData);
  return { properties: bag, message: messageOfContent(contentOfMime(attachment.content), depth + 1) };
}

function messageOfContent(content: ItemContent, depth: number): MapiMessage {
  const itemClass = classOf(content);
  const { mime } = content;
  const bag = putSender(new Bag(content.properties), content.from);
  bag.delete(key.hasAttachments);
  for (const [name, xml] of putFields(bag, itemClass, content.typed)) bag.put(typedKey(name), 'String', xml);
  if (mime !== null && !bag.has(key.headers))
    bag.put(key.headers, 'String', decodeUnnamed(mime.subarray(0, headEnd(mime))));
  const body = content.body ?? (mime === null ? null : bodyOf(mime));
  putBody(bag, body);
  // Of two forms of one text both are there. [MS-OXBBODY] 2.1.3.1
  if (body?.type === 'HTML' && mime !== null) {
    const text = bodyOf(mime, 'text');
    if (text.type === 'Text') bag.put(tag.body, 'String', text.text);
  }
  const files =
    mime !== null && isSigned(itemClass)
      ? [signedFile(mime)]
      : (content.attachments ?? (mime === null ? [] : attachmentsOf(mime)));
  return {
    properties: bag,
    recipients: recipientsOf(content),
    attachments: files.map((file, at) => attachmentOf(file, at, depth)),
  };
}

/** An item of any kind as the message that the store keeps: every property, its people, its files. */
export function messageOfItem(item: Item): MapiMessage {
  const { content } = item;
  if (content.calendar !== undefined && /^ipm\.(?:appointment|ole\.class)/i.test(item.itemClass))
    return messageOfAppointment(item);
  const message = messageOfContent(content, 0);
  const bag = new Bag(message.properties)
    .put(tag.messageFlags, 'Integer', item.flags | (item.isRead ? 1 : 0))
    .put(key.searchKey, 'Binary', Buffer.from(item.searchKey, 'hex').toString('base64'))
    .put(key.createdAt, 'SystemTime', item.createdAtMs)
    .put(key.modifiedAt, 'SystemTime', item.modifiedAtMs);
  // A meeting message is mail that says something of an appointment.
  if (content.calendar !== undefined)
    for (const at of workedOutKeys) {
      const property: Property | null | undefined = calendarPropertyOf(item, at);
      if (property !== null && property !== undefined && !bag.has(at)) bag.set(at, property);
    }
  return { ...message, properties: bag };
}
