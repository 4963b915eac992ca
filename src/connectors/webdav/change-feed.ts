import { child, childText } from '#formats/text/xml-read.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { Context } from '../contract.ts';
import { itemIdIn, itemIdOfUrl, itemSegment, pathOfId, segmentOfReplUid } from './dav-ids.ts';
import { type DavName, names, replNamespace } from './dav-names.ts';
import type { Subject } from './faults.ts';
import { type ItemSet, readItemSet, shortMark, writeItemSet } from './item-set.ts';
import { countOddities, type Oddities } from './mail-codec.ts';
import { type DavResponse, shownText } from './multistatus.ts';
import { bulkMax, findMany, type MailboxRequests } from './resources.ts';
import { allOf, type Condition, isTrue, searchBody } from './sql.ts';
import { readDavBoolean } from './value-forms.ts';

/** Changes of one page, which is one bulk request. */
export const changePageMax = bulkMax;

/** One change as the feed hands it out; `shown` is null for what has to be read first. */
export type FeedChange =
  | { readonly kind: 'upsert'; readonly id: ItemId; readonly shown: DavResponse }
  | { readonly kind: 'read-flag'; readonly id: ItemId; readonly isRead: boolean }
  | { readonly kind: 'delete'; readonly id: ItemId };

export interface FeedPage {
  readonly changes: readonly FeedChange[];
  readonly cursor: Cursor;
  readonly complete: boolean;
  readonly oddities: Readonly<Record<string, number>>;
}

export interface FeedOptions {
  readonly requests: MailboxRequests;
  readonly random: Random;
  /** What an item is shown with. */
  readonly names: readonly DavName[];
  /** Whether what was read and what was not is told. */
  readonly readFlags: boolean;
}

/** Place in the feed of a folder. */
type Place =
  /** By manifest: what the server said last (`blob`). `unread`: those that were not read then; null: too many, or nobody asked. */
  | { readonly by: 'manifest'; readonly blob: string; readonly unread: string | null }
  /** By listing: what was there, with marks of the versions. */
  | { readonly by: 'listing'; readonly items: string; readonly unread: string | null };

/**
 * In the middle of a journey, after so many of its entries. Who does not know the journey any more has lost the place: begun again from
 * where it began, the feed would not say that something went away which was there when the first entries were handed out.
 */
interface Paging {
  readonly token: string;
  readonly at: number;
}

type Entry = { readonly item: string; readonly what: 'upsert' | 'delete' | 'read' | 'unread' };

/** What happened in a folder between two places. Kept until it has been handed out. */
interface Journey {
  readonly entries: readonly Entry[];
  /** Items as the answer showed them, as long as it did. */
  readonly shown: ReadonlyMap<string, DavResponse>;
  /** Without those that are not read. */
  readonly to: Place;
  /**
   * Those that are not read, as they have been told: what was shown as an item is what it was shown as, also when that was read later than
   * this. Otherwise a mark that was set between the two, and taken back before the next look, would be told by nobody. Null: too many.
   */
  readonly unread: Map<string, string> | null;
}

/** Journeys kept for a mailbox: several folders may be read at the same time. */
const journeysKept = 16;
/** More unread items than this are not remembered in the cursor: their read flags are found by the sweep. */
const unreadMax = 20_000;
/** Items shown with everything in the answer of a manifest; what comes after them is read page by page. */
const shownMax = changePageMax;

const contents: Condition = allOf(isTrue(names.isFolder, false), isTrue(names.isHidden, false));
const search: Subject = { operation: 'SEARCH', writes: false, about: 'folder' };

/**
 * The change feed of a mailbox's folders. Replication manifests (SEARCH with `repl`, Exchange SDK) tell what changed since the last
 * answer; a server that makes none is listed and compared.
 *
 * Manifests do not tell read flags, which change no mark of an item (evolution-exchange `docs/mail`). So the items that are not read are
 * asked for beside them, and the cursor remembers which they were.
 */
export class ChangeFeed {
  readonly #options: FeedOptions;
  readonly #journeys = new Map<string, Journey>();
  /** Folders whose manifests failed. */
  readonly #listed = new Set<FolderId>();

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Throws FaultError: `cursor-lost`, `gone`. */
  async page(folder: FolderId, cursor: Cursor | null, context: Context): Promise<FeedPage> {
    const oddities: Oddities = {};
    const start = cursor === null ? null : readCursor(cursor);
    const [place, paging] = start !== null && 'token' in start ? [null, start] : [start, null];
    const journey =
      paging === null ? await this.#travel(folder, place, oddities, context) : this.#journeys.get(paging.token);
    if (journey === undefined) throw new FaultError({ kind: 'cursor-lost' });
    const at = paging?.at ?? 0;
    const entries = journey.entries.slice(at, at + changePageMax);
    const changes = await this.#changesOf(folder, entries, journey, oddities, context);
    const next = at + entries.length;
    // What took pages took its time: the folder is looked at once more for what happened meanwhile.
    if (next >= journey.entries.length) {
      if (paging !== null) this.#journeys.delete(paging.token);
      return { changes, cursor: writeCursor(placeAfter(journey)), complete: paging === null, oddities };
    }
    const token = paging?.token ?? this.#keep(journey);
    return { changes, cursor: writeCursor({ token, at: next }), complete: false, oddities };
  }

  #keep(journey: Journey): string {
    const token = this.#options.random.bytes(8).toString('hex');
    this.#journeys.set(token, journey);
    if (this.#journeys.size > journeysKept)
      for (const oldest of this.#journeys.keys()) {
        this.#journeys.delete(oldest);
        break;
      }
    return token;
  }

  async #changesOf(
    folder: FolderId,
    entries: readonly Entry[],
    { shown, unread }: Journey,
    oddities: Oddities,
    context: Context,
  ): Promise<readonly FeedChange[]> {
    const unknown = entries.filter(({ item, what }) => what === 'upsert' && !shown.has(item));
    const read = await findMany(
      this.#options.requests,
      unknown.map(({ item }) => itemIdIn(folder, item)),
      this.#options.names,
      context,
      (more) => countOddities(oddities, more),
    );
    return entries.flatMap(({ item, what }): readonly FeedChange[] => {
      const id = itemIdIn(folder, item);
      if (what === 'delete') return [{ kind: 'delete', id }];
      if (what !== 'upsert') return [{ kind: 'read-flag', id, isRead: what === 'read' }];
      const response = shown.get(item) ?? read.get(id);
      // What went away meanwhile is told by the next answer.
      if (response === undefined || (isFault(response) && response.kind === 'gone')) return [];
      if (isFault(response)) throw new FaultError(response);
      const isRead = readDavBoolean(shownText(response, names.read) ?? '');
      if (isRead === true) unread?.delete(item);
      else if (isRead === false) unread?.set(item, '');
      return [{ kind: 'upsert', id, shown: response }];
    });
  }

  async #travel(folder: FolderId, from: Place | null, oddities: Oddities, context: Context): Promise<Journey> {
    // Before the changes, so that what becomes unread after this is not taken for read after that.
    const unread = await this.#unread(folder, context);
    if (from?.by === 'listing' || (from === null && this.#listed.has(folder)))
      return this.#listing(folder, from?.by === 'listing' ? from : null, unread, oddities, context);
    try {
      return await this.#manifest(folder, from, unread, oddities, context);
    } catch (error) {
      if (!(error instanceof FaultError) || from !== null || !makesNone(error.fault)) throw error;
      this.#listed.add(folder);
      countOddities(oddities, { 'folder without a manifest': 1 });
      return this.#listing(folder, null, unread, oddities, context);
    }
  }

  async #search(
    folder: FolderId,
    select: readonly DavName[],
    where: Condition,
    collblob: string | null,
    context: Context,
    take: (response: DavResponse) => void,
    faults: Readonly<Record<number, Fault>> = {},
  ) {
    const { client, address, root } = this.#options.requests;
    return client.several(
      {
        method: 'SEARCH',
        path: pathOfId(await root(context), folder),
        headers: { brief: 't' },
        body: searchBody({ select, depth: 'shallow', where, collblob }),
        mailbox: address,
        subject: search,
        faults,
        context,
      },
      take,
    );
  }

  /** Null: too many, or nobody asks. */
  async #unread(folder: FolderId, context: Context): Promise<Map<string, string> | null> {
    if (!this.#options.readFlags) return null;
    const unread = new Map<string, string>();
    await this.#search(
      folder,
      [names.replUid],
      allOf(contents, isTrue(names.read, false)),
      null,
      context,
      (response) => {
        const item = segmentOf(response);
        if (item !== null && unread.size <= unreadMax) unread.set(item, '');
      },
    );
    return unread.size > unreadMax ? null : unread;
  }

  async #manifest(
    folder: FolderId,
    from: (Place & { readonly by: 'manifest' }) | null,
    unread: Map<string, string> | null,
    oddities: Oddities,
    context: Context,
  ): Promise<Journey> {
    const blob = from?.blob ?? '';
    const entries: Entry[] = [];
    const shown = new Map<string, DavResponse>();
    let strange = 0;
    // The beginning names all of a folder, which may be a great many: each is read with its page then.
    const select = from === null ? [names.replUid, names.permanentUrl] : [names.replUid, ...this.#options.names];
    const { root, oddities: odd } = await this.#search(
      folder,
      select,
      contents,
      blob,
      context,
      (response) => {
        const item = segmentOf(response);
        if (item === null) {
          strange++;
          return;
        }
        const what = response.changeType?.trim() === 'delete' ? 'delete' : 'upsert';
        if (what === 'upsert') {
          const address = itemIdOfUrl(shownText(response, names.permanentUrl) ?? '');
          // Deletes name items by their replication id alone: it must lead to the address that an item has.
          if (address === null || itemSegment(address.id) !== item) strange++;
          if (from !== null && shown.size < shownMax) shown.set(item, response);
        }
        entries.push({ item, what });
      },
      from === null ? {} : forgotten,
    );
    countOddities(oddities, odd);
    const repl = child(root, replNamespace, 'repl');
    const next = repl === null ? null : childText(repl, replNamespace, 'collblob')?.trim() || null;
    if (strange > 0 || (next === null && (from === null || repl === null))) throw new FaultError(noManifest);
    const to: Place = { by: 'manifest', blob: next ?? blob, unread: null };
    return { entries: withReadFlags(entries, from?.unread ?? null, unread), shown, to, unread };
  }

  async #listing(
    folder: FolderId,
    from: (Place & { readonly by: 'listing' }) | null,
    unread: Map<string, string> | null,
    oddities: Oddities,
    context: Context,
  ): Promise<Journey> {
    const before: ItemSet = (from === null ? null : readItemSet(from.items)) ?? new Map();
    const now = new Map<string, string>();
    const { oddities: odd } = await this.#search(
      folder,
      [names.permanentUrl, names.etag],
      contents,
      null,
      context,
      (response) => {
        const address = itemIdOfUrl(shownText(response, names.permanentUrl) ?? '');
        if (address !== null) now.set(itemSegment(address.id), shortMark(shownText(response, names.etag) ?? ''));
      },
    );
    countOddities(oddities, odd);
    const entries: Entry[] = [];
    for (const [item, mark] of now) if (before.get(item) !== mark) entries.push({ item, what: 'upsert' });
    for (const item of before.keys()) if (!now.has(item)) entries.push({ item, what: 'delete' });
    const to: Place = { by: 'listing', items: writeItemSet(now, true), unread: null };
    return { entries: withReadFlags(entries, from?.unread ?? null, unread), shown: new Map(), to, unread };
  }
}

const segmentOf = (response: DavResponse): string | null => segmentOfReplUid(shownText(response, names.replUid) ?? '');

const noManifest: Fault = {
  kind: 'fatal',
  code: 'protocol',
  detail: 'SEARCH: the server made no manifest of the folder, or one that names items in an unknown way',
};
/** Statuses with which a server refuses a place that it does not know. */
const forgotten: Readonly<Record<number, Fault>> = Object.fromEntries(
  [400, 409, 412, 422].map((status) => [status, { kind: 'cursor-lost' } satisfies Fault]),
);
/** Faults of a request for a manifest after which the folder is listed instead. */
const makesNone = (fault: Fault): boolean =>
  fault.kind === 'fatal' && (fault.code === 'protocol' || fault.code === 'unsupported');

/** Adds what is read, and what is not any more, of what did not change otherwise. */
function withReadFlags(entries: readonly Entry[], beforeText: string | null, now: ItemSet | null): readonly Entry[] {
  const before = beforeText === null ? null : readItemSet(beforeText);
  if (before === null || now === null) return entries;
  const told = new Set(entries.map(({ item }) => item));
  const flags: Entry[] = [];
  for (const item of before.keys()) if (!now.has(item) && !told.has(item)) flags.push({ item, what: 'read' });
  for (const item of now.keys()) if (!before.has(item) && !told.has(item)) flags.push({ item, what: 'unread' });
  return [...entries, ...flags];
}

/** Where a journey ended, of which everything was handed out. */
const placeAfter = ({ to, unread }: Journey): Place => ({ ...to, unread: unread && writeItemSet(unread, false) });

const writeCursor = (place: Place | Paging): Cursor => JSON.stringify(place) as Cursor;

/** Throws `cursor-lost` for what no feed of this kind wrote. */
function readCursor(cursor: Cursor): Place | Paging {
  const lost = () => new FaultError({ kind: 'cursor-lost' });
  let value: unknown;
  try {
    value = JSON.parse(cursor);
  } catch {
    throw lost();
  }
  if (isPlace(value)) return value;
  if (typeof value !== 'object' || value === null) throw lost();
  const { token, at } = value as Record<string, unknown>;
  if (typeof token !== 'string' || typeof at !== 'number' || at < 0) throw lost();
  return { token, at };
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { by, blob, items, unread } = value as Record<string, unknown>;
  if (unread !== null && (typeof unread !== 'string' || readItemSet(unread) === null)) return false;
  return by === 'manifest'
    ? typeof blob === 'string'
    : by === 'listing' && typeof items === 'string' && readItemSet(items) !== null;
}
