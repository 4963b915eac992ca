import type { Change } from '#model/change.ts';
import { forgottenUntilMs, waitForForgotten } from '../pass/wait-for-forgotten.ts';
import type { PassContext } from './pass-context.ts';
import { readRight, surveyRight } from './read-right.ts';

/**
 * Before anything is decided about a page of the source: waits until nothing is on its way of which the store knows no more. When it was
 * lost with a create under way, no intent tells of that create, and whoever makes the copy once more has two of them in the end. Copies of
 * ours that the store does not know say that there was a life before this one; a mailbox without any is not waited for.
 */
export async function settleForgotten(context: PassContext, changes: readonly Change[]): Promise<void> {
  const { clock, forgotten, pair, plan, right, store } = context;
  if (plan !== null || pair.state === 'in-step') return;
  const sizes = changes.flatMap((c) => (c.kind === 'upsert' ? [2 * c.head.facts.sizeBytes] : []));
  const untilMs = forgottenUntilMs(context, [right.abilities.batchMaxBytes, ...sizes]);
  if (forgotten.readAtMs >= untilMs) return;
  forgotten.isMet ??= (await store.unclaimedCount(pair.id)) > 0;
  if (!forgotten.isMet) return;
  await waitForForgotten(context, untilMs);
  forgotten.readAtMs = clock.monotonicMs();
  const tree = await context.rightBox.tree(context.call());
  await surveyRight(context, tree);
  await readRight(context, tree, false);
}
