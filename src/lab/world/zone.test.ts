import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { instantOf, offsetMsAt, spanIn, wallOf, windowsZone, windowsZoneIds } from './zone.ts';
import { readZoneBlob, writeZoneBlob } from './zone-blob.ts';

const zone = (id: string) => must(windowsZone(id), id);
const at = (text: string): number => Date.parse(`${text}Z`);

describe('time zones', () => {
  test.each([
    ['W. Europe Standard Time', '2031-01-15T12:00:00', 60],
    ['W. Europe Standard Time', '2031-07-15T12:00:00', 120],
    ['Eastern Standard Time', '2031-07-15T12:00:00', -240],
    ['AUS Eastern Standard Time', '2031-01-15T12:00:00', 660],
    ['India Standard Time', '2031-01-15T12:00:00', 330],
    ['W. Europe Standard Time', '1601-01-01T00:00:00', 53.466_666_666_666_67],
    ['W. Europe Standard Time', '4499-07-15T12:00:00', 120],
  ])('%s at %s is %d minutes east', (id, when, minutes) => {
    expect(offsetMsAt(zone(id), at(when)) / 60_000).toBeCloseTo(minutes);
  });

  test('a time that the clock skips is moved forward, of a time that comes twice the first counts', () => {
    const berlin = zone('W. Europe Standard Time');
    expect(instantOf(berlin, at('2031-03-30T02:30:00'))).toBe(at('2031-03-30T01:30:00'));
    expect(instantOf(berlin, at('2031-10-26T02:30:00'))).toBe(at('2031-10-26T00:30:00'));
  });

  test('a zone spelt out as rules shows the same times in its year', () => {
    for (const id of windowsZoneIds) {
      const known = zone(id);
      const span = spanIn(known, 2031);
      const spelt = { id: 'x', name: 'x', spans: [span] };
      // Zones whose clocks change in another way than twice a year cannot be spelt.
      if (
        span.changes.length === 0 &&
        offsetMsAt(known, at('2031-02-20T00:00:00')) !== offsetMsAt(known, at('2031-03-25T00:00:00'))
      )
        continue;
      for (let ms = at('2031-01-02T00:30:00'); ms < at('2031-12-30T00:00:00'); ms += 86_400_000 * 0.7)
        expect(wallOf(spelt, ms), `${id} ${new Date(ms).toISOString()}`).toBe(wallOf(known, ms));
    }
  });

  test('what the store keeps of a zone can be read again', () => {
    const custom = { id: 'Mine', name: 'Mine', spans: [spanIn(zone('Pacific Standard Time'), 2031)] };
    const read = must(readZoneBlob(writeZoneBlob(custom, 2031)), 'readable');
    expect(read.id).toBe('Mine');
    for (const when of ['2031-01-15T12:00:00', '2031-03-09T10:01:00', '2031-07-15T12:00:00'])
      expect(offsetMsAt(read, at(when)), when).toBe(offsetMsAt(custom, at(when)));
    expect(readZoneBlob(writeZoneBlob(zone('Tokyo Standard Time'), 2031))).toBe(zone('Tokyo Standard Time'));
    expect(readZoneBlob(Buffer.from('nothing of the kind'))).toBeNull();
  });
});
