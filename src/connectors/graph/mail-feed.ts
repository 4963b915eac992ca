import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { MailContent, MailHead, RawProperty } from '#model/mail.ts';
import type { ChangePage, Context, ItemRef, Mailbox } from '../contract.ts';
import { headless, missing } from '../ews/answer-faults.ts';
import { parts } from '../ews/batches.ts';
import { expandOf, isMultiple } from './extended-properties.ts';
import { itemIdAt, splitItemId } from './item-ids.ts';
import { type JsonObject, objectsAt, textAt } from './json.ts';
import { headQuery, isRemoved, isWhole, type Oddities, rawProperties, readFlagOf, readHead } from './mail-codec.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { ask, askAll, getting, messagePath, shapeless } from './requests.ts';

/** Entries of a page of a feed: each shows two dozen properties, and a page is one answer. */
export const changePageMax = 200;
/** Properties that one `$expand` asks for: addresses have a length beyond which somebody on the way refuses them. */
const expandedMax = 40;

/** Mail of a mailbox as it is read: its delta queries, and what they and the messages show. */
export class MailFeed implements Pick<Mailbox, 'changes' | 'heads' | 'contents' | 'properties'> {
  readonly #tools: MailboxTools;

  constructor(tools: MailboxTools) {
    this.#tools = tools;
  }

  async changes(folder: FolderId, cursor: Cursor | null, context: Context): Promise<ChangePage> {
    const path =
      cursor === null
        ? `${this.#tools.user}/mailFolders/${encodeURIComponent(folder)}/messages/delta?${headQuery}`
        : this.#tools.client.pathOfLink(cursor);
    if (path === null) throw new FaultError({ kind: 'cursor-lost' });
    const answer = await ask(
      this.#tools,
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
    const answers = await askAll(
      this.#tools,
      ids.map((id) => getting(`${messagePath(this.#tools, id)}?${query}`, 'messages', 'item')),
      context,
    );
    // Elsewhere by now: under this id nothing is any more.
    return answers.map((answer, at) =>
      isFault(answer) || textAt(answer, 'parentFolderId') === splitItemId(ids[at] ?? ('' as ItemId)).folder
        ? answer
        : movedAway,
    );
  }

  /** In the order of the ids. */
  async inOrder(ids: readonly ItemId[], context: Context): Promise<readonly (MailHead | Fault)[]> {
    return this.#heads(ids, {}, context);
  }

  async #heads(ids: readonly ItemId[], oddities: Oddities, context: Context): Promise<readonly (MailHead | Fault)[]> {
    if (ids.length === 0) return [];
    return (await this.#entities(ids, headQuery, context)).map((entity) =>
      isFault(entity) ? entity : (readHead(entity, oddities) ?? headless),
    );
  }

  async heads(ids: readonly ItemId[], context: Context): Promise<ReadonlyMap<ItemId, MailHead | Fault>> {
    const heads = await this.#heads(ids, {}, context);
    return new Map(ids.map((id, at) => [id, heads[at] ?? missing] as const));
  }

  async contents(
    items: readonly Pick<ItemRef, 'id' | 'head'>[],
    context: Context,
  ): Promise<ReadonlyMap<ItemId, MailContent | Fault>> {
    const known = new Map(items.flatMap(({ id, head }) => (head?.bcc === undefined ? [] : [[id, head] as const])));
    const asked = await this.heads(
      items.flatMap(({ id }) => (known.has(id) ? [] : [id])),
      context,
    );
    const contents = await Promise.all(
      items.map(({ id }) => this.#content(id, known.get(id) ?? asked.get(id) ?? missing, context)),
    );
    return new Map(items.map(({ id }, at) => [id, contents[at] ?? missing] as const));
  }

  async #content(id: ItemId, head: MailHead | Fault, context: Context): Promise<MailContent | Fault> {
    if (isFault(head)) return head;
    try {
      const { body } = await this.#tools.client.fetch(
        { ...getting(`${messagePath(this.#tools, id)}/$value`, 'messages/$value', 'item'), headers: { accept: '*/*' } },
        this.#tools.address,
        context,
      );
      return { head, mime: payloadOfBytes(body), bcc: head.bcc ?? [] };
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
}

const movedAway: Fault = { kind: 'gone', detail: 'it lies in another folder now' };
