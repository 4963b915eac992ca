import { itemOfMessage } from '../../mapi/item-of-message.ts';
import { bytesOf, textOf } from '../../mapi/message.ts';
import { tag } from '../../mapi/tags.ts';
import { composeMime } from '../../world/compose-mime.ts';
import type { Item } from '../../world/item.ts';
import { key } from '../../world/property.ts';
import { attachmentNamed } from '../attachments.ts';
import type { DavContext, Resource } from '../context.ts';
import { type DavAnswer, type DavCall, wantsStore } from '../dav-call.ts';
import { DavError } from '../dav-error.ts';
import { itemMime } from '../item-mime.ts';
import { etagOfItem, itemReplId, itemResourceTag } from '../marks.ts';
import { page } from '../owa-pages.ts';

const marksOf = (item: Item): Readonly<Record<string, string>> => ({
  etag: etagOfItem(item),
  getetag: etagOfItem(item),
  resourcetag: `<${itemResourceTag(item)}>`,
  'repl-uid': `<${itemReplId(item)}>`,
  'last-modified': new Date(item.modifiedAtMs).toUTCString(),
});

/** GET and HEAD. Without `Translate: f` it is people who ask, and they get pages. */
export async function get(call: DavCall): Promise<DavAnswer> {
  const resource = call.context.resolve(call.path);
  if (!wantsStore(call)) return pageFor(call.context, resource);
  switch (resource.kind) {
    case 'item': {
      const { item } = resource;
      const noneMatch = call.headers['if-none-match'];
      if (noneMatch?.includes(etagOfItem(item))) return { status: 304, headers: marksOf(item) };
      const mime = await itemMime(item);
      return { status: 200, headers: { 'content-type': 'message/rfc822', ...marksOf(item) }, body: mime };
    }
    case 'attachment':
      return attachmentAnswer(resource);
    case 'folder':
      // A collection has no bytes of its own.
      throw new DavError(404, 'a folder has no content');
    default:
      throw new DavError(404, 'there is nothing at this address');
  }
}

function attachmentAnswer({ item, name, inner }: Extract<Resource, { kind: 'attachment' }>): DavAnswer {
  const found = attachmentNamed(item, name, inner);
  if (found === null) throw new DavError(404, 'the item has no such attachment');
  const { properties, message } = found.attachment;
  if (message === null) {
    const type = textOf(properties, tag.attachType) ?? 'application/octet-stream';
    return {
      status: 200,
      headers: { 'content-type': type },
      body: bytesOf(properties, tag.attachData) ?? Buffer.alloc(0),
    };
  }
  const { mailbox } = item.folder;
  const withClass = new Map(message.properties);
  // What is inside of an exception is read like mail; its properties say the rest.
  withClass.set(key.itemClass, { type: 'String', value: 'IPM.Note' });
  const { content } = itemOfMessage(
    { ...message, properties: withClass },
    { idFor: [mailbox.guid, 0, mailbox.nowMs], strict: false },
  );
  return { status: 200, headers: { 'content-type': 'message/rfc822' }, body: composeMime(content) };
}

function pageFor(context: DavContext, resource: Resource): DavAnswer {
  switch (resource.kind) {
    case 'folder':
      return page(context.folderUrl(resource.folder), resource.folder.name);
    case 'item':
      return page(context.itemUrl(resource.item), 'Message');
    case 'attachment':
      return attachmentAnswer(resource);
    default:
      throw new DavError(404, 'there is nothing at this address');
  }
}
