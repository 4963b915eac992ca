import { type MailboxLimitsOfService, type SharedUse, stopped } from '#connectors/graph/allowance.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { BudgetGrant, BudgetRecords } from '#store/store.ts';

export interface SharedAllowanceOptions {
  readonly store: BudgetRecords;
  readonly clock: Clock;
  /** `mailbox ORGANIZATION ADDRESS`: the same in every process. */
  readonly name: string;
  readonly limits: MailboxLimitsOfService;
  /** Name of this process among all. */
  readonly owner: string;
  /** Told how long a request had to wait, and for which limit. */
  readonly onWait: (limit: string, ms: number) => void;
  /** Told of each wait before it, and for how long as far as that is known. */
  readonly onWaiting?: (limit: string, ms: number) => void;
}

/** How long a process keeps the mailbox before it looks whether another one waits for it. */
const SLICE_MS = 1_000;
/** A process that sends nothing for so long lets others in. */
const IDLE_MS = 100;
/** How soon whoever waits asks again (the store says the same for leases). */
const RETRY_MS = 50;
/** Who waits says so again before this is over; who died while waiting is forgotten after it. */
const WAITER_MS = 1_000;
/** Whoever dies with the mailbox keeps it for so long: less than it takes to take over the work. */
const LEASE_MS = 6_000;

type CallContext = Parameters<SharedUse['book']>[1];

/**
 * The allowance of one mailbox, as the processes that use it at a time share it through the store: the mail of a pair and its calendar
 * may be in two of them, and the service counts both as one.
 *
 * - Requests on their way: the mailbox belongs to one process at a time, which may use all of them. It gives it back when it has
 *   nothing to send, and after each slice when another one waits, so nobody waits for longer than a slice and what is under way.
 * - Windows: each is cut into units. A unit that somebody took comes back to all when the window has passed since it may have been used
 *   last; so no window sees more than its units, whoever used them. What is counted is what is sent: bytes of bodies, requests.
 */
export function sharedAllowance(options: SharedAllowanceOptions): SharedUse {
  const { store, clock, name, limits } = options;
  const turn = new Turn(options);
  const requests = new UnitWindow({ ...options, name: `${name} requests` }, limits.requests, 'requests per window');
  const uploads = new UnitWindow({ ...options, name: `${name} uploads` }, limits.uploadBytes, 'bytes per window');
  return {
    async book(spending, context) {
      await requests.take(spending.requests, context);
      await uploads.take(spending.uploadBytes, context);
    },
    enter: (context) => turn.enter(context),
    pause: (ms, limit) => store.backOff(name, clock.nowMs() + ms, limit),
  };
}

/** Counted over all of this process: an allowance that is forgotten and made again must not take what the first holds for its own. */
let holders = 0;

/** Unlimited but for what is taken at a time. */
const atMost = (inFlightMax: number) => ({ inFlightMax, requestsPerMinute: null, bytesPerMinute: null });
const nothing = { requests: 0, bytes: 0 };

/** Throws what ends the wait of a call. */
function requireTime(clock: Clock, ms: number, limit: string, context: CallContext): void {
  if (context.signal.aborted) throw stopped(context);
  if (clock.monotonicMs() + ms >= context.deadlineMs)
    throw new FaultError({ kind: 'throttled', retryAfterMs: Math.ceil(ms), limit });
}

/** Whose turn it is in a mailbox: one lease in the store, and beside it a lease for everyone who waits for it. */
class Turn {
  readonly #options: SharedAllowanceOptions;
  readonly #waiting: string;
  /** Name of our lease; null: the mailbox is not ours. */
  #holder: string | null = null;
  #sliceEndsMs = 0;
  #leasedUntilMs = 0;
  #users = 0;
  #asking = false;
  #idleSinceMs = 0;
  #keeping = false;
  #drained: (() => void) | null = null;

  constructor(options: SharedAllowanceOptions) {
    this.#options = options;
    this.#waiting = `${options.name} waiting`;
  }

  /** One call after the other: whoever calls this keeps an order. */
  async enter(context: CallContext): Promise<() => void> {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#holder === null || nowMs >= this.#sliceEndsMs || nowMs >= this.#leasedUntilMs) {
      this.#asking = true;
      try {
        if (this.#holder !== null && (await this.#isWaitedFor())) await this.#letOthers(context);
        await this.#ask(context);
      } finally {
        this.#asking = false;
      }
      void this.#keep();
    }
    this.#users++;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#users--;
      this.#idleSinceMs = clock.monotonicMs();
      if (this.#users === 0) this.#drained?.();
    };
  }

  async #ask(context: CallContext): Promise<void> {
    const { store, clock, owner, onWait, onWaiting } = this.#options;
    const holder = this.#holder ?? `${owner} ${++holders}`;
    const startedMs = clock.monotonicMs();
    let waitedFor: string | null = null;
    try {
      for (;;) {
        const { waitMs, limitedBy } = await this.#lease(holder);
        if (waitMs === 0) break;
        waitedFor = limitedBy ?? 'in-flight';
        requireTime(clock, waitMs, waitedFor, context);
        onWaiting?.(waitedFor, waitMs);
        const nowMs = clock.nowMs();
        await store.spend(this.#waiting, atMost(Number.MAX_SAFE_INTEGER), holder, nothing, nowMs, nowMs + WAITER_MS);
        await clock.sleep(Math.min(waitMs, WAITER_MS / 2), context.signal).catch(() => {});
      }
    } finally {
      if (waitedFor !== null) {
        onWait(waitedFor, clock.monotonicMs() - startedMs);
        await store.release(this.#waiting, holder);
      }
    }
    this.#holder = holder;
    this.#idleSinceMs = clock.monotonicMs();
    this.#sliceEndsMs = clock.monotonicMs() + SLICE_MS;
  }

  async #lease(holder: string): Promise<BudgetGrant> {
    const { store, clock, name } = this.#options;
    const [nowMs, askedMs] = [clock.nowMs(), clock.monotonicMs()];
    const grant = await store.spend(name, atMost(1), holder, nothing, nowMs, nowMs + LEASE_MS);
    if (grant.waitMs === 0) this.#leasedUntilMs = askedMs + LEASE_MS;
    return grant;
  }

  /** There is one place only, and whoever waits has it. */
  async #isWaitedFor(): Promise<boolean> {
    const { store, clock, owner } = this.#options;
    const nowMs = clock.nowMs();
    return (await store.spend(this.#waiting, atMost(1), `${owner} asks`, nothing, nowMs, nowMs)).waitMs > 0;
  }

  async #letOthers({ signal }: CallContext): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    this.#drained = null;
    await this.#giveBack();
    // Those who wait ask every few milliseconds, and now is their time.
    await this.#options.clock.sleep(2 * RETRY_MS, signal).catch(() => {});
  }

  async #giveBack(): Promise<void> {
    const { store, name } = this.#options;
    const holder = this.#holder;
    this.#holder = null;
    if (holder !== null) await store.release(name, holder);
  }

  /** Renews the lease while something is under way, and gives the mailbox back when nobody here used it for a moment. */
  async #keep(): Promise<void> {
    if (this.#keeping) return;
    this.#keeping = true;
    const { clock } = this.#options;
    try {
      while (this.#holder !== null) {
        await clock.sleep(IDLE_MS);
        const nowMs = clock.monotonicMs();
        if (this.#holder === null || this.#asking) continue;
        if (this.#users === 0 && nowMs - this.#idleSinceMs >= IDLE_MS) await this.#giveBack();
        else if (this.#users > 0 && this.#leasedUntilMs - nowMs < LEASE_MS / 2) await this.#lease(this.#holder);
      }
    } catch {
      // The store is gone, or going. The lease ends by itself, and who comes next asks anew.
      this.#holder = null;
    } finally {
      this.#keeping = false;
    }
  }
}

interface Unit {
  readonly holder: string;
  left: number;
  /** Until when it counts as used in time, on the monotonic clock. */
  useUntilMs: number;
}

/** Into so many units a window is cut: small enough to lose little with what is left of one. */
const UNITS = 150;
/** Of a busy mailbox a unit is used at once, so it is booked for little longer than the window. */
const SOON = 60;
/** Share of a window that one process may use ahead of time; then it goes on evenly, so that others find room and waits are short. */
const BURST = 1 / 8;

/** A window that slides, counted in the store: leases that nobody gives back, and that end when the window has passed. */
class UnitWindow {
  readonly #options: SharedAllowanceOptions;
  readonly #unit: number;
  readonly #windowMs: number;
  readonly #limit: string;
  #units: Unit[] = [];
  #takenAtMs = Number.NEGATIVE_INFINITY;
  /** When the next unit is due at an even rate. */
  #dueMs = 0;

  constructor(
    options: SharedAllowanceOptions,
    { max, windowMs }: { readonly max: number; readonly windowMs: number },
    limit: string,
  ) {
    this.#options = options;
    this.#unit = max / UNITS;
    this.#windowMs = windowMs;
    this.#limit = limit;
  }

  /** One call after the other. Something larger than the whole window goes when all of it is ours. */
  async take(amount: number, context: CallContext): Promise<void> {
    if (amount <= 0) return;
    const { clock } = this.#options;
    while (sum(this.#units) < amount && this.#units.length < UNITS) {
      const open = Math.ceil((amount - sum(this.#units)) / this.#unit);
      const wanted = Math.min(open, UNITS - this.#units.length);
      await this.#pace(wanted, context);
      await together(wanted, async () => {
        const unit = { holder: `${this.#options.owner} ${++holders}`, left: this.#unit, useUntilMs: 0 };
        await this.#book(unit, amount, context);
        this.#units.push(unit);
      });
    }
    // What lay here since counts from now.
    const old = this.#units.filter(({ useUntilMs }) => useUntilMs <= clock.monotonicMs());
    await together(old.length, (at) => this.#book(old[at] as Unit, amount, context));
    let open = amount;
    for (const unit of this.#units) {
      const used = Math.min(unit.left, open);
      unit.left -= used;
      open -= used;
    }
    this.#units = this.#units.filter(({ left }) => left > 0);
  }

  async #book(unit: Unit, amount: number, context: CallContext): Promise<void> {
    const { store, clock, name, onWait, onWaiting } = this.#options;
    const soonMs = this.#windowMs / SOON;
    for (;;) {
      const [nowMs, askedMs] = [clock.nowMs(), clock.monotonicMs()];
      // Who needs one now and then keeps it for long: to ask for each look at a mailbox would cost as much as the look.
      const isBusy = amount >= this.#unit || askedMs - this.#takenAtMs <= soonMs;
      const useMs = isBusy ? soonMs : this.#windowMs;
      const endsMs = nowMs + useMs + this.#windowMs;
      const { waitMs } = await store.spend(name, atMost(UNITS), unit.holder, nothing, nowMs, endsMs);
      if (waitMs === 0) {
        unit.useUntilMs = askedMs + useMs;
        this.#takenAtMs = askedMs;
        return;
      }
      const ms = Math.max(waitMs, this.#windowMs / UNITS / 2);
      requireTime(clock, ms, this.#limit, context);
      onWaiting?.(this.#limit, ms);
      await clock.sleep(ms, context.signal).catch(() => {});
      onWait(this.#limit, clock.monotonicMs() - askedMs);
    }
  }

  async #pace(units: number, context: CallContext): Promise<void> {
    const { clock, onWait, onWaiting } = this.#options;
    const nowMs = clock.monotonicMs();
    const waitMs = this.#dueMs - nowMs - this.#windowMs * BURST;
    if (waitMs > 0) {
      requireTime(clock, waitMs, this.#limit, context);
      onWaiting?.(this.#limit, waitMs);
      await clock.sleep(waitMs, context.signal).catch(() => {});
      if (context.signal.aborted) throw stopped(context);
      onWait(this.#limit, clock.monotonicMs() - nowMs);
    }
    this.#dueMs = Math.max(this.#dueMs, clock.monotonicMs()) + (units * this.#windowMs) / UNITS;
  }
}

/** Some at the same time. What was done stays done when one of them fails; that one is thrown. */
async function together(count: number, run: (at: number) => Promise<void>): Promise<void> {
  const ended = await Promise.allSettled(Array.from({ length: count }, (_, at) => run(at)));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

const sum = (units: readonly Unit[]): number => units.reduce((total, { left }) => total + left, 0);
