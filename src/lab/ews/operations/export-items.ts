import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { CalendarException, CalendarPart } from '../../world/calendar-part.ts';
import type { Attachment, Item, ItemContent } from '../../world/item.ts';
import type { Property } from '../../world/property.ts';
import { batch } from '../answer.ts';
import { EwsError } from '../ews-error.ts';
import { itemIdXml } from '../item-shape.ts';
import type { Operation } from '../operation.ts';
import { attribute, child, childText, kids } from '../request.ts';
import { base64 } from '../xml-out.ts';

const frame = (operation: number, bytes: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(operation, 0);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
};

type StoredAttachment = Omit<Attachment, 'content'> & { readonly content: string };
type StoredCalendar = Omit<CalendarPart, 'exceptions'> & {
  readonly exceptions: readonly (Omit<CalendarException, 'properties' | 'attachments'> & {
    readonly properties: readonly (readonly [string, Property | null])[];
    readonly attachments: readonly StoredAttachment[] | null;
  })[];
};

const storeAttachments = (list: readonly Attachment[] | null): readonly StoredAttachment[] | null =>
  list?.map((one) => ({ ...one, content: one.content.toString('base64') })) ?? null;
const restoreAttachments = (list: readonly StoredAttachment[] | null): readonly Attachment[] | null =>
  list?.map((one) => ({ ...one, content: Buffer.from(one.content, 'base64') })) ?? null;
const storeCalendar = (part: CalendarPart): StoredCalendar => ({
  ...part,
  exceptions: part.exceptions.map((one) => ({
    ...one,
    properties: [...one.properties],
    attachments: storeAttachments(one.attachments),
  })),
});
const restoreCalendar = (part: StoredCalendar): CalendarPart => ({
  ...part,
  exceptions: part.exceptions.map((one) => ({
    ...one,
    properties: new Map(one.properties),
    attachments: restoreAttachments(one.attachments),
  })),
});

interface Stored {
  readonly mime: string | null;
  readonly properties: readonly (readonly [string, Property])[];
  readonly rest: Pick<ItemContent, 'from' | 'to' | 'cc' | 'bcc' | 'body'>;
  readonly attachments: readonly StoredAttachment[] | null;
  readonly calendar: StoredCalendar | null;
  readonly typed: readonly (readonly [string, string])[];
  readonly isRead: boolean;
  readonly flags: number;
  readonly searchKey: string;
}

/**
 * An item as a stream: the record frame that Exchange writes (FACTS §2), around a buffer that only the lab reads. Streams are
 * opaque for clients by contract, so nothing outside can tell.
 */
function writeStream(item: Item, build: readonly [number, number, number, number]): Buffer {
  const { mime, properties, typed, from, to, cc, bcc, body, attachments, calendar } = item.content;
  const stored: Stored = {
    mime: mime?.toString('base64') ?? null,
    properties: [...properties],
    typed: [...typed],
    rest: { from, to, cc, bcc, body },
    attachments: mime === null ? storeAttachments(attachments) : null,
    calendar: calendar === undefined ? null : storeCalendar(calendar),
    isRead: item.isRead,
    flags: item.flags,
    searchKey: item.searchKey,
  };
  const configuration = Buffer.alloc(8);
  configuration.writeUInt32LE(1, 4);
  const version = Buffer.alloc(6);
  version.writeUInt16LE((build[0] << 8) | build[1], 0);
  version.writeUInt16LE(0x8000 | build[2], 2);
  version.writeUInt16LE(build[3], 4);
  const text = Buffer.concat([Buffer.from('LAB1'), deflateRawSync(Buffer.from(JSON.stringify(stored)))]);
  return Buffer.concat([frame(1, configuration), frame(3, Buffer.alloc(24, 1)), frame(4, version), frame(2, text)]);
}

function readStream(bytes: Buffer, ownMajor: number): Stored {
  let stored: Stored | null = null;
  for (let at = 0; at + 8 <= bytes.length; ) {
    const operation = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (content.length !== length) throw new EwsError('ErrorCorruptData');
    // A stream of a newer server is refused: what it holds may mean nothing here (assumed).
    if (operation === 4 && content.readUInt16LE(0) >> 8 > ownMajor)
      throw new EwsError('ErrorItemSave', 'The data comes from a newer version of the server.');
    if (operation === 2) {
      if (content.subarray(0, 4).toString('latin1') !== 'LAB1') throw new EwsError('ErrorCorruptData');
      try {
        stored = JSON.parse(
          inflateRawSync(content.subarray(4), { maxOutputLength: 512 * 1024 * 1024 }).toString(),
        ) as Stored;
      } catch {
        throw new EwsError('ErrorCorruptData');
      }
    }
    at += 8 + length;
  }
  if (stored === null) throw new EwsError('ErrorCorruptData');
  return stored;
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
        base64(writeStream(item, context.organization.facts.build)),
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
      const stored = readStream(Buffer.from(text, 'base64'), context.organization.facts.build[0]);
      const content: ItemContent = {
        ...stored.rest,
        mime: stored.mime === null ? null : Buffer.from(stored.mime, 'base64'),
        properties: new Map(stored.properties),
        typed: new Map(stored.typed),
        attachments: stored.mime === null ? (restoreAttachments(stored.attachments) ?? []) : null,
        ...(stored.calendar === null ? {} : { calendar: restoreCalendar(stored.calendar) }),
      };
      const { mailbox } = folder;
      if (idElement !== null) {
        const { item } = context.item(idElement);
        mailbox.update(item, content, context.hand());
        return itemIdXml(item).replace('<t:ItemId', '<m:ItemId');
      }
      const item = mailbox.create(
        folder,
        {
          content,
          messageFlags: stored.flags | (stored.isRead ? 1 : 0),
          isRead: stored.isRead,
          searchKey: stored.searchKey,
        },
        context.hand(),
      );
      return itemIdXml(item).replace('<t:ItemId', '<m:ItemId');
    });
  },
};
