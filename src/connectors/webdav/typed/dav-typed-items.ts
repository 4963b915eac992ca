import { BlobError } from '#formats/mapi/byte-reader.ts';
import { cleanGlobalObjectId, dayOfGlobalObjectId, identityOfIds } from '#formats/mapi/global-object-id.ts';
import {
  isSameProperty,
  type MapiAttachment,
  type MapiMessage,
  type MapiPropertyValue,
  mapiValue,
} from '#formats/mapi/mapi-message.ts';
import { isException, readAttachment, writeAttachment } from '#formats/mapi-items/attachments.ts';
import { editedItem, editTyped, type MessageChanges } from '#formats/mapi-items/edit-typed.ts';
import { writeSeries } from '#formats/mapi-items/event-series.ts';
import { itemClasses, strangerAmong } from '#formats/mapi-items/item-classes.ts';
import { ItemError } from '#formats/mapi-items/item-error.ts';
import { headProperties, mainProperties, receiptProperty, stampProperty } from '#formats/mapi-items/item-properties.ts';
import { valuesOf } from '#formats/mapi-items/property-values.ts';
import type { ReadItem } from '#formats/mapi-items/read-item.ts';
import { writeRecipients } from '#formats/mapi-items/recipients.ts';
import { mapiPropertiesOf, readTyped, writeTyped } from '#formats/mapi-items/typed-message.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { Random } from '#kit/random.ts';
import type { AttachmentContent, AttachmentHead, Attendee, EventFields, EventIdentity } from '#model/appointment.ts';
import { eventProperties } from '#model/event-properties.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Receipt, StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedEdit, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import type { Context, TypedChange, TypedItems, TypedWritten, Written } from '../../contract.ts';
import { davLosses, unkeptBy } from '../../typed-losses.ts';
import { ChangeFeed } from '../change-feed.ts';
import { itemIdOfUrl, pathOfId } from '../dav-ids.ts';
import { type DavName, davNameOf, names } from '../dav-names.ts';
import { isContent, stampName, unfinishedName, type WrittenDraft } from '../mail-codec.ts';
import { createUnderStamp, erase, itemPath, lookAt, moveTo, nameOfStamp, patch, settle } from '../mail-writes.ts';
import { type DavResponse, shownText } from '../multistatus.ts';
import { eachOf, parts } from '../parts.ts';
import { findMany, type MailboxRequests } from '../resources.ts';
import { allOf, isBinary, isTrue, oneOf, searchBody } from '../sql.ts';
import { attendeesOfHeaders, attendeesOfMime, together } from './attendee-lines.ts';
import {
  addAttachment,
  bytesOfItem,
  contentsOf,
  type DavAttachment,
  disposeOf,
  freeName,
  nameOfAttachment,
  readAttachments,
  removeAttachment,
} from './dav-attachments.ts';
import { davWrites, mapiValuesOf } from './mapi-values.ts';
import { peopleNames, peopleWrites } from './people-headers.ts';

/** What typed items need of their mailbox. */
export interface DavItemTools {
  readonly requests: MailboxRequests;
  /** Where a folder is now, with a slash at its end. */
  pathOfFolder(folder: FolderId, context: Context): Promise<string>;
  readonly nowMs: () => number;
  readonly random: Random;
}

const globalObjectId = { set: propertySets.meeting, lid: 0x03, type: 'binary' } as const satisfies MapiProperty;
const cleanObjectId = { set: propertySets.meeting, lid: 0x23, type: 'binary' } as const satisfies MapiProperty;
const headMapi: readonly MapiProperty[] = [
  mainProperties.messageClass,
  stampProperty,
  receiptProperty,
  ...Object.values(headProperties),
  globalObjectId,
  cleanObjectId,
];
const placeNames: readonly DavName[] = [names.permanentUrl, names.etag, names.isFolder, names.isHidden, unfinishedName];
const headNames: readonly DavName[] = [...placeNames, ...headMapi.map(davNameOf)];
/** PidTagSentRepresentingEmailAddress. */
const organizerAddress = { tag: 0x0065, type: 'string' } as const satisfies MapiProperty;

/** Identities of one search. */
const searchValuesMax = 20;

/**
 * Events, contacts, tasks or notes of one mailbox, by their MAPI properties.
 *
 * No request that is made here sends anything: PROPPATCH, PUT, MOVE and DELETE are writes to the store, whose meetings are sent by whoever
 * moves a message to the submission address, which nothing here does. (DavMail, which sends invitations, does so by SMTP after its PUT.)
 */
export function davTypedItems<Kind extends TypedKind>(kind: Kind, tools: DavItemTools): TypedItems<Kind> {
  return new DavTypedItems(kind, tools);
}

class DavTypedItems<Kind extends TypedKind> implements TypedItems<Kind> {
  readonly #kind: Kind;
  readonly #tools: DavItemTools;
  readonly #feed: ChangeFeed;
  readonly #properties: readonly MapiProperty[];
  readonly #names: readonly DavName[];

  constructor(kind: Kind, tools: DavItemTools) {
    this.#kind = kind;
    this.#tools = tools;
    // Whether an item was opened is nobody's business.
    this.#feed = new ChangeFeed({
      requests: tools.requests,
      random: tools.random,
      names: headNames,
      readFlags: false,
    });
    this.#properties = [...mapiPropertiesOf(kind), ...headMapi].filter(
      (property, at, all) => all.findIndex((other) => isSameProperty(property, other)) === at,
    );
    this.#names = [...placeNames, ...this.#properties.map(davNameOf), ...Object.values(peopleNames)];
  }

  async changes(...[folder, cursor, context]: Parameters<TypedItems<Kind>['changes']>) {
    const page = await this.#feed.page(folder, cursor, context);
    const changes = page.changes.flatMap((change): readonly TypedChange[] => {
      if (change.kind === 'read-flag') return [];
      if (change.kind === 'delete') return [change];
      if (!isContent(change.shown)) return [];
      const head = this.#headOf(change.shown);
      return head === null
        ? [{ kind: 'unreadable', id: change.id, detail: 'an item came without its permanent address' }]
        : [{ kind: 'upsert', head }];
    });
    return { changes, cursor: page.cursor, complete: page.complete };
  }

  #headOf(response: DavResponse): TypedHead | null {
    const ids = itemIdOfUrl(shownText(response, names.permanentUrl) ?? '');
    const version = shownText(response, names.etag)?.trim() ?? '';
    if (ids === null || version === '') return null;
    const get = valuesOf(mapiValuesOf(response, headMapi));
    const text = (property: MapiProperty) => {
      const value = get(property);
      return typeof value === 'string' ? value : null;
    };
    const number = (property: MapiProperty) => {
      const value = get(property);
      return typeof value === 'number' ? value : null;
    };
    const bytes = (property: MapiProperty) => {
      const value = get(property);
      return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
    };
    return {
      ...ids,
      version: version as Version,
      itemClass: text(mainProperties.messageClass) ?? '',
      identity: this.#kind === 'calendar' ? identityOfIds(bytes(globalObjectId), bytes(cleanObjectId)) : null,
      stamp: text(stampProperty) as StampText | null,
      receipt: text(receiptProperty) as Receipt | null,
      searchKey: bytes(headProperties.searchKey).toString('hex'),
      sizeBytes: number(headProperties.size) ?? 0,
      createdAt: number(headProperties.createdAt),
      modifiedAt: number(headProperties.modifiedAt),
    };
  }

  async read(ids: readonly ItemId[], context: Context) {
    const found = await findMany(this.#tools.requests, ids, this.#names, context);
    const items = await eachOf(ids, async (id): Promise<TypedItem<Kind> | Fault> => {
      const read = await this.#readShown(found.get(id), context);
      if (isFault(read)) return read;
      await disposeOf(read.raw);
      return read.item;
    });
    return new Map(ids.map((id, i) => [id, items[i] ?? lost] as const));
  }

  /** An item with its attachments; the caller disposes of `raw`. */
  async #readShown(
    response: DavResponse | Fault | undefined,
    context: Context,
  ): Promise<(ReadItem<Kind> & { readonly raw: readonly DavAttachment[]; readonly path: string }) | Fault> {
    if (response === undefined || isFault(response)) return response ?? lost;
    const head = this.#headOf(response);
    if (head === null) return lost;
    const stranger = strangerAmong(this.#kind, head.itemClass);
    if (stranger !== null)
      return { kind: 'poison', reason: 'class-refused', detail: `${stranger}, which this version does not carry over` };
    const path = await itemPath(this.#tools.requests, head.id, context);
    const properties = mapiValuesOf(response, this.#properties);
    // PidTagHasAttachments does not say: servers differ in whether pictures inside of the body and modified occurrences count.
    const raw = this.#kind === 'notes' ? [] : await readAttachments(this.#tools.requests, path, context);
    try {
      const message = await this.#withPeople(response, properties, raw, path, context);
      const { itemClass: _, identity: __, stamp: ___, receipt: ____, ...from } = head;
      return { ...(await readTyped(this.#kind, message, { ...from, itemBytes: bytesOfItem })), raw, path };
    } catch (error) {
      await disposeOf(raw);
      if (error instanceof ItemError || error instanceof BlobError)
        return { kind: 'poison', reason: 'corrupt', detail: error.message };
      throw error;
    }
  }

  /** The message of an item with who is asked to come, to it and to each of its modified occurrences. */
  async #withPeople(
    response: DavResponse,
    properties: MapiMessage['properties'],
    raw: readonly DavAttachment[],
    path: string,
    context: Context,
  ): Promise<MapiMessage> {
    const plain = { properties, recipients: [], attachments: raw.map(({ attachment }) => attachment) };
    if (this.#kind !== 'calendar') return plain;
    const [to, cc, bcc] = [peopleNames.to, peopleNames.cc, peopleNames.bcc].map((name) => shownText(response, name));
    const named = attendeesOfHeaders(to ?? '', cc ?? '', bcc ?? '');
    const [flags] = eventProperties.stateFlags.mapi;
    const state = mapiValue(properties, flags);
    const isMeeting = typeof state === 'number' && (state & 1) !== 0;
    if (named.length === 0 && !isMeeting && raw.every((one) => one.named.length === 0)) return plain;
    const { client, address } = this.#tools.requests;
    const { bytes } = await client.content({
      method: 'GET',
      path,
      headers: { translate: 'f', accept: 'message/rfc822' },
      mailbox: address,
      subject: { operation: 'GET', writes: false, about: 'item' },
      context,
    });
    const { ofItem, ofDays } = attendeesOfMime(await payloadBytes(bytes));
    await bytes.dispose();
    const organizer = mapiValue(properties, organizerAddress);
    const isOrganizer = (one: Attendee) =>
      typeof organizer === 'string' && one.address.toLowerCase() === organizer.toLowerCase();
    const recipients = (inCalendar: readonly Attendee[], others: readonly Attendee[]) =>
      writeRecipients(
        together(inCalendar, others).map((one) =>
          isOrganizer(one) ? { ...one, response: 'organizer' as const } : one,
        ),
        null,
      );
    return {
      properties,
      recipients: recipients(ofItem, named),
      attachments: raw.map(({ attachment, named: own }) => {
        const { message } = attachment;
        // Without people of its own it has those of the series.
        if (message === null || own.length === 0) return attachment;
        const day = dayOfOccurrence(message.properties);
        const answered = day === null ? [] : (ofDays.get(day) ?? []);
        const isOwn = new Set(own.map((one) => one.address.toLowerCase()));
        const inCalendar = answered.filter((one) => isOwn.has(one.address.toLowerCase()));
        return { ...attachment, message: { ...message, recipients: recipients(inCalendar, own) } };
      }),
    };
  }

  async attachments(...[id, day, wanted, context]: Parameters<TypedItems<Kind>['attachments']>) {
    const found = await findMany(this.#tools.requests, [id], this.#names, context);
    const read = await this.#readShown(found.get(id), context);
    if (isFault(read)) throw new FaultError(read);
    const all = day === null ? read.attachments : (read.occurrenceAttachments.get(day) ?? []);
    const hashes = new Set(wanted.map(({ hash }) => hash));
    const taken = new Map<string, AttachmentContent>();
    for (const one of all) if (hashes.has(one.head.hash) && !taken.has(one.head.hash)) taken.set(one.head.hash, one);
    const kept = new Set([...taken.values()].map(({ bytes }) => bytes));
    for (const content of contentsOf(read.raw.map(({ attachment }) => attachment)))
      if (!kept.has(content)) await content.dispose();
    return taken;
  }

  async findByIdentity(folder: FolderId, identities: readonly EventIdentity[], context: Context) {
    const found = new Map<EventIdentity, TypedHead[]>();
    if (this.#kind !== 'calendar') return found;
    const { client, address, root } = this.#tools.requests;
    const wanted = new Set(identities);
    for (const some of parts([...wanted], searchValuesMax)) {
      // Older clients write the plain id alone, which of a series is the clean one.
      const values = some.flatMap((identity) => [
        identity,
        cleanGlobalObjectId(identity).toString('hex').toUpperCase(),
      ]);
      const conditions = [...new Set(values)]
        .map((hex) => Buffer.from(hex, 'hex').toString('base64'))
        .flatMap((base64) => [globalObjectId, cleanObjectId].map((one) => isBinary(davNameOf(one), base64)));
      await client.several(
        {
          method: 'SEARCH',
          path: pathOfId(await root(context), folder),
          headers: { brief: 't' },
          body: searchBody({
            select: headNames,
            depth: 'shallow',
            where: allOf(isTrue(names.isFolder, false), oneOf(conditions)),
          }),
          mailbox: address,
          subject: { operation: 'SEARCH', writes: false, about: 'folder' },
          context,
        },
        (response) => {
          const head = isContent(response) ? this.#headOf(response) : null;
          if (head?.identity == null || !wanted.has(head.identity)) return;
          const heads = found.get(head.identity) ?? [];
          if (!heads.some(({ id }) => id === head.id)) heads.push(head);
          found.set(head.identity, heads);
        },
      );
    }
    return found;
  }

  async create(folder: FolderId, drafts: readonly TypedDraft<Kind>[], context: Context) {
    if (drafts.length === 0) return [];
    const at = await this.#folderOr(folder, context);
    if (isFault(at)) return drafts.map(() => at);
    return eachOf(drafts, (draft) => this.#createOne(at, draft, context));
  }

  async #folderOr(folder: FolderId, context: Context): Promise<string | Fault> {
    try {
      return await this.#tools.pathOfFolder(folder, context);
    } catch (error) {
      if (error instanceof FaultError && error.fault.kind === 'gone') return error.fault;
      throw error;
    }
  }

  async #createOne(folderPath: string, draft: TypedDraft<Kind>, context: Context): Promise<TypedWritten | Fault> {
    const { requests } = this.#tools;
    const { stamp, item } = draft;
    const message = orPoison(() => writeTyped(this.#kind, draft, this.#tools.nowMs()));
    if (isFault(message)) return message;
    const { set } = davWrites(message.properties);
    const ownClass = item.head.itemClass || itemClasses[this.#kind];
    const all = [
      { name: names.messageClass, type: 'string' as const, texts: [ownClass] },
      ...set.filter(({ name }) => name.name !== 'x001a001f' && name.name !== stampName.name),
      ...this.#peopleOf(item.fields, item.fields).set,
    ];
    const unkept = unkeptBy(davLosses, item, null);
    const written: WrittenDraft = {
      before: [...all, { name: unfinishedName, type: 'string', texts: [stamp] }],
      after: [{ name: stampName, type: 'string', texts: [stamp] }],
    };
    let where: string;
    if (message.attachments.length === 0) {
      // One request, so nothing can be left half done.
      where = folderPath + nameOfStamp(stamp);
      try {
        await patch(requests, where, [...all, ...written.after], [], 'new', context);
      } catch (error) {
        if (!(error instanceof FaultError) || error.fault.kind !== 'stale') throw error;
        const found = await settle(requests, where, stamp, context);
        if (found !== null) return { ...found, unkept };
        await patch(requests, where, [...all, ...written.after], [], 'new', context);
      }
    } else {
      const made = await createUnderStamp(
        requests,
        folderPath,
        stamp,
        written,
        (path) => this.#addAll(path, message.attachments, new Set(), context),
        context,
      );
      if (made.found !== null) return { ...made.found, unkept };
      where = made.path;
    }
    const { id, version } = await lookAt(requests, where, context);
    return { id, version, unkept };
  }

  /** @param taken Names that are there, in lower case. */
  async #addAll(
    path: string,
    attachments: readonly MapiAttachment[],
    taken: Set<string>,
    context: Context,
  ): Promise<void> {
    for (const attachment of attachments) {
      const name = freeName(nameOfAttachment(attachment), taken);
      taken.add(name.toLowerCase());
      await addAttachment(this.#tools.requests, path, name, attachment, context);
    }
  }

  /** Header fields that say who is asked to come; none of them sends anything. */
  #peopleOf(set: object, fields: object): ReturnType<typeof davWrites> {
    if (this.#kind !== 'calendar' || !('attendees' in set)) return { set: [], remove: [] };
    const { attendees, organizer } = fields as EventFields;
    const owner = organizer?.address.toLowerCase() ?? '';
    return peopleWrites(
      attendees.filter(({ address, response }) => response !== 'organizer' || address.toLowerCase() !== owner),
    );
  }

  async update(
    edits: readonly { readonly item: TypedItem<Kind>; readonly edit: TypedEdit<Kind> }[],
    context: Context,
  ): Promise<readonly (TypedWritten | Fault)[]> {
    const { requests } = this.#tools;
    const found = await findMany(
      requests,
      edits.map(({ item }) => item.head.id),
      this.#names,
      context,
    );
    return eachOf(edits, async ({ item, edit }): Promise<TypedWritten | Fault> => {
      const shown = found.get(item.head.id);
      if (shown === undefined || isFault(shown)) return shown ?? lost;
      if (this.#headOf(shown)?.version !== item.head.version) return stale;
      return this.#updateOne(item, edit, shown, context);
    });
  }

  async #updateOne(
    item: TypedItem<Kind>,
    edit: TypedEdit<Kind>,
    shown: DavResponse,
    context: Context,
  ): Promise<TypedWritten | Fault> {
    const { requests } = this.#tools;
    const path = await itemPath(requests, item.head.id, context);
    const touchesFiles =
      'attachments' in edit.set || edit.occurrences.length > 0 || 'when' in edit.set || 'recurrence' in edit.set;
    const read = touchesFiles ? await this.#readShown(shown, context) : null;
    if (isFault(read)) return read;
    const after = editedItem(item, edit);
    try {
      const changes = orPoison(() =>
        editTyped(this.#kind, item, edit, {
          now: this.#tools.nowMs(),
          ...(read === null ? {} : { occurrenceAttachments: read.occurrenceAttachments }),
        }),
      );
      if (isFault(changes)) return changes;
      const { set, remove } = davWrites([
        ...changes.properties.filter(({ property }) => !isSameProperty(property, recurrenceProperty)),
        ...(losesOverrides(item, after) ? withoutModified(after) : changes.properties.filter(isRecurrence)),
      ]);
      const asked = this.#peopleOf(edit.set, { ...item.fields, ...edit.set });
      await patch(
        requests,
        path,
        [...set, ...asked.set],
        [...remove, ...asked.remove],
        { expect: item.head.version },
        context,
      );
      if (changes.files !== null || changes.exceptions !== null) await this.#exchange(path, changes, context);
    } finally {
      if (read !== null) await disposeOf(read.raw);
    }
    const { id, version } = await lookAt(requests, path, context);
    return { id, version, unkept: unkeptBy(davLosses, after, edit.set) };
  }

  /** Takes away what an edit removes, and adds what it adds. */
  async #exchange(path: string, changes: MessageChanges, context: Context): Promise<void> {
    const { requests } = this.#tools;
    // As they are after the properties were written: a new pattern may have taken some away, and names have changed with it.
    const there = await readAttachments(requests, path, context);
    try {
      const gone = await leaving(there, changes);
      // The last one first: names of those of one name are counted.
      for (const one of gone.toReversed()) await removeAttachment(requests, one.path, context);
      const taken = new Set(there.filter((one) => !gone.includes(one)).map((one) => nameInPath(one.path)));
      const added = (changes.files?.added ?? []).map((content) => writeAttachment(content, this.#kind === 'contacts'));
      await this.#addAll(path, [...added, ...(changes.exceptions?.values() ?? [])], taken, context);
      // The modified days come last, when nothing is left of what was said of them before.
      const { set } = davWrites(changes.exceptions === null ? [] : changes.properties.filter(isRecurrence));
      if (set.length > 0) await patch(requests, path, set, [], null, context);
    } finally {
      await disposeOf(there);
    }
  }

  async move(ids: readonly ItemId[], to: FolderId, context: Context) {
    if (ids.length === 0) return [];
    const at = await this.#folderOr(to, context);
    if (isFault(at)) return ids.map(() => at);
    const { requests, random } = this.#tools;
    return eachOf(ids, async (id): Promise<Written | Fault> => {
      const from = await itemPath(requests, id, context);
      const where = await moveTo(requests, from, at, `${random.bytes(16).toString('hex')}.EML`, context);
      const { id: now, version } = await lookAt(requests, where, context);
      return { id: now, version };
    });
  }

  async remove(items: readonly { readonly id: ItemId; readonly expect: Version }[], context: Context) {
    const { requests } = this.#tools;
    const found = await findMany(
      requests,
      items.map(({ id }) => id),
      headNames,
      context,
    );
    return eachOf(items, async ({ id, expect }): Promise<null | Fault> => {
      const shown = found.get(id);
      if (shown === undefined || isFault(shown)) return shown ?? lost;
      if (this.#headOf(shown)?.version !== expect) return stale;
      await erase(requests, await itemPath(requests, id, context), expect, context);
      return null;
    }) as Promise<readonly (null | Fault)[]>;
  }
}

const lost: Fault = { kind: 'transient', detail: 'an item was not answered', mayHaveHappened: false };
const stale: Fault = { kind: 'stale', detail: 'it is at another version than expected' };

/** The day of the pattern, as its identity names it. */
function dayOfOccurrence(properties: MapiMessage['properties']): Day | null {
  const id = mapiValue(properties, globalObjectId);
  return Buffer.isBuffer(id) ? dayOfGlobalObjectId(id) : null;
}

const [recurrenceProperty] = eventProperties.recurrence.mapi;
const isRecurrence = ({ property }: MapiPropertyValue): boolean => isSameProperty(property, recurrenceProperty);

/**
 * Whether a modified day loses something by an edit. A server may put a day together from the recurrence and from the message of the day,
 * and keep what only one of them still says: so such a series is written without modified days first, and with them when the messages are
 * as they are to be.
 */
function losesOverrides(before: TypedItem, after: TypedItem): boolean {
  const now = new Map(after.occurrences.map(({ day, overrides }) => [day, overrides]));
  return before.occurrences.some(({ day, overrides }) => {
    const left = now.get(day);
    return left === undefined || Object.keys(overrides).some((field) => !(field in left));
  });
}

/** The recurrence of an item with all of its days as the pattern has them, but for those that are deleted. */
const withoutModified = (item: TypedItem): readonly MapiPropertyValue[] =>
  writeSeries({ ...(item as TypedItem<'calendar'>), occurrences: [] }).filter(isRecurrence);

/** What the codec refuses is a matter of the item, not of the request. */
function orPoison<T>(make: () => T): T | Fault {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof BlobError) && !(error instanceof ItemError)) throw error;
    return { kind: 'poison', reason: 'refused-by-target', detail: error.message };
  }
}

const nameInPath = (path: string): string => {
  const last = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last).toLowerCase();
  } catch {
    return last.toLowerCase();
  }
};

/** Attachments that an edit takes away: files that it removes, and the messages of occurrences, which are written anew. */
async function leaving(
  there: readonly DavAttachment[],
  { files, exceptions }: MessageChanges,
): Promise<readonly DavAttachment[]> {
  const left = [...(files?.removed ?? [])];
  const gone: DavAttachment[] = [];
  for (const one of there) {
    if (isException(one.attachment)) {
      if (exceptions !== null) gone.push(one);
      continue;
    }
    const head = left.length === 0 ? null : await headOfFile(one);
    const at = head === null ? -1 : left.findIndex(({ hash, name }) => hash === head.hash && name === head.name);
    if (at < 0) continue;
    left.splice(at, 1);
    gone.push(one);
  }
  return gone;
}

const headOfFile = async ({ attachment }: DavAttachment): Promise<AttachmentHead | null> =>
  (await readAttachment(attachment, bytesOfItem))?.head ?? null;
