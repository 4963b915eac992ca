import type { XmlElement } from '#formats/text/xml-read.ts';
import type { CalendarPart } from '../world/calendar-part.ts';
import { encodeWords, withHeader } from '../world/compose-mime.ts';
import type { Address, Attachment, Body, Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { key, messageFlag, type Property, type PropertyKey, serverOwned } from '../world/property.ts';
import { attachmentsOf, bodyOf, contentOfMime, normalizedSubject } from '../world/read-message.ts';
import { CalendarDraft } from './calendar-draft.ts';
import type { Context } from './context.ts';
import { EwsError } from './ews-error.ts';
import { flagStatuses, importances, sensitivities } from './item-shape.ts';
import { readExtendedProperty } from './property-path.ts';
import { child, childText, isTrue, kids, serialize } from './request.ts';

/** Fields that only the server writes. (EWS doc: read-only properties) */
const readOnly: ReadonlySet<string> = new Set([
  'ItemId',
  'ParentFolderId',
  'DateTimeReceived',
  'Size',
  'IsSubmitted',
  'IsDraft',
  'IsFromMe',
  'IsResend',
  'IsUnmodified',
  'InternetMessageHeaders',
  'DateTimeSent',
  'DateTimeCreated',
  'ResponseObjects',
  'ReminderNextTime',
  'DisplayCc',
  'DisplayTo',
  'HasAttachments',
  'EffectiveRights',
  'LastModifiedName',
  'LastModifiedTime',
  'IsAssociated',
  'WebClientReadFormQueryString',
  'WebClientEditFormQueryString',
  'ConversationId',
  'UniqueBody',
  'StoreEntryId',
  'InstanceKey',
  'NormalizedBody',
  'EntityExtractionResult',
  'Preview',
  'TextBody',
  'ConversationIndex',
  'ConversationTopic',
  'ReceivedBy',
  'ReceivedRepresenting',
  'MeetingRequestWasSent',
  'MyResponseType',
  'IsMeeting',
  'IsCancelled',
  'OriginalStart',
  'Organizer',
  'AppointmentSequenceNumber',
  'AppointmentState',
  'FirstOccurrence',
  'LastOccurrence',
  'ModifiedOccurrences',
  'DeletedOccurrences',
  'CalendarItemType',
  'AppointmentReplyTime',
  'IsRecurring',
  'Duration',
]);

/** Fields of a message that was sent or received which nobody can change any more. (EWS doc: ErrorInvalidPropertyUpdateSentMessage) */
const fixedOnceSent: ReadonlySet<string> = new Set([
  'ToRecipients',
  'CcRecipients',
  'BccRecipients',
  'From',
  'Sender',
  'ReplyTo',
  'IsReadReceiptRequested',
  'IsDeliveryReceiptRequested',
  'MimeContent',
  'InternetMessageId',
  'References',
]);

const mailTypes: ReadonlySet<string> = new Set([
  'Message',
  'MeetingMessage',
  'MeetingRequest',
  'MeetingResponse',
  'MeetingCancellation',
  'Item',
  'PostItem',
]);

function addressOf(mailbox: XmlElement): Address {
  return { name: childText(mailbox, 'Name') ?? '', address: childText(mailbox, 'EmailAddress') ?? '' };
}
const listOf = (element: XmlElement): readonly Address[] => kids(element).map(addressOf);
const singleOf = (element: XmlElement): Address | null => {
  const mailbox = child(element, 'Mailbox');
  return mailbox === null ? null : addressOf(mailbox);
};

/** Text of an XML element in the item being written; its own class so that creates and updates apply fields in one way. */
export class ItemDraft {
  readonly #context: Context;
  readonly #element: string;
  mime: Buffer | null;
  readonly properties: Map<PropertyKey, Property>;
  from: Address | null;
  to: readonly Address[];
  cc: readonly Address[];
  bcc: readonly Address[];
  body: Body | null;
  attachments: readonly Attachment[] | null;
  readonly typed: Map<string, string>;
  calendar: CalendarPart | null;
  readonly #calendarDraft: CalendarDraft | null;
  messageFlags: number | null = null;
  isRead: boolean | null = null;
  /** The client gave a time of sending (0x0039); one of a Date header does not count. */
  sentAtAsked = false;
  /** Something other than the read flag was changed. */
  changed = false;

  /**
   * @param element EWS element: `Message`, `Contact`, …
   * @param isOccurrence the content is that of one time of a series.
   */
  constructor(context: Context, element: string, content: ItemContent | null, isOccurrence = false) {
    this.#context = context;
    this.#element = element;
    this.mime = content?.mime ?? null;
    this.properties = new Map(content?.properties);
    this.from = content?.from ?? null;
    this.to = content?.to ?? [];
    this.cc = content?.cc ?? [];
    this.bcc = content?.bcc ?? [];
    this.body = content?.body ?? null;
    this.attachments = content?.attachments ?? (content === null ? [] : null);
    this.typed = new Map(content?.typed);
    this.calendar = content?.calendar ?? null;
    this.#calendarDraft =
      element === 'CalendarItem'
        ? new CalendarDraft(context, content?.calendar === undefined ? null : content, isOccurrence)
        : null;
  }

  /** Brings the fields of an appointment together. To be called when all are set, before the content is used. */
  settle(mailbox: Mailbox): void {
    if (this.#calendarDraft === null) return;
    this.calendar = this.#calendarDraft.settle(this, mailbox);
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
      typed: this.typed,
      ...(this.calendar === null ? {} : { calendar: this.calendar }),
    };
  }

  /** Keeps an element as it came; null: no longer. */
  keep(name: string, xml: string | null): void {
    this.changed = true;
    if (xml === null) this.typed.delete(name);
    else this.typed.set(name, xml);
  }

  put(at: PropertyKey, type: string, value: Property['value'] | null): void {
    this.changed = true;
    if (value === null) this.properties.delete(at);
    else this.properties.set(at, { type, value });
  }

  /** From now on the item is made of properties: the bytes it came as no longer say what it is. */
  loosen(): void {
    this.changed = true;
    if (this.mime === null) return;
    this.body ??= bodyOf(this.mime);
    this.attachments ??= attachmentsOf(this.mime);
    this.mime = null;
  }

  setMime(text: string): void {
    const compact = text.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 !== 0)
      throw new EwsError('ErrorMimeContentInvalidBase64String');
    const mime = Buffer.from(compact, 'base64');
    if (mime.length === 0) throw new EwsError('ErrorMimeContentInvalid');
    if (this.#calendarDraft !== null) {
      this.#calendarDraft.setMime(this, mime);
      return;
    }
    // Other kinds than mail are not made from MIME here; clients that send back what they got are not refused for it.
    if (!mailTypes.has(this.#element)) return;
    const read = contentOfMime(mime);
    const itemClass = this.properties.get(key.itemClass);
    this.mime = mime;
    this.from = read.from;
    this.to = read.to;
    this.cc = read.cc;
    this.bcc = read.bcc;
    this.body = null;
    this.attachments = null;
    for (const [at, property] of read.properties) this.properties.set(at, property);
    if (itemClass !== undefined) this.properties.set(key.itemClass, itemClass);
    this.changed = true;
  }

  setSubject(subject: string | null): void {
    this.put(key.subject, 'String', subject);
    this.put(key.normalizedSubject, 'String', subject === null ? null : normalizedSubject(subject));
    if (this.mime !== null)
      this.mime = withHeader(this.mime, 'Subject', subject === null ? null : encodeWords(subject));
    else if (subject !== null && !this.properties.has(key.conversationTopic))
      this.put(key.conversationTopic, 'String', normalizedSubject(subject));
  }

  setExtended(element: XmlElement): void {
    const { key: at, property } = readExtendedProperty(element);
    if (at === key.messageFlags) {
      if (typeof property.value === 'number') this.messageFlags = property.value;
      return;
    }
    if (serverOwned.has(at)) return;
    if (at === key.subject && typeof property.value === 'string') {
      this.setSubject(property.value);
      return;
    }
    if (at === key.sentAt) this.sentAtAsked = true;
    this.changed = true;
    if (this.#calendarDraft?.setExtended(at, property)) return;
    this.properties.set(at, property);
  }

  /** Sets a field from its element. `sent`: the item exists and is no draft. */
  set(element: XmlElement, sent = false): void {
    const { name } = element;
    if (readOnly.has(name)) throw new EwsError('ErrorInvalidPropertySet');
    if (sent && fixedOnceSent.has(name))
      throw new EwsError('ErrorInvalidPropertyUpdateSentMessage', 'Update is not allowed: the message was sent.');
    if (this.#calendarDraft?.set(this, element)) {
      this.changed = true;
      return;
    }
    switch (name) {
      case 'ExtendedProperty':
        this.setExtended(element);
        return;
      case 'MimeContent':
        this.setMime(element.text);
        return;
      case 'ItemClass': {
        this.put(key.itemClass, 'String', element.text);
        return;
      }
      case 'Subject':
        this.setSubject(element.text);
        return;
      case 'Body': {
        this.loosen();
        this.body = { type: element.attributes.get('BodyType') === 'HTML' ? 'HTML' : 'Text', text: element.text };
        return;
      }
      case 'Categories': {
        const list = kids(element).map((one) => one.text);
        this.put(key.keywords, 'StringArray', list.length === 0 ? null : list);
        return;
      }
      case 'Importance':
        this.put(key.importance, 'Integer', importances.indexOf(element.text as 'Low'));
        return;
      case 'Sensitivity':
        this.put(key.sensitivity, 'Integer', sensitivities.indexOf(element.text as 'Normal'));
        return;
      case 'Flag':
        this.#setFlag(element);
        return;
    }
    if (mailTypes.has(this.#element) && this.#setMail(element)) return;
    this.changed = true;
    this.typed.set(name, serialize(element));
    // The few fields of other kinds by which lists are sorted and searched.
    if (name === 'DisplayName') this.put(key.displayName, 'String', element.text);
    if (name === 'FileAs' && !this.properties.has(key.subject)) this.put(key.subject, 'String', element.text);
  }

  #setMail(element: XmlElement): boolean {
    const { name } = element;
    switch (name) {
      case 'IsRead':
        this.isRead = isTrue(element.text);
        return true;
      case 'From':
      case 'Sender': {
        if (this.mime === null) this.from = singleOf(element);
        return true;
      }
      case 'ToRecipients':
        this.loosen();
        this.to = listOf(element);
        this.put(key.displayTo, 'String', this.to.map((a) => a.name || a.address).join('; '));
        return true;
      case 'CcRecipients':
        this.loosen();
        this.cc = listOf(element);
        this.put(key.displayCc, 'String', this.cc.map((a) => a.name || a.address).join('; '));
        return true;
      case 'BccRecipients': {
        // Blind copies do not stand in the MIME, so the bytes stay what they are.
        this.changed = true;
        this.bcc = listOf(element);
        this.put(key.displayBcc, 'String', this.bcc.map((a) => a.name || a.address).join('; '));
        return true;
      }
      case 'IsReadReceiptRequested':
        this.put(key.readReceiptRequested, 'Boolean', isTrue(element.text));
        return true;
      case 'IsDeliveryReceiptRequested':
        this.put(key.deliveryReportRequested, 'Boolean', isTrue(element.text));
        return true;
      case 'InternetMessageId':
        this.put(key.messageId, 'String', element.text);
        return true;
      case 'InReplyTo':
        this.put(key.inReplyTo, 'String', element.text);
        return true;
      case 'References':
        this.put(key.references, 'String', element.text);
        return true;
      case 'Attachments':
        throw new EwsError('ErrorInvalidPropertySet');
      case 'ReminderIsSet':
        this.put(key.reminderSet, 'Boolean', isTrue(element.text));
        return true;
      case 'IsResponseRequested':
      case 'ReplyTo':
      case 'Culture':
      case 'ReminderDueBy':
      case 'ReminderMinutesBeforeStart':
        this.changed = true;
        this.typed.set(name, serialize(element));
        return true;
      default:
        return false;
    }
  }

  #setFlag(element: XmlElement): void {
    const status = flagStatuses.indexOf((childText(element, 'FlagStatus') ?? 'NotFlagged') as 'Flagged');
    const time = (name: string): number | null => {
      const value = childText(element, name);
      return value === null ? null : Date.parse(value);
    };
    const start = time('StartDate');
    const due = time('DueDate');
    const complete = time('CompleteDate');
    if (
      (status !== 2 && (start !== null || due !== null)) ||
      (status !== 1 && complete !== null) ||
      (start === null) !== (due === null) ||
      (start !== null && due !== null && start > due)
    )
      throw new EwsError('ErrorInvalidArgument', 'The dates of the flag do not go with its status.');
    this.put(key.flagStatus, 'Integer', status === 0 ? null : status);
    this.put(key.flagStartAt, 'SystemTime', start);
    this.put(key.flagDueAt, 'SystemTime', due);
    this.put(key.flagCompletedAt, 'SystemTime', status === 1 ? (complete ?? this.#context.nowMs) : null);
    this.put('0x0e2b', 'Integer', status === 0 ? null : 1);
    this.put(key.flagRequest, 'String', status === 0 ? null : 'Follow up');
  }

  /** Takes a field away. */
  remove(name: string): void {
    if (readOnly.has(name) || name === 'ItemClass' || name === 'IsRead' || name === 'MimeContent')
      throw new EwsError('ErrorInvalidPropertyDelete');
    if (this.#calendarDraft?.remove(this, name)) {
      this.changed = true;
      return;
    }
    switch (name) {
      case 'Subject':
        this.setSubject(null);
        return;
      case 'Body':
        this.loosen();
        this.body = { type: 'Text', text: '' };
        return;
      case 'Categories':
        this.put(key.keywords, 'StringArray', null);
        return;
      case 'Importance':
        this.put(key.importance, 'Integer', 1);
        return;
      case 'Sensitivity':
        this.put(key.sensitivity, 'Integer', 0);
        return;
      case 'Flag':
        for (const at of [
          key.flagStatus,
          key.flagStartAt,
          key.flagDueAt,
          key.flagCompletedAt,
          key.flagRequest,
          '0x0e2b',
        ])
          this.put(at, '', null);
        return;
      case 'ToRecipients':
        this.loosen();
        this.to = [];
        return;
      case 'CcRecipients':
        this.loosen();
        this.cc = [];
        return;
      case 'BccRecipients':
        this.changed = true;
        this.bcc = [];
        return;
      case 'InReplyTo':
        this.put(key.inReplyTo, '', null);
        return;
      case 'References':
        this.put(key.references, '', null);
        return;
      case 'InternetMessageId':
        this.put(key.messageId, '', null);
        return;
      default:
        this.changed = true;
        this.typed.delete(name);
    }
  }

  /** Adds to a field that can be added to. */
  append(element: XmlElement): void {
    if (this.#calendarDraft?.append(element)) {
      this.changed = true;
      return;
    }
    switch (element.name) {
      case 'Body': {
        this.loosen();
        const before = this.body ?? { type: 'Text' as const, text: '' };
        this.body = { type: before.type, text: before.text + element.text };
        return;
      }
      case 'ToRecipients':
        this.loosen();
        this.to = [...this.to, ...listOf(element)];
        return;
      case 'CcRecipients':
        this.loosen();
        this.cc = [...this.cc, ...listOf(element)];
        return;
      case 'BccRecipients':
        this.changed = true;
        this.bcc = [...this.bcc, ...listOf(element)];
        return;
      default:
        throw new EwsError('ErrorInvalidPropertyAppend');
    }
  }
}

/** What a type of item is called by when the request does not say it. */
const defaultClasses: Readonly<Record<string, string>> = {
  Message: 'IPM.Note',
  Item: 'IPM.Note',
  PostItem: 'IPM.Post',
  Contact: 'IPM.Contact',
  DistributionList: 'IPM.DistList',
  Task: 'IPM.Task',
  CalendarItem: 'IPM.Appointment',
  MeetingRequest: 'IPM.Schedule.Meeting.Request',
  MeetingResponse: 'IPM.Schedule.Meeting.Resp',
  MeetingCancellation: 'IPM.Schedule.Meeting.Canceled',
  MeetingMessage: 'IPM.Schedule.Meeting',
};
const otherFamilies = /^ipm\.(?:contact|distlist|appointment|task)(?:\.|$)/i;

/** A new item out of its element. */
export function draftOf(context: Context, element: XmlElement): ItemDraft {
  const draft = new ItemDraft(context, element.name, null);
  const mime = child(element, 'MimeContent');
  if (mime !== null) draft.setMime(mime.text);
  for (const field of element.children) if (field.name !== 'MimeContent') draft.set(field);
  const itemClass = draft.properties.get(key.itemClass)?.value;
  const fallback = defaultClasses[element.name] ?? 'IPM.Note';
  if (typeof itemClass !== 'string') draft.put(key.itemClass, 'String', fallback);
  else if (
    mailTypes.has(element.name)
      ? otherFamilies.test(itemClass)
      : !itemClass.toLowerCase().startsWith(fallback.toLowerCase())
  ) {
    if (child(element, 'ItemClass') !== null || mailTypes.has(element.name))
      throw new EwsError('ErrorObjectTypeChanged', 'The object type changed.');
    draft.put(key.itemClass, 'String', fallback);
  }
  if (draft.mime === null && draft.body === null) draft.body = { type: 'Text', text: '' };
  if (draft.mime === null && draft.from === null && mailTypes.has(element.name) && context.actingAs !== null) {
    const entry = context.organization.entry(context.actingAs);
    if (entry !== null) draft.from = { name: entry.displayName, address: entry.address };
  }
  return draft;
}

export const isSent = (item: Item): boolean => (item.flags & messageFlag.unsent) === 0;
