import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import { type FolderMark, type FolderRole, type FolderTree, folderContent } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailContent, MailHead, RawProperty } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { ChangePage, Context, Mailbox, StateEdit, TypedItems, Written } from '../contract.ts';
import { headless, missing, noId, stale } from '../ews/answer-faults.ts';
import { faultsInPlace, parts } from '../ews/batches.ts';
import { treeOf } from '../ews/folder-tree.ts';
import { asSeenAt, type SeenFolder } from '../ews/operations/folder-shape.ts';
import { etagOf, messageKey } from './change-keys.ts';
import { expandOf, filterOf, isMultiple } from './extended-properties.ts';
import {
  containerClassEntry,
  defaultFoldersExpand,
  defaultFoldersOf,
  deletions,
  folderQuery,
  mailRoles,
  readFolder,
} from './folders.ts';
import { freeBusyOf } from './free-busy.ts';
import { batchRequestsMax, type GraphClient, type GraphRequest, objectOf } from './graph-client.ts';
import { ImportSession } from './import-session.ts';
import { itemIdAt, splitItemId } from './item-ids.ts';
import { type JsonObject, objectsAt, textAt } from './json.ts';
import {
  clearsExtended,
  feedQuery,
  isRemoved,
  isWhole,
  itemQuery,
  type Oddities,
  rawProperties,
  readBcc,
  readFlagOf,
  readHead,
  readWritten,
  stampProperty,
  writeState,
} from './mail-codec.ts';
import { streamOfDraft } from './mail-stream.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { inPlaceOfEach } from './one-by-one.ts';
import { type Rewrite, rewriteMail } from './rewrite-mail.ts';
import { ServerIds } from './server-ids.ts';
import { typedItems } from './typed/typed-items.ts';

/** Items of one read by id: requests of a batch. */
export const batchMax = batchRequestsMax;
/** Entries of a page of a feed: each shows two dozen properties, and a page is one answer. */
export const changePageMax = 200;
/** Folders of a page: one answer for nearly every mailbox. */
const folderPageMax = 1000;
const searchPageMax = 200;
/** Stamps of one search: a search walks the folder, so fewer are dearer, and the address of a request has its bound. */
const searchValuesMax = 5;
/** Properties that one `$expand` asks for: addresses have a length beyond which somebody on the way refuses them. */
const expandedMax = 40;
/** Pages of one listing; a service that never comes to an end is stopped here. */
const pageMax = 10_000;

/** PidTagMessageFlags mfNotifyRead and mfNotifyUnread ([MS-OXCMSG] 2.2.1.6): somebody waits for a receipt. */
const receiptsPending = 0x100 | 0x200;

export interface GraphMailboxOptions {
  readonly client: GraphClient;
  readonly address: string;
  readonly clock: Clock;
  readonly hasImport: boolean;
  readonly isImportHost: (host: string) => boolean;
  readonly requestBytesMax: number;
}

export function graphMailbox(options: GraphMailboxOptions): Mailbox {
  return new GraphMailbox(options);
}

class GraphMailbox implements Mailbox {
  readonly address: string;
  readonly #tools: MailboxTools;
  readonly #client: GraphClient;
  readonly #user: string;
  #mailboxId: string | null = null;
  #root: FolderId | null = null;

  constructor({ client, address, clock, hasImport, isImportHost, requestBytesMax }: GraphMailboxOptions) {
    this.address = address;
    this.#client = client;
    this.#user = `/users/${encodeURIComponent(address)}`;
    const mailboxId = (context: Context) => this.#ownId(context);
    this.#tools = {
      client,
      address,
      clock,
      user: this.#user,
      hasImport,
      adminPath: async (context) => `/admin/exchange/mailboxes/${encodeURIComponent(await mailboxId(context))}`,
      imports: new ImportSession({ client, address, clock, mailboxId, isImportHost, requestBytesMax }),
      ids: new ServerIds(client, this.#user, address),
    };
  }

  #call(request: GraphRequest, context: Context): Promise<JsonObject> {
    return this.#client.call(request, this.address, context);
  }

  #batch(requests: readonly GraphRequest[], context: Context): Promise<readonly (JsonObject | Fault)[]> {
    return this.#client.batch(requests, this.address, context);
  }

  /** `MBX:…`, by which the import API names the mailbox. */
  async #ownId(context: Context): Promise<string> {
    if (this.#mailboxId !== null) return this.#mailboxId;
    const answer = await this.#call(
      getting(`${this.#user}/settings/exchange`, 'settings/exchange', 'mailbox'),
      context,
    );
    const id = textAt(answer, 'primaryMailboxId');
    if (id === null)
      throw new FaultError({
        kind: 'fatal',
        code: 'mailbox-gone',
        detail: 'the user has no mailbox in Exchange Online (primaryMailboxId is empty): look at the licence',
      });
    this.#mailboxId = id;
    return id;
  }

  // -- folders --

  /** Folders of everything where the import API is, mail folders otherwise. */
  async #foldersPath(context: Context): Promise<string> {
    return this.#tools.hasImport ? `${await this.#tools.adminPath(context)}/folders` : `${this.#user}/mailFolders`;
  }

  async #visibleRoot(context: Context): Promise<FolderId> {
    if (this.#root !== null) return this.#root;
    const answer = await this.#call(
      getting(`${this.#user}/mailFolders/msgfolderroot?$select=id`, 'mailFolders', 'mailbox'),
      context,
    );
    const id = textAt(answer, 'id');
    if (id === null) throw new FaultError(shapeless('mailFolders/msgfolderroot', 'its id'));
    this.#root = id as FolderId;
    return this.#root;
  }

  async #seen(context: Context): Promise<readonly SeenFolder[]> {
    const { hasImport } = this.#tools;
    const mailboxId = hasImport ? await this.#ownId(context) : '';
    const seen: SeenFolder[] = [];
    let path: string | null = `${await this.#foldersPath(context)}/delta?${folderQuery(hasImport)}`;
    for (let page = 0; path !== null && page < pageMax; page++) {
      const request: GraphRequest = {
        ...getting(path, 'folders/delta', 'mailbox'),
        headers: { prefer: `odata.maxpagesize=${folderPageMax}` },
      };
      const { body, serverTimeMs } = await this.#client.fetch(request, this.address, context);
      const answer = objectOf(body, request.name);
      for (const entity of objectsAt(answer, 'value')) {
        const folder = isRemoved(entity) ? null : readFolder(entity, mailboxId);
        if (folder !== null) seen.push(asSeenAt(folder, serverTimeMs));
      }
      path = this.#nextPath(answer);
    }
    return seen;
  }

  #nextPath(answer: JsonObject): string | null {
    const link = textAt(answer, '@odata.nextLink');
    return link === null ? null : this.#client.pathOfLink(link);
  }

  async tree(context: Context): Promise<FolderTree> {
    const root = await this.#visibleRoot(context);
    try {
      return treeOf(root, null, await this.#seen(context));
    } catch (error) {
      // Another mailbox may have come to stand behind the address: what was learned of the former is no good.
      [this.#mailboxId, this.#root] = [null, null];
      throw error;
    }
  }

  async marks(folders: readonly FolderId[], context: Context): Promise<ReadonlyMap<FolderId, FolderMark>> {
    const path = await this.#foldersPath(context);
    const query = folderQuery(this.#tools.hasImport);
    const answers = await this.#batch(
      folders.map((id) => getting(`${path}/${encodeURIComponent(id)}?${query}`, 'folders', 'folder')),
      context,
    );
    const marks = new Map<FolderId, FolderMark>();
    for (const [at, id] of folders.entries()) {
      const answer = answers[at] ?? missing;
      if (isFault(answer) && answer.kind !== 'gone') throw new FaultError(answer);
      const folder = isFault(answer) ? null : readFolder(answer, '');
      if (folder === null) continue;
      const { mark, settling } = asSeenAt(folder, this.#tools.clock.nowMs()).info;
      marks.set(id, settling === undefined ? { mark } : { mark, settling });
    }
    return marks;
  }

  async roles(context: Context): Promise<ReadonlyMap<FolderRole, FolderId>> {
    const folders = (name: string, query: string) =>
      getting(`${this.#user}/mailFolders/${name}?${query}`, 'mailFolders', 'folder');
    const answers = await this.#batch(
      [
        ...mailRoles.map((role) => folders(role, '$select=id')),
        folders('inbox', `$select=id&$expand=${encodeURIComponent(defaultFoldersExpand)}`),
      ],
      context,
    );
    const roles = new Map<FolderRole, FolderId>();
    for (const [at, role] of mailRoles.entries()) {
      const answer = answers[at] ?? missing;
      // A mailbox need not have every well-known folder; what may pass must not look like an absent one.
      if (isFault(answer)) {
        if (answer.kind !== 'gone' || role === 'msgfolderroot') throw new FaultError(asMailbox(answer, role));
        continue;
      }
      const id = textAt(answer, 'id');
      if (id !== null) roles.set(role, id as FolderId);
    }
    const inbox = answers[mailRoles.length];
    const others = inbox === undefined || isFault(inbox) ? new Map<string, FolderRole>() : defaultFoldersOf(inbox);
    if (this.#tools.hasImport && others.size > 0)
      for (const { entryId, info } of await this.#seen(context)) {
        const role = others.get(entryId);
        if (role !== undefined) roles.set(role, info.id);
      }
    return roles;
  }

  // -- reading mail --

  async changes(folder: FolderId, cursor: Cursor | null, context: Context): Promise<ChangePage> {
    const path =
      cursor === null
        ? `${this.#user}/mailFolders/${encodeURIComponent(folder)}/messages/delta?${feedQuery}`
        : this.#client.pathOfLink(cursor);
    if (path === null) throw new FaultError({ kind: 'cursor-lost' });
    const answer = await this.#call(
      {
        ...getting(path, 'messages/delta', 'feed'),
        headers: { prefer: `odata.maxpagesize=${changePageMax}` },
      },
      context,
    );
    const [next, last] = [textAt(answer, '@odata.nextLink'), textAt(answer, '@odata.deltaLink')];
    const link = next ?? last;
    if (link === null) throw new FaultError(shapeless('messages/delta', 'a link to go on from'));
    const oddities: Record<string, number> = {};
    const changes = await this.#changesOf(objectsAt(answer, 'value'), folder, oddities, context);
    return { changes, cursor: link as Cursor, complete: next === null, oddities };
  }

  /** Entries as changes; those that show only a part of a message are asked for. */
  async #changesOf(
    entities: readonly JsonObject[],
    folder: FolderId,
    oddities: Oddities,
    context: Context,
  ): Promise<ChangePage['changes']> {
    const partial = entities.filter(
      (one) => !isRemoved(one) && !isWhole(one) && readFlagOf(one) === null && textAt(one, 'id') !== null,
    );
    const ids = [...new Set(partial.map((one) => itemIdAt(textAt(one, 'id') ?? '', folder)))];
    const heads = new Map(ids.map((id, at) => [id, at] as const));
    const asked = await this.#heads(ids, oddities, context);
    const changes: ChangePage['changes'][number][] = [];
    for (const entity of entities) {
      const serverId = textAt(entity, 'id');
      if (serverId === null) {
        changes.push({ kind: 'unreadable', id: null, detail: 'an entry without an id' });
        continue;
      }
      const id = itemIdAt(serverId, folder);
      const isRead = readFlagOf(entity);
      if (isRemoved(entity)) changes.push({ kind: 'delete', id });
      else if (isRead !== null) changes.push({ kind: 'read-flag', id, isRead });
      else {
        const at = heads.get(id);
        const head = at === undefined ? (readHead(entity, oddities) ?? headless) : (asked[at] ?? missing);
        if (!isFault(head)) changes.push({ kind: 'upsert', head });
        // What went meanwhile is told by the next round; what nobody can say now must be asked for again.
        else if (head.kind === 'poison') changes.push({ kind: 'unreadable', id, detail: head.detail });
        else if (head.kind !== 'gone') throw new FaultError(head);
      }
    }
    return changes;
  }

  async #entities(ids: readonly ItemId[], query: string, context: Context): Promise<readonly (JsonObject | Fault)[]> {
    const answers = await this.#batch(
      ids.map((id) => getting(`${this.#message(id)}?${query}`, 'messages', 'item')),
      context,
    );
    // Elsewhere by now: under this id nothing is any more.
    return answers.map((answer, at) =>
      isFault(answer) || textAt(answer, 'parentFolderId') === splitItemId(ids[at] ?? ('' as ItemId)).folder
        ? answer
        : movedAway,
    );
  }

  #message(id: ItemId): string {
    return `${this.#user}/messages/${encodeURIComponent(splitItemId(id).serverId)}`;
  }

  async #heads(ids: readonly ItemId[], oddities: Oddities, context: Context): Promise<readonly (MailHead | Fault)[]> {
    if (ids.length === 0) return [];
    return (await this.#entities(ids, feedQuery, context)).map((entity) =>
      isFault(entity) ? entity : (readHead(entity, oddities) ?? headless),
    );
  }

  async heads(ids: readonly ItemId[], context: Context): Promise<ReadonlyMap<ItemId, MailHead | Fault>> {
    const heads = await this.#heads(ids, {}, context);
    return new Map(ids.map((id, at) => [id, heads[at] ?? missing] as const));
  }

  async contents(
    items: readonly { readonly id: ItemId }[],
    context: Context,
  ): Promise<ReadonlyMap<ItemId, MailContent | Fault>> {
    const ids = items.map(({ id }) => id);
    const entities = await this.#entities(ids, itemQuery, context);
    const contents = await Promise.all(ids.map((id, at) => this.#content(id, entities[at] ?? missing, context)));
    return new Map(ids.map((id, at) => [id, contents[at] ?? missing] as const));
  }

  async #content(id: ItemId, entity: JsonObject | Fault, context: Context): Promise<MailContent | Fault> {
    if (isFault(entity)) return entity;
    const head = readHead(entity, {});
    if (head === null) return headless;
    try {
      const { body } = await this.#client.fetch(
        { ...getting(`${this.#message(id)}/$value`, 'messages/$value', 'item'), headers: { accept: '*/*' } },
        this.address,
        context,
      );
      return { head, mime: payloadOfBytes(body), bcc: readBcc(entity) };
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      return error.fault;
    }
  }

  async properties(
    ids: readonly ItemId[],
    wanted: Parameters<Mailbox['properties']>[1],
    context: Context,
  ): Promise<ReadonlyMap<ItemId, readonly RawProperty[] | Fault>> {
    const answers = new Map<ItemId, readonly RawProperty[] | Fault>(ids.map((id) => [id, []]));
    for (const some of parts(wanted, expandedMax)) {
      const query = `$select=parentFolderId${some.some(isMultiple) ? ',categories' : ''}&$expand=${encodeURIComponent(expandOf(some))}`;
      const entities = await this.#entities(ids, query, context);
      for (const [at, id] of ids.entries()) {
        const [before = [], entity = missing] = [answers.get(id), entities[at]];
        if (!isFault(before)) answers.set(id, isFault(entity) ? entity : [...before, ...rawProperties(entity, some)]);
      }
    }
    return answers;
  }

  async findByStamp(
    folder: FolderId,
    stamps: readonly StampText[],
    context: Context,
  ): Promise<ReadonlyMap<StampText, readonly MailHead[]>> {
    const wanted = new Set(stamps);
    const found = new Map<StampText, MailHead[]>();
    const seen = new Set<ItemId>();
    for (const some of parts([...wanted], searchValuesMax)) {
      const filter = encodeURIComponent(filterOf(stampProperty, some));
      let path: string | null =
        `${this.#user}/mailFolders/${encodeURIComponent(folder)}/messages?$filter=${filter}&$top=${searchPageMax}&${feedQuery}`;
      for (let page = 0; path !== null && page < pageMax; page++) {
        const answer: JsonObject = await this.#call(getting(path, 'messages?$filter', 'folder'), context);
        for (const entity of objectsAt(answer, 'value')) {
          const head = readHead(entity, {});
          if (head === null || head.stamp === null || !wanted.has(head.stamp) || seen.has(head.id)) continue;
          seen.add(head.id);
          found.set(head.stamp, [...(found.get(head.stamp) ?? []), head]);
        }
        path = this.#nextPath(answer);
      }
    }
    return found;
  }

  // -- writing mail --

  async create(
    folder: FolderId,
    drafts: Parameters<Mailbox['create']>[1],
    context: Context,
  ): Promise<readonly (Written | Fault)[]> {
    if (!this.#tools.hasImport) return drafts.map(() => noImport);
    const { imports, ids } = this.#tools;
    const results = await inPlaceOfEach(drafts, async (draft) => {
      const stream = await streamOfDraft(draft);
      return isFault(stream) ? stream : imports.put({ folder, stream, ids: 'lasting', replaces: null }, context);
    });
    const made = results.flatMap((result, at) => (isFault(result) ? [] : [{ at, result }]));
    const lasting = await faultsInPlace(made, () =>
      ids.immutable(
        made.map(({ result }) => result.serverId),
        context,
      ),
    );
    const written: (Written | Fault)[] = results.map((result) => (isFault(result) ? result : noId));
    for (const [n, { at, result }] of made.entries()) {
      const id = lasting[n] ?? noId;
      written[at] = isFault(id) ? id : { id: itemIdAt(id, folder), version: messageKey(result.changeKey) };
    }
    return written;
  }

  async update(edits: readonly StateEdit[], context: Context): Promise<readonly (Written | Fault)[]> {
    const results: (Written | Fault | null)[] = edits.map(({ id, expect, set }) =>
      Object.keys(set).length === 0 ? { id, version: expect } : null,
    );
    // A PATCH cannot be told to send no receipt, nor to take a property away: an import over the message can do both.
    const asking = edits.flatMap((edit, at) =>
      edit.readReceiptRequested && edit.set.isRead === true ? [{ at, edit }] : [],
    );
    const silent = new Set(edits.flatMap(({ set }, at) => (clearsExtended(set) ? [at] : [])));
    const heads = await this.#heads(
      asking.map(({ edit }) => edit.id),
      {},
      context,
    );
    for (const [n, { at, edit }] of asking.entries()) {
      const head = heads[n] ?? missing;
      if (isFault(head)) results[at] = head;
      else if (head.version !== edit.expect) results[at] = stale;
      else if (!head.state.isRead && awaitsReceipt(head)) silent.add(at);
    }
    const open = edits.flatMap((edit, at) => (results[at] === null ? [{ at, edit }] : []));
    const [patched, rewritten] = [open.filter(({ at }) => !silent.has(at)), open.filter(({ at }) => silent.has(at))];
    const patches = await this.#batch(
      patched.map(({ edit }) => ({
        method: 'PATCH',
        path: this.#message(edit.id),
        name: 'PATCH messages',
        subject: { writes: true, about: 'item' },
        headers: { 'if-match': etagOf(edit.expect) },
        body: writeState(edit.set),
      })),
      context,
    );
    for (const [n, { at, edit }] of patched.entries()) {
      const answer = patches[n] ?? missing;
      results[at] = isFault(answer) ? answer : writtenIn(answer, edit.id);
    }
    await this.#tellGone(
      patched.map(({ at, edit }) => ({ at, id: edit.id })),
      results,
      context,
    );
    const rewrite = () =>
      this.#rewrite(
        rewritten.map(({ edit }) => edit),
        context,
      );
    const rewrites = patched.length === 0 ? await rewrite() : await faultsInPlace(rewritten, rewrite);
    for (const [n, { at }] of rewritten.entries()) results[at] = rewrites[n] ?? missing;
    return results.map((result) => result ?? noId);
  }

  /** What was removed or moved is still known by its lasting id, at another version: under the id it had it is gone. */
  async #tellGone(
    written: readonly { readonly at: number; readonly id: ItemId }[],
    results: (Written | Fault | null)[],
    context: Context,
  ): Promise<void> {
    const refused = written.filter(({ at }) => {
      const result = results[at];
      return isFault(result) && result.kind === 'stale';
    });
    const heads = await faultsInPlace(refused, () =>
      this.#heads(
        refused.map(({ id }) => id),
        {},
        context,
      ),
    );
    for (const [n, { at }] of refused.entries()) {
      const head = heads[n] ?? missing;
      if (isFault(head) && head.kind === 'gone') results[at] = head;
    }
  }

  async #rewrite(rewrites: readonly Rewrite[], context: Context): Promise<readonly (Written | Fault)[]> {
    return this.#tools.hasImport ? rewriteMail(this.#tools, rewrites, context) : rewrites.map(() => notSilently);
  }

  async move(ids: readonly ItemId[], to: FolderId, context: Context): Promise<readonly (Written | Fault)[]> {
    return this.#moveTo(ids, to, to, context);
  }

  /** An item that lies elsewhere by now is found by its lasting id all the same: so each is looked for where it was, and moved after that. */
  async #moveTo(
    ids: readonly ItemId[],
    destination: string,
    to: FolderId | null,
    context: Context,
  ): Promise<readonly (Written | Fault)[]> {
    const requests = ids.flatMap((id): readonly GraphRequest[] => {
      const { serverId, folder } = splitItemId(id);
      const look = getting(
        `${this.#user}/mailFolders/${encodeURIComponent(folder)}/messages/${encodeURIComponent(serverId)}?$select=id`,
        'messages',
        'item',
      );
      const move: GraphRequest = {
        method: 'POST',
        path: `${this.#message(id)}/move`,
        name: 'messages/move',
        subject: { writes: true, about: 'item' },
        body: { destinationId: destination },
        after: look,
      };
      return [look, move];
    });
    const answers = await this.#batch(requests, context);
    return ids.map((_, at) => {
      const [look, moved] = [answers[2 * at] ?? missing, answers[2 * at + 1] ?? missing];
      if (isFault(look)) return look;
      return isFault(moved) ? moved : (readWritten(to === null ? moved : { ...moved, parentFolderId: to }) ?? noId);
    });
  }

  async remove(items: Parameters<Mailbox['remove']>[0], context: Context): Promise<readonly (null | Fault)[]> {
    const heads = await this.#heads(
      items.map(({ id }) => id),
      {},
      context,
    );
    const results: (null | Fault)[] = items.map(({ expect }, at) => {
      const head = heads[at] ?? missing;
      return isFault(head) ? head : head.version === expect ? null : stale;
    });
    // Removing what nobody read says so to whoever asked; so that question goes first.
    const asking = items.flatMap(({ id, expect }, at) => {
      const head = heads[at] ?? missing;
      return results[at] === null && !isFault(head) && !head.state.isRead && awaitsReceipt(head)
        ? [{ at, id, expect, set: { isRead: true } }]
        : [];
    });
    const silenced = await this.#rewrite(asking, context);
    for (const [n, { at }] of asking.entries()) {
      const answer = silenced[n] ?? missing;
      if (isFault(answer)) results[at] = answer;
    }
    const open = items.flatMap(({ id }, at) => (results[at] === null ? [{ at, id }] : []));
    const answers = await faultsInPlace(open, () =>
      this.#moveTo(
        open.map(({ id }) => id),
        deletions,
        null,
        context,
      ),
    );
    for (const [n, { at }] of open.entries()) {
      const answer = answers[n] ?? missing;
      results[at] = isFault(answer) ? answer : null;
    }
    return results;
  }

  // -- writing folders --

  async createFolder(
    parent: FolderId,
    name: string,
    containerClass: string | null,
    context: Context,
  ): Promise<FolderId> {
    const path = await this.#foldersPath(context);
    const answer = await this.#call(
      {
        method: 'POST',
        path: `${path}/${encodeURIComponent(parent)}/childFolders`,
        name: 'POST childFolders',
        subject: { writes: true, about: 'name' },
        body: { displayName: name, ...this.#classOf(containerClass ?? 'IPF.Note') },
      },
      context,
    );
    const id = textAt(answer, 'id');
    if (id === null) throw new FaultError(noId);
    return id as FolderId;
  }

  #classOf(containerClass: string): JsonObject {
    return this.#tools.hasImport
      ? { type: containerClass }
      : { singleValueExtendedProperties: [containerClassEntry(containerClass)] };
  }

  async renameFolder(folder: FolderId, name: string, context: Context): Promise<void> {
    await this.#call(
      {
        method: 'PATCH',
        path: `${await this.#foldersPath(context)}/${encodeURIComponent(folder)}`,
        name: 'PATCH folders',
        subject: { writes: true, about: 'name' },
        body: { displayName: name },
      },
      context,
    );
  }

  async moveFolder(folder: FolderId, parent: FolderId, context: Context): Promise<void> {
    await this.#moveFolderTo(folder, parent, context);
  }

  async #moveFolderTo(folder: FolderId, destination: string, context: Context): Promise<void> {
    await this.#call(
      {
        method: 'POST',
        path: `${this.#user}/mailFolders/${encodeURIComponent(folder)}/move`,
        name: 'mailFolders/move',
        subject: { writes: true, about: 'name' },
        body: { destinationId: destination },
      },
      context,
    );
  }

  async removeFolder(folder: FolderId, context: Context): Promise<void> {
    await this.#removeReceiptsBelow(folder, context);
    const path = `${await this.#foldersPath(context)}/${encodeURIComponent(folder)}`;
    const request: GraphRequest = {
      method: 'DELETE',
      path,
      name: 'DELETE folders',
      subject: { writes: true, about: 'folder' },
    };
    // First it goes into Deleted Items, and from there to where only a recovery finds it. *Assumed*, as mail programs do it.
    await this.#call(request, context);
    try {
      await this.#call(request, context);
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'gone') throw error;
    }
  }

  /**
   * With a folder its mail goes, and unread mail that asks for a receipt would send one. So that mail is removed by itself first; where
   * that fails, the folder stays.
   */
  async #removeReceiptsBelow(folder: FolderId, context: Context): Promise<void> {
    const all = (await this.#seen(context)).map(({ info }) => info);
    const inside = new Set([folder]);
    for (let size = 0; size < inside.size; ) {
      size = inside.size;
      for (const { id, parent } of all) if (parent !== null && inside.has(parent)) inside.add(id);
    }
    if (!all.some(({ id }) => id === folder)) throw new FaultError({ kind: 'gone', detail: 'the folder is not there' });
    for (const { id, itemCount, containerClass } of all) {
      if (itemCount === 0 || !inside.has(id) || folderContent(containerClass) !== 'mail') continue;
      let cursor: Cursor | null = null;
      for (let pages = 0; pages < pageMax; pages++) {
        const page: ChangePage = await this.changes(id, cursor, context);
        const asking = page.changes.flatMap((change) =>
          change.kind === 'upsert' && !change.head.state.isRead && awaitsReceipt(change.head)
            ? [{ id: change.head.id, expect: change.head.version, readReceiptRequested: true }]
            : [],
        );
        for (const answer of await this.remove(asking, context))
          if (answer !== null && answer.kind !== 'gone') throw new FaultError(answer);
        if (page.complete) break;
        cursor = page.cursor;
      }
    }
  }

  // -- the rest --

  async limits(context: Context): ReturnType<Mailbox['limits']> {
    // What of it the service shows is in reports about the tenant, not about a mailbox; that the mailbox answers is seen here.
    await this.#visibleRoot(context);
    return { quotaBytes: null, usedBytes: null, itemMaxBytes: null, retention: [] };
  }

  async ping(context: Context): ReturnType<Mailbox['ping']> {
    const begunMs = this.#tools.clock.monotonicMs();
    const { serverTimeMs } = await this.#client.fetch(
      getting(`${this.#user}/mailFolders/msgfolderroot?$select=id`, 'mailFolders', 'mailbox'),
      this.address,
      context,
    );
    const firstByteMs = this.#tools.clock.monotonicMs() - begunMs;
    return { serverTimeMs, firstByteMs, product: this.#client.product };
  }

  typed<Kind extends TypedKind>(kind: Kind): TypedItems<Kind> | null {
    return this.#tools.hasImport ? typedItems(this.#tools, kind) : null;
  }

  freeBusy: NonNullable<Mailbox['freeBusy']> = (from, to, context) => freeBusyOf(this.#tools, from, to, context);
}

const getting = (path: string, name: string, about: GraphRequest['subject']['about']): GraphRequest => ({
  method: 'GET',
  path,
  name,
  subject: { writes: false, about },
});

const awaitsReceipt = ({ facts }: MailHead): boolean =>
  facts.readReceiptRequested || (facts.messageFlags & receiptsPending) !== 0;

const notSilently: Fault = {
  kind: 'poison',
  reason: 'refused-by-target',
  detail:
    'this takes an import over the message, to take a property away or to send no receipt, and this cloud has no import API (worldwide cloud only)',
};
const movedAway: Fault = { kind: 'gone', detail: 'it lies in another folder now' };
const noImport: Fault = {
  kind: 'poison',
  reason: 'refused-by-target',
  detail:
    'this cloud has no import API (worldwide cloud only), and everything else that Microsoft Graph can create is a draft',
};
const shapeless = (name: string, what: string): Fault => ({
  kind: 'fatal',
  code: 'protocol',
  detail: `the answer to ${name} lacks ${what}`,
});

/** The root of a mailbox that is not there is the mailbox that is not there. */
const asMailbox = (fault: Fault, role: FolderRole): Fault =>
  fault.kind === 'gone' && role === 'msgfolderroot'
    ? { kind: 'fatal', code: 'mailbox-gone', detail: fault.detail }
    : fault;

/** A message that was written as its resource shows it; what shows no version is found by the feed. */
function writtenIn(answer: JsonObject, id: ItemId): Written | Fault {
  const changeKey = textAt(answer, 'changeKey');
  return changeKey === null ? noId : { id, version: changeKey as Version };
}
