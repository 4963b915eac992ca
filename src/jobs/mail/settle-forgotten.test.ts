import { expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { FolderId } from '#model/ids.ts';
import type { StampText } from '#model/stamp.ts';
import { withTwoMailboxes } from './two-mailboxes.fixture.ts';

/** A target on the way to which the program dies with its next create. */
class Deadly {
  isDue = false;
  readonly onTheWay: { readonly folder: FolderId; readonly mime: Buffer; readonly stamp: StampText }[] = [];

  readonly around = (target: Connector): Connector => ({
    ...target,
    mailbox: (address) => {
      const box = target.mailbox(address);
      return {
        ...box,
        create: async (folder, drafts, context) => {
          if (!this.isDue) return box.create(folder, drafts, context);
          this.isDue = false;
          for (const { content, stamp } of drafts)
            this.onTheWay.push({ folder, mime: await payloadBytes(content.mime), stamp });
          throw new Error('the program died');
        },
      };
    },
  });
}

test.each([
  'a new mail',
  'an edited draft',
])('%s whose create was on its way when the database was lost is on the target once', async (what) => {
  const deadly = new Deadly();
  await withTwoMailboxes(
    async ({ id, store, source, target, clock, pass }) => {
      const draft = source.add(source.byRole('drafts'), Buffer.from('begun'), { messageFlags: 8 });
      source.add(source.byRole('inbox'), Buffer.from('first'));
      await pass();
      if (what === 'a new mail') source.add(source.byRole('inbox'), Buffer.from('second'));
      else source.rewrite(draft.id, Buffer.from('done'), null);
      deadly.isDue = true;
      await expect(pass()).rejects.toThrow('died');
      await store.forget(id);
      clock.at(clock.nowMs() + 30_000, () => {
        for (const { folder, mime, stamp } of deadly.onTheWay) target.add(folder, mime, {}, {}, stamp);
      });
      await pass();
      clock.advance(30_000);
      for (let n = 0; n < 3; n++) await pass();
      expect([...target.items.values()].map(({ mime }) => mime.toString()).sort()).toEqual(
        what === 'a new mail' ? ['begun', 'first', 'second'] : ['done', 'first'],
      );
      expect((await store.pair(id))?.state).toBe('in-step');
      expect(await store.links(id, { state: 'live' }, null, 9)).toHaveLength(target.items.size);
    },
    { target: deadly.around },
  );
});

test('neither a first pass over an untouched target nor one long after everything was settled waits', async () => {
  await withTwoMailboxes(async ({ id, store, source, clock, pass }) => {
    source.add(source.byRole('inbox'), Buffer.from('first'));
    const begunAtMs = clock.nowMs();
    await pass();
    expect(clock.nowMs()).toBe(begunAtMs);
    clock.advance(3_600_000);
    await store.forget(id);
    const forgottenAtMs = clock.nowMs();
    await pass();
    expect(clock.nowMs()).toBe(forgottenAtMs);
  });
});
