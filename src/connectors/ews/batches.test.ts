import { expect, test } from 'vitest';
import { type Fault, FaultError } from '#kit/fault.ts';
import { eachInPlace } from './batches.ts';

const tooLarge: Fault = { kind: 'poison', reason: 'too-large', detail: 'HTTP 413' };
const reset: Fault = { kind: 'transient', detail: 'the connection was reset', mayHaveHappened: false };

/** Refuses every request with the large one in it; the large one alone ends in `alone`. */
function server(alone: Fault) {
  const created: string[] = [];
  const run = async (part: readonly string[]): Promise<readonly (string | Fault)[]> => {
    if (part.includes('large')) throw new FaultError(part.length === 1 ? alone : tooLarge);
    created.push(...part);
    return part.map((item) => `made ${item}`);
  };
  return { created, run };
}

test.each([
  ['a', 'b', 'c', 'large'],
  ['a', 'large', 'b', 'c'],
  ['large', 'a', 'b'],
])('one item that is refused takes no other with it: %s %s %s %s', async (...given) => {
  const items = given.filter((item): item is string => item !== undefined);
  const { created, run } = server(tooLarge);
  expect(await eachInPlace(items, run)).toEqual(items.map((item) => (item === 'large' ? tooLarge : `made ${item}`)));
  expect(created).toEqual(items.filter((item) => item !== 'large'));
});

test('what was created before a request that fails for another reason keeps its answer', async () => {
  const { created, run } = server(reset);
  expect(await eachInPlace(['a', 'b', 'c', 'large'], run)).toEqual(['made a', 'made b', 'made c', reset]);
  expect(created).toEqual(['a', 'b', 'c']);
});

test('a batch of which nothing was carried out fails as a whole', async () => {
  await expect(eachInPlace(['a', 'b'], () => Promise.reject(new FaultError(reset)))).rejects.toThrow('reset');
  await expect(eachInPlace(['large', 'a'], server(reset).run)).rejects.toThrow('reset');
});
