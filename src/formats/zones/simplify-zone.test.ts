import { describe, expect, test } from 'vitest';
import type { ZoneRule } from '#model/zone.ts';
import { simplifyZone } from './simplify-zone.ts';

/** Pacific time before 2007 and since. */
const change = (month: number, week: 1 | 2 | 5) => ({ month, week, weekday: 0, minuteOfDay: 120 });
const pacific = { biasMinutes: 480, standardBiasMinutes: 0, daylightBiasMinutes: -60 };
const early: ZoneRule = { fromYear: 1601, ...pacific, toStandard: change(10, 5), toDaylight: change(4, 1) };
const late: ZoneRule = { fromYear: 1601, ...pacific, toStandard: change(11, 1), toDaylight: change(3, 2) };
const id = 'Pacific Standard Time';

describe('the shortest way to say a zone', () => {
  test('is its name where the rules are those of the name', () => {
    expect(simplifyZone({ id, rules: [early, { ...late, fromYear: 2007 }] })).toEqual({ id, rules: null });
    expect(simplifyZone({ id: 'tzone://Microsoft/Utc', rules: null })).toEqual({ id: 'UTC', rules: null });
  });

  test('keeps rules of its own', () => {
    expect(simplifyZone({ id, rules: [early] })).toEqual({ id, rules: [early] });
    expect(simplifyZone({ id: 'Ours', rules: [early] })).toEqual({ id: 'Ours', rules: [early] });
  });

  test('looks at the one year that a protocol speaks of', () => {
    expect(simplifyZone({ id, rules: [early] }, 2006)).toEqual({ id, rules: null });
    expect(simplifyZone({ id, rules: [early] }, 2024)).toEqual({ id, rules: [early] });
    expect(simplifyZone({ id, rules: [late] }, 2024)).toEqual({ id, rules: null });
  });
});
