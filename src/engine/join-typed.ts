/**
 * Joins what the feeds of both sides show with what is recorded, and decides what is to be done about every item. No item is read for it:
 * versions, folders, identities and stamps tell which ones have to be.
 */
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, Side } from '#model/ids.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import { firstIdOf, readStamp, stampKey } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedIntentRow } from '#model/typed-link.ts';
import type { TypedDecision, TypedKnowledge } from './join-typed-decisions.ts';
import { duplicates, partition } from './join-typed-duplicates.ts';
import { copiesOfIntents, type Index, indexOf, type Known, linksLike, placeOf, sides } from './join-typed-index.ts';
import { decideLink, unlinkDisplaced, unlinkDoubles } from './join-typed-links.ts';
import { otherSide } from './merge-context.ts';

/**
 * Ids to look up before the join: an item without a link that has the identity or the stamp of a linked one is that one moved, or another;
 * and so are two without a link in two folders.
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
    for (const { id } of inSeveralFolders([...index.fresh[side].values()])) ask[side].add(id);
  }
  for (const { intent } of copiesOfIntents(known, index)) {
    const from = otherSide(intent.side);
    if (!index.fresh[from].has(intent.from.id)) ask[from].add(intent.from.id);
  }
  return { left: [...ask.left], right: [...ask.right] };
}

export function joinTyped(known: TypedKnowledge): readonly TypedDecision[] {
  const index = indexOf(known);
  for (const side of sides) for (const id of known.gone[side]) index.fresh[side].delete(id);
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

/** Of items without a link, those of which another folder shows the identity as well, or the stamp, where there is none. */
function inSeveralFolders(heads: readonly TypedHead[]): readonly TypedHead[] {
  const folders = new Map<string, Set<FolderId>>();
  const nameOf = ({ identity, stamp }: TypedHead): string | null => identity ?? stamp;
  for (const head of heads) {
    const name = nameOf(head);
    if (name !== null) folders.set(name, (folders.get(name) ?? new Set()).add(head.folder));
  }
  return heads.filter((head) => (folders.get(nameOf(head) ?? '')?.size ?? 0) > 1);
}

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
