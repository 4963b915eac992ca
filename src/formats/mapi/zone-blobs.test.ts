import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ZoneRule } from '#model/zone.ts';
import { clockOf } from '../zones/zone-clock.ts';
import { BlobError } from './byte-reader.ts';
import { readTimeZoneStruct, readZoneDefinition, writeTimeZoneStruct, writeZoneDefinition } from './zone-blobs.ts';

/** [MS-OXOCAL] 4.1.4. */
const pacific =
  '0201300002001500500061006300690066006900630020005300740061006E0064006100720064002000540069006D006500020002013E000000D6070000000000000000000000000000E001000000000000C4FFFFFF00000A000000050002000000000000000000040000000100020000000000000002013E000200D7070000000000000000000000000000E001000000000000C4FFFFFF00000B0000000100020000000000000000000300000002000200000000000000';
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

describe('worked example of [MS-OXOCAL] 4.1.4', () => {
  test('is understood', () => {
    expect(readZoneDefinition(Buffer.from(pacific, 'hex'))).toEqual({
      zone: { id: 'Pacific Standard Time', rules: pacificRules },
      effectiveRule: 1,
    });
  });

  test('is written byte for byte, but for the year of the first rule, which is that of the first of all years', () => {
    const written = writeZoneDefinition({ id: 'Pacific Standard Time', rules: pacificRules }, 2008, false);
    expect(written?.toString('hex').toUpperCase()).toBe(pacific.replace('D6070000', '41060000'));
  });
});

test('a zone that only has a name is written with the rules of that name, and is the same zone', () => {
  const zone = { id: 'Europe/Vienna', rules: null };
  const written = writeZoneDefinition(zone, 2024, true);
  const read = readZoneDefinition(written ?? Buffer.alloc(0));
  expect(read.zone.id).toBe('W. Europe Standard Time');
  const at = Date.parse('2024-07-01T12:00Z');
  expect(clockOf({ id: '', rules: read.zone.rules }).toWall(at)).toBe(clockOf(zone).toWall(at));
  expect(writeZoneDefinition({ id: 'Mars Standard Time', rules: null }, 2024, false)).toBeNull();
});

const anyTransition = fc.oneof(
  fc.constant(null),
  fc.record({
    month: fc.integer({ min: 1, max: 12 }),
    week: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 5 as const),
    weekday: fc.integer({ min: 0, max: 6 }),
    minuteOfDay: fc.integer({ min: 0, max: 1440 }),
  }),
  fc.record({
    year: fc.integer({ min: 1980, max: 2050 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
    minuteOfDay: fc.integer({ min: 0, max: 1440 }),
  }),
);
const anyRule: fc.Arbitrary<ZoneRule> = fc.record({
  fromYear: fc.integer({ min: 1602, max: 4000 }),
  biasMinutes: fc.integer({ min: -900, max: 900 }),
  standardBiasMinutes: fc.integer({ min: -60, max: 60 }),
  daylightBiasMinutes: fc.integer({ min: -120, max: 120 }),
  toStandard: anyTransition,
  toDaylight: anyTransition,
});

describe('any zone', () => {
  test('is read as it was written', () => {
    const rules = fc
      .uniqueArray(anyRule, { minLength: 1, maxLength: 5, selector: ({ fromYear }) => fromYear })
      .map((some) =>
        [...some]
          .sort((a, b) => a.fromYear - b.fromYear)
          .map((rule, at) => (at === 0 ? { ...rule, fromYear: 1601 } : rule)),
      );
    fc.assert(
      fc.property(rules, fc.string({ maxLength: 40 }), fc.integer({ min: 1601, max: 4000 }), (some, id, year) => {
        const written = writeZoneDefinition({ id, rules: some }, year, true);
        expect(written).not.toBeNull();
        const read = readZoneDefinition(written ?? Buffer.alloc(0));
        expect(read.zone).toEqual({ id, rules: some });
        expect(read.effectiveRule).toBe(some.findLastIndex(({ fromYear }) => fromYear <= year));
      }),
    );
  });

  test('one rule alone is read as it was written', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        const bytes = writeTimeZoneStruct(rule);
        expect(bytes).toHaveLength(48);
        expect(readTimeZoneStruct(bytes)).toEqual({ ...rule, fromYear: 1601 });
      }),
    );
  });

  test('hostile bytes are refused by name', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 183 }), fc.nat({ max: 255 })), { maxLength: 8 }),
        fc.nat({ max: 184 }),
        (changes, length) => {
          const bytes = Buffer.from(pacific, 'hex');
          for (const [at, value] of changes) bytes[at] = value;
          for (const read of [readZoneDefinition, readTimeZoneStruct]) {
            try {
              read(bytes.subarray(0, length));
            } catch (error) {
              expect(error).toBeInstanceOf(BlobError);
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
