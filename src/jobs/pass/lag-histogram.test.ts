import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addLags, Lags, percentileMs, sumLags, totalOf } from './lag-histogram.ts';

test('a percentile is right to a fifth, and never too good', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 60, max: 3_600_000 }), { minLength: 1, maxLength: 400 }), (lags) => {
      const sorted = [...lags].sort((a, b) => a - b);
      for (const share of [0.5, 0.95, 0.99]) {
        const real = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
        const told = percentileMs(addLags([], lags), share) ?? 0;
        expect(told).toBeGreaterThanOrEqual(real * 0.999);
        expect(told).toBeLessThanOrEqual(real * 1.21);
      }
    }),
  );
});

test('what is old counts less, and nothing grows without end', () => {
  let histogram = addLags(
    [],
    Array.from({ length: 500 }, () => 60_000),
  );
  for (let n = 0; n < 20; n++)
    histogram = addLags(
      histogram,
      Array.from({ length: 100 }, () => 100),
    );
  expect(totalOf(histogram)).toBeLessThanOrEqual(600);
  expect(percentileMs(histogram, 0.95)).toBeLessThan(200);
  expect(JSON.stringify(addLags([], [1e12])).length).toBeLessThan(300);
});

test('sums are of all, and of nothing nothing is told', () => {
  expect(totalOf(sumLags([addLags([], [1, 2]), [], addLags([], [9e9])]))).toBe(3);
  expect(percentileMs(sumLags([]), 0.5)).toBeNull();
});

test('a change is no older than the last look, and no younger than its notice', () => {
  const lags = new Lags(1_000, 5_000);
  lags.visible(6_000, 4_500);
  lags.visible(6_000, 200);
  lags.visible(6_000, 5_800);
  lags.visible(6_000, null);
  expect(lags.all).toEqual([1_500, 5_000, 1_000, 1_000]);
});
