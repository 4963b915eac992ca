import { child, type XmlElement } from '#formats/text/xml-read.ts';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderRole, FolderTree } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailContent, MailHead, RawProperty } from '#model/mail.ts';
import { mailStateFields } from '#model/mail-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { BusyTime, ChangePage, Context, Mailbox, MailboxLimits, TypedItems, Written } from '../contract.ts';
import { headless, missing, noId } from './answer-faults.ts';
import { eachInPlace, onlyAnswer, parts } from './batches.ts';
import { calendarItems } from './calendar/calendar-items.ts';
import type { CalendarTools } from './calendar/calendar-tools.ts';
import type { StreamHabits } from './calendar/upload-events.ts';
import type { EwsClient } from './client.ts';
import { contactCodec } from './contacts/contact-codec.ts';
import { type ExtendedField, extendedValues, findExtended, propertyKey, propertyKeyOf } from './extended-fields.ts';
import { marksIn } from './folder-marks.ts';
import { rootOf, treeOf } from './folder-tree.ts';
import { itemIdOf, type Oddities, parentFolderOf, readBcc, readHead, stampProperty } from './mail-codec.ts';
import { typesNamespace } from './namespaces.ts';
import { noteCodec } from './notes/note-codec.ts';
import type { Operation } from './operation.ts';
import { createFolder } from './operations/create-folder.ts';
import { createItem, suppressReadReceipt } from './operations/create-item.ts';
import { deleteFolder } from './operations/delete-folder.ts';
import { findFolder } from './operations/find-folder.ts';
import { findItem } from './operations/find-item.ts';
import { asSeenAt, readFolder, type SeenFolder } from './operations/folder-shape.ts';
import { getFolder } from './operations/get-folder.ts';
import { type GotItem, getItem, type ItemShape } from './operations/get-item.ts';
import { getUserAvailability } from './operations/get-user-availability.ts';
import { type FolderRef, requiredFolderId } from './operations/ids.ts';
import { moveFolder } from './operations/move-folder.ts';
import { moveItem } from './operations/move-item.ts';
import { resolveNames } from './operations/resolve-names.ts';
import { type HierarchyPage, syncFolderHierarchy } from './operations/sync-folder-hierarchy.ts';
import { syncFolderItems } from './operations/sync-folder-items.ts';
import { updateFolder } from './operations/update-folder.ts';
import { updateItem } from './operations/update-item.ts';
import { type Removable, removal } from './removal.ts';
import { atLeast } from './server-version.ts';
import { ewsSettings } from './settings/mailbox-settings.ts';
import { additionalEntryIds, additionalEntryIdsEx, entryIdsByRole } from './special-folders.ts';
import { taskCodec } from './tasks/task-codec.ts';
import { plainItems } from './typed/plain-items.ts';
import { distinguishedRoles } from './well-known-folders.ts';

/** EWSFindCountLimit of the shipped policies; larger pages are shortened or refused. */
const findPageMax = 1000;
/** With a restriction the limit is lower. */
const searchPageMax = 250;
/** Values in one restriction. A search walks the folder, so fewer and longer searches are cheaper, up to what the server parses. */
const searchValuesMax = 20;
/** Pages of one listing; a server that never says "last" is stopped here. */
const pageMax = 10_000;
/** MaxChangesReturned, the most that the schema allows. */
export const changePageMax = 512;
/** Items of one read by id. */
export const batchMax = 100;

/** The longest view of somebody's time that the oldest servers give: 42 days. */
const availabilityMaxMs = 42 * 86_400_000;

/** Of the mailbox's root: PidTagMessageSizeExtended; PidTagProhibitReceiveQuota and PidTagMaximumSubmitMessageSize in kB ([MS-OXCSTOR] 2.2.2.1). */
const usedProperty: MapiProperty = { tag: 0x0e08, type: 'long' };
const quotaProperty: MapiProperty = { tag: 0x666a, type: 'integer' };
const itemMaxProperty: MapiProperty = { tag: 0x666d, type: 'integer' };

export interface EwsMailboxOptions {
  readonly client: EwsClient;
  readonly address: string;
  /** False: folders are named with the mailbox they belong to, because the caller signs in as somebody else. */
  readonly impersonate: boolean;
  readonly clock: Clock;
  /** Shared by all mailboxes of an organization. */
  readonly streams: StreamHabits;
}

export function ewsMailbox({ client, address, impersonate, clock, streams }: EwsMailboxOptions): Mailbox {
  const call = async <Request, Answer>(operation: Operation<Request, Answer>, request: Request, context: Context) =>
    (await client.call(operation, request, address, context)).answers;
  const only = async <Request, Answer>(
    operation: Operation<Request, Answer>,
    request: Request,
    context: Context,
  ): Promise<Answer> => onlyAnswer(await call(operation, request, context));
  const named = (distinguished: string): Exclude<FolderRef, string> => ({
    distinguished,
    mailbox: impersonate ? null : address,
  });
  const root = named('msgfolderroot');

  /** Some requests depend on the server's version; any answer tells it. */
  const knowVersion = async (context: Context): Promise<void> => {
    if (!client.versionKnown) await only(getFolder, { folders: [root], properties: [] }, context);
  };

  const read = (ids: readonly ItemId[], shape: ItemShape, context: Context): Promise<readonly (GotItem | Fault)[]> =>
    eachInPlace(ids, (some) => call(getItem, { ids: some, shape }, context));

  const headOf = (item: XmlElement, oddities: Oddities): MailHead | Fault => {
    const folder = parentFolderOf(item);
    const head = folder === null ? null : readHead(item, folder, oddities);
    return head ?? headless;
  };

  const headsOf = async (ids: readonly ItemId[], context: Context): Promise<readonly (MailHead | Fault)[]> => {
    const heads: (MailHead | Fault)[] = [];
    for (const some of parts(ids, batchMax))
      heads.push(...(await read(some, 'head', context)).map((got) => (isFault(got) ? got : headOf(got.item, {}))));
    return heads;
  };

  /**
   * Reads items that are to be written, at the version expected; cancels their pending receipts, where the server has no switch
   * for that, and returns the heads they have then. `stale` in place of an item that somebody changed.
   */
  const readied = async (
    items: readonly { readonly id: ItemId; readonly expect: Version; readonly suppress: boolean }[],
    context: Context,
  ): Promise<readonly (MailHead | Fault)[]> => {
    const heads = (
      await headsOf(
        items.map(({ id }) => id),
        context,
      )
    ).map((head, i) => (isFault(head) || head.version === items[i]?.expect ? head : staleHead(head)));
    const pending = heads.flatMap((head, i) => (!isFault(head) && items[i]?.suppress === true ? [{ i, head }] : []));
    if (pending.length === 0) return heads;
    const answers = await call(
      suppressReadReceipt,
      pending.map(({ head }) => ({ id: head.id, expect: head.version })),
      context,
    );
    const after = await headsOf(
      pending.map(({ head }) => head.id),
      context,
    );
    for (const [n, { i, head }] of pending.entries()) {
      const answer = answers[n] ?? null;
      const now = after[n] ?? staleHead(head);
      // `gone`: no receipt is pending (ErrorReadReceiptNotPending), or the item went. Any other refusal means that a write could send one.
      if (answer !== null && answer.kind !== 'gone') heads[i] = answer;
      else heads[i] = isFault(now) || stateText(now) === stateText(head) ? now : staleHead(now);
    }
    return heads;
  };

  const search = async (
    folder: FolderRef,
    property: MapiProperty,
    values: readonly string[],
    context: Context,
  ): Promise<readonly ItemId[]> => {
    const ids = new Set<ItemId>();
    for (const oneOf of parts(values, searchValuesMax)) {
      for (let offset = 0, page = 0; page < pageMax; page++) {
        const { items, last } = await only(
          findItem,
          { folder, where: { property, oneOf }, properties: [], offset, max: searchPageMax },
          context,
        );
        for (const item of items) {
          const found = itemIdOf(item);
          if (found !== null) ids.add(found.id);
        }
        offset += items.length;
        if (last || items.length === 0) break;
      }
    }
    return [...ids];
  };

  /** All folders below the root, in as few requests as the server's pages allow. */
  const foldersFound = async (context: Context): Promise<readonly SeenFolder[]> => {
    const seen: SeenFolder[] = [];
    for (let page = 0, offset = 0; page < pageMax; page++) {
      const request = { below: root, offset, max: findPageMax };
      const { answers, serverTimeMs } = await client.call(findFolder, request, address, context);
      const found = onlyAnswer(answers);
      seen.push(...found.folders.map((folder) => asSeenAt(folder, serverTimeMs)));
      offset += found.seen;
      if (found.last || found.seen === 0) break;
    }
    return seen;
  };

  /** The same in pages that no find limit applies to. */
  const foldersSynced = async (context: Context): Promise<readonly SeenFolder[]> => {
    const seen: SeenFolder[] = [];
    for (let page = 0, state: string | null = null; page < pageMax; page++) {
      const { answers, serverTimeMs } = await client.call(
        syncFolderHierarchy,
        { below: root, state },
        address,
        context,
      );
      const found: HierarchyPage = onlyAnswer(answers);
      seen.push(...found.folders.map((folder) => asSeenAt(folder, serverTimeMs)));
      if (found.last || found.state === state) break;
      state = found.state;
    }
    return seen;
  };

  /** An administrator may have set the find limit below what a page asks for: then no patience helps (EWSFindCountLimit). */
  const folders = async (context: Context): Promise<readonly SeenFolder[]> => {
    try {
      return await foldersFound(context);
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'throttled') throw error;
      if (!error.fault.limit.includes('FindCount')) throw error;
      return foldersSynced(context);
    }
  };

  /** A folder and those below it that hold items. */
  const occupiedBelow = async (folder: FolderId, context: Context): Promise<readonly FolderId[]> => {
    const all = (await folders(context)).map(({ info }) => info);
    const inside = new Set([folder]);
    for (let size = 0; size < inside.size; ) {
      size = inside.size;
      for (const { id, parent } of all) if (parent !== null && inside.has(parent)) inside.add(id);
    }
    return all.filter(({ id, itemCount }) => itemCount > 0 && inside.has(id)).map(({ id }) => id);
  };

  /**
   * DeleteFolder cannot suppress the not-read receipts of what is in a folder. So the unread mail that asks for one is removed by
   * itself first; where that fails, the folder stays.
   */
  const removeReceipts = async (folder: FolderId, context: Context): Promise<void> => {
    let cursor: Cursor | null = null;
    for (let pages = 0; pages < pageMax; pages++) {
      const page: ChangePage = await mailbox.changes(folder, cursor, context);
      const asking = page.changes.flatMap((change) =>
        change.kind === 'upsert' && change.head.facts.readReceiptRequested && !change.head.state.isRead
          ? [{ id: change.head.id, expect: change.head.version, readReceiptRequested: true }]
          : [],
      );
      for (const some of parts(asking, batchMax))
        for (const answer of await mailbox.remove(some, context))
          if (answer !== null && answer.kind !== 'gone') throw new FaultError(answer);
      if (page.complete) return;
      cursor = page.cursor;
    }
  };

  const tools: CalendarTools = {
    address,
    get version() {
      return client.version;
    },
    knowVersion,
    call,
    search,
    named,
    clock,
    nowMs: () => clock.nowMs(),
    streams,
  };
  // Made when they are asked for: most of what is asked of ten thousand mailboxes are the marks of their folders.
  const typed: { readonly [Kind in TypedKind]: () => TypedItems<Kind> } = {
    calendar: once(() => calendarItems(tools)),
    contacts: once(() => plainItems(tools, contactCodec)),
    tasks: once(() => plainItems(tools, taskCodec)),
    notes: once(() => plainItems(tools, noteCodec)),
  };

  const mailbox: Mailbox = {
    address,
    typed: (kind) => typed[kind](),
    settings: ewsSettings({ address, version: () => client.version, only, named, knowVersion }),
    freeBusy: async (from, to, context) => {
      const busy: BusyTime[] = [];
      for (let at = from; at < to; at += availabilityMaxMs)
        busy.push(
          ...(await only(
            getUserAvailability,
            { address, from: at, to: Math.min(to, at + availabilityMaxMs) },
            context,
          )),
        );
      return joined(busy);
    },

    async primaryOf(of, context) {
      const [found = noId] = await call(resolveNames, of, context);
      if (isFault(found)) {
        if (found.kind === 'gone') return null;
        throw new FaultError(found);
      }
      const [one = null, ...more] = found;
      return more.length === 0 ? one : null;
    },

    async tree(context): Promise<FolderTree> {
      const seen = await folders(context);
      const inferred = rootOf(seen);
      if (inferred !== null) return treeOf(inferred, null, seen);
      const element = await only(getFolder, { folders: [root], properties: 'tree' }, context);
      return treeOf(requiredFolderId(element), readFolder(element)?.mailbox ?? null, seen);
    },

    async marks(wanted, context) {
      const request = { folders: wanted, properties: 'marks' as const };
      return marksIn(wanted, await client.call(getFolder, request, address, context));
    },

    async roles(context) {
      await knowVersion(context);
      const wanted = distinguishedRoles(client.version);
      const request = {
        folders: [...wanted, 'root'].map(named),
        properties: [additionalEntryIds, additionalEntryIdsEx],
      };
      const answers = await call(getFolder, request, context);
      const roles = new Map<FolderRole, FolderId>();
      const values = new Map<string, XmlElement>();
      for (const [i, role] of [...wanted, 'root' as const].entries()) {
        const answer = answers[i] ?? missing;
        if (!isFault(answer)) {
          values.set(role, answer);
          if (role !== 'root') roles.set(role, requiredFolderId(answer));
        }
        // A mailbox need not have every well-known folder; what may pass must not look like an absent one.
        else if (answer.kind === 'transient' || answer.kind === 'throttled' || role === 'msgfolderroot')
          throw new FaultError(answer);
      }
      const shown = (role: string, field: ExtendedField) => {
        const element = values.get(role);
        return element === undefined ? null : findExtended(element, field);
      };
      const entryIds = entryIdsByRole(
        shown('inbox', additionalEntryIds),
        shown('root', additionalEntryIdsEx)?.[0] ?? null,
      );
      const unnamed = [...entryIds].filter(([role]) => !roles.has(role));
      if (unnamed.length > 0) {
        const ids = new Map((await folders(context)).map(({ entryId, info }) => [entryId, info.id] as const));
        for (const [role, entryId] of unnamed) {
          const id = ids.get(entryId);
          if (id !== undefined) roles.set(role, id);
        }
      }
      return roles;
    },

    async changes(folder, cursor, context) {
      const { answers, repairs } = await client.call(
        syncFolderItems,
        { folder, cursor, max: changePageMax },
        address,
        context,
      );
      const page = onlyAnswer(answers);
      return {
        changes: page.changes,
        cursor: page.cursor,
        complete: page.last,
        oddities: repairs === 0 ? page.oddities : { ...page.oddities, 'repaired XML': repairs },
      };
    },

    async heads(ids, context) {
      const heads = await headsOf(ids, context);
      return new Map(ids.map((id, i) => [id, heads[i] ?? missing] as const));
    },

    async contents(items, context) {
      const ids = items.map(({ id }) => id);
      const got = await read(ids, 'content', context);
      const contents = new Map<ItemId, MailContent | Fault>();
      for (const [i, id] of ids.entries()) contents.set(id, await contentOf(got[i] ?? missing));
      return contents;
    },

    async properties(ids, wanted, context) {
      const byKey = new Map(wanted.map((property) => [propertyKey(property), property] as const));
      const found = new Map<ItemId, readonly RawProperty[] | Fault>();
      for (const some of parts(ids, batchMax)) {
        const got = await read(some, wanted, context);
        for (const [i, id] of some.entries()) {
          const answer = got[i] ?? missing;
          found.set(id, isFault(answer) ? answer : rawPropertiesOf(answer.item, byKey));
        }
      }
      return found;
    },

    async findByStamp(folder, stamps, context) {
      const found = new Map<StampText, MailHead[]>();
      const wanted = new Set(stamps);
      for (const head of await headsOf(await search(folder, stampProperty, [...wanted], context), context)) {
        if (isFault(head)) {
          if (head.kind !== 'gone') throw new FaultError(head);
          continue;
        }
        if (head.stamp === null || !wanted.has(head.stamp)) continue;
        const heads = found.get(head.stamp);
        if (heads === undefined) found.set(head.stamp, [head]);
        else heads.push(head);
      }
      return found;
    },

    async create(folder, drafts, context) {
      return (await eachInPlace(drafts, (some) => call(createItem, { folder, drafts: some }, context))).map(writtenOr);
    },

    async update(edits, context) {
      await knowVersion(context);
      const bySwitch = atLeast(client.version, 'Exchange2013');
      const results: (Written | Fault | null)[] = edits.map(({ id, expect, set }) =>
        Object.keys(set).length === 0 ? { id, version: expect } : null,
      );
      const expected = edits.map(({ expect }) => expect);
      const pending = bySwitch
        ? []
        : edits.flatMap((edit, i) => (edit.readReceiptRequested && edit.set.isRead === true ? [{ i, edit }] : []));
      const ready = await readied(
        pending.map(({ edit }) => ({ id: edit.id, expect: edit.expect, suppress: true })),
        context,
      );
      for (const [n, { i }] of pending.entries()) {
        const head = ready[n] ?? missing;
        if (isFault(head)) results[i] = head;
        else expected[i] = head.version;
      }
      const open = edits.flatMap((edit, i) =>
        results[i] === null ? [{ i, id: edit.id, expect: expected[i] ?? edit.expect, set: edit.set }] : [],
      );
      const answers = await eachInPlace(open, (some) => call(updateItem, some, context));
      for (const [n, { i }] of open.entries()) results[i] = writtenOr(answers[n] ?? null);
      return results.map(writtenOr);
    },

    async move(ids, to, context) {
      await knowVersion(context);
      return (await eachInPlace(ids, (some) => call(moveItem, { ids: some, to }, context))).map(writtenOr);
    },

    async remove(items, context) {
      await knowVersion(context);
      const bySwitch = atLeast(client.version, 'Exchange2013');
      const results: (null | Fault)[] = items.map(() => null);
      const ready = await readied(
        items.map(({ id, expect, readReceiptRequested }) => ({
          id,
          expect,
          suppress: !bySwitch && readReceiptRequested,
        })),
        context,
      );
      const open: { readonly i: number; readonly head: MailHead }[] = [];
      for (const [i, head] of ready.entries()) {
        if (isFault(head)) results[i] = head;
        else open.push({ i, head });
      }
      const heads = open.map(({ head }) => removable(head));
      const look = async (ids: readonly ItemId[]) =>
        (await headsOf(ids, context)).map((head) => (isFault(head) ? head : removable(head)));
      const removed = await removal(client.version)({ call, look, search, named, clock }, heads, context);
      for (const [n, { i }] of open.entries()) results[i] = removed[n] ?? null;
      return results;
    },

    createFolder: (parent, name, containerClass, context) =>
      only(createFolder, { parent, name, containerClass }, context),
    async renameFolder(folder, name, context) {
      await only(updateFolder, { folder, name }, context);
    },
    async moveFolder(folder, parent, context) {
      await only(moveFolder, { folder, to: parent }, context);
    },
    async removeFolder(folder, context) {
      for (const occupied of await occupiedBelow(folder, context)) await removeReceipts(occupied, context);
      await only(deleteFolder, folder, context);
    },

    async limits(context): Promise<MailboxLimits> {
      const element = await only(
        getFolder,
        { folders: [named('root')], properties: [usedProperty, quotaProperty, itemMaxProperty] },
        context,
      );
      const value = (property: MapiProperty, unitBytes: number): number | null => {
        const number = Number(findExtended(element, property)?.[0] ?? Number.NaN);
        return Number.isFinite(number) && number > 0 ? number * unitBytes : null;
      };
      return {
        quotaBytes: value(quotaProperty, 1024),
        usedBytes: value(usedProperty, 1),
        itemMaxBytes: value(itemMaxProperty, 1024),
        retention: [],
      };
    },

    async ping(context) {
      const begunMs = clock.monotonicMs();
      const { answers, serverTimeMs } = await client.call(
        getFolder,
        { folders: [root], properties: [] },
        address,
        context,
      );
      const firstByteMs = clock.monotonicMs() - begunMs;
      onlyAnswer(answers);
      return { serverTimeMs, firstByteMs, product: client.product };
    },
  };
  return mailbox;

  async function contentOf(got: GotItem | Fault): Promise<MailContent | Fault> {
    if (isFault(got)) return got;
    const { item, mime } = got;
    if (mime === null) return { kind: 'poison', reason: 'corrupt', detail: 'the server handed out no MIME' };
    if (typeof mime === 'string') {
      const reason = mime === 'too-large' ? mime : 'corrupt';
      return { kind: 'poison', reason, detail: `the MIME cannot be read as base64: ${mime}` };
    }
    const head = headOf(item, {});
    if (!isFault(head)) return { head, mime, bcc: readBcc(item) };
    await mime.dispose();
    return head;
  }
}

const stateText = ({ state }: MailHead): string => JSON.stringify(mailStateFields.map((field) => state[field]));

const removable = (head: MailHead): Removable => ({
  id: head.id,
  version: head.version,
  folder: head.folder,
  searchKey: head.facts.searchKey,
  modifiedAt: head.facts.modifiedAt,
  state: stateText(head),
});

/** What stands in two answers stands at the seam of both. */
function joined(busy: readonly BusyTime[]): readonly BusyTime[] {
  const seen = new Set<string>();
  return busy.filter((time) => {
    const key = JSON.stringify(time);
    return !seen.has(key) && seen.add(key);
  });
}

const staleHead = (head: MailHead): Fault => ({
  kind: 'stale',
  detail: `it is at another version than expected (${head.version.slice(0, 40)})`,
});

const writtenOr = (answer: Written | Fault | null): Written | Fault => answer ?? noId;

function rawPropertiesOf(item: XmlElement, wanted: ReadonlyMap<string, MapiProperty>): readonly RawProperty[] {
  return item.children.flatMap((element) => {
    if (element.name !== 'ExtendedProperty' || element.ns !== typesNamespace) return [];
    const uri = child(element, typesNamespace, 'ExtendedFieldURI');
    const property = uri === null ? undefined : wanted.get(propertyKeyOf(uri));
    return property === undefined ? [] : [{ property, values: extendedValues(element) }];
  });
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}
