import type { WatchEvent } from '../contract.ts';

/**
 * Events between the connections that hear them and the one who reads them. One per mailbox waits at most, the strongest, so a
 * slow reader costs no memory: `missed` says everything that `changed` does.
 */
export class WatchQueue {
  readonly #waiting = new Map<string, WatchEvent>();
  #wake: (() => void) | null = null;
  #failure: { readonly error: unknown } | null = null;
  #ended = false;

  put(event: WatchEvent): void {
    const known = this.#waiting.get(event.address);
    if (known && strength[known.kind] > strength[event.kind]) return;
    this.#waiting.set(event.address, event);
    this.#wake?.();
  }

  /** Nothing comes any more; what waits is still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** A broken assumption of ours: whoever reads gets it instead of the next event. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** One reader. Ends without an error when the signal is aborted. */
  async *events(signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const onAbort = () => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (this.#failure) throw this.#failure.error;
        const [next] = this.#waiting.values();
        if (next) {
          this.#waiting.delete(next.address);
          yield next;
          continue;
        }
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

const strength: Readonly<Record<WatchEvent['kind'], number>> = { changed: 0, missed: 1, unwatchable: 1 };
