import type { WatchEvent } from '../contract.ts';

/** Folders of one mailbox that are told apart; of more, the whole mailbox is to be looked at. */
const foldersMax = 16;
/** Items that an event names; when there are more, the folder is to be looked at. */
const itemsMax = 32;
/** Key of an event that is about the whole mailbox. */
const whole = '';

/** A folder, all items of a kind, or the whole mailbox. */
const placeOf = (event: WatchEvent): string =>
  event.kind !== 'changed' ? whole : (event.folder ?? (event.content === undefined ? whole : `all ${event.content}`));

/**
 * Events between the connections that hear them and the one who reads them. Few per mailbox wait, so a slow reader costs no memory:
 * one per folder that changed, or one about all of it, the strongest: `missed` says everything that `changed` does.
 */
export class WatchQueue {
  readonly #waiting = new Map<string, Map<string, WatchEvent>>();
  #wake: (() => void) | null = null;
  #failure: { readonly error: unknown } | null = null;
  #ended = false;

  put(event: WatchEvent): void {
    const { address } = event;
    const waiting = this.#waiting.get(address) ?? new Map<string, WatchEvent>();
    const known = waiting.get(whole);
    const folder = placeOf(event);
    if (known !== undefined && (folder !== whole || strength[known.kind] > strength[event.kind])) return;
    if (folder === whole || (waiting.size >= foldersMax && !waiting.has(folder))) {
      waiting.clear();
      waiting.set(whole, folder === whole ? event : { kind: 'changed', address });
    } else waiting.set(folder, together(waiting.get(folder), event));
    this.#waiting.set(address, waiting);
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
        const [next] = this.#waiting;
        if (next) {
          const [address, events] = next;
          this.#waiting.delete(address);
          yield* events.values();
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

/** Two events about one folder as one. */
function together(before: WatchEvent | undefined, event: WatchEvent): WatchEvent {
  if (before?.kind !== 'changed' || event.kind !== 'changed' || event.items === undefined) return event;
  if (before.items === undefined) return before;
  const items = [...before.items, ...event.items];
  if (items.length <= itemsMax) return { ...event, items };
  const { items: _, ...unnamed } = event;
  return unnamed;
}

const strength: Readonly<Record<WatchEvent['kind'], number>> = { changed: 0, missed: 1, unwatchable: 1 };
