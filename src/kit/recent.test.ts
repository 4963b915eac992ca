import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

test('values are made once and kept while they are among those used last', () => {
  const recent = new Recent<string, object>(2);
  const [a, b] = [recent.get('a', () => ({})), recent.get('b', () => ({}))];
  expect(recent.get('a', () => ({}))).toBe(a);
  recent.get('c', () => ({}));
  expect(recent.get('a', () => ({}))).toBe(a);
  expect(recent.get('b', () => ({}))).not.toBe(b);
});

test('who only wants to know makes nothing', () => {
  const recent = new Recent<string, number>(2);
  expect(recent.known('a')).toBeNull();
  expect(recent.get('a', () => 1)).toBe(1);
  expect(recent.known('a')).toBe(1);
});
