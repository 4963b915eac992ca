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

/** Open subscriptions of one organization. */
export class Subscriptions {
  readonly #byId = new Map<string, Subscription>();
  #next = 0;

  add(init: Omit<Subscription, 'id' | 'position' | 'expiresAtMs'>, nowMs: number): Subscription {
    this.#expire(nowMs);
    const position = init.mailbox.subscribe();
    const number = (++this.#next).toString(36).padStart(6, '0');
    const id = Buffer.from(`${init.kind}/${init.mailbox.guid}/${number}`).toString('base64');
    const made: Subscription = { ...init, id, position, expiresAtMs: nowMs + init.timeoutMs };
    this.#byId.set(id, made);
    return made;
  }

  get(id: string, nowMs: number): Subscription | null {
    this.#expire(nowMs);
    return this.#byId.get(id) ?? null;
  }

  remove(subscription: Subscription): void {
    if (this.#byId.delete(subscription.id)) subscription.mailbox.unsubscribe();
  }

  of(mailbox: Mailbox): number {
    let count = 0;
    for (const subscription of this.#byId.values()) if (subscription.mailbox === mailbox) count++;
    return count;
  }

  #expire(nowMs: number): void {
    for (const subscription of this.#byId.values()) if (subscription.expiresAtMs < nowMs) this.remove(subscription);
  }
}
