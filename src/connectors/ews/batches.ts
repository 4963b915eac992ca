import { assert } from '#kit/assert.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';

/** Parts of at most `max`. */
export function* parts<T>(items: readonly T[], max: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += max) yield items.slice(at, at + max);
}

/**
 * Runs a batch whose answers come in its order. A server that refuses a request as a whole for what one item contains (its size,
 * its content) does not say which it was: then the batch is halved until it is alone, so that it takes no other with it.
 *
 * Throws only when nothing was carried out before: a request that fails after others of the same batch has its fault in the place of
 * each of its items, so that nobody repeats the others, which would double what they created.
 */
export async function eachInPlace<T, R>(
  items: readonly T[],
  run: (part: readonly T[]) => Promise<readonly (R | Fault)[]>,
): Promise<readonly (R | Fault)[]> {
  if (items.length === 0) return [];
  try {
    return await run(items);
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'poison') throw error;
    if (items.length === 1) return [error.fault];
    const middle = items.length >> 1;
    const first = await eachInPlace(items.slice(0, middle), run);
    const rest = items.slice(middle);
    return [...first, ...(await faultsInPlace(rest, () => eachInPlace(rest, run)))];
  }
}

/** For what follows something that was carried out: a request that fails as a whole has its fault in the place of each item. */
export async function faultsInPlace<T, R>(
  items: readonly T[],
  run: () => Promise<readonly (R | Fault)[]>,
): Promise<readonly (R | Fault)[]> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return items.map(() => error.fault);
  }
}

/** The only answer of a request that has one (it may be null); its fault is thrown. */
export function onlyAnswer<T>(answers: readonly (T | Fault)[]): T {
  assert(answers.length === 1, 'an operation with one answer has one');
  const [answer] = answers as readonly [T | Fault];
  if (isFault(answer)) throw new FaultError(answer);
  return answer;
}
