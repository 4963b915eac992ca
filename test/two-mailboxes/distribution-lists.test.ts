import { afterEach, expect, test } from 'vitest';
import { plainContent } from '#lab/world/plain-content.ts';
import { key } from '#lab/world/property.ts';
import { trackId } from '#store/store.ts';
import { TwoMailboxes } from './two-mailboxes.fixture.ts';

let world: TwoMailboxes | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

test.each([
  '2007',
  '2010',
  '2016',
] as const)('%s: a distribution list among contacts is named, and the contacts go on', async (version) => {
  world = new TwoMailboxes(version, 3);
  await world.open();
  const { left, right, store, pair } = world;
  const properties = new Map([
    [key.itemClass, { type: 'String', value: 'IPM.DistList' }],
    [key.subject, { type: 'String', value: 'Team' }],
  ]);
  left.create(left.folder('contacts'), { content: plainContent({ properties }), messageFlags: 1 }, left.server);
  await world.settle('contacts');
  const track = trackId(pair, 'contacts');
  expect(await store.quarantine({ pair: track }, 10)).toMatchObject([
    { reason: 'class-refused', itemClass: 'IPM.DistList', detail: expect.stringContaining('IPM.DistList') },
  ]);
  expect((await store.history({ pair: track }, 100)).map(({ action }) => action)).toContain('quarantine');
  // Two-way: the others of the target are on the source, the list stays where it is.
  expect([...left.folder('contacts').items()]).toHaveLength(4);
  expect([...right.folder('contacts').items()]).toHaveLength(3);
  expect(await world.settle('contacts')).toBe(0);
});
