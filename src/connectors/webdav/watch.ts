import type { Clock } from '#kit/clock.ts';
import { describeFault, type Fault, FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { FolderId } from '#model/ids.ts';
import type { Connector, Context, WatchEvent } from '../contract.ts';
import { WatchQueue } from '../ews/watch-queue.ts';
import type { MailboxRequests } from './resources.ts';
import { poll, type Subscription, subscribe, unsubscribe } from './subscriptions.ts';

export interface DavWatchOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly requestsOf: (address: string) => MailboxRequests;
  /** Folders of a mailbox whose contents are watched. */
  readonly foldersOf: (address: string, context: Context) => Promise<readonly FolderId[]>;
  /** Between two questions to a mailbox. */
  readonly pollEveryMs?: number;
}

const defaultPollEveryMs = 5_000;
const callMaxMs = 60_000;
const backoffFirstMs = 1_000;
const backoffMaxMs = 60_000;
/** A mailbox that cannot be watched may be repaired by somebody; then it is watched again. */
const unwatchableRetryMs = 10 * 60_000;
/** Folders that came since are found by looking at the tree again, after a change, so often at most. */
const treeEveryMs = 60_000;
/** Mailboxes that are subscribed to at the same time. */
const subscribersMax = 4;

/**
 * Watches mailboxes: a subscription for every folder, and one question for all of those of a mailbox every few seconds. Servers of this
 * age call back by UDP only, which no firewall lets through, so they are asked.
 *
 * Every mailbox says `missed` when its watch begins, since nobody knows what happened just before, and after every gap.
 */
export function davWatch(options: DavWatchOptions): NonNullable<Connector['watch']> {
  return (addresses, signal) => watch(options, [...new Set(addresses)], signal);
}

async function* watch(
  options: DavWatchOptions,
  addresses: readonly string[],
  outer: AbortSignal,
): AsyncGenerator<WatchEvent> {
  if (outer.aborted) return;
  const stop = new AbortController();
  const onOuter = () => stop.abort(outer.reason);
  outer.addEventListener('abort', onOuter);
  const queue = new WatchQueue();
  const turns = new Turns(subscribersMax);
  const everyMs = options.pollEveryMs ?? defaultPollEveryMs;
  const work = Promise.all(
    addresses.map((address, at) =>
      new MailboxWatch(options, address, queue, turns, stop.signal).run((everyMs * at) / addresses.length),
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

/** Lets so many work at a time. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  constructor(max: number) {
    this.#free = max;
  }
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/** A fault that concerns this mailbox or all of the organization, and does not pass by itself. */
const lasts = (fault: Fault): boolean => fault.kind === 'fatal' || fault.kind === 'poison' || fault.kind === 'gone';

class MailboxWatch {
  readonly #options: DavWatchOptions;
  readonly #requests: MailboxRequests;
  readonly #address: string;
  readonly #queue: WatchQueue;
  readonly #turns: Turns;
  readonly #signal: AbortSignal;
  readonly #folders = new Map<FolderId, Subscription & { readonly renewMs: number }>();

  constructor(options: DavWatchOptions, address: string, queue: WatchQueue, turns: Turns, signal: AbortSignal) {
    this.#options = options;
    this.#requests = options.requestsOf(address);
    this.#address = address;
    this.#queue = queue;
    this.#turns = turns;
    this.#signal = signal;
  }

  #context(): Context {
    return { signal: this.#signal, deadlineMs: this.#options.clock.monotonicMs() + callMaxMs };
  }

  /** False when the watch is over. */
  async #pause(ms: number): Promise<boolean> {
    try {
      await this.#options.clock.sleep(ms, this.#signal);
    } catch {
      return false;
    }
    return !this.#signal.aborted;
  }

  async run(firstMs: number): Promise<void> {
    const { random } = this.#options;
    let why = 'the watch begins';
    let attempt = 0;
    if (firstMs > 0 && !(await this.#pause(firstMs))) return;
    while (!this.#signal.aborted) {
      try {
        await this.#turns.take(() => this.#subscribeAll());
        this.#queue.put({ kind: 'missed', address: this.#address, why });
        attempt = 0;
        await this.#listen();
        break;
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (this.#signal.aborted) break;
        const { fault } = error;
        why = describeFault(fault);
        let waitMs = Math.min(backoffFirstMs * 2 ** attempt++, backoffMaxMs) * (0.5 + random.next() / 2);
        if (fault.kind === 'throttled') waitMs = Math.max(waitMs, fault.retryAfterMs);
        if (lasts(fault)) {
          this.#queue.put({ kind: 'unwatchable', address: this.#address, why });
          waitMs = unwatchableRetryMs;
        }
        if (!(await this.#pause(waitMs))) break;
      }
    }
    await this.#release();
  }

  /** Subscribes to what has no subscription, or one that ends soon; forgets folders that are gone. Whether there were new ones. */
  async #subscribeAll(): Promise<boolean> {
    const { clock, foldersOf } = this.#options;
    const wanted = await foldersOf(this.#address, this.#context());
    const there = new Set(wanted);
    for (const folder of this.#folders.keys()) if (!there.has(folder)) this.#folders.delete(folder);
    let isNew = false;
    for (const folder of wanted) {
      const known = this.#folders.get(folder);
      if (known !== undefined && known.renewMs > clock.monotonicMs()) continue;
      try {
        const made = await subscribe(this.#requests, folder, this.#context());
        this.#folders.set(folder, { ...made, renewMs: clock.monotonicMs() + made.lifetimeMs / 2 });
        isNew ||= known === undefined;
      } catch (error) {
        // A folder that went meanwhile is none to be watched.
        if (!(error instanceof FaultError) || error.fault.kind !== 'gone') throw error;
      }
    }
    return isNew;
  }

  /** Asks until something breaks or the watch is over. */
  async #listen(): Promise<void> {
    const { clock, random, pollEveryMs = defaultPollEveryMs } = this.#options;
    const address = this.#address;
    let treeMs = clock.monotonicMs() + treeEveryMs;
    let changed = false;
    while (await this.#pause(pollEveryMs * (0.9 + 0.2 * random.next()))) {
      const byId = new Map([...this.#folders].map(([folder, { id }]) => [id, folder] as const));
      const { told, gone } = await poll(this.#requests, [...byId.keys()], this.#context());
      for (const id of told) {
        const folder = byId.get(id);
        if (folder !== undefined) this.#queue.put({ kind: 'changed', address, folder });
      }
      for (const id of gone) {
        const folder = byId.get(id);
        if (folder !== undefined) this.#folders.delete(folder);
      }
      changed ||= told.size > 0;
      const nowMs = clock.monotonicMs();
      const isOld = [...this.#folders.values()].some(({ renewMs }) => renewMs <= nowMs);
      if (gone.size === 0 && !isOld && !(changed && nowMs >= treeMs)) continue;
      const isNew = await this.#turns.take(() => this.#subscribeAll());
      treeMs = clock.monotonicMs() + treeEveryMs;
      changed = false;
      if (gone.size > 0)
        this.#queue.put({ kind: 'missed', address, why: 'the server had ended the subscription of a folder' });
      else if (isNew) this.#queue.put({ kind: 'changed', address });
    }
  }

  /** Gives the subscriptions back. They would end by themselves, so nothing depends on it. */
  async #release(): Promise<void> {
    const ids = [...this.#folders.values()].map(({ id }) => id);
    this.#folders.clear();
    if (ids.length === 0) return;
    // The watch may be over; this is the last thing that is said.
    const { signal } = new AbortController();
    try {
      await this.#turns.take(() =>
        unsubscribe(this.#requests, ids, { signal, deadlineMs: this.#options.clock.monotonicMs() + 5_000 }),
      );
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }
}
