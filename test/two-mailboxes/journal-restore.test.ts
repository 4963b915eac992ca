import { afterEach, expect, test } from 'vitest';
import { restoreValue } from '#jobs/typed/restore-value.ts';
import { must } from '#kit/assert.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { defaultTypedPolicy } from '#model/policy.ts';
import { FencedOut, trackId } from '#store/store.ts';
import { signal, TwoMailboxes } from './two-mailboxes.fixture.ts';

let world: TwoMailboxes | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

const only = (box: Mailbox) => must([...box.folder('calendar').items()][0], 'an event');
const place = (box: Mailbox) => only(box).content.properties.get(calendarKey.location)?.value;

/** Somebody enters another place. */
function relocate(box: Mailbox, value: string): void {
  const item = only(box);
  const properties = new Map(item.content.properties).set(calendarKey.location, { type: 'String', value });
  box.update(item, { ...item.content, properties }, { caller: 'people', displayName: 'People' });
}

test.each([
  '2007',
  '2010',
  '2016',
] as const)('%s: what lost is put back on both sides, once, and stays', async (version) => {
  world = new TwoMailboxes(version, 1);
  await world.open();
  const { left, right, store, pair, clock } = world;
  const track = trackId(pair, 'calendar');
  await world.settle('calendar');
  await clock.sleep(60_000, signal);
  relocate(left, 'Room L');
  relocate(right, 'Room R');
  await world.settle('calendar');
  const [entry] = await store.journal({ pair: track }, 10);
  const lost = must(entry, 'a conflict');
  expect(lost.field).toBe('location');
  const winner = place(left);
  expect(place(right)).toBe(winner);
  const loser = winner === 'Room L' ? 'Room R' : 'Room L';

  const services = { ...world.basics(), policy: defaultTypedPolicy };
  expect(await restoreValue(services, pair, 'calendar', lost, null, false, signal)).toMatchObject({ refused: null });
  expect([place(left), place(right)]).toEqual([winner, winner]);
  // Whoever lost the track to somebody else writes nothing.
  const key = `calendar:${pair}`;
  await store.ensureWork([{ key, priority: 20, nextAtMs: null }]);
  const gone = must(await store.take(key, 'journal restore', clock.nowMs(), 0), 'a claim');
  const held = must(await store.take(key, 'worker', clock.nowMs(), 60_000), 'a claim');
  await expect(restoreValue(services, pair, 'calendar', lost, gone, true, signal)).rejects.toBeInstanceOf(FencedOut);
  expect([place(left), place(right)]).toEqual([winner, winner]);
  expect(await restoreValue(services, pair, 'calendar', lost, held, true, signal)).toMatchObject({ applied: true });
  expect([place(left), place(right)]).toEqual([loser, loser]);
  // Nothing comes back by itself, and it cannot be put back twice.
  for (let n = 0; n < 3; n++) {
    await clock.sleep(60_000, signal);
    expect(await world.settle('calendar')).toBe(0);
  }
  expect([place(left), place(right)]).toEqual([loser, loser]);
  const again = must(
    (await store.journal({ pair: track }, 10)).find(({ no }) => no === lost.no),
    'the entry',
  );
  expect(await restoreValue(services, pair, 'calendar', again, null, true, signal)).toMatchObject({ applied: false });
});
