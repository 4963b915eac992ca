import type { Mailbox } from './mailbox.ts';

/** Mailboxes that are as the seed made them can be made again; this many stay open. */
const recentMax = 256;

/**
 * The opened mailboxes of an organization, by address in lower case. Changed and watched ones stay; of the others the least recently used
 * is forgotten. There is never a second object for an address while anybody holds the first: what is written into it would be lost.
 */
export class OpenMailboxes {
  readonly #kept = new Map<string, Mailbox>();
  /** Most recently used last. */
  readonly #recent = new Map<string, Mailbox>();
  /** Forgotten, but perhaps in somebody's hand. */
  readonly #forgotten = new Map<string, WeakRef<Mailbox>>();

  get(key: string): Mailbox | null {
    const known = this.#kept.get(key) ?? this.#recent.get(key) ?? this.#forgotten.get(key)?.deref();
    if (known === undefined) return null;
    if (!this.#kept.has(key)) this.add(key, known);
    return known;
  }

  add(key: string, mailbox: Mailbox): void {
    this.#forgotten.delete(key);
    this.#recent.delete(key);
    this.#recent.set(key, mailbox);
    if (this.#recent.size <= recentMax) return;
    for (const [oldest, forgotten] of this.#recent) {
      this.#recent.delete(oldest);
      this.#forgotten.set(oldest, new WeakRef(forgotten));
      return;
    }
  }

  remove(key: string): void {
    this.#kept.delete(key);
    this.#recent.delete(key);
    this.#forgotten.delete(key);
  }

  /** It has to stay, unless another one took its place. */
  keep(key: string, mailbox: Mailbox): void {
    if (this.get(key) !== mailbox) return;
    this.#recent.delete(key);
    this.#kept.set(key, mailbox);
  }

  /** It may be forgotten again. */
  release(key: string, mailbox: Mailbox): void {
    if (this.#kept.get(key) !== mailbox) return;
    this.#kept.delete(key);
    this.add(key, mailbox);
  }

  /** Those that have to stay. */
  kept(): readonly Mailbox[] {
    return [...this.#kept.values()];
  }
}
