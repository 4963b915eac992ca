/** MAPI property types by their EWS names (`MapiPropertyTypeType`); arrays end in `Array`. */
export type PropertyType = string;

export type PropertyValue = string | number | boolean | readonly (string | number | boolean)[];

/**
 * One property of an item or folder. Times are UTC milliseconds, binaries base64 text, 64-bit integers text; the rest is what
 * one expects.
 */
export interface Property {
  readonly type: PropertyType;
  readonly value: PropertyValue;
}

/** Identifies a property: `0x0e07`, `{set}/0x8503` or `{set}/Keywords`, sets in lower case. */
export type PropertyKey = string;

export const tagKey = (tag: number): PropertyKey => `0x${tag.toString(16).padStart(4, '0')}`;
export const lidKey = (set: string, lid: number): PropertyKey => `${set}/0x${lid.toString(16).padStart(4, '0')}`;
export const nameKey = (set: string, name: string): PropertyKey =>
  `${set}/${set === sets.InternetHeaders ? name.toLowerCase() : name}`;

/** Well-known property sets by `DistinguishedPropertySetId`. [MS-OXPROPS] 1.3.2 */
export const sets = {
  Meeting: '6ed8da90-450b-101b-98da-00aa003f1305',
  Appointment: '00062002-0000-0000-c000-000000000046',
  Common: '00062008-0000-0000-c000-000000000046',
  PublicStrings: '00020329-0000-0000-c000-000000000046',
  Address: '00062004-0000-0000-c000-000000000046',
  InternetHeaders: '00020386-0000-0000-c000-000000000046',
  CalendarAssistant: '11000e07-b51b-40d6-af21-caa85edab1d0',
  UnifiedMessaging: '4442858e-a9e3-4e80-b900-317a210cc15b',
  Task: '00062003-0000-0000-c000-000000000046',
  Sharing: '00062040-0000-0000-c000-000000000046',
} as const;

/** Keys that the lab itself reads or writes. */
export const key = {
  importance: tagKey(0x0017),
  itemClass: tagKey(0x001a),
  readReceiptRequested: tagKey(0x0029),
  deliveryReportRequested: tagKey(0x0023),
  sensitivity: tagKey(0x0036),
  subject: tagKey(0x0037),
  sentAt: tagKey(0x0039),
  conversationTopic: tagKey(0x0070),
  conversationIndex: tagKey(0x0071),
  headers: tagKey(0x007d),
  receivedAt: tagKey(0x0e06),
  messageFlags: tagKey(0x0e07),
  size: tagKey(0x0e08),
  hasAttachments: tagKey(0x0e1b),
  normalizedSubject: tagKey(0x0e1d),
  displayBcc: tagKey(0x0e02),
  displayCc: tagKey(0x0e03),
  displayTo: tagKey(0x0e04),
  articleNumber: tagKey(0x0e23),
  entryId: tagKey(0x0fff),
  recordKey: tagKey(0x0ff9),
  body: tagKey(0x1000),
  htmlBody: tagKey(0x1013),
  messageId: tagKey(0x1035),
  references: tagKey(0x1039),
  inReplyTo: tagKey(0x1042),
  iconIndex: tagKey(0x1080),
  lastVerb: tagKey(0x1081),
  lastVerbAt: tagKey(0x1082),
  flagStatus: tagKey(0x1090),
  flagCompletedAt: tagKey(0x1091),
  urlName: tagKey(0x10f3),
  hidden: tagKey(0x10f4),
  displayName: tagKey(0x3001),
  createdAt: tagKey(0x3007),
  modifiedAt: tagKey(0x3008),
  searchKey: tagKey(0x300b),
  contentCount: tagKey(0x3602),
  unreadCount: tagKey(0x3603),
  subfolders: tagKey(0x360a),
  containerClass: tagKey(0x3613),
  creatorName: tagKey(0x3ff8),
  modifierName: tagKey(0x3ffa),
  sourceKey: tagKey(0x65e0),
  parentSourceKey: tagKey(0x65e1),
  changeKey: tagKey(0x65e2),
  changeList: tagKey(0x65e3),
  localCommitAt: tagKey(0x670a),
  deletedCount: tagKey(0x670b),
  senderName: tagKey(0x0c1a),
  senderAddress: tagKey(0x0c1f),
  keywords: nameKey(sets.PublicStrings, 'Keywords'),
  flagRequest: lidKey(sets.Common, 0x8530),
  flagStartAt: lidKey(sets.Task, 0x8104),
  flagDueAt: lidKey(sets.Task, 0x8105),
  reminderSet: lidKey(sets.Common, 0x8503),
} as const;

/**
 * Properties that belong to the server: values that clients send for them are taken without a complaint and come to nothing.
 * What real servers do is not published (assumed).
 */
export const serverOwned: ReadonlySet<PropertyKey> = new Set([
  key.size,
  key.entryId,
  key.recordKey,
  key.createdAt,
  key.modifiedAt,
  key.searchKey,
  key.creatorName,
  key.modifierName,
  key.sourceKey,
  key.parentSourceKey,
  key.changeKey,
  key.changeList,
  key.localCommitAt,
  key.deletedCount,
  key.contentCount,
  key.unreadCount,
  key.subfolders,
  key.articleNumber,
  key.hasAttachments,
]);

/** Bits of PidTagMessageFlags (0x0E07). [MS-OXCMSG] 2.2.1.6 */
export const messageFlag = {
  read: 0x1,
  unmodified: 0x2,
  submit: 0x4,
  unsent: 0x8,
  hasAttach: 0x10,
  fromMe: 0x20,
  associated: 0x40,
  resend: 0x80,
  readReceiptPending: 0x100,
  notReadReceiptPending: 0x200,
} as const;
