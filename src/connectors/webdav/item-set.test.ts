import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readItemSet, writeItemSet } from './item-set.ts';

const segment = fc
  .tuple(
    fc.constantFrom('0'.repeat(32), '502d6afd161ef2438995e1d929cf92eb'),
    fc.bigInt({ min: 1n, max: 0xffffffffffffn }),
  )
  .map(([guid, counter]) => `${guid}-${counter.toString(16)}`);
const mark = fc.integer({ min: 0, max: 0xffffffff }).map((n) => n.toString(16).padStart(8, '0'));

test('what is written is read again, with marks and without', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(segment, mark)), (pairs) => {
      const set = new Map(pairs);
      const sorted = (of: ReadonlyMap<string, string> | null) => [...(of ?? [])].sort();
      expect(sorted(readItemSet(writeItemSet(set, true)))).toEqual(sorted(set));
      const bare = new Map([...set.keys()].map((key) => [key, '']));
      expect(sorted(readItemSet(writeItemSet(set, false)))).toEqual(sorted(bare));
    }),
  );
});

test('a thousand neighbours take a few bytes each', () => {
  const set = new Map(Array.from({ length: 1000 }, (_, n) => [`${'a'.repeat(32)}-${(n * 3 + 1).toString(16)}`, '']));
  expect(writeItemSet(set, false).length).toBeLessThan(1500);
});

test('whatever else a cursor holds is no set, and is not read past its end', () => {
  expect(readItemSet('')).toBeNull();
  expect(readItemSet('AA==')).toEqual(new Map());
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const set = readItemSet(Buffer.from(bytes).toString('base64'));
      expect(set === null || set.size <= bytes.length).toBe(true);
    }),
  );
});
