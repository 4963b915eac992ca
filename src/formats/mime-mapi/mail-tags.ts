import { type MapiProperty, propertySets } from '#model/property-row.ts';

/** Properties of a message that a header or a part stands for ([MS-OXCMAIL] 2.1). Those a person changes are in `mailProperties`. */
export const mailTags = {
  messageClass: { tag: 0x001a, type: 'string' },
  subject: { tag: 0x0037, type: 'string' },
  subjectPrefix: { tag: 0x003d, type: 'string' },
  normalizedSubject: { tag: 0x0e1d, type: 'string' },
  transportHeaders: { tag: 0x007d, type: 'string' },
  sentAt: { tag: 0x0039, type: 'time' },
  receivedAt: { tag: 0x0e06, type: 'time' },
  messageFlags: { tag: 0x0e07, type: 'integer' },
  importance: { tag: 0x0017, type: 'integer' },
  priority: { tag: 0x0026, type: 'integer' },
  sensitivity: { tag: 0x0036, type: 'integer' },
  readReceipt: { tag: 0x0029, type: 'boolean' },
  deliveryReport: { tag: 0x0023, type: 'boolean' },
  expiresAt: { tag: 0x0015, type: 'time' },
  replyBy: { tag: 0x0030, type: 'time' },
  conversationTopic: { tag: 0x0070, type: 'string' },
  conversationIndex: { tag: 0x0071, type: 'binary' },
  messageId: { tag: 0x1035, type: 'string' },
  inReplyTo: { tag: 0x1042, type: 'string' },
  references: { tag: 0x1039, type: 'string' },
  listHelp: { tag: 0x1043, type: 'string' },
  listSubscribe: { tag: 0x1044, type: 'string' },
  listUnsubscribe: { tag: 0x1045, type: 'string' },
  replyToEntries: { tag: 0x004f, type: 'binary' },
  replyToNames: { tag: 0x0050, type: 'string' },
  text: { tag: 0x1000, type: 'string' },
  html: { tag: 0x1013, type: 'binary' },
  codePage: { tag: 0x3fde, type: 'integer' },
  /** 1 plain text, 3 HTML ([MS-OXCMSG] 2.2.1.56.2). */
  nativeBody: { tag: 0x1016, type: 'integer' },
  keywords: { set: propertySets.publicStrings, name: 'Keywords', type: 'strings' },
  flagRequest: { set: propertySets.common, lid: 0x8530, type: 'string' },
  /** All attachments are shown within the body, so that a list shows no paper clip ([MS-OXCMSG] 2.2.1.14). */
  noPaperClip: { set: propertySets.common, lid: 0x8514, type: 'boolean' },
} as const satisfies Record<string, MapiProperty>;

/** Of an attachment ([MS-OXCMSG] 2.2.2, [MS-OXCMAIL] 2.1.3.4). */
export const attachmentTags = {
  method: { tag: 0x3705, type: 'integer' },
  displayName: { tag: 0x3001, type: 'string' },
  fileName: { tag: 0x3707, type: 'string' },
  shortFileName: { tag: 0x3704, type: 'string' },
  extension: { tag: 0x3703, type: 'string' },
  contentType: { tag: 0x370e, type: 'string' },
  contentId: { tag: 0x3712, type: 'string' },
  contentLocation: { tag: 0x3713, type: 'string' },
  contentBase: { tag: 0x3711, type: 'string' },
  disposition: { tag: 0x3716, type: 'string' },
  charset: { tag: 0x371b, type: 'string' },
  rendering: { tag: 0x370b, type: 'integer' },
  /** Bit 4: shown in the body ([MS-OXCMSG] 2.2.2.18). */
  flags: { tag: 0x3714, type: 'integer' },
  isHidden: { tag: 0x7ffe, type: 'boolean' },
} as const satisfies Record<string, MapiProperty>;

/** PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9). */
export const attachMethods = { byValue: 1, embeddedMessage: 5 } as const;
export const shownInBody = 0x4;
/** Of the file that what was signed is kept in ([MS-OXOSMIME] 2.1.3.1). */
export const signedName = 'smime.p7m';

/** Columns of a recipient ([MS-OXCMSG] 2.2.1.47, [MS-OXOMSG] 2.2.1). */
export const recipientTags = {
  /** 1 To, 2 Cc, 3 Bcc; bits above are of the state of the row. */
  kind: { tag: 0x0c15, type: 'integer' },
  name: { tag: 0x3001, type: 'string' },
  addressType: { tag: 0x3002, type: 'string' },
  address: { tag: 0x3003, type: 'string' },
  smtp: { tag: 0x39fe, type: 'string' },
  shownName: { tag: 0x5ff6, type: 'string' },
  entryId: { tag: 0x0fff, type: 'binary' },
  searchKey: { tag: 0x300b, type: 'binary' },
  objectType: { tag: 0x0ffe, type: 'integer' },
  displayType: { tag: 0x3900, type: 'integer' },
  flags: { tag: 0x5ffd, type: 'integer' },
} as const satisfies Record<string, MapiProperty>;
export const recipientKinds = { to: 1, cc: 2, bcc: 3 } as const;

/** Who wrote, and who sent for him ([MS-OXOMSG] 2.2.1.48 to 2.2.1.58). */
export const personTags = {
  from: { name: 0x0042, type: 0x0064, address: 0x0065, smtp: 0x5d02, entryId: 0x0041, searchKey: 0x003b },
  sender: { name: 0x0c1a, type: 0x0c1e, address: 0x0c1f, smtp: 0x5d01, entryId: 0x0c19, searchKey: 0x0c1d },
} as const;
