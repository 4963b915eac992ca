import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import type { StoredTyped } from '#connectors/memory/memory-typed-store.ts';
import { must } from '#kit/assert.ts';
import type { FolderId } from '#model/ids.ts';
import type { OpenCalendarStage, SimulatedCalendarSide } from './calendar-stage.ts';
import { rivalMoves } from './rivals.ts';
import type { SimulatedCalendar, SimulatedEvent } from './simulated-calendar.ts';

/** The calendars of a mailbox of the memory organization, as their owner has them. */
function memoryCalendar(box: MemoryMailbox): SimulatedCalendar {
  const folders = (): FolderId[] => {
    const calendars = [...box.folders.values()].filter((f) => f.containerClass === 'IPF.Appointment');
    return calendars.sort((a, b) => Number(b.role === 'calendar') - Number(a.role === 'calendar')).map((f) => f.id);
  };
  const show = (all: Iterable<StoredTyped>): SimulatedEvent[] =>
    [...all].flatMap((stored) => {
      if (stored.kind !== 'calendar') return [];
      const { id, folder, identity } = stored;
      let item: SimulatedEvent['item'] | null = null;
      return [
        {
          id,
          folder,
          identity: must(identity, 'every event of the simulation has an identity'),
          // Most of who looks for events wants to know which ones there are.
          get item() {
            item ??= box.typed.show(stored as unknown as StoredTyped<'calendar'>);
            return item;
          },
        },
      ];
    });
  return {
    address: box.address,
    folders,
    events: () => show(box.typed.items.values()),
    recoverable: () => show(box.typed.recoverable.values()),
    sent: () => box.sent,
    get commits() {
      return box.log.length;
    },
    book: (folder, fields, identity) => box.typed.add('calendar', folder, fields, { identity }).id,
    edit: (id, set) => void box.typed.edit(id, { set, occurrences: [] }),
    editOccurrence: (id, day, overrides) => box.typed.editOccurrence(id, day, overrides),
    deleteOccurrence: (id, day) => box.typed.deleteOccurrence(id, day),
    move: (id, to) => box.typed.move(id, to).id,
    remove: (id) => box.typed.remove(id),
    touch: (id) => box.typed.touch(id),
  };
}

/** Two organizations in memory, whose servers have habits by seed. The fast stage, on which thousands of lives are played. */
export const memoryCalendarStage: OpenCalendarStage = ({ seed, clock, itemFault, halfway }) => {
  // Pages and batches so small that folders take several of them, and so large that one is enough.
  const abilities = { changePageMax: seed % 2 === 0 ? 3 : 512, batchMax: seed % 3 === 0 ? 2 : 50 };
  const side = (name: string, habitsSeed: number): SimulatedCalendarSide => {
    const organization = new MemoryOrganization(name);
    organization.itemFault = (operation, item) => itemFault(operation, item.id ?? '');
    organization.between = (operation) => halfway(operation);
    const box = organization.add(`anna@${name}.test`);
    box.nowMs = () => clock.nowMs();
    box.typed.habits = { normalises: habitsSeed % 2 === 1, touches: habitsSeed % 3 === 1 };
    if (seed % 4 === 0) {
      const root = must(
        [...box.folders.values()].find((f) => f.role === 'calendar'),
        'every mailbox has a calendar',
      );
      box.addFolder(root.id, 'Project', 'IPF.Appointment');
    }
    return { calendar: memoryCalendar(box), connect: () => memoryConnector(organization, abilities) };
  };
  return {
    left: side('source', seed),
    right: side('target', seed >> 1),
    clock,
    advance(ms) {
      clock.advance(ms);
      return undefined;
    },
    later: (atMs, work) => clock.at(atMs, () => void work()),
    setCalm() {},
    isObedient: true,
    rivals: rivalMoves,
    aftermath() {},
    async close() {},
  };
};
