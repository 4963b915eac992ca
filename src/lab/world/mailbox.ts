import { must } from '#kit/assert.ts';
import type { SampleCalendar } from '../samples/read-samples.ts';
import type { OutboxCause } from '../seams.ts';
import { labVersions } from '../seams.ts';
import { digest } from './account.ts';
import { calendarKey } from './calendar-keys.ts';
import { defaultFolders, languages, personalFolders } from './default-folders.ts';
import { Folder } from './folder.ts';
import { hash32, originOf, type Recipe, sketchOf } from './generate.ts';
import { type TypedKind, typedFolders, typedKinds, typedOriginOf } from './generate-typed.ts';
import { folderIdOf, IdMaker, itemIdOf } from './ids.ts';
import { Item, type ItemContent } from './item.ts';
import type { JournalEntry } from './journal.ts';
import type { MailboxEntry, Organization } from './organization.ts';
import { type Origin, originOfCall } from './post-office.ts';
import { key, messageFlag } from './property.ts';
import { Refusal } from './refusal.ts';

/** Something that subscriptions tell their clients. */
export interface MailboxEvent {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: 'Created' | 'Deleted' | 'Modified' | 'Moved' | 'Copied' | 'NewMail';
  readonly item: Item | null;
  readonly folder: Folder;
  /** Of moves and copies: where it was. */
  readonly old: { readonly item: Item | null; readonly folder: Folder } | null;
  /** Where an item is or was, or the parent of a folder. */
  readonly parent: Folder;
}

/** How a new item begins its life. */
export interface NewItem {
  readonly content: ItemContent;
  /** PidTagMessageFlags as the client asked for it; null: not asked. */
  readonly messageFlags: number | null;
  readonly isRead?: boolean;
  /** Came by mail: not created by a client. */
  readonly delivered?: boolean;
  readonly searchKey?: string;
}

/** What a mailbox has from the beginning: how many generated items of each kind, and calendars of others. */
export interface Seeded extends Readonly<Record<TypedKind | 'mail', number>> {
  readonly calendars: readonly SampleCalendar[];
}

/** Who makes a change. */
export interface Hand {
  /** Sign-in name, `people` or `server`. */
  readonly caller: string;
  /** Name that the store writes into last-modifier properties. */
  readonly displayName: string;
}

export type DeleteHow = 'HardDelete' | 'SoftDelete' | 'MoveToDeletedItems';

const eventsMax = 50_000;
const yearMs = 365 * 86_400_000;

/** One mailbox: folders, items, change numbers. All changes go through its methods, which record them. */
export class Mailbox {
  readonly organization: Organization;
  readonly address: string;
  readonly displayName: string;
  readonly user: string;
  readonly guid: string;
  readonly ids: IdMaker;
  readonly language: (typeof languages)[number];
  quotaBytes: number | null;
  usedBytes = 0;
  /** Litigation hold: what is purged is kept. */
  hold = false;
  readonly roles = new Map<string, Folder>();
  /** Default folders by their names in the table, also those that EWS has no name for. */
  readonly defaults = new Map<string, Folder>();
  readonly root: Folder;
  /** Folders that were deleted, with the change number of that. */
  readonly deletedFolders: { readonly folder: Folder; readonly cn: number }[] = [];
  /** Items in the recoverable part of a server without Recoverable Items folders (2007). */
  readonly dumpster: Item[] = [];
  readonly settings = new Map<string, string>();
  readonly #folders = new Map<number, Folder>();
  readonly #items = new Map<number, Item>();
  /** Number under which an item first was here → under which it is now. */
  readonly #moved = new Map<number, number>();
  readonly #seeded: { readonly firstNo: number; readonly count: number; readonly folder: Folder }[] = [];
  #cn = 0;
  #no = 0;
  #subscribers = 0;
  #dirty = false;
  #events: MailboxEvent[] = [];
  #eventNo = 0;
  readonly #listeners = new Set<() => void>();

  /** @param seeded how much the seed gives it. */
  constructor(organization: Organization, entry: MailboxEntry, seeded: Seeded) {
    this.organization = organization;
    this.address = entry.address;
    this.displayName = entry.displayName;
    this.user = entry.user;
    this.guid = entry.guid;
    this.ids = new IdMaker(entry.guid);
    this.quotaBytes = organization.quotaBytes;
    this.language = entry.index % 4 === 1 ? 'de' : entry.index % 7 === 3 ? 'fr' : 'en';
    const atMs = organization.world.startedAtMs - 3 * yearMs;
    this.root = this.#makeDefaultFolders(atMs);
    if (seeded.mail > 0) this.#seedItems(entry, seeded.mail, atMs);
    for (const kind of typedKinds)
      this.#seedTyped(kind, seeded[kind], kind === 'appointment' ? seeded.calendars : [], atMs);
  }

  get nowMs(): number {
    return this.organization.world.surroundings.clock.nowMs();
  }
  get lastCn(): number {
    return this.#cn;
  }
  /** Changed since it was made from the seed. */
  get dirty(): boolean {
    return this.#dirty;
  }
  /** It is changed: from now on it cannot be made again from the seed. */
  markDirty(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.organization.keep(this);
  }
  /** Somebody the store acts for by itself. */
  get server(): Hand {
    return { caller: 'server', displayName: 'Microsoft System Attendant' };
  }

  #makeDefaultFolders(atMs: number): Folder {
    const version = labVersions.indexOf(this.organization.version);
    const column = languages.indexOf(this.language) - 1;
    const made = new Map<string, Folder>();
    for (const row of defaultFolders) {
      if (row.since !== undefined && labVersions.indexOf(row.since) > version) continue;
      const folder = new Folder({
        mailbox: this,
        no: ++this.#no,
        parent: row.parent === null ? null : must(made.get(row.parent), 'parents come first'),
        name: column < 0 ? row.name : (row.local?.[column] ?? row.name),
        containerClass: row.containerClass,
        role: row.role,
        ...(row.kind === undefined ? {} : { kind: row.kind }),
        hidden: row.hidden ?? false,
        cn: ++this.#cn,
        atMs,
      });
      made.set(row.id, folder);
      this.defaults.set(row.id, folder);
      this.#folders.set(folder.no, folder);
      if (row.role !== null) this.roles.set(row.role, folder);
    }
    return must(made.get('root'), 'the table begins with the root');
  }

  #seedItems(entry: MailboxEntry, items: number, atMs: number): void {
    const { world } = this.organization;
    const made = new Map<string, Folder>([...this.roles]);
    const start = hash32(`${world.seed}/${this.guid}`);
    const shares: [Folder, number][] = [
      [this.folder('inbox'), 0.44],
      [this.folder('sentitems'), 0.2],
      [this.folder('deleteditems'), 0.05],
      [this.folder('drafts'), 0.01],
      [this.folder('junkemail'), 0.02],
    ];
    for (const [at, row] of personalFolders.entries()) {
      const parent = must(made.get(row.parent), 'parents come first');
      const folder = new Folder({
        mailbox: this,
        no: ++this.#no,
        parent,
        name: row.name,
        containerClass: 'IPF.Note',
        role: null,
        cn: ++this.#cn,
        atMs,
      });
      made.set(row.id, folder);
      this.#folders.set(folder.no, folder);
      if (row.id !== 'empty') shares.push([folder, 0.05 - at * 0.003]);
    }
    const total = shares.reduce((sum, [, share]) => sum + share, 0);
    let given = 0;
    let sum = 0;
    const spanMs = 3 * yearMs - 86_400_000;
    const globalStart = this.organization.firstItemOf(entry.index);
    for (const [folder, share] of shares) {
      sum += share;
      const upTo = folder === shares[shares.length - 1]?.[0] ? items : Math.floor((items * sum) / total);
      const first = given;
      const count = upTo - first;
      given = upTo;
      const firstNo = this.#no + 1;
      const firstCn = this.#cn + 1;
      this.#no += count;
      this.#cn += count;
      if (count === 0) continue;
      this.#seeded.push({ firstNo, count, folder });
      this.usedBytes += count * 9000;
      folder.localCommitMs = atMs + spanMs;
      folder.seed(count, () => {
        const made: Item[] = [];
        const owner = { name: this.displayName, address: this.address, domain: this.organization.domain };
        const receivedAtMs = (at: number): number => Math.floor((atMs + ((at + 0.5) * spanMs) / count) / 1000) * 1000;
        for (let at = 0; at < count; at++) {
          const index = first + at;
          const recipe: Recipe = {
            start,
            index,
            globalIndex: globalStart + index,
            owner,
            folder: folder.role,
            samples: world.samples.mails,
            receivedAtMs: receivedAtMs(at),
            previousReceivedAtMs: at === 0 ? null : receivedAtMs(at - 1),
          };
          const sketch = sketchOf(recipe);
          made.push(
            new Item({
              no: firstNo + at,
              folder,
              cn: firstCn + at,
              isRead: (sketch.messageFlags & messageFlag.read) !== 0,
              flags: sketch.messageFlags & ~messageFlag.read,
              receiptPending:
                sketch.receiptRequested &&
                (sketch.messageFlags & messageFlag.read) === 0 &&
                folder.role !== 'sentitems',
              searchKey: digest('search', start, sketch.twinOf % 2 === 0 ? sketch.twinOf : index)
                .toString('hex')
                .slice(0, 32),
              atMs: recipe.receivedAtMs,
              by: this.displayName,
              content: originOf(recipe),
            }),
          );
        }
        return made;
      });
    }
  }

  #seedTyped(kind: TypedKind, generated: number, calendars: readonly SampleCalendar[], atMs: number): void {
    const count = calendars.reduce((sum, calendar) => sum + calendar.count, generated);
    if (count === 0) return;
    const { world } = this.organization;
    const folder = this.folder(typedFolders[kind]);
    const firstNo = this.#no + 1;
    const firstCn = this.#cn + 1;
    this.#no += count;
    this.#cn += count;
    this.#seeded.push({ firstNo, count, folder });
    this.usedBytes += count * 1500;
    const start = hash32(`${world.seed}/${this.guid}/${kind}`);
    const spanMs = 3 * yearMs - 86_400_000;
    folder.localCommitMs = atMs + spanMs;
    const owner = { name: this.displayName, address: this.address, guid: this.guid };
    folder.seed(count, () => {
      const samples = calendars.flatMap((calendar) => calendar.contents({ ...owner, nowMs: world.startedAtMs }));
      return Array.from({ length: count }, (_, index) => {
        const createdAtMs = Math.floor((atMs + ((index + 0.5) * spanMs) / count) / 60_000) * 60_000;
        return new Item({
          no: firstNo + index,
          folder,
          cn: firstCn + index,
          isRead: true,
          flags: 0,
          receiptPending: false,
          searchKey: digest('search', start, index).toString('hex').slice(0, 32),
          atMs: createdAtMs,
          by: this.displayName,
          content:
            samples[index - generated] ??
            typedOriginOf({
              kind,
              start,
              index,
              owner,
              language: this.language,
              createdAtMs,
              nowMs: world.startedAtMs,
            }),
        });
      });
    });
  }

  /** The folder of a role, which every mailbox has. */
  folder(role: string): Folder {
    return must(this.roles.get(role), `no folder ${role}`);
  }
  /** Trees of a version without Recoverable Items keep deleted items aside. */
  get deletions(): Folder | null {
    return this.roles.get('recoverableitemsdeletions') ?? null;
  }

  folderByNo(no: number): Folder | null {
    const folder = this.#folders.get(no);
    return folder === undefined || folder.gone ? null : folder;
  }
  itemByNo(no: number): Item | null {
    let item = this.#items.get(no);
    if (item === undefined) {
      const seeded = this.#seeded.find(({ firstNo, count }) => no >= firstNo && no < firstNo + count);
      if (seeded === undefined) return null;
      seeded.folder.items().next();
      item = this.#items.get(no);
    }
    return item === undefined || item.gone ? null : item;
  }
  /** The item that first was here under that number, wherever it was moved since. */
  itemByFirstNo(no: number): Item | null {
    const item = this.itemByNo(this.#moved.get(no) ?? no);
    return item?.firstNo === no ? item : null;
  }
  /** Called by folders when they make seeded items. */
  register(item: Item): void {
    this.#items.set(item.no, item);
  }
  folders(): IterableIterator<Folder> {
    return this.#folders.values();
  }
  /** Parents before children, depth first, names in order of their creation. */
  *below(folder: Folder): Generator<Folder> {
    for (const child of folder.children) {
      yield child;
      yield* this.below(child);
    }
  }

  // Items

  create(folder: Folder, init: NewItem, by: Hand): Item {
    this.#refuseSearchFolder(folder);
    const size = (init.content.mime?.length ?? 2 * (init.content.body?.text.length ?? 0)) + 350;
    if (!init.delivered && (init.content.mime?.length ?? 0) > this.organization.itemMaxBytes)
      throw new Refusal('ErrorMessageSizeExceeded', 'The message exceeds the maximum supported size.');
    this.#makeRoom(folder, size);
    const asked = init.messageFlags;
    // Exchange 2007 takes the property but behaves as if it were 0; IsRead counts there.
    const effective = asked !== null && this.organization.version === '2007' ? 0 : asked;
    const isRead = init.isRead ?? (effective !== null && (effective & messageFlag.read) !== 0);
    const keep =
      messageFlag.unmodified |
      messageFlag.unsent |
      messageFlag.fromMe |
      messageFlag.resend |
      messageFlag.associated |
      messageFlag.submit;
    const flags = init.delivered
      ? 0
      : effective === null
        ? messageFlag.unsent | messageFlag.unmodified
        : effective & keep;
    const cn = ++this.#cn;
    const no = ++this.#no;
    const item = new Item({
      no,
      folder,
      cn,
      isRead,
      flags,
      receiptPending:
        !isRead &&
        (flags & messageFlag.unsent) === 0 &&
        init.content.properties.get(key.readReceiptRequested)?.value === true,
      searchKey: init.searchKey ?? digest('search', this.guid, no).toString('hex').slice(0, 32),
      atMs: this.nowMs,
      by: by.displayName,
      lineage: { madeBy: by.caller },
      content: init.content,
    });
    this.#put(item, size);
    this.#record('item-created', by, itemIdOf(item), item);
    this.#event(init.delivered ? 'NewMail' : 'Created', item, folder, null, folder);
    if (init.delivered) this.#event('Created', item, folder, null, folder);
    return item;
  }

  #put(item: Item, size: number): void {
    this.#items.set(item.no, item);
    this.usedBytes += size;
    item.folder.add(item, this.nowMs);
    this.markDirty();
  }

  #makeRoom(folder: Folder, size: number): void {
    if (this.quotaBytes !== null && this.usedBytes + size > this.quotaBytes)
      throw new Refusal('ErrorQuotaExceeded', 'The mailbox quota has been exceeded.');
    const max = this.organization.folderItemsMax;
    if (max !== null && folder.count >= max)
      throw new Refusal('ErrorQuotaExceeded', 'The folder holds as many items as it may.');
  }

  #refuseSearchFolder(folder: Folder): void {
    if (folder.kind === 'search') throw new Refusal('ErrorItemSave', 'Items cannot be saved in a search folder.');
  }

  /** Writes a new content. */
  update(
    item: Item,
    content: ItemContent,
    by: Hand,
    options: { readonly isRead?: boolean; readonly suppressReceipts?: boolean } = {},
  ): void {
    const before = item.content.mime?.length ?? 0;
    const grown = (content.mime?.length ?? 0) - before;
    if (grown > 0) this.#makeRoom(item.folder, grown);
    item.content = content;
    item.cn = ++this.#cn;
    item.flags &= ~messageFlag.unmodified;
    item.modifiedAtMs = this.nowMs;
    item.modifiedBy = by.displayName;
    this.usedBytes += grown;
    this.markDirty();
    item.folder.changed(item, this.nowMs);
    this.#record('item-updated', by, itemIdOf(item), item);
    this.#event('Modified', item, item.folder, null, item.folder);
    if (options.isRead !== undefined) this.setRead(item, options.isRead, by, options);
  }

  /** Sets only the read flag. Marking as read answers a pending receipt request, unless that is suppressed. */
  setRead(item: Item, isRead: boolean, by: Hand, options: { readonly suppressReceipts?: boolean } = {}): void {
    if (item.isRead === isRead) return;
    item.isRead = isRead;
    item.readCn = ++this.#cn;
    item.folder.readFlagChanged(item);
    this.markDirty();
    if (isRead) this.#receipt(item, 'read-receipt', by, options.suppressReceipts ?? false);
    this.#record('item-read-flag', by, itemIdOf(item));
    this.#event('Modified', item, item.folder, null, item.folder);
  }

  /** The server comes back to an item that was just written, as assistants do: its change key moves. */
  touch(item: Item): void {
    item.cn = ++this.#cn;
    item.modifiedAtMs = this.nowMs;
    item.folder.changed(item, this.nowMs);
    this.#record('item-updated', this.server, itemIdOf(item));
    this.#event('Modified', item, item.folder, null, item.folder);
  }

  /** Takes back a pending receipt request without sending anything. */
  suppressReceipt(item: Item, by: Hand): void {
    item.receiptPending = false;
    this.markDirty();
    this.#record('receipt-suppressed', by, itemIdOf(item));
  }

  #receipt(item: Item, cause: 'read-receipt' | 'not-read-receipt', by: Hand, suppressed: boolean): void {
    if (!item.receiptPending) return;
    item.receiptPending = false;
    if (!suppressed) this.leave(cause, [item.content.from?.address ?? ''], originOfCall(this.organization, by));
  }

  /** A message leaves the mailbox. */
  leave(cause: OutboxCause, to: readonly string[], origin: Origin): void {
    const { world, name } = this.organization;
    world.outbox.push({ atMs: this.nowMs, organization: name, from: this.address, to, cause, ...origin });
  }

  /** Moves within or into another mailbox: the old id is gone, a new item appears. */
  move(item: Item, to: Folder, by: Hand): Item {
    const from = item.folder;
    const moved = to.mailbox.#copyInto(item, to, by, true);
    this.#items.delete(item.no);
    from.remove(item, ++this.#cn, this.nowMs);
    this.usedBytes -= to.mailbox === this ? 0 : item.sizeBytes;
    this.markDirty();
    to.mailbox.#record('item-moved', by, itemIdOf(moved), moved);
    to.mailbox.#event('Moved', moved, to, { item, folder: from }, to);
    return moved;
  }

  copy(item: Item, to: Folder, by: Hand): Item {
    const copy = to.mailbox.#copyInto(item, to, by, false);
    to.mailbox.#record('item-copied', by, itemIdOf(copy));
    to.mailbox.#event('Copied', copy, to, { item, folder: item.folder }, to);
    return copy;
  }

  #copyInto(item: Item, to: Folder, by: Hand, isMove: boolean): Item {
    this.#refuseSearchFolder(to);
    const size = item.folder.mailbox === this && isMove ? 0 : item.sizeBytes;
    this.#makeRoom(to, size);
    const no = ++this.#no;
    const staysHere = isMove && item.folder.mailbox === this;
    const made = new Item({
      no,
      firstNo: staysHere ? item.firstNo : no,
      folder: to,
      cn: ++this.#cn,
      isRead: item.isRead,
      flags: item.flags,
      receiptPending: isMove && item.receiptPending,
      searchKey: item.searchKey,
      atMs: isMove ? item.modifiedAtMs : this.nowMs,
      createdAtMs: isMove ? item.createdAtMs : this.nowMs,
      by: isMove ? item.createdBy : by.displayName,
      lineage: isMove ? item.lineage : { madeBy: by.caller },
      content: item.source,
    });
    this.#put(made, size);
    if (staysHere) this.#moved.set(made.firstNo, no);
    return made;
  }

  /** Deletes as EWS does. Unread mail with a pending request is answered with a not-read receipt, unless that is suppressed. */
  remove(item: Item, how: DeleteHow, by: Hand, options: { readonly suppressReceipts?: boolean } = {}): Item | null {
    if (!item.isRead) this.#receipt(item, 'not-read-receipt', by, options.suppressReceipts ?? false);
    const { folder } = item;
    const deletedItems = this.folder('deleteditems');
    if (how === 'MoveToDeletedItems' && folder !== deletedItems && !this.#isRecoverable(folder))
      return this.move(item, deletedItems, by);
    const purges = this.roles.get('recoverableitemspurges');
    if (how === 'HardDelete' && this.hold && purges !== undefined && folder !== purges)
      return this.move(item, purges, by);
    if (how !== 'HardDelete' && this.deletions !== null && !this.#isRecoverable(folder))
      return this.move(item, this.deletions, by);
    this.#items.delete(item.no);
    folder.remove(item, ++this.#cn, this.nowMs);
    this.usedBytes -= item.sizeBytes;
    this.markDirty();
    if (how !== 'HardDelete' && this.deletions === null) this.dumpster.push(item);
    this.#record('item-deleted', by, itemIdOf(item), item);
    this.#event('Deleted', item, folder, null, folder);
    return null;
  }

  #isRecoverable(folder: Folder): boolean {
    return folder.role?.startsWith('recoverableitems') ?? false;
  }

  recordSend(item: Item, by: Hand): void {
    this.#record('item-sent', by, itemIdOf(item));
  }

  // Folders

  createFolder(parent: Folder, name: string, containerClass: string | null, by: Hand): Folder {
    this.#checkName(parent, name, null);
    if (parent.kind === 'search') throw new Refusal('ErrorFolderSave', 'A search folder has no subfolders.');
    const folder = new Folder({
      mailbox: this,
      no: ++this.#no,
      parent,
      name,
      containerClass,
      role: null,
      cn: ++this.#cn,
      atMs: this.nowMs,
    });
    this.#folders.set(folder.no, folder);
    this.#folderChanged(parent, 'folder-created', folder, by);
    this.#event('Created', null, folder, null, parent);
    return folder;
  }

  #checkName(parent: Folder, name: string, except: Folder | null): void {
    if (name === '') throw new Refusal('ErrorFolderSavePropertyError', 'A folder needs a name.');
    if (name.length > 255) throw new Refusal('ErrorFolderSavePropertyError', 'The name of the folder is too long.');
    const lower = name.toLowerCase();
    for (const child of parent.children)
      if (child !== except && child.name.toLowerCase() === lower)
        throw new Refusal('ErrorFolderExists', 'A folder with the specified name already exists.');
  }

  #folderChanged(_parent: Folder | null, kind: JournalEntry['kind'], folder: Folder, by: Hand): void {
    folder.modifiedAtMs = this.nowMs;
    this.markDirty();
    this.#record(kind, by, folderIdOf(folder));
  }

  updateFolder(
    folder: Folder,
    change: { readonly name?: string; readonly containerClass?: string | null },
    by: Hand,
  ): void {
    if (change.name !== undefined && change.name !== folder.name) {
      if (folder.role !== null) throw new Refusal('ErrorAccessDenied', 'A distinguished folder cannot be renamed.');
      if (folder.parent !== null) this.#checkName(folder.parent, change.name, folder);
      folder.name = change.name;
    }
    if (change.containerClass !== undefined) folder.containerClass = change.containerClass;
    folder.cn = ++this.#cn;
    this.#folderChanged(folder.parent, 'folder-updated', folder, by);
    this.#event('Modified', null, folder, null, folder.parent ?? folder);
  }

  moveFolder(folder: Folder, to: Folder, by: Hand): void {
    if (folder.role !== null)
      throw new Refusal('ErrorMoveDistinguishedFolder', 'Distinguished folders cannot be moved.');
    if (to.mailbox !== this) throw new Refusal('ErrorMoveCopyFailed', 'Folders cannot be moved to another mailbox.');
    if (to.isInside(folder)) throw new Refusal('ErrorMoveCopyFailed', 'A folder cannot be moved into itself.');
    this.#checkName(to, folder.name, folder);
    const from = must(folder.parent, 'only the root has no parent');
    from.children.delete(folder);
    folder.parent = to;
    to.children.add(folder);
    folder.cn = ++this.#cn;
    this.#folderChanged(to, 'folder-moved', folder, by);
    this.#event('Moved', null, folder, { item: null, folder: from }, to);
  }

  copyFolder(folder: Folder, to: Folder, by: Hand): Folder {
    if (folder.role !== null)
      throw new Refusal('ErrorMoveDistinguishedFolder', 'Distinguished folders cannot be copied.');
    if (to.isInside(folder)) throw new Refusal('ErrorMoveCopyFailed', 'A folder cannot be copied into itself.');
    const copy = this.createFolder(to, folder.name, folder.containerClass, by);
    for (const item of [...folder.items()]) this.copy(item, copy, by);
    for (const child of [...folder.children]) this.copyFolder(child, copy, by);
    return copy;
  }

  removeFolder(folder: Folder, how: DeleteHow, by: Hand, options: { readonly suppressReceipts?: boolean } = {}): void {
    if (folder.role !== null || folder === this.root)
      throw new Refusal('ErrorDeleteDistinguishedFolder', 'Distinguished folders cannot be deleted.');
    const deletedItems = this.folder('deleteditems');
    if (how === 'MoveToDeletedItems' && !folder.isInside(deletedItems)) {
      const taken = new Set([...deletedItems.children].map((child) => child.name.toLowerCase()));
      const name = folder.name;
      for (let n = 1; taken.has(folder.name.toLowerCase()); n++) folder.name = `${name}${n}`;
      this.moveFolder(folder, deletedItems, by);
      return;
    }
    for (const child of [...folder.children])
      this.removeFolder(child, how === 'MoveToDeletedItems' ? 'SoftDelete' : how, by, options);
    this.empty(folder, how, by, options);
    const cn = ++this.#cn;
    folder.gone = true;
    folder.parent?.children.delete(folder);
    this.#folders.delete(folder.no);
    this.deletedFolders.push({ folder, cn });
    this.#folderChanged(folder.parent, 'folder-deleted', folder, by);
    this.#event('Deleted', null, folder, null, folder.parent ?? this.root);
  }

  /** Deletes what is in a folder, not the folders in it. */
  empty(folder: Folder, how: DeleteHow, by: Hand, options: { readonly suppressReceipts?: boolean } = {}): void {
    for (const item of [...folder.items()]) this.remove(item, how, by, options);
  }

  // Journal and events

  #record(kind: JournalEntry['kind'], by: Hand, id: string, item: Item | null = null): void {
    const { world, name } = this.organization;
    const clean = item?.content.calendar && item.content.properties.get(calendarKey.cleanGlobalObjectId)?.value;
    world.journal.record({
      atMs: this.nowMs,
      organization: name,
      mailbox: this.address,
      caller: by.caller,
      kind,
      id,
      ...(typeof clean === 'string' ? { identity: Buffer.from(clean, 'base64').toString('hex').toUpperCase() } : {}),
    });
  }

  #event(
    kind: MailboxEvent['kind'],
    item: Item | null,
    folder: Folder,
    old: MailboxEvent['old'],
    parent: Folder,
  ): void {
    if (this.#subscribers === 0) return;
    this.#events.push({ sequence: ++this.#eventNo, atMs: this.nowMs, kind, item, folder, old, parent });
    if (this.#events.length > eventsMax) this.#events = this.#events.slice(eventsMax >> 1);
    for (const listener of this.#listeners) listener();
  }

  /** Events are kept from the first subscriber on. Returns the place of the newest. */
  subscribe(): number {
    if (++this.#subscribers === 1) this.organization.keep(this);
    return this.#eventNo;
  }
  unsubscribe(): void {
    this.#subscribers--;
    if (this.#subscribers > 0) return;
    this.#events = [];
    if (!this.#dirty) this.organization.release(this);
  }
  /** Events after a place, oldest first; null: some of them are forgotten already. */
  eventsAfter(sequence: number, max: number): readonly MailboxEvent[] | null {
    const first = this.#events[0]?.sequence ?? this.#eventNo + 1;
    if (sequence + 1 < first) return null;
    return this.#events.slice(sequence + 1 - first, sequence + 1 - first + max);
  }
  get lastEvent(): number {
    return this.#eventNo;
  }
  /** Calls `listener` after every event until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
