import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOpen, opensAtMs, parseWindow, type Schedule } from './window.ts';

const schedule = (zone: string, ...texts: readonly string[]): Schedule => ({
  zone,
  windows: texts.map((text) => {
    const window = parseWindow(text);
    if (window === null) throw new Error(`${text} is no window`);
    return window;
  }),
  everyMs: 3_600_000,
});
const at = (text: string) => Date.parse(text);

describe('windows', () => {
  test.each([
    '',
    'mon',
    '20:00',
    'mon 20:00-20:00',
    'mun 20:00-21:00',
    '25:00-26:00',
    'mon-tue-wed 01:00-02:00',
    '24:00-01:00',
  ])('%j is none', (text) => expect(parseWindow(text)).toBeNull());

  test.each([
    ['fri-mon 20:00-06:00', [0, 4, 5, 6], 1200, 360],
    ['Sat,Sun 00:00-24:00', [5, 6], 0, 1440],
    ['22:30-23:00', [0, 1, 2, 3, 4, 5, 6], 1350, 1380],
  ])('%s', (text, days, from, to) => expect(parseWindow(text)).toEqual({ days, from, to }));
});

describe('when work is allowed', () => {
  // 2024-03-11 is a Monday.
  const nights = schedule('Europe/Vienna', 'mon-fri 20:00-06:00');

  test.each([
    ['2024-03-11T18:59:00Z', false],
    ['2024-03-11T19:00:00Z', true],
    ['2024-03-12T04:59:59Z', true],
    ['2024-03-12T05:00:00Z', false],
    ['2024-03-16T04:59:00Z', true], // the night of Friday ends on Saturday
    ['2024-03-16T20:00:00Z', false],
    ['2024-03-11T04:00:00Z', false], // Sunday's night does not begin
  ])('%s: %s', (text, open) => expect(isOpen(nights, at(text))).toBe(open));

  test('the next opening', () => {
    expect(opensAtMs(nights, at('2024-03-11T12:34:56Z'))).toBe(at('2024-03-11T19:00:00Z'));
    expect(opensAtMs(nights, at('2024-03-16T12:00:00Z'))).toBe(at('2024-03-18T19:00:00Z'));
    expect(opensAtMs(nights, at('2024-03-11T20:00:00Z'))).toBe(at('2024-03-11T20:00:00Z'));
    // Clocks go forward on Sunday, 31 March 2024: the next evening comes an hour earlier in UTC.
    expect(opensAtMs(nights, at('2024-03-30T12:00:00Z'))).toBe(at('2024-04-01T18:00:00Z'));
    expect(opensAtMs(schedule('UTC'), 5)).toBe(5);
  });

  test('an opening is open, and there is none before it', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Vienna', 'America/New_York', 'Asia/Kathmandu');
    const windows = fc.constantFrom('mon-fri 20:00-06:00', 'sun 02:30-04:00', '12:00-13:00', 'sat 00:00-24:00');
    const minute = fc.integer({ min: at('2024-01-01T00:00:00Z') / 60_000, max: at('2024-12-31T00:00:00Z') / 60_000 });
    fc.assert(
      fc.property(zones, windows, minute, (zone, text, now) => {
        const plan = schedule(zone, text);
        const opening = opensAtMs(plan, now * 60_000);
        expect(isOpen(plan, opening)).toBe(true);
        if (opening > now * 60_000) expect(isOpen(plan, opening - 60_000)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
