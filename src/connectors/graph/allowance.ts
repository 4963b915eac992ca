import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { Recent } from '#kit/recent.ts';
import type { Context } from '../contract.ts';
import { alarm } from '../http/deadline.ts';

/** What the service gives one application for one mailbox (GDOC `concepts/throttling-limits.md`, Outlook service). */
export interface MailboxLimitsOfService {
  readonly concurrent: number;
  readonly requests: { readonly max: number; readonly windowMs: number };
  /** Bodies of POST, PATCH and PUT. */
  readonly uploadBytes: { readonly max: number; readonly windowMs: number };
}

export const serviceLimits: MailboxLimitsOfService = {
  concurrent: 4,
  requests: { max: 10_000, windowMs: 600_000 },
  uploadBytes: { max: 150 * 1024 * 1024, windowMs: 300_000 },
};

/** Waits after refusals that named no time: doubled with each in a row, up to this. */
const unnamedMaxMs = 60_000;
const unnamedFirstMs = 1_000;
/** Windows are counted in parts, so that ten thousand requests are not ten thousand entries. */
const partsOfWindow = 60;
const mailboxesKept = 4096;

/** What one request spends. */
export interface Spending {
  /** A batch counts each of its requests. */
  readonly requests: number;
  readonly uploadBytes: number;
}

/** What several processes that use one mailbox have to agree about, wherever that is written down. */
export interface SharedUse {
  /** Waits until all processes together may spend so much more, and counts it. One call after the other. Throws FaultError as `take`. */
  book(spending: Spending, context: Context): Promise<void>;
  /** Waits until requests of this process may be under way, until what it answers with is called. One call after the other. Throws as `take`. */
  enter(context: Context): Promise<() => void>;
  /** The service asked for a pause: no process sends before it is over. */
  pause(ms: number, limit: string): Promise<void>;
}

/** Keeps an application within the limits of one mailbox, and remembers how often it was refused in a row. */
export class MailboxAllowance {
  readonly #clock: Clock;
  readonly #limits: MailboxLimitsOfService;
  readonly #shared: SharedUse;
  #inFlight = 0;
  #refusals = 0;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #pausedBy = '';
  #turn: Promise<unknown> = Promise.resolve();
  #wake: (() => void) | null = null;

  /** @param shared Null: this process alone uses the mailbox. */
  constructor(clock: Clock, limits: MailboxLimitsOfService, shared: SharedUse | null = null) {
    this.#clock = clock;
    this.#limits = limits;
    this.#shared = shared ?? ownUse(clock, limits);
  }

  /**
   * Waits until the request may go. Throws FaultError: throttled when that is after the deadline; transient when the deadline was over before
   * it was asked for, or when it was aborted.
   */
  async take(spending: Spending, context: Context): Promise<() => void> {
    if (context.deadlineMs <= this.#clock.monotonicMs()) throw late();
    // In turn, or a batch that needs all places would never find them free at the same time.
    const mine = this.#turn.then(() => this.#taken(spending, context));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #taken(spending: Spending, context: Context): Promise<() => void> {
    // For one mailbox the service runs as many requests of a batch at a time as it would run by themselves.
    const places = Math.min(spending.requests, this.#limits.concurrent);
    let booked = false;
    for (;;) {
      if (context.signal.aborted) throw stopped(context);
      const nowMs = this.#clock.monotonicMs();
      const leftMs = context.deadlineMs - nowMs;
      const pauseMs = this.#pausedUntilMs - nowMs;
      // All that time went by waiting for others of this mailbox: no fault of the server's.
      if (leftMs <= 0) throw throttledBy('allowance of the mailbox', 0);
      if (pauseMs >= leftMs) throw throttledBy(this.#pausedBy, pauseMs);
      if (pauseMs > 0) await this.#clock.sleep(pauseMs, context.signal).catch(() => {});
      else if (this.#inFlight + places > this.#limits.concurrent) await this.#freed(leftMs, context.signal);
      else if (booked) break;
      else {
        await this.#shared.book(spending, context);
        booked = true;
      }
    }
    const leave = await this.#shared.enter(context);
    this.#inFlight += places;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#inFlight -= places;
      leave();
      this.#wake?.();
    };
  }

  /** How long to wait after a refusal that did not say; longer with each in a row. */
  refusedForMs(): number {
    return Math.min(unnamedFirstMs * 2 ** Math.min(this.#refusals++, 16), unnamedMaxMs);
  }

  /** The service refused for this mailbox: nobody sends anything there before so long. */
  pause(ms: number, limit: string): void {
    const untilMs = this.#clock.monotonicMs() + ms;
    if (untilMs > this.#pausedUntilMs) [this.#pausedUntilMs, this.#pausedBy] = [untilMs, limit];
    // Others who do not hear of it are refused themselves.
    this.#shared.pause(ms, limit).catch(() => {});
  }

  succeeded(): void {
    this.#refusals = 0;
  }

  /** Until something comes back, the time is over, or the caller gives up. */
  async #freed(leftMs: number, signal: AbortSignal): Promise<void> {
    let cancel = () => {};
    let wake = () => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#wake = wake;
      signal.addEventListener('abort', wake);
      cancel = alarm(leftMs, wake);
    });
    this.#wake = null;
    signal.removeEventListener('abort', wake);
    cancel();
  }
}

/** The windows of a process that is alone in a mailbox. */
function ownUse(clock: Clock, limits: MailboxLimitsOfService): SharedUse {
  const [requests, bytes] = [new Window(limits.requests), new Window(limits.uploadBytes)];
  return {
    async book(spending, context) {
      for (;;) {
        if (context.signal.aborted) throw stopped(context);
        const nowMs = clock.monotonicMs();
        const waitMs = Math.max(requests.waitMs(spending.requests, nowMs), bytes.waitMs(spending.uploadBytes, nowMs));
        if (waitMs === 0) break;
        if (waitMs >= context.deadlineMs - nowMs) throw throttledBy('allowance of the mailbox', waitMs);
        await clock.sleep(waitMs, context.signal).catch(() => {});
      }
      const nowMs = clock.monotonicMs();
      requests.spend(spending.requests, nowMs);
      bytes.spend(spending.uploadBytes, nowMs);
    },
    enter: async () => () => {},
    pause: async () => {},
  };
}

/** What processes share of a mailbox, by its address. */
export type ShareUse = (mailbox: string, limits: MailboxLimitsOfService) => SharedUse;

/** One allowance for each mailbox. */
export function allowances(
  clock: Clock,
  limits: MailboxLimitsOfService,
  shared: ShareUse | null,
): (mailbox: string) => MailboxAllowance {
  const known = new Recent<string, MailboxAllowance>(mailboxesKept);
  return (mailbox) =>
    known.get(mailbox.toLowerCase(), () => new MailboxAllowance(clock, limits, shared?.(mailbox, limits) ?? null));
}

/** How much was spent in the time that just passed. Something larger than the whole window may go when the window is empty. */
class Window {
  readonly #max: number;
  readonly #partMs: number;
  readonly #windowMs: number;
  #parts: { readonly atMs: number; amount: number }[] = [];
  #spent = 0;

  constructor({ max, windowMs }: { readonly max: number; readonly windowMs: number }) {
    this.#max = max;
    this.#windowMs = windowMs;
    this.#partMs = windowMs / partsOfWindow;
  }

  waitMs(amount: number, nowMs: number): number {
    this.#forget(nowMs);
    let over = this.#spent + amount - this.#max;
    if (amount === 0 || over <= 0) return 0;
    for (const part of this.#parts) {
      over -= part.amount;
      if (over <= 0) return Math.max(1, Math.ceil(part.atMs + this.#partMs + this.#windowMs - nowMs));
    }
    const last = this.#parts.at(-1);
    return last === undefined ? 0 : Math.max(1, Math.ceil(last.atMs + this.#partMs + this.#windowMs - nowMs));
  }

  spend(amount: number, nowMs: number): void {
    if (amount === 0) return;
    this.#spent += amount;
    const last = this.#parts.at(-1);
    if (last !== undefined && nowMs - last.atMs < this.#partMs) last.amount += amount;
    else this.#parts.push({ atMs: nowMs, amount });
  }

  #forget(nowMs: number): void {
    const keep = this.#parts.findIndex(({ atMs }) => atMs + this.#partMs + this.#windowMs > nowMs);
    const over = keep < 0 ? this.#parts : this.#parts.slice(0, keep);
    for (const { amount } of over) this.#spent -= amount;
    if (over.length > 0) this.#parts = keep < 0 ? [] : this.#parts.slice(keep);
  }
}

const throttledBy = (limit: string, waitMs: number): FaultError =>
  new FaultError({ kind: 'throttled', retryAfterMs: Math.ceil(waitMs), limit });
export const stopped = ({ signal }: Context): FaultError =>
  new FaultError({
    kind: 'transient',
    detail: 'stopped while waiting for the allowance of the mailbox',
    mayHaveHappened: false,
    cause: signal.reason,
  });
const late = (): FaultError =>
  new FaultError({
    kind: 'transient',
    detail: 'the deadline of the call was over before the request could be sent',
    mayHaveHappened: false,
  });
