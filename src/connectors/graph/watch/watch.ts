import type { Clock } from '#kit/clock.ts';
import { describeFault, type Fault, FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { FolderContent } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { Connector, Context, Mailbox, WatchEvent } from '../../contract.ts';
import { WatchQueue } from '../../ews/watch-queue.ts';
import type { GraphClient } from '../graph-client.ts';
import { MailboxSubscriptions, type SubscribedContent, subscribedContent } from './mailbox-subscriptions.ts';
import type { NotificationReceiver } from './receiver.ts';

/** Where the service is to send notifications to. */
export interface NotificationAddress {
  readonly receiver: NotificationReceiver;
  readonly url: string;
}

export interface GraphWatchOptions {
  readonly client: GraphClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly mailbox: (address: string) => Mailbox;
  /** Null: there is no address that the service could reach, so mailboxes are asked in turn. */
  readonly notifications: (() => Promise<NotificationAddress>) | null;
  /** Between two questions: the first while something happens, growing to the second while nothing does. */
  readonly poll?: { readonly fastMs: number; readonly slowMs: number };
  /** Longest life that a subscription is asked for. */
  readonly subscriptionMs?: number;
}

const callMaxMs = 60_000;
/** One small request a mailbox: a change is seen within the longer of these, and a thousand mailboxes are 30 requests a second at most. */
const defaultPoll = { fastMs: 10_000, slowMs: 40_000 } as const;
const growth = 1.5;
const backoffMaxMs = 60_000;
/** A mailbox that cannot be watched may be repaired by somebody; then it is watched again. */
const unwatchableRetryMs = 10 * 60_000;

/**
 * Watches mailboxes: by change notifications where the service can reach us, by looking at the marks of folders otherwise. Every mailbox
 * says `missed` when its watch begins, since nobody knows what happened just before, and after every gap.
 */
export function graphWatch(options: GraphWatchOptions): NonNullable<Connector['watch']> {
  return (addresses, signal, content) => watch(options, [...new Set(addresses)], signal, subscribedOf(content));
}

/** Of what somebody wants to hear of, what can be subscribed to. */
const subscribedOf = (wanted: ReadonlySet<FolderContent> | undefined): readonly SubscribedContent[] =>
  (Object.keys(subscribedContent) as SubscribedContent[]).filter((one) => wanted?.has(one) ?? true);

async function* watch(
  options: GraphWatchOptions,
  addresses: readonly string[],
  outer: AbortSignal,
  content: readonly SubscribedContent[],
): AsyncGenerator<WatchEvent> {
  const stop = new AbortController();
  const onOuter = () => stop.abort(outer.reason);
  if (outer.aborted) return;
  outer.addEventListener('abort', onOuter);
  const queue = new WatchQueue();
  const { slowMs } = options.poll ?? defaultPoll;
  const work = Promise.all(
    // Spread, so that not all of them are asked in the same second.
    addresses.map((address, n) =>
      new WatchedMailbox(options, address, content, queue, stop.signal).run((slowMs * n) / addresses.length),
    ),
  ).then(
    () => queue.end(),
    (error) => (stop.signal.aborted ? queue.end() : queue.fail(error)),
  );
  try {
    yield* queue.events(stop.signal);
  } finally {
    outer.removeEventListener('abort', onOuter);
    stop.abort(new Error('the watch was ended'));
    await work;
  }
}

/** Concerns this mailbox or all of the organization, and does not pass by itself. */
const lasts = (fault: Fault): boolean => fault.kind === 'fatal' || fault.kind === 'poison' || fault.kind === 'gone';

class WatchedMailbox {
  readonly #options: GraphWatchOptions;
  readonly #address: string;
  readonly #content: readonly SubscribedContent[];
  readonly #queue: WatchQueue;
  readonly #signal: AbortSignal;

  constructor(
    options: GraphWatchOptions,
    address: string,
    content: readonly SubscribedContent[],
    queue: WatchQueue,
    signal: AbortSignal,
  ) {
    // Where nothing that is wanted can be subscribed to, mailboxes are asked.
    this.#options = content.length > 0 ? options : { ...options, notifications: null };
    this.#address = address;
    this.#content = content;
    this.#queue = queue;
    this.#signal = signal;
  }

  async run(firstMs: number): Promise<void> {
    const { notifications } = this.#options;
    const address = this.#address;
    let why = 'the watch of this mailbox begins';
    if (!(await this.#pause(notifications === null ? firstMs : 0))) return;
    for (let attempt = 0; !this.#signal.aborted; attempt++) {
      try {
        const begun = () => {
          attempt = 0;
          this.#queue.put({ kind: 'missed', address, why });
        };
        if (notifications === null) await this.#poll(begun);
        else await this.#subscribe(await notifications(), begun);
        if (this.#signal.aborted) return;
        why = 'the notifications of this mailbox were interrupted';
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (this.#signal.aborted) return;
        const { fault } = error;
        why = describeFault(fault);
        if (lasts(fault)) this.#queue.put({ kind: 'unwatchable', address, why });
        const waitMs = lasts(fault) ? unwatchableRetryMs : fault.kind === 'throttled' ? fault.retryAfterMs : 0;
        if (!(await this.#pause(Math.max(waitMs, this.#backoffMs(attempt))))) return;
      }
    }
  }

  /** Asks for the marks of all folders, which is one request, and says which of them moved. */
  async #poll(begun: () => void): Promise<void> {
    const { random, mailbox, poll = defaultPoll } = this.#options;
    const box = mailbox(this.#address);
    let marks: ReadonlyMap<FolderId, string | null> | null = null;
    for (let everyMs = poll.fastMs; !this.#signal.aborted; ) {
      const { folders } = await box.tree(this.#context());
      const now = new Map(folders.map(({ id, mark }) => [id, mark] as const));
      if (marks === null) begun();
      else everyMs = this.#tell(marks, now) ? poll.fastMs : Math.min(everyMs * growth, poll.slowMs);
      marks = now;
      if (!(await this.#pause(everyMs * (0.9 + 0.2 * random.next())))) return;
    }
  }

  /** Whether there was anything to tell. */
  #tell(before: ReadonlyMap<FolderId, string | null>, now: ReadonlyMap<FolderId, string | null>): boolean {
    const address = this.#address;
    const isOtherTree = before.size !== now.size || [...now.keys()].some((id) => !before.has(id));
    // Without marks nothing is known, and everything has to be looked at.
    if (isOtherTree || [...now.values()].every((mark) => mark === null)) {
      this.#queue.put({ kind: 'changed', address });
      return true;
    }
    const moved = [...now].filter(([id, mark]) => mark !== null && before.get(id) !== mark);
    for (const [folder] of moved) this.#queue.put({ kind: 'changed', address, folder });
    return moved.length > 0;
  }

  /** Returns when the subscriptions have to be made anew. */
  async #subscribe({ receiver, url }: NotificationAddress, begun: () => void): Promise<void> {
    const { client, clock, random, subscriptionMs } = this.#options;
    const address = this.#address;
    const subscriptions = new MailboxSubscriptions({
      client,
      clock,
      random,
      address,
      receiver,
      url,
      context: () => this.#context(),
      content: this.#content,
      changed: (content) => this.#queue.put({ kind: 'changed', address, content }),
      missed: (why) => this.#queue.put({ kind: 'missed', address, why }),
      ...(subscriptionMs === undefined ? {} : { lifeMs: subscriptionMs }),
    });
    try {
      await subscriptions.open();
      begun();
      await subscriptions.keep(this.#signal);
    } finally {
      await subscriptions.close();
    }
  }

  #context(): Context {
    return { signal: this.#signal, deadlineMs: this.#options.clock.monotonicMs() + callMaxMs };
  }

  /** False: the watch was ended meanwhile. */
  async #pause(ms: number): Promise<boolean> {
    try {
      await this.#options.clock.sleep(ms, this.#signal);
    } catch {
      return false;
    }
    return !this.#signal.aborted;
  }

  #backoffMs(attempt: number): number {
    const ms = Math.min(1_000 * 2 ** Math.min(attempt, 16), backoffMaxMs);
    return ms / 2 + (ms / 2) * this.#options.random.next();
  }
}
