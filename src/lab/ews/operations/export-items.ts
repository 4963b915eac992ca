import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Malformed } from '../../mapi/byte-cursor.ts';
import { itemOfMessage, type ReadItem } from '../../mapi/item-of-message.ts';
import {
  type Build,
  frameWhole,
  NewerStream,
  readMessageStream,
  unframe,
  writeMessageStream,
} from '../../mapi/item-stream.ts';
import { messageOfAppointment } from '../../mapi/message-of-appointment.ts';
import type { Attachment, Item, ItemContent } from '../../world/item.ts';
import type { Mailbox } from '../../world/mailbox.ts';
import type { Property } from '../../world/property.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { itemIdXml } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, childText, kids } from '../request.ts';
import { base64 } from '../xml-out.ts';

type StoredAttachment = Omit<Attachment, 'content'> & { readonly content: string };
const storeAttachments = (list: readonly Attachment[] | null): readonly StoredAttachment[] | null =>
  list?.map((one) => ({ ...one, content: one.content.toString('base64') })) ?? null;
const restoreAttachments = (list: readonly StoredAttachment[] | null): readonly Attachment[] | null =>
  list?.map((one) => ({ ...one, content: Buffer.from(one.content, 'base64') })) ?? null;

interface Stored {
  readonly mime: string | null;
  readonly properties: readonly (readonly [string, Property])[];
  readonly rest: Pick<ItemContent, 'from' | 'to' | 'cc' | 'bcc' | 'body'>;
  readonly attachments: readonly StoredAttachment[] | null;
  readonly typed: readonly (readonly [string, string])[];
  readonly isRead: boolean;
  readonly flags: number;
  readonly searchKey: string;
}

const ownMark = Buffer.from('LAB1');

/**
 * A mail, contact, task or note: around it the record frame that Exchange writes, inside a buffer that only the lab reads. Streams
 * are opaque for clients by contract. Appointments go in the true form.
 */
function writeOwn(item: Item, build: Build): Buffer {
  const { mime, properties, typed, from, to, cc, bcc, body, attachments } = item.content;
  const stored: Stored = {
    mime: mime?.toString('base64') ?? null,
    properties: [...properties],
    typed: [...typed],
    rest: { from, to, cc, bcc, body },
    attachments: mime === null ? storeAttachments(attachments) : null,
    isRead: item.isRead,
    flags: item.flags,
    searchKey: item.searchKey,
  };
  return frameWhole(Buffer.concat([ownMark, deflateRawSync(Buffer.from(JSON.stringify(stored)))]), build);
}

/** @throws Malformed */
function readOwn(data: Buffer): ReadItem {
  let stored: Stored;
  try {
    stored = JSON.parse(
      inflateRawSync(data.subarray(ownMark.length), { maxOutputLength: 512 * 1024 * 1024 }).toString(),
    ) as Stored;
  } catch {
    throw new Malformed('what the lab wrote cannot be read');
  }
  const content: ItemContent = {
    ...stored.rest,
    mime: stored.mime === null ? null : Buffer.from(stored.mime, 'base64'),
    properties: new Map(stored.properties),
    typed: new Map(stored.typed),
    attachments: stored.mime === null ? (restoreAttachments(stored.attachments) ?? []) : null,
  };
  return { content, isRead: stored.isRead, flags: stored.flags, searchKey: stored.searchKey };
}

/** What a stream holds: the lab's own form, or a message in the true one. */
function readStream(bytes: Buffer, mailbox: Mailbox): ReadItem {
  try {
    const framed = unframe(bytes, mailbox.organization.facts.build);
    if (framed.data.subarray(0, ownMark.length).equals(ownMark)) return readOwn(framed.data);
    return itemOfMessage(readMessageStream(framed), {
      idFor: [mailbox.guid, mailbox.lastCn, mailbox.nowMs],
      strict: true,
    });
  } catch (error) {
    if (error instanceof Malformed) throw new EwsError('ErrorCorruptData');
    // A stream of a newer server is refused: what it holds may mean nothing here (assumed).
    if (error instanceof NewerStream)
      throw new EwsError('ErrorItemSave', 'The data comes from a newer version of the server.');
    throw error;
  }
}

/** EWS doc: exportitems-operation. */
export const exportItems: Operation = {
  request: 'ExportItems',
  name: 'ExportItems',
  since: 'Exchange2010_SP1',
  run(request, context) {
    return batch(context, 'ExportItems', kids(child(request, 'ItemIds')), (id) => {
      const { item } = context.item(id);
      if (item.occurrence !== null)
        throw new EwsError('ErrorCalendarCannotMoveOrCopyOccurrence', 'An occurrence cannot be exported by itself.');
      return [
        itemIdXml(item).replace('<t:ItemId', '<m:ItemId'),
        '<m:Data>',
        base64(
          item.content.calendar === undefined
            ? writeOwn(item, context.organization.facts.build)
            : writeMessageStream(messageOfAppointment(item), context.organization.facts.build),
        ),
        '</m:Data>',
      ];
    });
  },
};

/** 25 MB of base64 in 2010. (gsexdev.blogspot.com 2011/02) */
const dataMax2010 = 25 * 1024 * 1024;

/** EWS doc: uploaditems-operation. */
export const uploadItems: Operation = {
  request: 'UploadItems',
  name: 'UploadItems',
  since: 'Exchange2010_SP1',
  run(request, context) {
    return batch(context, 'UploadItems', kids(child(request, 'Items')), (element) => {
      const action = attribute(element, 'CreateAction');
      const text = childText(element, 'Data') ?? '';
      if (context.serverVersion === '2010' && text.length > dataMax2010)
        throw new EwsError('ErrorDataSizeLimitExceeded');
      const folder = context.folderIn(
        {
          ...element,
          children: [
            {
              ...element,
              name: 'Holder',
              children: kids(element)
                .filter(({ name }) => name === 'ParentFolderId')
                .map((id) => ({ ...id, name: 'FolderId' })),
            },
          ],
        },
        'Holder',
      );
      const idElement = child(element, 'ItemId');
      if (action === 'CreateNew' && idElement !== null)
        throw new EwsError('ErrorInvalidRequest', 'A new item has no id yet.');
      if (action === 'Update' && idElement === null) throw new EwsError('ErrorInvalidIdEmpty');
      const { mailbox } = folder;
      const read = readStream(Buffer.from(text, 'base64'), mailbox);
      if (idElement !== null) {
        const { item } = context.item(idElement);
        mailbox.update(item, read.content, context.hand());
        return itemIdXml(item).replace('<t:ItemId', '<m:ItemId');
      }
      const item = mailbox.create(
        folder,
        {
          content: read.content,
          messageFlags: read.flags | (read.isRead ? 1 : 0),
          isRead: read.isRead,
          ...(read.searchKey === null ? {} : { searchKey: read.searchKey }),
        },
        context.hand(),
      );
      return itemIdXml(item).replace('<t:ItemId', '<m:ItemId');
    });
  },
};
