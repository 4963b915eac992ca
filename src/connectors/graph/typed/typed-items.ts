import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { StreamError } from '#formats/fast-transfer/stream-error.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { mimeOfItem, readTypedStream } from '#formats/fast-transfer/typed-stream.ts';
import { BlobError } from '#formats/mapi/byte-reader.ts';
import type { MapiMessage } from '#formats/mapi/mapi-message.ts';
import { changedMessage, editedItem, editTyped } from '#formats/mapi-items/edit-typed.ts';
import { ItemError } from '#formats/mapi-items/item-error.ts';
import { stampProperty } from '#formats/mapi-items/item-properties.ts';
import { valuesOf } from '#formats/mapi-items/property-values.ts';
import { readHead } from '#formats/mapi-items/read-item.ts';
import { writeTyped } from '#formats/mapi-items/typed-message.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import type { AttachmentContent, AttachmentHead, EventIdentity } from '#model/appointment.ts';
import { keptInStep } from '#model/client-intent.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { TypedDraft, TypedEdit, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { Context, TypedChange, TypedChangePage, TypedItems, TypedWritten, Written } from '../../contract.ts';
import { missing, stale } from '../../ews/answer-faults.ts';
import { readTime } from '../../ews/ews-time.ts';
import { graphLosses, unkeptBy } from '../../typed-losses.ts';
import { bareKey } from '../change-keys.ts';
import { type Exported, exportItems } from '../export-items.ts';
import { itemIdAt, splitItemId } from '../item-ids.ts';
import { type JsonObject, numberAt, objectsAt, textAt } from '../json.ts';
import { isRemoved } from '../mail-codec.ts';
import type { MailboxTools } from '../mailbox-tools.ts';
import { inPlaceOfEach } from '../one-by-one.ts';
import { itemsOfIdentities } from './items-by-property.ts';
import { putLarge, splitItem } from './large-items.ts';
import { asMeant, removeSilently } from './remove-silently.ts';
import { identityIn, isUnfinished, type UnfinishedEvents } from './unfinished-events.ts';

/** Entries of a page: each is exported. */
const pageMax = 100;
/** More than the heads of the attachments that are left out could differ by. */
const frameBytes = 16 * 1024;

/**
 * Events, contacts, tasks or notes of one mailbox, each as the stream that the import API keeps it by: nothing that the server keeps is
 * left out, meetings keep their organizer, and nothing that is written sends anything. The resources of the Graph for events and tasks
 * know only a part of what Outlook keeps, POST and PATCH of an event mail its attendees, and notes have no resource at all.
 *
 * Ids are those of one item in one folder: a stream does not say where its item lies, and by an id that lasts it would be handed out
 * from among the deleted ones, too. Tasks and notes have no others anyway (GDOC `concepts/outlook-immutable-id.md`).
 */
export const typedItems = <Kind extends TypedKind>(
  tools: MailboxTools,
  kind: Kind,
  unfinished: UnfinishedEvents,
): TypedItems<Kind> => new StreamedItems(tools, kind, unfinished);

class StreamedItems<Kind extends TypedKind> implements TypedItems<Kind> {
  readonly #tools: MailboxTools;
  readonly #kind: Kind;
  readonly #unfinished: UnfinishedEvents;

  constructor(tools: MailboxTools, kind: Kind, unfinished: UnfinishedEvents) {
    this.#tools = tools;
    this.#kind = kind;
    this.#unfinished = unfinished;
  }

  // -- reading --

  async changes(folder: FolderId, cursor: Cursor | null, context: Context): Promise<TypedChangePage> {
    const { client, address, adminPath } = this.#tools;
    const path =
      cursor === null
        ? `${await adminPath(context)}/folders/${encodeURIComponent(folder)}/items/delta?$select=type,size,changeKey,createdDateTime,lastModifiedDateTime`
        : client.pathOfLink(cursor);
    if (path === null) throw new FaultError({ kind: 'cursor-lost' });
    const answer = await client.call(
      {
        method: 'GET',
        path,
        name: 'items/delta',
        ids: 'placed',
        subject: { writes: false, about: 'feed' },
        headers: { prefer: `odata.maxpagesize=${pageMax}` },
      },
      address,
      context,
    );
    const [next, last] = [textAt(answer, '@odata.nextLink'), textAt(answer, '@odata.deltaLink')];
    const link = next ?? last;
    if (link === null)
      throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'items/delta answered without a link' });
    // Nobody else would ever look for what the feed has told long ago.
    if (this.#kind === 'calendar') await this.#unfinished.tidy(folder, context);
    return {
      changes: await this.#changesOf(objectsAt(answer, 'value'), folder, context),
      cursor: link as Cursor,
      complete: next === null,
    };
  }

  /** A feed shows neither stamps nor identities of what it lists, nor does it expand them: streams do, 20 in a request. */
  async #changesOf(
    entities: readonly JsonObject[],
    folder: FolderId,
    context: Context,
  ): Promise<readonly TypedChange[]> {
    const listed = entities.map((entity) => {
      const serverId = textAt(entity, 'id');
      return { entity, id: serverId === null ? null : itemIdAt(serverId, folder) };
    });
    const asked = listed.flatMap(({ entity, id }) => (id === null || isRemoved(entity) ? [] : [{ entity, id }]));
    const heads = await this.#headsOf(asked, folder, context);
    const byId = new Map(asked.map(({ id }, at) => [id, heads[at] ?? missing] as const));
    return listed.flatMap(({ entity, id }): readonly TypedChange[] => {
      if (id === null) return [{ kind: 'unreadable', id: null, detail: 'an entry without an id' }];
      if (isRemoved(entity)) return [{ kind: 'delete', id }];
      const head = byId.get(id) ?? missing;
      if (!isFault(head)) return [{ kind: 'upsert', head }];
      if (head.kind === 'poison') return [{ kind: 'unreadable', id, detail: head.detail }];
      // What went meanwhile is told by the next round; what nobody can say now must be asked for again.
      if (head.kind === 'gone') return [];
      throw new FaultError(head);
    });
  }

  async #headsOf(
    listed: readonly { readonly entity: JsonObject; readonly id: ItemId }[],
    folder: FolderId,
    context: Context,
  ): Promise<readonly (TypedHead | Fault)[]> {
    const exported = await exportItems(
      this.#tools,
      listed.map(({ id }) => id),
      'placed',
      context,
    );
    return listed.map(({ entity, id }, at) => {
      const one = exported[at] ?? missing;
      return isFault(one) ? one : understood(() => headOf(one, entity, id, folder, this.#unfinished));
    });
  }

  async #read(ids: readonly ItemId[], context: Context) {
    const exported = await exportItems(this.#tools, ids, 'placed', context);
    return Promise.all(
      ids.map(async (id, at) => {
        const one = exported[at] ?? missing;
        if (isFault(one)) return one;
        const { folder } = splitItemId(id);
        const from = { id, version: one.version, folder };
        return understoodLater(async () => ({ ...(await readTypedStream(this.#kind, one.stream, from)), ...one }));
      }),
    );
  }

  async read(ids: readonly ItemId[], context: Context): Promise<ReadonlyMap<ItemId, TypedItem<Kind> | Fault>> {
    const read = await this.#read(ids, context);
    return new Map(
      ids.map((id, at) => {
        const one = read[at] ?? missing;
        return [id, isFault(one) ? one : one.item] as const;
      }),
    );
  }

  async attachments(
    id: ItemId,
    day: Day | null,
    wanted: readonly AttachmentHead[],
    context: Context,
  ): Promise<ReadonlyMap<string, AttachmentContent>> {
    const [one = missing] = await this.#read([id], context);
    if (isFault(one)) throw new FaultError(one);
    const there = day === null ? one.attachments : (one.occurrenceAttachments.get(day) ?? []);
    const hashes = new Set(wanted.map(({ hash }) => hash));
    return new Map(
      there.filter(({ head }) => hashes.has(head.hash)).map((content) => [content.head.hash, content] as const),
    );
  }

  async findByIdentity(
    folder: FolderId,
    identities: readonly EventIdentity[],
    context: Context,
  ): Promise<ReadonlyMap<EventIdentity, readonly TypedHead[]>> {
    const found = new Map<EventIdentity, TypedHead[]>();
    if (this.#kind !== 'calendar') return found;
    const wanted = new Set(identities);
    const listed = await itemsOfIdentities(this.#tools, folder, [...wanted], context);
    const heads = await this.#headsOf(
      [...listed].map(([id, entity]) => ({ id, entity })),
      folder,
      context,
    );
    for (const head of heads) {
      if (isFault(head)) {
        if (head.kind !== 'gone' && head.kind !== 'poison') throw new FaultError(head);
        continue;
      }
      if (head.identity !== null && wanted.has(head.identity))
        found.set(head.identity, [...(found.get(head.identity) ?? []), head]);
    }
    return found;
  }

  // -- writing --

  #nowMs(): number {
    return this.#tools.clock.nowMs();
  }

  async create(
    folder: FolderId,
    drafts: readonly TypedDraft<Kind>[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]> {
    return inPlaceOfEach(drafts, async (draft) => {
      const message = understood(() => asMeant(writeTyped(this.#kind, draft, this.#nowMs()), draft.item, keptInStep));
      if (isFault(message)) return message;
      const stream = understood(() => streamOfMessage(message));
      if (isFault(stream)) return stream;
      const excess = this.#excessOf(folder, stream);
      const written =
        excess > 0
          ? await this.#putLarge(folder, draft.item, message, excess, context)
          : await this.#put(folder, stream, null, context);
      if (isFault(written)) return written;
      if (excess <= 0) await this.#unfinished.removeSeen(folder, draft.item.head.identity, context);
      return { ...written, unkept: unkeptBy(graphLosses, draft.item, null) };
    });
  }

  #excessOf(folder: FolderId, stream: Payload): number {
    return this.#tools.imports.excessOf({ folder, stream, ids: 'placed', replaces: null });
  }

  /** Makes what is too large for one import, where that can be done silently. */
  async #putLarge(
    folder: FolderId,
    item: TypedItem<Kind>,
    message: MapiMessage,
    excessBytes: number,
    context: Context,
  ): Promise<Written | Fault> {
    // Of base64, which has four characters for three bytes; the rest is for what the shorter stream is framed by.
    const split = splitItem(this.#kind, item as unknown as TypedItem, message, (excessBytes * 3) / 4 + frameBytes);
    if (isFault(split)) return split;
    const { identity } = item.head;
    if (identity !== null) await this.#unfinished.removeOf(folder, identity, context);
    return putLarge(this.#tools, folder, split, context);
  }

  /**
   * Makes an item anew and removes the one that it was, in this order: what breaks off leaves two with one identity, which the next pass
   * settles as it settles those of anybody else.
   */
  async #replaceLarge(
    { id, exported }: { readonly id: ItemId; readonly exported: Exported },
    folder: FolderId,
    item: TypedItem<Kind>,
    message: MapiMessage,
    excessBytes: number,
    context: Context,
  ): Promise<Written | Fault> {
    const written = await this.#putLarge(folder, item, message, excessBytes, context);
    return isFault(written) ? written : this.#removeReplaced(id, exported, written, context);
  }

  /**
   * Removes an item that is there a second time by now, as `written`. Whatever stops that, whoever asks for the same again makes a third:
   * so it may have happened, and the feed tells of both.
   */
  async #removeReplaced(id: ItemId, exported: Exported, written: Written, context: Context): Promise<Written | Fault> {
    const fault = await removeSilently(this.#tools, this.#kind, id, exported, context).catch((error: unknown) => {
      if (!(error instanceof FaultError)) throw error;
      return error.fault;
    });
    if (fault === null || fault.kind === 'gone') return written;
    const detail = `it was made anew, and the earlier one is there still: ${describeFault(fault)}`;
    return { kind: 'transient', detail, mayHaveHappened: true, cause: fault };
  }

  /** @param replaces the item at the version that it has to be at. */
  async #put(
    folder: FolderId,
    stream: Payload,
    replaces: { readonly id: ItemId; readonly exported: Exported } | null,
    context: Context,
  ): Promise<Written | Fault> {
    const imported = await this.#tools.imports.put(
      {
        folder,
        stream,
        ids: 'placed',
        replaces:
          replaces === null
            ? null
            : { serverId: splitItemId(replaces.id).serverId, changeKey: replaces.exported.changeKey },
      },
      context,
    );
    if (isFault(imported)) {
      // It was there at this version a moment ago: what no longer matches has been changed, moved or removed since.
      return replaces !== null && imported.kind === 'gone' ? stale : imported;
    }
    // What was replaced keeps its id, whatever form the answer names it in.
    const id = replaces === null ? itemIdAt(imported.serverId, folder) : replaces.id;
    return { id, version: bareKey(imported.changeKey) };
  }

  async update(
    edits: readonly { readonly item: TypedItem<Kind>; readonly edit: TypedEdit<Kind> }[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]> {
    const read = await this.#read(
      edits.map(({ item }) => item.head.id),
      context,
    );
    return inPlaceOfEach(
      edits.map((one, at) => ({ ...one, now: read[at] ?? missing })),
      async ({ item, edit, now }): Promise<TypedWritten | Fault> => {
        if (isFault(now)) return now;
        const { id, version, folder } = item.head;
        if (now.version !== version) return stale;
        const after = editedItem(item, edit);
        const message = await understoodLater(async () => {
          const { occurrenceAttachments, stream: bytes } = now;
          const changes = editTyped(this.#kind, item, edit, { now: this.#nowMs(), occurrenceAttachments });
          return asMeant(await changedMessage(messageOfStream(bytes).message, changes, mimeOfItem), item, keptInStep);
        });
        if (isFault(message)) return message;
        const stream = understood(() => streamOfMessage(message));
        if (isFault(stream)) return stream;
        const excess = this.#excessOf(folder, stream);
        const replaced = { id, exported: now };
        const written =
          excess > 0
            ? await this.#replaceLarge(replaced, folder, after, message, excess, context)
            : await this.#put(folder, stream, replaced, context);
        if (isFault(written)) return written;
        if (excess <= 0) await this.#unfinished.removeSeen(folder, item.head.identity, context);
        return { ...written, unkept: unkeptBy(graphLosses, after, null) };
      },
    );
  }

  /**
   * The Graph moves messages only. So an item is imported again where it is to be, stamp and identity with it, and then removed where it
   * was. What is done when an answer is lost in between are two with one identity, which the next pass settles as it settles those of
   * anybody else.
   */
  async move(ids: readonly ItemId[], to: FolderId, context: Context): Promise<readonly (Written | Fault)[]> {
    const exported = await exportItems(this.#tools, ids, 'placed', context);
    return inPlaceOfEach(
      ids.map((id, at) => ({ id, one: exported[at] ?? missing })),
      async ({ id, one }): Promise<Written | Fault> => {
        if (isFault(one)) return one;
        const message = understood(() => messageOfStream(one.stream).message);
        if (isFault(message)) return message;
        const stream = understood(() => streamOfMessage(message));
        if (isFault(stream)) return stream;
        const excess = this.#excessOf(to, stream);
        if (excess > 0) {
          const [read = missing] = await this.#read([id], context);
          if (isFault(read)) return read;
          if (read.version !== one.version) return stale;
          return this.#replaceLarge({ id, exported: one }, to, read.item, message, excess, context);
        }
        const written = await this.#put(to, stream, null, context);
        return isFault(written) ? written : this.#removeReplaced(id, one, written, context);
      },
    );
  }

  async remove(items: Parameters<TypedItems<Kind>['remove']>[0], context: Context): Promise<readonly (null | Fault)[]> {
    const exported = await exportItems(
      this.#tools,
      items.map(({ id }) => id),
      'placed',
      context,
    );
    return inPlaceOfEach(
      items.map(({ id, expect }, at) => ({ id, expect, one: exported[at] ?? missing })),
      async ({ id, expect, one }): Promise<null | Fault> => {
        if (isFault(one)) return one;
        return one.version === expect ? removeSilently(this.#tools, this.#kind, id, one, context) : stale;
      },
    );
  }
}

/** Whoever makes it removes it when he fails, or shows it when it is done. */
const stillBeingMade: Fault = { kind: 'gone', detail: 'its files are still on their way' };

/** What a feed shows of an item, out of its stream and its entry. */
function headOf(
  { stream, version }: Exported,
  entity: JsonObject,
  id: ItemId,
  folder: FolderId,
  unfinished: UnfinishedEvents,
): TypedHead | Fault {
  const get = valuesOf(messageOfStream(stream).message.properties);
  const identity = identityIn(get);
  if (isUnfinished(get(stampProperty))) {
    unfinished.saw(folder, identity);
    return stillBeingMade;
  }
  const at = (name: string) => readTime(textAt(entity, name) ?? '') ?? null;
  const from = {
    id,
    version,
    folder,
    sizeBytes: numberAt(entity, 'size') ?? stream.length,
    createdAt: at('createdDateTime'),
    modifiedAt: at('lastModifiedDateTime'),
    itemBytes: mimeOfItem,
  };
  return readHead(get, from, identity);
}

/** A stream that cannot be read is one bad item and no more. */
function understood<T>(work: () => T): T | Fault {
  try {
    return work();
  } catch (error) {
    return faultOfItem(error);
  }
}
async function understoodLater<T>(work: () => Promise<T>): Promise<T | Fault> {
  try {
    return await work();
  } catch (error) {
    return faultOfItem(error);
  }
}

function faultOfItem(error: unknown): Fault {
  if (error instanceof ItemError && error.problem === 'not-of-this-kind')
    return { kind: 'poison', reason: 'class-refused', detail: error.message };
  if (error instanceof ItemError || error instanceof StreamError)
    return { kind: 'poison', reason: 'corrupt', detail: error.message };
  if (error instanceof BlobError) return { kind: 'poison', reason: 'refused-by-target', detail: error.message };
  throw error;
}
