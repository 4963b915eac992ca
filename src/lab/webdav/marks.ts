import { guidOf } from '../world/account.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';

// Ids and marks of change as WebDAV shows them: a replica GUID and a counter, in hex. (evolution-exchange docs/entryids; published answers)

const replicas = new Map<string, string>();

/** GUID in front of the counters of a mailbox, 32 hex digits. */
function replicaOf({ guid }: Mailbox): string {
  let replica = replicas.get(guid);
  if (replica === undefined) {
    replica = guidOf('replica', guid).replaceAll('-', '');
    replicas.set(guid, replica);
  }
  return replica;
}

const counter = (no: number): string => no.toString(16).padStart(12, '0');

export const itemReplId = (item: Item): string => `rid:${replicaOf(item.folder.mailbox)}${counter(item.no)}`;
export const folderReplId = (folder: Folder): string => `rid:${replicaOf(folder.mailbox)}${counter(folder.no)}`;

export const itemResourceTag = (item: Item): string => {
  const replica = replicaOf(item.folder.mailbox);
  return `rt:${replica}${counter(item.no)}${replica}${counter(item.cn)}`;
};
export const folderResourceTag = (folder: Folder): string => {
  const replica = replicaOf(folder.mailbox);
  return `rt:${replica}${counter(folder.no)}${replica}${counter(folder.cn)}`;
};

/** Mark of what is in a folder: moves with every change there but those of read flags. */
export const folderContentTag = (folder: Folder): string => {
  const replica = replicaOf(folder.mailbox);
  return `rt:${replica}${counter(folder.no)}${replica}${counter(folder.contentCn)}`;
};

/** With its quotes. */
export const etagOfItem = (item: Item): string => `"${replicaOf(item.folder.mailbox)}${counter(item.cn)}"`;
export const etagOfFolder = (folder: Folder): string => `"${replicaOf(folder.mailbox)}${counter(folder.cn)}"`;

export const flatPart = (mailbox: Mailbox, no: number): string => `${replicaOf(mailbox)}-${no.toString(16)}`;
/** The counter in a part of a permanent address; null: it is none of that mailbox. */
export function noOfFlatPart(mailbox: Mailbox, part: string): number | null {
  const [, replica, no = ''] = /^([0-9a-f]{32})-([0-9a-f]{1,12})$/i.exec(part) ?? [];
  return replica?.toLowerCase() === replicaOf(mailbox) ? Number.parseInt(no, 16) : null;
}

/** `DAV:uid`, made of the record key: base64, and nothing that can be searched. */
export const uidOfItem = (item: Item): string => {
  const bytes = Buffer.alloc(21);
  bytes[0] = 1;
  bytes.writeUIntBE(item.folder.no, 1, 6);
  bytes[10] = 1;
  bytes.writeUIntBE(item.no, 11, 6);
  return bytes.toString('base64');
};

const bodyMarks = new WeakMap<Item, number>();
/** PidTagInternetArticleNumber: its own in the folder, and another one when the body or the headers change. */
export const articleNumberOf = (item: Item): number => bodyMarks.get(item) ?? item.createdCn;
/** The body was written anew. */
export const bodyWritten = (item: Item): void => {
  bodyMarks.set(item, item.cn);
};
