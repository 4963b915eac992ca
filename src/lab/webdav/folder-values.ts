import { folderPropertyOf } from '../ews/folder-shape.ts';
import type { Folder } from '../world/folder.ts';
import { key, type Property, type PropertyKey, tagKey } from '../world/property.ts';

const integer = (value: number): Property => ({ type: 'Integer', value });
const time = (value: number): Property => ({ type: 'SystemTime', value });
const text = (value: string | null): Property | null => (value === null ? null : { type: 'String', value });

const computed = new Map<PropertyKey, (folder: Folder) => Property | null>([
  [key.displayName, (folder) => text(folder.name)],
  [key.containerClass, (folder) => text(folder.containerClass)],
  [key.contentCount, (folder) => integer(folder.count)],
  [key.unreadCount, (folder) => integer(folder.unread)],
  [key.subfolders, (folder) => ({ type: 'Boolean', value: folder.children.size > 0 })],
  [key.deletedCount, (folder) => integer(folder.deletedCount)],
  [key.localCommitAt, (folder) => time(folder.localCommitMs)],
  [key.createdAt, (folder) => time(folder.createdAtMs)],
  [key.modifiedAt, (folder) => time(folder.modifiedAtMs)],
  [key.hidden, (folder) => ({ type: 'Boolean', value: folder.hidden })],
  [key.urlName, (folder) => text(folder.name)],
  [key.entryId, ({ mailbox, no }) => ({ type: 'Binary', value: mailbox.ids.folderEntryId(no).toString('base64') })],
  // Next number and highest number of articles: new mail gets a higher one than any that is there. (DavMail, evolution-exchange docs/mail)
  [tagKey(0x6751), ({ mailbox }) => integer(mailbox.lastCn + 1)],
  [tagKey(0x6752), ({ contentCn }) => integer(contentCn)],
]);

/** One MAPI property of a folder; null: it has none of that name. */
export function folderProperty(folder: Folder, at: PropertyKey): Property | null {
  const compute = computed.get(at);
  return compute === undefined ? (folder.properties.get(at) ?? folderPropertyOf(folder, at)) : compute(folder);
}
