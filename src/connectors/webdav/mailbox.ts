import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { Change } from '#model/change.ts';
import type { FolderMark, FolderRole } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { MailContent, MailDraft, MailHead, RawProperty } from '#model/mail.ts';
import { mailStateFields } from '#model/mail-properties.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { ChangePage, Context, Mailbox, StateEdit, TypedItems, Written } from '../contract.ts';
import { ChangeFeed } from './change-feed.ts';
import type { DavClient } from './client.ts';
import { folderIdOfUrl, isFolderId, pathOfId } from './dav-ids.ts';
import { davNameOf, names } from './dav-names.ts';
import type { Subject } from './faults.ts';
import { folderPathName } from './folder-names.ts';
import {
  hiddenRoles,
  inboxNames,
  levelSearch,
  limitNames,
  limitOf,
  type MailboxRoot,
  markNames,
  readMark,
  readRoot,
  roleSearch,
  rootNames,
  treeByLevels,
  treeOf,
  treeSearch,
} from './folders.ts';
import { freeBusyOf } from './free-busy.ts';
import {
  feedNames,
  isContent,
  itemNames,
  type Oddities,
  rawValues,
  readBcc,
  readHead,
  stampName,
  withoutReceipts,
  writeDraft,
  writeState,
} from './mail-codec.ts';
import {
  createUnderStamp,
  erase,
  itemPath,
  lookAt,
  moveTo,
  nameOfStamp,
  patch,
  pathOfUrl,
  put,
  settle,
} from './mail-writes.ts';
import { type DavResponse, shownText } from './multistatus.ts';
import { eachOf, parts } from './parts.ts';
import { bulkMax, findMany, findOne, type MailboxRequests } from './resources.ts';
import { allOf, isText, isTrue, oneOf, searchBody } from './sql.ts';
import { type DavItemTools, davTypedItems } from './typed/dav-typed-items.ts';
import { propertyUpdate } from './value-forms.ts';

/** Items of one call. */
export const batchMax = bulkMax;
/** Stamps in one search; it walks the folder, so fewer and longer ones are cheaper, up to what the server parses. */
const searchValuesMax = 20;
/** Pages of one listing; a server that never ends is stopped here. */
const pageMax = 10_000;

export interface DavMailboxOptions {
  readonly client: DavClient;
  readonly address: string;
  /** Path under which mailboxes are found: `/exchange/`. */
  readonly base: string;
  /** The base is itself the root of what is to be opened: the public folders of the organization. */
  readonly isPublic?: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** The root of a mailbox with its path. */
interface Place extends MailboxRoot {
  readonly path: string;
  readonly url: string;
}

/** A mailbox, and the requests that it makes of its server. */
export interface DavMailbox {
  readonly mailbox: Mailbox;
  readonly requests: MailboxRequests;
  /** Where a folder is now, by its name, with a slash at its end. */
  pathOfFolder(folder: FolderId, context: Context): Promise<string>;
}

export function davMailbox({ client, address, base, clock, random, isPublic = false }: DavMailboxOptions): DavMailbox {
  let known: Place | null = null;

  /**
   * Mailboxes are found under their SMTP address, or where the virtual directory has another domain under their alias, which usually is
   * what stands before the @.
   */
  const placed = async (context: Context): Promise<Place> => {
    if (known !== null) return known;
    const [alias = address] = address.split('@');
    let refused: unknown = null;
    const paths = isPublic
      ? [base]
      : [address, alias].map((name) => `${base}${encodeURIComponent(name).replaceAll('%40', '@')}/`);
    for (const path of new Set(paths)) {
      try {
        const { response } = await findOne({ client, address }, path, rootNames, 'mailbox', context);
        return (known = { ...readRoot(response), path, url: response.href });
      } catch (error) {
        refused ??= error;
        if (!(error instanceof FaultError) || error.fault.kind !== 'fatal' || error.fault.code !== 'mailbox-gone')
          throw error;
      }
    }
    throw isPublic ? new FaultError(noPublicFolders) : refused;
  };
  const requests: MailboxRequests = { client, address, root: async (context) => (await placed(context)).path };
  const feed = new ChangeFeed({ requests, random, names: feedNames, readFlags: true });

  const deepSearch = async (body: string, context: Context): Promise<readonly DavResponse[]> => {
    const found: DavResponse[] = [];
    await client.several(
      {
        method: 'SEARCH',
        path: (await placed(context)).path,
        headers: { brief: 't' },
        body,
        mailbox: address,
        subject: { operation: 'SEARCH', writes: false, about: 'mailbox' },
        context,
      },
      (response) => found.push(response),
    );
    return found;
  };

  /** The folders right below one; null: the account may not look into it. */
  const childrenOf = async (folder: FolderId, context: Context): Promise<readonly DavResponse[] | null> => {
    const found: DavResponse[] = [];
    try {
      await client.several(
        {
          method: 'SEARCH',
          // By its lasting address, in which no name stands that would have to be written some way.
          path: pathOfId((await placed(context)).path, folder),
          headers: { brief: 't' },
          body: levelSearch,
          mailbox: address,
          subject: { operation: 'SEARCH', writes: false, about: 'folder' },
          context,
        },
        (response) => found.push(response),
      );
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const { fault } = error;
      // Removed since the level above was read, or not for this account: what is in it nobody can say.
      if (fault.kind === 'gone' || (fault.kind === 'fatal' && fault.code === 'access-denied')) return null;
      throw error;
    }
    return found;
  };

  /** Where a folder is now, with a slash at its end. It may have been renamed since anybody looked, so it is asked each time. */
  const pathOfFolder = async (folder: FolderId, context: Context): Promise<string> => {
    const { path: root, id } = await placed(context);
    if (folder === id) return root;
    const { response } = await findOne(requests, pathOfId(root, folder), [names.permanentUrl], 'folder', context);
    const path = pathOfUrl(response.href);
    if (path === null || path.includes('-FlatUrlSpace-'))
      throw new FaultError({
        kind: 'fatal',
        code: 'protocol',
        detail: 'PROPFIND: a folder came without the address that it has by its name',
      });
    return path.replace(/\/*$/, '/');
  };

  const headOf = (response: DavResponse | Fault | undefined, oddities: Oddities = {}): MailHead | Fault => {
    if (response === undefined) return { kind: 'gone', detail: 'it is not there' };
    if (isFault(response)) return response;
    return (
      readHead(response, oddities) ?? {
        kind: 'transient',
        detail: 'an item came without its permanent address',
        mayHaveHappened: false,
      }
    );
  };
  const headsOf = async (ids: readonly ItemId[], context: Context): Promise<readonly (MailHead | Fault)[]> => {
    const found = await findMany(requests, ids, feedNames, context);
    return ids.map((id) => headOf(found.get(id)));
  };

  /** Items that are to be written, at the version expected; `stale` in place of one that somebody changed. */
  const expected = async (
    items: readonly Pick<StateEdit, 'id' | 'expect'>[],
    context: Context,
  ): Promise<readonly (MailHead | Fault)[]> =>
    (
      await headsOf(
        items.map(({ id }) => id),
        context,
      )
    ).map((head, i) => (isFault(head) || head.version === items[i]?.expect ? head : stale(head)));

  /** Takes back the requests for receipts of an item; where it is then. `stale` when somebody changed it meanwhile. */
  const silenced = async (head: MailHead, context: Context): Promise<MailHead> => {
    const path = await itemPath(requests, head.id, context);
    await patch(requests, path, withoutReceipts, [], { expect: head.version }, context);
    const [now] = await headsOf([head.id], context);
    if (now === undefined || isFault(now)) throw new FaultError(now ?? stale(head));
    if (stateText(now) !== stateText(head)) throw new FaultError(stale(now));
    return now;
  };

  const createOne = async (folderPath: string, draft: MailDraft, context: Context): Promise<string | Written> => {
    const { mime } = draft.content;
    const { path, found } = await createUnderStamp(
      requests,
      folderPath,
      draft.stamp,
      writeDraft(draft),
      (at) => put(requests, at, mime, 'message/rfc822', context),
      context,
    );
    return found ?? path;
  };

  const updateOne = async ({ id, set }: StateEdit, head: MailHead, readReceiptRequested: boolean, context: Context) => {
    const asks = readReceiptRequested || head.facts.readReceiptRequested;
    const ready = set.isRead === true && !head.state.isRead && asks ? await silenced(head, context) : head;
    const path = await itemPath(requests, id, context);
    const { set: sets, remove } = writeState(set);
    await patch(requests, path, sets, remove, { expect: ready.version }, context);
    const { id: now, version } = await lookAt(requests, path, context);
    return { id: now, version };
  };

  /** A folder and those below it. */
  const below = async (folder: FolderId, context: Context): Promise<readonly FolderId[]> => {
    const { folders } = await mailbox.tree(context);
    const inside = new Set<FolderId>([folder]);
    // Parents stand before their children.
    for (const { id, parent } of folders) if (parent !== null && inside.has(parent)) inside.add(id);
    return folders.filter(({ id, itemCount }) => itemCount > 0 && inside.has(id)).map(({ id }) => id);
  };

  /** Removing a folder removes what is unread in it, which sends the receipts that it asks for: they are taken back first. */
  const silenceFolder = async (folder: FolderId, context: Context): Promise<void> => {
    let cursor: Cursor | null = null;
    for (let pages = 0; pages < pageMax; pages++) {
      const page: ChangePage = await mailbox.changes(folder, cursor, context);
      for (const change of page.changes)
        if (change.kind === 'upsert' && change.head.facts.readReceiptRequested && !change.head.state.isRead)
          await silenced(change.head, context);
      if (page.complete) return;
      cursor = page.cursor;
    }
  };

  const folderWrite = (operation: string): Subject => ({ operation, writes: true, about: 'name' });

  const moveFolderTo = async (folder: FolderId, destination: string, context: Context): Promise<void> => {
    const from = await pathOfFolder(folder, context);
    if (from === destination) return;
    const move = (path: string, to: string) =>
      client.plain({
        method: 'MOVE',
        path,
        headers: { destination: to, overwrite: 'F' },
        mailbox: address,
        subject: folderWrite('MOVE'),
        context,
      });
    if (from.toLowerCase() !== destination.toLowerCase()) {
      await move(from, destination);
      return;
    }
    // The same name in other letters is taken, by the folder itself.
    const between = `${destination.replace(/\/$/, '')}-${random.bytes(4).toString('hex')}/`;
    await move(from, between);
    await move(between, destination);
  };

  const tools: DavItemTools = { requests, pathOfFolder, nowMs: () => clock.nowMs(), random };
  // Made when they are asked for: most of what is asked of ten thousand mailboxes are the marks of their folders.
  const made = new Map<TypedKind, TypedItems<TypedKind>>();
  const typed = <Kind extends TypedKind>(kind: Kind): TypedItems<Kind> => {
    const items = made.get(kind) ?? davTypedItems<TypedKind>(kind, tools);
    made.set(kind, items);
    return items as unknown as TypedItems<Kind>;
  };

  const mailbox: Mailbox = {
    address,
    typed,
    freeBusy: (from, to, context) => freeBusyOf(requests, from, to, context),

    async tree(context) {
      const root = await placed(context);
      if (!isPublic) return treeOf(root, root.url, await deepSearch(treeSearch, context));
      return treeByLevels(root, async (folders) => {
        const found = await eachOf(folders, async (folder) => ({ responses: await childrenOf(folder, context) }));
        return found.map((one) => {
          if (isFault(one)) throw new FaultError(one);
          return one.responses;
        });
      });
    },

    async marks(wanted, context) {
      const found = await findMany(requests, wanted.filter(isFolderId), markNames, context);
      const marks = new Map<FolderId, FolderMark>();
      for (const id of wanted) {
        const response = found.get(id);
        if (response === undefined || (isFault(response) && response.kind === 'gone')) continue;
        if (isFault(response)) throw new FaultError(response);
        marks.set(id, readMark(response));
      }
      return marks;
    },

    async roles(context) {
      const root = await placed(context);
      const roles = new Map<FolderRole, FolderId>([['msgfolderroot', root.id]]);
      if (isPublic) return roles;
      const folders = await deepSearch(roleSearch, context);
      const byHref = new Map(folders.map((one) => [comparable(one.href), one] as const));
      for (const [role, url] of root.urls) {
        const folder = byHref.get(comparable(url));
        const id = folder === undefined ? null : folderIdOfUrl(shownText(folder, names.permanentUrl) ?? '');
        if (id !== null) roles.set(role, id);
      }
      const inbox = roles.get('inbox');
      if (inbox === undefined) return roles;
      const { response } = await findOne(requests, pathOfId(root.path, inbox), inboxNames, 'folder', context);
      for (const [role, id] of hiddenRoles(response, folders)) roles.set(role, id);
      return roles;
    },

    async changes(folder, cursor, context) {
      const page = await feed.page(folder, cursor, context);
      const oddities: Oddities = { ...page.oddities };
      const changes = page.changes.flatMap((change): readonly Change[] => {
        if (change.kind !== 'upsert') return [change];
        if (!isContent(change.shown)) return [];
        const head = headOf(change.shown, oddities);
        if (!isFault(head)) return [{ kind: 'upsert', head }];
        return [{ kind: 'unreadable', id: change.id, detail: 'detail' in head ? head.detail : head.kind }];
      });
      return { changes, cursor: page.cursor, complete: page.complete, oddities };
    },

    async heads(ids, context) {
      const heads = await headsOf(ids, context);
      return new Map(ids.map((id, i) => [id, heads[i] as MailHead | Fault] as const));
    },

    async contents(items, context) {
      const ids = items.map(({ id }) => id);
      const found = await findMany(requests, ids, itemNames, context);
      const contents = await eachOf(ids, async (id): Promise<MailContent | Fault> => {
        const response = found.get(id);
        const head = headOf(response);
        if (isFault(head) || response === undefined || isFault(response)) return isFault(head) ? head : lostItem;
        const { bytes } = await client.content({
          method: 'GET',
          path: await itemPath(requests, id, context),
          headers: { translate: 'f', accept: 'message/rfc822' },
          mailbox: address,
          subject: { operation: 'GET', writes: false, about: 'item' },
          context,
        });
        return { head, mime: bytes, bcc: readBcc(response) };
      });
      return new Map(ids.map((id, i) => [id, contents[i] as MailContent | Fault] as const));
    },

    async properties(ids, wanted, context) {
      const found = await findMany(requests, ids, wanted.map(davNameOf), context);
      const result = new Map<ItemId, readonly RawProperty[] | Fault>();
      for (const id of ids) {
        const response = found.get(id);
        if (response === undefined || isFault(response)) result.set(id, response ?? lostItem);
        else
          result.set(
            id,
            wanted.flatMap((property) => {
              const values = rawValues(response, property);
              return values === null || (values.length === 1 && values[0] === '' && property.type !== 'string')
                ? []
                : [{ property, values }];
            }),
          );
      }
      return result;
    },

    async findByStamp(folder, stamps, context) {
      const { path: root } = await placed(context);
      const folderPath = await pathOfFolder(folder, context);
      const wanted = [...new Set(stamps)];
      const found = new Map<StampText, MailHead[]>();
      // What broke off while it was created is under the name of its stamp and must not stay.
      for (const fault of await eachOf(wanted, (stamp) =>
        settle(requests, folderPath + nameOfStamp(stamp), stamp, context),
      ))
        if (isFault(fault) && fault.kind !== 'stale') throw new FaultError(fault);
      for (const some of parts(wanted, searchValuesMax)) {
        await client.several(
          {
            method: 'SEARCH',
            path: pathOfId(root, folder),
            headers: { brief: 't' },
            body: searchBody({
              select: feedNames,
              depth: 'shallow',
              where: allOf(isTrue(names.isFolder, false), oneOf(some.map((stamp) => isText(stampName, stamp)))),
            }),
            mailbox: address,
            subject: { operation: 'SEARCH', writes: false, about: 'folder' },
            context,
          },
          (response) => {
            const head = isContent(response) ? headOf(response) : null;
            if (head === null || isFault(head) || head.stamp === null || !some.includes(head.stamp)) return;
            const heads = found.get(head.stamp);
            if (heads === undefined) found.set(head.stamp, [head]);
            else heads.push(head);
          },
        );
      }
      return found;
    },

    async create(folder, drafts, context) {
      if (drafts.length === 0) return [];
      let folderPath: string;
      try {
        folderPath = await pathOfFolder(folder, context);
      } catch (error) {
        if (error instanceof FaultError && error.fault.kind === 'gone') return drafts.map(() => error.fault);
        throw error;
      }
      return eachOf(drafts, async (draft): Promise<Written | Fault> => {
        const made = await createOne(folderPath, draft, context);
        if (typeof made !== 'string') return made;
        const { id, version, response } = await lookAt(requests, made, context, [names.read]);
        // Should the content have reset what the first step set, so that nobody is asked for a receipt for it.
        const isRead = shownText(response, names.read)?.trim() === '1';
        const wanted = draft.content.head.state.isRead;
        if (isRead === wanted) return { id, version };
        const [head] = await headsOf([id], context);
        if (head === undefined || isFault(head)) return head ?? lostItem;
        const edit = { id, expect: version, set: { isRead: wanted }, readReceiptRequested: true };
        return updateOne(edit, head, true, context);
      });
    },

    async update(edits, context) {
      const open = edits.filter(({ set }) => Object.keys(set).length > 0);
      const heads = new Map<StateEdit, MailHead | Fault>();
      for (const [i, head] of (await expected(open, context)).entries()) heads.set(open[i] as StateEdit, head);
      return eachOf(edits, async (edit): Promise<Written | Fault> => {
        const head = heads.get(edit);
        if (head === undefined) return { id: edit.id, version: edit.expect };
        return isFault(head) ? head : updateOne(edit, head, edit.readReceiptRequested, context);
      });
    },

    async move(ids, to, context) {
      if (ids.length === 0) return [];
      let folderPath: string;
      try {
        folderPath = await pathOfFolder(to, context);
      } catch (error) {
        if (error instanceof FaultError && error.fault.kind === 'gone') return ids.map(() => error.fault);
        throw error;
      }
      return eachOf(ids, async (id): Promise<Written | Fault> => {
        const path = await itemPath(requests, id, context);
        const at = await moveTo(requests, path, folderPath, `${random.bytes(16).toString('hex')}.EML`, context);
        const { id: now, version } = await lookAt(requests, at, context);
        return { id: now, version };
      });
    },

    async remove(items, context) {
      const heads = await expected(items, context);
      return eachOf(items, async (item): Promise<null | Fault> => {
        const head = heads[items.indexOf(item)];
        if (head === undefined || isFault(head)) return head ?? lostItem;
        const asks = item.readReceiptRequested || head.facts.readReceiptRequested;
        const ready = asks && !head.state.isRead ? await silenced(head, context) : head;
        await erase(requests, await itemPath(requests, item.id, context), ready.version, context);
        return null;
      }) as Promise<readonly (null | Fault)[]>;
    },

    async createFolder(parent, name, containerClass, context) {
      const path = `${await pathOfFolder(parent, context)}${folderPathName(name)}/`;
      await client.plain({
        method: 'MKCOL',
        path,
        body: propertyUpdate([{ name: names.folderClass, type: 'string', texts: [containerClass ?? 'IPF.Note'] }]),
        mailbox: address,
        subject: folderWrite('MKCOL'),
        context,
      });
      const { response } = await findOne(requests, path, [names.permanentUrl], 'folder', context);
      const id = folderIdOfUrl(shownText(response, names.permanentUrl) ?? '');
      if (id === null)
        throw new FaultError({
          kind: 'transient',
          detail: 'MKCOL: the folder came without its permanent address',
          mayHaveHappened: true,
        });
      return id;
    },
    async renameFolder(folder, name, context) {
      const from = await pathOfFolder(folder, context);
      const parent = from.slice(0, from.slice(0, -1).lastIndexOf('/') + 1);
      await moveFolderTo(folder, `${parent}${folderPathName(name)}/`, context);
    },
    async moveFolder(folder, parent, context) {
      const from = await pathOfFolder(folder, context);
      const own = from.slice(from.slice(0, -1).lastIndexOf('/') + 1);
      await moveFolderTo(folder, `${await pathOfFolder(parent, context)}${own}`, context);
    },
    async removeFolder(folder, context) {
      const path = await pathOfFolder(folder, context);
      for (const one of await below(folder, context)) await silenceFolder(one, context);
      await client.plain({
        method: 'DELETE',
        path,
        mailbox: address,
        subject: { operation: 'DELETE', writes: true, about: 'folder' },
        context,
      });
    },

    async limits(context) {
      const { path } = await placed(context);
      const { response } = await findOne(requests, path, limitNames, 'mailbox', context);
      return {
        usedBytes: limitOf(response, 0, 1),
        quotaBytes: limitOf(response, 1, 1024),
        itemMaxBytes: limitOf(response, 2, 1024),
        retention: [],
      };
    },

    async ping(context) {
      const { path } = await placed(context);
      const begunMs = clock.monotonicMs();
      const { serverTimeMs } = await findOne(requests, path, [names.permanentUrl], 'mailbox', context);
      return { serverTimeMs, firstByteMs: clock.monotonicMs() - begunMs, product: client.product };
    },
  };
  return { mailbox, requests, pathOfFolder };
}

const noPublicFolders: Fault = {
  kind: 'fatal',
  code: 'mailbox-gone',
  detail:
    'there are no public folders at /public/: the store of public folders is not mounted, or its virtual directory was taken away',
};
const lostItem: Fault = { kind: 'transient', detail: 'an item was not answered', mayHaveHappened: false };

const stateText = ({ state }: MailHead): string => JSON.stringify(mailStateFields.map((field) => state[field]));

const stale = (head: MailHead): Fault => ({
  kind: 'stale',
  detail: `it is at another version than expected (${head.version.slice(0, 40)})`,
});

const comparable = (url: string): string => (pathOfUrl(url) ?? url).replace(/\/+$/, '').toLowerCase();
