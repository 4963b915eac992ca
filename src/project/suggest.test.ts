import { expect, test } from 'vitest';
import { suggest } from './suggest.ts';

test.each([
  ['colections', ['organizations', 'collections'], 'collections'],
  ['sign-in', ['signIn', 'user'], 'signIn'],
  ['traget', ['source', 'target'], 'target'],
  ['nltm', ['basic', 'ntlm', 'oauth'], 'ntlm'],
  ['xyz', ['basic', 'ntlm', 'oauth'], null],
  ['a', ['b'], null],
  ['', ['b'], null],
  ['x'.repeat(10_000), ['xx'], null],
])('%s', (given, known, word) => {
  expect(suggest(given, known)).toBe(word);
});
