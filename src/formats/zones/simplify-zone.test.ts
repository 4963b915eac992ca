import { describe, expect, test } from 'vitest';
import type { ZoneRule } from '#model/zone.ts';
import { simplifyZone, yearsOf } from './simplify-zone.ts';

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
    const only = (year: number) => ({ first: year, last: year });
    expect(simplifyZone({ id, rules: [early] }, only(2006))).toEqual({ id, rules: null });
    expect(simplifyZone({ id, rules: [early] }, only(2024))).toEqual({ id, rules: [early] });
    expect(simplifyZone({ id, rules: [late] }, only(2024))).toEqual({ id, rules: null });
  });

  test('looks at the years of an event, since a server may keep the rule of its first year alone', () => {
    const sydney = 'AUS Eastern Standard Time';
    const since2008: ZoneRule = {
      fromYear: 1601,
      biasMinutes: -600,
      standardBiasMinutes: 0,
      daylightBiasMinutes: -60,
      toStandard: { ...change(4, 1), minuteOfDay: 180 },
      toDaylight: change(10, 1),
    };
    const zone = { id: sydney, rules: [since2008] };
    expect(simplifyZone(zone)).toEqual(zone);
    const at = Date.UTC(2026, 2, 1);
    expect(simplifyZone(zone, yearsOf(at, at))).toEqual({ id: sydney, rules: null });
    expect(simplifyZone(zone, yearsOf(at, null))).toEqual({ id: sydney, rules: null });
    expect(simplifyZone(zone, yearsOf(Date.UTC(2007, 2, 1), null))).toEqual(zone);
  });
});
