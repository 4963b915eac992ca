import { joinQuestions } from '#engine/join-typed.ts';
import type { FeedEntry, TypedKnowledge } from '#engine/join-typed-decisions.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { ItemId, Side } from '#model/ids.ts';
import { loneOccurrence } from '#model/lone-occurrence.ts';
import { type StampKey, stampKey } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { counterpart, type TypedContext } from './typed-context.ts';
import { whichAreGone } from './which-are-gone.ts';

const GONE_MAX = 5_000;
/** Ids of one look-up in the store. */
const PIECE = 500;

/** What a join needs besides the feeds. @param waiting Unlinked items whose wait may be over. */
export async function gather(
  context: TypedContext,
  left: readonly FeedEntry[],
  right: readonly FeedEntry[],
  waiting: readonly UnlinkedRow[],
): Promise<TypedKnowledge> {
  const { store, pair } = context;
  const heads = [...headsOf(left), ...headsOf(right), ...waiting.map((u) => u.head)];
  const identities = [...new Set(heads.flatMap((h) => (h.identity === null ? [] : withSeries(h.identity))))];
  const stamps = [...new Set(heads.flatMap((h) => (h.stamp === null ? [] : [stampKey(h.stamp)])))];
  const [byLeft, byRight, byIdentity, gone, intents, ...unlinked] = await Promise.all([
    pieces(idsOf(left, waiting, 'left'), (ids) => store.typedLinks(pair.id, 'left', ids)),
    pieces(idsOf(right, waiting, 'right'), (ids) => store.typedLinks(pair.id, 'right', ids)),
    pieces(identities, (some) => store.typedLinksByIdentity(pair.id, some)),
    store.typedLinksGone(pair.id, GONE_MAX),
    store.typedIntents(pair.id),
    ...(['left', 'right'] as const).flatMap((side) => [
      pieces<EventIdentity, UnlinkedRow>(identities, (some) => store.unlinkedByIdentity(pair.id, side, some)),
      pieces<StampKey, UnlinkedRow>(stamps, (some) => store.unlinkedByStamp(pair.id, side, some)),
    ]),
  ]);
  const links = new Map<TypedLinkRow['id'], TypedLinkRow>(
    [...byLeft, ...byRight, ...byIdentity, ...gone].map((l) => [l.id, l]),
  );
  const rows = new Map([...waiting, ...unlinked.flat()].map((u) => [`${u.side} ${u.head.id}`, u]));
  const known = {
    pass: context.pass,
    policy: context.policy,
    lookedForSinceMs: lookedForSince(context),
    left,
    right,
    links: [...links.values()],
    intents,
    unlinked: [...rows.values()].filter(({ side, head }) => !context.refused[side].has(head.id)),
    apart: context.apart,
    setAside: { left: setAsideIn(context, left), right: setAsideIn(context, right) },
    counterpart: (side: Side, folder: TypedHead['folder']) => counterpart(context, side, folder),
  };
  const questions = joinQuestions(known);
  const [goneLeft, goneRight] = await Promise.all([
    whichAreGone(context, 'left', questions.left),
    whichAreGone(context, 'right', questions.right),
  ]);
  return { ...known, gone: { left: goneLeft, right: goneRight } };
}

/**
 * When the last pass that went through had begun. What no feed of that one and of this one shows is nowhere: it may be moved to a folder
 * that a pass has read, out of one that this pass has still to read, but not in two of them.
 */
const lookedForSince = ({ pair: { lastPass } }: TypedContext): number =>
  lastPass === null || lastPass.outcome === 'stopped' ? Number.NEGATIVE_INFINITY : lastPass.startedAtMs;

/** What waits for the operator is not tried again, unless somebody changed it since. @param entries Of one side. */
function setAsideIn({ failed }: TypedContext, entries: readonly FeedEntry[]): ReadonlySet<ItemId> {
  const changed = new Set(headsOf(entries).map(({ id }) => id));
  return new Set(
    [...failed.values()].filter(({ left, retry }) => !retry && !changed.has(left)).map(({ left }) => left),
  );
}

/** An occurrence without its series has to do with that, wherever it is. */
const withSeries = (identity: EventIdentity): readonly EventIdentity[] => {
  const lone = loneOccurrence(identity);
  return lone === null ? [identity] : [identity, lone.series];
};

const headsOf = (entries: readonly FeedEntry[]): readonly TypedHead[] =>
  entries.flatMap((e) => (e.kind === 'upsert' ? [e.head] : []));

const idsOf = (entries: readonly FeedEntry[], waiting: readonly UnlinkedRow[], side: Side): readonly ItemId[] => [
  ...entries.flatMap((e) => (e.kind === 'upsert' ? [e.head.id] : e.id === null ? [] : [e.id])),
  ...waiting.flatMap((u) => (u.side === side ? [u.head.id] : [])),
];

async function pieces<Key, Row>(
  keys: readonly Key[],
  find: (some: readonly Key[]) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const found: Row[] = [];
  for (let at = 0; at < keys.length; at += PIECE) found.push(...(await find(keys.slice(at, at + PIECE))));
  return found;
}
