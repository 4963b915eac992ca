import type { Change } from '#model/change.ts';
import type { PassContext } from './pass-context.ts';
import { readRight, surveyRight } from './read-right.ts';

const pauseMs = 4000;

/**
 * Before anything is decided about a page of the source: waits until nothing is on its way of which the store knows no more. When it was
 * lost with a create under way, no intent tells of that create, and whoever makes the copy once more has two of them in the end. Copies of
 * ours that the store does not know say that there was a life before this one; a mailbox without any is not waited for.
 */
export async function settleForgotten(context: PassContext, changes: readonly Change[]): Promise<void> {
  const { clock, forgotten, pair, plan, right, signal, store } = context;
  if (plan !== null || pair.state === 'in-step') return;
  const sizes = changes.flatMap((c) => (c.kind === 'upsert' ? [c.head.facts.sizeBytes] : []));
  const bytes = Math.max(right.abilities.batchMaxBytes, ...sizes.map((size) => 2 * size));
  const settledAtMs = forgotten.sinceMs + context.deadlineFor(bytes);
  if (forgotten.readAtMs >= settledAtMs) return;
  forgotten.isMet ??= (await store.unclaimedCount(pair.id)) > 0;
  if (!forgotten.isMet) return;
  for (;;) {
    const waitMs = settledAtMs - clock.monotonicMs();
    if (waitMs <= 0) break;
    context.checkpoint();
    context.progress?.({ kind: 'waiting', why: 'what a lost database may have left on its way', ms: waitMs });
    await clock.sleep(Math.min(waitMs, pauseMs), signal);
  }
  forgotten.readAtMs = clock.monotonicMs();
  const tree = await context.rightBox.tree(context.call());
  await surveyRight(context, tree);
  await readRight(context, tree, false);
}
