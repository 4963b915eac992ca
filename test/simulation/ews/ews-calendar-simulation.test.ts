import { expect, test } from 'vitest';
import { lifeOf } from '../lives.ts';
import type { SeedReport } from '../run-seed.ts';
import { struck } from './ews-calendar-stage.ts';

/** From every version to every version, and lives that ended badly before their causes were found. */
const seeds = [...Array.from({ length: 16 }, (_, n) => 1 + n), 336];
const rivalSeeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 18, 35, 91, 95];
/** The same with plain maps for a store, where rows come in another order. */
const plainRivalSeeds = [
  34, 90, 414, 923, 1146, 1450, 2340, 2570, 2758, 2766, 3553, 3989, 4111, 4305, 4956, 4998, 5098, 5578,
];

const reports: SeedReport[] = [];

test(`${seeds.length} lives of a pair of calendars over EWS converge, lose nothing, double nothing, mail nothing`, async () => {
  const live = lifeOf('calendar', 'ews');
  for (const seed of seeds) {
    const report = await live(seed);
    reports.push(report);
    expect(report.violations, `replay: npm run sim -- --world ews --of calendar --seed ${seed}`).toEqual([]);
  }
}, 300_000);

test(`${rivalSeeds.length} lives beside the lab’s attendants, assistants and clients`, async () => {
  const live = lifeOf('rival', 'ews');
  for (const seed of rivalSeeds) {
    const report = await live(seed);
    reports.push(report);
    expect(report.violations, `replay: npm run sim -- rival --world ews --seed ${seed}`).toEqual([]);
  }
}, 300_000);

test(`${plainRivalSeeds.length} such lives that ended badly before their causes were found`, async () => {
  const live = lifeOf('rival', 'ews');
  for (const seed of plainRivalSeeds) {
    const report = await live(seed, 'plain');
    expect(report.violations, `replay: npm run sim -- rival --world ews --store plain --seed ${seed}`).toEqual([]);
  }
}, 300_000);

test('everything that was to go wrong in these lives did', () => {
  const events = reports.flatMap((report) => report.events);
  const hazards = [
    /: the answer is lost$/,
    /: the request is lost$/,
    /^Crash: /,
    /^died while a create was on its way$/,
    /^stalled; another takes over$/,
    /^store lost$/,
    /^rival: .*invites the person/,
    /^rival: the organizer /,
    /^rival: the person answers/,
    /^rival: the Calendar Repair Assistant/,
    /^rival: Outlook /,
    /^rival: a phone /,
    / adopted /,
  ];
  expect(hazards.filter((hazard) => !events.some((event) => hazard.test(event)))).toEqual([]);
  const points = [
    'drop-before',
    'drop-after',
    'reset-mid',
    'http-503',
    'server-busy',
    'item-busy',
    'half-batch',
    'stale-state',
    'later-touch',
  ] as const;
  expect(points.filter((point) => (struck.get(point) ?? 0) === 0)).toEqual([]);
});
