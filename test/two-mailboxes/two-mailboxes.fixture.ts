import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { Item } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { PairId } from '#model/ids.ts';
import { defaultTypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { openStore } from '#store/open-store.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';

export const signal = new AbortController().signal;
export const kinds = ['mail', 'calendar', 'contacts', 'tasks', 'notes'] as const satisfies readonly ContentKind[];
export const roles = {
  mail: 'inbox',
  calendar: 'calendar',
  contacts: 'contacts',
  tasks: 'tasks',
  notes: 'notes',
} as const;

/** The mailboxes of one person in two organizations of a lab, reached over EWS in this process, with the lab's clock. */
export class TwoMailboxes {
  readonly lab: Lab;
  readonly left: Mailbox;
  readonly right: Mailbox;
  readonly pair: PairId;
  readonly clock = new SteppingClock(1_750_000_000_000);
  protected readonly random = seededRandom('two mailboxes');
  readonly #spool = mkdtempSync(join(tmpdir(), 'causeway-two-'));
  readonly #connectors: { readonly left: Connector; readonly right: Connector };
  #store: (Store & { close(): Promise<void> }) | null = null;

  /** @param items of each kind, in the mailbox of the organization `filled`, which is the target. */
  constructor(version: EwsVersion, items: number) {
    this.lab = createLab({
      organizations: [
        { name: 'filled', version },
        { name: 'other', version },
      ],
      mailboxes: 1,
      items,
      typed: { appointment: items, contact: items, task: items, note: items },
      clock: this.clock,
      throttling: 'off',
    });
    // The generator fills the first organization; here it is the target.
    this.right = this.#mailbox('filled');
    this.left = this.#mailbox('other');
    this.pair = `${this.left.address} → ${this.right.address}` as PairId;
    this.#connectors = { left: this.#connect('other'), right: this.#connect('filled') };
  }

  async open(): Promise<this> {
    const store = await openStore('sqlite::memory:', { clock: this.clock, log: { info: () => {}, warn: () => {} } });
    const side = (organization: string, { address }: Mailbox) => ({ organization, address, mailbox: null });
    this.#store = store;
    await store.putPairs(
      kinds.map((kind) => ({
        id: trackId(this.pair, kind),
        kind,
        collection: 'all',
        left: side('other', this.left),
        right: side('filled', this.right),
      })),
    );
    return this;
  }

  get store(): Store {
    return must(this.#store, 'an opened store');
  }

  #mailbox(name: string): Mailbox {
    const { world } = this.lab.organization(name);
    return must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  }

  #connect(name: string): Connector {
    const { domain, world } = this.lab.organization(name);
    const transport = this.lab.transport();
    const { clock } = this;
    const { random } = this;
    const tls = { ca: [], min: '1.2' } as const;
    const { user, password } = world.admin;
    const signIn = createSignIn(
      { method: 'basic', user, password: async () => password },
      { clock, random, transport, tls },
    );
    const endpoint = `https://mail.${domain}/EWS/Exchange.asmx`;
    const http = ewsHttp({ transport, clock, random, endpoint, tls, signIn });
    return ewsConnector({ organization: name, http, impersonate: true, clock, random, spoolDir: this.#spool });
  }

  basics() {
    return {
      ...this.#connectors,
      store: this.store,
      clock: this.clock,
      random: this.random,
      requestDeadlineMs: 60_000,
    };
  }

  items(kind: ContentKind): readonly Item[] {
    return [...this.right.folder(roles[kind]).items()];
  }

  /** Passes over one kind until nothing is left to do. @returns how much they wrote. */
  async settle(kind: TypedKind): Promise<number> {
    let writes = 0;
    for (let n = 0; n < 8; n++) {
      await this.clock.sleep(1_000, signal);
      const services = { ...this.basics(), policy: defaultTypedPolicy };
      const { summary, again } = await runTypedPass(services, this.pair, kind, null, signal, { everything: true });
      writes += summary.writes;
      if (!again) return writes;
    }
    throw new Error('the passes do not come to an end');
  }

  async close(): Promise<void> {
    await this.#store?.close();
    await this.lab.close();
    rmSync(this.#spool, { recursive: true, force: true });
  }
}
