/**
 * The answers of a canned mailbox: an Inbox full of equal mails, as an Exchange 2016 would put them (element order and names as
 * recorded from real servers). Nothing here is made while a benchmark runs but digits.
 */
import { digits, readDigits, renderAll, template } from './template.ts';

export type Side = 'source' | 'target';

export interface CannedMail {
  /** Mails in each mailbox of the source. */
  readonly items: number;
  /** Decoded size of each. */
  readonly mimeBytes: number;
}

/** What was created in a target mailbox: one entry a mail, its stamp as it stood in the request, or null. */
export type Created = readonly (string | null)[];

export interface CannedAnswers {
  findFolder(mailbox: number, count: number): readonly Buffer[];
  /** @param names distinguished names, in the order of the request; `#` for a folder by id. */
  getFolder(mailbox: number, names: readonly string[], count: number): readonly Buffer[];
  /** A page of the feed, from `offset` on. */
  sync(mailbox: number, offset: number, max: number, created: Created | null): readonly Buffer[];
  getItem(mailbox: number, items: readonly number[], want: 'mime' | 'all' | 'head'): readonly Buffer[];
  createItem(mailbox: number, first: number, count: number): readonly Buffer[];
}

const head = Buffer.from(
  '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" Version="V2017_07_11" xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header><s:Body>',
);
const tail = Buffer.from('</s:Body></s:Envelope>');
const namespaces =
  'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"';
const openOf = (operation: string) => Buffer.from(`<m:${operation}Response ${namespaces}><m:ResponseMessages>`);
const closeOf = (operation: string) => Buffer.from(`</m:ResponseMessages></m:${operation}Response>`);

/** An answer of several response messages. */
const answer = (operation: string, messages: readonly Buffer[]): readonly Buffer[] => [
  head,
  openOf(operation),
  ...messages,
  closeOf(operation),
  tail,
];

/** Below it messages are copied together; from there on the MIME is sent from where it lies. */
const copyMaxBytes = 64 * 1024;
const pageMax = 512;

const initial = { source: 'S', target: 'T' } as const;
/** As long as real ids are: 120 characters for folders, 152 for items. The letters before the digits are how they are found. */
const folderIdOf = (side: Side, folder: string) =>
  `AAMkAGNhbm5lZCBib3g${initial[side]}${folder}@@@@`.padEnd(119, 'A').concat('=');
const itemIdStart = { source: 'AAMkAGNhbm5lZCBpdGVtS', target: 'AAMkAGNhbm5lZCBpdGVtT' } as const;
const itemIdOf = (side: Side) => `${itemIdStart[side]}@@@@########`.padEnd(151, 'A').concat('=');
const itemVersion = 'CQAAABYAAAC########AAAAAAAAAAAAAAAAAAAA=';
const folderVersion = 'AQAAABYAAACcanned';

/** The digits of the item ids in a request, in their order. */
export function itemsIn(request: Buffer, side: Side): readonly number[] {
  const items: number[] = [];
  const start = itemIdStart[side];
  const skip = start.length + digits.mailbox;
  for (let at = request.indexOf(start); at >= 0; at = request.indexOf(start, at + skip))
    items.push(readDigits(request, at + skip, digits.item));
  return items;
}

const extended = (tag: string, type: string, value: string) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="${tag}" PropertyType="${type}"/><t:Value>${value}</t:Value></t:ExtendedProperty>`;

/** What a feed shows of a mail, behind its id. */
const propertiesOf = (sizeBytes: number) =>
  `<t:ItemClass>IPM.Note</t:ItemClass><t:Subject>Monthly report ########</t:Subject><t:Sensitivity>Normal</t:Sensitivity><t:Size>${sizeBytes}</t:Size><t:Importance>Normal</t:Importance><t:DateTimeCreated>2024-01-08T02:43:08Z</t:DateTimeCreated><t:HasAttachments>false</t:HasAttachments>${extended('0xe07', 'Integer', '1')}${extended('0x39', 'SystemTime', '2024-01-08T02:43:04Z')}${extended('0xe06', 'SystemTime', '2024-01-08T02:43:08Z')}${extended('0x1035', 'String', '&lt;########.@@@@@bench.test&gt;')}${extended('0x300b', 'Binary', 'AAAA@@@@########AAAAAA==')}${extended('0x71', 'Binary', 'AdpB+########AAAAAAAAAAAAAAA')}${extended('0x70', 'String', 'Monthly report ########')}${extended('0x3008', 'SystemTime', '2024-01-08T02:43:08Z')}`;
const lastProperties = '<t:IsReadReceiptRequested>false</t:IsReadReceiptRequested><t:IsRead>true</t:IsRead>';
const stampOf = (stamp: string) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="7c3c5a4e-9d1b-4f0e-8a66-2f4b1d0c7e91" PropertyName="CausewayStamp" PropertyType="String"/><t:Value>${stamp}</t:Value></t:ExtendedProperty>`;

/** A message of one text part, of exactly so many bytes, in lines as mail programs write them. */
function mimeOf(bytes: number): Buffer {
  const headers =
    'Received: from mail.bench.test (192.0.2.1) by mbx.bench.test (192.0.2.2) with Microsoft SMTP Server id 15.1.2507.6; Mon, 8 Jan 2024 02:43:08 +0000\r\nFrom: Anna Adler <anna.adler@bench.test>\r\nTo: Bruno Brandt <bruno.brandt@bench.test>\r\nSubject: Monthly report\r\nDate: Mon, 8 Jan 2024 02:43:04 +0000\r\nMessage-ID: <canned@bench.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset="us-ascii"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n';
  const line = 'The quick brown fox jumps over the lazy dog, and then it does the same once more.\r\n';
  const body = line.repeat(Math.ceil(Math.max(0, bytes - headers.length) / line.length));
  return Buffer.from((headers + body).slice(0, Math.max(headers.length, bytes)), 'latin1');
}

export function cannedAnswers(side: Side, { items, mimeBytes }: CannedMail): CannedAnswers {
  const mime = Buffer.from(mimeOf(mimeBytes).toString('base64'), 'latin1');
  const root = folderIdOf(side, 'r');
  const inbox = folderIdOf(side, 'i');
  const itemId = `<t:ItemId Id="${itemIdOf(side)}" ChangeKey="${itemVersion}"/>`;
  const parent = `<t:ParentFolderId Id="${inbox}" ChangeKey="${folderVersion}"/>`;
  const properties = propertiesOf(mimeBytes + 1500);

  const itemMessage = (inside: string) =>
    `<m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items><t:Message>${inside}</t:Message></m:Items></m:GetItemResponseMessage>`;
  /** One response message of GetItem, in the pieces before and behind the MIME. */
  const split = (inside: string) => {
    const mark = '[mime]';
    const [before = '', behind = ''] = itemMessage(mark + inside).split(mark);
    const opened = `${before}<t:MimeContent CharacterSet="UTF-8">`;
    const closed = `</t:MimeContent>${behind}`;
    const small = mime.length < copyMaxBytes ? template(opened + mime.toString('latin1') + closed) : null;
    return { before: Buffer.from(opened), behind: template(closed), small };
  };
  const shapes = {
    mime: split(itemId),
    all: split(itemId + parent + properties + lastProperties),
    head: template(itemMessage(itemId + parent + properties + lastProperties)),
  };
  const created = template(
    `<m:CreateItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items><t:Message>${itemId}</t:Message></m:Items></m:CreateItemResponseMessage>`,
  );
  const change = template(`<t:Create><t:Message>${itemId}${properties}${lastProperties}</t:Message></t:Create>`);
  const changeBeforeStamp = template(`<t:Create><t:Message>${itemId}${properties}`);
  const changeBehindStamp = Buffer.from(`${lastProperties}</t:Message></t:Create>`);

  /** Each change has a time of its own, as a folder of a server has: the count in seconds. */
  const folder = (mailbox: number, id: string, parentId: string, name: string, count: number) => {
    const changedAt = `${new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString().slice(0, 19)}Z`;
    // PidTagEntryId; of its bytes 4 to 20 are the mailbox's GUID.
    const entryId = `AAAAAABB@@@@${initial[side]}AAAAAAAAAAAAAAA`;
    const text = `<t:Folder><t:FolderId Id="${id}" ChangeKey="${folderVersion}"/><t:ParentFolderId Id="${parentId}" ChangeKey="${folderVersion}"/><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>${name}</t:DisplayName><t:TotalCount>${count}</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount>${extended('0x3613', 'String', 'IPF.Note')}${extended('0x670a', 'SystemTime', changedAt)}${extended('0x670b', 'Integer', '0')}${extended('0xfff', 'Binary', entryId)}</t:Folder>`;
    return renderAll(template(text), mailbox, [0]);
  };

  return {
    findFolder: (mailbox, count) =>
      answer('FindFolder', [
        Buffer.from(
          '<m:FindFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RootFolder IndexedPagingOffset="1" TotalItemsInView="1" IncludesLastItemInRange="true"><t:Folders>',
        ),
        folder(mailbox, inbox, root, 'Inbox', count),
        Buffer.from('</t:Folders></m:RootFolder></m:FindFolderResponseMessage>'),
      ]),
    getFolder: (mailbox, names, count) =>
      answer(
        'GetFolder',
        names.map((name) => {
          const known = name === 'inbox' || name === '#';
          if (!known && name !== 'msgfolderroot' && name !== 'root')
            return Buffer.from(
              '<m:GetFolderResponseMessage ResponseClass="Error"><m:MessageText>The specified folder could not be found in the store.</m:MessageText><m:ResponseCode>ErrorFolderNotFound</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Folders/></m:GetFolderResponseMessage>',
            );
          const shown = known ? folder(mailbox, inbox, root, 'Inbox', count) : folder(mailbox, root, root, name, 0);
          return Buffer.concat([
            Buffer.from(
              '<m:GetFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Folders>',
            ),
            shown,
            Buffer.from('</m:Folders></m:GetFolderResponseMessage>'),
          ]);
        }),
      ),
    sync(mailbox, offset, max, there) {
      const count = there?.length ?? items;
      const end = Math.min(count, offset + Math.min(max, pageMax));
      const page = Array.from({ length: end - offset }, (_, i) => offset + i);
      const state = `c${side}${end}`;
      return answer('SyncFolderItems', [
        Buffer.from(
          `<m:SyncFolderItemsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:SyncState>${state}</m:SyncState><m:IncludesLastItemInRange>${end === count}</m:IncludesLastItemInRange><m:Changes>`,
        ),
        ...(there === null
          ? [renderAll(change, mailbox, page)]
          : page.flatMap((item) => {
              const stamp = there[item];
              return stamp
                ? [renderAll(changeBeforeStamp, mailbox, [item]), Buffer.from(stampOf(stamp)), changeBehindStamp]
                : [renderAll(change, mailbox, [item])];
            })),
        Buffer.from('</m:Changes></m:SyncFolderItemsResponseMessage>'),
      ]);
    },
    getItem(mailbox, wanted, want) {
      if (want === 'head') return answer('GetItem', [renderAll(shapes.head, mailbox, wanted)]);
      const { before, behind, small } = shapes[want];
      return answer(
        'GetItem',
        small
          ? [renderAll(small, mailbox, wanted)]
          : wanted.flatMap((item) => [before, mime, renderAll(behind, mailbox, [item])]),
      );
    },
    createItem: (mailbox, first, count) =>
      answer('CreateItem', [
        renderAll(
          created,
          mailbox,
          Array.from({ length: count }, (_, i) => first + i),
        ),
      ]),
  };
}
