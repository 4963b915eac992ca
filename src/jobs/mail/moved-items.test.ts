import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
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

test('what a person copied elsewhere and then removed is followed there, and not given to an equal mail as well', async () => {
  await withTwoMailboxes(async ({ id, store, old, source, target, pass }) => {
    const mail = source.add(source.byRole('inbox'), Buffer.from('mail'));
    const stuck = source.add(source.byRole('inbox'), Buffer.from('stuck'));
    // While something waits the pair is not in step, and whatever carries our stamp and has no link may be claimed.
    old.itemFault = (operation, item) =>
      operation === 'contents' && item.id === stuck.id
        ? { kind: 'transient', detail: 'the server is busy', mayHaveHappened: false }
        : null;
    await pass();
    const copy = must([...target.items.values()][0], 'a copy');
    const copied = must(target.copyItem(copy.id, target.byRole('junkemail')), 'a copy of it');
    await pass();
    expect(await store.unclaimedCount(id)).toBe(1);
    target.removeItem(copy.id);
    target.edit(copied.id, { importance: 'high' });
    source.copyItem(mail.id, source.byRole('sentitems'));
    await pass();
    expect(await store.linksById(id, 'left', [mail.id])).toMatchObject([{ rightId: copied.id }]);
    expect(target.items.size).toBe(2);
  });
});

test('a change is carried over although a person moved the copy while a create was lost', async () => {
  await withTwoMailboxes(async ({ young, source, target, pass }) => {
    const mail = source.add(source.byRole('inbox'), Buffer.from('mail'));
    await pass();
    source.edit(mail.id, { importance: 'high' });
    source.rewrite(mail.id, Buffer.from('mail'), null);
    source.add(source.byRole('inbox'), Buffer.from('new'));
    young.before = (operation) => {
      if (operation !== 'create') return;
      young.before = () => {};
      const copy = must([...target.items.values()][0], 'a copy');
      target.copyItem(copy.id, target.byRole('junkemail'));
      target.removeItem(copy.id);
      throw new FaultError({ kind: 'transient', detail: 'the request is lost', mayHaveHappened: true });
    };
    for (let n = 0; n < 3; n++) await pass();
    const shown = [...target.items.values()].map(({ mime, state }) => [mime.toString(), state.importance]).sort();
    expect(shown).toEqual([
      ['mail', 'high'],
      ['new', 'normal'],
    ]);
  });
});

test('what a person set right before our own move of the copy is the person’s', async () => {
  await withTwoMailboxes(async ({ id, store, young, source, target, pass }) => {
    const mail = source.add(source.byRole('inbox'), Buffer.from('mail'));
    for (let n = 0; n < 2; n++) await pass();
    const moved = must(source.moveItem(mail.id, source.byRole('junkemail')), 'a moved mail');
    young.before = (operation) => {
      if (operation !== 'move') return;
      young.before = () => {};
      target.edit(must([...target.items.values()][0], 'a copy').id, { importance: 'low' });
    };
    await pass();
    source.edit(moved.id, { flagStatus: 2 });
    await pass();
    expect(await store.linksById(id, 'left', [moved.id])).toMatchObject([{ touched: ['importance'] }]);
    source.removeItem(moved.id);
    for (let n = 0; n < 3; n++) await pass();
    expect([...target.items.values()].map(({ state }) => [state.importance, state.flagStatus])).toEqual([['low', 2]]);
  });
});

test('a copy that went away while the place in its feed was lost is no item’s copy after the loss of the database', async () => {
  await withTwoMailboxes(async ({ id, store, old, young, source, target, pass }) => {
    const [first, mail] = ['first', 'mail'].map((text) => source.add(source.byRole('inbox'), Buffer.from(text)));
    await pass();
    await store.forget(id);
    // Its feed is read, and the source's is not.
    old.before = (operation) => {
      if (operation === 'changes') throw new FaultError({ kind: 'throttled', retryAfterMs: 1, limit: 'planted' });
    };
    await expect(pass()).rejects.toThrow(FaultError);
    old.before = () => {};
    const copy = must(
      [...target.items.values()].find(({ mime }) => mime.toString() === 'mail'),
      'a copy',
    );
    target.copyItem(copy.id, target.byRole('inbox'));
    target.removeItem(copy.id);
    source.moveItem(must(mail, 'a mail').id, source.byRole('junkemail'));
    young.before = (operation) => {
      if (operation !== 'changes') return;
      young.before = () => {};
      throw new FaultError({ kind: 'cursor-lost' });
    };
    for (let n = 0; n < 3; n++) await pass();
    expect(must(first, 'a mail').folder).toBe(source.byRole('inbox'));
    const shown = [...target.items.values()].map(({ mime, folder }) => [mime.toString(), folder]);
    expect(shown.sort()).toEqual([
      ['first', target.byRole('inbox')],
      ['mail', target.byRole('junkemail')],
    ]);
  });
});

test('a copy that a person removed while the place in its feed was lost is known to be gone', async () => {
  await withTwoMailboxes(async ({ id, store, young, source, target, pass }) => {
    for (const text of ['stays', 'removed']) source.add(source.byRole('inbox'), Buffer.from(text));
    for (let n = 0; n < 2; n++) await pass();
    const copyOf = (text: string) =>
      must(
        [...target.items.values()].find(({ mime }) => mime.toString() === text),
        'a copy',
      );
    const [stays, removed] = [copyOf('stays'), copyOf('removed')];
    target.removeItem(removed.id);
    young.before = (operation) => {
      if (operation !== 'changes') return;
      young.before = () => {};
      throw new FaultError({ kind: 'cursor-lost' });
    };
    await pass();
    expect(await store.linksById(id, 'right', [removed.id])).toMatchObject([{ state: 'right-gone' }]);
    expect(await store.linksById(id, 'right', [stays.id])).toMatchObject([{ state: 'live' }]);
    expect([...target.items.keys()]).toEqual([stays.id]);
  });
});

test('one that had failed and takes over the copy of an equal one that moved is not forgotten by a pass that dies', async () => {
  await withTwoMailboxes(async ({ store, old, source, target, pass }) => {
    const [first, second] = [1, 2].map(() =>
      source.add(source.byRole('inbox'), Buffer.from('equal'), { searchKey: null }),
    );
    old.itemFault = (operation, item) =>
      operation === 'contents' && item.id === must(second, 'a mail').id
        ? { kind: 'transient', detail: 'the server is busy', mayHaveHappened: false }
        : null;
    await pass();
    old.itemFault = () => null;
    source.moveItem(must(first, 'a mail').id, source.byRole('junkemail'));
    const commit = store.commit.bind(store);
    store.commit = async (id, claim, what) => {
      await commit(id, claim, what);
      if ((what.quarantineLeft ?? []).length === 0) return;
      store.commit = commit;
      throw new Error('the process died');
    };
    await expect(pass()).rejects.toThrow('died');
    for (let n = 0; n < 3; n++) await pass();
    expect([...target.items.values()].map(({ folder }) => folder).sort()).toEqual(
      [target.byRole('inbox'), target.byRole('junkemail')].sort(),
    );
  });
});

test('a mail that moves on in every pass, while that reads the folders, is followed and not made anew', async () => {
  await withTwoMailboxes(async ({ old, source, target, pass }) => {
    let mail = source.add(source.byRole('inbox'), Buffer.from('mail'));
    await pass();
    for (const role of ['junkemail', 'sentitems'] as const) {
      // So that the inbox is read, after the look at the marks: that of the folder to which the mail moves had not moved by then.
      source.add(source.byRole('inbox'), Buffer.from('new'));
      old.before = (operation, box) => {
        if (box !== source || operation !== 'changes') return;
        old.before = () => {};
        mail = must(source.moveItem(mail.id, source.byRole(role)), 'a moved mail');
      };
      await pass();
    }
    await pass();
    expect([...target.items.values()].map(({ mime, folder }) => [mime.toString(), folder]).sort()).toEqual([
      ['mail', target.byRole('sentitems')],
      ['new', target.byRole('inbox')],
      ['new', target.byRole('inbox')],
    ]);
    expect(target.recoverable.size).toBe(0);
  });
});
