import { decodeCharset } from '#formats/text/charset.ts';
import { decodeHeader, parseAddresses, parseMailDate } from '#formats/text/mime-header.ts';
import { headerOf, type MimePart, splitMime } from '#formats/text/mime-split.ts';
import type { Address, Attachment, Body, ItemContent } from './item.ts';
import { key, type Property, type PropertyKey } from './property.ts';

/** Parts that hold no other parts; attached messages count as one. */
function leavesOf(part: MimePart): readonly MimePart[] {
  return part.contentType.value.startsWith('multipart/') && part.children.length > 0
    ? part.children.flatMap(leavesOf)
    : [part];
}

const reportTypes = new Set(['message/delivery-status', 'message/disposition-notification']);

function isAttachment(part: MimePart): boolean {
  if (part.disposition?.value === 'attachment') return true;
  return !part.contentType.value.startsWith('text/') && !reportTypes.has(part.contentType.value);
}

/** The body a reader sees: HTML when there is one and it is wanted, else plain text. */
export function bodyOf(mime: Buffer, prefer: 'best' | 'text' = 'best'): Body {
  const leaves = leavesOf(splitMime(mime)).filter((part) => !isAttachment(part));
  const html = leaves.find((part) => part.contentType.value === 'text/html');
  const text = leaves.find((part) => part.contentType.value === 'text/plain');
  const chosen = prefer === 'text' ? (text ?? html) : (html ?? text);
  if (chosen === undefined) return { type: 'Text', text: '' };
  return {
    type: chosen.contentType.value === 'text/html' ? 'HTML' : 'Text',
    text: decodeCharset(chosen.body(), chosen.contentType.parameters.get('charset') ?? 'utf-8'),
  };
}

/** Attachments of a message, numbered by their place. */
export function attachmentsOf(mime: Buffer): readonly Attachment[] {
  return leavesOf(splitMime(mime))
    .filter(isAttachment)
    .map((part, at) => {
      const id = headerOf(part.headers, 'content-id');
      const type = part.contentType.value;
      return {
        no: at + 1,
        name:
          part.disposition?.parameters.get('filename') ??
          part.contentType.parameters.get('name') ??
          (type === 'message/rfc822' ? 'message.eml' : `part${at + 1}`),
        contentType: type,
        contentId: id === null ? null : id.trim().replace(/^<|>$/g, ''),
        isInline: part.disposition?.value === 'inline' || (part.disposition === null && id !== null),
        content: part.body(),
        itemXml: null,
      };
    });
}

const addresses = (raw: string | null): readonly Address[] =>
  raw === null ? [] : parseAddresses(raw).map(({ name, address }) => ({ name, address }));
const shown = (list: readonly Address[]): string => list.map(({ name, address }) => name || address).join('; ');

/** Without its prefix: up to three letters before a colon. What a second prefix would be belongs to the rest. [MS-OXCMSG] 2.2.1.9 */
export const normalizedSubject = (subject: string): string => subject.replace(/^\p{L}{1,3}:\s*/u, '');

/** Message class by what the MIME is, as conversion does it. [MS-OXCMAIL] 2.2.3.1; [MS-OXOSMIME] 2.1.1 */
function itemClassOf(root: MimePart): string {
  const { value, parameters } = root.contentType;
  if (value === 'multipart/signed') return 'IPM.Note.SMIME.MultipartSigned';
  if (value === 'application/pkcs7-mime' || value === 'application/x-pkcs7-mime') return 'IPM.Note.SMIME';
  if (value === 'multipart/report') {
    const report = parameters.get('report-type')?.toLowerCase();
    if (report === 'disposition-notification') return 'REPORT.IPM.Note.IPNRN';
    if (report === 'delivery-status') return 'REPORT.IPM.Note.NDR';
  }
  const calendar = leavesOf(root).find((part) => part.contentType.value === 'text/calendar');
  switch (calendar?.contentType.parameters.get('method')?.toUpperCase()) {
    case 'REQUEST':
      return 'IPM.Schedule.Meeting.Request';
    case 'CANCEL':
      return 'IPM.Schedule.Meeting.Canceled';
    case 'REPLY':
      return 'IPM.Schedule.Meeting.Resp.Pos';
    default:
      return 'IPM.Note';
  }
}

/** What Exchange makes of MIME that it is given: properties beside the untouched bytes. */
export function contentOfMime(mime: Buffer): ItemContent {
  const root = splitMime(mime);
  const field = (name: string): string | null => headerOf(root.headers, name);
  const text = (name: string): string | null => {
    const raw = field(name);
    return raw === null ? null : decodeHeader(raw).trim();
  };
  const properties = new Map<PropertyKey, Property>();
  const put = (at: PropertyKey, type: string, value: Property['value'] | null): void => {
    if (value !== null && value !== '') properties.set(at, { type, value });
  };
  const subject = text('subject');
  const from = addresses(field('from'))[0] ?? addresses(field('sender'))[0] ?? null;
  const to = addresses(field('to'));
  const cc = addresses(field('cc'));
  const bcc = addresses(field('bcc'));
  put(key.itemClass, 'String', itemClassOf(root));
  put(key.subject, 'String', subject);
  put(key.normalizedSubject, 'String', subject === null ? null : normalizedSubject(subject));
  put(key.conversationTopic, 'String', text('thread-topic') ?? (subject === null ? null : normalizedSubject(subject)));
  const index = field('thread-index')?.replace(/\s/g, '');
  if (index !== undefined && /^[A-Za-z0-9+/]+=*$/.test(index)) put(key.conversationIndex, 'Binary', index);
  put(key.messageId, 'String', text('message-id'));
  put(key.inReplyTo, 'String', text('in-reply-to'));
  put(key.references, 'String', text('references'));
  put(key.sentAt, 'SystemTime', parseMailDate(field('date') ?? ''));
  put(key.displayTo, 'String', shown(to));
  put(key.displayCc, 'String', shown(cc));
  put(key.displayBcc, 'String', shown(bcc));
  if (from !== null) {
    put(key.senderName, 'String', from.name || from.address);
    put(key.senderAddress, 'String', from.address);
  }
  put(key.importance, 'Integer', importanceSaid(text('importance'), text('x-priority')));
  const sensitivity = ['normal', 'personal', 'private', 'company-confidential'].indexOf(
    (text('sensitivity') ?? 'normal').toLowerCase(),
  );
  put(key.sensitivity, 'Integer', Math.max(0, sensitivity));
  const expires = parseMailDate(field('expires') ?? field('expiry-date') ?? '');
  put('0x0015', 'SystemTime', expires);
  put('0x0030', 'SystemTime', parseMailDate(field('reply-by') ?? ''));
  if (field('disposition-notification-to') !== null) put(key.readReceiptRequested, 'Boolean', true);
  if (field('return-receipt-to') !== null) put(key.deliveryReportRequested, 'Boolean', true);
  const visible = leavesOf(root).some((part) => isAttachment(part) && part.disposition?.value !== 'inline');
  properties.set(key.hasAttachments, { type: 'Boolean', value: visible });
  return { mime, properties, from, to, cc, bcc, body: null, attachments: null, typed: new Map() };
}

/** PidTagImportance of a message with these header fields. [MS-OXCMAIL] 2.2.3.2.5 */
export function importanceSaid(importance: string | null, priority: string | null): number {
  const word = (importance ?? '').toLowerCase();
  const level = (priority ?? '').charAt(0);
  if (word === 'high' || level === '1' || level === '2') return 2;
  return word === 'low' || level === '4' || level === '5' ? 0 : 1;
}

/** Header fields of a message as they stand in it. */
export function headerFields(mime: Buffer): readonly { readonly name: string; readonly value: string }[] {
  const end = headEnd(mime);
  return splitMime(mime.subarray(0, end))
    .headers.filter(({ name }) => name !== '')
    .map(({ name, rawValue }) => ({ name, value: decodeHeader(rawValue).trim() }));
}

/** Where the header section ends; the empty line is part of it. */
export function headEnd(mime: Buffer): number {
  const crlf = mime.indexOf('\r\n\r\n');
  const lf = mime.indexOf('\n\n');
  if (crlf < 0 && lf < 0) return mime.length;
  return crlf >= 0 && (lf < 0 || crlf < lf) ? crlf + 4 : lf + 2;
}
