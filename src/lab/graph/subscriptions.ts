import type { Transport } from '#kit/transport.ts';
import { guidOf } from '../world/account.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox, MailboxEvent } from '../world/mailbox.ts';
import { etagOf } from './item-values.ts';
import type { Permission } from './permissions.ts';
import { idOfItem } from './rest-ids.ts';
import type { Json } from './route.ts';
import { post } from './webhook.ts';

// learn.microsoft.com/graph/change-notifications-overview, /graph/api/resources/subscription; FACTS §4.

export const changeTypes = ['created', 'updated', 'deleted'] as const;
type ChangeType = (typeof changeTypes)[number];
export const lifecycleEvents = ['reauthorizationRequired', 'subscriptionRemoved', 'missed'] as const;
export type LifecycleEvent = (typeof lifecycleEvents)[number];

/** What a resource of a subscription is about. */
export interface SubscribedResource {
  readonly mailbox: Mailbox;
  /** Null: the items of the kind in all folders. */
  readonly folder: Folder | null;
  readonly type: string;
  readonly needs: Permission;
  readonly has: (item: Item) => boolean;
}

export interface Subscription {
  readonly id: string;
  readonly clientId: string;
  readonly text: string;
  readonly resource: SubscribedResource;
  readonly changes: ReadonlySet<ChangeType>;
  readonly notificationUrl: string;
  readonly lifecycleUrl: string | null;
  readonly clientState: string | null;
  readonly immutable: boolean;
  expiresAtMs: number;
  /** Number of the last event that was looked at. */
  position: number;
}

/** Deliveries that failed are tried again for so long. */
const retryMs = 4 * 3_600_000;
const validationMs = 10_000;
const deliveryMs = 3_000;
const batchMax = 100;

interface Pending {
  readonly url: string;
  readonly sinceMs: number;
  readonly subscription: string;
  readonly body: Json;
}

/**
 * Subscriptions of one organization, and the notifications on their way. A delivery that fails is tried again with the next one, and
 * given up after four hours with a word to the lifecycle address.
 */
export class GraphSubscriptions {
  readonly #all = new Map<string, Subscription>();
  readonly #byMailbox = new Map<Mailbox, Set<Subscription>>();
  readonly #listening = new Map<Mailbox, () => void>();
  /** Mailboxes where something happened since it was last looked. */
  readonly #stirred = new Set<Mailbox>();
  #transport: Transport | null;
  #pending: Pending[] = [];
  #delivering: Promise<void> = Promise.resolve();
  #scheduled = false;
  #no = 0;

  constructor(transport: Transport | null) {
    this.#transport = transport;
  }

  /** Through what webhooks are reached; null: none can be. */
  useTransport(transport: Transport | null): void {
    this.#transport = transport;
  }
  get count(): number {
    return this.#all.size;
  }
  /** Notifications that were not taken yet. */
  get waiting(): number {
    return this.#pending.length;
  }

  get(id: string, nowMs: number): Subscription | null {
    const found = this.#all.get(id) ?? null;
    if (found === null || found.expiresAtMs > nowMs) return found;
    this.remove(id);
    return null;
  }
  *of(clientId: string, nowMs: number): Generator<Subscription> {
    for (const one of [...this.#all.values()])
      if (one.clientId === clientId && this.get(one.id, nowMs) !== null) yield one;
  }
  ofMailbox(mailbox: Mailbox): number {
    return this.#byMailbox.get(mailbox)?.size ?? 0;
  }

  add(init: Omit<Subscription, 'id' | 'position'>): Subscription {
    const { mailbox } = init.resource;
    const id = guidOf('subscription', mailbox.guid, ++this.#no);
    const made = { ...init, id, position: mailbox.subscribe() };
    this.#all.set(id, made);
    this.#byMailbox.set(mailbox, (this.#byMailbox.get(mailbox) ?? new Set()).add(made));
    if (!this.#listening.has(mailbox))
      this.#listening.set(
        mailbox,
        mailbox.listen(() => {
          this.#stirred.add(mailbox);
          this.#schedule(() => mailbox.nowMs);
        }),
      );
    return made;
  }

  remove(id: string): void {
    const found = this.#all.get(id);
    if (found === undefined) return;
    this.#all.delete(id);
    const { mailbox } = found.resource;
    mailbox.unsubscribe();
    this.#byMailbox.get(mailbox)?.delete(found);
    if (this.ofMailbox(mailbox) > 0) return;
    this.#byMailbox.delete(mailbox);
    this.#stirred.delete(mailbox);
    this.#listening.get(mailbox)?.();
    this.#listening.delete(mailbox);
  }

  /** Says whether the address echoes a token, which it must within ten seconds. */
  async validates(url: string, id: string): Promise<boolean> {
    if (this.#transport === null) return false;
    const token = `Validation: Testing client application reachability for subscription Request-Id: ${id}`;
    const target = `${url}${url.includes('?') ? '&' : '?'}validationToken=${encodeURIComponent(token)}`;
    try {
      const reply = await post(this.#transport, target, null, validationMs);
      return reply.status === 200 && reply.text === token && /^text\/plain\b/i.test(reply.type);
    } catch {
      return false;
    }
  }

  /** Tells a client of what happened to its subscription. */
  lifecycle(id: string, event: LifecycleEvent, nowMs: number): void {
    const one = this.#all.get(id);
    if (one === undefined) return;
    if (event === 'subscriptionRemoved') this.remove(id);
    if (one.lifecycleUrl === null) return;
    const { world, name, domain } = one.resource.mailbox.organization;
    this.#pending.push({
      url: one.lifecycleUrl,
      sinceMs: nowMs,
      subscription: id,
      body: {
        subscriptionId: id,
        subscriptionExpirationDateTime: new Date(one.expiresAtMs).toISOString(),
        clientState: one.clientState,
        tenantId: guidOf('tenant', name, domain),
        lifecycleEvent: event,
        ...(event === 'missed' ? { resource: one.text } : {}),
      },
    });
    this.#schedule(() => world.surroundings.clock.nowMs());
  }

  /** Resolves when everything that can be delivered now has been. */
  async settle(nowMs: number): Promise<void> {
    this.#collect(nowMs);
    this.#delivering = this.#delivering.then(() => this.#deliver(nowMs));
    for (let last: Promise<void> | null = null; last !== this.#delivering; ) {
      last = this.#delivering;
      await last;
    }
  }

  /** In a turn of its own, so that the write that caused it is over. */
  #schedule(now: () => number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      void this.settle(now());
    });
  }

  #collect(nowMs: number): void {
    const stirred = [...this.#stirred].flatMap((mailbox) => [...(this.#byMailbox.get(mailbox) ?? [])]);
    this.#stirred.clear();
    for (const one of stirred) {
      if (this.get(one.id, nowMs) === null) continue;
      const { mailbox } = one.resource;
      const { world, name } = mailbox.organization;
      const events = mailbox.eventsAfter(one.position, Number.MAX_SAFE_INTEGER);
      one.position = mailbox.lastEvent;
      const occasion = { organization: name, mailbox: mailbox.address, operation: 'notification' };
      const strikes =
        events !== null && events.length > 0 && world.surroundings.faults.strike('missed-events', occasion) !== null;
      if (events === null || strikes) {
        this.lifecycle(one.id, 'missed', nowMs);
        continue;
      }
      for (const event of events)
        for (const [change, item] of changesOf(one.resource, event))
          if (one.changes.has(change)) this.#pending.push(notification(one, change, item, nowMs));
    }
  }

  async #deliver(nowMs: number): Promise<void> {
    const transport = this.#transport;
    if (transport === null) return;
    const byUrl = new Map<string, Pending[]>();
    for (const one of this.#pending.splice(0)) byUrl.set(one.url, [...(byUrl.get(one.url) ?? []), one]);
    for (const [url, all] of byUrl)
      for (let at = 0; at < all.length; at += batchMax) {
        const part = all.slice(at, at + batchMax);
        const body = { value: part.map((one) => one.body) };
        const taken = await post(transport, url, body, deliveryMs).then(
          ({ status }) => status >= 200 && status < 300,
          () => false,
        );
        if (!taken) this.#keep(part, nowMs);
      }
  }

  #keep(part: readonly Pending[], nowMs: number): void {
    const tooOld = new Set(part.filter(({ sinceMs }) => nowMs - sinceMs > retryMs).map((one) => one.subscription));
    this.#pending.push(...part.filter(({ sinceMs }) => nowMs - sinceMs <= retryMs));
    for (const id of tooOld) this.lifecycle(id, 'missed', nowMs);
  }
}

/** What an event of the store is to a subscription: a move is the end of one item and the beginning of another. */
function* changesOf(resource: SubscribedResource, event: MailboxEvent): Generator<readonly [ChangeType, Item]> {
  const { item, old, parent } = event;
  if (item === null) return;
  const inside = (folder: Folder | null): boolean => resource.folder === null || resource.folder === folder;
  switch (event.kind) {
    case 'Created':
    case 'Copied':
      if (inside(parent) && resource.has(item)) yield ['created', item];
      return;
    case 'Modified':
      if (inside(parent) && resource.has(item)) yield ['updated', item];
      return;
    case 'Deleted':
      if (inside(parent) && resource.has(item)) yield ['deleted', item];
      return;
    case 'Moved':
      if (old?.item && inside(old.folder) && resource.has(old.item)) yield ['deleted', old.item];
      if (inside(parent) && resource.has(item)) yield ['created', item];
      return;
    case 'NewMail':
  }
}

function notification(one: Subscription, change: ChangeType, item: Item, nowMs: number): Pending {
  const { mailbox, type } = one.resource;
  const id = idOfItem(item, one.immutable);
  const at = `Users/${mailbox.guid}/${type.slice(type.lastIndexOf('.') + 1)}s/${id}`;
  return {
    url: one.notificationUrl,
    sinceMs: nowMs,
    subscription: one.id,
    body: {
      subscriptionId: one.id,
      subscriptionExpirationDateTime: new Date(one.expiresAtMs).toISOString(),
      changeType: change,
      resource: at,
      resourceData: { '@odata.type': type, '@odata.id': at, '@odata.etag': etagOf(item), id },
      clientState: one.clientState,
      tenantId: guidOf('tenant', mailbox.organization.name, mailbox.organization.domain),
    },
  };
}
