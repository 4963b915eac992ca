import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { type MapiMessage, type MapiPropertyValue, mapiValue } from '../mapi/mapi-message.ts';
import type { MailAddress, MimeHeader } from '../text/mime-header.ts';
import { decodeHeader, parseAddresses } from '../text/mime-header.ts';
import { splitMime } from '../text/mime-split.ts';
import { mailTags, personTags, recipientKinds, recipientTags } from './mail-tags.ts';
import { addressHeader, dateHeader, textHeader } from './write-header.ts';

/** Headers that say how a message is put together, which is not as it was. */
const structural: ReadonlySet<string> = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-length',
  'lines',
  'mime-version',
]);

/** First line of what Outlook keeps as headers. */
const outlookLine = /^Microsoft Mail Internet Headers[^\r\n]*\r?\n/;

/** The headers with which a message arrived; empty for one that did not. */
export function arrivedHeaders({ properties }: MapiMessage): readonly MimeHeader[] {
  const value = mapiValue(properties, mailTags.transportHeaders);
  if (typeof value !== 'string') return [];
  return splitMime(Buffer.from(`${value.replace(outlookLine, '')}\r\n\r\n`, 'utf8'), { partsMax: 1 }).headers;
}

/**
 * The headers of a message: those with which it arrived, where it did and they still say what the message says; otherwise what its
 * properties say ([MS-OXCMAIL] 2.2). Each line ends in CR LF.
 */
export function headersOfMessage(message: MapiMessage, arrived: readonly MimeHeader[]): Buffer {
  const kept = arrived.filter(({ name }) => name !== '' && !structural.has(name.toLowerCase()));
  if (kept.length === 0) return Buffer.from(madeHeaders(message), 'utf8');
  const subject = mapiValue(message.properties, mailTags.subject);
  const isSubject = ({ name }: MimeHeader) => name.toLowerCase() === 'subject';
  const raw = kept.find(isSubject)?.rawValue ?? '';
  const isRenamed =
    typeof subject === 'string' && decodeHeader(raw).replace(/\t/g, ' ').trim() !== subject.replace(/\t/g, ' ').trim();
  const lines = kept
    .filter((one) => !isRenamed || !isSubject(one))
    .map(({ name, rawValue }) => `${name}:${rawValue}\r\n`);
  const added = (isRenamed ? textHeader('Subject', subject) : '') + addressHeader('Bcc', unnamedBlind(message, kept));
  return Buffer.concat([Buffer.from(lines.join(''), 'latin1'), Buffer.from(added, 'utf8')]);
}

/** Blind copies that no header names. */
function unnamedBlind(message: MapiMessage, headers: readonly MimeHeader[]): readonly MailAddress[] {
  const named = new Set(
    headers
      .filter(({ name }) => name.toLowerCase() === 'bcc')
      .flatMap(({ rawValue }) => parseAddresses(rawValue))
      .map((one) => (one.address || one.name).toLowerCase()),
  );
  return recipients(message, 'bcc').filter((one) => !named.has((one.address || one.name).toLowerCase()));
}

const textIn = (values: readonly MapiPropertyValue[], property: MapiProperty): string => {
  const value = mapiValue(values, property);
  return typeof value === 'string' ? value : '';
};

function recipients({ recipients: rows }: MapiMessage, kind: keyof typeof recipientKinds): readonly MailAddress[] {
  return rows.flatMap((row) => {
    const value = mapiValue(row, recipientTags.kind);
    // The bits above are of the state of the row ([MS-OXCMSG] 2.2.1.47.2).
    if ((typeof value === 'number' ? value & 0xf : recipientKinds.to) !== recipientKinds[kind]) return [];
    const name = textIn(row, recipientTags.name) || textIn(row, recipientTags.shownName);
    return [person(name, textIn(row, recipientTags.smtp) || textIn(row, recipientTags.address))];
  });
}

/** A name that only repeats the address is none. */
const person = (name: string, address: string): MailAddress => ({ name: name === address ? '' : name, address });

function personOf(message: MapiMessage, which: keyof typeof personTags): MailAddress | null {
  const tags = personTags[which];
  const text = (tag: number) => textIn(message.properties, { tag, type: 'string' });
  const one = person(text(tags.name), text(tags.smtp) || text(tags.address));
  return one.name === '' && one.address === '' ? null : one;
}

/** Provider of one-off entry ids, from the fifth byte on ([MS-OXCDATA] 2.2.5.1). */
const oneOff = Buffer.from('812b1fa4bea310199d6e00dd010f5402', 'hex');

/** People of a FLATENTRYLIST of one-off entry ids in Unicode ([MS-OXCDATA] 2.3.3); others cannot be named without their address book. */
function flatPeople(bytes: Buffer): readonly MailAddress[] {
  const people: MailAddress[] = [];
  let at = 8;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const id = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length + (-length & 3);
    if (id.length < 24 || !id.subarray(4, 20).equals(oneOff) || (id.readUInt16LE(22) & 0x8000) === 0) continue;
    const [name = '', , address = ''] = id.toString('utf16le', 24).split('\0');
    people.push(person(name, address));
  }
  return people;
}

const urgencies = ['low', 'normal', 'high'] as const;
const sensitivities = ['Normal', 'Personal', 'Private', 'Company-Confidential'] as const;
const texts = [
  ['Message-ID', mailTags.messageId],
  ['In-Reply-To', mailTags.inReplyTo],
  ['References', mailTags.references],
  ['List-Help', mailTags.listHelp],
  ['List-Subscribe', mailTags.listSubscribe],
  ['List-Unsubscribe', mailTags.listUnsubscribe],
  ['Thread-Topic', mailTags.conversationTopic],
  ['X-Message-Flag', mailTags.flagRequest],
] as const;

/** Headers of a message that never arrived: sent from here, or a draft. */
function madeHeaders(message: MapiMessage): string {
  const { properties } = message;
  const value = (property: MapiProperty) => mapiValue(properties, property);
  const from = personOf(message, 'from');
  const sender = personOf(message, 'sender');
  const isSame = sender !== null && from !== null && sender.address.toLowerCase() === from.address.toLowerCase();
  const subject = value(mailTags.subject);
  const entries = value(mailTags.replyToEntries);
  let out = addressHeader('From', from === null ? [] : [from]);
  if (sender !== null && !isSame) out += addressHeader('Sender', [sender]);
  for (const [name, kind] of [
    ['To', 'to'],
    ['Cc', 'cc'],
    ['Bcc', 'bcc'],
  ] as const)
    out += addressHeader(name, recipients(message, kind));
  if (Buffer.isBuffer(entries)) out += addressHeader('Reply-To', flatPeople(entries));
  if (typeof subject === 'string') out += textHeader('Subject', subject);
  for (const [name, property] of [
    ['Date', mailTags.sentAt],
    ['Expiry-Date', mailTags.expiresAt],
    ['Reply-By', mailTags.replyBy],
  ] as const) {
    const instant = value(property);
    if (typeof instant === 'number') out += dateHeader(name, instant);
  }
  for (const [name, property] of texts) {
    const text = value(property);
    if (typeof text === 'string' && text !== '') out += textHeader(name, text);
  }
  const index = value(mailTags.conversationIndex);
  if (Buffer.isBuffer(index)) out += textHeader('Thread-Index', index.toString('base64'));
  const importance = urgencies[Number(value(mailTags.importance) ?? 1)];
  if (importance !== undefined && importance !== 'normal') out += textHeader('Importance', importance);
  const sensitivity = sensitivities[Number(value(mailTags.sensitivity) ?? 0)];
  if (sensitivity !== undefined && sensitivity !== 'Normal') out += textHeader('Sensitivity', sensitivity);
  const asked = sender ?? from;
  if (value(mailTags.readReceipt) === true && asked !== null)
    out += addressHeader('Disposition-Notification-To', [asked]);
  const keywords = value(mailTags.keywords);
  if (Array.isArray(keywords) && keywords.length > 0) out += textHeader('Keywords', keywords.join(', '));
  return out + promotedHeaders(properties);
}

function promotedHeaders(properties: readonly MapiPropertyValue[]): string {
  return properties
    .map(({ property, value }) => {
      if (!('name' in property) || property.set.toLowerCase() !== propertySets.internetHeaders) return '';
      const isKnown = texts.some(([name]) => name.toLowerCase() === property.name.toLowerCase());
      if (isKnown || !/^x-[!-9;-~]+$/i.test(property.name) || typeof value !== 'string') return '';
      return textHeader(property.name, value);
    })
    .join('');
}
