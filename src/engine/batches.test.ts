import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchBySize } from './batches.ts';

test('batches keep order, lose nothing, and exceed a limit only with a single thing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200)),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 300 }),
      (sizes, countMax, bytesMax) => {
        const batches = batchBySize(sizes, (s) => s, countMax, bytesMax);
        expect(batches.flat()).toEqual(sizes);
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(countMax);
          if (batch.length > 1) expect(batch.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(bytesMax);
        }
      },
    ),
  );
});
