import type { Connector } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import { type PassResult, runMailPass } from './mail-pass.ts';

/** A pair of mailboxes in memory, and passes over it. */
export interface TwoMailboxes {
  readonly id: PairId;
  readonly store: Store;
  readonly old: MemoryOrganization;
  readonly young: MemoryOrganization;
  readonly source: MemoryMailbox;
  readonly target: MemoryMailbox;
  readonly clock: SteppingClock;
  pass(draining?: AbortSignal): Promise<PassResult>;
}

const itself = (connector: Connector) => connector;

/** @param around Stand between the program and a side. */
export async function withTwoMailboxes(
  work: (boxes: TwoMailboxes) => Promise<void>,
  around: {
    readonly source?: (source: Connector) => Connector;
    readonly target?: (target: Connector) => Connector;
  } = {},
): Promise<void> {
  const [old, young] = [new MemoryOrganization('old'), new MemoryOrganization('new')];
  const [source, target] = [old.add('ana@old.example'), young.add('ana@new.example')];
  const clock = new SteppingClock(1_700_000_000_000);
  const id = 'ana@old.example → ana@new.example' as PairId;
  const store = await openStore('sqlite::memory:', { clock, log: { info: () => {}, warn: () => {} } });
  const side = (organization: string, address: string) => ({ organization, address, mailbox: null });
  await store.putPairs([
    { id, kind: 'mail', collection: 'all', left: side('old', source.address), right: side('new', target.address) },
  ]);
  const services = {
    store,
    left: (around.source ?? itself)(memoryConnector(old)),
    right: (around.target ?? itself)(memoryConnector(young)),
    policy: defaultMailPolicy,
    clock,
    random: seededRandom(1),
    requestDeadlineMs: 1000,
    lanes: 1,
  };
  const pass = (draining?: AbortSignal) =>
    runMailPass({ ...services, ...(draining && { draining }) }, id, null, new AbortController().signal);
  try {
    await work({ id, store, old, young, source, target, clock, pass });
  } finally {
    await store.close();
  }
}
