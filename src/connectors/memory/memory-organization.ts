import { type Fault, FaultError } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { FolderInfo, FolderRole } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId, MailboxGuid, Version } from '#model/ids.ts';
import {
  type MailContent,
  type MailFacts,
  type MailHead,
  type MailState,
  MESSAGE_FLAG_READ,
  type RawProperty,
} from '#model/mail.ts';
import { absentMailState } from '#model/mail-properties.ts';
import { hash128, type StampText } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { MemoryTypedStore } from './memory-typed-store.ts';

/**
 * A mail system in memory: the clearest statement of the contract, and a fast world for tests of the engine. The people's side
 * (deliver, edit, …) is here; `memory-connector.ts` is the program's side of the same data.
 */
export interface StoredItem {
  id: ItemId;
  folder: FolderId;
  version: number;
  state: MailState;
  facts: MailFacts;
  stamp: StampText | null;
  mime: Buffer;
  bcc: readonly string[];
  /** What items of its class have besides the MIME. */
  ofClass: readonly RawProperty[];
}

export interface StoredFolder {
  id: FolderId;
  parent: FolderId | null;
  name: string;
  containerClass: string | null;
  role: FolderRole | null;
  kind: 'folder' | 'search';
  version: number;
}

type Entry = {
  readonly seq: number;
  readonly folder: FolderId;
  readonly id: ItemId;
  readonly kind: 'upsert' | 'delete' | 'read-flag';
};

const containerClasses = {
  calendar: 'IPF.Appointment',
  contacts: 'IPF.Contact',
  tasks: 'IPF.Task',
  notes: 'IPF.StickyNote',
} as const satisfies Record<TypedKind, string>;

export class MemoryMailbox {
  readonly guid: MailboxGuid;
  readonly root: FolderId;
  readonly folders = new Map<FolderId, StoredFolder>();
  readonly items = new Map<ItemId, StoredItem>();
  readonly recoverable = new Map<ItemId, StoredItem>();
  /** Receipts that went out: the promise is that there is never one because of us. */
  readonly sent: string[] = [];
  log: Entry[] = [];
  /** Events, contacts, tasks and notes. */
  readonly typed = new MemoryTypedStore({
    freshId: () => this.freshId('item') as ItemId,
    note: (kind, folder, id) => this.note(kind, folder, id),
    nowMs: () => this.nowMs(),
  });
  /** The mailbox's clock, for times of creation and change. Until somebody sets it, a second passes with every write. */
  nowMs: () => number = () => 1_700_000_000_000 + this.seq * 1000;
  private seq = 0;
  private nextId = 0;
  readonly address: string;

  constructor(address: string) {
    this.address = address;
    const g = hash128(address);
    this.guid =
      `${g.slice(0, 8)}-${g.slice(8, 12)}-${g.slice(12, 16)}-${g.slice(16, 20)}-${g.slice(20)}` as MailboxGuid;
    this.root = this.addFolder(null, 'Top of Information Store', 'IPF.Note', 'msgfolderroot');
    for (const [role, name] of [
      ['inbox', 'Inbox'],
      ['drafts', 'Drafts'],
      ['sentitems', 'Sent Items'],
      ['deleteditems', 'Deleted Items'],
      ['junkemail', 'Junk Email'],
    ] as const) {
      this.addFolder(this.root, name, 'IPF.Note', role);
    }
    this.addFolder(this.root, 'Calendar', containerClasses.calendar, 'calendar');
    this.addFolder(this.root, 'Outbox', 'IPF.Note', 'outbox');
    this.addFolder(this.root, 'Sync Issues', 'IPF.Note', 'syncissues');
    for (const [role, name] of [
      ['contacts', 'Contacts'],
      ['tasks', 'Tasks'],
      ['notes', 'Notes'],
    ] as const)
      this.addFolder(this.root, name, containerClasses[role], role);
  }

  private freshId(kind: string): string {
    return `${kind}-${this.address}-${(++this.nextId).toString(36)}`;
  }

  private note(kind: Entry['kind'], folder: FolderId, id: ItemId): void {
    this.log.push({ seq: ++this.seq, folder, id, kind });
  }

  // -- what people and servers do --

  addFolder(
    parent: FolderId | null,
    name: string,
    containerClass: string | null = 'IPF.Note',
    role: FolderRole | null = null,
    kind: StoredFolder['kind'] = 'folder',
  ): FolderId {
    if (parent && this.childNamed(parent, name))
      throw new FaultError({ kind: 'stale', detail: 'a folder of this name exists' });
    const id = this.freshId('folder') as FolderId;
    this.folders.set(id, { id, parent, name, containerClass, role, kind, version: 1 });
    return id;
  }

  childNamed(parent: FolderId, name: string): StoredFolder | undefined {
    return [...this.folders.values()].find((f) => f.parent === parent && f.name.toLowerCase() === name.toLowerCase());
  }

  byRole(role: FolderRole): FolderId {
    for (const f of this.folders.values()) if (f.role === role) return f.id;
    throw new Error(`no folder with role ${role}`);
  }

  add(
    folder: FolderId,
    mime: Buffer,
    facts: Partial<MailFacts> = {},
    state: Partial<MailState> = {},
    stamp: StampText | null = null,
    bcc: readonly string[] = [],
    ofClass: readonly RawProperty[] = [],
  ): StoredItem {
    const id = this.freshId('item') as ItemId;
    const item: StoredItem = {
      id,
      folder,
      version: 1,
      stamp,
      mime,
      bcc,
      ofClass,
      state: { ...absentMailState, ...state },
      facts: {
        itemClass: 'IPM.Note',
        messageFlags: 0,
        sentAt: 1_600_000_000_000,
        receivedAt: 1_600_000_001_000,
        subject: null,
        internetMessageId: null,
        conversationIndex: null,
        conversationTopic: null,
        expiresAt: null,
        replyBy: null,
        votingOptions: null,
        votingResponse: null,
        readReceiptRequested: false,
        hasAttachments: false,
        createdAt: null,
        modifiedAt: null,
        retentionTag: null,
        ...facts,
        searchKey: facts.searchKey === undefined ? hash128(id) : facts.searchKey,
        sizeBytes: mime.length,
      },
    };
    this.items.set(id, item);
    this.note('upsert', folder, id);
    return item;
  }

  edit(id: ItemId, set: Partial<MailState>, options: { readonly suppressReceipts?: boolean } = {}): StoredItem | null {
    const item = this.items.get(id);
    if (!item) return null;
    const onlyRead = Object.keys(set).every((k) => k === 'isRead');
    if (set.isRead && !item.state.isRead && item.facts.readReceiptRequested && !options.suppressReceipts)
      this.sent.push(`read receipt for ${id}`);
    item.state = { ...item.state, ...set };
    if (!onlyRead) item.version++;
    this.note(onlyRead ? 'read-flag' : 'upsert', item.folder, id);
    return item;
  }

  rewrite(id: ItemId, mime: Buffer, subject: string | null): void {
    const item = this.items.get(id);
    if (!item) return;
    item.mime = mime;
    item.facts = { ...item.facts, subject, sizeBytes: mime.length };
    item.version++;
    this.note('upsert', item.folder, id);
  }

  moveItem(id: ItemId, to: FolderId): StoredItem | null {
    const item = this.items.get(id);
    if (!item) return null;
    this.items.delete(id);
    this.note('delete', item.folder, id);
    const moved = { ...item, id: this.freshId('item') as ItemId, folder: to, version: item.version + 1 };
    this.items.set(moved.id, moved);
    this.note('upsert', to, moved.id);
    return moved;
  }

  copyItem(id: ItemId, to: FolderId): StoredItem | null {
    const item = this.items.get(id);
    if (!item) return null;
    const copy = { ...item, id: this.freshId('item') as ItemId, folder: to, version: 1 };
    this.items.set(copy.id, copy);
    this.note('upsert', to, copy.id);
    return copy;
  }

  removeItem(id: ItemId, options: { readonly suppressReceipts?: boolean } = {}): void {
    const item = this.items.get(id);
    if (!item) return;
    if (!item.state.isRead && item.facts.readReceiptRequested && !options.suppressReceipts)
      this.sent.push(`not-read receipt for ${id}`);
    this.items.delete(id);
    this.recoverable.set(id, item);
    this.note('delete', item.folder, id);
  }

  removeFolder(id: FolderId): void {
    for (const f of [...this.folders.values()]) if (f.parent === id) this.removeFolder(f.id);
    for (const i of [...this.items.values()]) if (i.folder === id) this.removeItem(i.id, { suppressReceipts: true });
    for (const i of [...this.typed.items.values()]) if (i.folder === id) this.typed.remove(i.id);
    this.folders.delete(id);
  }

  // -- what the feed shows --

  head(item: StoredItem): MailHead {
    const flags = (item.facts.messageFlags & ~MESSAGE_FLAG_READ) | (item.state.isRead ? MESSAGE_FLAG_READ : 0);
    return {
      id: item.id,
      folder: item.folder,
      version: `v${item.version}` as Version,
      state: item.state,
      facts: { ...item.facts, messageFlags: flags },
      stamp: item.stamp,
      unread: [],
    };
  }

  content(item: StoredItem): MailContent {
    return { head: this.head(item), mime: payloadOfBytes(item.mime), bcc: item.bcc };
  }

  folderInfo(f: StoredFolder): FolderInfo {
    const mine = this.log.filter((e) => e.folder === f.id && e.kind !== 'read-flag');
    const items = [...this.items.values(), ...this.typed.items.values()].filter((i) => i.folder === f.id);
    return {
      id: f.id,
      parent: f.parent,
      name: f.name,
      containerClass: f.containerClass,
      kind: f.kind,
      version: `v${f.version}` as Version,
      itemCount: items.length,
      childCount: [...this.folders.values()].filter((c) => c.parent === f.id).length,
      mark: `${mine.at(-1)?.seq ?? 0}`,
    };
  }

  /** Changes of a folder after `cursor`, at most `max`, one entry per item: its last. Throws `cursor-lost`. */
  feed(
    folder: FolderId,
    cursor: Cursor | null,
    max: number,
  ): { entries: readonly Entry[]; cursor: Cursor; complete: boolean } {
    if (cursor !== null && !/^\d+$/.test(cursor)) throw new FaultError({ kind: 'cursor-lost' });
    const after = cursor === null ? 0 : Number(cursor);
    const before = new Set<ItemId>();
    const last = new Map<ItemId, Entry>();
    for (const e of this.log) {
      if (e.folder !== folder) continue;
      if (e.seq <= after) before.add(e.id);
      if (e.seq <= after) continue;
      // An item that was not handed out yet keeps its place: on a later page a read flag alone would be all that is said of it.
      if (e.kind === 'read-flag' && last.get(e.id)?.kind === 'upsert') continue;
      // Of what came and went since the cursor there is nothing to say, as with the sets of ids that Exchange keeps in it.
      if (e.kind === 'delete' && !before.has(e.id)) last.delete(e.id);
      else last.set(e.id, e);
    }
    const all = [...last.values()]
      .filter((e) => !(cursor === null && e.kind === 'delete'))
      .sort((a, b) => a.seq - b.seq);
    const page = all.slice(0, max);
    const complete = page.length === all.length;
    return { entries: page, complete, cursor: String(complete ? this.seq : (page.at(-1)?.seq ?? after)) as Cursor };
  }
}

/** Mailboxes by address, lower case. */
export class MemoryOrganization {
  readonly name: string;
  readonly mailboxes = new Map<string, MemoryMailbox>();
  /** Asked before every call of the connector: throw to fail it before anything happened. */
  before: (operation: string, mailbox: MemoryMailbox) => void = () => {};
  /** Asked after a write was carried out: throw to lose its answer. */
  after: (operation: string, mailbox: MemoryMailbox) => void = () => {};
  /** Asked when a series was written and its occurrences were not yet, which are requests of their own: throw to leave it so. */
  between: (operation: string, mailbox: MemoryMailbox) => void = () => {};
  /** A fault for one item of a batch, which is then not carried out. */
  itemFault: (operation: string, item: { readonly id?: ItemId; readonly sizeBytes?: number }) => Fault | null = () =>
    null;

  constructor(name: string) {
    this.name = name;
  }

  add(address: string): MemoryMailbox {
    const mailbox = new MemoryMailbox(address.toLowerCase());
    this.mailboxes.set(mailbox.address, mailbox);
    return mailbox;
  }
}
