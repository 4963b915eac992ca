import { hash } from 'node:crypto';
import { occurrenceSpan } from '#formats/occurrences.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { AttachmentHead, EventFields, EventIdentity, OccurrenceOverrides } from '#model/appointment.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { Instant, RawProperty } from '#model/mail.ts';
import { plainFields } from '#model/plain-fields.ts';
import type { Recurrence } from '#model/recurrence.ts';
import { hash128, type Receipt, type StampText } from '#model/stamp.ts';
import type { TypedEdit, TypedFields, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { noHabits, normalised, type ServerHabits } from './server-habits.ts';

/** An event, contact, task or note as it lies in its mailbox. */
export interface StoredTyped<Kind extends TypedKind = TypedKind> {
  readonly kind: Kind;
  readonly id: ItemId;
  folder: FolderId;
  version: number;
  readonly identity: EventIdentity | null;
  readonly searchKey: string;
  readonly stamp: StampText | null;
  receipt: Receipt | null;
  readonly itemClass: string;
  fields: TypedFields[Kind];
  /** Everything that an occurrence has for itself, also where it is what the series has by now. */
  occurrences: ReadonlyMap<Day, OccurrenceOverrides>;
  deletedDays: ReadonlySet<Day>;
  readonly extras: readonly RawProperty[];
  readonly createdAt: Instant;
  modifiedAt: Instant;
}

/** What a new item may bring along beside its fields. */
export interface TypedBeginnings {
  /** Null: the mailbox makes one for an event. */
  readonly identity?: EventIdentity | null;
  readonly itemClass?: string;
  readonly stamp?: StampText | null;
  readonly extras?: readonly RawProperty[];
}

/** What the items need of the mailbox that they are in. */
export interface TypedHost {
  freshId(): ItemId;
  /** Tells the change feed. */
  note(kind: 'upsert' | 'delete', folder: FolderId, id: ItemId): void;
  nowMs(): number;
}

const itemClasses = {
  calendar: 'IPM.Appointment',
  contacts: 'IPM.Contact',
  tasks: 'IPM.Task',
  notes: 'IPM.StickyNote',
} as const satisfies Record<TypedKind, string>;

const refused = (detail: string): FaultError =>
  new FaultError({ kind: 'poison', reason: 'refused-by-target', detail } satisfies Fault);

export const recurrenceOf = (fields: object): Recurrence | null =>
  (fields as { readonly recurrence?: Recurrence | null }).recurrence ?? null;

/** Head of an attachment as a server computes it from the bytes. */
const attachmentHead = (bytes: Uint8Array, head: Omit<AttachmentHead, 'hash' | 'sizeBytes'>): AttachmentHead => ({
  ...head,
  sizeBytes: bytes.length,
  hash: hash('sha256', bytes, 'hex').slice(0, 32),
});

/**
 * The typed items of a mailbox, and what people and the server do with them. Behaves like Exchange where that matters for whoever keeps two
 * of them in step:
 *
 * - exceptions are part of their series: a change of one moves the version of the series and shows the series in the feed;
 * - a change of the recurrence, or of a series' time, drops all exceptions ([MS-OXOCAL] 3.1.4.7.3.5);
 * - a deleted occurrence comes back with a new pattern only, and one that the pattern lacks can be neither changed nor deleted;
 * - the id changes with a move, the identity never.
 */
export class MemoryTypedStore {
  readonly items = new Map<ItemId, StoredTyped>();
  readonly recoverable = new Map<ItemId, StoredTyped>();
  habits: ServerHabits = noHabits;
  /** Bytes of attachments by hash. */
  private readonly bytes = new Map<string, Uint8Array>();
  private readonly host: TypedHost;

  constructor(host: TypedHost) {
    this.host = host;
  }

  // -- what people and servers do --

  add<Kind extends TypedKind>(
    kind: Kind,
    folder: FolderId,
    fields: Partial<TypedFields[Kind]>,
    { identity = null, itemClass = itemClasses[kind], stamp = null, extras = [] }: TypedBeginnings = {},
  ): StoredTyped<Kind> {
    const id = this.host.freshId();
    const nowMs = this.host.nowMs();
    const item: StoredTyped<Kind> = {
      kind,
      id,
      folder,
      version: 0,
      identity: kind === 'calendar' ? (identity ?? madeUpIdentity(id)) : null,
      searchKey: hash128(id),
      stamp,
      receipt: null,
      itemClass,
      fields: this.kept({ ...plainFields[kind], ...fields } as TypedFields[Kind]),
      occurrences: new Map(),
      deletedDays: new Set(),
      extras,
      createdAt: nowMs,
      modifiedAt: nowMs,
    };
    this.items.set(id, item);
    this.written(item);
    return item;
  }

  /** Keeps the bytes of an attachment, for `attachments` of fields and overrides. */
  keep(bytes: Uint8Array, head: Omit<AttachmentHead, 'hash' | 'sizeBytes'>): AttachmentHead {
    const made = attachmentHead(bytes, head);
    this.bytes.set(made.hash, bytes);
    return made;
  }

  bytesOf(hash: string): Uint8Array | null {
    return this.bytes.get(hash) ?? null;
  }

  /** @param between Runs after the fields were written and before the occurrences are, since those are requests of their own. */
  edit<Kind extends TypedKind>(
    id: ItemId,
    { set, occurrences, receipt }: Omit<TypedEdit<Kind>, 'attachments'>,
    between: () => void = () => {},
  ): StoredTyped<Kind> {
    const item = this.mustFind<Kind>(id);
    const wasSeries = recurrenceOf(item.fields) !== null;
    item.fields = this.kept({ ...item.fields, ...set });
    if (receipt !== undefined) item.receipt = receipt;
    if ('recurrence' in set || (wasSeries && 'when' in set)) {
      item.occurrences = new Map();
      item.deletedDays = new Set();
    }
    this.written(item);
    return occurrences.length === 0 ? item : this.writeOccurrences(id, occurrences, between);
  }

  /** Occurrences as they are to be, one after the other. */
  writeOccurrences<Kind extends TypedKind>(
    id: ItemId,
    occurrences: TypedEdit['occurrences'],
    before: () => void = () => {},
  ): StoredTyped<Kind> {
    before();
    for (const occurrence of occurrences) {
      if (occurrence.do === 'delete') this.deleteOccurrence(id, occurrence.day);
      else this.writeOccurrence(this.mustFind(id), occurrence.day, occurrence.overrides);
    }
    return this.mustFind(id);
  }

  /** What is given joins what the occurrence has for itself already. */
  editOccurrence(id: ItemId, day: Day, overrides: OccurrenceOverrides): void {
    const item = this.mustFind(id);
    this.writeOccurrence(item, day, { ...item.occurrences.get(day), ...overrides });
  }

  deleteOccurrence(id: ItemId, day: Day): void {
    const item = this.mustFind(id);
    this.mustHaveDay(item, day);
    item.occurrences = new Map([...item.occurrences].filter(([other]) => other !== day));
    item.deletedDays = new Set([...item.deletedDays, day]);
    this.written(item);
  }

  move(id: ItemId, to: FolderId): StoredTyped {
    const item = this.mustFind(id);
    this.items.delete(id);
    this.host.note('delete', item.folder, id);
    const moved = { ...item, id: this.host.freshId(), folder: to };
    this.items.set(moved.id, moved);
    this.written(moved);
    return moved;
  }

  remove(id: ItemId): void {
    const item = this.mustFind(id);
    this.items.delete(id);
    this.recoverable.set(id, item);
    this.host.note('delete', item.folder, id);
  }

  /** The server itself writes the item again: its version moves and nothing else. */
  touch(id: ItemId): void {
    this.written(this.mustFind(id));
  }

  // -- what a reader sees --

  find<Kind extends TypedKind>(kind: Kind, id: ItemId): StoredTyped<Kind> | null {
    const item = this.items.get(id);
    return item?.kind === kind ? (item as unknown as StoredTyped<Kind>) : null;
  }

  head(item: StoredTyped): TypedHead {
    return {
      id: item.id,
      version: versionOf(item),
      folder: item.folder,
      itemClass: item.itemClass,
      identity: item.identity,
      stamp: item.stamp,
      receipt: item.receipt,
      searchKey: item.searchKey,
      sizeBytes: JSON.stringify([item.fields, [...item.occurrences]]).length + this.attachedBytes(item),
      createdAt: item.createdAt,
      modifiedAt: item.modifiedAt,
    };
  }

  show<Kind extends TypedKind>(item: StoredTyped<Kind>): TypedItem<Kind> {
    const byDay = [...item.occurrences].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      kind: item.kind,
      head: this.head(item),
      fields: item.fields,
      // One that was put back to what its series has stays an exception, and is listed as such, until a new pattern drops it.
      occurrences: byDay.map(([day, own]) => ({
        day,
        overrides: differing(item.fields as unknown as EventFields, day, own),
      })),
      deletedDays: [...item.deletedDays].sort(),
      extras: item.extras,
    };
  }

  private attachedBytes({ fields, occurrences }: StoredTyped): number {
    return [fields, ...occurrences.values()]
      .flatMap((holder) => ('attachments' in holder ? (holder.attachments ?? []) : []))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  private writeOccurrence(item: StoredTyped, day: Day, overrides: OccurrenceOverrides): void {
    this.mustHaveDay(item, day);
    if (item.deletedDays.has(day))
      throw refused(`the occurrence of ${day} was deleted: only a new pattern brings it back`);
    item.occurrences = new Map([...item.occurrences, [day, this.kept(overrides)]]);
    this.written(item);
  }

  private mustHaveDay(item: StoredTyped, day: Day): void {
    const recurrence = recurrenceOf(item.fields);
    if (recurrence === null || !isOccurrenceDay(recurrence, day)) throw refused(`there is no occurrence on ${day}`);
  }

  private mustFind<Kind extends TypedKind>(id: ItemId): StoredTyped<Kind> {
    const item = this.items.get(id);
    if (!item) throw new FaultError({ kind: 'gone', detail: 'the item is not there' });
    return item as unknown as StoredTyped<Kind>;
  }

  private kept<Fields extends object>(fields: Fields): Fields {
    return this.habits.normalises ? normalised(fields) : fields;
  }

  private written(item: StoredTyped): void {
    item.version++;
    item.modifiedAt = this.host.nowMs();
    this.host.note('upsert', item.folder, item.id);
  }
}

export const versionOf = ({ version }: Pick<StoredTyped, 'version'>): Version => `v${version}` as Version;

/** A clean global object id whose data is made of the item's id ([MS-OXOCAL] 2.2.1.27). */
const madeUpIdentity = (id: ItemId): EventIdentity =>
  `040000008200E00074C5B7101A82E0080000000000000000000000000000000010000000${hash128(id).toUpperCase()}` as EventIdentity;

/** Of what an occurrence has for itself, what is not as the series has it. */
function differing(series: EventFields, day: Day, own: OccurrenceOverrides): OccurrenceOverrides {
  return Object.fromEntries(
    Object.entries(own).filter(([field, value]) => {
      if (field !== 'when') return JSON.stringify(value) !== JSON.stringify(series[field as keyof EventFields]);
      const { when = series.when } = own;
      const usual = occurrenceSpan(series.when, day);
      return when.start !== usual.start || when.end !== usual.end || when.isAllDay !== series.when.isAllDay;
    }),
  );
}
