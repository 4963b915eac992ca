import { expect, test } from 'vitest';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import { runMailPass } from './mail/mail-pass.ts';
import { resync } from './resync.ts';

const mails = 30;
const id = 'ana@old.example → ana@new.example' as PairId;
const { signal } = new AbortController();

/** A copied mailbox whose target was removed and made again, so that it is empty and another one. */
async function replaced() {
  const [old, young, again] = [
    new MemoryOrganization('old'),
    new MemoryOrganization('new'),
    new MemoryOrganization('new'),
  ];
  const source = old.add('ana@old.example');
  for (let n = 0; n < mails; n++) source.add(source.byRole('inbox'), Buffer.from(`mail ${n}`));
  young.add('ana@new.example');
  const target = again.add('ana-again@new.example');
  again.mailboxes.set('ana@new.example', target);
  const store = await openStore('sqlite::memory:', { clock: systemClock, log: { info() {}, warn() {} } });
  const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
  await store.putPairs([
    {
      id,
      kind: 'mail',
      collection: 'all',
      left: side('old', 'ana@old.example'),
      right: side('new', 'ana@new.example'),
    },
  ]);
  const services = {
    store,
    left: memoryConnector(old),
    right: memoryConnector(young),
    // The worst case: nothing holds deletions back.
    policy: { ...defaultMailPolicy, maxDelete: { share: 1, atLeast: 1000 } },
    clock: systemClock,
    random: seededRandom(1),
    requestDeadlineMs: 1000,
    lanes: 2,
  };
  await runMailPass(services, id, null, signal);
  return { services: { ...services, right: memoryConnector(again) }, source, target };
}

/** A store whose process dies before its n-th write, counted from 1. */
function dyingBefore(store: Store, n: number): Store {
  let writes = 0;
  return new Proxy(store, {
    get(of, name: keyof Store) {
      const method = of[name] as (...args: unknown[]) => unknown;
      if (name !== 'commit' && name !== 'forget') return method;
      return (...args: unknown[]) => {
        if (++writes === n) throw new Error('killed');
        return method.apply(of, args);
      };
    },
  });
}

test.each([1, 2, 3, 4])('killed before write %i of it, nothing is lost, and doing it again ends it', async (n) => {
  const { services, source, target } = await replaced();
  const accept = target.guid;
  const dying = { ...services, store: dyingBefore(services.store, n) };
  await expect(resync<'mail'>(dying, id, 'mail', accept, null, signal)).rejects.toThrow('killed');
  const row = must(await services.store.pair(id), 'the pair');
  // With both, the emptiness of the new mailbox would be read as deletions.
  expect(row.right.mailbox === accept && row.counts.links > 0 && target.items.size === 0).toBe(false);
  // What an agent would do meanwhile: a pass that is refused, or one that finds everything again.
  for (let pass = 0; pass < 3; pass++) await runMailPass(services, id, null, signal).catch(() => null);
  expect(source.items.size).toBe(mails);
  await resync<'mail'>(services, id, 'mail', accept, null, signal);
  expect([source.items.size, target.items.size]).toEqual([mails, mails]);
  await services.store.close();
});
