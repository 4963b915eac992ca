import type { MailFields, MailStateField } from './mail.ts';
import { propertySets, type PropertyRow } from './property-row.ts';

const { task, common, publicStrings, calendarAssistant } = propertySets;

/**
 * The property table of mail: one row per canonical field, one column per protocol. Connectors read it for their field lists
 * and conversions, `verify` for what to compare, the docs for what is carried. It is the only place where a protocol name of a
 * mail field is written.
 */
export const mailProperties = {
  isRead: {
    carriage: 'state', ews: 'message:IsRead', mapi: { tag: 0x0e07, type: 'integer' }, graph: 'isRead', dav: 'urn:schemas:httpmail:read',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.6', sample: [false, true],
    note: 'Setting it sends a read receipt that was asked for, unless suppressed.',
  },
  flagStatus: {
    carriage: 'state', ews: null, mapi: { tag: 0x1090, type: 'integer' }, graph: null, dav: 'http://schemas.microsoft.com/mapi/flagstatus',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOFLAG] 2.2.1.1', sample: [0, 1, 2],
  },
  flagCompletedAt: {
    carriage: 'state', ews: null, mapi: { tag: 0x1091, type: 'time' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOFLAG] 2.2.1.3', sample: [null, 1_700_000_000_000],
  },
  flagRequest: {
    carriage: 'state', ews: null, mapi: { set: common, lid: 0x8530, type: 'string' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOFLAG] 2.2.1.9', sample: [null, 'Follow up', 'Rückruf'],
  },
  flagStartAt: {
    carriage: 'state', ews: null, mapi: { set: task, lid: 0x8104, type: 'time' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOTASK] 2.2.2.2.4', sample: [null, 1_699_920_000_000],
  },
  flagDueAt: {
    carriage: 'state', ews: null, mapi: { set: task, lid: 0x8105, type: 'time' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOTASK] 2.2.2.2.5', sample: [null, 1_700_006_400_000],
  },
  flagColour: {
    carriage: 'state', ews: null, mapi: { tag: 0x1095, type: 'integer' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOFLAG] 2.2.1.2', sample: [null, 1, 6],
  },
  toDoFlags: {
    carriage: 'state', ews: null, mapi: { tag: 0x0e2b, type: 'integer' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOFLAG] 2.2.1.6', sample: [null, 1, 8],
  },
  categories: {
    carriage: 'state', ews: 'item:Categories', mapi: { set: publicStrings, name: 'Keywords', type: 'strings' }, graph: 'categories',
    dav: 'urn:schemas-microsoft-com:office:office#Keywords',
    readFrom: 'feed', merge: 'set', source: '[MS-OXCMSG] 2.2.1.17', sample: [[], ['Red category'], ['Projekt Ä', 'b; c']],
  },
  importance: {
    carriage: 'state', ews: 'item:Importance', mapi: { tag: 0x0017, type: 'integer' }, graph: 'importance', dav: 'urn:schemas:httpmail:importance',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.11', sample: ['low', 'normal', 'high'],
  },
  sensitivity: {
    carriage: 'state', ews: 'item:Sensitivity', mapi: { tag: 0x0036, type: 'integer' }, graph: null, dav: 'http://schemas.microsoft.com/exchange/sensitivity',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.13', sample: ['normal', 'personal', 'private', 'confidential'],
  },
  lastVerb: {
    carriage: 'state', ews: null, mapi: { tag: 0x1081, type: 'integer' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.7', sample: [null, 102, 103, 104],
  },
  lastVerbAt: {
    carriage: 'state', ews: null, mapi: { tag: 0x1082, type: 'time' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.8', sample: [null, 1_700_000_100_000],
  },
  iconIndex: {
    carriage: 'state', ews: null, mapi: { tag: 0x1080, type: 'integer' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.10', sample: [null, 0x105, 0x106],
  },
  itemClass: {
    carriage: 'fact', ews: 'item:ItemClass', mapi: { tag: 0x001a, type: 'string' }, graph: null, dav: 'http://schemas.microsoft.com/exchange/outlookmessageclass',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.3', sample: ['IPM.Note', 'REPORT.IPM.Note.NDR', 'IPM.Schedule.Meeting.Request', 'IPM.Note.SMIME'],
  },
  messageFlags: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0e07, type: 'integer' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.6', sample: [0, 1, 8, 9],
    note: 'Only the create request can clear UNSENT. Exchange 2007 takes the property but behaves as if it were 0.',
  },
  sentAt: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0039, type: 'time' }, graph: null, dav: 'urn:schemas:httpmail:date',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.3.11', sample: [null, 1_600_000_000_000, -11_644_473_600_000],
  },
  receivedAt: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0e06, type: 'time' }, graph: null, dav: 'urn:schemas:httpmail:datereceived',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.3.9', sample: [null, 1_600_000_005_000, -11_644_473_600_000],
  },
  subject: {
    carriage: 'server', ews: 'item:Subject', mapi: { tag: 0x0037, type: 'string' }, graph: 'subject', dav: 'urn:schemas:httpmail:subject',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.46', sample: [null, 'Grüße', 'Re: Re: plan'],
    note: 'Travels inside the MIME.',
  },
  internetMessageId: {
    carriage: 'server', ews: null, mapi: { tag: 0x1035, type: 'string' }, graph: 'internetMessageId', dav: 'urn:schemas:mailheader:message-id',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.12', sample: [null, '<1@example.test>'],
    note: 'Travels inside the MIME. Missing on drafts, may be doubled: no identity by itself.',
  },
  searchKey: {
    carriage: 'server', ews: null, mapi: { tag: 0x300b, type: 'binary' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCPRPT] 2.2.1.9', sample: [null, '00112233445566778899aabbccddeeff'],
    note: 'Shared by all copies of a message inside one store; read-only for clients.',
  },
  conversationIndex: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0071, type: 'binary' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.3', sample: [null, 'AQHZ8w=='],
  },
  conversationTopic: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0070, type: 'string' }, graph: null, dav: 'urn:schemas:httpmail:thread-topic',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.5', sample: [null, 'plan'],
  },
  expiresAt: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0015, type: 'time' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.3.7', sample: [null, 1_800_000_000_000],
  },
  replyBy: {
    carriage: 'fact', ews: null, mapi: { tag: 0x0030, type: 'time' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOFLAG] 2.2.3.1', sample: [null, 1_800_000_000_000],
  },
  votingOptions: {
    carriage: 'fact', ews: null, mapi: { set: common, lid: 0x8520, type: 'binary' }, graph: null, dav: null,
    readFrom: 'item', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.74', sample: [null, 'AgEEAAAA'],
  },
  votingResponse: {
    carriage: 'fact', ews: null, mapi: { set: common, lid: 0x8524, type: 'string' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.75', sample: [null, 'Yes'],
  },
  processed: {
    carriage: 'fact', ews: null, mapi: { tag: 0x7d01, type: 'boolean' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOCAL] 2.2.5.7', sample: [null, true],
  },
  serverProcessed: {
    carriage: 'fact', ews: null, mapi: { set: calendarAssistant, lid: 0x85cc, type: 'boolean' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOCAL] 2.2.5.4', sample: [null, true],
  },
  readReceiptRequested: {
    carriage: 'server', ews: 'message:IsReadReceiptRequested', mapi: { tag: 0x0029, type: 'boolean' }, graph: 'isReadReceiptRequested', dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXOMSG] 2.2.1.20', sample: [false, true],
    note: 'Travels inside the MIME as Disposition-Notification-To.',
  },
  hasAttachments: {
    carriage: 'server', ews: 'item:HasAttachments', mapi: { tag: 0x0e1b, type: 'boolean' }, graph: 'hasAttachments', dav: 'urn:schemas:httpmail:hasattachment',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.2', sample: [false, true],
  },
  sizeBytes: {
    carriage: 'server', ews: 'item:Size', mapi: { tag: 0x0e08, type: 'integer' }, graph: null, dav: 'DAV:getcontentlength',
    readFrom: 'feed', unit: 'bytes', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.7', sample: [0, 4096],
  },
  createdAt: {
    carriage: 'server', ews: 'item:DateTimeCreated', mapi: { tag: 0x3007, type: 'time' }, graph: 'createdDateTime', dav: 'DAV:creationdate',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.2.3', sample: [null, 1_600_000_010_000],
  },
  modifiedAt: {
    carriage: 'server', ews: null, mapi: { tag: 0x3008, type: 'time' }, graph: 'lastModifiedDateTime', dav: 'DAV:getlastmodified',
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.2.2', sample: [null, 1_600_000_020_000],
  },
  retentionTag: {
    carriage: 'reported', ews: null, mapi: { tag: 0x3019, type: 'binary' }, graph: null, dav: null,
    readFrom: 'feed', merge: 'scalar', source: '[MS-OXCMSG] 2.2.1.58.1', sample: [null, 'ABEiM0RVZneImaq7zN3u/w=='],
    note: 'The tag of one organization names no policy in another; its removal date could delete the copy on arrival.',
  },
} as const satisfies { readonly [F in keyof MailFields]: PropertyRow<MailFields[F]> };

export type MailField = keyof typeof mailProperties;

export const mailFields = Object.keys(mailProperties) as readonly MailField[];
export const mailStateFields = mailFields.filter((f) => mailProperties[f].carriage === 'state') as readonly MailStateField[];
