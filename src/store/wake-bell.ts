import type { Clock } from '#kit/clock.ts';

/**
 * Tells claimers in this process that new work may be there. A ring between a claim that found nothing and the wait that
 * follows it is not lost: the wait returns at once.
 */
export class WakeBell {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<() => void>();
  #rings = 0;
  #heard = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rings++;
    for (const wake of [...this.#waiting, ...this.#listeners]) wake();
  }

  /** @returns ends it. */
  onRing(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** To be called when a claim begins: it will see everything that was rung for until now. */
  hear(): void {
    this.#heard = this.#rings;
  }

  /** Resolves at the next ring, after `timeoutMs`, or when the signal is aborted; never rejects. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== this.#heard || signal.aborted) return;
    const waking = new AbortController();
    const wake = () => waking.abort();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    try {
      await this.#clock.sleep(timeoutMs, waking.signal);
    } catch {
      // Woken, which is what was waited for.
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }
}
