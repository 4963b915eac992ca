import type { Connector } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import type { VerifyOptions, VerifyServices } from '#jobs/verify/verify-context.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy, type MailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';

/** Two organizations in memory, a pair, and a store: enough for real passes and real verifications. */
export class MemoryPair {
  readonly source = new MemoryOrganization('source');
  readonly target = new MemoryOrganization('target');
  readonly left: MemoryMailbox = this.source.add('ana@source.test');
  readonly right: MemoryMailbox = this.target.add('ana@target.test');
  readonly clock = new SteppingClock(1_700_000_000_000);
  readonly id = 'ana@source.test → ana@target.test' as PairId;
  readonly store: Store;
  policy: MailPolicy = { ...defaultMailPolicy, maxDelete: { share: 1, atLeast: 10_000 } };
  private readonly random = seededRandom('verify');

  private constructor(store: Store) {
    this.store = store;
  }

  static async open(): Promise<MemoryPair> {
    const quiet = { info: () => {}, warn: () => {} };
    const pair = new MemoryPair(await openStore('sqlite::memory:', { clock: new SteppingClock(0), log: quiet }));
    await pair.store.putPairs([
      {
        id: pair.id,
        kind: 'mail',
        collection: 'all',
        left: { organization: 'source', address: pair.left.address, mailbox: null },
        right: { organization: 'target', address: pair.right.address, mailbox: null },
      },
    ]);
    return pair;
  }

  private services() {
    const { store, policy, clock } = this;
    return {
      store,
      policy,
      clock,
      left: memoryConnector(this.source),
      right: memoryConnector(this.target),
      requestDeadlineMs: 60_000,
      lanes: 2,
    };
  }

  /** Passes until nothing is left to do. */
  async sync(connectors: { readonly left?: Connector; readonly right?: Connector } = {}): Promise<void> {
    for (let n = 0; n < 10; n++) {
      const services = { ...this.services(), ...connectors, random: this.random };
      const { again } = await runMailPass(services, this.id, null, new AbortController().signal, { everything: true });
      if (!again) return;
    }
    throw new Error('the passes do not come to an end');
  }

  verify(
    options: VerifyOptions = {},
    services: Partial<VerifyServices> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<VerifyReport> {
    return verifyPair({ ...this.services(), ...services } satisfies VerifyServices, this.id, options, signal);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
