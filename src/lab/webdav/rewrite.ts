import { parseAddressText } from '#formats/text/mime-header.ts';
import { Malformed } from '../mapi/byte-cursor.ts';
import { itemOfMessage } from '../mapi/item-of-message.ts';
import { type MapiMessage, numberOf, type PropertyBag, textOf } from '../mapi/message.ts';
import { organizerFlag, tag } from '../mapi/tags.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import { responses } from '../world/calendar-part.ts';
import { composeMime, encodeWords, withHeader } from '../world/compose-mime.ts';
import type { Folder } from '../world/folder.ts';
import { cleanIdOfUid } from '../world/global-object-id.ts';
import type { Address, Attachment, Body, Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, lidKey, messageFlag, nameKey, type Property, type PropertyKey, sets } from '../world/property.ts';
import { bodyOf, attachmentsOf as filesInMime, normalizedSubject } from '../world/read-message.ts';
import { DavError } from './dav-error.ts';
import { namespaces } from './dav-name.ts';
import { busyStatusOf, isMail, messageOf } from './item-values.ts';
import type { Change } from './patch.ts';

/** Of one sequence of changes what is no content. */
export interface Patched {
  readonly content: ItemContent;
  readonly contentChanged: boolean;
  readonly isRead: boolean | null;
  /** PidTagMessageFlags, where the client wrote them. */
  readonly messageFlags: number | null;
}

/** Items made by a PROPPATCH that have had no body yet: only these take PidTagMessageFlags. (DavMail createMessage) */
const shells = new WeakSet<Item>();
export const isShell = (item: Item): boolean => shells.has(item);
export const markShell = (item: Item): void => {
  shells.add(item);
};
export const bodyGiven = (item: Item): void => {
  shells.delete(item);
};

const addressesOf = (value: Property | null): readonly Address[] =>
  value === null ? [] : parseAddressText(String(value.value)).map(({ name, address }) => ({ name, address }));
const shown = (list: readonly Address[]): string => list.map(({ name, address }) => name || address).join('; ');

const textOfValue = (value: Property | null): string | null => (value === null ? null : String(value.value));
/** HTML comes as a text or as bytes. */
const htmlOf = (value: Property): string =>
  value.type === 'Binary' ? Buffer.from(String(value.value), 'base64').toString('utf8') : String(value.value);

/** Mail being changed: bytes stay as they are as long as nothing is changed that they hold. */
class MailPatch {
  mime: Buffer | null;
  readonly properties: Map<PropertyKey, Property>;
  from: Address | null;
  to: readonly Address[];
  cc: readonly Address[];
  bcc: readonly Address[];
  body: Body | null;
  attachments: readonly Attachment[] | null;
  isRead: boolean | null = null;
  messageFlags: number | null = null;
  changed = false;
  readonly #before: ItemContent;

  constructor(before: ItemContent) {
    this.#before = before;
    this.mime = before.mime;
    this.properties = new Map(before.properties);
    this.from = before.from;
    this.to = before.to;
    this.cc = before.cc;
    this.bcc = before.bcc;
    this.body = before.body;
    this.attachments = before.attachments;
  }

  content(): ItemContent {
    const { mime, properties, from, to, cc, bcc, body, attachments } = this;
    return { ...this.#before, mime, properties, from, to, cc, bcc, body, attachments };
  }

  #put(at: PropertyKey, value: Property | null): void {
    this.changed = true;
    if (value === null) this.properties.delete(at);
    else this.properties.set(at, value);
  }

  /** From now on the item is made of properties. */
  #loosen(): void {
    this.changed = true;
    if (this.mime === null) return;
    this.body ??= bodyOf(this.mime);
    this.attachments ??= filesInMime(this.mime);
    this.mime = null;
  }

  #setSubject(value: Property | null): void {
    const subject = textOfValue(value);
    this.#put(key.subject, value);
    this.#put(key.normalizedSubject, subject === null ? null : { type: 'String', value: normalizedSubject(subject) });
    if (this.mime !== null)
      this.mime = withHeader(this.mime, 'Subject', subject === null ? null : encodeWords(subject));
  }

  #setPeople(field: 'to' | 'cc' | 'bcc', value: Property | null): void {
    // Blind copies do not stand in the bytes.
    if (field !== 'bcc') this.#loosen();
    this[field] = addressesOf(value);
    const at = { to: key.displayTo, cc: key.displayCc, bcc: key.displayBcc }[field];
    this.#put(at, this[field].length === 0 ? null : { type: 'String', value: shown(this[field]) });
  }

  apply({ name, column, value }: Change): void {
    const writing = column?.writing;
    if (writing?.kind === 'property') {
      switch (writing.key) {
        case key.messageFlags:
          if (typeof value?.value === 'number') this.messageFlags = value.value;
          return;
        case key.subject:
          this.#setSubject(value);
          return;
        case key.body:
          this.#loosen();
          this.body = { type: 'Text', text: textOfValue(value) ?? '' };
          return;
        case key.htmlBody:
          this.#loosen();
          this.body = value === null ? { type: 'Text', text: '' } : { type: 'HTML', text: htmlOf(value) };
          return;
        case key.urlName:
          return;
        default:
          this.#put(writing.key, value);
          return;
      }
    }
    switch (name.local.toLowerCase()) {
      case 'read':
        this.isRead = value?.value === true;
        return;
      case 'to':
      case 'cc':
      case 'bcc':
        this.#setPeople(name.local.toLowerCase() as 'to', value);
        return;
      case 'from':
        this.#loosen();
        this.from = addressesOf(value)[0] ?? null;
        return;
      case 'textdescription':
        this.#loosen();
        this.body = { type: 'Text', text: textOfValue(value) ?? '' };
        return;
      case 'htmldescription':
        this.#loosen();
        this.body = { type: 'HTML', text: textOfValue(value) ?? '' };
        return;
    }
    // Other headers are kept as named properties; the bytes of the message stay what they are. (assumed)
    if (name.ns === namespaces.mailheader) this.#put(nameKey(sets.InternetHeaders, name.local), value);
  }
}

function patchMail(before: ItemContent, changes: readonly Change[]): Patched {
  const patch = new MailPatch(before);
  for (const change of changes) patch.apply(change);
  return {
    content: patch.content(),
    contentChanged: patch.changed,
    isRead: patch.isRead,
    messageFlags: patch.messageFlags,
  };
}

const recipientTypes = { to: 1, cc: 2, bcc: 3 } as const;

/** Attendees stand in rows; those who are named again keep what they have answered. */
function rowsWith(rows: readonly PropertyBag[], type: number, people: readonly Address[]): readonly PropertyBag[] {
  const isOrganizer = (row: PropertyBag): boolean => ((numberOf(row, tag.recipientFlags) ?? 0) & organizerFlag) !== 0;
  const addressIn = (row: PropertyBag): string =>
    (textOf(row, tag.smtp) ?? textOf(row, tag.address) ?? '').toLowerCase();
  const others = rows.filter((row) => isOrganizer(row) || ((numberOf(row, tag.recipientType) ?? 1) & 0xf) !== type);
  const named = people.map(({ name, address }): PropertyBag => {
    const known = rows.find((row) => !isOrganizer(row) && addressIn(row) === address.toLowerCase());
    return new Map<PropertyKey, Property>([
      ...(known ?? [[tag.trackStatus, { type: 'Integer', value: responses.indexOf('NoResponseReceived') }]]),
      [tag.recipientType, { type: 'Integer', value: type }],
      [tag.name, { type: 'String', value: name }],
      [tag.address, { type: 'String', value: address }],
      [tag.smtp, { type: 'String', value: address }],
      [tag.addressType, { type: 'String', value: 'SMTP' }],
      [tag.recipientFlags, { type: 'Integer', value: 1 }],
    ]);
  });
  return [...others, ...named].map((row, at) => new Map([...row, [tag.rowId, { type: 'Integer', value: at }]]));
}

/** Rows with the people that a header field names; null: it names none. */
export function recipientRows(
  rows: readonly PropertyBag[],
  header: string,
  value: Property | null,
): readonly PropertyBag[] | null {
  const type = recipientTypes[header.toLowerCase() as 'to'] as number | undefined;
  return type === undefined ? null : rowsWith(rows, type, addressesOf(value));
}

/** Everything but mail: the message as MAPI sees it is changed, and read again. */
class MessagePatch {
  readonly properties: Map<PropertyKey, Property>;
  recipients: readonly PropertyBag[];
  readonly attachments: MapiMessage['attachments'];
  isRead: boolean | null = null;
  changed = false;

  constructor(message: MapiMessage) {
    this.properties = new Map(message.properties);
    this.recipients = message.recipients;
    this.attachments = message.attachments;
  }

  #put(at: PropertyKey, value: Property | null): void {
    this.changed = true;
    if (value === null) this.properties.delete(at);
    else this.properties.set(at, value);
  }
  #text(at: PropertyKey, value: string | null): void {
    this.#put(at, value === null ? null : { type: 'String', value });
  }

  #setHtml(value: Property | null): void {
    if (value === null) {
      this.#put(tag.html, null);
      return;
    }
    this.#put(tag.html, { type: 'Binary', value: Buffer.from(htmlOf(value)).toString('base64') });
    this.#put(tag.codePage, { type: 'Integer', value: 65001 });
  }
  /** A new plain text is what the item says from now on. */
  #setText(value: Property | null): void {
    this.#put(tag.html, null);
    this.#put(tag.body, value);
  }

  apply({ name, column, value }: Change): void {
    const writing = column?.writing;
    if (writing?.kind === 'property') {
      switch (writing.key) {
        case key.messageFlags:
        case key.urlName:
          return;
        case key.htmlBody:
          this.#setHtml(value);
          return;
        case key.body:
          this.#setText(value);
          return;
        case key.subject:
          this.#put(key.subject, value);
          this.#put(key.normalizedSubject, value);
          return;
        case calendarKey.globalObjectId:
        case calendarKey.cleanGlobalObjectId:
          this.#put(writing.key, value);
          return;
        default:
          this.#put(writing.key, value);
          return;
      }
    }
    this.#applyNamed(name.ns, name.local, value);
  }

  #applyNamed(ns: string, local: string, value: Property | null): void {
    const text = textOfValue(value);
    const email = /^email([123])$/.exec(local);
    if (ns === namespaces.contacts && email !== null) {
      this.#setEmail(0x8070 + 0x10 * Number(email[1]), addressesOf(value)[0] ?? null);
      return;
    }
    switch (local.toLowerCase()) {
      case 'read':
        this.isRead = value?.value === true;
        return;
      case 'to':
      case 'cc':
      case 'bcc':
        this.changed = true;
        this.recipients = recipientRows(this.recipients, local, value) ?? this.recipients;
        return;
      case 'from':
      case 'organizer': {
        const [person] = addressesOf(
          text === null ? null : { type: 'String', value: text.replace(/^\s*mailto:/i, '') },
        );
        this.#text(tag.organizerName, person === undefined ? null : person.name || person.address);
        this.#text(tag.organizerAddress, person?.address ?? null);
        this.#text(tag.organizerSmtp, person?.address ?? null);
        return;
      }
      case 'textdescription':
        this.#setText(value);
        return;
      case 'htmldescription':
        this.#setHtml(value);
        return;
      case 'busystatus': {
        const status = text === null ? null : busyStatusOf(text);
        if (status !== null) this.#put(calendarKey.busyStatus, { type: 'Integer', value: status });
        return;
      }
      case 'transparent':
        this.#put(calendarKey.busyStatus, { type: 'Integer', value: text?.toUpperCase() === 'TRANSPARENT' ? 0 : 2 });
        return;
      case 'reminderoffset':
        this.#put(key.reminderSet, { type: 'Boolean', value: text !== null });
        if (text !== null && Number.isFinite(Number(text)))
          this.#put(calendarKey.reminderMinutes, { type: 'Integer', value: Math.round(Number(text) / 60) });
        return;
      case 'uid':
        if (text !== null) {
          const id: Property = { type: 'Binary', value: cleanIdOfUid(text).toString('base64') };
          this.#put(calendarKey.globalObjectId, id);
          this.#put(calendarKey.cleanGlobalObjectId, id);
        }
        return;
    }
    if (ns === namespaces.mailheader) this.#put(nameKey(sets.InternetHeaders, local), value);
  }

  #setEmail(first: number, person: Address | null): void {
    const lid = (at: number): PropertyKey => lidKey(sets.Address, at);
    this.#text(lid(first), person === null ? null : person.name || person.address);
    this.#text(lid(first + 2), person === null ? null : 'SMTP');
    this.#text(lid(first + 3), person?.address ?? null);
    this.#text(lid(first + 4), person === null ? null : person.name || person.address);
  }

  message(): MapiMessage {
    return { properties: this.properties, recipients: this.recipients, attachments: this.attachments };
  }
}

const halfHourMs = 30 * 60_000;

/** An appointment that says no time is one of the next half hour. (assumed) */
function withTimes(message: MapiMessage, nowMs: number): MapiMessage {
  const itemClass = textOf(message.properties, key.itemClass) ?? '';
  if (!/^ipm\.appointment(?:\.|$)/i.test(itemClass)) return message;
  if (message.properties.has(calendarKey.start) || message.properties.has(calendarKey.commonStart)) return message;
  const start = Math.ceil(nowMs / halfHourMs) * halfHourMs;
  return {
    ...message,
    properties: new Map<PropertyKey, Property>([
      ...message.properties,
      [calendarKey.start, { type: 'SystemTime', value: start }],
      [calendarKey.end, { type: 'SystemTime', value: start + halfHourMs }],
    ]),
  };
}

/** The content that a message of MAPI says. @throws DavError 400 */
export function contentOfMessage(message: MapiMessage, mailbox: Mailbox): ItemContent {
  try {
    return itemOfMessage(withTimes(message, mailbox.nowMs), {
      idFor: [mailbox.guid, mailbox.lastCn + 1, mailbox.nowMs],
      strict: true,
    }).content;
  } catch (thrown) {
    if (thrown instanceof Malformed) throw new DavError(400, `the properties do not go together: ${thrown.message}`);
    throw thrown;
  }
}

function patchMessage(message: MapiMessage, changes: readonly Change[], mailbox: Mailbox): Patched {
  const patch = new MessagePatch(message);
  for (const change of changes) patch.apply(change);
  return {
    content: contentOfMessage(patch.message(), mailbox),
    contentChanged: patch.changed,
    isRead: patch.isRead,
    messageFlags: null,
  };
}

/** What an item would be with these changes. @throws DavError 400 */
export function patched(item: Item, changes: readonly Change[]): Patched {
  const asMessage = !isMail(item.itemClass);
  const result = asMessage
    ? patchMessage(messageOf(item), changes, item.folder.mailbox)
    : patchMail(item.content, changes);
  const after = result.content.properties.get(key.itemClass)?.value;
  if (asMessage === isMail(typeof after === 'string' ? after : 'IPM.Note'))
    throw new DavError(403, 'the kind of an item cannot be changed');
  return result;
}

/** What a new item would be. @throws DavError 400 */
export function patchedNew(itemClass: string, folder: Folder, changes: readonly Change[]): Patched {
  const { mailbox } = folder;
  const now: Property = { type: 'SystemTime', value: mailbox.nowMs };
  const properties = new Map<PropertyKey, Property>([
    [key.itemClass, { type: 'String', value: itemClass }],
    [key.receivedAt, now],
    [key.sentAt, now],
  ]);
  if (isMail(itemClass))
    return patchMail(
      plainContent({
        properties,
        from: { name: mailbox.displayName, address: mailbox.address },
        body: { type: 'Text', text: '' },
      }),
      changes,
    );
  // Who keeps the calendar has organized what is put there. (assumed)
  if (/^ipm\.appointment/i.test(itemClass)) {
    properties.set(tag.organizerName, { type: 'String', value: mailbox.displayName });
    properties.set(tag.organizerAddress, { type: 'String', value: mailbox.address });
    properties.set(tag.organizerSmtp, { type: 'String', value: mailbox.address });
  }
  return patchMessage({ properties, recipients: [], attachments: [] }, changes, mailbox);
}

/** Flags that a client may give to a message without a body. */
export const givenFlags = (flags: number): number =>
  flags &
  (messageFlag.unmodified | messageFlag.unsent | messageFlag.fromMe | messageFlag.resend | messageFlag.associated);

export const mimeOfContent = (content: ItemContent): Buffer => content.mime ?? composeMime(content);
