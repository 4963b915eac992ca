import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('of two equal mails without a search key one moves: its copy moves along and is not made anew', async () => {
  await withTwoMailboxes(async ({ source, target, pass }) => {
    const [, second] = [1, 2].map(() => source.add(source.byRole('inbox'), Buffer.from('equal'), { searchKey: null }));
    await pass();
    source.moveItem(must(second, 'a mail').id, source.byRole('junkemail'));
    await pass();
    const folders = [...target.items.values()].map(({ folder }) => folder);
    expect(new Set(folders)).toEqual(new Set([target.byRole('inbox'), target.byRole('junkemail')]));
    expect(folders).toHaveLength(2);
    expect(target.recoverable.size).toBe(0);
  });
});
