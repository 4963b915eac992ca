import { expect, test } from 'vitest';
import { mergeCategories } from './merge-categories.ts';

const list = (...names: readonly string[]): string =>
  Buffer.from(
    `<?xml version="1.0"?>\n<categories default="Red Category" lastSavedSession="4" xmlns="CategoryList.xsd">${names
      .map((name, n) => `<category name="${name}" color="${n}" guid="{0000000${n}}"/>`)
      .join('')}</categories>`,
  ).toString('base64');
const namesIn = (base64: string | null): readonly string[] =>
  [
    ...Buffer.from(base64 ?? '', 'base64')
      .toString()
      .matchAll(/ name="([^"]*)"/g),
  ].map(([, name]) => name ?? '');

test('what the target lacks is added, what it has stays', () => {
  const merged = mergeCategories(list('Ä &amp; B', 'red category', 'New'), list('Red Category', 'Own'));
  expect(namesIn(merged)).toEqual(['Red Category', 'Own', 'Ä &amp; B', 'New']);
  expect(Buffer.from(merged ?? '', 'base64').toString()).toContain('xmlns="CategoryList.xsd"');
  expect(mergeCategories(list('New'), merged)).toBeNull();
});

test('a target without a list takes the one of the source as it is', () => {
  expect(mergeCategories(list('One'), null)).toBe(list('One'));
});

test.each([
  ['nothing', null],
  ['an empty list', list()],
  ['no XML', Buffer.from('\u0000\u0001').toString('base64')],
  ['another document', Buffer.from('<a/>').toString('base64')],
  [
    'entities',
    Buffer.from('<!DOCTYPE a [<!ENTITY x "y">]><categories><category name="&x;"/></categories>').toString('base64'),
  ],
])('%s of the source changes nothing', (_, given) => {
  expect(mergeCategories(given, list('Own'))).toBeNull();
});

test('a list of the target that cannot be read is left alone', () => {
  expect(mergeCategories(list('New'), Buffer.from('broken <').toString('base64'))).toBeNull();
});
