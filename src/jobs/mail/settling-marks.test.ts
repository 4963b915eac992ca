import { expect, test } from 'vitest';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import { withCoarseMarks } from '../pass/coarse-marks.fixture.ts';
import { runMailPass } from './mail-pass.ts';

test('a change in the second of the last look is found when the mark has settled, and then no look is wasted', async () => {
  const [old, young] = [new MemoryOrganization('old'), new MemoryOrganization('new')];
  const source = old.add('ana@old.example');
  const target = young.add('ana@new.example');
  const inbox = source.byRole('inbox');
  const clock = new SteppingClock(1_700_000_000_000);
  const marks = { settling: true };
  const id = 'ana@old.example → ana@new.example' as PairId;
  const store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
  const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
  await store.putPairs([
    { id, kind: 'mail', collection: 'all', left: side('old', source.address), right: side('new', target.address) },
  ]);
  const services = {
    store,
    left: withCoarseMarks(memoryConnector(old), marks),
    right: memoryConnector(young),
    policy: defaultMailPolicy,
    clock,
    random: seededRandom(1),
    requestDeadlineMs: 1000,
    lanes: 1,
  };
  const pass = async () => (await runMailPass(services, id, null, new AbortController().signal)).summary;
  try {
    source.add(inbox, Buffer.from('before the look'));
    await pass();
    source.add(inbox, Buffer.from('in the same second'));
    marks.settling = false;
    expect((await pass()).writes).toBe(1);
    expect(target.items.size).toBe(2);
    expect(await pass()).toMatchObject({ writes: 0, requestsLeft: 1 });
    // What is believed now is really not read any more: only a moved mark would show this one.
    source.add(inbox, Buffer.from('without a mark'));
    expect(await pass()).toMatchObject({ writes: 0, requestsLeft: 1 });
  } finally {
    await store.close();
  }
});
