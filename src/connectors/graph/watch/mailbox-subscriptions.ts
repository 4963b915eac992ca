import type { Clock } from '#kit/clock.ts';
import { describeFault, FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { Context } from '../../contract.ts';
import type { GraphClient, GraphRequest } from '../graph-client.ts';
import { textAt } from '../json.ts';
import type { Notification, NotificationReceiver } from './receiver.ts';

export interface MailboxSubscriptionsOptions {
  readonly client: GraphClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly address: string;
  readonly receiver: NotificationReceiver;
  readonly url: string;
  readonly context: () => Context;
  /** Kinds of items that are subscribed to: some of `subscribedContent`. */
  readonly content: readonly SubscribedContent[];
  readonly changed: (content: SubscribedContent) => void;
  readonly missed: (why: string) => void;
  /** Asked for; the answer says how long it is. */
  readonly lifeMs?: number;
}

/** Just under three days, the longest for mail, events and contacts (GDOC `change-notifications-overview`: 4230 minutes). */
const longestMs = 4230 * 60_000;
/** A subscription is renewed when so much of its life is over, so that a try that fails can be repeated. */
const renewAt = 0.6;
/** Renewals that fail in a row before the subscriptions are made anew. */
const retryMs = 60_000;
const shortestMs = 60_000;

/** What can be subscribed to, with its resource. Tasks and notes have none for applications: the sweeps look at them. */
export const subscribedContent = { mail: 'messages', calendar: 'events', contacts: 'contacts' } as const;
export type SubscribedContent = keyof typeof subscribedContent;

interface Subscription {
  readonly id: string;
  readonly content: SubscribedContent;
  expiresMs: number;
  renewMs: number;
}

/** The subscriptions of one mailbox, from their making to their end. */
export class MailboxSubscriptions {
  readonly #options: MailboxSubscriptionsOptions;
  readonly #clientState: string;
  readonly #live = new Map<string, Subscription>();
  readonly #unhear: () => void;
  #lost = false;
  #wake: (() => void) | null = null;

  constructor(options: MailboxSubscriptionsOptions) {
    this.#options = options;
    this.#clientState = options.random.bytes(24).toString('hex');
    this.#unhear = options.receiver.hear(this.#clientState, (notification) => this.#heard(notification));
  }

  /** Makes them; the service makes sure of our address meanwhile. Throws FaultError. */
  async open(): Promise<void> {
    for (const content of this.#options.content) {
      const { client, address, context, url } = this.#options;
      const answer = await client.call(
        {
          ...writing('POST', '/subscriptions', 'POST subscriptions'),
          body: {
            changeType: 'created,updated,deleted',
            notificationUrl: url,
            lifecycleNotificationUrl: url,
            resource: `users/${address}/${subscribedContent[content]}`,
            expirationDateTime: this.#wantedUntil(),
            clientState: this.#clientState,
            latestSupportedTlsVersion: 'v1_2',
          },
        },
        address,
        context(),
      );
      const id = textAt(answer, 'id');
      if (id === null)
        throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'a subscription was answered without an id' });
      this.#live.set(id, { id, content, ...this.#life(textAt(answer, 'expirationDateTime')) });
    }
  }

  /** Renews them as long as they live. Returns when one was lost, so that all are made anew, or when the signal is aborted. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#lost) {
      const nowMs = this.#options.clock.nowMs();
      const next = Math.min(...[...this.#live.values()].map(({ renewMs }) => renewMs));
      if (next > nowMs) {
        await this.#sleep(next - nowMs, signal);
        continue;
      }
      for (const subscription of this.#live.values())
        if (subscription.renewMs <= nowMs && !(await this.#renew(subscription))) return;
    }
  }

  /** Takes them back, as far as the service lets: they would end by themselves. */
  async close(): Promise<void> {
    this.#unhear();
    const { client, address, clock } = this.#options;
    for (const { id } of this.#live.values()) {
      try {
        // The watch may be over; this is the last thing that is said.
        const context = { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 5_000 };
        await client.call(
          writing('DELETE', `/subscriptions/${encodeURIComponent(id)}`, 'DELETE subscriptions'),
          address,
          context,
        );
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
      }
    }
    this.#live.clear();
  }

  #heard({ kind, subscription }: Notification): void {
    const known = this.#live.get(subscription);
    switch (kind) {
      case 'changed':
        // One that is just being made tells before it is known.
        if (known === undefined) for (const content of this.#options.content) this.#options.changed(content);
        else this.#options.changed(known.content);
        return;
      case 'missed':
        this.#options.missed('the service says that notifications were lost');
        return;
      case 'removed':
        this.#lost = true;
        break;
      case 'reauthorize':
        if (known !== undefined) known.renewMs = 0;
        break;
    }
    this.#wake?.();
  }

  /** False: it is no more, so that nobody knows what was missed. */
  async #renew(subscription: Subscription): Promise<boolean> {
    const { client, address, context, clock, missed } = this.#options;
    try {
      const path = `/subscriptions/${encodeURIComponent(subscription.id)}`;
      const answer = await client.call(
        { ...writing('PATCH', path, 'PATCH subscriptions'), body: { expirationDateTime: this.#wantedUntil() } },
        address,
        context(),
      );
      Object.assign(subscription, this.#life(textAt(answer, 'expirationDateTime')));
      return true;
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (error.fault.kind === 'gone') return false;
      const nowMs = clock.nowMs();
      if (nowMs + retryMs >= subscription.expiresMs) {
        missed(describeFault(error.fault));
        return false;
      }
      subscription.renewMs = nowMs + retryMs;
      return true;
    }
  }

  #wantedUntil(): string {
    return new Date(this.#options.clock.nowMs() + (this.#options.lifeMs ?? longestMs)).toISOString();
  }

  /** The answer is believed, not what was asked for. */
  #life(until: string | null): { readonly expiresMs: number; readonly renewMs: number } {
    const nowMs = this.#options.clock.nowMs();
    const ends = until === null ? Number.NaN : Date.parse(until);
    const expiresMs = Number.isNaN(ends) ? nowMs + (this.#options.lifeMs ?? longestMs) : ends;
    return { expiresMs, renewMs: nowMs + Math.max(shortestMs, (expiresMs - nowMs) * renewAt) };
  }

  /** Until then, unless something is heard of the subscriptions themselves. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const end = () => stop.abort(new Error('woken'));
    this.#wake = end;
    signal.addEventListener('abort', end);
    try {
      await this.#options.clock.sleep(ms, stop.signal);
    } catch {
      // Woken: whoever waits looks what for.
    } finally {
      signal.removeEventListener('abort', end);
      this.#wake = null;
    }
  }
}

const writing = (method: 'POST' | 'PATCH' | 'DELETE', path: string, name: string): GraphRequest => ({
  method,
  path,
  name,
  // Made twice it tells twice, which costs a look; so it may be repeated.
  subject: { writes: false, about: 'mailbox' },
});
