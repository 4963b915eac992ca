import { stampKey } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import { forgottenUntilMs, waitForForgotten } from '../pass/wait-for-forgotten.ts';
import type { FeedsRead } from './read-feeds.ts';
import type { TypedContext } from './typed-context.ts';

/**
 * Waits until nothing is on its way of which the store knows no more, when copies of ours that it does not know say that there was a life
 * before this one. Where items have an identity, two of one come to be one, and nobody waits.
 *
 * @returns whether feeds that were read before it have to be read again.
 */
export async function settleForgotten(context: TypedContext, read: FeedsRead): Promise<boolean> {
  const { clock, pair, plan, sides } = context;
  if (plan !== null || pair.state === 'in-step') return false;
  const heads = { left: headsOf(read.left), right: headsOf(read.right) };
  const sizes = [...heads.left, ...heads.right].map(({ sizeBytes }) => 2 * sizeBytes);
  const batches = [sides.left, sides.right].map(({ connector }) => connector.abilities.batchMaxBytes);
  const untilMs = forgottenUntilMs(context, [...batches, ...sizes]);
  if (clock.monotonicMs() >= untilMs || !(await isMet(context, heads))) return false;
  await waitForForgotten(context, untilMs);
  return true;
}

const headsOf = (entries: FeedsRead['left']): readonly TypedHead[] =>
  entries.flatMap((e) => (e.kind === 'upsert' ? [e.head] : []));

async function isMet({ store, pair }: TypedContext, heads: Readonly<Record<'left' | 'right', readonly TypedHead[]>>) {
  const intents = new Set((await store.typedIntents(pair.id)).map((i) => i.stampKey));
  for (const side of ['left', 'right'] as const) {
    const copies = heads[side].filter(
      ({ identity, stamp }) => identity === null && stamp !== null && !intents.has(stampKey(stamp)),
    );
    for (let at = 0; at < copies.length; at += PIECE) {
      const ids = copies.slice(at, at + PIECE).map(({ id }) => id);
      if ((await store.typedLinks(pair.id, side, ids)).length < ids.length) return true;
    }
  }
  return false;
}

/** Ids of one look-up in the store. */
const PIECE = 500;
