import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addDays, type Day } from '#model/wall-time.ts';
import { waveDays } from './wave-days.ts';

const today = '2027-01-01' as Day;
const day = fc.integer({ min: -30, max: 400 }).map((days) => addDays(today, days));

test('days are a fixed time apart, within what was asked for, or it is said how many there are', () => {
  fc.assert(
    fc.property(
      fc.option(day),
      fc.option(day),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 30 }),
      (from, by, everyDays, count) => {
        const days = waveDays({ from, by, everyDays, today }, count);
        if ('possible' in days) {
          // One more than there are days for would be too late.
          expect(days.possible).toBeLessThan(count);
          expect(addDays(from ?? today, everyDays * days.possible) > (by ?? '')).toBe(true);
          if (days.possible > 0)
            expect(waveDays({ from, by, everyDays, today }, days.possible)).toHaveLength(days.possible);
          return;
        }
        const isAsked = from !== null || by !== null;
        expect(days).toHaveLength(isAsked ? count : 0);
        if (!isAsked) return;
        days.forEach((one, at) => {
          if (at > 0) expect(one).toBe(addDays(days[at - 1] as Day, everyDays));
        });
        if (from !== null) expect(days[0]).toBe(from);
        else expect((days[0] ?? '') >= today).toBe(true);
        if (by !== null) expect((days.at(-1) ?? '') <= by).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('without a first day waves are as late as they can be', () => {
  expect(waveDays({ from: null, by: '2027-03-31' as Day, everyDays: 7, today }, 3)).toEqual([
    '2027-03-17',
    '2027-03-24',
    '2027-03-31',
  ]);
});
