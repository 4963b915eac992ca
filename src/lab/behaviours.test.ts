import { expect, test } from 'vitest';
import { storeBehaviours } from './behaviours.ts';

test('every behaviour has a name of its own and says how we know', () => {
  expect(new Set(storeBehaviours.map(({ id }) => id)).size).toBe(storeBehaviours.length);
  expect(storeBehaviours.filter(({ source, what }) => source.length < 5 || what.length < 10)).toEqual([]);
  expect(storeBehaviours.some(({ mark }) => mark === 'recorded')).toBe(true);
});
