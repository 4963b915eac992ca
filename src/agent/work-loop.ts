import { FaultError } from '#kit/fault.ts';
import { type Claim, FencedOut } from '#store/store.ts';
import { keepClaim } from './keep-claim.ts';
import type { Handler, Outcome, WorkServices } from './work.ts';

export interface WorkLoopOptions extends Omit<WorkServices, 'draining'> {
  /** Name of this process among all, in the claims. */
  readonly owner: string;
  readonly kind: string;
  readonly handler: Handler;
  /** Claims held at the same time: passes wait for the network most of the time. */
  readonly concurrency: number;
  readonly leaseMs: number;
  /** Milliseconds to leave new work to others, because this process has done more than its share; 0: take it. */
  readonly yieldMs: (running: number) => number;
  /** Aborted: take nothing new, let what runs finish, give back what does not. */
  readonly drain: AbortSignal;
  /** How long work may go on after `drain`. */
  readonly drainMs: number;
  readonly onEnd?: (claim: Claim, outcome: Outcome) => void;
}

/** Longest sleep without a look: wake-ups make it shorter, clocks that jump must not make it longer. */
const LOOK_MS = 5_000;
const FAILED_MIN_MS = 5_000;
const FAILED_MAX_MS = 600_000;
/** Pause when the store itself does not answer. */
const STORE_PAUSE_MS = 1_000;

/** Pause after a failure: doubles from 5 s to 10 min with every attempt. */
export const pauseAfterFailureMs = (attempts: number): number =>
  Math.min(FAILED_MAX_MS, FAILED_MIN_MS * 2 ** Math.min(20, Math.max(0, attempts - 1)));

/**
 * Pulls work of one kind and does it, until it is told to drain. Takes one claim at a time, so that work spreads over the processes
 * that are free for it. Resolves when nothing runs any more; never rejects.
 */
export async function runWorkLoop(options: WorkLoopOptions): Promise<void> {
  const { store, clock, log, kind, owner, drain, concurrency, leaseMs } = options;
  const running = new Set<Promise<void>>();
  const prefix = `${kind}:`;
  const draining = aborted(drain);

  while (!drain.aborted) {
    if (running.size >= concurrency) {
      await Promise.race([...running, draining]);
      continue;
    }
    const yieldMs = options.yieldMs(running.size);
    if (yieldMs > 0) {
      await clock.sleep(yieldMs, drain).catch(() => {});
      if (drain.aborted) break;
    }
    try {
      const [claim] = await store.claim(owner, prefix, 1, clock.nowMs(), leaseMs);
      if (claim) {
        const work = runClaim(options, claim).finally(() => running.delete(work));
        running.add(work);
      } else {
        const due = await store.nextDueMs(prefix);
        const untilMs = due === null ? LOOK_MS : Math.max(1, Math.min(LOOK_MS, due - clock.nowMs()));
        await store.waitForWork(untilMs, drain, prefix);
      }
    } catch (error) {
      log.warn({ kind, error: String(error) }, 'the store does not answer; trying again');
      await clock.sleep(STORE_PAUSE_MS, drain).catch(() => {});
    }
  }
  await Promise.all(running);
}

async function runClaim(options: WorkLoopOptions, claim: Claim): Promise<void> {
  const { store, clock, log, handler, drain, drainMs, leaseMs } = options;
  const kept = keepClaim(store, clock, claim, leaseMs);
  const ended = new AbortController();
  const tooLate = afterDrain(options, ended.signal, drainMs);
  const services: WorkServices = { ...options, draining: drain };
  let outcome: Outcome;
  try {
    outcome = await handler(claim, services, AbortSignal.any([kept.lost, tooLate]));
  } catch (error) {
    outcome = afterError(options, claim, error, kept.lost.aborted, tooLate.aborted);
  } finally {
    ended.abort();
  }
  const present = await kept.stop();
  if (kept.lost.aborted) return;
  try {
    await store.complete(present, outcome);
    options.onEnd?.(claim, outcome);
  } catch (error) {
    if (!(error instanceof FencedOut))
      log.warn({ key: claim.key, error: String(error) }, 'a claim could not be given back; its lease ends by itself');
  }
}

function afterError(
  { clock, log }: WorkLoopOptions,
  claim: Claim,
  error: unknown,
  lost: boolean,
  tooLate: boolean,
): Outcome {
  const now = clock.nowMs();
  if (lost || error instanceof FencedOut) {
    log.warn({ key: claim.key }, 'the claim was taken over by another process');
    return { nextAtMs: now, failed: true };
  }
  // Not its fault: somebody goes on with it at once.
  if (tooLate) return { nextAtMs: now, failed: false };
  const pauseMs = pauseAfterFailureMs(claim.attempts);
  const fields =
    error instanceof FaultError
      ? { fault: error.message }
      : { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  log.warn({ key: claim.key, attempts: claim.attempts, pauseMs, ...fields }, 'work failed');
  return { nextAtMs: now + pauseMs, failed: true };
}

/** Aborted `drainMs` after draining began, unless the work ended before. */
function afterDrain({ clock, drain }: WorkLoopOptions, ended: AbortSignal, drainMs: number): AbortSignal {
  const late = new AbortController();
  const begin = () =>
    clock.sleep(drainMs, ended).then(
      () => late.abort(new Error('the time for finishing is over')),
      () => {},
    );
  if (drain.aborted) void begin();
  else drain.addEventListener('abort', begin, { once: true, signal: ended });
  return late.signal;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
