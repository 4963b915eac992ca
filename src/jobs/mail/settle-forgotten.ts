import { longestCreateMs, mayHaveForgotten, waitForForgotten } from '../pass/wait-for-forgotten.ts';
import type { PassContext } from './pass-context.ts';
import { readRight, surveyRight } from './read-right.ts';

/** Once the target was read, and before anything of it is linked: whether creates are to be waited for of which the store knows nothing. */
export async function meetForgotten(context: PassContext): Promise<void> {
  const { store, pair } = context;
  context.forgotten.isMet = await mayHaveForgotten(context, async () => (await store.unclaimedCount(pair.id)) > 0);
}

/**
 * Waits before copies are made until nothing is on its way of which the store knows no more: whoever makes one of these copies once more
 * has two of them in the end.
 *
 * @param sizesBytes Of the mails whose copies may have to be made.
 * @returns whether the target was read once more, so that other copies may have to be made.
 */
export async function settleForgotten(context: PassContext, sizesBytes: readonly number[]): Promise<boolean> {
  const { clock, forgotten, knownSinceMs, right } = context;
  if (!forgotten.isMet || sizesBytes.length === 0) return false;
  const untilMs = knownSinceMs + longestCreateMs(context, [right.abilities.batchMaxBytes, ...sizesBytes]);
  if (forgotten.readAtMs >= untilMs) return false;
  await waitForForgotten(context, untilMs);
  forgotten.readAtMs = clock.monotonicMs();
  const tree = await context.rightBox.tree(context.call());
  await surveyRight(context, tree);
  await readRight(context, tree, false);
  return true;
}
