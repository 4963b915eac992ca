import { expect, test } from 'vitest';
import { FaultError } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import { withCoarseMarks } from '../pass/coarse-marks.fixture.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('what was deleted while the store was lost is removed, also where the marks of the source never settle', async () => {
  await withTwoMailboxes(
    async ({ id, store, source, target, pass }) => {
      const deleted = source.add(source.byRole('inbox'), Buffer.from('deleted'));
      source.add(source.byRole('inbox'), Buffer.from('kept'));
      await pass();
      expect(target.items.size).toBe(2);
      await store.forget(id);
      source.removeItem(deleted.id);
      await pass();
      await pass();
      expect([...target.items.values()].map(({ mime }) => mime.toString())).toEqual(['kept']);
      expect((await store.pair(id))?.state).toBe('in-step');
    },
    { source: (connector) => withCoarseMarks(connector, { settling: true }) },
  );
});

test('nobody is in step before it is known which copies are orphans', async () => {
  await withTwoMailboxes(async ({ id, store, old, source, target, pass }) => {
    const deleted = source.add(source.byRole('inbox'), Buffer.from('deleted'));
    await pass();
    await store.forget(id);
    source.removeItem(deleted.id);
    let reads = 0;
    old.before = (operation) => {
      // A folder that is gone when it is read.
      if (operation === 'changes' && ++reads === 1)
        throw new FaultError({ kind: 'gone', detail: 'the folder is not there' });
    };
    expect((await pass()).again).toBe(true);
    expect((await store.pair(id))?.state).toBe('first-pass');
    await pass();
    await pass();
    expect(target.items.size).toBe(0);
    expect((await store.pair(id))?.state).toBe('in-step');
  });
});

test('a copy that was left to a person is no orphan, however often it is seen before the pair is in step', async () => {
  await withTwoMailboxes(async ({ id, store, old, source, target, pass }) => {
    const inbox = source.byRole('inbox');
    const deleted = source.add(inbox, Buffer.from('deleted'));
    const stuck = source.add(inbox, Buffer.from('stuck'));
    old.itemFault = (operation, item) =>
      operation === 'contents' && item.id === stuck.id
        ? { kind: 'transient', detail: 'the server is busy', mayHaveHappened: false }
        : null;
    await pass();
    const [copy] = target.items.keys();
    expect(target.items.size).toBe(1);
    target.edit(copy as ItemId, { importance: 'high' });
    source.removeItem(deleted.id);
    await pass();
    await pass();
    expect(await store.links(id, {}, null, 10)).toEqual([]);
    target.edit(copy as ItemId, { importance: 'low' });
    await pass();
    old.itemFault = () => null;
    for (let n = 0; n < 3; n++) await pass();
    expect((await store.pair(id))?.state).toBe('in-step');
    expect([...target.items.values()].map(({ mime }) => mime.toString())).toEqual(['deleted', 'stuck']);
  });
});
