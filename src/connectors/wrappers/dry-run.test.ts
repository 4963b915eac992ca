import { expect, test } from 'vitest';
import type { FolderId, Version } from '#model/ids.ts';
import { dryRun, type PlannedWrite } from './dry-run.ts';
import { draft, item, scripted, within } from './scripted.fixture.ts';

const folder = 'inbox' as FolderId;
const version = '1' as Version;

test('reads pass, writes are described and never made', async () => {
  const { connector, calls } = scripted({ answer: 'as it is' });
  const writes: PlannedWrite[] = [];
  const mailbox = dryRun(connector, (write) => writes.push(write)).mailbox('ana@contoso.test');
  const context = within(1000);
  expect(await mailbox.tree(context)).toBe('as it is');

  const made = await mailbox.create(folder, [draft(10), draft(20)], context);
  expect(new Set(made.map((one) => ('id' in one ? one.id : null))).size).toBe(2);
  await mailbox.update(
    [{ id: item('a'), expect: version, set: { isRead: true, flagStatus: 2 }, readReceiptRequested: false }],
    context,
  );
  await mailbox.move([item('a')], folder, context);
  expect(await mailbox.remove([{ id: item('a'), expect: version, readReceiptRequested: false }], context)).toEqual([
    null,
  ]);
  const planned = await mailbox.createFolder(folder, 'Plans / "2026"', 'IPF.Note', context);
  await mailbox.renameFolder(folder, 'New', context);
  await mailbox.moveFolder(folder, planned, context);
  await mailbox.removeFolder(folder, context);
  expect(calls).toEqual(['tree']);
  expect(writes.map((write) => write.text)).toEqual([
    'create 2 mails (30 bytes) in folder inbox',
    'set flagStatus, isRead of 1 mail',
    'move 1 mail to folder inbox',
    'remove 1 mail recoverably',
    'create folder "Plans / \\"2026\\"" (IPF.Note) in inbox',
    'rename folder inbox to "New"',
    `move folder inbox into ${planned}`,
    'remove folder inbox recoverably',
  ]);
});

test('what would have been made can be read on', async () => {
  const { connector, calls } = scripted({ answer: new Map() });
  const mailbox = dryRun(connector, () => {}).mailbox('ana');
  const planned = await mailbox.createFolder(folder, 'New', null, within(1000));
  expect(await mailbox.changes(planned, null, within(1000))).toMatchObject({ changes: [], complete: true });
  expect((await mailbox.findByStamp(planned, [], within(1000))).size).toBe(0);
  expect(calls).toEqual([]);
  const [made] = await mailbox.create(planned, [draft(1)], within(1000));
  await mailbox.heads(made && 'id' in made ? [made.id, item('real')] : [], within(1000));
  expect(calls).toEqual(['heads:1']);
});
