import { createHash } from 'node:crypto';
import { parseAddresses } from '#formats/text/mime-header.ts';
import { messageFlagsOf } from '../ews/item-property.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Item } from '../world/item.ts';
import { key, messageFlag } from '../world/property.ts';
import { headerFields } from '../world/read-message.ts';
import { attachmentJson } from './attachment-shape.ts';
import { select, subjectOf, texts } from './collection.ts';
import type { Context } from './context.ts';
import { extendedJson, withExtended } from './extended-json.ts';
import {
  attachmentsOfItem,
  bodyFor,
  bodyJson,
  changeKeyOf,
  etagOf,
  flagOf,
  isoTime,
  previewOf,
  propertyOfItem,
  recipientJson,
  textsOf,
} from './item-values.ts';
import type { FilterSubject, FilterValue } from './odata-filter.ts';
import type { Query } from './odata-query.ts';
import { idOfFolder } from './rest-ids.ts';
import type { Json } from './route.ts';

export const importances = ['low', 'normal', 'high'] as const;
export const flagStatuses = ['notFlagged', 'complete', 'flagged'] as const;

/** Which entity a message is. (eventMessage resource) */
function typeOf(item: Item): string | null {
  const name = item.itemClass.toLowerCase();
  if (name.startsWith('ipm.schedule.meeting.request')) return '#microsoft.graph.eventMessageRequest';
  if (name.startsWith('ipm.schedule.meeting.resp')) return '#microsoft.graph.eventMessageResponse';
  if (name.startsWith('ipm.schedule.meeting')) return '#microsoft.graph.eventMessage';
  return null;
}
const meetingTypes: readonly (readonly [string, string])[] = [
  ['ipm.schedule.meeting.request', 'meetingRequest'],
  ['ipm.schedule.meeting.canceled', 'meetingCancelled'],
  ['ipm.schedule.meeting.resp.pos', 'meetingAccepted'],
  ['ipm.schedule.meeting.resp.tent', 'meetingTenativelyAccepted'],
  ['ipm.schedule.meeting.resp.neg', 'meetingDeclined'],
];

export const isDraft = (item: Item): boolean => (item.flags & messageFlag.unsent) !== 0;

const timeOf = (item: Item, at: string): string | null => {
  const ms = item.number(at);
  return ms === null ? null : isoTime(ms);
};

function flagJson(item: Item): unknown {
  const status = flagStatuses[item.number(key.flagStatus) ?? 0] ?? 'notFlagged';
  const date = (at: string): unknown => {
    const ms = item.number(at);
    return ms === null ? undefined : { dateTime: new Date(ms).toISOString().replace('Z', '0000'), timeZone: 'UTC' };
  };
  return {
    flagStatus: status,
    ...(status === 'flagged' ? { startDateTime: date(key.flagStartAt), dueDateTime: date(key.flagDueAt) } : {}),
    ...(status === 'complete' ? { completedDateTime: date(key.flagCompletedAt) } : {}),
  };
}

const conversationIdOf = (item: Item): string =>
  `AAQk${createHash('sha256')
    .update(`${item.folder.mailbox.guid} ${(item.text(key.conversationTopic) ?? '').toLowerCase()}`)
    .digest('base64url')
    .slice(0, 40)}=`;

function replyToOf(item: Item): readonly unknown[] {
  const headers = item.content.mime === null ? null : headerFields(item.content.mime);
  const field = headers?.find(({ name }) => name.toLowerCase() === 'reply-to')?.value;
  return field === undefined ? [] : parseAddresses(field).map(({ name, address }) => recipientJson({ name, address }));
}

/** Header fields, only shown when selected. (message: internetMessageHeaders) */
function headersOf(item: Item): readonly unknown[] | null {
  const { mime } = item.content;
  const text = item.text(key.headers);
  const fields =
    mime !== null ? headerFields(mime) : text === null ? null : headerFields(Buffer.from(`${text}\r\n\r\n`));
  return fields === null || isDraft(item) ? null : fields.map(({ name, value }) => ({ name, value }));
}

type Field = (item: Item, context: Context) => unknown;

/** Properties in the order in which answers have them. (fixtures: message-get) */
const fields: Readonly<Record<string, Field>> = {
  createdDateTime: (item) => isoTime(item.createdAtMs),
  lastModifiedDateTime: (item) => isoTime(item.modifiedAtMs),
  changeKey: changeKeyOf,
  categories: (item) => textsOf(item, key.keywords),
  receivedDateTime: (item) => timeOf(item, key.receivedAt) ?? isoTime(item.createdAtMs),
  sentDateTime: (item) => timeOf(item, key.sentAt) ?? isoTime(item.createdAtMs),
  hasAttachments: (item) => (messageFlagsOf(item) & messageFlag.hasAttach) !== 0,
  internetMessageId: (item) => item.text(key.messageId),
  subject: (item) => item.text(key.subject) ?? '',
  bodyPreview: previewOf,
  importance: (item) => importances[item.number(key.importance) ?? 1] ?? 'normal',
  parentFolderId: (item) => idOfFolder(item.folder),
  conversationId: conversationIdOf,
  conversationIndex: (item) => item.text(key.conversationIndex),
  isDeliveryReceiptRequested: (item) => flagOf(item, key.deliveryReportRequested),
  isReadReceiptRequested: (item) => flagOf(item, key.readReceiptRequested),
  isRead: (item) => item.isRead,
  isDraft,
  webLink: (item, context) =>
    `https://outlook.office365.com/owa/?ItemID=${encodeURIComponent(context.idOf(item))}&exvsurl=1&viewmodel=ReadMessageItem`,
  inferenceClassification: () => 'focused',
  body: (item, context) => bodyJson(bodyFor(item, context.prefer.bodyType ?? 'html')),
  sender: ({ content }) => (content.from === null ? null : recipientJson(content.from)),
  from: ({ content }) => (content.from === null ? null : recipientJson(content.from)),
  toRecipients: ({ content }) => content.to.map(recipientJson),
  ccRecipients: ({ content }) => content.cc.map(recipientJson),
  bccRecipients: ({ content }) => content.bcc.map(recipientJson),
  replyTo: replyToOf,
  flag: flagJson,
};
/** Shown when they are selected by name. */
const onDemand: Readonly<Record<string, Field>> = {
  internetMessageHeaders: headersOf,
  uniqueBody: (item, context) => bodyJson(bodyFor(item, context.prefer.bodyType ?? 'html')),
};

function meetingJson(item: Item): Json {
  const lower = item.itemClass.toLowerCase();
  const kind = meetingTypes.find(([prefix]) => lower.startsWith(prefix))?.[1] ?? 'none';
  const zoned = (at: string): unknown => {
    const ms = item.number(at);
    return ms === null ? null : { dateTime: new Date(ms).toISOString().replace('Z', '0000'), timeZone: 'UTC' };
  };
  return {
    meetingMessageType: kind,
    isOutOfDate: false,
    isAllDay: flagOf(item, calendarKey.allDay),
    isDelegated: false,
    startDateTime: zoned(calendarKey.start),
    endDateTime: zoned(calendarKey.end),
    type: 'singleInstance',
  };
}

/** A message as JSON, as far as the query asks for it. */
export function messageJson(context: Context, item: Item, query: Query): Json {
  const wanted = query.select === null ? null : new Set([...query.select].map((name) => name.toLowerCase()));
  const type = typeOf(item);
  const json: Record<string, unknown> = {
    ...(type === null ? {} : { '@odata.type': type }),
    '@odata.etag': etagOf(item),
    id: context.idOf(item),
  };
  for (const [name, field] of Object.entries(fields))
    if (wanted === null || wanted.has(name.toLowerCase())) json[name] = field(item, context);
  if (wanted !== null)
    for (const [name, field] of Object.entries(onDemand)) {
      const value = wanted.has(name.toLowerCase()) ? field(item, context) : null;
      if (value !== null) json[name] = value;
    }
  if (type !== null) Object.assign(json, select(meetingJson(item), query));
  if (query.expand.has('attachments'))
    json['attachments'] = attachmentsOfItem(item).map((one) =>
      attachmentJson(context, item, one, query.expand.get('attachments')?.select ?? null),
    );
  return { ...json, ...extendedJson(query.expand, (at) => propertyOfItem(item, at)) };
}

const address = (
  person: { readonly name: string; readonly address: string } | null,
  part: 'name' | 'address',
): FilterValue => (person === null ? null : part === 'name' ? person.name || person.address : person.address);

/** What messages are filtered and sorted by. */
export function messageSubject(item: Item): FilterSubject {
  const base = subjectOf(
    {
      receivedDateTime: () => timeOf(item, key.receivedAt) ?? isoTime(item.createdAtMs),
      sentDateTime: () => timeOf(item, key.sentAt) ?? isoTime(item.createdAtMs),
      createdDateTime: () => isoTime(item.createdAtMs),
      lastModifiedDateTime: () => isoTime(item.modifiedAtMs),
      subject: () => item.text(key.subject) ?? '',
      isRead: () => item.isRead,
      isDraft: () => isDraft(item),
      hasAttachments: () => (messageFlagsOf(item) & messageFlag.hasAttach) !== 0,
      importance: () => importances[item.number(key.importance) ?? 1] ?? 'normal',
      internetMessageId: () => item.text(key.messageId),
      conversationId: () => conversationIdOf(item),
      parentFolderId: () => idOfFolder(item.folder),
      'from/emailAddress/address': () => address(item.content.from, 'address'),
      'from/emailAddress/name': () => address(item.content.from, 'name'),
      'sender/emailAddress/address': () => address(item.content.from, 'address'),
      'flag/flagStatus': () => flagStatuses[item.number(key.flagStatus) ?? 0] ?? 'notFlagged',
    },
    { categories: () => texts(textsOf(item, key.keywords)) },
  );
  return withExtended(item, base);
}
