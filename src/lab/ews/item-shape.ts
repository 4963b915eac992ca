import type { XmlElement } from '#formats/text/xml-read.ts';
import { ewsVersions } from '../seams.ts';
import { exportMime } from '../world/export-mime.ts';
import { itemChangeKeyOf, itemIdOf } from '../world/ids.ts';
import type { Address, Attachment, Body, Item } from '../world/item.ts';
import { key, messageFlag } from '../world/property.ts';
import { attachmentsOf, bodyOf, headerFields } from '../world/read-message.ts';
import { calendarNeverUnasked, calendarNotInLists, writeCalendarField } from './calendar-shape.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { folderIdXml } from './folder-shape.ts';
import { messageFlagsOf, propertyOf } from './item-property.ts';
import { writeMeetingField } from './meeting-shape.ts';
import { indexedContainers, type PropertyPath, readPaths, writeExtended } from './property-path.ts';
import { child, childText, isTrue } from './request.ts';
import { base64, dateTime, esc, t, type Xml } from './xml-out.ts';

export interface ItemShape {
  readonly base: string;
  readonly mime: boolean;
  readonly bodyType: 'Best' | 'HTML' | 'Text';
  readonly additional: readonly PropertyPath[];
}

const itemUriPrefixes: ReadonlySet<string> = new Set([
  'item',
  'message',
  'meeting',
  'meetingRequest',
  'calendar',
  'task',
  'contacts',
  'distributionlist',
  'postitem',
  'conversation',
]);

export function readItemShape(element: XmlElement | null): ItemShape {
  if (element === null) return { base: 'AllProperties', mime: false, bodyType: 'Best', additional: [] };
  const additional = readPaths(child(element, 'AdditionalProperties'));
  for (const path of additional)
    if (path.kind !== 'extended' && !itemUriPrefixes.has(path.uri.slice(0, path.uri.indexOf(':'))))
      throw new EwsError('ErrorInvalidPropertyRequest');
  return {
    base: childText(element, 'BaseShape') ?? 'Default',
    mime:
      isTrue(childText(element, 'IncludeMimeContent')) ||
      additional.some((path) => path.kind === 'field' && path.uri === 'item:MimeContent'),
    bodyType: (childText(element, 'BodyType') ?? 'Best') as ItemShape['bodyType'],
    additional,
  };
}

/** Element by message class. */
export function itemElementOf(itemClass: string): string {
  const lower = itemClass.toLowerCase();
  const is = (prefix: string): boolean => lower === prefix || lower.startsWith(`${prefix}.`);
  if (is('ipm.note') || is('report')) return 'Message';
  if (is('ipm.schedule.meeting.request')) return 'MeetingRequest';
  if (is('ipm.schedule.meeting.canceled')) return 'MeetingCancellation';
  if (is('ipm.schedule.meeting.resp')) return 'MeetingResponse';
  if (is('ipm.appointment') || is('ipm.ole.class')) return 'CalendarItem';
  if (is('ipm.contact')) return 'Contact';
  if (is('ipm.distlist')) return 'DistributionList';
  if (is('ipm.task')) return 'Task';
  if (is('ipm.post')) return 'PostItem';
  return 'Item';
}

/** Complex type of an element in the schema. */
const itemTypes: Readonly<Record<string, string>> = {
  Item: 't:ItemType',
  Message: 't:MessageType',
  MeetingMessage: 't:MeetingMessageType',
  MeetingRequest: 't:MeetingRequestMessageType',
  MeetingResponse: 't:MeetingResponseMessageType',
  MeetingCancellation: 't:MeetingCancellationMessageType',
  CalendarItem: 't:CalendarItemType',
  Contact: 't:ContactItemType',
  DistributionList: 't:DistributionListType',
  Task: 't:TaskType',
  PostItem: 't:PostItemType',
};

export const itemIdXml = (item: Item, name = 'ItemId'): string =>
  `<t:${name} Id="${itemIdOf(item)}" ChangeKey="${itemChangeKeyOf(item)}"/>`;

/** An item as creates, updates and moves answer it: its id. */
export function itemIdOnly(item: Item): string {
  const name = itemElementOf(item.itemClass);
  return `<t:${name}>${itemIdXml(item)}</t:${name}>`;
}

export const importances = ['Low', 'Normal', 'High'] as const;
export const sensitivities = ['Normal', 'Personal', 'Private', 'Confidential'] as const;
export const flagStatuses = ['NotFlagged', 'Complete', 'Flagged'] as const;

const defaultFields = [
  'ItemId',
  'ParentFolderId',
  'ItemClass',
  'Subject',
  'Sensitivity',
  'Body',
  'Attachments',
  'DateTimeReceived',
  'Size',
  'DateTimeSent',
  'DateTimeCreated',
  'ResponseObjects',
  'HasAttachments',
  'Sender',
  'ToRecipients',
  'CcRecipients',
  'From',
  'IsReadReceiptRequested',
  'IsDeliveryReceiptRequested',
  'InternetMessageId',
  'IsRead',
  'IsAssociated',
  'Members',
  'EmailAddresses',
  'PhoneNumbers',
  'DisplayName',
  'FileAs',
  'CompanyName',
  'CompleteName',
  'Status',
  'DueDate',
  'PercentComplete',
  'Start',
  'End',
  'Location',
  'LegacyFreeBusyStatus',
  'Organizer',
  'CalendarItemType',
];
/** What a find and a feed never show. (EWS doc: property sets and response shapes) */
const notInLists: ReadonlySet<string> = new Set([
  'Body',
  'TextBody',
  'UniqueBody',
  'NormalizedBody',
  'Attachments',
  'MimeContent',
  'ToRecipients',
  'CcRecipients',
  'BccRecipients',
  'ReplyTo',
  'ResponseObjects',
  'InternetMessageHeaders',
  'Members',
  ...calendarNotInLists,
]);
const neverUnasked: ReadonlySet<string> = new Set([
  'MimeContent',
  'UniqueBody',
  'NormalizedBody',
  'TextBody',
  'StoreEntryId',
  'BccRecipients',
  ...calendarNeverUnasked,
]);

/** What one answer asks of each of its items, worked out once. */
export interface PreparedShape {
  readonly shape: ItemShape;
  readonly wanted: ReadonlySet<string> | 'all';
  readonly asked: ReadonlySet<string>;
  readonly extended: readonly (PropertyPath & { readonly kind: 'extended' })[];
  readonly headers: readonly string[];
  readonly inList: boolean;
}

export function prepareShape(shape: ItemShape, inList: boolean): PreparedShape {
  const asked = new Set<string>(['ItemId']);
  const extended: (PropertyPath & { readonly kind: 'extended' })[] = [];
  const headers: string[] = [];
  for (const path of shape.additional) {
    if (path.kind === 'extended') extended.push(path);
    else if (path.kind === 'indexed') {
      if (path.uri === 'item:InternetMessageHeader') {
        headers.push(path.index.toLowerCase());
        asked.add('InternetMessageHeaders');
      } else asked.add(indexedContainers[path.uri] ?? path.uri.slice(path.uri.indexOf(':') + 1));
    } else asked.add(path.uri.slice(path.uri.indexOf(':') + 1));
  }
  if (shape.mime) asked.add('MimeContent');
  const wanted =
    shape.base === 'AllProperties'
      ? ('all' as const)
      : new Set(shape.base === 'IdOnly' ? asked : [...asked, ...defaultFields]);
  return { shape, wanted, asked, extended, headers, inList };
}

/** An item as asked for. */
export async function writeItem(context: Context, item: Item, prepared: PreparedShape): Promise<Xml> {
  const mime = prepared.shape.mime && !prepared.inList ? await exportMime(item, context.world.rebuildMime) : null;
  return writeItemNow(context, item, prepared, mime);
}

/** The same without MIME, which lists do not have. */
export function writeItemNow(context: Context, item: Item, prepared: PreparedShape, mime: Buffer | null = null): Xml {
  const name = itemElementOf(item.itemClass);
  const parts: Xml[] = [`<t:${name}>`];
  for (const field of context.schema.order(itemTypes[name] ?? 't:ItemType')) {
    if (field === 'ExtendedProperty') {
      for (const path of prepared.extended)
        parts.push(writeExtended(path, propertyOf(item, path.key), context.precise));
      continue;
    }
    const asked = prepared.asked.has(field);
    if (!asked && (prepared.wanted === 'all' ? neverUnasked.has(field) : !prepared.wanted.has(field))) continue;
    if (prepared.inList && notInLists.has(field)) continue;
    if (field === 'MimeContent') {
      if (mime !== null) parts.push('<t:MimeContent CharacterSet="UTF-8">', base64(mime), '</t:MimeContent>');
    } else parts.push(writeField(context, item, field, prepared));
  }
  parts.push(`</t:${name}>`);
  return parts;
}

function mailboxXml({ name, address }: Address): string {
  return `<t:Mailbox>${t('Name', name || address)}${address === '' ? '' : t('EmailAddress', address)}<t:RoutingType>${address.startsWith('/') ? 'EX' : 'SMTP'}</t:RoutingType></t:Mailbox>`;
}
const single = (name: string, address: Address | null): Xml =>
  address === null ? '' : `<t:${name}>${mailboxXml(address)}</t:${name}>`;
const several = (name: string, list: readonly Address[]): Xml =>
  list.length === 0 ? '' : `<t:${name}>${list.map(mailboxXml).join('')}</t:${name}>`;

/** The body in the form asked for. */
export function bodyFor(item: Item, wanted: 'Best' | 'HTML' | 'Text'): Body {
  const { content } = item;
  const body =
    content.body ??
    (content.mime === null
      ? { type: 'Text' as const, text: '' }
      : bodyOf(content.mime, wanted === 'Text' ? 'text' : 'best'));
  if (wanted === 'Text' && body.type === 'HTML')
    return {
      type: 'Text',
      text: body.text
        .replace(/<style[\s\S]*?<\/style>/gi, '')
        .replace(/<[^>]*>/g, '')
        .replace(/&nbsp;/g, ' ')
        .replace(/&lt;/g, '<')
        .replace(/&gt;/g, '>')
        .replace(/&amp;/g, '&'),
    };
  if (wanted === 'HTML' && body.type === 'Text')
    return { type: 'HTML', text: `<html><body><pre>${esc(body.text)}</pre></body></html>` };
  return body;
}

export const attachmentsFor = (item: Item): readonly Attachment[] =>
  item.content.attachments ?? (item.content.mime === null ? [] : attachmentsOf(item.content.mime));

/** Attachment ids are the item's with a number behind it. */
export const attachmentIdOf = (item: Item, no: number): string =>
  `${itemIdOf(item)}${Buffer.from([0x41, no >> 8, no & 0xff]).toString('base64')}`;

export function attachmentXml(context: Context, item: Item, attachment: Attachment, withContent: boolean): Xml {
  const recent = context.version !== '2007';
  const element = attachment.itemXml === null ? 'FileAttachment' : 'ItemAttachment';
  return [
    `<t:${element}><t:AttachmentId Id="${attachmentIdOf(item, attachment.no)}"/>${t('Name', attachment.name)}`,
    attachment.itemXml === null ? t('ContentType', attachment.contentType) : '',
    attachment.contentId === null ? '' : t('ContentId', attachment.contentId),
    recent
      ? `<t:Size>${attachment.content.length}</t:Size><t:LastModifiedTime>${dateTime(item.modifiedAtMs)}</t:LastModifiedTime><t:IsInline>${attachment.isInline}</t:IsInline>`
      : '',
    withContent
      ? attachment.itemXml === null
        ? ['<t:Content>', base64(attachment.content), '</t:Content>']
        : attachment.itemXml
      : '',
    `</t:${element}>`,
  ];
}

function writeField(context: Context, item: Item, field: string, prepared: PreparedShape): Xml {
  const { content } = item;
  const textField = (at: string): Xml => {
    const value = item.text(at);
    return value === null ? '' : t(field, value);
  };
  const timeField = (at: string): Xml => {
    const value = item.number(at);
    return value === null ? '' : t(field, dateTime(value, context.precise));
  };
  const isMessage = (): number => messageFlagsOf(item);
  const typed = content.typed.get(field);
  if (typed !== undefined) return typed;
  const ofCalendar = writeMeetingField(item, field) ?? writeCalendarField(context, item, field);
  if (ofCalendar !== null) return ofCalendar;
  switch (field) {
    case 'ItemId':
      return itemIdXml(item);
    case 'ParentFolderId':
      return folderIdXml(item.folder, 'ParentFolderId');
    case 'ItemClass':
      return t('ItemClass', item.itemClass);
    case 'Subject':
      return textField(key.subject);
    case 'Sensitivity':
      return t('Sensitivity', sensitivities[item.number(key.sensitivity) ?? 0] ?? 'Normal');
    case 'Body': {
      const body = bodyFor(item, prepared.shape.bodyType);
      return `<t:Body BodyType="${body.type}">${esc(body.text)}</t:Body>`;
    }
    case 'TextBody':
      return `<t:TextBody BodyType="Text">${esc(bodyFor(item, 'Text').text)}</t:TextBody>`;
    case 'Attachments': {
      const attachments = attachmentsFor(item);
      return attachments.length === 0
        ? ''
        : [
            '<t:Attachments>',
            attachments.map((attachment) => attachmentXml(context, item, attachment, false)),
            '</t:Attachments>',
          ];
    }
    case 'DateTimeReceived':
      return timeField(key.receivedAt);
    case 'Size':
      return t('Size', item.sizeBytes);
    case 'Categories': {
      const list = content.properties.get(key.keywords)?.value;
      return Array.isArray(list) && list.length > 0
        ? `<t:Categories>${list.map((one) => t('String', String(one))).join('')}</t:Categories>`
        : '';
    }
    case 'Importance':
      return t('Importance', importances[item.number(key.importance) ?? 1] ?? 'Normal');
    case 'InReplyTo':
      return textField(key.inReplyTo);
    case 'IsSubmitted':
      return t(field, (isMessage() & messageFlag.submit) !== 0);
    case 'IsDraft':
      return t(field, (isMessage() & messageFlag.unsent) !== 0);
    case 'IsFromMe':
      return t(field, (isMessage() & messageFlag.fromMe) !== 0);
    case 'IsResend':
      return t(field, (isMessage() & messageFlag.resend) !== 0);
    case 'IsUnmodified':
      return t(field, (isMessage() & messageFlag.unmodified) !== 0);
    case 'InternetMessageHeaders': {
      if (content.mime === null) return '';
      const fields = headerFields(content.mime).filter(
        ({ name }) => prepared.headers.length === 0 || prepared.headers.includes(name.toLowerCase()),
      );
      return fields.length === 0
        ? ''
        : `<t:InternetMessageHeaders>${fields.map(({ name, value }) => `<t:InternetMessageHeader HeaderName="${esc(name)}">${esc(value)}</t:InternetMessageHeader>`).join('')}</t:InternetMessageHeaders>`;
    }
    case 'DateTimeSent':
      return timeField(key.sentAt);
    case 'DateTimeCreated':
      return t(field, dateTime(item.createdAtMs, context.precise));
    case 'ResponseObjects': {
      if ((item.flags & messageFlag.unsent) !== 0 || itemElementOf(item.itemClass) !== 'Message') return '';
      const suppress = item.receiptPending ? '<t:SuppressReadReceipt/>' : '';
      return `<t:ResponseObjects><t:ReplyToItem/><t:ReplyAllToItem/><t:ForwardItem/>${suppress}</t:ResponseObjects>`;
    }
    case 'ReminderIsSet':
      return t(field, content.properties.get(key.reminderSet)?.value === true);
    case 'DisplayCc':
      return t(field, item.text(key.displayCc) ?? '');
    case 'DisplayTo':
      return t(field, item.text(key.displayTo) ?? '');
    case 'HasAttachments':
      return t(field, (isMessage() & messageFlag.hasAttach) !== 0);
    case 'Culture':
      return t(field, 'en-US');
    case 'LastModifiedName':
      return t(field, item.modifiedBy);
    case 'LastModifiedTime':
      return t(field, dateTime(item.modifiedAtMs, context.precise));
    case 'IsAssociated':
      return t(field, item.associated);
    case 'Flag': {
      const status = flagStatuses[item.number(key.flagStatus) ?? 0] ?? 'NotFlagged';
      const at = (name: string, from: string): string => {
        const value = item.number(from);
        return value === null ? '' : t(name, dateTime(value, context.precise));
      };
      const dates =
        status === 'Flagged'
          ? at('StartDate', key.flagStartAt) + at('DueDate', key.flagDueAt)
          : status === 'Complete'
            ? at('CompleteDate', key.flagCompletedAt)
            : '';
      return `<t:Flag><t:FlagStatus>${status}</t:FlagStatus>${dates}</t:Flag>`;
    }
    case 'InstanceKey':
    case 'StoreEntryId':
      return t(field, Buffer.from(itemIdOf(item), 'base64').toString('base64'));
    case 'Sender':
      return single(field, content.from);
    case 'From':
      return single(field, content.from);
    case 'ToRecipients':
      return several(field, content.to);
    case 'CcRecipients':
      return several(field, content.cc);
    case 'BccRecipients':
      return several(field, content.bcc);
    case 'IsReadReceiptRequested':
      return t(field, content.properties.get(key.readReceiptRequested)?.value === true);
    case 'IsDeliveryReceiptRequested':
      return t(field, content.properties.get(key.deliveryReportRequested)?.value === true);
    case 'ConversationIndex':
      return textField(key.conversationIndex);
    case 'ConversationTopic':
      return textField(key.conversationTopic);
    case 'InternetMessageId':
      return textField(key.messageId);
    case 'IsRead':
      return t(field, item.isRead);
    case 'IsResponseRequested':
      return t(field, false);
    case 'References':
      return textField(key.references);
    case 'HasPicture':
      return ewsVersions.indexOf(context.version) > 0 ? t(field, false) : '';
    default:
      return '';
  }
}
