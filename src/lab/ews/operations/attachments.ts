import type { XmlElement } from '#formats/text/xml-read.ts';
import { updateOccurrence } from '../../world/appointment.ts';
import { itemChangeKeyOf, itemIdOf } from '../../world/ids.ts';
import type { Attachment, Item } from '../../world/item.ts';
import { key } from '../../world/property.ts';
import { batch } from '../answer.ts';
import type { Context } from '../context.ts';
import { EwsError } from '../ews-error.ts';
import { draftOf, ItemDraft } from '../item-draft.ts';
import { attachmentIdOf, attachmentsFor, attachmentXml } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, childText, isTrue, kids, serialize } from '../request.ts';

/** An attachment id is the item's id with a few letters behind it. */
const tailLetters = 4;

function attachmentById(
  context: Context,
  element: XmlElement,
): { readonly item: Item; readonly attachment: Attachment } {
  const id = attribute(element, 'Id') ?? '';
  if (id === '') throw new EwsError('ErrorInvalidIdEmpty');
  const tail = Buffer.from(id.slice(-tailLetters), 'base64');
  if (id.length < 80 || tail[0] !== 0x41) throw new EwsError('ErrorInvalidAttachmentId');
  const { item } = context.itemById(id.slice(0, -tailLetters), null);
  const no = tail.readUInt16BE(1);
  const attachment = attachmentsFor(item).find((one) => one.no === no);
  if (attachment === undefined) throw new EwsError('ErrorItemNotFound');
  return { item, attachment };
}

/** EWS doc: createattachment-operation. */
export const createAttachment: Operation = {
  request: 'CreateAttachment',
  name: 'CreateAttachment',
  since: 'Exchange2007',
  run(request, context) {
    return batch(
      context,
      'CreateAttachment',
      kids(child(request, 'Attachments')),
      (element) => {
        const parent = child(request, 'ParentItemId');
        if (parent === null) throw new EwsError('ErrorInvalidRequest');
        const { item } = context.item(parent);
        const existing = attachmentsFor(item);
        const no = existing.reduce((max, one) => Math.max(max, one.no), 0) + 1;
        const made = read(context, element, no);
        if (made.content.length > context.organization.itemMaxBytes)
          throw new EwsError('ErrorAttachmentSizeLimitExceeded');
        const draft = new ItemDraft(context, 'Message', item.content);
        draft.loosen();
        draft.attachments = [...existing, made];
        draft.put(key.hasAttachments, 'Boolean', true);
        const root = write(context, item, draft);
        const name = made.itemXml === null ? 'FileAttachment' : 'ItemAttachment';
        return `<m:Attachments><t:${name}><t:AttachmentId Id="${attachmentIdOf(root, no)}" RootItemId="${itemIdOf(root)}" RootItemChangeKey="${itemChangeKeyOf(root)}"/></t:${name}></m:Attachments>`;
      },
      '<m:Attachments/>',
    );
  },
};

/** Writes the item back; an occurrence becomes an exception by it. */
function write(context: Context, item: Item, draft: ItemDraft): Item {
  if (item.occurrence !== null) return updateOccurrence(item, draft.content(), context.hand());
  item.folder.mailbox.update(item, draft.content(), context.hand());
  return item;
}

function read(context: Context, element: XmlElement, no: number): Attachment {
  const name = childText(element, 'Name');
  if (name === null) throw new EwsError('ErrorRequiredPropertyMissing', 'An attachment needs a name.');
  const common = {
    no,
    name,
    contentId: childText(element, 'ContentId'),
    isInline: isTrue(childText(element, 'IsInline')),
  };
  if (element.name === 'FileAttachment') {
    const content = childText(element, 'Content');
    if (content === null) throw new EwsError('ErrorRequiredPropertyMissing', 'A file attachment needs content.');
    return {
      ...common,
      contentType: childText(element, 'ContentType') ?? 'application/octet-stream',
      content: Buffer.from(content, 'base64'),
      itemXml: null,
    };
  }
  const inner = element.children.find(
    ({ name: local }) =>
      ![
        'AttachmentId',
        'Name',
        'ContentType',
        'ContentId',
        'ContentLocation',
        'Size',
        'LastModifiedTime',
        'IsInline',
      ].includes(local),
  );
  if (inner === undefined) throw new EwsError('ErrorRequiredPropertyMissing', 'An item attachment needs an item.');
  draftOf(context, inner);
  return { ...common, contentType: 'message/rfc822', content: Buffer.alloc(0), itemXml: serialize(inner) };
}

/** EWS doc: getattachment-operation. */
export const getAttachment: Operation = {
  request: 'GetAttachment',
  name: 'GetAttachment',
  since: 'Exchange2007',
  run(request, context) {
    return batch(
      context,
      'GetAttachment',
      kids(child(request, 'AttachmentIds')),
      (id) => {
        const { item, attachment } = attachmentById(context, id);
        return ['<m:Attachments>', attachmentXml(context, item, attachment, true), '</m:Attachments>'];
      },
      '<m:Attachments/>',
    );
  },
};

/** EWS doc: deleteattachment-operation. */
export const deleteAttachment: Operation = {
  request: 'DeleteAttachment',
  name: 'DeleteAttachment',
  since: 'Exchange2007',
  run(request, context) {
    return batch(context, 'DeleteAttachment', kids(child(request, 'AttachmentIds')), (id) => {
      const { item, attachment } = attachmentById(context, id);
      const draft = new ItemDraft(context, 'Message', item.content);
      draft.loosen();
      draft.attachments = (draft.attachments ?? []).filter((one) => one.no !== attachment.no);
      draft.put(
        key.hasAttachments,
        'Boolean',
        draft.attachments.some((one) => !one.isInline),
      );
      const root = write(context, item, draft);
      return `<m:RootItemId RootItemId="${itemIdOf(root)}" RootItemChangeKey="${itemChangeKeyOf(root)}"/>`;
    });
  },
};
