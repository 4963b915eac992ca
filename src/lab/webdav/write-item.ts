import type { Folder } from '../world/folder.ts';
import type { Item, ItemContent } from '../world/item.ts';
import { messageFlag } from '../world/property.ts';
import type { DavCall } from './dav-call.ts';
import { DavError } from './dav-error.ts';
import { isMail } from './item-values.ts';
import { givenFlags, markShell, type Patched } from './rewrite.ts';
import { itemNames } from './url-names.ts';

/** Told to the machinery of meetings: WebDAV writes what it is told to, and no mail comes of it. (assumed) */
const silently = 'SendToNone';

/** Puts a new item into a folder, under that name. */
export function createItem(call: DavCall, folder: Folder, name: string, init: Patched): Item {
  const { mailbox } = folder;
  const by = call.context.hand();
  const { content } = init;
  const itemClass = classOf(content);
  if (folder.kind === 'search') throw new DavError(403, 'a search folder holds nothing of its own');
  const mail = isMail(itemClass);
  const flags = mail ? (init.messageFlags ?? messageFlag.unsent | messageFlag.unmodified) : messageFlag.read;
  const item = mailbox.create(
    folder,
    {
      content,
      messageFlags: givenFlags(flags) | (flags & messageFlag.read),
      isRead: init.isRead ?? (flags & messageFlag.read) !== 0,
    },
    by,
  );
  itemNames(folder).give(item, name);
  if (mail && content.mime === null) markShell(item);
  if (content.calendar !== undefined)
    call.context.organization.world.meetings?.written({
      kind: 'created',
      mailbox,
      item,
      day: null,
      before: null,
      after: content,
      choice: silently,
      by,
    });
  touchLater(call, item);
  return item;
}

const classOf = ({ properties }: ItemContent): string => {
  const value = properties.get('0x001a')?.value;
  return typeof value === 'string' ? value : 'IPM.Note';
};

/** Writes a new content of an item. */
export function rewriteItem(call: DavCall, item: Item, content: ItemContent): void {
  const { mailbox } = item.folder;
  const by = call.context.hand();
  const before = item.content;
  mailbox.update(item, content, by);
  if (content.calendar !== undefined)
    call.context.organization.world.meetings?.written({
      kind: 'updated',
      mailbox,
      item,
      day: null,
      before,
      after: content,
      choice: silently,
      by,
    });
  touchLater(call, item);
}

export function deleteItem(call: DavCall, item: Item): void {
  const { mailbox } = item.folder;
  const by = call.context.hand();
  const before = item.content;
  // What is deleted can be recovered by an administrator for a while, and is not in Deleted Items. (assumed)
  mailbox.remove(item, 'SoftDelete', by);
  if (before.calendar !== undefined && !isMail(classOf(before)))
    call.context.organization.world.meetings?.written({
      kind: 'deleted',
      mailbox,
      item,
      day: null,
      before,
      after: null,
      choice: silently,
      by,
    });
}

/** Whether the server comes back to an item that was just written. */
function touchLater({ context, method }: DavCall, item: Item): void {
  const { mailbox } = item.folder;
  const { organization } = context;
  const occasion = { organization: organization.name, mailbox: mailbox.address, operation: method };
  if (organization.world.surroundings.faults.strike('later-touch', occasion) !== null)
    queueMicrotask(() => mailbox.touch(item));
}
