import { expect, test } from 'vitest';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import { runMailPass } from './mail/mail-pass.ts';
import { relink } from './relink.ts';

test('after the store was lost half-way, nothing is made twice', async () => {
  const clock = new SteppingClock(1_700_000_000_000);
  const [old, young] = [new MemoryOrganization('old'), new MemoryOrganization('new')];
  const source = old.add('ana@old.example');
  const target = young.add('ana@new.example');
  const inbox = source.byRole('inbox');
  for (let n = 0; n < 30; n++) source.add(inbox, Buffer.from(`mail ${n % 20}`));
  const id = 'ana@old.example → ana@new.example' as PairId;
  const open = async () => {
    const store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
    const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
    await store.putPairs([
      { id, kind: 'mail', collection: 'all', left: side('old', source.address), right: side('new', target.address) },
    ]);
    return {
      store,
      left: memoryConnector(old),
      right: memoryConnector(young),
      policy: defaultMailPolicy,
      clock,
      random: seededRandom(1),
      requestDeadlineMs: 1000,
      lanes: 2,
    };
  };
  const signal = new AbortController().signal;
  const first = await open();
  await runMailPass(first, id, null, signal);
  await first.store.close();
  expect(target.items.size).toBe(30);
  for (let n = 0; n < 3; n++) source.add(inbox, Buffer.from('arrived meanwhile'));

  const second = await open();
  expect(await relink(second, id, null, signal, { lostAtMs: clock.nowMs() })).toEqual({
    found: 30,
    created: 3,
    unclaimed: 0,
  });
  expect(target.items.size).toBe(33);
  await second.store.close();
});
