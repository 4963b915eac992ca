import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { calendarActions } from './calendar-people.ts';
import { createPeople } from './people.ts';
import { checkRecurrence } from './recurrence.ts';
import { createWorld, type World } from './world.ts';

const startMs = Date.UTC(2031, 4, 5);

/** The world after so many deeds, and what was done. */
function busy(seed: number, steps: number): { readonly world: World; readonly done: readonly string[] } {
  const world = createWorld({
    organizations: [{ name: 'a', version: '2016', domain: 'a.test' }],
    mailboxes: 3,
    items: 0,
    typed: { appointment: 60 },
    seed,
    surroundings: {
      clock: new SteppingClock(startMs),
      random: seededRandom(seed),
      faults: { strike: () => null, counts: {} as never, set: () => {} },
    },
  });
  const people = createPeople(world.organization('a'), seededRandom(`people ${seed}`), calendarActions);
  for (let step = 0; step < steps; step++) people.step();
  return { world, done: people.deeds.map(({ action, mailbox }) => `${action} ${mailbox}`) };
}

test('people book, move, cancel and edit single occurrences, the same for the same seed', () => {
  const first = busy(3, 600);
  const kinds = new Set(first.done.map((one) => one.slice(0, one.indexOf(' '))));
  expect([...kinds].sort()).toEqual([...calendarActions].sort());
  expect(busy(3, 600).done).toEqual(first.done);
});

test.each([1, 2, 3])('what they leave is what Exchange could hold, seed %d', (seed) => {
  const { world } = busy(seed, 800);
  const { mailboxes } = world.organization('a');
  let exceptions = 0;
  for (const { address } of mailboxes) {
    for (const item of must(world.mailbox(address), address).folder('calendar').items()) {
      const part = must(item.content.calendar, 'an appointment');
      if (part.recurrence !== null) checkRecurrence(part.recurrence);
      exceptions += part.exceptions.length;
      for (const { day } of part.exceptions) expect(part.deletedDays).not.toContain(day);
    }
    for (const event of world.calendar(address, startMs - 1e10, startMs + 1e10))
      expect(event.endMs).toBeGreaterThanOrEqual(event.startMs);
  }
  expect(exceptions).toBeGreaterThan(5);
});
