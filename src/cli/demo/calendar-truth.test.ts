import { expect, test } from 'vitest';
import type { TrueEvent } from '#lab/world/ground-truth.ts';
import { compareCalendars } from './calendar-truth.ts';

const event = (id: string, more: Partial<TrueEvent> = {}): TrueEvent => ({
  id,
  itemId: `item of ${id}`,
  day: null,
  isException: false,
  isAlone: false,
  startMs: 0,
  endMs: 3_600_000,
  allDay: false,
  subject: 'Review',
  location: null,
  bodySha256: '',
  busyStatus: 2,
  reminderMinutes: null,
  sensitivity: 0,
  categories: [],
  organizer: 'ana@source.test',
  attendees: [],
  attachments: [],
  state: 0,
  response: 0,
  sequence: 0,
  invited: false,
  ...more,
});
async function* all(...events: readonly TrueEvent[]) {
  yield* events;
}
const compare = (source: readonly TrueEvent[], target: readonly TrueEvent[]) =>
  compareCalendars(all(...source), all(...target));

test('equal: ids of items, organizer, answers and reminders are each side’s own', async () => {
  const series = [event('B', { day: '2026-01-05' }), event('B', { day: '2026-01-06', isException: true })];
  const attendees = (answer: string) => ({ attendees: [`required ben@source.test ${answer}`] });
  const target = event('A', { itemId: 'x', organizer: 'ana@target.test', reminderMinutes: 5, ...attendees('Unknown') });
  expect(await compare([event('A', attendees('Accept')), ...series], [target, ...series])).toEqual({
    events: 2,
    series: 1,
    exceptions: 1,
    lost: 0,
    duplicated: 0,
    altered: 0,
    differences: {},
  });
});

test.each([
  ['an event', [event('A')], []],
  ['an event the other way round', [], [event('A')]],
  [
    'one occurrence',
    [event('A', { day: '2026-01-05' }), event('A', { day: '2026-01-06' })],
    [event('A', { day: '2026-01-05' })],
  ],
] as const)('lost: %s', async (_what, source, target) => {
  expect(await compare(source, target)).toMatchObject({ lost: 1, duplicated: 0, altered: 0 });
});

test('occurrences of one series that are there without it are no duplicates of each other', async () => {
  const lone = (day: string, itemId: string) => event('A', { day, itemId, isAlone: true });
  const both = [lone('2026-01-05', 'x'), lone('2026-01-06', 'y')];
  expect(await compare(both, both)).toMatchObject({ lost: 0, duplicated: 0, altered: 0 });
  const beside = [...both, event('A', { day: '2026-01-06', itemId: 'series' })];
  expect(await compare(both, beside)).toMatchObject({ duplicated: 1, differences: { 'twice on the target': 1 } });
  const series = (day: string, itemId: string) => event('A', { day, itemId });
  expect(
    await compare([series('2026-01-05', 'x')], [series('2026-01-05', 'x'), series('2026-01-09', 'y')]),
  ).toMatchObject({ duplicated: 1 });
});

test('a changed occurrence counts its own updates, whatever the series counts', async () => {
  const one = (more: Partial<TrueEvent>) => event('A', { day: '2026-01-05', ...more });
  expect(await compare([one({ isException: true, sequence: 0 })], [one({ sequence: 2 })])).toMatchObject({
    altered: 0,
  });
  expect(await compare([one({ sequence: 0 })], [one({ sequence: 2 })])).toMatchObject({ altered: 1 });
});

test('duplicated: two items with one identity', async () => {
  expect(await compare([event('A')], [event('A'), event('A', { itemId: 'another' })])).toMatchObject({ duplicated: 1 });
});

test.each([
  ['start', { startMs: 60_000 }],
  ['subject', { subject: 'Review 2' }],
  ['attendees', { attendees: ['optional ben@source.test Accept'] }],
  ['response', { response: 3 }],
] as const)('altered: %s', async (name, more) => {
  expect(await compare([event('A')], [event('A', more)])).toMatchObject({ altered: 1, differences: { [name]: 1 } });
});

test('each difference is told, with its items and its values', async () => {
  const told: unknown[] = [];
  const moved = event('A', { day: '2026-01-05', itemId: 'x', startMs: 60_000 });
  const source = [event('A', { day: '2026-01-05' }), event('B')];
  await compareCalendars(all(...source), all(moved, event('B'), event('B', { itemId: 'y' })), (one) => told.push(one));
  const { itemId } = event('A');
  expect(told).toEqual([
    { what: 'start', id: 'A', source: [itemId], target: ['x'], day: '2026-01-05', values: [0, 60_000] },
    { what: 'twice on the target', id: 'B', source: [event('B').itemId], target: [event('B').itemId, 'y'] },
  ]);
});

test.each([
  ['subject', { subject: 'secret plan' }],
  ['location', { location: 'secret room' }],
  ['categories', { categories: ['secret list'] }],
  ['attendees', { attendees: ['required secret@source.test Accept'] }],
  ['attachments', { attachments: ['secret.doc'] }],
] as const)('what people wrote is not told: %s', async (what, more) => {
  const told: unknown[] = [];
  await compareCalendars(all(event('A')), all(event('A', more)), (one) => told.push(one));
  expect(told).toMatchObject([{ what }]);
  expect(JSON.stringify(told)).not.toContain('secret');
});
