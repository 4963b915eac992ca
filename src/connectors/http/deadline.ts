import type { Clock } from '#kit/clock.ts';
import { onAbort } from '#kit/on-abort.ts';
import { DeadlinePassed } from './network-faults.ts';

/** A signal for one call: aborted with the caller's, or with DeadlinePassed when the time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** To be asked when something was waited for: a clock that jumps passes the end without an alarm. */
  readonly passed: boolean;
  /** To be called when the call, its answer included, is done. Idempotent. */
  release(): void;
}

/** @param deadlineMs `Clock.monotonicMs` of the end; Infinity for none. */
export function deadline(clock: Clock, outer: AbortSignal, deadlineMs: number): Deadline {
  const call = new AbortController();
  const onOuter = () => call.abort(outer.reason);
  if (outer.aborted) onOuter();
  const unheard = onAbort(outer, onOuter);
  const left = deadlineMs - clock.monotonicMs();
  if (left <= 0) call.abort(new DeadlinePassed());
  const cancel = left > 0 ? alarm(left, () => call.abort(new DeadlinePassed())) : () => {};
  return {
    signal: call.signal,
    get passed() {
      return clock.monotonicMs() >= deadlineMs;
    },
    release() {
      unheard();
      cancel();
    },
  };
}

const coarseMs = 1000;
/** Timers of 2^31 ms and more fire at once. Who waits for 24 days has no deadline. */
const longestMs = 2 ** 31 - 1;

/**
 * Does something after so many real milliseconds, unless it is cancelled. Not a sleep of the clock: nobody waits for it, and a
 * virtual clock passes as soon as somebody sleeps.
 */
export function alarm(ms: number, ring: () => void): () => void {
  if (ms > longestMs) return () => {};
  // Node keeps a list for every length of timers: those of many calls have a few lengths, and none rings late.
  const timer = setTimeout(ring, ms > coarseMs ? ms - (ms % coarseMs) : ms);
  return () => clearTimeout(timer);
}
