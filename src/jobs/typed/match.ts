import type { TypedDecision } from '#engine/join-typed-decisions.ts';
import type { TypedMerge } from '#engine/merge-typed.ts';
import type { ItemId, LinkId, Side } from '#model/ids.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedEdit, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { TypedIntentRow, TypedLinkRow } from '#model/typed-link.ts';
import { madeAgain, sameIdentity } from '../rivals.ts';
import type { TypedContext } from './typed-context.ts';

type Compare = Extract<TypedDecision, { do: 'compare' }>;
type Adopt = Extract<TypedDecision, { do: 'adopt' }>;

/** Two items that belong together and may differ. */
export interface Match {
  /** As recorded, with ids and folders of now; null: nobody had linked them. */
  readonly link: TypedLinkRow | null;
  readonly left: { readonly id: ItemId; readonly head: TypedHead | null };
  readonly right: { readonly id: ItemId; readonly head: TypedHead | null };
  readonly intent: TypedIntentRow | null;
  readonly reason: string;
  /** The link is recorded with another id or folder, so it is recorded anew whatever the merge finds. */
  readonly isElsewhere: boolean;
  /** Of the link that there is, or is to be. */
  readonly id: LinkId;
}

export const matchOfCompare = ({ link, left, right, because }: Compare): Match => ({
  id: link.id,
  link,
  left: { id: link.left.id, head: left },
  right: { id: link.right.id, head: right },
  intent: null,
  isElsewhere: because !== 'changed',
  reason: because === 'changed' ? 'changed' : because === 'moved' ? 'moved' : madeAgain,
});

/** Both sides are read, whatever their versions. */
export const matchOfRetry = (link: TypedLinkRow): Match => ({
  id: link.id,
  link,
  left: { id: link.left.id, head: null },
  right: { id: link.right.id, head: null },
  intent: null,
  isElsewhere: false,
  reason: 'tried again',
});

export const matchOfAdopt = (context: TypedContext, { left, right, by, intent }: Adopt): Match => ({
  id: adoptedLinkId(context, left, right),
  link: null,
  left: { id: left.id, head: left },
  right: { id: right.id, head: right },
  intent,
  isElsewhere: false,
  reason: intent
    ? 'its answer had been lost; found again by its stamp'
    : by === 'stamp'
      ? 'already there with our stamp'
      : sameIdentity,
});

/**
 * The same for the same two items: what lost when they were found is told before it is done, of their link, and not once more when they
 * are found again because that failed. Begins with a time, as all ids of links do.
 */
function adoptedLinkId({ pair }: TypedContext, left: TypedHead, right: TypedHead): LinkId {
  const time = Buffer.alloc(6);
  time.writeUIntBE(Math.max(0, left.createdAt ?? right.createdAt ?? 0), 0, 6);
  return `${time.toString('hex')}${hash128(JSON.stringify([pair.id, left.id, right.id])).slice(0, 20)}` as LinkId;
}

/** Both sides of one match as they are now, and what is to be written. */
export interface Merged<Kind extends TypedKind> {
  readonly match: Match;
  readonly now: Readonly<Record<Side, TypedItem<Kind>>>;
  readonly merge: TypedMerge<Kind>;
}

/** Names of what an edit sets, for people. */
export function fieldsOf(edit: TypedEdit): string {
  const days = edit.occurrences.map((o) => `${o.day}${o.do === 'delete' ? ' deleted' : ''}`);
  return [...Object.keys(edit.set), ...days].join(', ');
}
