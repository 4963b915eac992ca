import { expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { PairId } from '#model/ids.ts';
import { defaultTypedPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import { trackId } from '#store/store.ts';
import { runTypedPass } from './typed-pass.ts';

const pair = 'ana@old.example → ana@new.example' as PairId;
const track = trackId(pair, 'contacts');
const signal = new AbortController().signal;

test.each([
  'left',
  'right',
] as const)('a contact whose create on the %s was on its way when the database was lost is on both sides once', async (on) => {
  const clock = new SteppingClock(1_700_000_000_000);
  const organizations = { left: new MemoryOrganization('old'), right: new MemoryOrganization('new') };
  const boxes = { left: organizations.left.add('ana@old.example'), right: organizations.right.add('ana@new.example') };
  const from = boxes[on === 'left' ? 'right' : 'left'];
  const store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
  const side = (organization: string, { address }: { address: string }) => ({ organization, address, mailbox: null });
  const { left, right } = { left: side('old', boxes.left), right: side('new', boxes.right) };
  await store.putPairs([{ id: track, kind: 'contacts', collection: 'all', left, right }]);
  let isDeadly = false;
  /** The program dies with a create, which the server carries out all the same, half a minute later. */
  const deadly = (connector: Connector): Connector => ({
    ...connector,
    mailbox: (address) => {
      const box = connector.mailbox(address);
      return {
        ...box,
        typed: (kind) => {
          const items = box.typed(kind);
          return (
            items && {
              ...items,
              create: async (folder, drafts, context) => {
                if (!isDeadly) return items.create(folder, drafts, context);
                isDeadly = false;
                clock.at(clock.nowMs() + 30_000, () => {
                  for (const { item, stamp } of drafts) boxes[on].typed.add(kind, folder, item.fields, { stamp });
                });
                throw new Error('the program died');
              },
            }
          );
        },
      };
    },
  });
  const pass = async () => {
    await clock.sleep(1000);
    const connectors = { left: memoryConnector(organizations.left), right: memoryConnector(organizations.right) };
    const services = { store, ...connectors, [on]: deadly(connectors[on]), policy: defaultTypedPolicy, clock };
    const random = seededRandom(clock.nowMs());
    return runTypedPass({ ...services, random, requestDeadlineMs: 1000 }, pair, 'contacts', null, signal);
  };
  const meet = (displayName: string) => from.typed.add('contacts', from.byRole('contacts'), { displayName });
  try {
    meet('Ada');
    const begunAtMs = clock.nowMs();
    await pass();
    // A first pass finds nothing of ours, and waits for nothing.
    expect(clock.nowMs() - begunAtMs).toBe(1000);
    meet('Grace');
    isDeadly = true;
    await expect(pass()).rejects.toThrow('died');
    await store.forget(track);
    await pass();
    clock.advance(30_000);
    for (let n = 0; n < 3; n++) await pass();
    for (const box of [boxes.left, boxes.right])
      expect([...box.typed.items.values()].map(({ fields }) => fields)).toMatchObject([
        { displayName: 'Ada' },
        { displayName: 'Grace' },
      ]);
  } finally {
    await store.close();
  }
});
