import { type Fault, FaultError } from '#kit/fault.ts';
import { must } from '#kit/assert.ts';

/** Parts of at most `max`. */
export function* parts<T>(items: readonly T[], max: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += max) yield items.slice(at, at + max);
}

/**
 * Runs a batch whose answers come in its order. A server that refuses a request as a whole for what one item contains (its size,
 * its content) does not say which it was: then the batch is halved until it is alone, so that it takes no other with it.
 */
export async function eachInPlace<T, R>(items: readonly T[], run: (part: readonly T[]) => Promise<readonly (R | Fault)[]>): Promise<readonly (R | Fault)[]> {
  if (items.length === 0) return [];
  try {
    return await run(items);
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'poison') throw error;
    if (items.length === 1) return [error.fault];
    const middle = items.length >> 1;
    return [...(await eachInPlace(items.slice(0, middle), run)), ...(await eachInPlace(items.slice(middle), run))];
  }
}

/** The only answer of a request that has one; its fault is thrown. */
export function onlyAnswer<T>(answers: readonly (T | Fault)[], isFault: (value: T | Fault) => value is Fault): T {
  const answer = must(answers[0], 'an operation with one answer has one');
  if (isFault(answer)) throw new FaultError(answer);
  return answer;
}
