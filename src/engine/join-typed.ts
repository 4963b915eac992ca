/**
 * Joins what the feeds of both sides show with what is recorded, and decides what is to be done about every item. No item is read for it:
 * versions, folders, identities and stamps tell which ones have to be.
 */
import { must } from '#kit/assert.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, LinkId, Side, Version } from '#model/ids.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import type { TypedPolicy } from '#model/policy.ts';
import { firstIdOf, readStamp, type StampKey, stampKey } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { LinkEnd, TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { otherSide } from './merge-context.ts';

/** One entry of a change feed, as the connectors hand it out (`TypedChange`). */
export type FeedEntry =
  | { readonly kind: 'upsert'; readonly head: TypedHead }
  | { readonly kind: 'delete'; readonly id: ItemId }
  | { readonly kind: 'unreadable'; readonly id: ItemId | null; readonly detail: string };

/** Everything that a join looks at. Rows that have nothing to do with an entry may be among them and change nothing. */
export interface TypedKnowledge {
  /** Number of this pass. */
  readonly pass: number;
  readonly policy: TypedPolicy;
  /** Wall clock since when passes look for copies: an intent that had not settled by then may still appear. */
  readonly lookedForSinceMs: number;
  /** Entries of all feeds of a side, in order; of several about one id the last one counts. */
  readonly left: readonly FeedEntry[];
  readonly right: readonly FeedEntry[];
  /** Links by id, identity or stamp of an entry, and all that are `left-gone` or `right-gone`. */
  readonly links: readonly TypedLinkRow[];
  readonly intents: readonly TypedIntentRow[];
  /** Unlinked items of either side with the identity or stamp of an entry, and those whose folder has come in step or whose wait is over. */
  readonly unlinked: readonly UnlinkedRow[];
  /** Of the ids that `joinQuestions` asked for, those under which nothing is any more. */
  readonly gone: { readonly left: ReadonlySet<ItemId>; readonly right: ReadonlySet<ItemId> };
  /** Occurrences that are there by themselves, of days that the series beside them does not have (`settleDuplicates`): items of their own. */
  readonly apart: Readonly<Record<Side, ReadonlySet<ItemId>>>;
  /** Items that could not be carried over, wait for the operator, and were not changed since: nothing is made of them. */
  readonly setAside: Readonly<Record<Side, ReadonlySet<ItemId>>>;
  /** Folder of the other side that corresponds to a folder of `side`; null: not in step. */
  readonly counterpart: (side: Side, folder: FolderId) => FolderId | null;
}

/** What is to be done about one item or two. Plain data; `plan` prints it. */
export type TypedDecision =
  /**
   * New on one side. Look for its identity in `folder` once more right before the create: a rival may have been faster. What is created is
   * what `asCreatedOn` makes of it.
   */
  | { readonly do: 'create'; readonly on: Side; readonly folder: FolderId; readonly from: TypedHead }
  /** They are the same thing and nobody had linked them: read both, merge without base, link. */
  | {
      readonly do: 'adopt';
      readonly left: TypedHead;
      readonly right: TypedHead;
      readonly by: 'stamp' | 'identity';
      /** Resolved by this. */
      readonly intent: TypedIntentRow | null;
    }
  /**
   * A copy of ours whose answer was lost, and what it was made of went away before the two were linked. They are linked as if they had
   * been before: it waits whether that turns up elsewhere, and goes like any other twin when it does not.
   */
  | { readonly do: 'orphan'; readonly copy: TypedHead; readonly intent: TypedIntentRow }
  /**
   * A linked item is at another version, in another folder, or under another id. Read the sides that have a head; when what they show
   * equals `seen` it was a touch and only the link is recorded; otherwise read the other side too and merge.
   */
  | {
      readonly do: 'compare';
      /** With the ids and folders of now; versions and snapshots as recorded. */
      readonly link: TypedLinkRow;
      readonly left: TypedHead | null;
      readonly right: TypedHead | null;
      /** Where one side has to move its item; null: both are where they belong. */
      readonly move: { readonly on: Side; readonly to: FolderId } | null;
      /** Folders were changed on both sides: the loser, for the journal. */
      readonly movedApart: { readonly left: FolderId; readonly right: FolderId; readonly winner: Side } | null;
      readonly because: 'changed' | 'moved' | 'recreated';
    }
  /** Our own write or nothing new: record the link when it differs from what is recorded. */
  | { readonly do: 'see'; readonly link: TypedLinkRow }
  /** Missed on a side since this pass: the link is recorded as gone there and waits one pass for its create elsewhere. */
  | { readonly do: 'wait'; readonly link: TypedLinkRow }
  /** The wait is over. Read the other side's item (the end that is not gone) and ask `settleGone`. */
  | { readonly do: 'settle'; readonly link: TypedLinkRow; readonly gone: Side }
  /** Gone on both sides. */
  | { readonly do: 'forget'; readonly link: TypedLinkRow }
  /**
   * Another link has the same identity in the same two folders: somebody moved one copy of an item to where another was. Or its items lie in
   * folders that do not correspond, and there is another one where one of them belongs. Its items are looked at as if nobody had linked them.
   */
  | { readonly do: 'unlink'; readonly link: TypedLinkRow }
  /** One-way only: a person removed the copy on the right; it is not made again. */
  | { readonly do: 'stay-gone'; readonly link: TypedLinkRow }
  /**
   * Several items with one identity in one folder, or a series and occurrences of it that are there by themselves. Read all, ask `settleDuplicates`. What stays without a link is recorded as unlinked, so
   * that the next pass adopts it. When another one stays than the linked one, the link takes over its id, keeps its snapshots, and is merged
   * at once: the feed has shown that item already.
   */
  | {
      readonly do: 'dedupe';
      readonly on: Side;
      /** Those without a link. */
      readonly heads: readonly TypedHead[];
      /** Its item on `on` is one of them as well. */
      readonly link: TypedLinkRow | null;
    }
  /** Recorded as unlinked. */
  | {
      readonly do: 'leave';
      readonly side: Side;
      readonly head: TypedHead;
      /**
       * `series-waits`: an occurrence without its series, which the other side has. Whether it comes to be here is settled first.
       * `twin-unsettled`: its identity is in that folder already, twice or in another link; this pass settles that, the next one links it.
       */
      readonly because: 'not-in-step' | 'one-way' | 'intent-open' | 'series-waits' | 'twin-unsettled';
    };

const sides = ['left', 'right'] as const satisfies readonly Side[];
type Known = Omit<TypedKnowledge, 'gone'>;

/**
 * Ids to look up before the join: an item without a link that has the identity or the stamp of a linked one is that one moved, or another.
 * Feeds that show both do not tell: they are read one after the other, and it may have been moved in between.
 */
export function joinQuestions(known: Known): Readonly<Record<Side, readonly ItemId[]>> {
  const ask = { left: new Set<ItemId>(), right: new Set<ItemId>() };
  const index = indexOf(known);
  for (const side of sides) {
    for (const head of index.fresh[side].values()) {
      for (const link of linksLike(index, head)) {
        if (link.state !== `${side}-gone` && index.entries[side].get(link[side].id) !== null)
          ask[side].add(link[side].id);
      }
    }
  }
  for (const { intent } of copiesOfIntents(known, index)) {
    const from = otherSide(intent.side);
    if (!index.fresh[from].has(intent.from.id)) ask[from].add(intent.from.id);
  }
  return { left: [...ask.left], right: [...ask.right] };
}

interface Index {
  /** Last word of the feeds about an id; null: deleted. */
  readonly entries: Readonly<Record<Side, ReadonlyMap<ItemId, TypedHead | null>>>;
  /** Items without a link. What a decision was made about is taken out. */
  readonly fresh: Readonly<Record<Side, Map<ItemId, TypedHead>>>;
  readonly byIdentity: ReadonlyMap<EventIdentity, readonly TypedLinkRow[]>;
  readonly byStamp: ReadonlyMap<StampKey, TypedLinkRow>;
}

function indexOf(known: Known): Index {
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

/** Items that carry the stamp of an open intent, where it was to be made. */
function copiesOfIntents(
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

function lastWords(feed: readonly FeedEntry[]): ReadonlyMap<ItemId, TypedHead | null> {
  const words = new Map<ItemId, TypedHead | null>();
  for (const entry of feed) {
    if (entry.kind === 'upsert') words.set(entry.head.id, entry.head);
    else if (entry.kind === 'delete') words.set(entry.id, null);
  }
  return words;
}

/** Links of what may be the same thing as an item without a link. */
function linksLike({ byIdentity, byStamp }: Index, head: TypedHead): readonly TypedLinkRow[] {
  const stamped = head.stamp ? byStamp.get(stampKey(head.stamp)) : undefined;
  const same = (head.identity && byIdentity.get(head.identity)) || [];
  return stamped && !same.includes(stamped) ? [...same, stamped] : same;
}

export function joinTyped(known: TypedKnowledge): readonly TypedDecision[] {
  const index = indexOf(known);
  const decisions: TypedDecision[] = [];
  for (const link of known.links) {
    const decision = decideLink(known, index, link);
    if (decision) decisions.push(decision);
  }
  unlinkDoubles(known, decisions);
  unlinkDisplaced(known, index, decisions);
  const dedupes = duplicates(known, index, decisions);
  // What is left of a link whose twin is gone is settled when it is clear which of several items that is.
  for (const { link } of dedupes) {
    const at = decisions.findIndex((d) => d.do === 'settle' && d.link.id === link?.id);
    if (link !== null && at >= 0) decisions[at] = { do: 'wait', link };
  }
  decisions.push(...dedupes, ...adoptions(known, index));
  // After adoptions: another item may be the same thing. What was recorded as a link by now is told by that.
  for (const { copy, intent } of copiesOfIntents(known, index)) {
    const from = otherSide(intent.side);
    const isGone = index.entries[from].get(intent.from.id) === null || known.gone[from].has(intent.from.id);
    if (!isGone || index.byStamp.has(intent.stampKey)) continue;
    index.fresh[intent.side].delete(copy.id);
    decisions.push({ do: 'orphan', copy, intent });
  }
  const places = { left: takenPlaces(known, decisions, 'left'), right: takenPlaces(known, decisions, 'right') };
  const news = { left: partition([...index.fresh.left.values()]), right: partition([...index.fresh.right.values()]) };
  for (const side of sides)
    for (const head of news[side].whole) decisions.push(...decideNew(known, side, head, places));
  const coming = { left: comingSeries(known, decisions, 'left'), right: comingSeries(known, decisions, 'right') };
  for (const side of sides)
    for (const head of news[side].lone) decisions.push(...decideNew(known, side, head, places, coming[side]));
  return decisions;
}

const placeOf = (identity: EventIdentity, folder: FolderId): string => `${identity} ${folder}`;

/** Folders of a side in which an identity is already, by a link or by what has just been decided: a copy there would be a second one. */
function takenPlaces(known: TypedKnowledge, decisions: readonly TypedDecision[], on: Side): ReadonlySet<string> {
  const links = new Map(known.links.map((l) => [l.id, l]));
  const places = new Set<string>();
  const take = ({ identity, folder }: Pick<TypedHead, 'identity' | 'folder'>): void => {
    if (identity !== null) places.add(placeOf(identity, folder));
  };
  for (const decision of decisions) {
    if (decision.do === 'dedupe' && decision.on === on) decision.heads.forEach(take);
    if (decision.do === 'adopt') take(decision[on]);
    // What becomes of a link stands in the decision about it, and not in that about its duplicate.
    if (decision.do !== 'dedupe' && 'link' in decision && decision.link) links.set(decision.link.id, decision.link);
    if (decision.do === 'forget') links.delete(decision.link.id);
  }
  for (const link of links.values()) {
    if (link.state !== `${on}-gone`) take({ identity: link.identity, folder: link[on].folder });
  }
  return places;
}

/**
 * Folders of the other side with a series of which it is open whether it is going to be in the folder of `side` that corresponds: it is
 * missing there and has yet to be settled, is made or moved there by this pass, or lies on the other side several times. Of any other
 * series the next pass knows no more than this one, so nothing may wait for it.
 */
function comingSeries(known: TypedKnowledge, decisions: readonly TypedDecision[], side: Side): ReadonlySet<string> {
  const other = otherSide(side);
  const isOneWay = known.policy.direction === 'one-way';
  const links = new Map(known.links.map((l) => [l.id, l]));
  const places = new Set<string>();
  const add = (identity: EventIdentity | null, folder: FolderId): void => {
    if (identity !== null) places.add(placeOf(identity, folder));
  };
  for (const decision of decisions) {
    if (decision.do !== 'dedupe' && 'link' in decision && decision.link) links.set(decision.link.id, decision.link);
    if (decision.do === 'forget' || decision.do === 'unlink') links.delete(decision.link.id);
    if (isOneWay) continue;
    if (decision.do === 'compare' && decision.move?.on === side)
      add(decision.link.identity, decision.link[other].folder);
    if (decision.do === 'dedupe' && decision.on === other && decision.link === null)
      for (const { identity, folder } of decision.heads) add(identity, folder);
    if (decision.do === 'create' && decision.on === side) add(decision.from.identity, decision.from.folder);
    if (decision.do === 'orphan' && decision.intent.side === other) add(decision.copy.identity, decision.copy.folder);
  }
  for (const { state, goneSincePass, identity, [other]: end } of links.values())
    if (state === `${side}-gone` && goneSincePass !== null) add(identity, end.folder);
  return places;
}

/** Of links with one identity in the same two folders the first stays. Replaces the decisions about the others. */
function unlinkDoubles(known: TypedKnowledge, decisions: TypedDecision[]): void {
  if (known.policy.direction === 'one-way') return;
  const decided = new Map(decisions.flatMap((d, at) => ('link' in d && d.link ? [[d.link.id, at] as const] : [])));
  const places = new Set<string>();
  for (const before of [...known.links].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const at = decided.get(before.id);
    const decision = at === undefined ? undefined : decisions[at];
    if (decision && decision.do !== 'see' && decision.do !== 'compare') continue;
    const { identity, left, right, state } = decision?.link ?? before;
    if (identity === null || state !== 'live') continue;
    const place = `${placeOf(identity, left.folder)} ${right.folder}`;
    if (places.has(place)) {
      const unlink = { do: 'unlink', link: decision?.link ?? before } as const;
      if (at === undefined) decisions.push(unlink);
      else decisions[at] = unlink;
    }
    places.add(place);
  }
}

/**
 * Two items that were found and linked in folders that do not correspond are no twins any more once there is one beside which its
 * other belongs: the person has moved one of them, and machinery, which looks into the default calendar only, made another there.
 */
function unlinkDisplaced(known: TypedKnowledge, index: Index, decisions: TypedDecision[]): void {
  if (known.policy.direction === 'one-way') return;
  const ours = new Set(copiesOfIntents(known, index).map(({ copy }) => copy.id));
  for (const side of sides) {
    const other = otherSide(side);
    for (const { id, identity, folder } of index.fresh[side].values()) {
      if (identity === null || ours.has(id)) continue;
      const links = index.byIdentity.get(identity) ?? [];
      if (links.some((link) => link[side].folder === folder)) continue;
      for (const before of links) {
        const at = decisions.findIndex((d) => 'link' in d && d.link?.id === before.id);
        const decision = decisions[at];
        if (decision && decision.do !== 'see' && (decision.do !== 'compare' || decision.move !== null)) continue;
        const link = decision?.link ?? before;
        if (link.state !== 'live' || link[side].folder === folder) continue;
        if (known.counterpart(side, folder) !== link[other].folder) continue;
        if (at < 0) decisions.push({ do: 'unlink', link });
        else decisions[at] = { do: 'unlink', link };
      }
    }
  }
}

/** One end of a link as it is now. */
interface EndNow {
  readonly end: LinkEnd;
  /** Null: the feed says nothing about it. */
  readonly head: TypedHead | null;
  readonly isMissing: boolean;
}

/** Null: nothing is said about either of its items. */
function decideLink(known: TypedKnowledge, index: Index, link: TypedLinkRow): TypedDecision | null {
  const left = endNow(known, index, link, 'left');
  const right = endNow(known, index, link, 'right');
  const found: TypedLinkRow = { ...link, left: left.end, right: right.end };
  if (left.isMissing && right.isMissing) return { do: 'forget', link: found };
  if (left.isMissing || right.isMissing) {
    // The folders stay as recorded while it waits: a move is told from them, now or when the twin turns up.
    const waiting = {
      ...found,
      left: { ...found.left, folder: link.left.folder },
      right: { ...found.right, folder: link.right.folder },
    };
    return decideGone(known, waiting, left.isMissing ? 'left' : 'right');
  }
  if (!left.head && !right.head && link.state === 'live') return null;
  const alive: TypedLinkRow = { ...found, state: 'live', goneSincePass: null };
  const isNew = ({ head, end }: EndNow, before: LinkEnd): boolean =>
    head !== null && (head.version !== before.version || head.id !== before.id || end.folder !== before.folder);
  const changed = { left: isNew(left, link.left), right: isNew(right, link.right) };
  if (!changed.left && !changed.right) return { do: 'see', link: alive };
  const recreated = left.end.id !== link.left.id || right.end.id !== link.right.id;
  const moved = left.end.folder !== link.left.folder || right.end.folder !== link.right.folder;
  return {
    do: 'compare',
    link: alive,
    left: changed.left ? left.head : null,
    right: changed.right ? right.head : null,
    ...placesAfter(known, link, alive),
    because: moved ? 'moved' : recreated ? 'recreated' : 'changed',
  };
}

function endNow(known: TypedKnowledge, index: Index, link: TypedLinkRow, side: Side): EndNow {
  const end = link[side];
  const word = index.entries[side].get(end.id);
  const isAway = known.gone[side].has(end.id);
  if (word && !isAway) return { end: { ...end, folder: word.folder }, head: word, isMissing: false };
  const isMissing = word === null || link.state === `${side}-gone` || isAway;
  if (!isMissing) return { end, head: null, isMissing };
  // The same thing under another id: moved, or deleted and made again by a client that knows no better way.
  const heads = [...index.fresh[side].values()].filter((h) => linksLike(index, h).includes(link));
  const head = heads.find((h) => h.folder === end.folder) ?? heads[0];
  if (!head) return { end, head: null, isMissing };
  index.fresh[side].delete(head.id);
  // What was recorded is the version of the other one: nothing of this one was read yet, whatever it bears.
  return { end: { ...end, id: head.id, folder: head.folder, version: '' as Version }, head, isMissing: false };
}

function decideGone({ policy, pass }: TypedKnowledge, link: TypedLinkRow, gone: Side): TypedDecision {
  if (gone === 'right' && policy.direction === 'one-way')
    return { do: 'stay-gone', link: { ...link, state: 'right-gone', goneSincePass: null } };
  if (link.state !== `${gone}-gone`)
    return { do: 'wait', link: { ...link, state: `${gone}-gone`, goneSincePass: pass } };
  // Removed by a person while the collection was one-way.
  if (link.goneSincePass === null) return { do: 'stay-gone', link };
  return pass > link.goneSincePass ? { do: 'settle', link, gone } : { do: 'wait', link };
}

/** Where an item has to be moved because its twin was. */
function placesAfter(
  { counterpart, policy }: TypedKnowledge,
  before: TypedLinkRow,
  now: TypedLinkRow,
): Pick<Extract<TypedDecision, { do: 'compare' }>, 'move' | 'movedApart'> {
  const moved = { left: now.left.folder !== before.left.folder, right: now.right.folder !== before.right.folder };
  const none = { move: null, movedApart: null };
  if (!moved.left && !moved.right) return none;
  const wanted = (on: Side): FolderId | null => counterpart(otherSide(on), now[otherSide(on)].folder);
  if (wanted('right') === now.right.folder) return none;
  const moveOn = (on: Side) => {
    const to = wanted(on);
    return to === null || to === now[on].folder || (on === 'left' && policy.direction === 'one-way')
      ? null
      : { on, to };
  };
  if (moved.left !== moved.right) return { move: moveOn(moved.left ? 'right' : 'left'), movedApart: null };
  const winner = policy.conflict === 'source' ? 'left' : policy.conflict === 'target' ? 'right' : policy.active;
  return {
    move: moveOn(otherSide(winner)),
    movedApart: { left: now.left.folder, right: now.right.folder, winner },
  };
}

/** Two with one identity in one folder. @param decided About links: under which ids their items are now, and which of them wait. */
function duplicates(
  known: TypedKnowledge,
  index: Index,
  decided: readonly TypedDecision[],
): readonly Extract<TypedDecision, { do: 'dedupe' }>[] {
  const now = new Map(decided.flatMap((d) => ('link' in d && d.link ? [[d.link.id, d] as const] : [])));
  const decisions: Extract<TypedDecision, { do: 'dedupe' }>[] = [];
  const late = lateCopies(known, index, now);
  const linkIn = (on: Side, identity: EventIdentity, folder: FolderId) =>
    (index.byIdentity.get(identity) ?? [])
      .filter((l) => now.get(l.id)?.do !== 'unlink')
      .map((l) => now.get(l.id)?.link ?? l)
      .find((l) => l[on].folder === folder && !isMissing(known, index, l, on));
  const isOneWay = known.policy.direction === 'one-way';
  const ofSource = new Set(isOneWay ? [...index.fresh.left.values()].map((head) => head.identity) : []);
  // What a one-way source has beside its series, the target has beside its own.
  const isByItself = (on: Side, head: TypedHead) => known.apart[on].has(head.id) || ofSource.has(head.identity);
  for (const on of sides) {
    if (on === 'left' && isOneWay) continue;
    const groups = new Map<string, { readonly identity: EventIdentity; readonly heads: TypedHead[] }>();
    const { lone, whole } = partition([...index.fresh[on].values()]);
    for (const head of [...whole, ...lone]) {
      const { identity: own, folder } = head;
      if (own === null) continue;
      const series = isByItself(on, head) ? undefined : loneOccurrence(own)?.series;
      const isThere = series !== undefined && (groups.has(placeOf(series, folder)) || linkIn(on, series, folder));
      const identity = isThere ? series : own;
      const group = groups.get(placeOf(identity, folder)) ?? { identity, heads: [] };
      group.heads.push(head);
      groups.set(placeOf(identity, folder), group);
    }
    for (const { identity, heads } of groups.values()) {
      const link = linkIn(on, identity, must(heads[0], 'a group has one').folder);
      if (heads.length < 2 && !link) continue;
      const withLate = [...heads, ...late.filter((l) => l.on === on && l.link.id === link?.id).map((l) => l.copy)];
      for (const head of heads) index.fresh[on].delete(head.id);
      decisions.push({ do: 'dedupe', on, heads: withLate, link: link ?? null });
    }
  }
  for (const { on, copy, link } of late) {
    const isSettled = decisions.some((d) => d.on === on && d.heads.includes(copy));
    if (!isSettled) decisions.push({ do: 'dedupe', on, heads: [copy], link });
  }
  return decisions;
}

/** Copies that we made of an item while another that it is linked with by now was made by somebody else, perhaps in another folder. */
function lateCopies(
  known: TypedKnowledge,
  index: Index,
  decided: ReadonlyMap<LinkId, TypedDecision>,
): readonly { readonly on: Side; readonly copy: TypedHead; readonly link: TypedLinkRow }[] {
  return copiesOfIntents(known, index).flatMap(({ copy, intent: { side: on, from } }) => {
    const link = known.links.find((l) => l[otherSide(on)].id === from.id);
    if (link === undefined || link.identity === null || link.identity !== copy.identity) return [];
    if (sides.some((side) => isMissing(known, index, link, side))) return [];
    const decision = decided.get(link.id);
    if (decision?.do === 'unlink' || decision?.do === 'forget') return [];
    // Groups are made of the others, wherever this one lies.
    index.fresh[on].delete(copy.id);
    return [{ on, copy, link: decision !== undefined && 'link' in decision && decision.link ? decision.link : link }];
  });
}

/** Occurrences without their series, and all others. */
function partition(heads: readonly TypedHead[]): Readonly<Record<'lone' | 'whole', readonly TypedHead[]>> {
  const isLone = ({ identity }: TypedHead) => identity !== null && loneOccurrence(identity) !== null;
  return { lone: heads.filter(isLone), whole: heads.filter((head) => !isLone(head)) };
}

const isMissing = (known: TypedKnowledge, index: Index, link: TypedLinkRow, side: Side): boolean =>
  index.entries[side].get(link[side].id) === null ||
  link.state === `${side}-gone` ||
  known.gone[side].has(link[side].id);

/** Items of both sides that are the same thing, copies of open intents first. */
function adoptions(known: TypedKnowledge, index: Index): readonly TypedDecision[] {
  const decisions: TypedDecision[] = [];
  const adopt = (
    copySide: Side,
    copy: TypedHead,
    twin: TypedHead,
    by: 'stamp' | 'identity',
    intent: TypedIntentRow | null,
  ) => {
    index.fresh[copySide].delete(copy.id);
    index.fresh[otherSide(copySide)].delete(twin.id);
    const [left, right] = copySide === 'right' ? [twin, copy] : [copy, twin];
    decisions.push({ do: 'adopt', left, right, by, intent });
  };
  const isExactPlace = (left: TypedHead, right: TypedHead): boolean =>
    known.counterpart('left', left.folder) === right.folder;
  const intents = new Map(known.intents.map((i) => [`${i.side} ${i.stampKey}`, i]));
  const byStamp = (isWanted: (intent: TypedIntentRow | null, left: TypedHead, right: TypedHead) => boolean): void => {
    for (const side of sides) {
      const others = index.fresh[otherSide(side)];
      const byFirstId = new Map([...others.values()].map((h) => [firstIdOf(h.id), h]));
      for (const copy of [...index.fresh[side].values()]) {
        if (!copy.stamp) continue;
        const intent = intents.get(`${side} ${stampKey(copy.stamp)}`) ?? null;
        const twin = (intent && others.get(intent.from.id)) ?? byFirstId.get(readStamp(copy.stamp)?.firstId ?? '');
        if (!twin || !others.has(twin.id)) continue;
        const [left, right] = side === 'right' ? [twin, copy] : [copy, twin];
        if (isWanted(intent, left, right)) adopt(side, copy, twin, 'stamp', intent);
      }
    }
  };
  const rightByIdentity = new Map<EventIdentity, TypedHead[]>();
  for (const head of index.fresh.right.values()) {
    if (head.identity) rightByIdentity.set(head.identity, [...(rightByIdentity.get(head.identity) ?? []), head]);
  }
  const byIdentity = (isWanted: (left: TypedHead, right: TypedHead) => boolean): void => {
    for (const left of [...index.fresh.left.values()]) {
      const twins = (left.identity && rightByIdentity.get(left.identity)) || [];
      const twin = twins.find((right) => index.fresh.right.has(right.id) && isWanted(left, right));
      if (twin) adopt('right', twin, left, 'identity', null);
    }
  };
  // Of copies in several calendars those in corresponding ones belong together, whichever was made of which once.
  byStamp((intent, left, right) => intent !== null || isExactPlace(left, right));
  byIdentity(isExactPlace);
  byStamp(() => true);
  byIdentity(() => true);
  return decisions;
}

/** @param coming Of an occurrence without its series. @returns at most one. */
function decideNew(
  known: TypedKnowledge,
  side: Side,
  head: TypedHead,
  taken: Readonly<Record<Side, ReadonlySet<string>>>,
  coming: ReadonlySet<string> = new Set(),
): readonly TypedDecision[] {
  const decision = leaveOrCreate(known, side, head, taken, coming);
  return decision.do === 'create' && known.setAside[side].has(head.id) ? [] : [decision];
}

function leaveOrCreate(
  { intents, lookedForSinceMs, policy, counterpart }: TypedKnowledge,
  side: Side,
  head: TypedHead,
  taken: Readonly<Record<Side, ReadonlySet<string>>>,
  coming: ReadonlySet<string>,
): TypedDecision {
  const folder = counterpart(side, head.folder);
  if (folder === null) return { do: 'leave', side, head, because: 'not-in-step' };
  if (side === 'right' && policy.direction === 'one-way') return { do: 'leave', side, head, because: 'one-way' };
  const isOpen = intents.some(
    (i) =>
      i.settledAfterMs >= lookedForSinceMs &&
      (i.from.id === head.id || (i.side === side && head.stamp !== null && i.stampKey === stampKey(head.stamp))),
  );
  if (isOpen) return { do: 'leave', side, head, because: 'intent-open' };
  const { identity } = head;
  const lone = identity === null ? null : loneOccurrence(identity);
  const onOther = taken[otherSide(side)];
  // On its own side as well: beside an item that came back under another id, whose twin is gone and made again by this pass.
  if (identity !== null && (onOther.has(placeOf(identity, folder)) || taken[side].has(placeOf(identity, head.folder))))
    return { do: 'leave', side, head, because: 'twin-unsettled' };
  if (lone !== null && coming.has(placeOf(lone.series, folder)))
    return { do: 'leave', side, head, because: 'series-waits' };
  return { do: 'create', on: otherSide(side), folder, from: head };
}
