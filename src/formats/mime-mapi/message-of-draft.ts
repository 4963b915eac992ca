import { isMeetingClass, meetingProperties } from '#model/class-properties.ts';
import { isDraft, type MailDraft, type MailFields, MESSAGE_FLAG_READ } from '#model/mail.ts';
import { type MailField, mailFields, mailProperties } from '#model/mail-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import {
  isSameProperty,
  type MapiMessage,
  type MapiPropertyValue,
  type MapiValue,
  mapiValue,
} from '../mapi/mapi-message.ts';
import { valueOfRaw } from '../mapi-items/extras.ts';
import { stampProperty } from '../mapi-items/item-properties.ts';
import type { MailAddress } from '../text/mime-header.ts';
import { recipientRow } from './header-properties.ts';
import { recipientKinds, recipientTags } from './mail-tags.ts';
import { meetingOfMime, messageOfMime } from './message-of-mime.ts';

/** Fields whose value is not that of their property: words for numbers, text for bytes. */
const ownValues: Partial<Record<MailField, (value: never) => MapiValue>> = {
  importance: (value: MailFields['importance']) => ['low', 'normal', 'high'].indexOf(value),
  sensitivity: (value: MailFields['sensitivity']) => ['normal', 'personal', 'private', 'confidential'].indexOf(value),
  conversationIndex: (value: string) => Buffer.from(value, 'base64'),
  votingOptions: (value: string) => Buffer.from(value, 'base64'),
};

/**
 * Bits of PidTagMessageFlags that must not travel: SUBMIT, ASSOCIATED, RESEND, and the two pending receipts, with which a later
 * deletion of the copy would send a receipt.
 */
const flagsLeftBehind = 0x4 | 0x40 | 0x80 | 0x100 | 0x200;
/** MSGFLAG_HASATTACH. */
const hasAttachmentsFlag = 0x10;

/** Values that say the same as none: an unflagged message has no flag ([MS-OXOFLAG] 2.2.1.1). */
const saysNothing = (field: MailField, value: unknown): boolean =>
  value === null || (Array.isArray(value) && value.length === 0) || (field === 'flagStatus' && value === 0);

/** A class that only says that it is mail gives way to what the content is, so that a signed message stays one. */
const isPlainClass = (itemClass: string): boolean => itemClass === '' || /^ipm\.note$/i.test(itemClass);

function envelopeProperties(
  { content: { head }, stamp }: MailDraft,
  message: MapiMessage,
): readonly MapiPropertyValue[] {
  const { state, facts } = head;
  const flags = facts.messageFlags & ~(flagsLeftBehind | MESSAGE_FLAG_READ | hasAttachmentsFlag);
  const read = state.isRead ? MESSAGE_FLAG_READ : 0;
  const attached = message.attachments.length > 0 ? hasAttachmentsFlag : 0;
  // Both times, or the server takes the present one; nobody sent a draft.
  const sentAt = facts.sentAt ?? (isDraft(facts) ? null : (facts.receivedAt ?? facts.createdAt));
  const receivedAt = facts.receivedAt ?? facts.sentAt ?? facts.createdAt;
  const fields: MailFields = { ...state, ...facts, messageFlags: flags | read | attached, sentAt, receivedAt };
  const values = mailFields.flatMap((field): readonly MapiPropertyValue[] => {
    const { carriage, mapi } = mailProperties[field];
    const value = fields[field];
    if (carriage !== 'state' && carriage !== 'fact') return [];
    if (field === 'isRead' || saysNothing(field, value)) return [];
    if (field === 'itemClass' && isPlainClass(facts.itemClass)) return [];
    const own = ownValues[field];
    return [{ property: mapi, value: own === undefined ? (value as MapiValue) : own(value as never) }];
  });
  return [...values, { property: stampProperty, value: stamp }];
}

const addressOf = (row: readonly MapiPropertyValue[]): string => {
  const value = mapiValue(row, recipientTags.address) ?? mapiValue(row, recipientTags.name);
  return typeof value === 'string' ? value.toLowerCase() : '';
};

/** Blind copies that the MIME does not name. */
function blindRows({ content: { bcc } }: MailDraft, message: MapiMessage): MapiMessage['recipients'] {
  const named = new Set(
    message.recipients
      .filter((row) => mapiValue(row, recipientTags.kind) === recipientKinds.bcc)
      .map((row) => addressOf(row)),
  );
  return bcc.map((text) => recipientRow(personOf(text), 'bcc')).filter((row) => !named.has(addressOf(row)));
}
/** `Name <address>`, or either alone. */
function personOf(text: string): MailAddress {
  const [, name = '', inner] = /^(.*?)\s*<([^<>]*)>$/s.exec(text) ?? [];
  const address = inner ?? text;
  return /@|^\//.test(address) ? { name, address } : { name: name || address, address: '' };
}

/** State of a person that a header may name, too: what the draft says of it is the truth, also that there is none. */
const ofThePerson: readonly MapiProperty[] = mailFields
  .filter((field) => mailProperties[field].carriage === 'state')
  .map((field) => mailProperties[field].mapi);

/** What an item of its class has besides its MIME. A text that makes no value of its type stays behind. */
const classValues = ({ ofClass }: MailDraft): readonly MapiPropertyValue[] =>
  ofClass.flatMap((raw) => {
    const value = valueOfRaw(raw);
    return value === undefined || value === '' ? [] : [{ property: raw.property, value }];
  });

/**
 * A mail as the other side is to have it: what its MIME says, with what its envelope says of it (state, facts, blind copies, stamp, what
 * its class has besides) in place of what headers say of the same.
 *
 * @param mime all of it (`wholeMime`): contents of attachments are decoded out of it when they are read
 */
export function messageOfDraft(draft: MailDraft, mime: Uint8Array): MapiMessage {
  const ofClass = classValues(draft);
  // With its global object id ([MS-OXOCAL] 2.2.1.27) a message about a meeting says which, without it its iCalendar has to.
  const isMeeting =
    isMeetingClass(draft.content.head.facts.itemClass) &&
    mapiValue(ofClass, meetingProperties.globalObjectId) !== undefined;
  const message = isMeeting ? meetingOfMime(mime) : messageOfMime(mime);
  const envelope = [...ofClass, ...envelopeProperties(draft, message)];
  const isOurs = ({ property }: MapiPropertyValue) =>
    ofThePerson.some((one) => isSameProperty(one, property)) ||
    envelope.some((one) => isSameProperty(one.property, property));
  return {
    ...message,
    properties: [...message.properties.filter((one) => !isOurs(one)), ...envelope],
    recipients: [...message.recipients, ...blindRows(draft, message)],
  };
}
