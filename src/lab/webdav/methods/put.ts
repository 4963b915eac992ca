import { decodeCharset } from '#formats/text/charset.ts';
import { headerOf, type MimePart, splitMime } from '#formats/text/mime-split.ts';
import { readIcs } from '../../samples/read-ics.ts';
import { calendarKey, stateFlag } from '../../world/calendar-keys.ts';
import type { Folder } from '../../world/folder.ts';
import type { Item, ItemContent } from '../../world/item.ts';
import { key, type Property, type PropertyKey } from '../../world/property.ts';
import { contentOfMime } from '../../world/read-message.ts';
import { putAttachment } from '../attachment-writes.ts';
import { type DavAnswer, type DavCall, refuseUnlessMatching } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { bodyWritten, etagOfItem, itemReplId, itemResourceTag } from '../marks.ts';
import { bodyGiven } from '../rewrite.ts';
import { putToSubmission } from '../submission.ts';
import { createItem, rewriteItem } from '../write-item.ts';

const writtenAnswer = (call: DavCall, item: Item, isNew: boolean): DavAnswer => ({
  status: isNew ? 201 : 200,
  headers: {
    location: call.context.itemUrl(item),
    etag: etagOfItem(item),
    getetag: etagOfItem(item),
    resourcetag: `<${itemResourceTag(item)}>`,
    'repl-uid': `<${itemReplId(item)}>`,
  },
});

export function put(call: DavCall): DavAnswer {
  const { context } = call;
  const resource = context.resolve(call.path);
  refuseUnlessMatching(call, resource);
  switch (resource.kind) {
    case 'attachment': {
      const isNew = putAttachment(call, resource);
      const { item, name, inner } = resource;
      const location = context.attachmentUrl(item, name, ...(inner === null ? [] : [inner]));
      return { status: isNew ? 201 : 200, headers: { location } };
    }
    case 'submission':
      return putToSubmission(call, resource.mailbox);
    case 'item': {
      const { item } = resource;
      call.store.locks.refuseLocked(item, call.headers['if'], item.folder.mailbox.nowMs);
      rewriteItem(call, item, replacing(item, contentOf(call, item.folder)));
      bodyGiven(item);
      bodyWritten(item);
      return writtenAnswer(call, item, false);
    }
    case 'missing': {
      const { parent, name } = resource;
      const content = contentOf(call, parent);
      const item = createItem(call, parent, name, { content, contentChanged: true, isRead: null, messageFlags: null });
      return writtenAnswer(call, item, true);
    }
    case 'nowhere':
      throw new DavError(409, 'there is no folder for it');
    default:
      throw new DavError(405, 'a folder is not written by PUT');
  }
}

function leafOf(part: MimePart, type: string): MimePart | null {
  if (part.contentType.value === type) return part;
  for (const child of part.children) {
    const found = leafOf(child, type);
    if (found !== null) return found;
  }
  return null;
}

/** Appointments are told from mail by the kind of content that they say, or by the folder they are put into. */
function contentOf(call: DavCall, folder: Folder): ItemContent {
  const type = (call.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'message/rfc822' && type !== '') throw new DavError(415, 'items are put as message/rfc822');
  if (call.body.length === 0) throw new DavError(400, 'the message is empty');
  const { nowMs } = folder.mailbox;
  const root = splitMime(call.body);
  const calendar = leafOf(root, 'text/calendar');
  const isAppointment =
    /appointment/i.test(headerOf(root.headers, 'content-class') ?? '') ||
    /^ipf\.appointment/i.test(folder.containerClass ?? '');
  if (calendar !== null && isAppointment) return appointmentIn(calendar, folder);
  const content = contentOfMime(call.body);
  const properties = new Map(content.properties);
  if (!properties.has(key.receivedAt)) properties.set(key.receivedAt, { type: 'SystemTime', value: nowMs });
  if (!properties.has(key.sentAt)) properties.set(key.sentAt, { type: 'SystemTime', value: nowMs });
  return { ...content, properties };
}

function appointmentIn(part: MimePart, folder: Folder): ItemContent {
  const { mailbox } = folder;
  const text = decodeCharset(part.body(), part.contentType.parameters.get('charset') ?? 'utf-8');
  const [content] = readIcs(text, {
    name: mailbox.displayName,
    address: mailbox.address,
    guid: mailbox.guid,
    nowMs: mailbox.nowMs,
  });
  if (content === undefined) throw new DavError(400, 'the calendar has no event in it');
  const properties = new Map(content.properties);
  const attendees = content.calendar?.attendees ?? [];
  const own = content.from?.address.toLowerCase() === mailbox.address;
  const state = attendees.length === 0 ? 0 : own ? stateFlag.meeting : stateFlag.meeting | stateFlag.received;
  properties.set(calendarKey.stateFlags, { type: 'Integer', value: state });
  return { ...content, properties };
}

/** Properties that the bytes of a message say nothing of outlive them. */
function replacing(item: Item, content: ItemContent): ItemContent {
  const before = item.content;
  if (before.calendar !== undefined && content.calendar === undefined)
    throw new DavError(403, 'the kind of an item cannot be changed');
  const properties = new Map<PropertyKey, Property>(before.properties);
  for (const [at, property] of content.properties) {
    // When it arrived is what the client said before, not what was put in for want of it.
    if (at === key.receivedAt && before.properties.has(at)) continue;
    properties.set(at, property);
  }
  const bcc = content.bcc.length === 0 ? before.bcc : content.bcc;
  return { ...content, properties, bcc };
}
