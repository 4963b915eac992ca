/** Events of a size that no request should have. */
import { describe, expect, test } from 'vitest';
import {
  attendee,
  calendar,
  event,
  hour,
  isQuiet,
  openCalendars,
  outcomeOf,
  timesOf,
} from './bad-calendars.fixture.ts';

const megabyte = 'a word after another and so on. '.repeat(1 << 15);
const neighbour = event('neighbour', hour('20250603'));

const html = `X-ALT-DESC;FMTTYPE=text/html:<html><body>${megabyte.repeat(20)}</body></html>`;

describe('a body of 20 MB', () => {
  const text = calendar(event('large', hour('20250610'), `DESCRIPTION:${megabyte.repeat(20)}`), neighbour);

  test('arrives at 2010 as it is; what only a stream could carry is named, since 2010 takes none of that size', async () => {
    const world = await openCalendars([{ text }], ['2010', '2010']);
    try {
      await world.syncCalendars();
      const { quarantined, unkept } = await outcomeOf(world, 0);
      expect(quarantined).toEqual([]);
      expect(unkept).toEqual([expect.stringMatching(/^not kept: organizer \([^)]*\)$/)]);
      const [left, right] = (['source', 'target'] as const).map((side) =>
        timesOf(world, side, 0).map(({ organizer: _, ...rest }) => rest),
      );
      expect(left).toHaveLength(2);
      expect(right).toEqual(left);
      expect(await isQuiet(world, 0)).toBe(true);
    } finally {
      await world.close();
    }
  }, 180_000);

  test('of somebody else’s meeting arrives at 2016 with everything', async () => {
    const meeting = event(
      'large',
      hour('20250610'),
      html,
      'ORGANIZER:mailto:cleo@elsewhere.test',
      attendee('bo@x.test'),
    );
    const world = await openCalendars([{ text: calendar(meeting, neighbour) }], ['2010', '2016']);
    try {
      await world.syncCalendars();
      expect(await outcomeOf(world, 0)).toMatchObject({ quarantined: [], unkept: [] });
      expect(timesOf(world, 'target', 0)).toEqual(timesOf(world, 'source', 0));
      expect(timesOf(world, 'target', 0)).toHaveLength(2);
      expect(await isQuiet(world, 0)).toBe(true);
    } finally {
      await world.close();
    }
  }, 180_000);

  test('is `too-large` where the target takes less, and its neighbour arrives', async () => {
    const world = await openCalendars([{ text }], ['2010', '2016']);
    try {
      world.lab.organization('target').front.configure({ requestMaxBytes: 8_000_000 });
      await world.syncCalendars();
      expect((await outcomeOf(world, 0)).quarantined).toEqual([expect.stringMatching(/^too-large: /)]);
      expect(timesOf(world, 'target', 0).map(({ subject }) => subject)).toEqual(['neighbour']);
      expect(await isQuiet(world, 0)).toBe(true);
    } finally {
      await world.close();
    }
  }, 180_000);
});
