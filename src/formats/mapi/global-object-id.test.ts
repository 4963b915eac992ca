import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Day } from '#model/wall-time.ts';
import {
  cleanGlobalObjectId,
  dayOfGlobalObjectId,
  globalObjectId,
  identityOfBytes,
  identityOfIds,
  identityOfUid,
  sameIdentity,
  uidOfIdentity,
} from './global-object-id.ts';

/** [MS-OXOCAL] 4.1.2: an exception, moved from 25 to 26 March 2008. */
const exception =
  '040000008200E00074C5B7101A82E00807D803195025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B';
const clean =
  '040000008200E00074C5B7101A82E008000000005025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B';

describe('ids that Exchange made', () => {
  test('an exception has the identity of its master, and a day', () => {
    const bytes = Buffer.from(exception, 'hex');
    expect(identityOfBytes(bytes)).toBe(clean);
    expect(dayOfGlobalObjectId(bytes)).toBe('2008-03-25');
    expect(dayOfGlobalObjectId(Buffer.from(clean, 'hex'))).toBeNull();
    const identity = identityOfUid(clean);
    expect(identity).toBe(clean);
    if (identity === null) return;
    expect(
      globalObjectId(identity, '2008-03-25' as Day)
        .toString('hex')
        .toUpperCase(),
    ).toBe(exception);
    expect(globalObjectId(identity, null)).toEqual(cleanGlobalObjectId(identity));
    expect(uidOfIdentity(identity)).toBe(clean);
  });

  test('case and the day of an exception make no difference in a UID', () => {
    expect(identityOfUid(exception.toLowerCase())).toBe(clean);
    expect(identityOfUid(` ${clean}\n`)).toBe(clean);
  });
});

describe('UIDs of other systems', () => {
  test('are wrapped as Exchange wraps them', () => {
    expect(identityOfUid('qa87q2t552detf773508pdrchc@google.com')).toBe(
      '040000008200E00074C5B7101A82E00800000000000000000000000000000000000000003200000' +
        '07643616C2D55696401000000716138377132743535326465746637373335303870647263686340676F6F676C652E636F6D00',
    );
  });

  test.each([
    'a',
    'x'.repeat(5_000),
    'ünïcode ✓',
    '040000008200E00074C5B7101A82E008',
    '040000008200E00074C5B7101A82E008zz'.padEnd(90, '0'),
  ])('come back unchanged (%#)', (uid) => {
    const identity = identityOfUid(uid);
    expect(identity).not.toBeNull();
    expect(identity && uidOfIdentity(identity)).toBe(uid);
  });

  test('any text comes back, and two texts are two events', () => {
    const text = fc
      .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
      .filter((one) => one.trim() === one && !one.includes('\0') && one !== '');
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [one, other] = [identityOfUid(a), identityOfUid(b)];
        expect(one && uidOfIdentity(one)).toBe(Buffer.from(a, 'utf8').toString('utf8'));
        if (one !== null && other !== null && Buffer.from(a).equals(Buffer.from(b)) === false)
          expect(sameIdentity(one, other)).toBe(false);
      }),
    );
  });

  test('wrapped with and without the zero byte at the end they are one event', () => {
    const without = identityOfBytes(
      Buffer.from(
        '040000008200E00074C5B7101A82E00800000000000000000000000000000000000000000D0000007643616C2D5569640100000061',
        'hex',
      ),
    );
    const withZero = identityOfUid('a');
    expect(without === withZero).toBe(false);
    expect(without && withZero && sameIdentity(without, withZero)).toBe(true);
    expect(without && uidOfIdentity(without)).toBe('a');
  });

  test('no UID is no identity', () => {
    expect(identityOfUid('  ')).toBeNull();
  });
});

test('bytes that are no global object id have no identity, no day, and do no harm', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(identityOfBytes(bytes)).toBeNull();
      expect(dayOfGlobalObjectId(bytes)).toBeNull();
    }),
  );
  const odd = Buffer.from(exception, 'hex');
  odd[18] = 13;
  expect(dayOfGlobalObjectId(odd)).toBeNull();
});

test('an occurrence without its series is known by its day as well, and shares the UID of its series', () => {
  const series = identityOfUid('one of several@x.test');
  if (series === null) throw new Error('an identity');
  const days = ['2031-07-14', '2031-07-21'] as Day[];
  const clean = cleanGlobalObjectId(series);
  const own = days.map((day) => identityOfIds(globalObjectId(series, day), clean));
  expect(new Set([series, ...own]).size).toBe(3);
  for (const [at, identity] of own.entries()) {
    if (identity === null) throw new Error('an identity');
    expect(uidOfIdentity(identity)).toBe('one of several@x.test');
    expect(cleanGlobalObjectId(identity)).toEqual(clean);
    expect(dayOfGlobalObjectId(globalObjectId(identity, null))).toBe(days[at]);
  }
  expect(identityOfIds(globalObjectId(series, null), clean)).toBe(series);
  expect(identityOfIds(Buffer.alloc(0), clean)).toBe(series);
  expect(identityOfIds(Buffer.alloc(0), Buffer.alloc(0))).toBeNull();
});
