import type { TypedDecision } from '#engine/join-typed-decisions.ts';
import { isFault } from '#kit/fault.ts';
import { later } from './leave-for-later.ts';
import { matchOfRetry } from './match.ts';
import { noAnswer, readItems } from './read-items.ts';
import type { TypedContext } from './typed-context.ts';

type Unlink = Extract<TypedDecision, { do: 'unlink' }>;

/** Takes links back; the next round sees their items as duplicates of those of another link. */
export async function unlinkItems(context: TypedContext, unlinks: readonly Unlink[]): Promise<void> {
  // Nothing is written for it, and a plan looks no further than one round.
  if (unlinks.length === 0 || context.plan !== null) return;
  const wanted = (side: 'left' | 'right') => unlinks.map(({ link }) => ({ id: link[side].id, sizeBytes: 0 }));
  const read = {
    left: await readItems(context, 'left', wanted('left')),
    right: await readItems(context, 'right', wanted('right')),
  };
  for (const { link } of unlinks) {
    const answers = (['left', 'right'] as const).map((side) => ({
      side,
      answer: read[side].get(link[side].id) ?? noAnswer,
    }));
    const failed = answers.map(({ answer }) => answer).find((answer) => isFault(answer) && answer.kind !== 'gone');
    if (isFault(failed)) {
      later(context, matchOfRetry(link), failed);
      continue;
    }
    context.staged.add({ typedLinksForgotten: [link.id] });
    for (const { side, answer } of answers) {
      if (isFault(answer)) continue;
      context.staged.add({ unlinked: [{ side, head: answer.head }] });
      context.lookAgain[side].push({ kind: 'upsert', head: answer.head });
    }
  }
}
