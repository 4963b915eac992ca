import { composeMime } from '../world/compose-mime.ts';
import type { Address, Attachment, Body, ItemContent } from '../world/item.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { normalizedSubject } from '../world/read-message.ts';
import { appointmentOfMessage, type ReadAppointment, type ReadTerms } from './appointment-of-message.ts';
import { Malformed } from './byte-cursor.ts';
import { decodeCodePage } from './code-page.ts';
import { bytesOf, type MapiMessage, numberOf, type PropertyBag, textOf } from './message.ts';
import { attachmentsOf, inOtherForm, kept, typedOf } from './parts-of-message.ts';
import { mailTag, tag } from './tags.ts';
import { fieldKeysOf, fieldsOf } from './typed-fields.ts';

/** An item of any kind, and what of it is not content. */
export type ReadItem = ReadAppointment;

const peopleKeys: readonly PropertyKey[] = [
  mailTag.organizerType,
  tag.organizerName,
  tag.organizerAddress,
  tag.organizerSmtp,
  key.senderName,
  mailTag.senderType,
  key.senderAddress,
  mailTag.senderSmtp,
];

function personOf(bag: PropertyBag, name: PropertyKey, smtp: PropertyKey, address: PropertyKey): Address | null {
  const person = { name: textOf(bag, name) ?? '', address: textOf(bag, smtp) ?? textOf(bag, address) ?? '' };
  return person.name === '' && person.address === '' ? null : person;
}

/** Low four bits of PidTagRecipientType; above them are flags. [MS-OXOMSG] 2.2.3.1 */
const recipientsOf = (rows: readonly PropertyBag[], type: number): readonly Address[] =>
  rows
    .filter((row) => ((numberOf(row, tag.recipientType) ?? 1) & 0xf) === type)
    .map((row) => ({
      name: textOf(row, tag.name) ?? textOf(row, tag.shownName) ?? '',
      address: textOf(row, tag.smtp) ?? textOf(row, tag.address) ?? '',
    }));

const shown = (list: readonly Address[]): string => list.map(({ name, address }) => name || address).join('; ');

function bodyOf({ properties }: MapiMessage): Body {
  const html = bytesOf(properties, tag.html);
  if (html !== null) return { type: 'HTML', text: decodeCodePage(html, numberOf(properties, tag.codePage)) };
  return { type: 'Text', text: textOf(properties, tag.body) ?? '' };
}

/** Files; attached messages as the MIME that they are read as. */
function filesOf({ attachments }: MapiMessage, depth: number): readonly Attachment[] {
  const messages = attachments.filter(
    ({ properties, message }) => message !== null || bytesOf(properties, tag.attachData) !== null,
  );
  return attachmentsOf(messages).map((file, at) => {
    const message = messages[at]?.message ?? null;
    if (message === null || depth > 8) return file;
    return {
      ...file,
      name: file.name || (textOf(message.properties, key.subject) ?? ''),
      contentType: 'message/rfc822',
      content: composeMime(contentOf(message, depth + 1)),
      itemXml: null,
    };
  });
}

function contentOf(message: MapiMessage, depth: number): ItemContent {
  const { properties, recipients } = message;
  const itemClass = textOf(properties, key.itemClass) ?? 'IPM.Note';
  const fields = fieldKeysOf(itemClass);
  const bag = kept(properties, new Set([...inOtherForm, ...peopleKeys, ...fields]));
  // An appointment knows it by its exceptions, a message about one has none.
  const special = properties.get(tag.ownAttendees);
  if (special !== undefined && /^ipm\.schedule\./i.test(itemClass)) bag.set(tag.ownAttendees, special);
  const put = (at: PropertyKey, type: string, value: Property['value']): void => {
    bag.set(at, { type, value });
  };
  const representing = personOf(properties, tag.organizerName, tag.organizerSmtp, tag.organizerAddress);
  const sender = personOf(properties, key.senderName, mailTag.senderSmtp, key.senderAddress);
  const from = representing ?? sender;
  if (from !== null && sender !== null && sender.address.toLowerCase() !== from.address.toLowerCase())
    for (const at of [key.senderName, mailTag.senderType, key.senderAddress, mailTag.senderSmtp]) {
      const property = properties.get(at);
      if (property !== undefined) bag.set(at, property);
    }
  put(key.itemClass, 'String', itemClass);
  // A subject may come in two parts. [MS-OXCMSG] 2.2.1.46
  const subject =
    textOf(properties, key.subject) ??
    `${textOf(properties, mailTag.subjectPrefix) ?? ''}${textOf(properties, key.normalizedSubject) ?? ''}`;
  if (subject !== '') {
    put(key.subject, 'String', subject);
    put(key.normalizedSubject, 'String', textOf(properties, key.normalizedSubject) ?? normalizedSubject(subject));
  }
  const people = [1, 2, 3].map((type) => recipientsOf(recipients, type));
  const [to = [], cc = [], bcc = []] = people;
  for (const [at, list] of [
    [key.displayTo, to],
    [key.displayCc, cc],
    [key.displayBcc, bcc],
  ] as const)
    if (list.length > 0) put(at, 'String', shown(list));
  const attachments = filesOf(message, depth);
  const visible = attachments.some(({ isInline }) => !isInline);
  const isMail = /^(?:ipm\.note|ipm\.post|ipm\.schedule|report)(?:\.|$)/i.test(itemClass);
  if (isMail || visible) put(key.hasAttachments, 'Boolean', visible);
  const body = bodyOf(message);
  const text = textOf(properties, tag.body);
  if (body.type === 'HTML' && text !== null) put(tag.body, 'String', text);
  // The name by which lists show a contact.
  const name = textOf(properties, key.displayName);
  if (!isMail && name !== null) put(key.displayName, 'String', name);
  const typed = new Map([...fieldsOf(properties, itemClass), ...typedOf(properties)]);
  return plainContent({ properties: bag, from: isMail ? from : null, to, cc, bcc, body, attachments, typed });
}

/** Whether the message is about a meeting and says when. */
function calendarOf(message: MapiMessage, terms: ReadTerms): ItemContent['calendar'] {
  if (!/^ipm\.schedule\.meeting\./i.test(textOf(message.properties, key.itemClass) ?? '')) return undefined;
  const properties = new Map(message.properties);
  properties.set(key.itemClass, { type: 'String', value: 'IPM.Appointment' });
  try {
    return appointmentOfMessage({ ...message, properties, attachments: [] }, { ...terms, strict: false }).content
      .calendar;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

/**
 * The item that a message is. Nothing is checked but that it can be read: what a store is given in this form it keeps. Its MIME is
 * from then on put together from its properties.
 *
 * @throws Malformed
 */
export function itemOfMessage(message: MapiMessage, terms: ReadTerms): ReadItem {
  const { properties } = message;
  const itemClass = textOf(properties, key.itemClass) ?? '';
  if (/^ipm\.appointment(?:\.|$)/i.test(itemClass)) return appointmentOfMessage(message, terms);
  if (itemClass === '') throw new Malformed('a message without a class');
  const calendar = calendarOf(message, terms);
  const flags = numberOf(properties, tag.messageFlags) ?? 1;
  const content = contentOf(message, 0);
  return {
    content: calendar === undefined ? content : { ...content, calendar },
    isRead: (flags & 1) !== 0,
    flags,
    searchKey: bytesOf(properties, key.searchKey)?.toString('hex') ?? null,
  };
}
