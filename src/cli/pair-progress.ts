import type { AgentEvent } from '#agent/work.ts';
import type { PairId } from '#model/ids.ts';

export interface Copied {
  readonly items: number;
  readonly bytes: number;
}

const none: Copied = { items: 0, bytes: 0 };
const plus = (a: Copied, b: Copied): Copied => ({ items: a.items + b.items, bytes: a.bytes + b.bytes });

/** Adds up what the events of an agent say. An event counts from the beginning of its pass; a pair may have several. */
export class PairProgress {
  readonly #earlier = new Map<PairId, Copied>();
  readonly #now = new Map<PairId, Copied>();

  take(event: AgentEvent): void {
    if (event.kind === 'items') this.#now.set(event.pair, { items: event.copied, bytes: event.bytes });
    if (event.kind !== 'pass-started') return;
    this.#earlier.set(event.pair, this.of(event.pair));
    this.#now.delete(event.pair);
  }

  of(pair: PairId): Copied {
    return plus(this.#earlier.get(pair) ?? none, this.#now.get(pair) ?? none);
  }

  get all(): Copied {
    return [...new Set([...this.#earlier.keys(), ...this.#now.keys()])].map((pair) => this.of(pair)).reduce(plus, none);
  }
}
