import type { Clock } from '#kit/clock.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { FolderId } from '#model/ids.ts';
import type { Connector, Context, WatchEvent } from '../contract.ts';
import { alarm } from '../http/deadline.ts';
import type { EwsClient } from './client.ts';
import { getEvents } from './operations/get-events.ts';
import { getFolder } from './operations/get-folder.ts';
import { getStreamingEvents, streamingEvents } from './operations/get-streaming-events.ts';
import type { Notification } from './operations/notifications.ts';
import { subscribe } from './operations/subscribe.ts';
import { unsubscribe } from './operations/unsubscribe.ts';
import { atLeast } from './server-version.ts';
import { WatchQueue } from './watch-queue.ts';

export interface EwsWatchOptions {
  readonly client: EwsClient;
  readonly clock: Clock;
  readonly random: Random;
  /** All folders of a mailbox: Exchange 2007 cannot subscribe to "all". */
  readonly foldersOf: (address: string, context: Context) => Promise<readonly FolderId[]>;
  /** Mailboxes on one streaming connection; the server takes 200. */
  readonly groupMax?: number;
  /** How long a streaming connection is asked to last; 1 to 30. */
  readonly connectionMinutes?: number;
  /** Between two questions to a mailbox that cannot be streamed. */
  readonly pullEveryMs?: number;
}

/** One request of ours that is no stream. */
const callMaxMs = 60_000;
/** The server beats about once a minute; three beats missed is a dead line. */
const silenceMaxMs = 200_000;
/** A stream that the server ends sooner is not asked for again at once. */
const shortStreamMs = 5_000;
const backoffFirstMs = 1_000;
const backoffMaxMs = 60_000;
/** A mailbox that cannot be watched may be repaired by somebody; then it is watched again. */
const unwatchableRetryMs = 10 * 60_000;
/** Refusals of hanging connections in a row after which a group is asked in turns instead. */
const refusalsMax = 3;
const pullTimeoutMinutes = 30;
/** New folders of a 2007 mailbox are in no subscription until it is renewed. */
const pullRenewMs = 60 * 60_000;
const subscribersMax = 4;

/**
 * Watches mailboxes: streaming subscriptions, many on one connection, from Exchange 2010 SP1 on; questions in turn before, or when
 * the server allows no more hanging connections.
 *
 * Every mailbox says `missed` when its watch begins, since nobody knows what happened just before, and after every gap.
 */
export function ewsWatch(options: EwsWatchOptions): NonNullable<Connector['watch']> {
  return (addresses, signal) => watch(options, [...new Set(addresses)], signal);
}

async function* watch(
  options: EwsWatchOptions,
  addresses: readonly string[],
  outer: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const stop = new AbortController();
  const onOuter = () => stop.abort(outer.reason);
  if (outer.aborted) return;
  outer.addEventListener('abort', onOuter);
  const queue = new WatchQueue();
  const watcher = new Watcher(options, queue, stop.signal);
  const work = watcher.run(addresses).then(
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

/** A fault that concerns this mailbox or all of the organization, and does not pass by itself. */
const lasts = (fault: Fault): boolean => fault.kind === 'fatal' || fault.kind === 'poison' || fault.kind === 'gone';

class Watcher {
  readonly #options: EwsWatchOptions;
  readonly #queue: WatchQueue;
  readonly #signal: AbortSignal;

  constructor(options: EwsWatchOptions, queue: WatchQueue, signal: AbortSignal) {
    this.#options = options;
    this.#queue = queue;
    this.#signal = signal;
  }

  async run(addresses: readonly string[]): Promise<void> {
    await this.#learnVersion(addresses);
    // EWSDOC how-to-maintain-affinity…: in alphabetical order, the first of a group is its anchor.
    const sorted = [...addresses].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
    const size = this.#options.groupMax ?? 200;
    const groups: Promise<void>[] = [];
    for (let at = 0; at < sorted.length; at += size) groups.push(this.#group(sorted.slice(at, at + size)));
    await Promise.all(groups);
  }

  /** The first answer of the server says what it can do; any mailbox will do. */
  async #learnVersion(addresses: readonly string[]): Promise<void> {
    const { client } = this.#options;
    for (const address of addresses) {
      if (client.versionKnown) return;
      try {
        await client.call(
          getFolder,
          { folders: [{ distinguished: 'msgfolderroot', mailbox: address }], properties: [] },
          address,
          this.#call(),
        );
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (this.#signal.aborted) return;
      }
    }
  }

  async #group(addresses: readonly string[]): Promise<void> {
    if (this.#options.client.versionKnown && !atLeast(this.#options.client.version, 'Exchange2010_SP1')) {
      await this.#pullAll(addresses);
      return;
    }
    await new StreamedGroup(this, addresses).run();
  }

  /** Each mailbox by itself, spread over the interval. */
  async #pullAll(addresses: readonly string[]): Promise<void> {
    const everyMs = this.#options.pullEveryMs ?? 60_000;
    await Promise.all(addresses.map((address, index) => this.pull(address, (everyMs * index) / addresses.length)));
  }

  get options(): EwsWatchOptions {
    return this.#options;
  }
  get signal(): AbortSignal {
    return this.#signal;
  }
  put(event: WatchEvent): void {
    this.#queue.put(event);
  }
  putChanges(address: string, { changes, folders }: Notification): void {
    if (changes === 0) return;
    if (folders === null) this.put({ kind: 'changed', address });
    else
      for (const [folder, items] of folders)
        this.put({ kind: 'changed', address, folder, ...(items === null ? {} : { items }) });
  }
  pullAll(addresses: readonly string[]): Promise<void> {
    return this.#pullAll(addresses);
  }
  #call(): Context {
    return this.context();
  }
  context(): Context {
    return { signal: this.#signal, deadlineMs: this.#options.clock.monotonicMs() + callMaxMs };
  }

  /** False: the watch was ended meanwhile. */
  async pause(ms: number): Promise<boolean> {
    try {
      await this.#options.clock.sleep(ms, this.#signal);
    } catch {
      return false;
    }
    return !this.#signal.aborted;
  }

  backoffMs(attempt: number): number {
    const ms = Math.min(backoffFirstMs * 2 ** Math.min(attempt, 16), backoffMaxMs);
    return ms / 2 + (ms / 2) * this.#options.random.next();
  }

  /** One mailbox, asked again and again. */
  async pull(address: string, firstMs: number): Promise<void> {
    const { client, clock, random } = this.#options;
    const everyMs = this.#options.pullEveryMs ?? 60_000;
    if (!(await this.pause(firstMs))) return;
    for (let attempt = 0; !this.#signal.aborted; attempt++) {
      let why = 'the watch of this mailbox begins';
      try {
        const folders = atLeast(client.version, 'Exchange2010')
          ? ('all' as const)
          : await this.#options.foldersOf(address, this.context());
        const subscription = only(
          await client.call(
            subscribe,
            { kind: 'pull', folders, timeoutMinutes: pullTimeoutMinutes },
            address,
            this.context(),
          ),
        );
        const renewMs = clock.monotonicMs() + pullRenewMs;
        this.put({ kind: 'missed', address, why });
        attempt = 0;
        let watermark = subscription.watermark ?? '';
        while (clock.monotonicMs() < renewMs) {
          if (!(await this.pause(everyMs * (0.9 + 0.2 * random.next())))) break;
          for (let more = true; more; ) {
            const news = only(
              await client.call(getEvents, { subscriptionId: subscription.id, watermark }, address, this.context()),
            );
            this.putChanges(address, news);
            more = news.moreEvents && news.watermark !== null && news.watermark !== watermark;
            watermark = news.watermark ?? watermark;
          }
        }
        await this.release(subscription.id, address, address);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (this.#signal.aborted) return;
        why = describeFault(error.fault);
        if (lasts(error.fault)) {
          this.put({ kind: 'unwatchable', address, why });
          if (!(await this.pause(unwatchableRetryMs))) return;
          continue;
        }
        const wait = error.fault.kind === 'throttled' ? error.fault.retryAfterMs : 0;
        if (!(await this.pause(Math.max(wait, this.backoffMs(attempt))))) return;
      }
    }
  }

  /** Gives a subscription back, which frees its place in the budget. It would end by itself, so nothing depends on it. */
  async release(id: string, address: string, anchor: string): Promise<void> {
    const { client, clock } = this.#options;
    try {
      // The watch may be over; this is the last thing that is said.
      const context = { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 5_000 };
      await client.call(unsubscribe, id, address, context, anchor);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
  }
}

/** Up to 200 mailboxes on one streaming connection. */
class StreamedGroup {
  readonly #watcher: Watcher;
  readonly #anchor: string;
  /** Mailboxes that are to be watched, and when it is tried again for those that could not be. */
  readonly #wanted: Map<string, number>;
  readonly #subscriptions = new Map<string, string>();
  /** Why a mailbox says `missed` once it is subscribed again. */
  readonly #reasons = new Map<string, string>();
  #attempt = 0;
  #refusals = 0;

  constructor(watcher: Watcher, addresses: readonly string[]) {
    this.#watcher = watcher;
    this.#anchor = addresses[0] ?? '';
    this.#wanted = new Map(addresses.map((address) => [address, 0]));
  }

  async run(): Promise<void> {
    const watcher = this.#watcher;
    try {
      while (!watcher.signal.aborted) {
        const waitMs = await this.#subscribeMissing();
        if (this.#refusals >= refusalsMax) break;
        if (this.#subscriptions.size === 0 || waitMs > 0) {
          if (!(await watcher.pause(Math.max(waitMs, watcher.backoffMs(this.#attempt++))))) return;
          continue;
        }
        const fault = await this.#stream();
        if (watcher.signal.aborted) return;
        if (fault === null) continue;
        if (this.#refusals >= refusalsMax) break;
        const wait = fault.kind === 'throttled' ? fault.retryAfterMs : lasts(fault) ? unwatchableRetryMs : 0;
        if (!(await watcher.pause(Math.max(wait, watcher.backoffMs(this.#attempt++))))) return;
      }
    } finally {
      const left = [...this.#subscriptions];
      this.#subscriptions.clear();
      await inParallel(left, ([id, address]) => watcher.release(id, address, this.#anchor));
    }
    if (!watcher.signal.aborted) await watcher.pullAll([...this.#wanted.keys()]);
  }

  /** Subscribes the mailboxes that have none. Returns how long to wait before it makes sense to go on; 0 for at once. */
  async #subscribeMissing(): Promise<number> {
    const { client, clock } = this.#watcher.options;
    const have = new Set(this.#subscriptions.values());
    const nowMs = clock.monotonicMs();
    const missing = [...this.#wanted]
      .filter(([address, dueMs]) => !have.has(address) && dueMs <= nowMs)
      .map(([address]) => address);
    let waitMs = 0;
    await inParallel(missing, async (address) => {
      if (this.#watcher.signal.aborted || waitMs > 0) return;
      try {
        const { id } = only(
          await client.call(subscribe, { kind: 'streaming' }, address, this.#watcher.context(), this.#anchor),
        );
        this.#subscriptions.set(id, address);
        this.#wanted.set(address, 0);
        this.#watcher.put({
          kind: 'missed',
          address,
          why: this.#reasons.get(address) ?? 'the watch of this mailbox begins',
        });
        this.#reasons.delete(address);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        if (this.#watcher.signal.aborted) return;
        const { fault } = error;
        if (fault.kind === 'fatal' && fault.code === 'unsupported') this.#refusals = refusalsMax;
        else if (fault.kind === 'throttled') waitMs = Math.max(waitMs, fault.retryAfterMs, 1);
        else {
          const afterMs = lasts(fault) ? unwatchableRetryMs : backoffMaxMs;
          if (lasts(fault)) this.#watcher.put({ kind: 'unwatchable', address, why: describeFault(fault) });
          this.#reasons.set(address, describeFault(fault));
          this.#wanted.set(address, clock.monotonicMs() + afterMs);
        }
      }
    });
    return waitMs;
  }

  /** One connection, until it ends. Null: it ended as agreed, or mailboxes must be subscribed anew. */
  async #stream(): Promise<Fault | null> {
    const { client, clock } = this.#watcher.options;
    const line = new AbortController();
    const onAbort = () => line.abort(this.#watcher.signal.reason);
    this.#watcher.signal.addEventListener('abort', onAbort);
    const startedMs = clock.monotonicMs();
    const due = Math.min(...[...this.#wanted.values()].filter((ms) => ms > 0));
    const minutes = this.#options().connectionMinutes ?? 30;
    // A mailbox that waits for its next try is not left out for half an hour.
    const timeoutMinutes = Math.min(minutes, Math.max(1, Math.ceil((due - startedMs) / 60_000)));
    const silence = new Silence(line);
    let heard = false;
    try {
      const answer = await client.open(
        getStreamingEvents,
        { subscriptionIds: [...this.#subscriptions.keys()], timeoutMinutes },
        this.#anchor,
        this.#anchor,
        { signal: line.signal, deadlineMs: Number.POSITIVE_INFINITY },
      );
      for await (const envelope of streamingEvents(silence.listen(answer.body))) {
        for (const notification of envelope.notifications) {
          const address = this.#subscriptions.get(notification.subscriptionId);
          if (address !== undefined) this.#watcher.putChanges(address, notification);
        }
        if (envelope.fault === null) {
          heard = true;
          this.#refusals = 0;
          this.#attempt = 0;
        } else {
          const fault = envelope.fault;
          if (fault.kind === 'throttled') return this.#refused(fault);
          this.#forget(envelope.lost, describeFault(fault));
          return lasts(fault)
            ? this.#broken(fault)
            : { kind: 'transient', detail: describeFault(fault), mayHaveHappened: false };
        }
        if (envelope.status === 'Closed') {
          const short = clock.monotonicMs() - startedMs < shortStreamMs;
          return short
            ? { kind: 'transient', detail: 'the server ends the stream at once', mayHaveHappened: false }
            : null;
        }
      }
      return this.#broken({
        kind: 'transient',
        detail: 'the stream of notifications broke off',
        mayHaveHappened: false,
      });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (this.#watcher.signal.aborted) return null;
      if (error.fault.kind === 'throttled') return this.#refused(error.fault);
      return this.#broken(error.fault);
    } finally {
      silence.stop();
      this.#watcher.signal.removeEventListener('abort', onAbort);
      line.abort(new Error(heard ? 'the stream ended' : 'the stream did not begin'));
    }
  }

  #options(): EwsWatchOptions {
    return this.#watcher.options;
  }

  /** No place for one more hanging connection. */
  #refused(fault: Fault): Fault {
    this.#refusals++;
    this.#tellAll(describeFault(fault));
    return fault;
  }

  /** The line is dead, and with it what was said meanwhile. The subscriptions may live on. */
  #broken(fault: Fault): Fault {
    const why = describeFault(fault);
    if (lasts(fault))
      for (const address of this.#subscriptions.values()) this.#watcher.put({ kind: 'unwatchable', address, why });
    // A server that does not know them any more says so when they are used; after a lasting fault they are made anew.
    if (lasts(fault)) this.#forget([...this.#subscriptions.keys()], why);
    else this.#tellAll(why);
    return fault;
  }

  #tellAll(why: string): void {
    for (const address of this.#subscriptions.values()) this.#watcher.put({ kind: 'missed', address, why });
  }

  /** Without a list it may be any of them. */
  #forget(lost: readonly string[], why: string): void {
    const ids = lost.length > 0 ? lost : [...this.#subscriptions.keys()];
    for (const id of ids) {
      const address = this.#subscriptions.get(id);
      if (address === undefined) continue;
      this.#subscriptions.delete(id);
      this.#reasons.set(address, why);
    }
  }
}

/** Ends a line on which nothing was heard for too long. */
class Silence {
  readonly #line: AbortController;
  #cancel: () => void;

  constructor(line: AbortController) {
    this.#line = line;
    this.#cancel = this.#wait();
  }

  #wait(): () => void {
    return alarm(silenceMaxMs, () => this.#line.abort(new Error('nothing was heard from the server for too long')));
  }

  async *listen(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.#cancel();
      this.#cancel = this.#wait();
      yield chunk;
    }
  }

  stop(): void {
    this.#cancel();
  }
}

/** The one answer of a request for one. Throws FaultError. */
function only<Answer>({ answers }: { readonly answers: readonly (Answer | Fault)[] }): Answer {
  const [answer] = answers;
  if (answer === undefined)
    throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'an answer without a response message' });
  if (isFault(answer)) throw new FaultError(answer);
  return answer;
}

async function inParallel<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < things.length; at = next++) await work(things[at] as T);
  };
  await Promise.all(Array.from({ length: Math.min(subscribersMax, things.length) }, worker));
}
