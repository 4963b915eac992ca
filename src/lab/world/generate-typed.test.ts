import { expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { isMaster, occurrencesBetween } from './appointment.ts';
import { checkRecurrence } from './recurrence.ts';
import { createWorld, type World } from './world.ts';

const faults = { strike: () => null, counts: {} as never, set: () => {} };
const startMs = Date.UTC(2031, 4, 5);

const world = (seed = 1): World =>
  createWorld({
    organizations: [
      { name: 'a', version: '2016', domain: 'a.test' },
      { name: 'b', version: '2016', domain: 'b.test' },
    ],
    mailboxes: 4,
    items: 0,
    typed: { appointment: 800, contact: 100, task: 60, note: 40 },
    seed,
    surroundings: { clock: new SteppingClock(startMs), random: seededRandom(1), faults },
  });

test('calendars, contacts, tasks and notes follow from the seed, in the first organization', () => {
  const [first, second] = [world(), world()];
  const counts = new Map<string, number>();
  for (const entry of first.organization('a').mailboxes) {
    const truth = first.snapshot(entry.address);
    expect(truth).toEqual(second.snapshot(entry.address));
    for (const { items } of truth.folders)
      for (const { itemClass } of items) counts.set(itemClass, (counts.get(itemClass) ?? 0) + 1);
  }
  expect(Object.fromEntries(counts)).toEqual({
    'IPM.Appointment': 800,
    'IPM.Contact': 100,
    'IPM.Task': 60,
    'IPM.StickyNote': 40,
  });
  expect(
    first.snapshot(first.organization('b').mailboxes[0]?.address ?? '').folders.flatMap(({ items }) => items),
  ).toEqual([]);
});

test('generated series are ones Exchange would take, of all patterns, with exceptions in their place', () => {
  const patterns = new Set<string>();
  let exceptions = 0;
  let deleted = 0;
  let received = 0;
  const { mailboxes } = world().organization('a');
  const w = world();
  for (const entry of mailboxes)
    for (const item of w.mailbox(entry.address)?.folder('calendar').items() ?? []) {
      const { content } = item;
      if (content.from?.address !== entry.address) received++;
      const recurrence = content.calendar?.recurrence ?? null;
      if (recurrence === null) continue;
      checkRecurrence(recurrence);
      patterns.add(recurrence.pattern.kind);
      exceptions += content.calendar?.exceptions.length ?? 0;
      deleted += content.calendar?.deletedDays.length ?? 0;
      expect(isMaster(content)).toBe(true);
      const shown = occurrencesBetween(content, startMs - 2e11, startMs + 2e11);
      for (const [at, one] of shown.entries()) {
        const next = shown[at + 1];
        if (next !== undefined) expect(one.endMs).toBeLessThanOrEqual(next.startMs);
      }
    }
  expect([...patterns].sort()).toEqual(['daily', 'monthly', 'monthly-nth', 'weekly', 'yearly', 'yearly-nth']);
  expect(Math.min(exceptions, deleted, received)).toBeGreaterThan(20);
});

test('what a calendar holds, expanded', () => {
  const w = world();
  const address = w.organization('a').mailboxes[0]?.address ?? '';
  const events = w.calendar(address, startMs, startMs + 30 * 86_400_000);
  expect(events.length).toBeGreaterThan(20);
  expect(events.some(({ day }) => day !== null)).toBe(true);
  expect(events.map(({ startMs: at }) => at)).toEqual(events.map(({ startMs: at }) => at).sort((a, b) => a - b));
  expect(events.every(({ id }) => /^040000008200E00074C5B7101A82E008/.test(id))).toBe(true);
});
