/** Which items of a folder are the same thing twice: by their identity, or because everything that a person can see of them is equal. */
import type { AttachmentHead, EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedItem } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import { shown } from './shown.ts';

/** What it takes to find an item's duplicates, small enough to be held for every item of a mailbox. */
export interface ItemDigest {
  readonly id: ItemId;
  readonly folder: FolderId;
  readonly sizeBytes: number;
  readonly identity: EventIdentity | null;
  /** Equal for items of which a person sees the same, and for no others. */
  readonly content: string;
}

export interface DuplicateGroup {
  readonly because: 'same identity' | 'equal content';
  readonly items: readonly ItemDigest[];
}

/** State that no program shows to a person: what a server or Outlook notes down for its own protocol. */
const unseen: ReadonlySet<string> = new Set([
  'sequence',
  'ownerCriticalChangeAt',
  'attendeeCriticalChangeAt',
  'intendedShowAs',
  'invited',
  'myResponseAt',
]);

export function digestOf(item: TypedItem): ItemDigest {
  const { id, folder, sizeBytes, identity, itemClass } = item.head;
  const values = item.fields as unknown as Readonly<Record<string, unknown>>;
  const { fields, occurrences } = shown(item);
  const facts = Object.entries(typedRows(item.kind)).flatMap(([field, row]) =>
    row.carriage === 'fact' ? [[field, values[field] ?? null]] : [],
  );
  const text = JSON.stringify([
    item.kind,
    itemClass.toLowerCase(),
    Object.entries(fields).filter(([field]) => !unseen.has(field)),
    Object.entries(occurrences).map(([day, shownThere]) => [
      day,
      shownThere === 'deleted' ? shownThere : Object.entries(shownThere).filter(([field]) => !unseen.has(field)),
    ]),
    facts,
    // `shown` knows an attached item by its name, which proves nothing.
    attachedItems(item),
  ]);
  return { id, folder, sizeBytes, identity, content: hash128(text) };
}

function attachedItems({ fields, occurrences }: TypedItem): readonly string[] {
  const heads: readonly AttachmentHead[] = [
    ...('attachments' in fields ? fields.attachments : []),
    ...occurrences.flatMap(({ overrides }) => overrides.attachments ?? []),
  ];
  return heads.flatMap(({ kind, hash }) => (kind === 'item' ? [hash] : [])).sort();
}

/** Groups of two and more in one folder. What has its identity twice is in no second group. */
export function findDuplicates(items: readonly ItemDigest[]): readonly DuplicateGroup[] {
  const byIdentity = grouped(items, ({ identity, folder }) => (identity === null ? null : `${identity} ${folder}`));
  const taken = new Set(byIdentity.flat());
  const rest = items.filter((item) => !taken.has(item));
  return [
    ...byIdentity.map((group): DuplicateGroup => ({ because: 'same identity', items: group })),
    ...grouped(rest, ({ content, folder }) => `${content} ${folder}`).map(
      (group): DuplicateGroup => ({ because: 'equal content', items: group }),
    ),
  ];
}

function grouped<T>(things: readonly T[], keyOf: (thing: T) => string | null): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    if (key === null) continue;
    const group = groups.get(key);
    if (group) group.push(thing);
    else groups.set(key, [thing]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
