import type { PassBasics, PassCore } from './pass-core.ts';

const pauseMs = 4000;

/**
 * `Clock.monotonicMs` after which no create is on its way that the store does not know: it was lost with what was under way, and no intent
 * tells of that.
 *
 * @param bytes Of creates that there may have been; the largest takes longest.
 */
export const forgottenUntilMs = ({ knownSinceMs, deadlineFor }: PassCore, bytes: readonly number[]): number =>
  knownSinceMs + deadlineFor(bytes.reduce((a, b) => Math.max(a, b), 0));

/** Waits until then. Throws `PassInterrupted`. */
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
