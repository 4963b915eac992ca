import { expect, test } from 'vitest';
import { graphBehaviours } from './behaviours.ts';

test('every behaviour has a name of its own and says how we know', () => {
  expect(new Set(graphBehaviours.map(({ id }) => id)).size).toBe(graphBehaviours.length);
  expect(graphBehaviours.filter(({ source, what }) => source.length < 8 || what.length < 20)).toEqual([]);
});
