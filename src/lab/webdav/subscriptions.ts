import type { Folder } from '../world/folder.ts';
import type { Mailbox, MailboxEvent } from '../world/mailbox.ts';

/** What a subscription wants to hear of. (evolution-exchange docs/subscriptions) */
export const notificationTypes = ['update', 'update/newmember', 'delete', 'move', 'newmail'] as const;
export type NotificationType = (typeof notificationTypes)[number];

export interface DavSubscription {
  readonly id: string;
  readonly folder: Folder;
  readonly owner: string;
  readonly type: NotificationType;
  /** Also of what is below the folder. */
  readonly deep: boolean;
  readonly lifetimeMs: number;
  expiresAtMs: number;
  /** Number of the last event that was told. */
  position: number;
}

/** Lifetimes are granted up to sixteen hours, the most that clients were seen to ask for. */
const lifetimeMaxMs = 57_600_000;
const perFolderMax = 200;
/** Those that have run out are looked for so often: there may be many thousands, and each is looked at when it is asked for. */
const sweepEveryMs = 60_000;

/** Open subscriptions of one server. */
export class DavSubscriptions {
  readonly #byId = new Map<string, DavSubscription>();
  readonly #byFolder = new Map<Folder, Set<DavSubscription>>();
  #next = 20;
  #sweptMs = Number.NEGATIVE_INFINITY;

  add(
    init: Omit<DavSubscription, 'id' | 'position' | 'expiresAtMs' | 'lifetimeMs'>,
    lifetimeMs: number,
    nowMs: number,
  ): DavSubscription {
    this.#sweep(nowMs);
    const granted = Math.max(1000, Math.min(lifetimeMs, lifetimeMaxMs));
    const position = init.folder.mailbox.subscribe();
    const id = String(++this.#next);
    const made: DavSubscription = { ...init, id, position, lifetimeMs: granted, expiresAtMs: nowMs + granted };
    this.#byId.set(id, made);
    const own = this.#byFolder.get(init.folder) ?? new Set();
    this.#byFolder.set(init.folder, own.add(made));
    const [first] = own;
    if (own.size > perFolderMax && first !== undefined) this.remove(first);
    return made;
  }

  /** Null: there is none of that number, or not any more. */
  get(id: string, nowMs: number): DavSubscription | null {
    const found = this.#byId.get(id) ?? null;
    if (found === null || !isOver(found, nowMs)) return found;
    this.remove(found);
    return null;
  }

  renew(subscription: DavSubscription, nowMs: number): void {
    subscription.expiresAtMs = nowMs + subscription.lifetimeMs;
  }

  remove(one: DavSubscription): void {
    if (!this.#byId.delete(one.id)) return;
    one.folder.mailbox.unsubscribe();
    const own = this.#byFolder.get(one.folder);
    own?.delete(one);
    if (own?.size === 0) this.#byFolder.delete(one.folder);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < sweepEveryMs) return;
    this.#sweptMs = nowMs;
    for (const one of this.#byId.values()) if (isOver(one, nowMs)) this.remove(one);
  }
}

const isOver = ({ expiresAtMs, folder }: DavSubscription, nowMs: number): boolean =>
  expiresAtMs <= nowMs || folder.gone;

const isIn = (folder: Folder, watched: Folder, deep: boolean): boolean =>
  folder === watched || (deep && folder.isInside(watched));

function concerns(event: MailboxEvent, { type, folder, deep }: DavSubscription): boolean {
  const here = isIn(event.item === null ? event.parent : event.folder, folder, deep);
  const wasHere = event.old !== null && isIn(event.old.folder, folder, deep);
  switch (type) {
    case 'newmail':
      return event.kind === 'NewMail' && here;
    case 'update/newmember':
      return here && event.kind !== 'Deleted' && event.kind !== 'Modified' && event.kind !== 'NewMail';
    case 'delete':
      // Moves away are not seen by it.
      return event.kind === 'Deleted' && here;
    case 'move':
      return event.kind === 'Moved' && wasHere;
    case 'update':
      return here || wasHere;
  }
}

const pageMax = 10_000;

/** Whether something happened since the last time; what is asked is told. */
export function pollSubscription(subscription: DavSubscription): boolean {
  const { mailbox }: { readonly mailbox: Mailbox } = subscription.folder;
  const events = mailbox.eventsAfter(subscription.position, pageMax);
  subscription.position = mailbox.lastEvent;
  // What was forgotten may have been anything.
  return events === null || events.some((event) => concerns(event, subscription));
}
