/** The mailboxes of a person in Exchange 2003 and in Exchange Online, and everything that lies between them: what the program itself takes. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector, TypedChangePage } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { davConnector } from '#connectors/webdav/connector.ts';
import { formsSignIn } from '#connectors/webdav/forms-sign-in.ts';
import { davHttp } from '#connectors/webdav/http-client.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { runMailPass } from '#jobs/mail/mail-pass.ts';
import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { must } from '#kit/assert.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab, type LabOptions } from '#lab/lab.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Cursor, PairId } from '#model/ids.ts';
import { defaultMailPolicy, defaultTypedPolicy } from '#model/policy.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import { openStore } from '#store/open-store.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';

export const contents = ['mail', 'calendar', 'contacts', 'tasks', 'notes'] as const satisfies readonly ContentKind[];

/** An item without what each server gives it. */
export type Shown = Pick<TypedItem, 'fields' | 'occurrences' | 'deletedDays'> &
  Pick<TypedItem['head'], 'identity' | 'itemClass'>;

const signal = new AbortController().signal;
const tls = { ca: [], min: '1.2' } as const;
/** A pass may leave something for the next one: a deletion waits in case the item turns up elsewhere. */
const passesMax = 10;

export class OneHop {
  readonly clock = new SteppingClock(1_750_000_000_000);
  readonly lab: Lab;
  readonly left: Connector;
  readonly right: Connector;
  readonly store: Store & { close(): Promise<void> };
  readonly #random = seededRandom('one hop');
  readonly #spool = mkdtempSync(join(tmpdir(), 'causeway-one-hop-'));

  private constructor(store: Store & { close(): Promise<void> }, options: Partial<LabOptions>) {
    this.store = store;
    this.lab = createLab({
      organizations: [
        { name: 'source', version: '2003' },
        { name: 'target', version: 'online' },
      ],
      mailboxes: 1,
      throttling: 'off',
      ...options,
      clock: this.clock,
    });
    const { clock } = this;
    const surroundings = { clock, random: this.#random };
    this.left = retried(this.#open('source'), surroundings);
    this.right = retried(this.#open('target'), surroundings);
  }

  #open(organization: 'source' | 'target'): Connector {
    const { version } = this.lab.organization(organization).world;
    if (version === '2003') return this.#openWebdav(organization);
    return version === 'online' ? this.#openGraph(organization) : this.#openEws(organization);
  }

  #openEws(organization: string): Connector {
    const { clock } = this;
    const { domain, world } = this.lab.organization(organization);
    const { user, password } = world.admin;
    const surroundings = { transport: this.lab.transport(), clock, random: this.#random, tls };
    const http = ewsHttp({
      ...surroundings,
      endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
      signIn: createSignIn({ method: 'basic', user, password: async () => password }, surroundings),
      compress: false,
    });
    return ewsConnector({ organization, http, impersonate: true, clock, random: this.#random, spoolDir: this.#spool });
  }

  static async open(options: Partial<LabOptions> = {}): Promise<OneHop> {
    const store = await openStore('sqlite::memory:', {
      clock: new SteppingClock(0),
      log: { info: () => {}, warn: () => {} },
    });
    const hop = new OneHop(store, options);
    const side = (organization: string, { address }: Mailbox) => ({ organization, address, mailbox: null });
    await store.putPairs(
      hop.people.flatMap((n) =>
        contents.map((kind) => ({
          id: trackId(hop.pair(n), kind),
          kind,
          collection: 'all',
          left: side('source', hop.source(n)),
          right: side('target', hop.target(n)),
        })),
      ),
    );
    return hop;
  }

  #openWebdav(organization: string): Connector {
    const { clock } = this;
    const { domain, world } = this.lab.organization(organization);
    const { user, password } = world.admin;
    const endpoint = `https://mail.${domain}/exchange/`;
    const signIn = formsSignIn({ user, password: async () => password });
    const http = davHttp({ transport: this.lab.transport(), clock, endpoint, tls: { ca: [], min: '1.0' }, signIn });
    return davConnector({
      organization,
      http,
      endpoint,
      clock,
      random: this.#random,
      spoolDir: this.#spool,
    });
  }

  #openGraph(organization: string): Connector {
    const { clock } = this;
    const { domain, applications } = this.lab.organization(organization);
    const application = must(applications[0], 'an application');
    const endpoint = `https://graph.${domain}`;
    const surroundings = { transport: this.lab.transport(), clock, random: this.#random, tls };
    const signIn = createSignIn(
      {
        method: 'oauth',
        tenant: domain,
        clientId: application.clientId,
        credential: { kind: 'secret', secret: async () => must(application.secrets[0], 'a secret') },
        authority: `https://login.${domain}`,
        scope: `${endpoint}/.default`,
      },
      surroundings,
    );
    const http = graphHttp({ ...surroundings, endpoint, signIn });
    return graphConnector({
      organization,
      http,
      endpoint,
      clock,
      random: this.#random,
      importHosts: [`outlook.${domain}`],
    });
  }

  /** Numbers of all people. */
  get people(): readonly number[] {
    return this.lab.organization('source').world.mailboxes.map((_, n) => n);
  }
  source(n = 0): Mailbox {
    return this.#box('source', n);
  }
  target(n = 0): Mailbox {
    return this.#box('target', n);
  }
  #box(organization: string, n: number): Mailbox {
    const { world } = this.lab.organization(organization);
    return must(world.mailbox(must(world.mailboxes[n], 'a mailbox').address), 'a mailbox');
  }
  pair(n = 0): PairId {
    return `${this.source(n).address} → ${this.target(n).address}` as PairId;
  }

  get #basics() {
    const { store, left, right, clock } = this;
    return { store, left, right, clock, random: this.#random, requestDeadlineMs: 600_000 };
  }

  async #pass(n: number, kind: ContentKind) {
    if (kind === 'mail') {
      const services = { ...this.#basics, policy: defaultMailPolicy, lanes: 2 };
      return runMailPass(services, this.pair(n), null, signal, { everything: true });
    }
    const services = { ...this.#basics, policy: defaultTypedPolicy };
    return runTypedPass(services, this.pair(n), kind, null, signal, { everything: true });
  }

  /** Passes until nothing is left to do, then one more. @returns what that one wrote. */
  async settle(n: number, kind: ContentKind): Promise<number> {
    for (let passes = 0; passes < passesMax; passes++) {
      const { again } = await this.#pass(n, kind);
      this.clock.advance(60_000);
      if (!again) return (await this.#pass(n, kind)).summary.writes;
    }
    throw new Error('the passes do not come to an end');
  }

  verify(n = 0): Promise<VerifyReport> {
    const { store, left, right, clock } = this;
    const services = { store, left, right, clock, policy: defaultMailPolicy, requestDeadlineMs: 600_000, lanes: 2 };
    return verifyPair(services, this.pair(n), { propertyLists: { share: 1 } }, signal);
  }

  /** What a side shows of all items of a kind, in an order that both sides share. */
  async shown(side: 'left' | 'right', n: number, kind: TypedKind): Promise<readonly Shown[]> {
    const box = this[side].mailbox((side === 'left' ? this.source(n) : this.target(n)).address);
    const call = () => ({ signal, deadlineMs: this.clock.monotonicMs() + 600_000 });
    const items = must(box.typed(kind), `items of ${kind}`);
    const folder = must((await box.roles(call())).get(kind), `a folder of ${kind}`);
    const found: Shown[] = [];
    for (let cursor: Cursor | null = null; ; ) {
      const page: TypedChangePage = await items.changes(folder, cursor, call());
      const ids = page.changes.flatMap((change) => (change.kind === 'upsert' ? [change.head.id] : []));
      for (const item of (await items.read(ids, call())).values()) {
        if (isFault(item)) throw new FaultError(item);
        const { head, fields, occurrences, deletedDays } = item;
        found.push({ identity: head.identity, itemClass: head.itemClass, fields, occurrences, deletedDays });
      }
      if (page.complete) break;
      cursor = page.cursor;
    }
    const keyOf = ({ identity, fields }: Shown) => identity ?? JSON.stringify(fields);
    return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  async close(): Promise<void> {
    await this.left.close();
    await this.right.close();
    await this.store.close();
    await this.lab.close();
    const spooled = readdirSync(this.#spool);
    rmSync(this.#spool, { recursive: true, force: true });
    if (spooled.length > 0) throw new Error(`${spooled.length} spool files are left over`);
    if (this.lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: this.lab.failures[0] });
  }
}
