import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import type { Zone, ZoneRule } from '#model/zone.ts';
import { ianaOf, windowsIdOf } from './windows-ids.ts';
import { clockOf, ruleInYear, rulesOf } from './zone-clock.ts';

const zone = (id: string, rules: readonly ZoneRule[] | null = null): Zone => ({ id, rules });
const vienna = zone('W. Europe Standard Time');
const utc = (text: string) => Date.parse(`${text}Z`);
const wall = utc;

/** Windows' own rules for Vienna, and for Pacific time in its two periods ([MS-OXOCAL] 4.1.4). */
const viennaRules: readonly ZoneRule[] = [
  {
    fromYear: 1601,
    biasMinutes: -60,
    standardBiasMinutes: 0,
    daylightBiasMinutes: -60,
    toStandard: { month: 10, week: 5, weekday: 0, minuteOfDay: 180 },
    toDaylight: { month: 3, week: 5, weekday: 0, minuteOfDay: 120 },
  },
];
const pacificRules: readonly ZoneRule[] = [
  {
    fromYear: 1601,
    biasMinutes: 480,
    standardBiasMinutes: 0,
    daylightBiasMinutes: -60,
    toStandard: { month: 10, week: 5, weekday: 0, minuteOfDay: 120 },
    toDaylight: { month: 4, week: 1, weekday: 0, minuteOfDay: 120 },
  },
  {
    fromYear: 2007,
    biasMinutes: 480,
    standardBiasMinutes: 0,
    daylightBiasMinutes: -60,
    toStandard: { month: 11, week: 1, weekday: 0, minuteOfDay: 120 },
    toDaylight: { month: 3, week: 2, weekday: 0, minuteOfDay: 120 },
  },
];

const anyZone = fc.constantFrom(
  ...['W. Europe Standard Time', 'Pacific Standard Time', 'AUS Eastern Standard Time', 'Lord Howe Standard Time'],
  ...['India Standard Time', 'Newfoundland Standard Time', 'Morocco Standard Time', 'Russian Standard Time'],
  ...['Samoa Standard Time', 'Pacific SA Standard Time', 'Iran Standard Time', 'Israel Standard Time', 'UTC'],
);
const anyMinute = (from: string, until: string) =>
  fc.integer({ min: utc(from) / 60_000, max: utc(until) / 60_000 }).map((minutes) => minutes * 60_000);

describe('by name', () => {
  test('agrees with Temporal since Windows keeps rules, gaps and overlaps included', () => {
    fc.assert(
      fc.property(anyZone, anyMinute('2007-01-03T00:00', '2040-12-30T00:00'), (id, at) => {
        const iana = ianaOf(id) ?? '';
        const clock = clockOf(zone(id));
        const plain = new Date(at).toISOString().slice(0, 19);
        const there = Temporal.PlainDateTime.from(plain).toZonedDateTime(iana, { disambiguation: 'compatible' });
        expect(clock.toInstant(at)).toBe(there.epochMilliseconds);
        const here = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(iana);
        expect(clock.toWall(at)).toBe(at + here.offsetNanoseconds / 1e6);
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    ['an hour left out: 02:30 is what the clocks then call 03:30', '2024-03-31T02:30', '2024-03-31T01:30'],
    ['an hour shown twice: the first, in daylight time', '2024-10-27T02:30', '2024-10-27T00:30'],
    ['the last minute before it is left out', '2024-03-31T01:59', '2024-03-31T00:59'],
    ['the first minute after the hour shown twice', '2024-10-27T03:00', '2024-10-27T02:00'],
  ])('%s', (_what, shown, instant) => {
    expect(clockOf(vienna).toInstant(wall(shown))).toBe(utc(instant));
    expect(clockOf(zone('custom', viennaRules)).toInstant(wall(shown))).toBe(utc(instant));
  });

  test('years before Windows keeps rules go by its first one: a birthday of 1950 stays on its day', () => {
    const clock = clockOf(vienna);
    expect(clock.toWall(utc('1950-04-30T22:00'))).toBe(wall('1950-05-01T00:00'));
    expect(clock.toWall(utc('1601-01-01T00:00'))).toBe(wall('1601-01-01T01:00'));
    expect(clock.toWall(utc('4500-07-01T00:00'))).toBe(wall('4500-07-01T02:00'));
  });

  test.each([
    ['Europe/Kyiv', 'FLE Standard Time'],
    ['Europe/Kiev', 'FLE Standard Time'],
    ['Asia/Calcutta', 'India Standard Time'],
    ['Asia/Kolkata', 'India Standard Time'],
    ['w. europe standard time', 'W. Europe Standard Time'],
    ['tzone://Microsoft/Utc', 'UTC'],
    ['Customized Time Zone', null],
    ['EST', null],
    ['+05:00', null],
    ['constructor', null],
  ])('%s is %s', (id, windows) => {
    expect(windowsIdOf(id)).toBe(windows);
    expect(clockOf(zone(id)).problem).toBe(windows === null ? 'unknown-zone' : null);
  });

  const folder = reference('protocol/ews/fixtures/garethp-php-ews');
  test.skipIf(folder === null)('every zone that an Exchange Online names has a clock', () => {
    const answer = readFileSync(join(folder ?? '', 'GetServerTimezones-01-GetServerTimeZonesResponse.xml'), 'utf8');
    const ids = [...answer.matchAll(/<t:TimeZoneDefinition Name="[^"]*" Id="([^"]*)"/g)].map(([, id = '']) => id);
    expect(ids.length).toBeGreaterThan(130);
    expect(ids.filter((id) => clockOf(zone(id.replaceAll('&amp;', '&'))).problem !== null)).toEqual([]);
  });

  test.each([
    ['no-zone', null],
    ['no-zone', zone('')],
    ['unknown-zone', zone('Mars Standard Time')],
    ['unknown-zone', zone('')],
    ['broken-rules', zone('', [{ ...viennaRules[0], biasMinutes: 1e9 } as ZoneRule])],
  ] as const)('%s: shows UTC and says so', (problem, asked) => {
    const clock = clockOf(asked);
    expect(clock.problem).toBe(asked?.id === '' && asked.rules === null ? 'no-zone' : problem);
    expect(clock.toWall(utc('2024-07-01T12:00'))).toBe(wall('2024-07-01T12:00'));
  });

  test('30,000 conversions there and back take less than a second', () => {
    const clocks = [vienna, zone('Pacific Standard Time'), zone('x', pacificRules)];
    const start = utc('2024-01-01T00:00');
    for (const one of clocks) clockOf(one).toWall(start);
    const beginMs = performance.now();
    let sum = 0;
    for (let n = 0; n < 30_000; n++) {
      const clock = clockOf(clocks[n % 3] ?? null);
      sum += clock.toInstant(clock.toWall(start + n * 1_048_576));
    }
    expect(performance.now() - beginMs).toBeLessThan(1000);
    expect(sum).toBeGreaterThan(0);
  });
});

/** Zones that did not move for good meanwhile: a year of that kind has no rule in the shape of Windows. */
const steadyZone = fc.constantFrom(
  ...['W. Europe Standard Time', 'Pacific Standard Time', 'AUS Eastern Standard Time', 'Lord Howe Standard Time'],
  ...['India Standard Time', 'Newfoundland Standard Time', 'New Zealand Standard Time', 'Israel Standard Time'],
);

describe('by rules', () => {
  test('the rules of a zone as it names them agree with the zone itself', () => {
    fc.assert(
      fc.property(steadyZone, anyMinute('1990-01-03T00:00', '2037-12-28T00:00'), (id, at) => {
        const rules = rulesOf(zone(id));
        expect(rules).not.toBeNull();
        const [named, ruled] = [clockOf(zone(id)), clockOf(zone('', rules))];
        expect(ruled.toWall(at)).toBe(named.toWall(at));
        expect(ruled.toInstant(at)).toBe(named.toInstant(at));
      }),
      { numRuns: 400 },
    );
  });

  test('a zone that changed its rules has the old ones before', () => {
    const clock = clockOf(zone('', pacificRules));
    expect(clock.toWall(utc('2006-03-20T12:00'))).toBe(wall('2006-03-20T04:00'));
    expect(clock.toWall(utc('2007-03-20T12:00'))).toBe(wall('2007-03-20T05:00'));
    expect(ruleInYear(pacificRules, 2006)?.fromYear).toBe(1601);
    expect(ruleInYear(pacificRules, 2024)?.fromYear).toBe(2007);
  });

  test('a date that comes once changes the clocks once', () => {
    const rule = {
      ...viennaRules[0],
      toDaylight: { year: 2023, month: 5, day: 10, minuteOfDay: 0 },
      toStandard: { year: 2023, month: 8, day: 10, minuteOfDay: 0 },
    } as ZoneRule;
    const clock = clockOf(zone('', [rule]));
    expect(clock.toWall(utc('2023-06-01T00:00'))).toBe(wall('2023-06-01T02:00'));
    expect(clock.toWall(utc('2024-06-01T00:00'))).toBe(wall('2024-06-01T01:00'));
  });

  const anyTransition = fc.record({
    month: fc.integer({ min: 1, max: 12 }),
    week: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 5 as const),
    weekday: fc.integer({ min: 0, max: 6 }),
    minuteOfDay: fc.integer({ min: 0, max: 1440 }),
  });
  const anyRule: fc.Arbitrary<ZoneRule> = fc.record({
    fromYear: fc.integer({ min: 1990, max: 2030 }),
    biasMinutes: fc.integer({ min: -720, max: 720 }),
    standardBiasMinutes: fc.constant(0),
    daylightBiasMinutes: fc.integer({ min: -120, max: 120 }),
    toStandard: fc.option(anyTransition),
    toDaylight: fc.option(anyTransition),
  });
  const anyRules = fc
    .uniqueArray(anyRule, { minLength: 1, maxLength: 4, selector: ({ fromYear }) => fromYear })
    .map((rules) => [...rules].sort((a, b) => a.fromYear - b.fromYear));

  test('what a clock shows leads back to an instant at which it shows the same', () => {
    fc.assert(
      fc.property(anyRules, anyMinute('1985-01-01T00:00', '2035-01-01T00:00'), (rules, instant) => {
        const clock = clockOf(zone('', rules));
        const shown = clock.toWall(instant);
        expect(clock.toWall(clock.toInstant(shown))).toBe(shown);
        expect(clock.toInstant(shown)).toBeLessThanOrEqual(instant);
      }),
      { numRuns: 500 },
    );
  });
});
