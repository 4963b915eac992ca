import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { onAbort } from '#kit/on-abort.ts';
import type { Context } from '../contract.ts';
import { alarm } from '../http/deadline.ts';
import type { Budget, Release } from './paced.ts';

export interface AdaptiveBudgetOptions {
  readonly clock: Clock;
  /** Requests on their way at most. */
  readonly inFlightMax: number;
  /** With how many it begins; grows by one for every round without a refusal, is halved by every refusal. */
  readonly inFlightStart?: number;
  readonly requestsPerMinute?: number;
  readonly bytesPerMinute?: number;
  /** Told how long a request had to wait, and for which limit. */
  readonly onWait?: (limit: string, ms: number) => void;
}

export interface AdaptiveBudget extends Budget {
  /** Milliseconds that callers waited so far, by what they waited for: `in flight`, `requests per minute`, a limit of the server. */
  readonly waitedMs: ReadonlyMap<string, number>;
  readonly inFlight: number;
  /** How many may be on their way now. */
  readonly allowed: number;
}

/** A pause that follows a refusal without a time; KDE saw back-offs of 0 with a full budget. */
const pauseMinMs = 250;
/** Refusals that arrive together are one event: the requests were sent before anybody knew. */
const oneRefusalMs = 1_000;

/**
 * A budget in memory: additive increase, multiplicative decrease of what is in flight, token buckets for what the project file
 * limits per minute, and the server's own word before everything.
 */
export function adaptiveBudget(options: AdaptiveBudgetOptions): AdaptiveBudget {
  const { clock, inFlightMax } = options;
  let allowed = Math.min(options.inFlightStart ?? 4, inFlightMax);
  let inFlight = 0;
  let pausedUntilMs = 0;
  let pauseLimit = '';
  let refusedAtMs = Number.NEGATIVE_INFINITY;
  const waitedMs = new Map<string, number>();
  const requests = bucket(clock, options.requestsPerMinute);
  const bytesMoved = bucket(clock, options.bytesPerMinute);
  /** Callers wait in turn; only the first looks whether there is a place. */
  let turn: Promise<unknown> = Promise.resolve();
  let freed: (() => void) | null = null;

  /** What stands in the way now, and when it is worth looking again; null for nothing. */
  const obstacle = (): { readonly limit: string; readonly ms: number } | null => {
    const nowMs = clock.monotonicMs();
    if (pausedUntilMs > nowMs) return { limit: pauseLimit, ms: pausedUntilMs - nowMs };
    if (requests.waitMs() > 0) return { limit: 'requests per minute', ms: requests.waitMs() };
    if (bytesMoved.waitMs() > 0) return { limit: 'bytes per minute', ms: bytesMoved.waitMs() };
    if (inFlight >= Math.floor(allowed)) return { limit: 'in flight', ms: Number.POSITIVE_INFINITY };
    return null;
  };

  const place = async (bytes: number, context: Context): Promise<Release> => {
    for (let found = obstacle(); found !== null; found = obstacle()) {
      const startedMs = clock.monotonicMs();
      const leftMs = context.deadlineMs - startedMs;
      if (context.signal.aborted)
        throw new FaultError({
          kind: 'transient',
          detail: 'stopped while waiting for the budget',
          mayHaveHappened: false,
          cause: context.signal.reason,
        });
      if (leftMs <= 0 || (Number.isFinite(found.ms) && found.ms >= leftMs)) {
        throw new FaultError({
          kind: 'throttled',
          retryAfterMs: Math.ceil(Number.isFinite(found.ms) ? found.ms : pauseMinMs),
          limit: found.limit,
        });
      }
      if (Number.isFinite(found.ms)) await clock.sleep(found.ms, context.signal).catch(() => {});
      else await aPlace(leftMs, context.signal);
      const ms = clock.monotonicMs() - startedMs;
      waitedMs.set(found.limit, (waitedMs.get(found.limit) ?? 0) + ms);
      options.onWait?.(found.limit, ms);
    }
    inFlight++;
    requests.take(1);
    bytesMoved.take(bytes);
    const takenMs = clock.monotonicMs();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      inFlight--;
      // One more after as many good requests as there may be in flight, unless the server has complained since.
      if (refusedAtMs < takenMs) allowed = Math.min(allowed + 1 / Math.max(allowed, 1), inFlightMax);
      freed?.();
    };
  };

  /** Until a place is freed, the time is over, or the caller gives up. */
  const aPlace = async (ms: number, signal: AbortSignal): Promise<void> => {
    let cancel = () => {};
    let unheard = () => {};
    try {
      await new Promise<void>((resolve) => {
        freed = resolve;
        unheard = onAbort(signal, resolve);
        cancel = alarm(ms, resolve);
      });
    } finally {
      freed = null;
      unheard();
      cancel();
    }
  };

  return {
    waitedMs,
    get inFlight() {
      return inFlight;
    },
    get allowed() {
      return Math.floor(allowed);
    },
    acquire(bytes, context) {
      const mine = turn.then(() => place(bytes, context));
      turn = mine.catch(() => {});
      return mine;
    },
    backOff(ms, limit) {
      const nowMs = clock.monotonicMs();
      const untilMs = nowMs + Math.max(ms, pauseMinMs);
      if (untilMs > pausedUntilMs) {
        pausedUntilMs = untilMs;
        pauseLimit = limit;
      }
      if (nowMs - refusedAtMs > oneRefusalMs) allowed = Math.max(1, allowed / 2);
      refusedAtMs = nowMs;
      freed?.();
    },
  };
}

/** A minute's worth at most is saved up; something larger than what is there is let through and paid back before the next. */
function bucket(clock: Clock, perMinute: number | undefined): { waitMs(): number; take(amount: number): void } {
  if (perMinute === undefined) return { waitMs: () => 0, take: () => {} };
  const perMs = perMinute / 60_000;
  // A tenth of a minute as burst, so that a limit per minute is not used up in a second and then nothing goes for the rest.
  const capacity = Math.max(1, perMinute / 10);
  let level = capacity;
  let atMs = clock.monotonicMs();
  const fill = () => {
    const nowMs = clock.monotonicMs();
    level = Math.min(capacity, level + (nowMs - atMs) * perMs);
    atMs = nowMs;
  };
  return {
    waitMs() {
      fill();
      return level > 0 ? 0 : Math.ceil(-level / perMs) + 1;
    },
    take(amount) {
      fill();
      level -= amount;
    },
  };
}
