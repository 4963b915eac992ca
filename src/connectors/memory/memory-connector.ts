import { isDeepStrictEqual } from 'node:util';
import { type Fault, FaultError } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { FolderRole } from '#model/folder.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { MailContent, MailHead, RawProperty } from '#model/mail.ts';
import { mailFields, mailProperties } from '#model/mail-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { Abilities, Change, Connector, Mailbox } from '../contract.ts';
import { busyTimes } from './memory-free-busy.ts';
import type { MemoryMailbox, MemoryOrganization, StoredItem } from './memory-organization.ts';
import { memoryTypedItems } from './memory-typed-items.ts';
import { memoryWays } from './memory-ways.ts';

const gone = (what: string): Fault => ({ kind: 'gone', detail: `${what} is not there` });

/** What fails for one item stands in its place. */
function inPlace<R>(write: () => R): R | Fault {
  try {
    return write();
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
}

const memoryAbilities: Abilities = {
  product: 'memory',
  nativeDelta: true,
  conditionalWrites: true,
  suppressReceipts: true,
  createsSentMail: true,
  readFlagAtCreate: true,
  batchMax: 50,
  batchMaxBytes: 8 << 20,
  itemMaxBytes: null,
  changePageMax: 512,
  reads: memoryWays,
  writes: memoryWays,
};

/** The contract over data in memory. Writes are carried out before `after` may lose their answer, as on a real network. */
export function memoryConnector(organization: MemoryOrganization, abilities: Partial<Abilities> = {}): Connector {
  const able = { ...memoryAbilities, ...abilities };
  return {
    organization: organization.name,
    abilities: able,
    mailbox: (address) => memoryMailbox(organization, address, able),
    close: async () => {},
  };
}

function memoryMailbox(organization: MemoryOrganization, address: string, able: Abilities): Mailbox {
  const open = (operation: string): MemoryMailbox => {
    const box = organization.mailboxes.get(address.toLowerCase());
    if (!box) throw new FaultError({ kind: 'fatal', code: 'mailbox-gone', detail: `no mailbox ${address}` });
    organization.before(operation, box);
    return box;
  };
  const folderOf = (box: MemoryMailbox, id: FolderId) => {
    const folder = box.folders.get(id);
    if (!folder) throw new FaultError(gone('the folder'));
    return folder;
  };
  /** Runs a write over a batch, item by item, then gives the network a chance to lose the answer. */
  const batch = <T, R>(
    operation: string,
    things: readonly T[],
    idOf: (t: T) => { id?: ItemId; sizeBytes?: number },
    write: (box: MemoryMailbox, t: T) => R | Fault,
  ): readonly (R | Fault)[] => {
    const box = open(operation);
    const answers = things.map((t) => organization.itemFault(operation, idOf(t)) ?? inPlace(() => write(box, t)));
    organization.after(operation, box);
    return answers;
  };
  const read = <R>(
    operation: string,
    ids: readonly ItemId[],
    show: (box: MemoryMailbox, item: StoredItem) => R,
  ): ReadonlyMap<ItemId, R | Fault> => {
    const box = open(operation);
    return new Map(
      ids.map((id) => {
        const item = box.items.get(id);
        return [id, organization.itemFault(operation, { id }) ?? (item ? show(box, item) : gone('the item'))];
      }),
    );
  };
  const written = (box: MemoryMailbox, item: StoredItem) => ({ id: item.id, version: box.head(item).version });
  const stale = (box: MemoryMailbox, item: StoredItem, expect: string): Fault | null =>
    box.head(item).version === expect ? null : { kind: 'stale', detail: 'somebody else wrote first' };

  return {
    address,
    typed: (kind) => memoryTypedItems(kind, { organization, open, folderOf, batch, changePageMax: able.changePageMax }),
    async tree() {
      const box = open('tree');
      const visible = [...box.folders.values()].filter((f) => f.id !== box.root);
      const ordered: typeof visible = [];
      for (let parents = new Set([box.root]); parents.size > 0; ) {
        const next = visible.filter((f) => f.parent && parents.has(f.parent));
        ordered.push(...next);
        parents = new Set(next.map((f) => f.id));
      }
      return { mailbox: box.guid, root: box.root, folders: ordered.map((f) => box.folderInfo(f)) };
    },
    async marks(wanted) {
      const box = open('marks');
      const there = wanted.flatMap((id) => box.folders.get(id) ?? []);
      return new Map(there.map((f) => [f.id, { mark: box.folderInfo(f).mark }]));
    },
    async roles() {
      const box = open('roles');
      const known = [...box.folders.values()].filter((f) => f.role !== null);
      return new Map(known.map((f) => [f.role as FolderRole, f.id]));
    },
    async changes(folder, cursor) {
      const box = open('changes');
      const feed = box.feed(folderOf(box, folder).id, cursor, able.changePageMax);
      const changes = feed.entries.flatMap((e): Change[] => {
        if (box.typed.items.has(e.id)) return [];
        const item = box.items.get(e.id);
        if (e.kind === 'delete' || !item) return [{ kind: 'delete', id: e.id }];
        return e.kind === 'read-flag' && cursor !== null
          ? [{ kind: 'read-flag', id: e.id, isRead: item.state.isRead }]
          : [{ kind: 'upsert', head: box.head(item) }];
      });
      return { changes, cursor: feed.cursor, complete: feed.complete, oddities: {} };
    },
    heads: async (ids) => read<MailHead>('heads', ids, (box, item) => box.head(item)),
    contents: async (items) =>
      read<MailContent>(
        'contents',
        items.map((i) => i.id),
        (box, item) => box.content(item),
      ),
    properties: async (ids, wanted) =>
      read<readonly RawProperty[]>('properties', ids, (_, item) => rawProperties(item, wanted)),
    async findByStamp(folder, stamps) {
      const box = open('findByStamp');
      const found = new Map<StampText, MailHead[]>();
      for (const item of box.items.values()) {
        if (item.folder !== folder || item.stamp === null || !stamps.includes(item.stamp)) continue;
        found.set(item.stamp, [...(found.get(item.stamp) ?? []), box.head(item)]);
      }
      return found;
    },
    async create(folder, drafts) {
      const mimes = await Promise.all(drafts.map((d) => payloadBytes(d.content.mime)));
      const work = drafts.map((draft, i) => ({ draft, mime: mimes[i] ?? Buffer.alloc(0) }));
      return batch(
        'create',
        work,
        (w) => ({ id: w.draft.content.head.id, sizeBytes: w.mime.length }),
        (box, { draft, mime }) => {
          const { facts, state } = draft.content.head;
          const id = folderOf(box, folder).id;
          return written(
            box,
            box.add(
              id,
              mime,
              { ...facts, searchKey: null, retentionTag: null },
              { ...state, isRead: able.readFlagAtCreate && state.isRead },
              draft.stamp,
              draft.content.bcc,
              draft.ofClass,
            ),
          );
        },
      );
    },
    update: async (edits) =>
      batch(
        'update',
        edits,
        (e) => ({ id: e.id }),
        (box, e) => {
          const item = box.items.get(e.id);
          if (!item) return gone('the item');
          return (
            stale(box, item, e.expect) ??
            written(box, box.edit(e.id, e.set, { suppressReceipts: able.suppressReceipts }) ?? item)
          );
        },
      ),
    move: async (ids, to) =>
      batch(
        'move',
        ids,
        (id) => ({ id }),
        (box, id) => {
          const moved = box.moveItem(id, folderOf(box, to).id);
          return moved ? written(box, moved) : gone('the item');
        },
      ),
    remove: async (items) =>
      batch(
        'remove',
        items,
        (i) => ({ id: i.id }),
        (box, i) => {
          const item = box.items.get(i.id);
          if (!item) return gone('the item');
          const fault = stale(box, item, i.expect);
          if (!fault) box.removeItem(i.id, { suppressReceipts: able.suppressReceipts });
          return fault;
        },
      ),
    async createFolder(parent, name, containerClass) {
      const box = open('createFolder');
      const id = box.addFolder(folderOf(box, parent).id, name, containerClass);
      organization.after('createFolder', box);
      return id;
    },
    async renameFolder(folder, name) {
      const box = open('renameFolder');
      const f = folderOf(box, folder);
      const other = f.parent ? box.childNamed(f.parent, name) : undefined;
      if (other && other !== f) throw new FaultError({ kind: 'stale', detail: 'a folder of this name exists' });
      f.name = name;
      f.version++;
      organization.after('renameFolder', box);
    },
    async moveFolder(folder, parent) {
      const box = open('moveFolder');
      const f = folderOf(box, folder);
      if (box.childNamed(folderOf(box, parent).id, f.name))
        throw new FaultError({ kind: 'stale', detail: 'a folder of this name exists' });
      f.parent = parent;
      f.version++;
      organization.after('moveFolder', box);
    },
    async removeFolder(folder) {
      const box = open('removeFolder');
      box.removeFolder(folderOf(box, folder).id);
      organization.after('removeFolder', box);
    },
    limits: async () => ({
      quotaBytes: null,
      usedBytes: [...open('limits').items.values()].reduce((n, i) => n + i.mime.length, 0),
      itemMaxBytes: able.itemMaxBytes,
      retention: [],
    }),
    freeBusy: async (from, to) => busyTimes(open('freeBusy'), from, to),
    ping: async () => ({ serverTimeMs: null, firstByteMs: 0, product: open('ping') ? able.product : '' }),
  };
}

function rawProperties(item: StoredItem, wanted: readonly MapiProperty[]): RawProperty[] {
  const fields = { ...item.state, ...item.facts };
  return wanted.flatMap((property) => {
    const field = mailFields.find((f) => JSON.stringify(mailProperties[f].mapi) === JSON.stringify(property));
    const own = item.ofClass.find((one) => isDeepStrictEqual(one.property, property));
    if (own !== undefined) return [own];
    const value = field && fields[field];
    if (value === null || value === undefined) return [];
    return [{ property, values: Array.isArray(value) ? value.map(String) : [String(value)] }];
  });
}
