import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('a folder that is renamed twice has its new name, also when its move in between had no answer', async () => {
  await withTwoMailboxes(async ({ young, source, target, pass }) => {
    const folder = must(source.folders.get(source.addFolder(source.byRole('inbox'), 'First')), 'a folder');
    await pass();
    folder.parent = source.byRole('junkemail');
    young.after = (operation) => {
      if (operation !== 'moveFolder') return;
      young.after = () => {};
      throw new FaultError({ kind: 'transient', detail: 'the answer is lost', mayHaveHappened: true });
    };
    await expect(pass()).rejects.toThrow(FaultError);
    folder.name = 'Second';
    await pass();
    folder.name = 'Third';
    await pass();
    expect(target.childNamed(target.byRole('junkemail'), 'Third')).toBeDefined();
  });
});
