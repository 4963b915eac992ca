import type { PassBasics, PassCore } from './pass-core.ts';

const pauseMs = 4000;

/**
 * Longest time, ms, that a create may be on its way.
 *
 * @param bytes What a batch holds at most, and sizes of single items, both as listings tell them: contents on the wire take up to twice as much.
 */
export const longestCreateMs = ({ deadlineFor }: Pick<PassCore, 'deadlineFor'>, bytes: readonly number[]): number =>
  deadlineFor(2 * bytes.reduce((a, b) => Math.max(a, b), 0));

/**
 * Whether creates may be on their way that the store does not know: it was lost with what was under way, and no intent tells of that. Copies
 * of ours that are met when nothing is recorded of a pair tell of a store before this one. Where there are none nobody ever waits, and that
 * is recorded: once some are linked, only what is recorded tells that there were any.
 *
 * @param isMet Whether there is a copy of ours that the store does not know.
 */
export async function mayHaveForgotten(
  { pair, plan, commit }: PassCore,
  isMet: () => Promise<boolean>,
): Promise<boolean> {
  if (plan !== null || pair.state === 'in-step' || pair.knownSinceMs === 0) return false;
  if (pair.counts.links > 0 || (await isMet())) return true;
  await commit({ pair: { knownSinceMs: 0 } });
  return false;
}

/** Waits until `Clock.monotonicMs` is so late. Throws `PassInterrupted`. */
export async function waitForForgotten(
  { clock, checkpoint, progress, signal }: PassBasics & PassCore,
  untilMs: number,
): Promise<void> {
  for (;;) {
    const waitMs = untilMs - clock.monotonicMs();
    if (waitMs <= 0) return;
    checkpoint();
    progress?.({ kind: 'waiting', why: 'what a lost database may have left on its way', ms: waitMs });
    await clock.sleep(Math.min(waitMs, pauseMs), signal);
  }
}
