import { expect, test } from 'vitest';
import { davBehaviours } from './behaviours.ts';

test('every behaviour has a name of its own and says how we know', () => {
  expect(new Set(davBehaviours.map(({ id }) => id)).size).toBe(davBehaviours.length);
  expect(davBehaviours.filter(({ source, what }) => source.length < 5 || what.length < 10)).toEqual([]);
});
