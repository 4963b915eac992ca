import { expect, test } from 'vitest';
import { deletionsLeft } from './delete-budget.ts';

test.each([
  [1000, 0, 200],
  [1000, 150, 50],
  [1000, 500, 0],
  [10, 0, 10],
  [0, 0, 10],
])('of %i linked items, %i deleted in 24 hours, %i more may go', (linked, spent, expected) => {
  expect(deletionsLeft({ share: 0.2, atLeast: 10 }, linked, spent)).toBe(expected);
});
