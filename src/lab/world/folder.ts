import type { Item } from './item.ts';
import type { Mailbox } from './mailbox.ts';
import type { Property, PropertyKey } from './property.ts';

/** Well-known folders by EWS `DistinguishedFolderIdNameType`, and a few that EWS has no name for. */
export type FolderRole = string;

export type ItemChange =
  | { readonly kind: 'create' | 'update'; readonly item: Item }
  | { readonly kind: 'read-flag'; readonly item: Item }
  | { readonly kind: 'delete'; readonly item: Item };

/**
 * Where a client's reading of a folder's changes has got to. While `initialTo` is set, items are enumerated in the order of
 * their creation, `position` being the last one; then changes follow. `base` is where the round began: what was created
 * later is new to the client.
 */
export interface FeedState {
  readonly base: number;
  readonly position: number;
  readonly initialTo: number | null;
}

interface LogEntry {
  readonly cn: number;
  readonly item: Item;
  readonly kind: 'change' | 'read' | 'delete';
}

/** Index of the first entry whose `cn` is greater. */
function after<T>(list: readonly T[], cn: number, cnOf: (entry: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cnOf(list[middle] as T) > cn) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A folder with its items and its change feed. Items that the seed gave it are made when somebody looks. */
export class Folder {
  readonly mailbox: Mailbox;
  readonly no: number;
  parent: Folder | null;
  name: string;
  containerClass: string | null;
  readonly role: FolderRole | null;
  readonly kind: 'folder' | 'search';
  hidden: boolean;
  readonly createdCn: number;
  cn: number;
  gone = false;
  createdAtMs: number;
  modifiedAtMs: number;
  /** PidTagLocalCommitTimeMax: moved by every commit to the contents except read flags. */
  localCommitMs: number;
  /** Change number of the last commit to the contents except read flags. */
  contentCn: number;
  /** PidTagDeletedCountTotal: items that ever left the folder. */
  deletedCount = 0;
  readonly properties = new Map<PropertyKey, Property>();
  readonly children = new Set<Folder>();
  #items: Item[] = [];
  #goneInItems = 0;
  #log: LogEntry[] = [];
  #live = 0;
  #seed: { readonly count: number; readonly make: () => readonly Item[] } | null = null;
  #unread: number | null = 0;

  constructor(init: {
    readonly mailbox: Mailbox;
    readonly no: number;
    readonly parent: Folder | null;
    readonly name: string;
    readonly containerClass: string | null;
    readonly role: FolderRole | null;
    readonly kind?: 'folder' | 'search';
    readonly hidden?: boolean;
    readonly cn: number;
    readonly atMs: number;
  }) {
    this.mailbox = init.mailbox;
    this.no = init.no;
    this.parent = init.parent;
    this.name = init.name;
    this.containerClass = init.containerClass;
    this.role = init.role;
    this.kind = init.kind ?? 'folder';
    this.hidden = init.hidden ?? false;
    this.createdCn = init.cn;
    this.cn = init.cn;
    this.createdAtMs = init.atMs;
    this.modifiedAtMs = init.atMs;
    this.localCommitMs = init.atMs;
    this.contentCn = init.cn;
    init.parent?.children.add(this);
  }

  /** Gives the folder items that are made by `make` when first needed. */
  seed(count: number, make: () => readonly Item[]): void {
    if (count === 0) return;
    this.#seed = { count, make };
    this.#live = count;
    this.#unread = null;
  }

  #materialize(): void {
    if (this.#seed === null) return;
    const { make } = this.#seed;
    this.#seed = null;
    this.#items = [...make()];
    for (const item of this.#items) this.mailbox.register(item);
  }

  get count(): number {
    return this.#live;
  }

  get unread(): number {
    if (this.#unread === null) {
      this.#unread = 0;
      for (const item of this.items()) if (!item.isRead) this.#unread++;
    }
    return this.#unread;
  }

  /** Items that are there, in the order they came. */
  *items(): Generator<Item> {
    this.#materialize();
    for (const item of this.#items) if (!item.gone) yield item;
  }

  /** The same, the latest first. */
  *newest(): Generator<Item> {
    this.#materialize();
    for (let at = this.#items.length - 1; at >= 0; at--) {
      const item = this.#items[at];
      if (item !== undefined && !item.gone) yield item;
    }
  }

  /** Puts a new item in. */
  add(item: Item, nowMs: number): void {
    this.#materialize();
    this.#items.push(item);
    this.#live++;
    if (this.#unread !== null && !item.isRead) this.#unread++;
    this.#log.push({ cn: item.cn, item, kind: 'change' });
    this.localCommitMs = nowMs;
    this.contentCn = item.cn;
    this.#compact();
  }

  /** The item's content was changed; `item.cn` is the new change number. */
  changed(item: Item, nowMs: number): void {
    this.#log.push({ cn: item.cn, item, kind: 'change' });
    this.localCommitMs = nowMs;
    this.contentCn = item.cn;
    this.#compact();
  }

  /** Only the read flag was changed; `item.readCn` is the new change number. Leaves the commit time alone. */
  readFlagChanged(item: Item): void {
    if (this.#unread !== null) this.#unread += item.isRead ? -1 : 1;
    this.#log.push({ cn: item.readCn, item, kind: 'read' });
    this.#compact();
  }

  remove(item: Item, cn: number, nowMs: number): void {
    item.gone = true;
    this.#live--;
    this.#goneInItems++;
    if (this.#unread !== null && !item.isRead) this.#unread--;
    this.#log.push({ cn, item, kind: 'delete' });
    this.deletedCount++;
    this.localCommitMs = nowMs;
    this.contentCn = cn;
    this.#compact();
  }

  /** Keeps the lists within a small factor of what is alive. Deletions stay: old states must hear of them. */
  #compact(): void {
    if (this.#goneInItems > 64 && this.#goneInItems * 2 > this.#items.length) {
      this.#items = this.#items.filter((item) => !item.gone);
      this.#goneInItems = 0;
    }
    if (this.#log.length > 4096 && this.#log.length > 3 * this.#live) {
      const kept = this.#log.filter(
        ({ kind, cn, item }) => kind === 'delete' || (!item.gone && cn === (kind === 'read' ? item.readCn : item.cn)),
      );
      if (kept.length * 2 < this.#log.length) this.#log = kept;
    }
  }

  /** One page of changes; `max` bounds the entries. Cost: the page, not the folder. */
  changes(
    state: FeedState | null,
    max: number,
    wanted: (item: Item) => boolean,
  ): { readonly changes: readonly ItemChange[]; readonly state: FeedState; readonly complete: boolean } {
    this.#materialize();
    const now = this.mailbox.lastCn;
    const changes: ItemChange[] = [];
    if (state === null || state.initialTo !== null) {
      const until = state?.initialTo ?? now;
      const from = after(this.#items, state?.position ?? -1, (item) => item.createdCn);
      for (let at = from; at < this.#items.length; at++) {
        const item = this.#items[at] as Item;
        if (item.createdCn > until) break;
        if (item.gone || !wanted(item)) continue;
        if (changes.length === max) {
          const last = (changes[changes.length - 1] as { item: Item }).item.createdCn;
          return { changes, state: { base: until, position: last, initialTo: until }, complete: false };
        }
        changes.push({ kind: 'create', item });
      }
      // What changed since the enumeration began follows in the next answer, unless nothing did.
      const rest = after(this.#log, until, (entry) => entry.cn) < this.#log.length;
      return { changes, state: { base: until, position: until, initialTo: null }, complete: !rest };
    }
    const shown = new Set<Item>();
    let position = state.position;
    for (let at = after(this.#log, state.position, (entry) => entry.cn); at < this.#log.length; at++) {
      const { cn, item, kind } = this.#log[at] as LogEntry;
      const isNew = item.createdCn > state.base;
      const superseded =
        kind === 'change'
          ? item.gone || item.cn !== cn
          : kind === 'read'
            ? item.gone || item.readCn !== cn || item.cn > cn || shown.has(item)
            : isNew && item.createdCn > state.position;
      if (!superseded && wanted(item)) {
        if (changes.length === max)
          return { changes, state: { base: state.base, position, initialTo: null }, complete: false };
        changes.push({
          kind: kind === 'delete' ? 'delete' : kind === 'read' ? 'read-flag' : isNew ? 'create' : 'update',
          item,
        });
        shown.add(item);
      }
      position = cn;
    }
    return { changes, state: { base: now, position: now, initialTo: null }, complete: true };
  }

  /** Names from the root of the visible tree down to here. */
  path(): readonly string[] {
    return this.parent === null || this.role === 'msgfolderroot' ? [] : [...this.parent.path(), this.name];
  }

  isInside(other: Folder): boolean {
    for (let at: Folder | null = this; at !== null; at = at.parent) if (at === other) return true;
    return false;
  }
}
