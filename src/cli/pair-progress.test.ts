import { expect, test } from 'vitest';
import type { PairId } from '#model/ids.ts';
import { PairProgress } from './pair-progress.ts';

test('events count from the beginning of their pass; passes and pairs add up', () => {
  const progress = new PairProgress();
  const [a, b] = ['a' as PairId, 'b' as PairId];
  const items = (pair: PairId, copied: number) =>
    progress.take({ kind: 'items', key: `mail:${pair}`, pair, copied, bytes: copied * 10 });
  progress.take({ kind: 'pass-started', key: 'mail:a', pair: a });
  items(a, 5);
  items(a, 9);
  items(b, 2);
  progress.take({ kind: 'pass-started', key: 'mail:a', pair: a });
  expect(progress.of(a)).toEqual({ items: 9, bytes: 90 });
  items(a, 1);
  expect(progress.of(a)).toEqual({ items: 10, bytes: 100 });
  expect(progress.all).toEqual({ items: 12, bytes: 120 });
});
