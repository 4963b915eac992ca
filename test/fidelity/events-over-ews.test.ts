/**
 * Random events go from one Exchange to the next: 2007, 2010, 2016. Whatever arrives is equal, or the connector said beforehand that this
 * version cannot keep it. `CAUSEWAY_FIDELITY_RUNS=5000` for more than a few dozen.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { drafts } from './arbitrary-events.ts';
import { differences } from './item-differences.ts';
import { arrived, draftOf, openStation, type Station } from './stations.fixture.ts';

const runs = Number(process.env['CAUSEWAY_FIDELITY_RUNS'] ?? 40);
const seed = Number(process.env['CAUSEWAY_FIDELITY_SEED'] ?? 20_260_101);

describe('events go from 2007 to 2010 to 2016', () => {
  const stations: Station[] = [];
  beforeAll(async () => {
    for (const version of ['2007', '2010', '2016'] as const) stations.push(await openStation(version, 'calendar'));
  });
  afterAll(async () => {
    for (const { it } of stations) await it.close();
  });

  test('every property is equal, or was named as one that the version cannot keep', async () => {
    const owner = must(stations[0], 'a station').it.people.address;
    await fc.assert(
      fc.asyncProperty(drafts(owner), async (draft) => {
        let handed = draft;
        for (const station of stations) {
          const { written, item } = await arrived(station, handed);
          expect(differences(handed.item, item, written.unkept), `on ${station.version}`).toEqual([]);
          // Streams, where there are any, leave nobody else's meeting to the owner of the calendar, and forget no answer.
          if (station.version !== '2007')
            expect(
              Object.keys(written.unkept).filter((field) => field === 'organizer' || field === 'attendees'),
            ).toEqual([]);
          expect(item.head.stamp).toBe(draft.stamp);
          expect(station.it.people.sent()).toEqual([]);
          handed = await draftOf(station, item, draft.stamp);
        }
      }),
      { numRuns: runs, seed, endOnFailure: runs > 100 },
    );
  });
});
