import { expect, test } from 'vitest';
import type { TypedItems } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { isFault } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import { type MeetingBench, meetingExperiments } from './meeting-experiments.ts';

type Events = TypedItems<'calendar'>;

/** What the experiments say of a server that does one thing otherwise. */
async function seenOf(meddle: (events: Events, arrive: () => void) => Partial<Events> = () => ({})) {
  const organization = new MemoryOrganization('old');
  const box = organization.add('probe1@old.example');
  organization.add('probe2@old.example');
  const mailbox = memoryConnector(organization).mailbox('probe1@old.example');
  const events = mailbox.typed('calendar');
  if (events === null) throw new Error('the memory connector has events');
  const arrived = new Set<ItemId>();
  let count = 0;
  const bench: MeetingBench = {
    events: { ...events, ...meddle(events, () => arrived.add(`mail ${arrived.size}` as ItemId)) },
    calendar: box.byRole('calendar'),
    organization: 'old',
    owner: 'probe1@old.example',
    attendee: 'probe2@old.example',
    call: () => ({ signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY }),
    nowMs: () => 1_700_000_000_000,
    unique: () => (++count).toString(16).padStart(16, '0'),
    random: (bytes) => Buffer.alloc(bytes, 'probe'),
    arrivals: async () => new Set(arrived),
    waitForArrival: async (before) => arrived.size > before.size,
  };
  const seen: (string | null)[] = [];
  for (const [, experiment] of meetingExperiments) seen.push(await experiment(bench));
  return seen;
}

test('a server that does what we rely on', async () => {
  expect(await seenOf()).toEqual(meetingExperiments.map(() => null));
});

test('a server that mails, changes identities and forgets what was sent is found out', async () => {
  const seen = await seenOf((events, arrive) => ({
    async create(...given) {
      arrive();
      return events.create(...given);
    },
    async read(...given) {
      const items = await events.read(...given);
      return new Map(
        [...items].map(([id, item]) => [
          id,
          isFault(item)
            ? item
            : {
                ...item,
                head: { ...item.head, identity: null },
                fields: { ...item.fields, invited: false, organizer: null },
                occurrences: [],
                deletedDays: [],
              },
        ]),
      );
    },
    findByIdentity: async () => new Map(),
  }));
  expect(seen).toEqual([
    'something arrived',
    expect.stringContaining('its identity is another one after the create, invited is false after the create'),
    'another organizer is shown',
    'the search does not find it',
    'the changed one is as the series again, the deleted one is back',
    'its state is that of the series',
    'it is there 0 times, something arrived',
    'the changed one is not there',
  ]);
});
