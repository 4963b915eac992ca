import { expect, test } from 'vitest';
import { freeName } from './dav-attachments.ts';

test('a name in an address is one step down, whatever a file is called', () => {
  const named = (wanted: string) => freeName(wanted, new Set());
  for (const wanted of ['.', '..', '...', '', ' ', ' . ']) expect(named(wanted)).toBe('attachment');
  expect(named('a/../b?.txt')).toBe('a_._b_.txt');
  expect(named('.profile')).toBe('.profile');
});

test('names that differ in case alone are the same to these servers', () => {
  expect(freeName('A.TXT', new Set(['a.txt', '2-a.txt']))).toBe('3-A.TXT');
});
