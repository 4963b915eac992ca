import { expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { payloadBytes } from '#kit/payload.ts';
import type { FolderId } from '#model/ids.ts';
import type { StampText } from '#model/stamp.ts';
import { type TwoMailboxes, withTwoMailboxes } from './two-mailboxes.fixture.ts';

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

/** The create that was on its way arrives so many milliseconds from now. */
function arriveIn(ms: number, { clock, target }: TwoMailboxes, { onTheWay }: Deadly): void {
  clock.at(clock.nowMs() + ms, () => {
    for (const { folder, mime, stamp } of onTheWay) target.add(folder, mime, {}, {}, stamp);
  });
}

const contentsOf = ({ items }: TwoMailboxes['target']) =>
  [...items.values()].map(({ mime }) => `${mime}`.trim()).sort();

test.each([
  'a new mail',
  'an edited draft',
])('%s whose create was on its way when the database was lost is on the target once', async (what) => {
  const deadly = new Deadly();
  await withTwoMailboxes(
    async (boxes) => {
      const { id, store, source, target, clock, pass } = boxes;
      const draft = source.add(source.byRole('drafts'), Buffer.from('begun'), { messageFlags: 8 });
      source.add(source.byRole('inbox'), Buffer.from('first'));
      await pass();
      if (what === 'a new mail') source.add(source.byRole('inbox'), Buffer.from('second'));
      else source.rewrite(draft.id, Buffer.from('done'), null);
      deadly.isDue = true;
      await expect(pass()).rejects.toThrow('died');
      await store.forget(id);
      arriveIn(30_000, boxes, deadly);
      await pass();
      clock.advance(30_000);
      for (let n = 0; n < 3; n++) await pass();
      expect(contentsOf(target)).toEqual(what === 'a new mail' ? ['begun', 'first', 'second'] : ['done', 'first']);
      expect((await store.pair(id))?.state).toBe('in-step');
      expect(await store.links(id, { state: 'live' }, null, 9)).toHaveLength(target.items.size);
    },
    { target: deadly.around },
  );
});

test('who is asked to end while it waits goes on waiting the next time, although all copies are linked by then', async () => {
  const deadly = new Deadly();
  await withTwoMailboxes(
    async (boxes) => {
      const { id, store, source, target, clock, pass } = boxes;
      source.add(source.byRole('inbox'), Buffer.from('first'));
      await pass();
      source.add(source.byRole('sentitems'), Buffer.from('large'.padEnd(12_000_000)));
      deadly.isDue = true;
      await expect(pass()).rejects.toThrow('died');
      await store.forget(id);
      arriveIn(80_000, boxes, deadly);
      const draining = new AbortController();
      clock.at(clock.nowMs() + 40_000, () => draining.abort());
      await expect(pass(draining.signal)).rejects.toThrow('asked to end');
      expect(await store.unclaimedCount(id)).toBe(0);
      for (let n = 0; n < 3; n++) {
        await pass();
        clock.advance(60_000);
      }
      expect(contentsOf(target)).toEqual(['first', 'large']);
    },
    { target: deadly.around },
  );
});

test('what went out after a store was copied is waited for when that copy takes its place', async () => {
  const deadly = new Deadly();
  await withTwoMailboxes(
    async (boxes) => {
      const { id, store, source, target, clock, pass } = boxes;
      source.add(source.byRole('inbox'), Buffer.from('first'));
      await pass();
      clock.advance(3_600_000);
      source.add(source.byRole('inbox'), Buffer.from('second'));
      deadly.isDue = true;
      await expect(pass()).rejects.toThrow('died');
      // The copy knows nothing of it.
      await store.commit(id, null, { intentsResolved: (await store.intents(id)).map((i) => i.stampKey) });
      arriveIn(30_000, boxes, deadly);
      await store.commit(id, null, { forgetsAll: { lostAtMs: clock.nowMs() } });
      for (let n = 0; n < 3; n++) {
        await pass();
        clock.advance(60_000);
      }
      expect(contentsOf(target)).toEqual(['first', 'second']);
    },
    { target: deadly.around },
  );
});

test('a batch whose contents take twice what listings say of them is waited for', async () => {
  const deadly = new Deadly();
  await withTwoMailboxes(
    async (boxes) => {
      const { id, store, source, target, clock, pass } = boxes;
      source.add(source.byRole('inbox'), Buffer.from('first'));
      await pass();
      source.add(source.byRole('inbox'), Buffer.from('second'));
      deadly.isDue = true;
      await expect(pass()).rejects.toThrow('died');
      await store.forget(id);
      arriveIn(60_000, boxes, deadly);
      for (let n = 0; n < 3; n++) {
        await pass();
        clock.advance(60_000);
      }
      expect(contentsOf(target)).toEqual(['first', 'second']);
    },
    { target: deadly.around },
  );
});

test('nobody waits who has nothing to copy', async () => {
  await withTwoMailboxes(async ({ id, store, source, clock, pass }) => {
    source.add(source.byRole('inbox'), Buffer.from('first'));
    await pass();
    const lostAtMs = clock.nowMs();
    await store.commit(id, null, { forgetsAll: { lostAtMs } });
    await pass();
    expect(clock.nowMs()).toBe(lostAtMs);
    source.add(source.byRole('inbox'), Buffer.from('second'));
    await pass();
    expect(clock.nowMs()).toBe(lostAtMs);
  });
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
