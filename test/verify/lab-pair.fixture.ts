import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import type { VerifyOptions } from '#jobs/verify/verify-context.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { Item } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { contentOfMime } from '#lab/world/read-message.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';

const quiet = { info: () => {}, warn: () => {} };

/** One mailbox in each of two organizations of a lab, reached over EWS in this process, on the lab's clock. */
export class LabPair {
  readonly id: PairId;
  readonly left: Mailbox;
  readonly right: Mailbox;
  private readonly clock = new SteppingClock(1_750_000_000_000);
  private readonly random = seededRandom('lab pair');
  private readonly lab: Lab;
  private readonly spoolDir = mkdtempSync(join(tmpdir(), 'causeway-verify-'));
  private readonly connectors: { readonly left: Connector; readonly right: Connector };
  private store: Store | null = null;

  constructor(versions: readonly [EwsVersion, EwsVersion], options: { readonly rebuildMime: boolean }) {
    this.lab = createLab({
      organizations: [
        { name: 'source', version: versions[0] },
        { name: 'target', version: versions[1] },
      ],
      mailboxes: 1,
      clock: this.clock,
      throttling: 'off',
      ...options,
    });
    this.left = this.mailboxOf('source');
    this.right = this.mailboxOf('target');
    this.id = `${this.left.address} → ${this.right.address}` as PairId;
    this.connectors = { left: this.connector('source'), right: this.connector('target') };
  }

  private mailboxOf(organization: string): Mailbox {
    const { world } = this.lab.organization(organization);
    return must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  }

  private connector(name: string): Connector {
    const { domain, world } = this.lab.organization(name);
    const { clock, random, spoolDir } = this;
    const transport = this.lab.transport();
    const tls = { ca: [], min: '1.2' } as const;
    const { user, password } = world.admin;
    const signIn = createSignIn(
      { method: 'basic', user, password: async () => password },
      { clock, random, transport, tls },
    );
    const http = ewsHttp({
      transport,
      clock,
      random,
      endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
      tls,
      signIn,
    });
    return ewsConnector({ organization: name, http, impersonate: true, clock, random, spoolDir });
  }

  /** Puts a message into the Inbox of the source, as something that was delivered. */
  deliver(mime: Buffer): Item {
    return this.left.create(
      this.left.folder('inbox'),
      { content: contentOfMime(mime), messageFlags: 0, delivered: true },
      this.left.server,
    );
  }

  private async services() {
    const { clock } = this;
    if (!this.store) {
      this.store = await openStore('sqlite::memory:', { clock, log: quiet });
      const side = (organization: string, { address }: Mailbox) => ({ organization, address, mailbox: null });
      await this.store.putPairs([
        {
          id: this.id,
          kind: 'mail',
          collection: 'all',
          left: side('source', this.left),
          right: side('target', this.right),
        },
      ]);
    }
    return {
      ...this.connectors,
      store: this.store,
      clock,
      policy: defaultMailPolicy,
      requestDeadlineMs: 60_000,
      lanes: 2,
    };
  }

  async sync(connectors: { readonly left?: Connector; readonly right?: Connector } = {}): Promise<void> {
    const services = { ...(await this.services()), ...connectors, random: this.random };
    for (let n = 0; n < 10; n++) {
      const { again } = await runMailPass(services, this.id, null, new AbortController().signal, { everything: true });
      if (!again) return;
    }
    throw new Error('the passes do not come to an end');
  }

  get sides(): { readonly left: Connector; readonly right: Connector } {
    return this.connectors;
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyPair(await this.services(), this.id, options, new AbortController().signal);
  }

  async quarantined() {
    return (await this.services()).store.quarantine({}, 1000);
  }

  async close(): Promise<void> {
    await this.store?.close();
    await this.lab.close();
    rmSync(this.spoolDir, { recursive: true, force: true });
  }
}
