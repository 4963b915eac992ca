import type { Clock } from '#kit/clock.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { ItemId } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Connector, Context, Mailbox, TypedItems } from '../contract.ts';
import {
  aroundConnector,
  aroundMailbox,
  type MailboxOperation,
  repeatableOperations,
  writingOperations,
} from './around.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Tries of one call before a transient fault counts as lasting. */
  readonly attemptMax?: number;
  /** Wait after the first failure; doubles with each. */
  readonly firstMs?: number;
  readonly longestMs?: number;
  /**
   * For those who have nothing else to do meanwhile: what is throttled waits for as long as it takes, and the call gets its time anew. Told
   * before each such wait. Creations keep their deadline, because intents say that nothing is on its way after it.
   */
  readonly patience?: (address: string, limit: string, ms: number) => void;
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
 * - A write that may have been carried out is not repeated: the job finds out by its intents. What does the same a second time
 *   (renaming, settings) is the exception.
 * - All else is for the caller at once.
 *
 * @param attempt Tries so far that ended transient, this one included.
 */
export function reaction(fault: Fault, operation: MailboxOperation, attempt: number, options: RetryOptions): Reaction {
  const { random, attemptMax = 6, firstMs = 500, longestMs = 60_000 } = options;
  const jitter = 0.5 + random.next() / 2;
  if (fault.kind === 'throttled') return { do: 'retry', afterMs: Math.ceil(fault.retryAfterMs + firstMs * jitter) };
  if (fault.kind !== 'transient') return { do: 'give-up', fault };
  if (fault.mayHaveHappened && writingOperations.has(operation) && !repeatableOperations.has(operation))
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
  const { clock, patience } = options;

  /** Waits, and says with what to go on; null when the call would be over by then. Throws the signal's reason when it ends patience. */
  const wait = async (
    fault: Fault,
    ms: number,
    operation: MailboxOperation,
    context: Context,
    spanMs: number,
  ): Promise<Context | null> => {
    const isLate = clock.monotonicMs() + ms >= context.deadlineMs;
    const isPatient =
      patience !== undefined && fault.kind === 'throttled' && operation !== 'create' && operation !== 'typedCreate';
    if (context.signal.aborted || (isLate && !isPatient)) return null;
    if (fault.kind === 'throttled') patience?.(inner.address, fault.limit, ms);
    try {
      await clock.sleep(ms, context.signal);
    } catch {
      if (isPatient) context.signal.throwIfAborted();
      return null;
    }
    return isPatient ? { ...context, deadlineMs: clock.monotonicMs() + spanMs } : context;
  };

  const whole = async <T>(
    operation: MailboxOperation,
    context: Context,
    make: (context: Context) => Promise<T>,
  ): Promise<T> => {
    const spanMs = context.deadlineMs - clock.monotonicMs();
    let current = context;
    for (let attempt = 1; ; ) {
      try {
        return await make(current);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        const next = reaction(error.fault, operation, attempt, options);
        if (next.do === 'give-up') throw next.fault === error.fault ? error : new FaultError(next.fault);
        // No time left is not exhausted: who calls again later has a fresh deadline.
        const again = await wait(error.fault, next.afterMs, operation, current, spanMs);
        if (again === null) throw error;
        current = again;
        if (error.fault.kind === 'transient') attempt++;
      }
    }
  };

  /** Items that were refused for the moment are asked for again, the others keep their answers. */
  const items = async <Item, Answer>(
    operation: MailboxOperation,
    all: readonly Item[],
    context: Context,
    make: (some: readonly Item[], context: Context) => Promise<readonly (Answer | Fault)[]>,
  ): Promise<readonly (Answer | Fault)[]> => {
    const spanMs = context.deadlineMs - clock.monotonicMs();
    let current = context;
    const answers = [...(await make(all, current))];
    for (let attempt = 1; ; ) {
      const again: number[] = [];
      let afterMs = 0;
      let counts = false;
      let longest: Fault | null = null;
      for (const [index, answer] of answers.entries()) {
        if (!isFault(answer)) continue;
        const next = reaction(answer, operation, attempt, options);
        if (next.do === 'give-up') continue;
        again.push(index);
        if (next.afterMs >= afterMs) [afterMs, longest] = [next.afterMs, answer];
        counts ||= answer.kind === 'transient';
      }
      if (longest === null) return answers;
      const next = await wait(longest, afterMs, operation, current, spanMs);
      if (next === null) return answers;
      current = next;
      if (counts) attempt++;
      let fresh: readonly (Answer | Fault)[];
      try {
        fresh = await make(
          again.map((index) => all[index] as Item),
          current,
        );
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
    make: (some: readonly Item[], context: Context) => Promise<ReadonlyMap<Key, Answer | Fault>>,
  ): Promise<ReadonlyMap<Key, Answer | Fault>> => {
    const missing: Fault = { kind: 'gone', detail: 'the answer leaves it out' };
    const answers = await items(operation, all, context, async (some, inside) => {
      const found = await make(some, inside);
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
        (some, inside) => typed.read(some, inside),
      ),
    create: (folder, drafts, context) =>
      items('typedCreate', drafts, context, (some, inside) => typed.create(folder, some, inside)),
    update: (edits, context) => items('typedUpdate', edits, context, (some, inside) => typed.update(some, inside)),
    move: (ids, to, context) => items('typedMove', ids, context, (some, inside) => typed.move(some, to, inside)),
    remove: (removals, context) =>
      items('typedRemove', removals, context, (some, inside) => typed.remove(some, inside)),
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
        (some, inside) => base.heads(some, inside),
      ),
    contents: (wanted, context) =>
      byKey(
        'contents',
        wanted,
        (item) => item.id,
        context,
        (some, inside) => base.contents(some, inside),
      ),
    properties: (ids, wanted, context) =>
      byKey(
        'properties',
        ids,
        (id) => id,
        context,
        (some, inside) => base.properties(some, wanted, inside),
      ),
    create: (folder, drafts, context) =>
      items('create', drafts, context, (some, inside) => base.create(folder, some, inside)),
    update: (edits, context) => items('update', edits, context, (some, inside) => base.update(some, inside)),
    move: (ids, to, context) => items('move', ids, context, (some, inside) => base.move(some, to, inside)),
    remove: (removals, context) => items('remove', removals, context, (some, inside) => base.remove(some, inside)),
    typed(kind) {
      const typed = base.typed(kind);
      return typed && retriedItems(typed);
    },
  };
}
