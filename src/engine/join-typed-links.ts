import type { FolderId, Side, Version } from '#model/ids.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { LinkEnd, TypedLinkRow } from '#model/typed-link.ts';
import type { TypedDecision, TypedKnowledge } from './join-typed-decisions.ts';
import { copiesOfIntents, type Index, linksLike, placeOf, sides } from './join-typed-index.ts';
import { otherSide } from './merge-context.ts';

/** One end of a link as it is now. */
interface EndNow {
  readonly end: LinkEnd;
  /** Null: the feed says nothing about it. */
  readonly head: TypedHead | null;
  readonly isMissing: boolean;
}

/** Null: nothing is said about either of its items. */
export function decideLink(known: TypedKnowledge, index: Index, link: TypedLinkRow): TypedDecision | null {
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

/** Of links with one identity in the same two folders the first stays. Replaces the decisions about the others. */
export function unlinkDoubles(known: TypedKnowledge, decisions: TypedDecision[]): void {
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
export function unlinkDisplaced(known: TypedKnowledge, index: Index, decisions: TypedDecision[]): void {
  if (known.policy.direction === 'one-way') return;
  const ours = new Set(copiesOfIntents(known, index).map(({ copy }) => copy.id));
  for (const side of sides)
    for (const head of index.fresh[side].values())
      if (!ours.has(head.id)) unlinkBeside(known, index, decisions, side, head);
}

/** @param head Without a link. */
function unlinkBeside(
  known: TypedKnowledge,
  { byIdentity }: Index,
  decisions: TypedDecision[],
  side: Side,
  { identity, folder }: TypedHead,
): void {
  const links = (identity !== null && byIdentity.get(identity)) || [];
  if (links.some((link) => link[side].folder === folder)) return;
  for (const before of links) {
    const at = decisions.findIndex((d) => 'link' in d && d.link?.id === before.id);
    const decision = decisions[at];
    if (decision && decision.do !== 'see' && (decision.do !== 'compare' || decision.move !== null)) continue;
    const link = decision?.link ?? before;
    if (link.state !== 'live' || link[side].folder === folder) continue;
    if (known.counterpart(side, folder) !== link[otherSide(side)].folder) continue;
    if (at < 0) decisions.push({ do: 'unlink', link });
    else decisions[at] = { do: 'unlink', link };
  }
}
