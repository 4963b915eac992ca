import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('folders in folders that are gone from the source go in one pass', async () => {
  await withTwoMailboxes(async ({ source, target, pass }) => {
    const outer = source.addFolder(source.byRole('inbox'), 'Outer');
    source.addFolder(outer, 'Inner');
    await pass();
    const copied = must(target.childNamed(target.byRole('inbox'), 'Outer'), 'a folder');
    source.removeFolder(outer);
    for (let n = 0; n < 2; n++) await pass();
    expect(target.folders.has(copied.id)).toBe(false);
  });
});
