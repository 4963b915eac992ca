import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanGlobalObjectId, globalObjectId, identityOfUid, uidOfIdentity } from '#formats/mapi/global-object-id.ts';
import { readZoneDefinition, writeZoneDefinition } from '#formats/mapi/zone-blobs.ts';
import { windowsIdOf } from '#formats/zones/windows-ids.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import * as labIds from '#lab/world/global-object-id.ts';
import * as lab from '#lab/world/recurrence.ts';
import { instantOf, wallOf, windowsZone, windowsZoneIds } from '#lab/world/zone.ts';
import { readZoneBlob, writeZoneBlob } from '#lab/world/zone-blob.ts';
import { occurrenceDays } from '#model/expand-recurrence.ts';
import { type DayOfWeek, type Recurrence, weekdays } from '#model/recurrence.ts';
import { anyDay, anyRecurrence } from '#test/suites/any-recurrence.ts';

// The lab reads the specifications for itself. Where both readings are of one thing they have to agree, or one of them is wrong.

const kindOf = (day: DayOfWeek): lab.DayKind =>
  day === 'day' || day === 'weekday' ? day : day === 'weekend-day' ? 'weekend' : weekdays.indexOf(day);
const nth = (index: number): number => (index === 5 ? -1 : index);

/** Null: EWS, and so the lab, has no yearly pattern with an interval. */
function labPattern(pattern: Recurrence['pattern']): lab.Pattern | null {
  switch (pattern.kind) {
    case 'daily':
      return pattern;
    case 'weekly': {
      const days = pattern.days.map((day) => weekdays.indexOf(day));
      return { kind: 'weekly', interval: pattern.interval, days, firstDay: weekdays.indexOf(pattern.firstDayOfWeek) };
    }
    case 'monthly':
      return { kind: 'monthly', interval: pattern.interval, day: pattern.dayOfMonth };
    case 'monthly-relative':
      return { kind: 'monthly-nth', interval: pattern.interval, day: kindOf(pattern.day), nth: nth(pattern.index) };
    case 'yearly':
      return pattern.interval === 1 ? { kind: 'yearly', month: pattern.month, day: pattern.dayOfMonth } : null;
    case 'yearly-relative':
      return pattern.interval === 1
        ? { kind: 'yearly-nth', month: pattern.month, day: kindOf(pattern.day), nth: nth(pattern.index) }
        : null;
    default:
      return null;
  }
}

function labRecurrence({ pattern, range }: Recurrence): lab.Recurrence | null {
  const theirs = labPattern(pattern);
  if (theirs === null) return null;
  const times = { startDay: range.startDay, startOffsetMs: 0, endOffsetMs: 0 };
  if (range.end === 'never') return { pattern: theirs, ...times, range: { kind: 'endless' } };
  if (range.end === 'date') return { pattern: theirs, ...times, range: { kind: 'until', lastDay: range.lastDay } };
  return { pattern: theirs, ...times, range: { kind: 'count', count: range.count } };
}

const take = <T>(values: Iterable<T>, count: number): readonly T[] => {
  const taken: T[] = [];
  for (const value of values) if (taken.push(value) === count) break;
  return taken;
};

describe('recurrences', () => {
  test('have the same days', () => {
    let compared = 0;
    fc.assert(
      fc.property(anyRecurrence, (recurrence) => {
        const theirs = labRecurrence(recurrence);
        fc.pre(theirs !== null);
        if (theirs === null) return;
        const days = take(lab.occurrenceDays(theirs), 40).map(lab.dayOfNumber);
        compared += days.length;
        expect(take(occurrenceDays(recurrence), 40)).toEqual(days);
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });
});

/** Rules are compared from the first year on for which Windows has kept them: before that the lab goes by history. */
const anyMinute = fc
  .integer({ min: Date.UTC(2007, 0, 3) / 60_000, max: Date.UTC(2036, 11, 28) / 60_000 })
  .map((minute) => minute * 60_000);

describe('time zones', () => {
  test('are known by the same names', () => {
    expect(windowsZoneIds.filter((id) => windowsIdOf(id) !== id)).toEqual([]);
  });

  test('show the same time, also in hours that are left out or shown twice', () => {
    fc.assert(
      fc.property(fc.constantFrom(...windowsZoneIds), anyMinute, (id, at) => {
        const theirs = windowsZone(id);
        expect(theirs).not.toBeNull();
        if (theirs === null) return;
        const clock = clockOf({ id, rules: null });
        expect(clock.toWall(at)).toBe(wallOf(theirs, at));
        expect(clock.toInstant(at)).toBe(instantOf(theirs, at));
      }),
      { numRuns: 500 },
    );
  });

  const steady = fc.constantFrom(
    ...['W. Europe Standard Time', 'Pacific Standard Time', 'AUS Eastern Standard Time', 'India Standard Time', 'UTC'],
  );
  test('are written by one as the other reads them', () => {
    fc.assert(
      fc.property(steady, anyMinute, (id, at) => {
        const year = new Date(at).getUTCFullYear();
        const theirs = windowsZone(id);
        if (theirs === null) throw new Error(id);
        const ours = readZoneDefinition(writeZoneBlob(theirs, year)).zone;
        expect(ours.id).toBe(id);
        expect(clockOf({ ...ours, id: '' }).toInstant(at)).toBe(instantOf(theirs, at));
        const back = readZoneBlob(writeZoneDefinition({ id, rules: null }, year, false) ?? Buffer.alloc(0));
        expect(back).not.toBeNull();
        if (back !== null) expect(instantOf(back, at)).toBe(clockOf({ id, rules: null }).toInstant(at));
      }),
      { numRuns: 200 },
    );
  });
});

describe('identities', () => {
  const uid = fc.oneof(
    fc.uuid(),
    fc.string({ minLength: 1, maxLength: 60 }).filter((text) => text.trim() === text && !text.includes('\0')),
    fc.constant(
      '040000008200E00074C5B7101A82E00807D803195025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B',
    ),
  );
  test('are the same bytes for a UID, and the same UID for the bytes', () => {
    fc.assert(
      fc.property(uid, anyDay(), (text, day) => {
        const identity = identityOfUid(text);
        const theirs = labIds.cleanIdOfUid(text);
        expect(identity).not.toBeNull();
        if (identity === null) return;
        expect(cleanGlobalObjectId(identity)).toEqual(theirs);
        expect(uidOfIdentity(identity)).toBe(labIds.uidOf(theirs));
        expect(globalObjectId(identity, day)).toEqual(labIds.withDay(theirs, day));
      }),
      { numRuns: 200 },
    );
  });
});
