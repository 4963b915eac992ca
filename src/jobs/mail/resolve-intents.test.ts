import { expect, test } from 'vitest';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('a draft that is edited twice while the target removes nothing is there once in the end, as it was edited last', async () => {
  await withTwoMailboxes(async ({ id, store, young, source, target, pass }) => {
    const draft = source.add(source.byRole('drafts'), Buffer.from('begun'), { messageFlags: 8 });
    await pass();
    young.itemFault = (operation) =>
      operation === 'remove' ? { kind: 'transient', detail: 'the server is busy', mayHaveHappened: false } : null;
    for (const text of ['edited', 'edited again']) {
      source.rewrite(draft.id, Buffer.from(text), null);
      await pass();
    }
    expect(target.items.size).toBe(3);
    young.itemFault = () => null;
    for (let n = 0; n < 2; n++) await pass();
    const copies = [...target.items.values()];
    expect(copies.map(({ mime }) => mime.toString())).toEqual(['edited again']);
    expect(await store.linksById(id, 'left', [draft.id])).toMatchObject([{ rightId: copies[0]?.id, state: 'live' }]);
    expect(await store.intents(id)).toEqual([]);
    source.rewrite(draft.id, Buffer.from('done'), null);
    await pass();
    expect([...target.items.values()].map(({ mime }) => mime.toString())).toEqual(['done']);
  });
});
