import { escapeText, rawXml } from '#formats/text/xml-write.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { AttachmentContent, AttachmentHead } from '#model/appointment.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { TypedDraft, TypedEdit, TypedFields, TypedHead, TypedItem } from '#model/typed-item.ts';
import type { Context, TypedItems, TypedWritten, Written } from '../../contract.ts';
import { headless, missing, noId, stale } from '../answer-faults.ts';
import { eachInPlace } from '../batches.ts';
import { itemIdOf, stampProperty } from '../mail-codec.ts';
import { createItems } from '../operations/create-item.ts';
import type { GotItem } from '../operations/get-item.ts';
import { updateItems } from '../operations/update-item.ts';
import type { Removable } from '../removal.ts';
import { atLeast } from '../server-version.ts';
import { itemHeadPaths, readTypedHead } from '../typed-heads.ts';
import {
  AttachmentReader,
  attachmentsPath,
  type ListedAttachment,
  listedAttachments,
  putAttachments,
} from './attachments.ts';
import { getItems } from './get-items.ts';
import { itemFeed } from './item-feed.ts';
import type { ItemTools } from './item-tools.ts';
import {
  createParts,
  extraParts,
  type KindCodec,
  kindPaths,
  type PlainFields,
  type PlainKind,
  type ReadFields,
  readFields,
  updateParts,
} from './kind-codec.ts';
import { moveItems } from './move-items.ts';
import { extendedPart, receiptParts, typedPart, writeItem, writeUpdates } from './parts.ts';
import { removeItems } from './remove-items.ts';
import { shownItem } from './shown-item.ts';
import { isPassing, takeAway, thereAllTheSame } from './take-away.ts';

const corrupt = (detail: string): Fault => ({ kind: 'poison', reason: 'corrupt', detail });

interface Seen<Kind extends PlainKind> {
  readonly head: TypedHead;
  readonly read: ReadFields<Kind>;
  readonly listed: readonly ListedAttachment[];
}

/** Contacts, tasks or notes of one mailbox: items without occurrences. */
export function plainItems<Kind extends PlainKind>(tools: ItemTools, codec: KindCodec<Kind>): TypedItems<Kind> {
  return new PlainItems(tools, codec);
}

class PlainItems<Kind extends PlainKind> implements TypedItems<Kind> {
  readonly changes: TypedItems<Kind>['changes'];
  readonly move: TypedItems<Kind>['move'];
  readonly remove: TypedItems<Kind>['remove'];
  readonly #tools: ItemTools;
  readonly #codec: KindCodec<Kind>;
  readonly #reader: AttachmentReader;
  readonly #paths: string;

  constructor(tools: ItemTools, codec: KindCodec<Kind>) {
    this.changes = itemFeed(tools.call, itemHeadPaths);
    this.move = moveItems(tools);
    this.remove = removeItems(tools, async (ids, context) =>
      (await this.#see(ids, context, 'any')).map((one) => (isFault(one) ? one : removable(one))),
    );
    this.#tools = tools;
    this.#codec = codec;
    this.#reader = new AttachmentReader(tools.call);
    this.#paths = itemHeadPaths + kindPaths(codec) + attachmentsPath;
  }

  async read(ids: readonly ItemId[], context: Context) {
    const seen = await this.#see(ids, context);
    const listed = seen.flatMap((one) => (isFault(one) ? [] : one.listed));
    const heads = await this.#reader.heads(listed, context);
    const byMark = new Map(listed.map(({ mark }, at) => [mark, heads[at] ?? missing] as const));
    return new Map(
      ids.map((id, at): readonly [ItemId, TypedItem<Kind> | Fault] => {
        const one = seen[at] ?? missing;
        if (isFault(one)) return [id, one];
        const attachments: AttachmentHead[] = [];
        for (const { mark } of one.listed) {
          const head = byMark.get(mark) ?? missing;
          if (isFault(head)) return [id, head];
          attachments.push(head.head);
        }
        return [id, this.#item(one, attachments)];
      }),
    );
  }

  #item({ head, read }: Seen<Kind>, attachments: readonly AttachmentHead[]): TypedItem<Kind> {
    const { kind } = this.#codec;
    const held = kind === 'notes' ? read.fields : { ...read.fields, attachments };
    const fields = held as TypedFields[Kind];
    return { kind, head, fields, occurrences: [], deletedDays: [], extras: read.extras };
  }

  async attachments(...[id, , wanted, context]: Parameters<TypedItems<Kind>['attachments']>) {
    const [one = missing] = await this.#see([id], context);
    if (isFault(one)) throw new FaultError(one);
    return this.#reader.contents(one.listed, wanted, context);
  }

  /** Only events have an identity. */
  async findByIdentity() {
    return new Map();
  }

  async create(
    folder: FolderId,
    drafts: readonly TypedDraft<Kind>[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]> {
    await this.#tools.knowVersion(context);
    const answers = await eachInPlace(drafts, (some) =>
      this.#tools.call(createItems, { folder, items: some.map((draft) => rawXml(this.#createXml(draft))) }, context),
    );
    const results: (TypedWritten | Fault)[] = [];
    for (const [at, { item, attachments }] of drafts.entries()) {
      const written = answers[at] ?? noId;
      const now = isFault(written) ? written : await this.#attach(written, [], attachments, context);
      if (!isFault(now)) results.push({ ...now, unkept: this.#unkept(item.fields, item.fields) });
      else if (isFault(written)) results.push(now);
      else {
        if (!isPassing(now)) await takeAway(this.remove, [written], context);
        results.push(thereAllTheSame(now));
      }
    }
    return results;
  }

  #createXml({ item, stamp }: TypedDraft<Kind>): string {
    const codec = this.#codec;
    const { itemClass } = item.head;
    // A class of its own may be a form that the other side lacks; it is one of the kind all the same.
    const ofKind = itemClass.toLowerCase().startsWith(`${codec.itemClass}.`);
    const withClass = ofKind || codec.alwaysClass;
    return writeItem(
      codec.element.create,
      [
        ...(withClass ? [typedPart('item:ItemClass', escapeText(itemClass))] : []),
        extendedPart(stampProperty, stamp),
        ...codec.always,
        ...createParts(codec, item.fields, this.#tools.version),
        ...extraParts(codec.kind, item.extras),
      ],
      codec.order,
    );
  }

  async update(
    edits: readonly { readonly item: TypedItem<Kind>; readonly edit: TypedEdit<Kind> }[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]> {
    await this.#tools.knowVersion(context);
    const codec = this.#codec;
    const plans = edits.map(({ item, edit }) => {
      const { attachments: wanted, ...set } = edit.set as Partial<PlainFields<Kind>> & {
        readonly attachments?: readonly AttachmentHead[];
      };
      const plain = set as unknown as Partial<PlainFields<Kind>>;
      const changed = updateParts(codec, plain, item.fields, this.#tools.version);
      return { item, edit, wanted, parts: [...changed, ...receiptParts(edit)] };
    });
    const writing = plans.flatMap((plan, at) => (plan.parts.length === 0 ? [] : [{ at, plan }]));
    const answers = await eachInPlace(writing, (some) =>
      this.#tools.call(
        updateItems,
        {
          onlyExpected: true,
          changes: some.map(({ plan: { item, parts: changed } }) => ({
            ref: item.head.id,
            expect: item.head.version,
            updates: rawXml(writeUpdates(codec.element.update, changed)),
          })),
        },
        context,
      ),
    );
    const first: (Written | Fault)[] = plans.map(({ item }) => ({ id: item.head.id, version: item.head.version }));
    for (const [n, { at }] of writing.entries()) first[at] = answers[n] ?? noId;
    const results: (TypedWritten | Fault)[] = [];
    for (const [at, { item, edit, wanted, parts: changed }] of plans.entries()) {
      let now = first[at] ?? missing;
      if (!isFault(now) && wanted !== undefined)
        now = await this.#reattach(now, changed.length === 0 ? item : null, wanted, edit.attachments, context);
      results.push(isFault(now) ? now : { ...now, unkept: this.#unkept(edit.set, { ...item.fields, ...edit.set }) });
    }
    return results;
  }

  /** @param expected What the item has to be still, when nothing was written that would have told. */
  async #reattach(
    at: Written,
    expected: TypedItem<Kind> | null,
    wanted: readonly AttachmentHead[],
    contents: ReadonlyMap<string, AttachmentContent>,
    context: Context,
  ): Promise<Written | Fault> {
    return orFault(async () => {
      const [one = missing] = await this.#see([at.id], context);
      if (isFault(one)) return one;
      if (expected !== null && one.head.version !== expected.head.version) return stale;
      const present = (await this.#reader.heads(one.listed, context)).map(unlessFault);
      return this.#put(at, present, wanted, contents, context);
    });
  }

  #attach(
    at: Written,
    present: readonly [],
    contents: readonly AttachmentContent[],
    context: Context,
  ): Promise<Written | Fault> {
    const heads = contents.map(({ head }) => head);
    const byHash = new Map(contents.map((one) => [one.head.hash, one] as const));
    return orFault(() => this.#put(at, present, heads, byHash, context));
  }

  async #put(
    at: Written,
    present: Parameters<typeof putAttachments>[2],
    wanted: readonly AttachmentHead[],
    contents: ReadonlyMap<string, AttachmentContent>,
    context: Context,
  ): Promise<Written | Fault> {
    const { isPicture } = this.#codec;
    if ((await putAttachments(this.#tools.call, at, present, wanted, contents, context, isPicture)) === null) return at;
    const [now = missing] = await getItems(
      this.#tools.call,
      [at.id],
      '<t:FieldURI FieldURI="item:ItemClass"/>',
      context,
    );
    return isFault(now) ? now : (itemIdOf(now.item) ?? noId);
  }

  async #see(
    ids: readonly ItemId[],
    context: Context,
    which: 'of the kind' | 'any' = 'of the kind',
  ): Promise<readonly (Seen<Kind> | Fault)[]> {
    await this.#tools.knowVersion(context);
    const got = await getItems(this.#tools.call, ids, this.#paths, context);
    return got.map((answer) => (isFault(answer) ? answer : this.#seen(answer, which)));
  }

  #seen({ item }: GotItem, which: 'of the kind' | 'any'): Seen<Kind> | Fault {
    const head = readTypedHead(item, null);
    if (head === null) return headless;
    const { itemClass } = this.#codec;
    const lower = head.itemClass.toLowerCase();
    if (which === 'of the kind' && lower !== itemClass && !lower.startsWith(`${itemClass}.`))
      return {
        kind: 'poison',
        reason: 'class-refused',
        detail: `items of class ${head.itemClass} among ${this.#codec.kind} are not carried over by this version`,
      };
    const read = readFields(this.#codec, shownItem(item));
    const [unreadable] = read.unreadable;
    if (unreadable !== undefined && which === 'of the kind')
      return corrupt(`the server shows no ${unreadable} that can be read`);
    return { head, read, listed: listedAttachments(item, head.version) };
  }

  #unkept(written: Partial<TypedFields[Kind]>, after: TypedFields[Kind]): TypedWritten['unkept'] {
    const unkept: Record<string, string> = {};
    for (const { field, keptFrom, what, concerns } of this.#codec.losses) {
      if (keptFrom !== null && atLeast(this.#tools.version, keptFrom)) continue;
      if (concerns(written, after)) unkept[field] = unkept[field] === undefined ? what : `${unkept[field]}; ${what}`;
    }
    return unkept;
  }
}

function unlessFault<T>(value: T | Fault): T {
  if (isFault(value)) throw new FaultError(value);
  return value;
}

/** A request that fails after the item was written has its fault in the place of the item, so that nobody repeats the others. */
async function orFault<T>(work: () => Promise<T | Fault>): Promise<T | Fault> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return error.fault;
  }
}

/** Ids of attachments change with the place an item lies in; everything else of it stays. */
const removable = <Kind extends PlainKind>({ head, read, listed }: Seen<Kind>): Removable => ({
  id: head.id,
  version: head.version,
  folder: head.folder,
  searchKey: head.searchKey === '' ? null : head.searchKey,
  modifiedAt: head.modifiedAt,
  state: JSON.stringify([read.fields, listed.map(({ name }) => name)]),
});
