import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

test.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-3', null],
  ['0', 0],
  ['30', 30_000],
  ['2.128', 2128],
  [['5', '6'], 5000],
  ['Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
  ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
  ['999999999', 3_600_000],
  ['Sun, 01 Mar 2099 12:00:00 GMT', 3_600_000],
] as const)('Retry-After: %s', (header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});
