import { expect, test } from 'vitest';
import { gradeOf } from './grade.ts';

const clean = { compared: 1000, differing: 0, missing: 0, explained: 0 };

test.each([
  ['no difference', clean, 'perfect'],
  ['nothing to compare', { ...clean, compared: 0 }, 'perfect'],
  ['explained differences', { ...clean, explained: 900 }, 'good'],
  ['one in a thousand differs', { ...clean, differing: 1 }, 'investigate'],
  ['one in 999 differs', { ...clean, compared: 999, differing: 1 }, 'poor'],
  ['one is missing', { ...clean, missing: 1, compared: 1_000_000 }, 'poor'],
  ['explained and not', { ...clean, explained: 5, differing: 1 }, 'investigate'],
] as const)('%s', (_name, input, grade) => {
  expect(gradeOf(input)).toBe(grade);
});
