import { expect, test } from 'vitest';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { systemClock } from '#kit/clock.ts';
import { discover } from './discover.ts';

test('folders with counts and sizes, largest items, unusual classes; no search folders', async () => {
  const organization = new MemoryOrganization('old');
  const box = organization.add('ana@old.example');
  const inbox = box.byRole('inbox');
  const sub = box.addFolder(inbox, 'A/B');
  box.addFolder(box.root, 'Unread', 'IPF.Note', null, 'search');
  for (let n = 1; n <= 700; n++) box.add(inbox, Buffer.alloc(n));
  box.add(sub, Buffer.alloc(5000), { itemClass: 'REPORT.IPM.Note.NDR' });
  box.add(sub, Buffer.alloc(10), { itemClass: 'IPM.Note.SMIME' });

  const connector = memoryConnector(organization, { changePageMax: 100 });
  const inventory = await discover(
    { connector, clock: systemClock, requestDeadlineMs: 1000 },
    'ana@old.example',
    new AbortController().signal,
  );
  expect(inventory.folders).toContainEqual({
    path: 'Inbox',
    role: 'inbox',
    containerClass: 'IPF.Note',
    items: 700,
    bytes: 245_350,
  });
  expect(inventory.folders).toContainEqual({
    path: 'Inbox/A%2FB',
    role: null,
    containerClass: 'IPF.Note',
    items: 2,
    bytes: 5010,
  });
  expect(inventory.folders.map(({ path }) => path)).not.toContain('Unread');
  expect(inventory.largest.map(({ bytes }) => bytes)).toEqual([5000, 700, 699, 698, 697, 696, 695, 694, 693, 692]);
  expect(inventory.classes).toEqual({ 'REPORT.IPM.Note.NDR': 1, 'IPM.Note.SMIME': 1 });
});
