import { createHash } from 'node:crypto';
import { composeMime } from './compose-mime.ts';
import { folderIdOf, itemIdOf } from './ids.ts';
import type { Mailbox } from './mailbox.ts';
import { key, type PropertyValue } from './property.ts';

/** A folder as it is, straight from the world. */
export interface TrueFolder {
  readonly id: string;
  /** Names below the root of the visible tree. */
  readonly path: readonly string[];
  /** The same with well-known folders by role in angle brackets, so that trees of different languages compare. */
  readonly place: string;
  readonly role: string | null;
  readonly containerClass: string | null;
  readonly hidden: boolean;
  readonly items: readonly TrueItem[];
}

/** An item as it is, with everything that could be compared with another one. */
export interface TrueItem {
  readonly id: string;
  readonly itemClass: string;
  /** SHA-256 of the MIME as stored, hex. */
  readonly mimeSha256: string;
  readonly mimeBytes: number;
  readonly isRead: boolean;
  /** PidTagMessageFlags without the read bit and the receipt bits. */
  readonly flags: number;
  readonly receiptPending: boolean;
  readonly searchKey: string;
  readonly subject: string | null;
  readonly bcc: readonly string[];
  /** Everything in the property bag, by key. */
  readonly properties: Readonly<Record<string, PropertyValue>>;
}

export interface TrueMailbox {
  readonly address: string;
  readonly guid: string;
  readonly folders: readonly TrueFolder[];
  /** Items in the recoverable part, wherever the version keeps it. */
  readonly recoverable: number;
}

/** All that is in the visible tree of a mailbox, as plain data and without any protocol in between. */
export function snapshot(mailbox: Mailbox): TrueMailbox {
  const root = mailbox.folder('msgfolderroot');
  const folders: TrueFolder[] = [];
  for (const folder of [root, ...mailbox.below(root)]) {
    if (folder.kind === 'search') continue;
    const places: string[] = [];
    for (let at = folder; at !== root; at = at.parent ?? root)
      places.unshift(at.role === null ? at.name : `<${at.role}>`);
    const items: TrueItem[] = [];
    for (const item of folder.items()) {
      const { content } = item;
      const mime = content.mime ?? composeMime(content);
      const properties: Record<string, PropertyValue> = {};
      for (const at of [...content.properties.keys()].sort()) {
        const value = content.properties.get(at)?.value;
        if (value !== undefined) properties[at] = value;
      }
      items.push({
        id: itemIdOf(item),
        itemClass: item.itemClass,
        mimeSha256: createHash('sha256').update(mime).digest('hex'),
        mimeBytes: mime.length,
        isRead: item.isRead,
        flags: item.flags,
        receiptPending: item.receiptPending,
        searchKey: item.searchKey,
        subject: item.text(key.subject),
        bcc: content.bcc.map(({ address }) => address),
        properties,
      });
    }
    folders.push({
      id: folderIdOf(folder),
      path: folder.path(),
      place: places.join('/'),
      role: folder.role,
      containerClass: folder.containerClass,
      hidden: folder.hidden,
      items,
    });
  }
  let recoverable = mailbox.dumpster.length;
  const recoverableRoot = mailbox.roles.get('recoverableitemsroot');
  if (recoverableRoot !== undefined) for (const folder of mailbox.below(recoverableRoot)) recoverable += folder.count;
  return { address: mailbox.address, guid: mailbox.guid, folders, recoverable };
}
