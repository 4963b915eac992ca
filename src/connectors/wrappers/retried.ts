import type { Clock } from '#kit/clock.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Connector, Context, Mailbox, TypedItems } from '../contract.ts';
import { aroundConnector, aroundMailbox, type MailboxOperation, writingOperations } from './around.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Tries of one call before a transient fault counts as lasting. */
  readonly attemptMax?: number;
  /** Wait after the first failure; doubles with each. */
  readonly firstMs?: number;
  readonly longestMs?: number;
}

/** What to do about a fault. */
export type Reaction =
  | { readonly do: 'retry'; readonly afterMs: number }
  | { readonly do: 'give-up'; readonly fault: Fault };

/**
 * The reaction policy, in one place.
 *
 * - Throttled waits as long as it was told and does not use up attempts: a budget always recharges.
 * - Transient is tried again, later each time, then it is fatal `exhausted`.
 * - A write that may have been carried out is not repeated: the job finds out by its intents. Renaming is the exception, since
 *   a second time does the same.
 * - All else is for the caller at once.
 *
 * @param attempt Tries so far that ended transient, this one included.
 */
export function reaction(fault: Fault, operation: MailboxOperation, attempt: number, options: RetryOptions): Reaction {
  const { random, attemptMax = 6, firstMs = 500, longestMs = 60_000 } = options;
  const jitter = 0.5 + random.next() / 2;
  if (fault.kind === 'throttled') return { do: 'retry', afterMs: Math.ceil(fault.retryAfterMs + firstMs * jitter) };
  if (fault.kind !== 'transient') return { do: 'give-up', fault };
  if (fault.mayHaveHappened && writingOperations.has(operation) && operation !== 'renameFolder')
    return { do: 'give-up', fault };
  if (attempt >= attemptMax) {
    const detail = `${operation} failed ${attempt} times; the last time: ${describeFault(fault)}`;
    return { do: 'give-up', fault: { kind: 'fatal', code: 'exhausted', detail, cause: fault } };
  }
  return { do: 'retry', afterMs: Math.ceil(Math.min(firstMs * 2 ** (attempt - 1), longestMs) * jitter) };
}

/** Tries again what is worth it, whole requests and single items of a batch, as long as the deadline of the call allows. */
export function retried(inner: Connector, options: RetryOptions): Connector {
  return aroundConnector(inner, (mailbox) => retriedMailbox(mailbox, options));
}

function retriedMailbox(inner: Mailbox, options: RetryOptions): Mailbox {
  const { clock } = options;

  /** Waits and says true, or says false when the call would be over by then. */
  const wait = async (ms: number, context: Context): Promise<boolean> => {
    if (context.signal.aborted || clock.monotonicMs() + ms >= context.deadlineMs) return false;
    try {
      await clock.sleep(ms, context.signal);
    } catch {
      return false;
    }
    return true;
  };

  const whole = async <T>(
    operation: MailboxOperation,
    context: Context,
    make: (context: Context) => Promise<T>,
  ): Promise<T> => {
    for (let attempt = 1; ; ) {
      try {
        return await make(context);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        const next = reaction(error.fault, operation, attempt, options);
        if (next.do === 'give-up') throw next.fault === error.fault ? error : new FaultError(next.fault);
        // No time left is not exhausted: who calls again later has a fresh deadline.
        if (!(await wait(next.afterMs, context))) throw error;
        if (error.fault.kind === 'transient') attempt++;
      }
    }
  };

  /** Items that were refused for the moment are asked for again, the others keep their answers. */
  const items = async <Item, Answer>(
    operation: MailboxOperation,
    all: readonly Item[],
    context: Context,
    make: (some: readonly Item[]) => Promise<readonly (Answer | Fault)[]>,
  ): Promise<readonly (Answer | Fault)[]> => {
    const answers = [...(await make(all))];
    for (let attempt = 1; ; ) {
      const again: number[] = [];
      let afterMs = 0;
      let counts = false;
      for (const [index, answer] of answers.entries()) {
        if (!isFault(answer)) continue;
        const next = reaction(answer, operation, attempt, options);
        if (next.do === 'give-up') continue;
        again.push(index);
        afterMs = Math.max(afterMs, next.afterMs);
        counts ||= answer.kind === 'transient';
      }
      if (again.length === 0 || !(await wait(afterMs, context))) return answers;
      if (counts) attempt++;
      let fresh: readonly (Answer | Fault)[];
      try {
        fresh = await make(again.map((index) => all[index] as Item));
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        // The others are done, and must not be lost because of these.
        fresh = again.map(() => error.fault);
        if (error.fault.kind === 'fatal') {
          for (const index of again) answers[index] = error.fault;
          return answers;
        }
      }
      for (const [place, index] of again.entries()) answers[index] = fresh[place] as Answer | Fault;
    }
  };

  const byKey = async <Item, Key, Answer>(
    operation: MailboxOperation,
    all: readonly Item[],
    keyOf: (item: Item) => Key,
    context: Context,
    make: (some: readonly Item[]) => Promise<ReadonlyMap<Key, Answer | Fault>>,
  ): Promise<ReadonlyMap<Key, Answer | Fault>> => {
    const missing: Fault = { kind: 'gone', detail: 'the answer leaves it out' };
    const answers = await items(operation, all, context, async (some) => {
      const found = await make(some);
      return some.map((item) => found.get(keyOf(item)) ?? missing);
    });
    const result = new Map<Key, Answer | Fault>();
    for (const [index, item] of all.entries()) {
      const answer = answers[index];
      if (answer !== undefined && answer !== missing) result.set(keyOf(item), answer);
    }
    return result;
  };

  const retriedItems = <Kind extends TypedKind>(typed: TypedItems<Kind>): TypedItems<Kind> => ({
    ...typed,
    read: (ids, context) =>
      byKey<ItemId, ItemId, TypedItem<Kind>>(
        'typedRead',
        ids,
        (id) => id,
        context,
        (some) => typed.read(some, context),
      ),
    create: (folder, drafts, context) =>
      items('typedCreate', drafts, context, (some) => typed.create(folder, some, context)),
    update: (edits, context) => items('typedUpdate', edits, context, (some) => typed.update(some, context)),
    move: (ids, to, context) => items('typedMove', ids, context, (some) => typed.move(some, to, context)),
    remove: (removals, context) => items('typedRemove', removals, context, (some) => typed.remove(some, context)),
  });

  const base = aroundMailbox(inner, (call, context, make) => whole(call.operation, context, make));
  return {
    ...base,
    heads: (ids, context) =>
      byKey(
        'heads',
        ids,
        (id) => id,
        context,
        (some) => base.heads(some, context),
      ),
    contents: (wanted, context) =>
      byKey(
        'contents',
        wanted,
        (item) => item.id,
        context,
        (some) => base.contents(some, context),
      ),
    properties: (ids, wanted, context) =>
      byKey(
        'properties',
        ids,
        (id) => id,
        context,
        (some) => base.properties(some, wanted, context),
      ),
    create: (folder, drafts, context) => items('create', drafts, context, (some) => base.create(folder, some, context)),
    update: (edits, context) => items('update', edits, context, (some) => base.update(some, context)),
    move: (ids, to, context) => items('move', ids, context, (some) => base.move(some, to, context)),
    remove: (removals, context) => items('remove', removals, context, (some) => base.remove(some, context)),
    typed(kind) {
      const typed = base.typed(kind);
      return typed && retriedItems(typed);
    },
  };
}
