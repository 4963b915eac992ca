import { expect, test } from 'vitest';
import { event, headOf, series } from '#engine/typed-items.fixture.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { Day } from '#model/wall-time.ts';
import { calendarsConverged } from './calendar-checkers.ts';
import { daily } from './calendar-person.ts';
import type { CalendarWorld } from './calendar-world.ts';
import { freshLedger } from './ledger.ts';
import type { SimulatedEvent } from './simulated-calendar.ts';

const of = (day: string) => `040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}` as EventIdentity;
const shown = (day: string, item = event()): SimulatedEvent => {
  const head = headOf({ id: day as ItemId, folder: 'calendar' as FolderId, identity: of(day) });
  return { id: head.id, folder: head.folder, identity: of(day), item: { ...item, head } };
};
const judged = (...events: readonly SimulatedEvent[]) => {
  const calendar = { address: 'ana@x', events: () => events, folders: () => ['calendar'] };
  return calendarsConverged({
    left: calendar,
    right: calendar,
    ledger: freshLedger(),
    events: [],
    isObedient: false,
  } as unknown as CalendarWorld);
};

test('an occurrence that is there by itself is a duplicate beside its series only, and there on its day only', () => {
  const [first, second] = [shown('07E80101'), shown('07E80102')];
  expect(judged(first, second)).toEqual([]);
  const whole = (deletedDays: readonly Day[] = []) =>
    shown('00000000', series({ fields: { recurrence: daily(3) }, deletedDays }));
  expect(judged(first, whole(['2024-01-01' as Day]))).toEqual([]);
  expect(judged(first, whole())).toEqual(
    Array(2).fill('duplicated: 2024-01-01 of event 00000000 is on ana@x beside its series'),
  );
});
