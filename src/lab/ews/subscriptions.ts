import type { Folder } from '../world/folder.ts';
import type { Mailbox } from '../world/mailbox.ts';

export interface Subscription {
  readonly id: string;
  readonly mailbox: Mailbox;
  readonly owner: string;
  readonly kind: 'pull' | 'streaming';
  /** Null: everything in the mailbox. */
  readonly folders: ReadonlySet<Folder> | null;
  readonly events: ReadonlySet<string>;
  readonly timeoutMs: number;
  /** Number of the last event the client has. */
  position: number;
  expiresAtMs: number;
}

/** How often those are looked for that nobody renewed. */
const sweepMs = 60_000;

/** Open subscriptions of one organization. */
export class Subscriptions {
  readonly #byId = new Map<string, Subscription>();
  readonly #counts = new Map<Mailbox, number>();
  #next = 0;
  #sweptMs = 0;

  add(init: Omit<Subscription, 'id' | 'position' | 'expiresAtMs'>, nowMs: number): Subscription {
    this.#sweep(nowMs);
    const position = init.mailbox.subscribe();
    const number = (++this.#next).toString(36).padStart(6, '0');
    const id = Buffer.from(`${init.kind}/${init.mailbox.guid}/${number}`).toString('base64');
    const made: Subscription = { ...init, id, position, expiresAtMs: nowMs + init.timeoutMs };
    this.#byId.set(id, made);
    this.#counts.set(init.mailbox, this.of(init.mailbox) + 1);
    return made;
  }

  get(id: string, nowMs: number): Subscription | null {
    const found = this.#byId.get(id);
    if (found !== undefined && found.expiresAtMs < nowMs) this.remove(found);
    return this.#byId.get(id) ?? null;
  }

  remove(subscription: Subscription): void {
    const { id, mailbox } = subscription;
    if (!this.#byId.delete(id)) return;
    mailbox.unsubscribe();
    const left = this.of(mailbox) - 1;
    if (left > 0) this.#counts.set(mailbox, left);
    else this.#counts.delete(mailbox);
  }

  of(mailbox: Mailbox): number {
    return this.#counts.get(mailbox) ?? 0;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < sweepMs && nowMs >= this.#sweptMs) return;
    this.#sweptMs = nowMs;
    for (const subscription of this.#byId.values()) if (subscription.expiresAtMs < nowMs) this.remove(subscription);
  }
}
