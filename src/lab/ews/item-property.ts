import { calendarPropertyOf } from '../mapi/calendar-property.ts';
import { itemChangeKeyOf } from '../world/ids.ts';
import type { Item } from '../world/item.ts';
import { key, messageFlag, type Property, type PropertyKey } from '../world/property.ts';
import { bodyOf, headEnd } from '../world/read-message.ts';

const text = (value: string | null): Property | null => (value === null ? null : { type: 'String', value });
const integer = (value: number): Property => ({ type: 'Integer', value });
const time = (value: number): Property => ({ type: 'SystemTime', value });
const flag = (value: boolean): Property => ({ type: 'Boolean', value });
const binary = (value: Buffer): Property => ({ type: 'Binary', value: value.toString('base64') });

/** PidTagMessageFlags as the store shows them now. */
export function messageFlagsOf(item: Item): number {
  const attached =
    item.content.attachments === null
      ? item.content.properties.get(key.hasAttachments)?.value === true
      : item.content.attachments.some((a) => !a.isInline);
  return (
    item.flags |
    (item.isRead ? messageFlag.read : 0) |
    (attached ? messageFlag.hasAttach : 0) |
    (item.receiptPending ? messageFlag.readReceiptPending | messageFlag.notReadReceiptPending : 0)
  );
}

/** Properties the store makes instead of keeping them. */
const computed = new Map<PropertyKey, (item: Item) => Property | null>([
  [key.messageFlags, (item) => integer(messageFlagsOf(item))],
  [key.size, (item) => integer(item.sizeBytes)],
  [key.hasAttachments, (item) => flag((messageFlagsOf(item) & messageFlag.hasAttach) !== 0)],
  [key.createdAt, (item) => time(item.createdAtMs)],
  [key.modifiedAt, (item) => time(item.modifiedAtMs)],
  [key.creatorName, (item) => text(item.createdBy)],
  [key.modifierName, (item) => text(item.modifiedBy)],
  [key.searchKey, (item) => binary(Buffer.from(item.searchKey, 'hex'))],
  [key.articleNumber, (item) => integer(item.no)],
  [key.entryId, (item) => binary(item.folder.mailbox.ids.itemEntryId(item.folder.no, item.no))],
  [key.recordKey, (item) => binary(item.folder.mailbox.ids.itemEntryId(item.folder.no, item.no))],
  [key.changeKey, (item) => binary(Buffer.from(itemChangeKeyOf(item), 'base64').subarray(8))],
  [key.itemClass, (item) => text(item.itemClass)],
  [
    key.headers,
    (item) =>
      item.content.mime === null
        ? (item.content.properties.get(key.headers) ?? null)
        : text(item.content.mime.subarray(0, headEnd(item.content.mime)).toString('latin1')),
  ],
  [
    key.body,
    (item) =>
      text(
        item.content.body?.type === 'Text'
          ? item.content.body.text
          : item.content.mime === null
            ? null
            : bodyOf(item.content.mime, 'text').text,
      ),
  ],
  [key.flagStatus, (item) => item.content.properties.get(key.flagStatus) ?? null],
  [
    key.urlName,
    (item) =>
      item.content.properties.get(key.urlName) ??
      text(
        `${(item.text(key.subject) ?? 'No Subject').replace(/[\\/:?*"<>|#\u0000-\u001f]/g, '_').slice(0, 100)}-${item.no}.EML`,
      ),
  ],
]);

/** One MAPI property of an item; null: it has none of that name. */
export function propertyOf(item: Item, at: PropertyKey): Property | null {
  const ofCalendar = calendarPropertyOf(item, at);
  if (ofCalendar !== undefined) return ofCalendar;
  const compute = computed.get(at);
  return compute === undefined ? (item.content.properties.get(at) ?? null) : compute(item);
}
