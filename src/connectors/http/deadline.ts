import type { Clock } from '#kit/clock.ts';
import { DeadlinePassed } from './network-faults.ts';

/** A signal for one call: aborted with the caller's, or with DeadlinePassed when the time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** To be called when the call, its answer included, is done. Idempotent. */
  release(): void;
}

/** @param deadlineMs `Clock.monotonicMs` of the end; Infinity for none. */
export function deadline(clock: Clock, outer: AbortSignal, deadlineMs: number): Deadline {
  const call = new AbortController();
  const timer = new AbortController();
  const onOuter = () => call.abort(outer.reason);
  if (outer.aborted) onOuter();
  else outer.addEventListener('abort', onOuter);
  const left = deadlineMs - clock.monotonicMs();
  if (left <= 0) call.abort(new DeadlinePassed());
  else if (left < longestSleepMs) {
    clock.sleep(left, timer.signal).then(
      () => call.abort(new DeadlinePassed()),
      () => {},
    );
  }
  return {
    signal: call.signal,
    release() {
      outer.removeEventListener('abort', onOuter);
      timer.abort();
    },
  };
}

/** Timers of 2^31 ms and more fire at once. A call that may take 24 days has no deadline. */
const longestSleepMs = 2 ** 31;
