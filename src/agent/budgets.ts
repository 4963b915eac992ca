import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { BudgetLimits, BudgetRecords } from '#store/store.ts';

/** What paces requests: a place among those in flight, and a share of the windows. */
export interface RequestBudget {
  /**
   * Resolves when a request of so many bytes may be sent; call what it resolves to when the request has ended. Throws FaultError:
   * throttled, when the deadline of the call would be over before that.
   */
  acquire(bytes: number, context: { readonly signal: AbortSignal; readonly deadlineMs: number }): Promise<() => void>;
  /** The server told us to. */
  backOff(ms: number, limit: string): Promise<void>;
}

export interface StoreBudgetOptions {
  readonly store: BudgetRecords;
  readonly clock: Clock;
  /** `mailbox ADDRESS`, `organization NAME`, `host NAME`: the same in every process. */
  readonly name: string;
  readonly limits: BudgetLimits;
  /** Name of this process among all. */
  readonly owner: string;
  /** Told before a wait, for how long it is and for which limit. */
  readonly onWait?: (limit: string, ms: number) => void;
}

/** How long a place is used without asking the store again; also how long other processes go on after a refusal they did not see. */
const SLICE_MS = 2_000;
/** A place that nobody here uses goes back after this. */
const IDLE_MS = 250;
const PREPAID_MAX = 10;
/** A request may end after its deadline by this much. */
const GRACE_MS = 5_000;

/** A place that this process holds: used for one request after the other until its time or its prepaid requests are over. */
interface Slice {
  readonly holder: string;
  requestsLeft: number;
  endsMs: number;
  /** Until when the store keeps the place, whatever becomes of us. */
  leasedUntilMs: number;
  idleSinceMs: number;
}

/** Counted over all budgets of this process: one that is forgotten and made again must not take the places of the first for its own. */
let places = 0;

/**
 * A budget shared by all processes through the store. So that not every request costs a call there, a place is kept for a moment with
 * some requests paid in advance; where bytes are limited each request is accounted for by itself.
 */
export function storeBudget({ store, clock, name, limits, owner, onWait }: StoreBudgetOptions): RequestBudget {
  const idle: Slice[] = [];
  let sweeping = false;
  const prepaid =
    limits.bytesPerMinute !== null
      ? 1
      : limits.requestsPerMinute === null
        ? Number.POSITIVE_INFINITY
        : Math.max(1, Math.min(PREPAID_MAX, Math.floor(limits.requestsPerMinute / 60)));

  function give(slice: Slice): void {
    void store.release(name, slice.holder).catch(() => {
      // Its deadline ends it.
    });
  }

  /** Gives back what nobody uses. */
  async function sweep(): Promise<void> {
    if (sweeping) return;
    sweeping = true;
    while (idle.length > 0) {
      await clock.sleep(IDLE_MS);
      const now = clock.monotonicMs();
      for (let at = idle.length - 1; at >= 0; at--) {
        const slice = idle[at];
        if (slice && now - slice.idleSinceMs >= IDLE_MS) give(...(idle.splice(at, 1) as [Slice]));
      }
    }
    sweeping = false;
  }

  function release(slice: Slice): void {
    slice.idleSinceMs = clock.monotonicMs();
    idle.push(slice);
    void sweep();
  }

  /** Asks the store until it agrees. */
  async function pay(
    slice: Slice,
    bytes: number,
    context: { readonly signal: AbortSignal; readonly deadlineMs: number },
  ): Promise<void> {
    const requests = Number.isFinite(prepaid) ? prepaid : 1;
    for (;;) {
      context.signal.throwIfAborted();
      const nowMs = clock.nowMs();
      const askedMs = clock.monotonicMs();
      // Long enough for requests like this one that begin within the slice.
      const leaseMs = Math.max(0, context.deadlineMs - askedMs) + SLICE_MS + GRACE_MS;
      slice.leasedUntilMs = askedMs + leaseMs;
      const { waitMs, limitedBy } = await store.spend(
        name,
        limits,
        slice.holder,
        { requests, bytes },
        nowMs,
        nowMs + leaseMs,
      );
      if (waitMs === 0) break;
      const limit = limitedBy ?? name;
      if (clock.monotonicMs() + waitMs > context.deadlineMs)
        throw new FaultError({ kind: 'throttled', retryAfterMs: waitMs, limit });
      onWait?.(limit, waitMs);
      await clock.sleep(waitMs, context.signal);
    }
    slice.requestsLeft = prepaid;
    slice.endsMs = clock.monotonicMs() + SLICE_MS;
  }

  return {
    async acquire(bytes, context) {
      // The one used last first, so that those that are not needed become idle.
      const slice = idle.pop() ?? {
        holder: `${owner} ${++places}`,
        requestsLeft: 0,
        endsMs: 0,
        leasedUntilMs: 0,
        idleSinceMs: 0,
      };
      const isPaid =
        slice.requestsLeft >= 1 &&
        limits.bytesPerMinute === null &&
        clock.monotonicMs() < slice.endsMs &&
        context.deadlineMs + GRACE_MS <= slice.leasedUntilMs;
      try {
        if (!isPaid) await pay(slice, bytes, context);
      } catch (error) {
        give(slice);
        throw error;
      }
      slice.requestsLeft--;
      let released = false;
      return () => {
        if (released) return;
        released = true;
        release(slice);
      };
    },
    async backOff(ms, limit) {
      // What was paid before does not count any more.
      for (const slice of idle) slice.endsMs = 0;
      await store.backOff(name, clock.nowMs() + ms, limit);
    },
  };
}
