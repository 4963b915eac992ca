import type { Address, Attachment, Body, Item, ItemContent } from '../world/item.ts';
import { plainContent } from '../world/plain-content.ts';
import { key, type Property, type PropertyKey, serverOwned } from '../world/property.ts';
import { attachmentsOf, bodyOf, normalizedSubject } from '../world/read-message.ts';
import type { Context } from './context.ts';
import { readExtendedProperties } from './extended-json.ts';
import { badRequest, GraphError } from './graph-error.ts';
import { flagStatuses, importances, isDraft } from './message-shape.ts';
import type { Json } from './route.ts';

const readOnly: ReadonlySet<string> = new Set([
  'id',
  'createddatetime',
  'lastmodifieddatetime',
  'changekey',
  'bodypreview',
  'parentfolderid',
  'conversationid',
  'weblink',
  'uniquebody',
  'hasattachments',
  'isdraft',
]);
/** Only of a draft. (learn.microsoft.com/graph/api/message-update) */
const ofDrafts: ReadonlySet<string> = new Set([
  'bccrecipients',
  'body',
  'ccrecipients',
  'from',
  'internetmessageid',
  'isdeliveryreceiptrequested',
  'isreadreceiptrequested',
  'replyto',
  'sender',
  'subject',
  'torecipients',
]);

export function readRecipient(value: unknown): Address {
  const person = (
    value as { readonly emailAddress?: { readonly name?: unknown; readonly address?: unknown } | null } | null
  )?.emailAddress;
  if (typeof person !== 'object' || person === null) throw badRequest('A recipient needs an emailAddress.');
  const { name = '', address = '' } = person;
  if ((name !== null && typeof name !== 'string') || (address !== null && typeof address !== 'string'))
    throw badRequest('The name and address of a recipient are texts.');
  return { name: name ?? '', address: address ?? '' };
}

export function readBody(value: unknown): Body {
  const body = value as { readonly contentType?: unknown; readonly content?: unknown } | null;
  if (typeof body !== 'object' || body === null) return { type: 'Text', text: '' };
  const { contentType = 'text', content = '' } = body;
  if (typeof contentType !== 'string' || !/^(?:text|html)$/i.test(contentType))
    throw badRequest(`Cannot convert the literal '${String(contentType)}' to the expected type 'Edm.BodyType'.`);
  return {
    type: contentType.toLowerCase() === 'html' ? 'HTML' : 'Text',
    text: typeof content === 'string' ? content : '',
  };
}

/** A time with its zone, as far as mail has them: UTC. */
function instantOf(value: unknown): number | null {
  const zoned = value as { readonly dateTime?: unknown } | null;
  if (zoned === null || typeof zoned.dateTime !== 'string') return null;
  const ms = Date.parse(/Z|[+-]\d{2}:\d{2}$/.test(zoned.dateTime) ? zoned.dateTime : `${zoned.dateTime}Z`);
  return Number.isNaN(ms) ? null : ms;
}

const shown = (list: readonly Address[]): string => list.map(({ name, address }) => name || address).join('; ');

/** A message being written out of JSON. */
export class MessageDraft {
  readonly #context: Context;
  readonly properties: Map<PropertyKey, Property>;
  mime: Buffer | null;
  from: Address | null;
  to: readonly Address[];
  cc: readonly Address[];
  bcc: readonly Address[];
  body: Body | null;
  attachments: readonly Attachment[] | null;
  readonly #typed: ReadonlyMap<string, string>;
  readonly #calendar: ItemContent['calendar'];
  messageFlags: number | null = null;
  isRead: boolean | null = null;
  changed = false;

  /** @param item what is changed; null: a new message. */
  constructor(context: Context, item: Item | null) {
    this.#context = context;
    const content = item?.content ?? plainContent({ properties: new Map() });
    this.properties = new Map(content.properties);
    this.mime = content.mime;
    this.from = content.from;
    this.to = content.to;
    this.cc = content.cc;
    this.bcc = content.bcc;
    this.body = content.body;
    this.attachments = content.attachments;
    this.#typed = content.typed;
    this.#calendar = content.calendar;
  }

  content(): ItemContent {
    return {
      mime: this.mime,
      properties: this.properties,
      from: this.from,
      to: this.to,
      cc: this.cc,
      bcc: this.bcc,
      body: this.body,
      attachments: this.attachments,
      typed: this.#typed,
      ...(this.#calendar === undefined ? {} : { calendar: this.#calendar }),
    };
  }

  put(at: PropertyKey, type: string, value: Property['value'] | null): void {
    this.changed = true;
    if (value === null) this.properties.delete(at);
    else this.properties.set(at, { type, value });
  }

  /** From now on the message is made of properties: the bytes it came as no longer say what it is. */
  loosen(): void {
    this.changed = true;
    if (this.mime === null) return;
    this.body ??= bodyOf(this.mime);
    this.attachments ??= attachmentsOf(this.mime);
    this.mime = null;
  }

  /** Takes the fields of a request. @param item what is changed; null: a new message. @throws GraphError */
  take(json: Json, item: Item | null): void {
    for (const [name, value] of Object.entries(json)) {
      const lower = name.toLowerCase();
      if (name.startsWith('@') || lower.endsWith('extendedproperties')) continue;
      // What only the server writes is passed over, so that clients may send back what they got.
      if (readOnly.has(lower)) continue;
      if (item !== null && !isDraft(item) && ofDrafts.has(lower))
        throw new GraphError(
          400,
          'ErrorInvalidPropertySet',
          `The property '${name}' can only be set on a draft. Set operation for property is not supported.`,
        );
      this.#set(lower, name, value);
    }
    for (const [at, property] of readExtendedProperties(json)) this.#setExtended(at, property, item);
  }

  #setExtended(at: PropertyKey, property: Property, item: Item | null): void {
    if (at === key.messageFlags) {
      // Only when it is made: later updates do not clear UNSENT. (FACTS §5)
      if (item === null && typeof property.value === 'number') this.messageFlags = property.value;
      return;
    }
    if (serverOwned.has(at)) return;
    if (at === key.subject && typeof property.value === 'string') this.#setSubject(property.value);
    else this.put(at, property.type, property.value);
  }

  #setSubject(subject: string | null): void {
    this.loosen();
    this.put(key.subject, 'String', subject);
    this.put(key.normalizedSubject, 'String', subject === null ? null : normalizedSubject(subject));
    if (subject !== null && !this.properties.has(key.conversationTopic))
      this.put(key.conversationTopic, 'String', normalizedSubject(subject));
  }

  #people(value: unknown, at: PropertyKey): readonly Address[] {
    if (!Array.isArray(value)) throw badRequest('Recipients are a list.');
    this.loosen();
    const people = value.map(readRecipient);
    this.put(at, 'String', people.length === 0 ? null : shown(people));
    return people;
  }

  #set(lower: string, name: string, value: unknown): void {
    const text = (): string | null => {
      if (value !== null && typeof value !== 'string') throw badRequest(`'${name}' is a text.`);
      return value;
    };
    const flag = (): boolean => {
      if (typeof value !== 'boolean') throw badRequest(`'${name}' is true or false.`);
      return value;
    };
    const time = (): number | null => {
      const ms = text();
      const parsed = ms === null ? null : Date.parse(ms);
      if (parsed !== null && Number.isNaN(parsed))
        throw badRequest(`Cannot convert the literal '${ms}' to the expected type 'Edm.DateTimeOffset'.`);
      return parsed;
    };
    switch (lower) {
      case 'subject':
        this.#setSubject(text());
        return;
      case 'body':
        this.loosen();
        this.properties.delete(key.body);
        this.body = readBody(value);
        return;
      case 'from':
      case 'sender':
        if (value !== null) this.from = readRecipient(value);
        return;
      case 'torecipients':
        this.to = this.#people(value, key.displayTo);
        return;
      case 'ccrecipients':
        this.cc = this.#people(value, key.displayCc);
        return;
      case 'bccrecipients':
        this.bcc = this.#people(value, key.displayBcc);
        return;
      case 'isread':
        this.isRead = flag();
        return;
      case 'categories': {
        if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
          throw badRequest('Categories are texts.');
        this.put(key.keywords, 'StringArray', value.length === 0 ? null : (value as string[]));
        return;
      }
      case 'importance': {
        const at = importances.indexOf((text() ?? 'normal').toLowerCase() as 'low');
        if (at < 0)
          throw badRequest(`Cannot convert the literal '${String(value)}' to the expected type 'Edm.Importance'.`);
        this.put(key.importance, 'Integer', at);
        return;
      }
      case 'flag':
        this.#setFlag(value);
        return;
      case 'internetmessageid':
        this.put(key.messageId, 'String', text());
        return;
      case 'conversationindex':
        this.put(key.conversationIndex, 'Binary', text());
        return;
      case 'receiveddatetime':
        this.put(key.receivedAt, 'SystemTime', time());
        return;
      case 'sentdatetime':
        this.put(key.sentAt, 'SystemTime', time());
        return;
      case 'isreadreceiptrequested':
        this.put(key.readReceiptRequested, 'Boolean', flag());
        return;
      case 'isdeliveryreceiptrequested':
        this.put(key.deliveryReportRequested, 'Boolean', flag());
        return;
      case 'replyto':
      case 'inferenceclassification':
        return;
      case 'internetmessageheaders':
        this.#setHeaders(value);
        return;
      case 'attachments': {
        if (!Array.isArray(value)) throw badRequest('Attachments are a list.');
        this.loosen();
        this.attachments = value.map((one, at) => readAttachment(one as Json, at + 1, this.#context));
        return;
      }
      default:
        throw badRequest(`The property '${name}' does not exist on type 'Microsoft.OutlookServices.Message'.`);
    }
  }

  /** Own header fields only: names that begin with X-. (message: internetMessageHeaders) */
  #setHeaders(value: unknown): void {
    if (!Array.isArray(value)) throw badRequest('Header fields are a list.');
    const lines = (value as readonly { readonly name?: unknown; readonly value?: unknown }[]).map((one) => {
      if (typeof one.name !== 'string' || typeof one.value !== 'string')
        throw badRequest('A header field needs a name and a value.');
      if (!/^x-/i.test(one.name))
        throw new GraphError(
          400,
          'InvalidInternetMessageHeader',
          `The internet message header name '${one.name}' should start with 'x-' or 'X-'.`,
        );
      return `${one.name}: ${one.value.replace(/[\r\n]+/g, ' ')}`;
    });
    this.loosen();
    this.put(key.headers, 'String', lines.join('\r\n'));
  }

  #setFlag(value: unknown): void {
    const flag = value as Readonly<Record<string, unknown>> | null;
    const name = typeof flag?.['flagStatus'] === 'string' ? flag['flagStatus'] : 'notFlagged';
    const status = flagStatuses.findIndex((one) => one.toLowerCase() === name.toLowerCase());
    if (status < 0)
      throw badRequest(`Cannot convert the literal '${name}' to the expected type 'Edm.FollowupFlagStatus'.`);
    const start = instantOf(flag?.['startDateTime'] ?? null);
    const due = instantOf(flag?.['dueDateTime'] ?? null);
    // (followupFlag: startDateTime and dueDateTime go together)
    if (status === 2 && start === null && due !== null)
      throw badRequest('A flag with a dueDateTime needs a startDateTime.');
    const completed = instantOf(flag?.['completedDateTime'] ?? null);
    this.put(key.flagStatus, 'Integer', status === 0 ? null : status);
    this.put(key.flagStartAt, 'SystemTime', status === 2 ? start : null);
    this.put(key.flagDueAt, 'SystemTime', status === 2 ? (due ?? start) : null);
    this.put(key.flagCompletedAt, 'SystemTime', status === 1 ? (completed ?? this.#context.nowMs) : null);
    this.put('0x0e2b', 'Integer', status === 0 ? null : 1);
    this.put(key.flagRequest, 'String', status === 0 ? null : 'Follow up');
  }
}

/** A file in JSON. @throws GraphError */
export function readAttachment(json: Json, no: number, context: Context): Attachment {
  const type = json['@odata.type'];
  if (typeof type !== 'string')
    throw badRequest("A type named in '@odata.type' is needed: attachments are of different types.");
  if (!/^#?microsoft\.graph\.fileAttachment$/i.test(type)) throw badRequest(`The lab keeps files, no '${type}'.`);
  const { name, contentType, contentBytes, contentId, isInline } = json;
  if (typeof name !== 'string' || name === '') throw badRequest('An attachment needs a name.');
  if (typeof contentBytes !== 'string') throw badRequest('An attachment needs contentBytes.');
  const content = Buffer.from(contentBytes, 'base64');
  if (content.length > context.state.settings.attachmentPostMaxBytes)
    throw new GraphError(
      413,
      'RequestEntityTooLarge',
      'The attachment is too large for one request; use an upload session.',
    );
  return {
    no,
    name,
    contentType: typeof contentType === 'string' && contentType !== '' ? contentType : 'application/octet-stream',
    contentId: typeof contentId === 'string' ? contentId : null,
    isInline: isInline === true,
    content,
    itemXml: null,
  };
}
