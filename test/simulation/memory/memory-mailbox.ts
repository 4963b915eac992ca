import type { MemoryMailbox, StoredItem } from '#connectors/memory/memory-organization.ts';
import { must } from '#kit/assert.ts';
import { isDraft, MESSAGE_FLAG_UNSENT } from '#model/mail.ts';
import type { SimulatedItem, SimulatedMailbox } from '../simulated-mailbox.ts';

const shown = (item: StoredItem): SimulatedItem => ({
  id: item.id,
  folder: item.folder,
  state: item.state,
  isDraft: isDraft(item.facts),
  mime: item.mime,
  stamp: item.stamp,
});

const suppressed = { suppressReceipts: true } as const;

/** A mailbox of the memory organization, as its owner has it. */
export function memoryMailbox(box: MemoryMailbox): SimulatedMailbox {
  const folder = (id: Parameters<SimulatedMailbox['renameFolder']>[0]) =>
    must(box.folders.get(id), 'a folder that is there');
  return {
    address: box.address,
    items: () => [...box.items.values()].map(shown),
    folders: () =>
      [...box.folders.values()].map(({ id, parent, name, role, containerClass }) => ({
        id,
        parent,
        name,
        role,
        holdsMail: parent !== null && containerClass === 'IPF.Note' && role !== 'outbox' && role !== 'syncissues',
      })),
    recoverable: () => [...box.recoverable.values()].map(shown),
    sent: () => box.sent,
    get commits() {
      return box.log.length;
    },
    deliver: (to, mail) =>
      box.add(
        to,
        mail.mime,
        {
          subject: mail.subject,
          internetMessageId: mail.messageId,
          readReceiptRequested: mail.readReceiptRequested ?? false,
          messageFlags: mail.isDraft ? MESSAGE_FLAG_UNSENT : 0,
          ...(mail.searchKey === undefined ? {} : { searchKey: mail.searchKey }),
        },
        { isRead: mail.isRead ?? false },
      ).id,
    edit: (id, set) => void box.edit(id, set, suppressed),
    rewrite: (id, mime, subject) => box.rewrite(id, mime, subject),
    move: (id, to) => must(box.moveItem(id, to), 'an item that is there').id,
    copy: (id, to) => must(box.copyItem(id, to), 'an item that is there').id,
    remove: (id) => box.removeItem(id, suppressed),
    touch(id) {
      const item = box.items.get(id);
      if (item) box.edit(id, { importance: item.state.importance });
    },
    addFolder: (parent, name) => box.addFolder(parent, name),
    renameFolder(id, name) {
      const renamed = folder(id);
      renamed.name = name;
      renamed.version++;
    },
    moveFolder(id, parent) {
      const moved = folder(id);
      moved.parent = parent;
      moved.version++;
    },
    discardFolder: (id) => box.removeFolder(id),
    removeFolder: (id) => box.removeFolder(id),
  };
}
