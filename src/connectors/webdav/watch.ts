import type { Clock } from '#kit/clock.ts';
import { describeFault, type Fault, FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import { type FolderContent, type FolderInfo, folderContent } from '#model/folder.ts';
import type { FolderId } from '#model/ids.ts';
import type { Connector, Context, Mailbox, WatchEvent } from '../contract.ts';
import { WatchQueue } from '../ews/watch-queue.ts';
import type { MailboxRequests } from './resources.ts';
import { poll, type Subscription, subscribe, unsubscribe } from './subscriptions.ts';

/** What is asked of a mailbox that is watched. */
export interface AskedMailbox {
  readonly mailbox: Pick<Mailbox, 'tree'>;
  readonly requests: MailboxRequests;
  /** Where a folder is now. */
  pathOfFolder(folder: FolderId, context: Context): Promise<string>;
}

export interface DavWatchOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly mailboxOf: (address: string) => AskedMailbox;
  readonly pace?: WatchPace;
}

/** How often something is asked: the first while something happens, growing to the second while nothing does. */
interface Pace {
  readonly fastMs: number;
  readonly slowMs: number;
}

export interface WatchPace {
  /** Calendars, each by a question that costs the server next to nothing. */
  readonly calendars: Pace;
  /** All folders together, by their marks. */
  readonly marks: Pace;
  /** The same where only calendars are wanted: for calendars that are new. */
  readonly tree: Pace;
}

/** A change of a calendar is seen within 8 s: a thousand mailboxes are 140 small requests a second at most. */
const defaultPace: WatchPace = {
  calendars: { fastMs: 4_000, slowMs: 7_000 },
  marks: { fastMs: 5_000, slowMs: 20_000 },
  tree: { fastMs: 600_000, slowMs: 600_000 },
};
const growth = 1.3;
/** Calendars of a mailbox that are subscribed to: each is a question of its own, so a person with more of them is asked for all marks. */
const subscribedMax = 2;
const callMaxMs = 60_000;
const backoffFirstMs = 1_000;
const backoffMaxMs = 60_000;
/** A mailbox that cannot be watched may be repaired by somebody; then it is watched again. */
const unwatchableRetryMs = 10 * 60_000;
/** Mailboxes that are begun with at the same time. */
const beginnersMax = 4;

/**
 * Watches mailboxes. Servers of this age call back by UDP only, which no firewall lets through, so they are asked; and a subscription is
 * asked for at the address of its folder, so that each folder is a question of its own (Exchange Server 2003 SDK, `POLL Method`). Hence
 * calendars, where people wait for one another, have subscriptions; of everything else the marks of all folders are read in one request.
 *
 * Every mailbox says `missed` when its watch begins, since nobody knows what happened just before, and after every gap.
 */
export function davWatch(options: DavWatchOptions): NonNullable<Connector['watch']> {
  return (addresses, signal, content) => watch(options, [...new Set(addresses)], signal, content ?? null);
}

async function* watch(
  options: DavWatchOptions,
  addresses: readonly string[],
  outer: AbortSignal,
  content: ReadonlySet<FolderContent> | null,
): AsyncGenerator<WatchEvent> {
  if (outer.aborted) return;
  const stop = new AbortController();
  const onOuter = () => stop.abort(outer.reason);
  outer.addEventListener('abort', onOuter);
  const queue = new WatchQueue();
  const turns = new Turns(beginnersMax);
  const { calendars } = options.pace ?? defaultPace;
  const work = Promise.all(
    // Spread, so that not all of them are asked in the same second.
    addresses.map((address, at) =>
      new MailboxWatch(options, address, content, queue, turns, stop.signal).run(
        (calendars.slowMs * at) / addresses.length,
      ),
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
  readonly #pace: WatchPace;
  readonly #asked: AskedMailbox;
  readonly #address: string;
  readonly #content: ReadonlySet<FolderContent> | null;
  readonly #queue: WatchQueue;
  readonly #turns: Turns;
  readonly #signal: AbortSignal;
  readonly #subscriptions = new Map<FolderId, Subscription>();
  /** Marks of the folders that are wanted, as they were seen last; null: nobody looked. */
  #marks: ReadonlyMap<FolderId, string | null> | null = null;

  constructor(
    options: DavWatchOptions,
    address: string,
    content: ReadonlySet<FolderContent> | null,
    queue: WatchQueue,
    turns: Turns,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#pace = options.pace ?? defaultPace;
    this.#asked = options.mailboxOf(address);
    this.#address = address;
    this.#content = content;
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
        this.#marks = null;
        await this.#turns.take(() => this.#look());
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

  /** Asks until something breaks or the watch is over. */
  async #listen(): Promise<void> {
    const calendars = new Turn(this.#pace.calendars, this.#options);
    let marks = new Turn(this.#paceOfMarks(), this.#options);
    for (;;) {
      const isMarks = this.#subscriptions.size === 0 || marks.dueMs < calendars.dueMs;
      const turn = isMarks ? marks : calendars;
      if (!(await this.#pause(turn.dueMs - this.#options.clock.monotonicMs()))) return;
      if (isMarks) {
        turn.took(await this.#look());
        // Folders came or went.
        if (marks.pace !== this.#paceOfMarks()) marks = new Turn(this.#paceOfMarks(), this.#options);
        continue;
      }
      const { told, lost } = await this.#poll();
      turn.took(told);
      if (!lost) continue;
      await this.#turns.take(() => this.#look());
      const why = 'the server had ended the subscription of a folder';
      this.#queue.put({ kind: 'missed', address: this.#address, why });
    }
  }

  #paceOfMarks(): Pace {
    return this.#subscriptions.size > 0 && this.#subscriptions.size === this.#marks?.size
      ? this.#pace.tree
      : this.#pace.marks;
  }

  /**
   * Reads the marks of all folders, says which of those without a subscription have moved since, and subscribes to calendars that have
   * none. Whether there was anything to tell.
   */
  async #look(): Promise<boolean> {
    const { folders } = await this.#asked.mailbox.tree(this.#context());
    const wanted = folders.filter(
      ({ kind, containerClass }) =>
        kind === 'folder' && (this.#content === null || this.#content.has(folderContent(containerClass))),
    );
    await this.#subscribe(wanted);
    const before = this.#marks;
    this.#marks = new Map(wanted.map(({ id, mark }) => [id, mark]));
    return before !== null && this.#tell(before, this.#marks);
  }

  #tell(before: ReadonlyMap<FolderId, string | null>, now: ReadonlyMap<FolderId, string | null>): boolean {
    const address = this.#address;
    const isOtherTree = before.size !== now.size || [...now.keys()].some((id) => !before.has(id));
    // Without marks nothing is known, and everything has to be looked at.
    if (isOtherTree || (now.size > 0 && [...now.values()].every((mark) => mark === null))) {
      this.#queue.put({ kind: 'changed', address });
      return true;
    }
    const moved = [...now].filter(([id, mark]) => before.get(id) !== mark && !this.#subscriptions.has(id));
    for (const [folder] of moved) this.#queue.put({ kind: 'changed', address, folder });
    return moved.length > 0;
  }

  async #subscribe(wanted: readonly FolderInfo[]): Promise<void> {
    const calendars = wanted.filter(({ containerClass }) => folderContent(containerClass) === 'calendar');
    const chosen = new Set(calendars.length > subscribedMax ? [] : calendars.map(({ id }) => id));
    for (const folder of this.#subscriptions.keys()) if (!chosen.has(folder)) this.#subscriptions.delete(folder);
    for (const folder of chosen) {
      if (this.#subscriptions.has(folder)) continue;
      try {
        const path = await this.#asked.pathOfFolder(folder, this.#context());
        this.#subscriptions.set(folder, await subscribe(this.#asked.requests, path, this.#context()));
      } catch (error) {
        // A folder that went meanwhile is none to be watched.
        if (!(error instanceof FaultError) || error.fault.kind !== 'gone') throw error;
      }
    }
  }

  /** Whether there was anything to tell, and whether a subscription is no more: it ended, or its folder has gone somewhere else. */
  async #poll(): Promise<{ readonly told: boolean; readonly lost: boolean }> {
    let [told, lost] = [false, false];
    for (const [folder, subscription] of this.#subscriptions) {
      const answer = await poll(this.#asked.requests, subscription, this.#context());
      if (answer === 'told') this.#queue.put({ kind: 'changed', address: this.#address, folder });
      if (answer === 'gone') this.#subscriptions.delete(folder);
      told ||= answer === 'told';
      lost ||= answer === 'gone';
    }
    return { told, lost };
  }

  /** Gives the subscriptions back. They would end by themselves, so nothing depends on it. */
  async #release(): Promise<void> {
    // The watch may be over; this is the last thing that is said.
    const { signal } = new AbortController();
    for (const subscription of this.#subscriptions.values()) {
      try {
        const context = { signal, deadlineMs: this.#options.clock.monotonicMs() + 5_000 };
        await this.#turns.take(() => unsubscribe(this.#asked.requests, subscription, context));
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
      }
    }
    this.#subscriptions.clear();
  }
}

/** When a question is asked again. */
class Turn {
  readonly pace: Pace;
  readonly #around: Pick<DavWatchOptions, 'clock' | 'random'>;
  #everyMs: number;
  #dueMs = 0;

  constructor(pace: Pace, around: Pick<DavWatchOptions, 'clock' | 'random'>) {
    this.pace = pace;
    this.#around = around;
    this.#everyMs = pace.slowMs;
    this.#next();
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  /** @param told Something had happened. */
  took(told: boolean): void {
    this.#everyMs = told ? this.pace.fastMs : Math.min(this.#everyMs * growth, this.pace.slowMs);
    this.#next();
  }

  #next(): void {
    const { clock, random } = this.#around;
    this.#dueMs = clock.monotonicMs() + this.#everyMs * (0.9 + 0.2 * random.next());
  }
}
