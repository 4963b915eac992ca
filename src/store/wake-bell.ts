import type { Clock } from '#kit/clock.ts';

/** Kinds of work that a ring is about, the part of their keys before the colon; null: any. */
export type WakeKinds = readonly string[] | null;

/**
 * Tells claimers in this process that new work may be there, those of the kind that it is about. A ring between a claim that found
 * nothing and the wait that follows it is not lost: the wait returns at once, whoever else claimed in the meantime.
 */
export class WakeBell {
  readonly #clock: Clock;
  readonly #waiting = new Map<() => void, string>();
  readonly #listeners = new Set<(kinds: WakeKinds) => void>();
  /** Rings so far, by kind; those that are about any kind under ''. */
  readonly #rings = new Map<string, number>();
  readonly #heard = new Map<string, number>();
  #all = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(kinds: WakeKinds = null): void {
    this.#all++;
    for (const kind of kinds ?? ['']) this.#rings.set(kind, (this.#rings.get(kind) ?? 0) + 1);
    for (const [wake, prefix] of [...this.#waiting])
      if (prefix === '' || kinds === null || kinds.some((kind) => `${kind}:` === prefix)) wake();
    for (const listener of [...this.#listeners]) listener(kinds);
  }

  /** @returns ends it. */
  onRing(listener: (kinds: WakeKinds) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** To be called when a claim begins: it will see everything that was rung for until now. @param prefix `mail:`; '': every kind. */
  hear(prefix: string): void {
    this.#heard.set(prefix, this.#ringsFor(prefix));
  }

  /** Resolves at the next ring for the kind, after `timeoutMs`, or when the signal is aborted; never rejects. */
  async wait(timeoutMs: number, signal: AbortSignal, prefix: string): Promise<void> {
    if (this.#ringsFor(prefix) !== (this.#heard.get(prefix) ?? 0) || signal.aborted) return;
    const waking = new AbortController();
    const wake = () => waking.abort();
    this.#waiting.set(wake, prefix);
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

  #ringsFor(prefix: string): number {
    if (prefix === '') return this.#all;
    return (this.#rings.get('') ?? 0) + (this.#rings.get(prefix.replace(/:$/, '')) ?? 0);
  }
}
