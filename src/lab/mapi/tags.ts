import { lidKey, nameKey, sets, tagKey } from '../world/property.ts';

/** Properties of messages, rows and attachments that only this form of an item has. [MS-OXPROPS] */
export const tag = {
  body: tagKey(0x1000),
  html: tagKey(0x1013),
  codePage: tagKey(0x3fde),
  messageFlags: tagKey(0x0e07),
  organizerName: tagKey(0x0042),
  organizerAddress: tagKey(0x0065),
  organizerSmtp: tagKey(0x5d02),
  // Rows of recipients. [MS-OXOCAL] 2.2.4.10
  rowId: tagKey(0x3000),
  recipientType: tagKey(0x0c15),
  name: tagKey(0x3001),
  addressType: tagKey(0x3002),
  address: tagKey(0x3003),
  smtp: tagKey(0x39fe),
  shownName: tagKey(0x5ff6),
  recipientFlags: tagKey(0x5ffd),
  trackStatus: tagKey(0x5fff),
  trackTime: tagKey(0x5ffb),
  // Attachments. [MS-OXCMSG] 2.2.2, [MS-OXOCAL] 2.2.10.1
  attachNumber: tagKey(0x0e21),
  attachMethod: tagKey(0x3705),
  attachName: tagKey(0x3707),
  attachShortName: tagKey(0x3704),
  attachData: tagKey(0x3701),
  attachType: tagKey(0x370e),
  attachContentId: tagKey(0x3712),
  attachFlags: tagKey(0x3714),
  attachHidden: tagKey(0x7ffe),
  attachmentFlags: tagKey(0x7ffd),
  exceptionStart: tagKey(0x7ffb),
  exceptionEnd: tagKey(0x7ffc),
  exceptionReplaces: tagKey(0x7ff9),
  ownAttendees: lidKey(sets.Appointment, 0x822b),
  ownBody: lidKey(sets.Appointment, 0x8206),
} as const;

/** Of messages that were sent. [MS-OXOMSG] 2.2.1, [MS-OXCMSG] 2.2.1.9 */
export const mailTag = {
  organizerType: tagKey(0x0064),
  senderType: tagKey(0x0c1e),
  senderSmtp: tagKey(0x5d01),
  subjectPrefix: tagKey(0x003d),
} as const;

/** What the lab keeps without looking into has no other place in a message. */
const ownSet = '9d1c3b52-6f40-4d1e-8a57-6c6162000001';
export const itemXmlKey = nameKey(ownSet, 'ItemXml');
/** Says that a server of the lab exported the stream. */
export const madeKey = nameKey(ownSet, 'Made');
const typedPrefix = `${ownSet}/Field:`;
export const typedKey = (name: string): string => `${typedPrefix}${name}`;
/** Null: some other property. */
export const typedNameOf = (key: string): string | null =>
  key.startsWith(typedPrefix) ? key.slice(typedPrefix.length) : null;

/** Flags of rows: the organizer. Of attachments: shown in the body; the message of a changed occurrence. */
export const organizerFlag = 0x2;
export const inBodyFlag = 0x4;
export const exceptionFlag = 0x2;
export const attachMethods = { byValue: 1, embedded: 5 } as const;
