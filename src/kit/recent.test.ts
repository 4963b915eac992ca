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
