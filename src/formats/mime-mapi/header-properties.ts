import type { Person } from '#model/appointment.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { MapiPropertyValue, MapiValue } from '../mapi/mapi-message.ts';
import { addressTypeOf, entryIdOf, searchKeyOf } from '../mapi-items/people.ts';
import { decodeUnnamed } from '../text/charset.ts';
import { decodeHeader, type MailAddress, type MimeHeader, parseAddresses, parseMailDate } from '../text/mime-header.ts';
import { headerOf, type MimePart } from '../text/mime-split.ts';
import { mailTags, personTags, recipientKinds, recipientTags } from './mail-tags.ts';

/** Headers that become named properties of PS_INTERNET_HEADERS at most: a mailbox has room for some thousand names in all. */
const promotedHeadersMax = 100;
const promoted = /^x-[!-9;-~]{1,120}$/;

/** The text of a header, on one line. */
const textOf = (raw: string): string => decodeHeader(raw).replace(/\s+/g, ' ').trim();

/** Bytes beyond ASCII in an encoded word are in its charset, whatever the rest of the line is in: written as the word ought to have. */
const withAsciiWords = (raw: string): string =>
  raw.replace(/=\?[^?\s]{1,80}\?[qQ]\?[^?]*\?=/g, (word) =>
    word.replace(/[\x80-\xff]/g, (one) => `=${one.charCodeAt(0).toString(16).toUpperCase()}`),
  );

/** The header block as it stands in the message, as text: each line in UTF-8 or whatever its bytes say they are. */
function transportHeaders({ headers }: MimePart): string {
  const text = headers.map(({ name, rawValue }) => {
    const value = decodeUnnamed(Buffer.from(withAsciiWords(rawValue), 'latin1'));
    return name === '' ? value : `${name}:${value}`;
  });
  return text.length === 0 ? '' : `${text.join('\r\n')}\r\n`;
}

/** Something like `Re: ` in front: up to three characters without a digit, a colon and a space ([MS-OXCMSG] 2.2.1.9). */
const prefix = /^[^\s\d:]{1,3}: /;

function subjectProperties(subject: string): readonly MapiPropertyValue[] {
  const before = prefix.exec(subject)?.[0] ?? '';
  return [
    { property: mailTags.subject, value: subject },
    { property: mailTags.subjectPrefix, value: before },
    { property: mailTags.normalizedSubject, value: subject.slice(before.length) },
  ];
}

const shown = ({ name, address }: MailAddress): Person => ({ name: name === '' ? address : name, address });

function personProperties(tags: (typeof personTags)[keyof typeof personTags], one: MailAddress) {
  const person = shown(one);
  const text = (tag: number, value: string) => ({ property: { tag, type: 'string' }, value }) as const;
  const binary = (tag: number, value: Buffer) => ({ property: { tag, type: 'binary' }, value }) as const;
  if (person.address === '') return [text(tags.name, person.name)];
  return [
    text(tags.name, person.name),
    text(tags.type, addressTypeOf(person.address)),
    text(tags.address, person.address),
    ...(addressTypeOf(person.address) === 'SMTP' ? [text(tags.smtp, person.address)] : []),
    binary(tags.entryId, entryIdOf(person)),
    binary(tags.searchKey, searchKeyOf(person)),
  ];
}

/** One row of the table of recipients. */
export function recipientRow(one: MailAddress, kind: keyof typeof recipientKinds): readonly MapiPropertyValue[] {
  const person = shown(one);
  const columns = recipientTags;
  const row: (readonly [MapiProperty, MapiValue])[] = [
    [columns.kind, recipientKinds[kind]],
    [columns.name, person.name],
    [columns.shownName, person.name],
    [columns.objectType, 6],
    [columns.displayType, 0],
    [columns.flags, 1],
  ];
  if (person.address !== '') {
    const type = addressTypeOf(person.address);
    row.push([columns.addressType, type], [columns.address, person.address]);
    if (type === 'SMTP') row.push([columns.smtp, person.address]);
    row.push([columns.entryId, entryIdOf(person)], [columns.searchKey, searchKeyOf(person)]);
  }
  return row.map(([property, value]) => ({ property, value }));
}

const addressesOf = (headers: readonly MimeHeader[], name: string): readonly MailAddress[] =>
  headers.filter((header) => header.name.toLowerCase() === name).flatMap(({ rawValue }) => parseAddresses(rawValue));

export function recipientRows(headers: readonly MimeHeader[]): readonly (readonly MapiPropertyValue[])[] {
  const kinds = ['to', 'cc', 'bcc'] as const;
  return kinds.flatMap((kind) => addressesOf(headers, kind).map((one) => recipientRow(one, kind)));
}

/** FLATENTRYLIST ([MS-OXCDATA] 2.3.3): entry ids, each filled up to four bytes. */
function flatEntries(people: readonly MailAddress[]): Buffer {
  const entries = people.map((one) => {
    const id = entryIdOf(shown(one));
    const entry = Buffer.alloc(4 + id.length + (-id.length & 3));
    entry.writeUInt32LE(id.length);
    id.copy(entry, 4);
    return entry;
  });
  const head = Buffer.alloc(8);
  head.writeUInt32LE(entries.length, 0);
  head.writeUInt32LE(
    entries.reduce((sum, entry) => sum + entry.length, 0),
    4,
  );
  return Buffer.concat([head, ...entries]);
}

/** [MS-OXCMAIL] 2.1.3.2.8: Importance, or what other programs write instead of it. */
function importanceOf(headers: readonly MimeHeader[]): number | null {
  const named = (name: string) => textOf(headerOf(headers, name) ?? '').toLowerCase();
  const word = named('importance') || named('x-msmail-priority');
  const words: Readonly<Record<string, number>> = { low: 0, normal: 1, high: 2 };
  if (words[word] !== undefined) return words[word];
  const digit = /^[1-5]/.exec(named('x-priority'))?.[0];
  if (digit !== undefined) return digit < '3' ? 2 : digit === '3' ? 1 : 0;
  const urgency: Readonly<Record<string, number>> = { 'non-urgent': 0, normal: 1, urgent: 2 };
  return urgency[named('priority')] ?? null;
}

const sensitivities: Readonly<Record<string, number>> = {
  normal: 0,
  personal: 1,
  private: 2,
  'company-confidential': 3,
  confidential: 3,
};

/** When a message arrived: at the end of its topmost Received header (RFC 5321 §4.4). */
function receivedAt(headers: readonly MimeHeader[]): number | null {
  const line = headerOf(headers, 'received');
  return line === null ? null : parseMailDate(line.slice(line.lastIndexOf(';') + 1));
}

const texts = [
  ['message-id', mailTags.messageId],
  ['in-reply-to', mailTags.inReplyTo],
  ['references', mailTags.references],
  ['list-help', mailTags.listHelp],
  ['list-subscribe', mailTags.listSubscribe],
  ['list-unsubscribe', mailTags.listUnsubscribe],
  ['x-message-flag', mailTags.flagRequest],
] as const;

/** Everything that the headers of a message say and that has a property of its own. */
export function headerProperties(part: MimePart): readonly MapiPropertyValue[] {
  const { headers } = part;
  const found: MapiPropertyValue[] = [];
  const add = (property: MapiProperty, value: MapiValue | null) => {
    if (value !== null) found.push({ property, value });
  };
  const header = (name: string) => headerOf(headers, name);
  const dateOf = (name: string) => {
    const raw = header(name);
    return raw === null ? null : parseMailDate(raw);
  };
  const rawSubject = header('subject');
  const subject = rawSubject === null ? null : decodeHeader(rawSubject).replace(/\t/g, ' ').trim();
  if (subject !== null) found.push(...subjectProperties(subject));
  add(mailTags.transportHeaders, transportHeaders(part) || null);

  const [author] = addressesOf(headers, 'from');
  const [agent] = addressesOf(headers, 'sender');
  const from = author ?? agent;
  const sender = agent ?? author;
  if (from !== undefined) found.push(...personProperties(personTags.from, from));
  if (sender !== undefined) found.push(...personProperties(personTags.sender, sender));
  const replyTo = addressesOf(headers, 'reply-to');
  if (replyTo.length > 0) {
    add(mailTags.replyToEntries, flatEntries(replyTo));
    add(mailTags.replyToNames, replyTo.map((one) => shown(one).name).join('; '));
  }

  add(mailTags.sentAt, dateOf('date'));
  add(mailTags.receivedAt, receivedAt(headers) ?? dateOf('date'));
  add(mailTags.expiresAt, dateOf('expiry-date') ?? dateOf('expires'));
  add(mailTags.replyBy, dateOf('reply-by'));
  const importance = importanceOf(headers);
  add(mailTags.importance, importance);
  if (importance !== null) add(mailTags.priority, importance - 1);
  add(mailTags.sensitivity, sensitivities[textOf(header('sensitivity') ?? '').toLowerCase()] ?? null);
  if (header('disposition-notification-to') !== null) add(mailTags.readReceipt, true);
  if (header('return-receipt-to') !== null) add(mailTags.deliveryReport, true);
  for (const [name, property] of texts) {
    const raw = header(name);
    add(property, raw === null ? null : textOf(raw));
  }

  const topic = header('thread-topic');
  if (topic !== null || subject !== null)
    add(mailTags.conversationTopic, topic === null ? (subject ?? '').replace(prefix, '') : textOf(topic));
  const index = Buffer.from(header('thread-index') ?? '', 'base64');
  // 22 bytes of head, then 5 for each answer ([MS-OXOMSG] 2.2.1.3).
  if (index.length >= 22) add(mailTags.conversationIndex, index);
  const keywords = headers
    .filter(({ name }) => name.toLowerCase() === 'keywords')
    .flatMap(({ rawValue }) => textOf(rawValue).split(/\s*[,;]\s*/))
    .filter((one) => one !== '');
  if (keywords.length > 0) add(mailTags.keywords, [...new Set(keywords)]);
  for (const [name, value] of promotedHeaders(headers))
    add({ set: propertySets.internetHeaders, name, type: 'string' }, value);
  return found;
}

function promotedHeaders(headers: readonly MimeHeader[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name: written, rawValue } of headers) {
    const name = written.toLowerCase();
    if (found.size >= promotedHeadersMax) break;
    if (promoted.test(name) && !found.has(name)) found.set(name, textOf(rawValue));
  }
  return found;
}
