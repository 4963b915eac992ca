import { afterEach, expect, test } from 'vitest';
import { compareCalendars } from '#cli/demo/calendar-truth.ts';
import { beginSwitch, beginUndo, runSwitch } from '#jobs/switch/run-switch.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { TrueEvent } from '#lab/world/ground-truth.ts';
import { each, SwitchWorld, type WorldPerson } from './switch-world.fixture.ts';

const signal = new AbortController().signal;
let world: SwitchWorld;
afterEach(() => world.close());

async function take(person: WorldPerson, direction: 'forward' | 'undo'): Promise<void> {
  const services = world.services(person);
  if (direction === 'forward') await beginSwitch(services, null, true);
  else await beginUndo(services, null);
  for (let n = 0; n < 300; n++) {
    const end = await runSwitch(services, null, signal);
    if (end.end === 'complete') return;
    if (end.end === 'failed') throw new Error(end.because);
    await services.clock.sleep(end.againMs);
  }
  throw new Error('it does not come to an end');
}

const nothing = { lost: 0, duplicated: 0, differences: {} };

/** How calendars differ, person by person. */
async function same(ones: readonly (readonly TrueEvent[])[], others: readonly (readonly TrueEvent[])[]) {
  const sum = { lost: 0, duplicated: 0, differences: {} };
  for (const [at, one] of ones.entries()) {
    const { lost, duplicated, differences } = await compareCalendars(each(one), each(others[at] ?? []));
    sum.lost += lost;
    sum.duplicated += duplicated;
    Object.assign(sum.differences, differences);
  }
  return sum;
}

test('calendars are the same on both sides after a switch, and an undo leads back with what was booked meanwhile', async () => {
  world = await SwitchWorld.open({
    clock: new SteppingClock(1_750_000_000_000),
    people: 3,
    items: 4,
    calendars: true,
    replicationMs: [500],
    latencyMs: 5,
  });
  await world.syncAll();
  for (const { pair } of world.people)
    await world.store.commitSwitch(null, {
      row: { pair: pair.id, state: 'ready', active: 'left', run: 0, at: null, changedAtMs: 0, because: null },
    });
  const calendars = (side: 'left' | 'right') => world.people.map((person) => world.calendar(person[side]));
  const before = calendars('left');
  const count = (all: typeof before) => all.flat().length;
  expect(count(before)).toBeGreaterThan(8);
  for (const one of world.people) await take(one, 'forward');
  expect(await same(before, calendars('right'))).toEqual(nothing);
  // People work in the target now: they book, move and write into what there is.
  expect(world.lab.meet('target', 60, ['book', 'move', 'note'])).toBeGreaterThan(10);
  await world.syncAll();
  expect(await world.calendarsDiffer()).toMatchObject({ lost: 0, duplicated: 0, altered: 0 });
  world.lab.meet('target', 30, ['book', 'move', 'note']);
  const there = calendars('right');
  expect(count(there)).toBeGreaterThan(count(before));
  for (const one of world.people) await take(one, 'undo');
  expect(await same(there, calendars('left'))).toEqual(nothing);
  const ids = new Set(there.flat().map(({ id }) => id));
  for (const { id } of before.flat()) expect(ids.has(id)).toBe(true);
  await world.syncAll();
  expect(await world.calendarsDiffer()).toMatchObject({ lost: 0, duplicated: 0, altered: 0 });
  expect(world.lab.outbox.filter(({ doing }) => doing === 'api')).toEqual([]);
}, 120_000);
