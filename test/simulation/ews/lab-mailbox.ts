import { must } from '#kit/assert.ts';
import { meetingKey } from '#lab/meetings/meeting-keys.ts';
import type { OutboxEntry } from '#lab/seams.ts';
import { withoutImportance } from '#lab/world/export-mime.ts';
import type { Folder } from '#lab/world/folder.ts';
import { folderIdOf, itemIdOf } from '#lab/world/ids.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { Hand, Mailbox } from '#lab/world/mailbox.ts';
import { key, messageFlag, nameKey, type Property, type PropertyKey, tagKey } from '#lab/world/property.ts';
import { contentOfMime } from '#lab/world/read-message.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { MailState } from '#model/mail.ts';
import { causewayPropertySet, type StampText, stampPropertyName } from '#model/stamp.ts';
import type { SimulatedItem, SimulatedMailbox } from '../simulated-mailbox.ts';

const importances = ['low', 'normal', 'high'] as const;
const sensitivities = ['normal', 'personal', 'private', 'confidential'] as const;
const flagColour = tagKey(0x1095);
const toDoFlags = tagKey(0x0e2b);
const stampKey = nameKey(causewayPropertySet, stampPropertyName);

type PropertyField = Exclude<keyof MailState, 'isRead'>;

/** Where the store keeps each field, written down a second time: what is checked must not check itself. */
const places: Readonly<Record<PropertyField, { readonly at: PropertyKey; readonly type: string }>> = {
  flagStatus: { at: key.flagStatus, type: 'Integer' },
  flagCompletedAt: { at: key.flagCompletedAt, type: 'SystemTime' },
  flagRequest: { at: key.flagRequest, type: 'String' },
  flagStartAt: { at: key.flagStartAt, type: 'SystemTime' },
  flagDueAt: { at: key.flagDueAt, type: 'SystemTime' },
  flagColour: { at: flagColour, type: 'Integer' },
  toDoFlags: { at: toDoFlags, type: 'Integer' },
  categories: { at: key.keywords, type: 'StringArray' },
  importance: { at: key.importance, type: 'Integer' },
  sensitivity: { at: key.sensitivity, type: 'Integer' },
  lastVerb: { at: key.lastVerb, type: 'Integer' },
  lastVerbAt: { at: key.lastVerbAt, type: 'SystemTime' },
  iconIndex: { at: key.iconIndex, type: 'Integer' },
  processed: { at: meetingKey.processed, type: 'Boolean' },
  serverProcessed: { at: meetingKey.serverProcessed, type: 'Boolean' },
};

function stateOf(item: Item): MailState {
  const { properties } = item.content;
  const value = (field: PropertyField) => properties.get(places[field].at)?.value ?? null;
  const number = (field: PropertyField) => value(field) as number | null;
  return {
    isRead: item.isRead,
    flagStatus: number('flagStatus') ?? 0,
    flagCompletedAt: number('flagCompletedAt'),
    flagRequest: value('flagRequest') as string | null,
    flagStartAt: number('flagStartAt'),
    flagDueAt: number('flagDueAt'),
    flagColour: number('flagColour'),
    toDoFlags: number('toDoFlags'),
    categories: (value('categories') ?? []) as readonly string[],
    importance: must(importances[number('importance') ?? 1], 'an importance'),
    sensitivity: must(sensitivities[number('sensitivity') ?? 0], 'a sensitivity'),
    lastVerb: number('lastVerb'),
    lastVerbAt: number('lastVerbAt'),
    iconIndex: number('iconIndex'),
    processed: value('processed') as boolean | null,
    serverProcessed: value('serverProcessed') as boolean | null,
  };
}

function withState(content: ItemContent, set: Partial<MailState>): ItemContent {
  const properties = new Map(content.properties);
  for (const [field, value] of Object.entries(set) as [keyof MailState, MailState[keyof MailState]][]) {
    if (field === 'isRead') continue;
    const { at, type } = places[field];
    const kept: Property['value'] | null =
      field === 'importance'
        ? importances.indexOf(value as MailState['importance'])
        : field === 'sensitivity'
          ? sensitivities.indexOf(value as MailState['sensitivity'])
          : (value as Property['value'] | null);
    if (kept === null || (Array.isArray(kept) && kept.length === 0)) properties.delete(at);
    else properties.set(at, { type, value: kept });
  }
  return { ...content, properties };
}

const shown = (item: Item): SimulatedItem => ({
  id: itemIdOf(item) as ItemId,
  folder: folderIdOf(item.folder) as FolderId,
  state: stateOf(item),
  isDraft: (item.flags & messageFlag.unsent) !== 0,
  // The importance is seen by itself.
  mime: withoutImportance(item.content.mime ?? Buffer.alloc(0)),
  stamp: item.text(stampKey) as StampText | null,
});

/** Roles whose folders people keep no mail in. */
const apart: ReadonlySet<string> = new Set([
  'msgfolderroot',
  'outbox',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
]);

const suppressed = { suppressReceipts: true } as const;
const arrival = (a: { readonly no: number }, b: { readonly no: number }) => a.no - b.no;

/** A mailbox of the lab, as its owner has it. @param outbox what left the lab's mailboxes. */
export function labMailbox(box: Mailbox, outbox: readonly OutboxEntry[]): SimulatedMailbox {
  const by: Hand = { caller: 'people', displayName: box.displayName };
  const { journal } = box.organization.world;
  const root = box.folder('msgfolderroot');
  const tree = () => [root, ...box.below(root)].sort(arrival);
  const folder = (id: FolderId): Folder => {
    const read = box.ids.read(id);
    return must(read === null ? null : box.folderByNo(read.no), 'a folder that is there');
  };
  const found = (id: ItemId): Item | null => {
    const read = box.ids.read(id);
    return read === null ? null : box.itemByNo(read.no);
  };
  const item = (id: ItemId): Item => must(found(id), 'an item that is there');
  const itemsIn = (folders: Iterable<Folder>) => [...folders].flatMap((one) => [...one.items()]).sort(arrival);
  let counted = 0;
  let read = 0;
  return {
    address: box.address,
    items: () => itemsIn(tree()).map(shown),
    folders: () =>
      tree().map((one) => ({
        id: folderIdOf(one) as FolderId,
        parent: one === root || one.parent === null ? null : (folderIdOf(one.parent) as FolderId),
        name: one.name,
        role: one.role,
        holdsMail: one.containerClass === 'IPF.Note' && one.kind === 'folder' && !apart.has(one.role ?? ''),
      })),
    recoverable: () => [...box.dumpster, ...(box.deletions === null ? [] : box.deletions.items())].map(shown),
    sent: () =>
      outbox.filter(({ from }) => from === box.address).map(({ cause, to }) => `${cause} to ${to.join(', ')}`),
    get commits() {
      for (const { mailbox } of journal.since(read)) if (mailbox === box.address) counted++;
      read = journal.length;
      return counted;
    },
    deliver(to, { mime, isRead, isDraft, readReceiptRequested, searchKey }) {
      const content = contentOfMime(mime);
      const properties = new Map(content.properties);
      properties.set(key.receivedAt, { type: 'SystemTime', value: Math.floor(box.nowMs / 1000) * 1000 });
      if (readReceiptRequested) properties.set(key.readReceiptRequested, { type: 'Boolean', value: true });
      const made = box.create(
        folder(to),
        {
          content: { ...content, properties },
          messageFlags: null,
          isRead: isRead ?? false,
          delivered: !isDraft,
          ...(searchKey ? { searchKey } : {}),
        },
        isDraft ? by : box.server,
      );
      return itemIdOf(made) as ItemId;
    },
    edit(id, set) {
      const edited = found(id);
      if (edited === null) return;
      const { isRead, ...rest } = set;
      if (Object.keys(rest).length > 0) box.update(edited, withState(edited.content, rest), by);
      if (isRead !== undefined) box.setRead(edited, isRead, by, suppressed);
    },
    rewrite(id, mime) {
      const draft = found(id);
      if (draft === null) return;
      const own = contentOfMime(mime);
      box.update(draft, { ...own, properties: new Map([...draft.content.properties, ...own.properties]) }, by);
    },
    move: (id, to) => itemIdOf(box.move(item(id), folder(to), by)) as ItemId,
    copy: (id, to) => itemIdOf(box.copy(item(id), folder(to), by)) as ItemId,
    remove(id) {
      const doomed = found(id);
      if (doomed !== null) box.remove(doomed, 'SoftDelete', by, suppressed);
    },
    touch(id) {
      const touched = found(id);
      if (touched !== null) box.touch(touched);
    },
    addFolder: (parent, name) => folderIdOf(box.createFolder(folder(parent), name, 'IPF.Note', by)) as FolderId,
    renameFolder: (id, name) => box.updateFolder(folder(id), { name }, by),
    moveFolder: (id, parent) => box.moveFolder(folder(id), folder(parent), by),
    discardFolder(id) {
      const doomed = folder(id);
      const how = doomed.isInside(box.folder('deleteditems')) ? 'SoftDelete' : 'MoveToDeletedItems';
      box.removeFolder(doomed, how, by, suppressed);
    },
    removeFolder: (id) => box.removeFolder(folder(id), 'SoftDelete', by, suppressed),
  };
}
