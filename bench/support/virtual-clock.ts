import type { Clock } from '#kit/clock.ts';

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Turns of the event loop without anybody waking up, after which everybody is taken to wait. */
const quietTurns = 12;

/**
 * A clock whose time passes only while everybody waits: then it goes on to the moment at which the next one wakes up. Hours of
 * waiting for a server's budgets pass in seconds, and programs at the same time wait at the same time. For programs that wait for
 * nothing but the clock and each other: with sockets or files in between, time would pass while they are busy.
 */
export class VirtualClock implements Clock {
  readonly #startMs: number;
  #now: number;
  #sleepers: Sleeper[] = [];
  #turning = false;

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#now = startMs;
  }

  nowMs(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now - this.#startMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const give = () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        untilMs: this.#now + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener('abort', give);
          resolve();
        },
      };
      signal?.addEventListener('abort', give, { once: true });
      this.#sleepers.push(sleeper);
      void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    if (this.#turning) return;
    this.#turning = true;
    while (this.#sleepers.length > 0) {
      for (let turn = 0; turn < quietTurns; turn++) await new Promise((next) => setImmediate(next));
      const next = Math.min(...this.#sleepers.map(({ untilMs }) => untilMs));
      this.#now = Math.max(this.#now, next);
      const due = this.#sleepers.filter(({ untilMs }) => untilMs <= this.#now);
      this.#sleepers = this.#sleepers.filter(({ untilMs }) => untilMs > this.#now);
      for (const sleeper of due) sleeper.wake();
    }
    this.#turning = false;
  }
}
