import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('folders in folders that are gone from the source go into Deleted Items in one pass, as they are', async () => {
  await withTwoMailboxes(async ({ source, target, pass }) => {
    const outer = source.addFolder(source.byRole('inbox'), 'Outer');
    source.addFolder(outer, 'Inner');
    await pass();
    const copied = must(target.childNamed(target.byRole('inbox'), 'Outer'), 'a folder');
    const inner = must(target.childNamed(copied.id, 'Inner'), 'a folder');
    target.addFolder(target.byRole('deleteditems'), 'Outer');
    source.removeFolder(outer);
    for (let n = 0; n < 2; n++) await pass();
    expect(target.folders.get(copied.id)).toMatchObject({ name: 'Outer (2)', parent: target.byRole('deleteditems') });
    expect(target.folders.get(inner.id)).toMatchObject({ name: 'Inner', parent: copied.id });
    expect((await pass()).summary.writes).toBe(0);
  });
});

test('a folder that goes from Deleted Items is removed', async () => {
  await withTwoMailboxes(async ({ source, target, pass }) => {
    const old = source.addFolder(source.byRole('deleteditems'), 'Old');
    await pass();
    const copied = must(target.childNamed(target.byRole('deleteditems'), 'Old'), 'a folder');
    source.removeFolder(old);
    for (let n = 0; n < 2; n++) await pass();
    expect(target.folders.has(copied.id)).toBe(false);
  });
});

test('a folder whose inner folder stays with what a person put there stays as well', async () => {
  await withTwoMailboxes(async ({ source, target, pass, store, id }) => {
    const outer = source.addFolder(source.byRole('inbox'), 'Outer');
    source.addFolder(outer, 'Inner');
    await pass();
    const copied = must(target.childNamed(target.byRole('inbox'), 'Outer'), 'a folder');
    const inner = must(target.childNamed(copied.id, 'Inner'), 'a folder');
    target.add(inner.id, Buffer.from('Subject: mine\r\n\r\n'));
    source.removeFolder(outer);
    for (let n = 0; n < 2; n++) await pass();
    expect(target.folders.get(copied.id)?.parent).toBe(target.byRole('inbox'));
    const held = (await store.history({ pair: id }, 100)).filter(({ action }) => action === 'remove-folder');
    expect(held.map(({ outcome }) => outcome)).toEqual(['held', 'held']);
  });
});
