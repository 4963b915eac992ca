import { must } from '#kit/assert.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, LinkId, Side } from '#model/ids.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import type { TypedDecision, TypedKnowledge } from './join-typed-decisions.ts';
import { copiesOfIntents, type Index, isMissing, placeOf, sides } from './join-typed-index.ts';
import { otherSide } from './merge-context.ts';

/** Two with one identity in one folder. @param decided About links: under which ids their items are now, and which of them wait. */
export function duplicates(
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
export function partition(heads: readonly TypedHead[]): Readonly<Record<'lone' | 'whole', readonly TypedHead[]>> {
  const isLone = ({ identity }: TypedHead) => identity !== null && loneOccurrence(identity) !== null;
  return { lone: heads.filter(isLone), whole: heads.filter((head) => !isLone(head)) };
}
