import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, Side } from '#model/ids.ts';
import { type StampKey, stampKey } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedIntentRow, TypedLinkRow } from '#model/typed-link.ts';
import type { FeedEntry, TypedKnowledge } from './join-typed-decisions.ts';

export const sides = ['left', 'right'] as const satisfies readonly Side[];
export type Known = Omit<TypedKnowledge, 'gone'>;

/** What a join asks again and again. */
export interface Index {
  /** Last word of the feeds about an id; null: deleted. */
  readonly entries: Readonly<Record<Side, ReadonlyMap<ItemId, TypedHead | null>>>;
  /** Items without a link. What a decision was made about is taken out. */
  readonly fresh: Readonly<Record<Side, Map<ItemId, TypedHead>>>;
  readonly byIdentity: ReadonlyMap<EventIdentity, readonly TypedLinkRow[]>;
  readonly byStamp: ReadonlyMap<StampKey, TypedLinkRow>;
}

export function indexOf(known: Known): Index {
  const entries = { left: lastWords(known.left), right: lastWords(known.right) };
  const linked = {
    left: new Set(known.links.map((l) => l.left.id)),
    right: new Set(known.links.map((l) => l.right.id)),
  };
  const fresh = { left: new Map<ItemId, TypedHead>(), right: new Map<ItemId, TypedHead>() };
  for (const { side, head } of known.unlinked) {
    if (!linked[side].has(head.id) && entries[side].get(head.id) !== null) fresh[side].set(head.id, head);
  }
  for (const side of sides) {
    for (const [id, head] of entries[side]) if (head && !linked[side].has(id)) fresh[side].set(id, head);
  }
  const byIdentity = new Map<EventIdentity, TypedLinkRow[]>();
  const byStamp = new Map<StampKey, TypedLinkRow>();
  for (const link of known.links) {
    if (link.identity !== null) byIdentity.set(link.identity, [...(byIdentity.get(link.identity) ?? []), link]);
    if (link.stampKey !== null) byStamp.set(link.stampKey, link);
  }
  return { entries, fresh, byIdentity, byStamp };
}

function lastWords(feed: readonly FeedEntry[]): ReadonlyMap<ItemId, TypedHead | null> {
  const words = new Map<ItemId, TypedHead | null>();
  for (const entry of feed) {
    if (entry.kind === 'upsert') words.set(entry.head.id, entry.head);
    else if (entry.kind === 'delete') words.set(entry.id, null);
  }
  return words;
}

/** Items that carry the stamp of an open intent, where it was to be made. */
export function copiesOfIntents(
  { intents }: Known,
  { fresh }: Index,
): readonly { readonly copy: TypedHead; readonly intent: TypedIntentRow }[] {
  const byStamp = new Map(intents.map((i) => [`${i.side} ${i.stampKey}`, i]));
  return sides.flatMap((side) =>
    [...fresh[side].values()].flatMap((copy) => {
      const intent = copy.stamp ? byStamp.get(`${side} ${stampKey(copy.stamp)}`) : undefined;
      return intent ? [{ copy, intent }] : [];
    }),
  );
}

/** Links of what may be the same thing as an item without a link. */
export function linksLike({ byIdentity, byStamp }: Index, head: TypedHead): readonly TypedLinkRow[] {
  const stamped = head.stamp ? byStamp.get(stampKey(head.stamp)) : undefined;
  const same = (head.identity && byIdentity.get(head.identity)) || [];
  return stamped && !same.includes(stamped) ? [...same, stamped] : same;
}

/** An item of one identity belongs into a folder once. */
export const placeOf = (identity: EventIdentity, folder: FolderId): string => `${identity} ${folder}`;

/** Whether an end of a link is not there any more, or is already known to be gone. */
export const isMissing = (known: TypedKnowledge, index: Index, link: TypedLinkRow, side: Side): boolean =>
  index.entries[side].get(link[side].id) === null ||
  link.state === `${side}-gone` ||
  known.gone[side].has(link[side].id);
