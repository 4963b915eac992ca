import { bytesOf, type MapiAttachment, type MapiMessage, numberOf } from '../mapi/message.ts';
import { attachMethods, tag } from '../mapi/tags.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Attachment, Item } from '../world/item.ts';
import { key, type Property, type PropertyKey } from '../world/property.ts';
import { bodyOf, contentOfMime } from '../world/read-message.ts';
import { attachmentNamed } from './attachments.ts';
import type { DavCall } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { isMail, messageOf } from './item-values.ts';
import type { Change } from './patch.ts';
import { contentOfMessage, recipientRows } from './rewrite.ts';
import { rewriteItem } from './write-item.ts';

// Attachments are written at the address of the item with their name behind it. (DavMail puts the picture of a contact there)

const isRowKey = (at: PropertyKey): boolean => /^0x(?:37|7ff)/.test(at) || at === tag.attachNumber;

/** The occurrence that an attached message is the change of; null: it is none. */
const replacedBy = ({ properties, message }: MapiAttachment): number | null =>
  (message === null ? null : numberOf(message.properties, calendarKey.replacedStart)) ??
  numberOf(properties, tag.exceptionReplaces);

function store(call: DavCall, item: Item, attachments: readonly MapiAttachment[]): void {
  const message: MapiMessage = { ...messageOf(item), attachments };
  if (!isMail(item.itemClass)) {
    rewriteItem(call, item, contentOfMessage(message, item.folder.mailbox));
    return;
  }
  const { content } = item;
  rewriteItem(call, item, {
    ...content,
    mime: null,
    body: content.body ?? (content.mime === null ? { type: 'Text', text: '' } : bodyOf(content.mime)),
    attachments: attachments.map(fileOf),
  });
}

function fileOf({ properties, message }: MapiAttachment, at: number): Attachment {
  if (message !== null) throw new DavError(403, 'a message cannot be attached to mail that is there already');
  const text = (key: PropertyKey): string | null => {
    const value = properties.get(key)?.value;
    return typeof value === 'string' ? value : null;
  };
  return {
    no: at + 1,
    name: text(tag.attachName) ?? text(tag.attachShortName) ?? text(tag.name) ?? 'attachment',
    contentType: text(tag.attachType) ?? 'application/octet-stream',
    contentId: text(tag.attachContentId),
    isInline: properties.get(tag.attachHidden)?.value === true,
    content: bytesOf(properties, tag.attachData) ?? Buffer.alloc(0),
    itemXml: null,
  };
}

/** All attachments with one put in the place of those that it replaces. */
function withOne(
  all: readonly MapiAttachment[],
  made: MapiAttachment,
  before: MapiAttachment | null,
): readonly MapiAttachment[] {
  const replaced = replacedBy(made);
  const kept = all.filter((one) => one !== before && (replaced === null || replacedBy(one) !== replaced));
  return [...kept, made].map((one, at) => ({
    ...one,
    properties: new Map([...one.properties, [tag.attachNumber, { type: 'Integer', value: at }]]),
  }));
}

/** Where an attachment is: of an item, or of a message that is attached to it. */
export interface AttachmentPlace {
  readonly item: Item;
  readonly name: string;
  readonly inner: string | null;
}

/** Changes the attachments among which the place is. @throws DavError 409 when there is no message that could have it. */
function change(
  call: DavCall,
  { item, name, inner }: AttachmentPlace,
  edit: (all: readonly MapiAttachment[]) => readonly MapiAttachment[],
): void {
  const { attachments } = messageOf(item);
  if (inner === null) {
    store(call, item, edit(attachments));
    return;
  }
  const outer = attachmentNamed(item, name, null)?.attachment ?? null;
  const message = outer?.message ?? null;
  if (message === null) throw new DavError(409, 'there is no attached message for it');
  const changed = { ...message, attachments: edit(message.attachments) };
  store(
    call,
    item,
    attachments.map((one) => (one === outer ? { ...one, message: changed } : one)),
  );
}

const textProperty = (value: string): Property => ({ type: 'String', value });

/** PUT of an attachment. @returns whether it is new */
export function putAttachment(call: DavCall, place: AttachmentPlace): boolean {
  const { item } = place;
  const name = place.inner ?? place.name;
  call.store.locks.refuseLocked(item, call.headers['if'], item.folder.mailbox.nowMs);
  const found = attachmentNamed(item, place.name, place.inner);
  const before = found?.attachment ?? null;
  const type = (call.headers['content-type'] ?? 'application/octet-stream').split(';', 1)[0]?.trim() ?? '';
  const row = new Map<PropertyKey, Property>([
    ...(found?.attachment.properties ?? []),
    [tag.name, textProperty(name)],
    [tag.attachName, textProperty(name)],
    [tag.attachType, textProperty(type)],
  ]);
  if (type === 'message/rfc822') {
    const content = contentOfMime(call.body);
    const properties = new Map(content.properties);
    const body = bodyOf(call.body);
    if (body.type === 'Text') properties.set(tag.body, textProperty(body.text));
    else properties.set(tag.html, { type: 'Binary', value: Buffer.from(body.text).toString('base64') });
    row.set(tag.attachMethod, { type: 'Integer', value: attachMethods.embedded });
    const message: MapiMessage = { properties, recipients: [], attachments: [] };
    change(call, place, (all) => withOne(all, { properties: row, message }, before));
  } else {
    row.set(tag.attachMethod, { type: 'Integer', value: attachMethods.byValue });
    row.set(tag.attachData, { type: 'Binary', value: call.body.toString('base64') });
    change(call, place, (all) => withOne(all, { properties: row, message: null }, before));
  }
  return found === null;
}

/**
 * PROPPATCH of an attachment: properties of its row, and of the message that it is. One that is not there is made: with the method
 * of an embedded message, or a message class, it is a message, which is how exceptions of a series are written. (assumed)
 * @returns whether it is new
 */
export function patchAttachment(call: DavCall, place: AttachmentPlace, changes: readonly Change[]): boolean {
  const { item } = place;
  const name = place.inner ?? place.name;
  call.store.locks.refuseLocked(item, call.headers['if'], item.folder.mailbox.nowMs);
  const found = attachmentNamed(item, place.name, place.inner);
  const row = new Map<PropertyKey, Property>(
    found?.attachment.properties ?? [
      [tag.name, textProperty(name)],
      [tag.attachName, textProperty(name)],
    ],
  );
  const inner = new Map<PropertyKey, Property>(found?.attachment.message?.properties ?? []);
  let isMessage = (found?.attachment.message ?? null) !== null;
  let recipients = found?.attachment.message?.recipients ?? [];
  for (const { column, name: changed, value } of changes) {
    if (column?.writing.kind !== 'property') {
      recipients = recipientRows(recipients, changed.local, value) ?? recipients;
      continue;
    }
    const at = column.writing.key;
    if (at === key.itemClass || (at === tag.attachMethod && value?.value === attachMethods.embedded)) isMessage = true;
    const bag = isRowKey(at) ? row : inner;
    if (value === null) bag.delete(at);
    else if (at === key.htmlBody && value.type === 'String')
      bag.set(at, { type: 'Binary', value: Buffer.from(String(value.value)).toString('base64') });
    else bag.set(at, value);
  }
  const before = found?.attachment ?? null;
  if (!isMessage && before === null && !row.has(tag.attachData)) row.set(tag.attachData, { type: 'Binary', value: '' });
  if (isMessage) row.set(tag.attachMethod, { type: 'Integer', value: attachMethods.embedded });
  const message: MapiMessage | null = isMessage
    ? {
        properties: inner,
        recipients,
        attachments: before?.message?.attachments ?? [],
      }
    : null;
  change(call, place, (all) => withOne(all, { properties: row, message }, before));
  return found === null;
}

/** DELETE of an attachment. @throws DavError 404 */
export function deleteAttachment(call: DavCall, place: AttachmentPlace): void {
  const found = attachmentNamed(place.item, place.name, place.inner);
  if (found === null) throw new DavError(404, 'the item has no such attachment');
  change(call, place, (all) => all.filter((one) => one !== found.attachment));
}
