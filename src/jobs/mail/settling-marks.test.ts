import { expect, test } from 'vitest';
import { withCoarseMarks } from '../pass/coarse-marks.fixture.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

test('a change in the second of the last look is found when the mark has settled, and then no look is wasted', async () => {
  const marks = { settling: true };
  await withTwoMailboxes(
    async ({ source, target, pass }) => {
      const inbox = source.byRole('inbox');
      const summary = async () => (await pass()).summary;
      source.add(inbox, Buffer.from('before the look'));
      await pass();
      source.add(inbox, Buffer.from('in the same second'));
      marks.settling = false;
      expect((await summary()).writes).toBe(1);
      expect(target.items.size).toBe(2);
      expect(await summary()).toMatchObject({ writes: 0, requestsLeft: 1 });
      // What is believed now is really not read any more: only a moved mark would show this one.
      source.add(inbox, Buffer.from('without a mark'));
      expect(await summary()).toMatchObject({ writes: 0, requestsLeft: 1 });
    },
    { source: (connector) => withCoarseMarks(connector, marks) },
  );
});
