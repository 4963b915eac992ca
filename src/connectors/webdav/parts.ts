import { type Fault, FaultError } from '#kit/fault.ts';

/** Parts of at most `max`. */
export function* parts<T>(items: readonly T[], max: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += max) yield items.slice(at, at + max);
}

/** Requests of one batch under way at the same time. */
const atOnceMax = 4;

/**
 * Does something with each item by itself, some at a time; a FaultError is answered in the item's place. Faults that concern the mailbox
 * as a whole stop what has not begun, which has the same fault in its place.
 */
export async function eachOf<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R | Fault>,
): Promise<readonly (R | Fault)[]> {
  const results: (R | Fault)[] = [];
  let next = 0;
  let stopped: Fault | null = null;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      if (stopped !== null) {
        results[at] = stopped;
        continue;
      }
      try {
        results[at] = await run(items[at] as T);
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        results[at] = error.fault;
        if (error.fault.kind === 'fatal') stopped = error.fault;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
  return results;
}
