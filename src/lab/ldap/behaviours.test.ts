import { expect, test } from 'vitest';
import { directoryBehaviours } from './behaviours.ts';

test('every behaviour has a name of its own and says how we know', () => {
  expect(new Set(directoryBehaviours.map(({ id }) => id)).size).toBe(directoryBehaviours.length);
  expect(directoryBehaviours.filter(({ source, what }) => source.length < 5 || what.length < 10)).toEqual([]);
});
