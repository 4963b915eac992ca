import { cameFrom } from '#engine/join-left.ts';
import type { Side } from '#model/ids.ts';
import { stampKey } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import { longestCreateMs, mayHaveForgotten, waitForForgotten } from '../pass/wait-for-forgotten.ts';
import type { FeedsRead } from './read-feeds.ts';
import type { TypedContext } from './typed-context.ts';

/**
 * Waits until nothing is on its way of which the store knows no more, when copies of ours that it does not know say that there was a life
 * before this one. Where items have an identity, two of one come to be one, and nobody waits.
 *
 * @param read Feeds, before anything of them is linked.
 * @returns whether feeds that were read before it have to be read again.
 */
export async function settleForgotten(context: TypedContext, read: FeedsRead): Promise<boolean> {
  const { clock, knownSinceMs, sides: both } = context;
  const heads = { left: headsOf(read.left), right: headsOf(read.right) };
  if (!(await mayHaveForgotten(context, () => isMet(context, heads)))) return false;
  const batches = [both.left, both.right].map(({ connector }) => connector.abilities.batchMaxBytes);
  const sizes = [...heads.left, ...heads.right].map(({ sizeBytes }) => sizeBytes);
  const untilMs = knownSinceMs + longestCreateMs(context, [...batches, ...sizes]);
  if (clock.monotonicMs() >= untilMs) return false;
  await waitForForgotten(context, untilMs);
  return true;
}

const headsOf = (entries: FeedsRead['left']): readonly TypedHead[] =>
  entries.flatMap((e) => (e.kind === 'upsert' ? [e.head] : []));

async function isMet(
  { store, pair, mailboxes }: TypedContext,
  heads: Readonly<Record<Side, readonly TypedHead[]>>,
): Promise<boolean> {
  const intents = new Set((await store.typedIntents(pair.id)).map((i) => i.stampKey));
  for (const [side, from] of [['left', 'right'] as const, ['right', 'left'] as const]) {
    const origin = { organization: pair[from].organization, mailbox: mailboxes[from] };
    const copies = heads[side].filter(
      (head) =>
        head.identity === null && head.stamp !== null && cameFrom(head, origin) && !intents.has(stampKey(head.stamp)),
    );
    const ids = [...new Set(copies.map(({ id }) => id))];
    for (let at = 0; at < ids.length; at += PIECE) {
      const some = ids.slice(at, at + PIECE);
      if ((await store.typedLinks(pair.id, side, some)).length < some.length) return true;
    }
  }
  return false;
}

/** Ids of one look-up in the store. */
const PIECE = 500;
