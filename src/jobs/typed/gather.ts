import type { FeedEntry, TypedKnowledge } from '#engine/join-typed.ts';
import { joinQuestions } from '#engine/join-typed.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { ItemId, Side } from '#model/ids.ts';
import { type StampKey, stampKey } from '#model/stamp.ts';
import type { TypedHead, TypedItem } from '#model/typed-item.ts';
import type { TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { counterpart, type TypedContext } from './typed-context.ts';

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
  const identities = [...new Set(heads.flatMap((h) => (h.identity === null ? [] : [h.identity])))];
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
    nowMs: context.clock.nowMs(),
    left,
    right,
    links: [...links.values()],
    intents,
    unlinked: [...rows.values()],
    counterpart: (side: Side, folder: TypedHead['folder']) => counterpart(context, side, folder),
  };
  const questions = joinQuestions(known);
  const [goneLeft, goneRight] = await Promise.all([
    whichAreGone(context, 'left', questions.left),
    whichAreGone(context, 'right', questions.right),
  ]);
  return { ...known, gone: { left: goneLeft, right: goneRight } };
}

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

/**
 * Which of these ids name nothing any more. A server that could not answer for one of them leaves the question open, and nothing may be
 * concluded from an open question: the pass stops here and is made again.
 */
async function whichAreGone(context: TypedContext, side: Side, ids: readonly ItemId[]): Promise<ReadonlySet<ItemId>> {
  const gone = new Set<ItemId>();
  const { items, connector } = context.sides[side];
  for (let at = 0; at < ids.length; at += connector.abilities.batchMax) {
    context.checkpoint();
    const some = ids.slice(at, at + connector.abilities.batchMax);
    const answers = await items.read(some, context.call());
    for (const id of some) if (isGone(answers.get(id))) gone.add(id);
  }
  return gone;
}

function isGone(answer: TypedItem | Fault | undefined): boolean {
  if (answer === undefined)
    throw new FaultError({
      kind: 'transient',
      detail: 'no answer for an item that was asked for',
      mayHaveHappened: false,
    });
  if (!isFault(answer)) return false;
  if (answer.kind === 'transient' || answer.kind === 'throttled' || answer.kind === 'fatal')
    throw new FaultError(answer);
  return answer.kind === 'gone';
}
