import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { type PassResult, runMailPass } from '#jobs/mail/mail-pass.ts';
import type { PassServices } from '#jobs/mail/pass-context.ts';
import type { TypedPassResult } from '#jobs/typed/typed-context.ts';
import { runTypedPass } from '#jobs/typed/typed-pass.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { HttpResponse, Transport } from '#kit/transport.ts';
import { createLab, type Lab, type LabOptions, type LabOrganizationOptions } from '#lab/lab.ts';
import type { EwsVersion } from '#lab/seams.ts';
import type { Folder } from '#lab/world/folder.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { Hand, Mailbox } from '#lab/world/mailbox.ts';
import { key, type Property, type PropertyKey } from '#lab/world/property.ts';
import { contentOfMime } from '#lab/world/read-message.ts';
import type { PairId } from '#model/ids.ts';
import { defaultMailPolicy, defaultTypedPolicy, type MailPolicy } from '#model/policy.ts';
import { openStore } from '#store/open-store.ts';
import { type Store, trackId } from '#store/store.ts';

export type SideName = 'source' | 'target';

/** One request and its answer, before the answer reaches the connector. */
export interface Exchange {
  readonly side: SideName;
  readonly operation: string;
  readonly request: string;
  readonly answer: string;
}

/** What is to become of an answer: another text, another response altogether, or null: as it is. */
export type Tamper = (exchange: Exchange) => string | Partial<HttpResponse & { readonly text: string }> | null;

export const people: Hand = { caller: 'people', displayName: 'People' };

/** A plain mail. Lines of the header may be given; null takes one of the usual away. */
export function mail(subject: string, headers: Readonly<Record<string, string | null>> = {}, body = 'Hello.'): Buffer {
  const lines: Record<string, string | null> = {
    From: 'Ben <ben@elsewhere.test>',
    To: 'ana@source.test',
    Subject: subject,
    Date: 'Mon, 06 Jan 2025 10:00:00 +0000',
    'Message-ID': `<${createHash('sha256').update(subject).digest('hex').slice(0, 20)}@elsewhere.test>`,
    'Content-Type': 'text/plain; charset=us-ascii',
    ...headers,
  };
  const head = Object.entries(lines).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return Buffer.from(`${head.join('')}\r\n${body}\r\n`);
}

export interface BadWorldOptions extends Partial<Omit<LabOptions, 'organizations' | 'clock'>> {
  readonly versions?: readonly [EwsVersion, EwsVersion];
  readonly source?: Partial<LabOrganizationOptions>;
  readonly target?: Partial<LabOrganizationOptions>;
  readonly redirectHosts?: readonly string[];
  /** The clock of the program, made of the lab's. */
  readonly programClock?: (lab: Clock) => Clock;
}

/**
 * Mailboxes in two organizations of a lab and the real program between them: EWS connectors with retries, passes, a store. Between a
 * server and the program stands whoever a test puts there.
 */
export class BadWorld {
  readonly lab: Lab;
  readonly clock = new SteppingClock(1_750_000_000_000);
  readonly programClock: Clock;
  readonly spoolDir = mkdtempSync(join(tmpdir(), 'causeway-bad-input-'));
  /** Hosts that a connection was opened to. */
  readonly hosts = new Set<string>();
  tamper: Tamper | null = null;
  /** Called before a request is sent; what it throws is the transport's fault. */
  before: ((side: SideName, operation: string, request: string) => void | Promise<void>) | null = null;
  /** What the server gets instead of a request; null: the request as it is. */
  rewrite: ((exchange: Omit<Exchange, 'answer'>) => string | null) | null = null;
  /** True: the connection breaks at once, and the request arrives when `send` is called. */
  delay: ((side: SideName, operation: string, send: () => Promise<unknown>) => boolean) | null = null;
  readonly store: Store;
  private readonly random = seededRandom('bad input');
  private readonly sides: { readonly left: Connector; readonly right: Connector };

  private constructor(store: Store, options: BadWorldOptions) {
    const {
      versions = ['2010', '2016'],
      source = {},
      target = {},
      redirectHosts = [],
      programClock,
      ...labOptions
    } = options;
    this.store = store;
    this.lab = createLab({
      organizations: [
        { name: 'source', version: versions[0], ...source },
        { name: 'target', version: versions[1], ...target },
      ],
      mailboxes: 1,
      throttling: 'off',
      ...labOptions,
      clock: this.clock,
    });
    this.programClock = programClock?.(this.clock) ?? this.clock;
    this.sides = { left: this.connector('source', redirectHosts), right: this.connector('target', redirectHosts) };
  }

  static async open(options: BadWorldOptions = {}): Promise<BadWorld> {
    const store = await openStore('sqlite::memory:', {
      clock: new SteppingClock(0),
      log: { info: () => {}, warn: () => {} },
    });
    const world = new BadWorld(store, options);
    await world.putPairs();
    return world;
  }

  private putPairs(): Promise<void> {
    const { world } = this.lab.organization('source');
    return this.store.putPairs(
      world.mailboxes.flatMap((_, n) => {
        const ends = {
          collection: 'all',
          left: { organization: 'source', address: this.address('source', n), mailbox: null },
          right: { organization: 'target', address: this.address('target', n), mailbox: null },
        };
        return [
          { id: this.pairId(n), kind: 'mail' as const, ...ends },
          { id: this.calendarId(n), kind: 'calendar' as const, ...ends },
        ];
      }),
    );
  }

  address(side: SideName, n = 0): string {
    return must(this.lab.organization(side).world.mailboxes[n], 'a mailbox').address;
  }
  private box(side: SideName, n: number): Mailbox {
    return must(this.lab.organization(side).world.mailbox(this.address(side, n)), 'a mailbox');
  }
  left(n = 0): Mailbox {
    return this.box('source', n);
  }
  right(n = 0): Mailbox {
    return this.box('target', n);
  }
  pairId(n = 0): PairId {
    return `${this.address('source', n)} → ${this.address('target', n)}` as PairId;
  }

  /** The pair's track of calendars. */
  calendarId(n = 0): PairId {
    return trackId(this.pairId(n), 'calendar');
  }

  private connector(name: SideName, redirectHosts: readonly string[]): Connector {
    const { domain, world } = this.lab.organization(name);
    const { programClock: clock, random, spoolDir } = this;
    const transport = this.tampered(this.lab.transport(), name);
    const tls = { ca: [], min: '1.2' } as const;
    const { user, password } = world.admin;
    const signIn = createSignIn(
      { method: 'basic', user, password: async () => password },
      { clock, random, transport, tls },
    );
    const endpoint = `https://mail.${domain}/EWS/Exchange.asmx`;
    const http = ewsHttp({ transport, clock, random, endpoint, tls, signIn, redirectHosts, compress: false });
    const bare = ewsConnector({ organization: name, http, impersonate: true, clock, random, spoolDir });
    return retried(bare, { clock, random });
  }

  private tampered(inner: Transport, side: SideName): Transport {
    return {
      connect: async (origin, tls, signal) => {
        this.hosts.add(new URL(origin).hostname);
        const connection = await inner.connect(origin, tls, signal);
        return {
          channelBinding: null,
          get usable() {
            return connection.usable;
          },
          close: () => connection.close(),
          request: async (request, requestSignal) => {
            const body = request.body === null ? Buffer.alloc(0) : await whole(request.body);
            const text = body.toString('latin1');
            const operation = /<s:Body><m:(\w+)/.exec(text)?.[1] ?? '';
            await this.before?.(side, operation, text);
            const other = this.rewrite?.({ side, operation, request: text }) ?? null;
            const given = other === null ? body : Buffer.from(other, 'latin1');
            const headers = { ...request.headers, 'content-length': String(given.length) };
            const send = async () => {
              const late = await inner.connect(origin, tls, new AbortController().signal);
              const sent = await late.request({ ...request, headers, body: given }, new AbortController().signal);
              await whole(sent.body);
              late.close();
            };
            if (this.delay?.(side, operation, send) === true) {
              connection.close();
              throw new FaultError({ kind: 'transient', detail: 'the connection broke', mayHaveHappened: true });
            }
            const response = await connection.request({ ...request, headers, body: given }, requestSignal);
            const { tamper } = this;
            if (tamper === null) return response;
            const answer = (await whole(response.body)).toString('utf8');
            const changed = tamper({ side, operation, request: text, answer });
            const instead = typeof changed === 'string' ? { text: changed } : (changed ?? {});
            return { ...response, ...instead, body: once(Buffer.from(instead.text ?? answer)) };
          },
        };
      },
    };
  }

  /** Puts a message into a folder of the source (or of another mailbox), as something that was delivered. */
  deliver(
    mime: Buffer,
    at: {
      readonly folder?: Folder;
      readonly box?: Mailbox;
      readonly change?: (content: ItemContent) => ItemContent;
    } = {},
  ): Item {
    const box = at.box ?? this.left();
    const content = contentOfMime(mime);
    const properties = new Map<PropertyKey, Property>([
      ...content.properties,
      [key.receivedAt, { type: 'SystemTime', value: Math.floor(this.clock.nowMs() / 1000) * 1000 }],
    ]);
    const dated = { ...content, properties };
    return box.create(
      at.folder ?? box.folder('inbox'),
      { content: at.change?.(dated) ?? dated, messageFlags: 0, delivered: true },
      box.server,
    );
  }

  /** One pass. */
  pass(n = 0, more: Partial<PassServices> & { readonly everything?: boolean } = {}): Promise<PassResult> {
    const { everything = false, ...services } = more;
    return runMailPass(
      {
        ...this.sides,
        store: this.store,
        clock: this.programClock,
        random: this.random,
        policy: defaultMailPolicy,
        requestDeadlineMs: 60_000,
        lanes: 2,
        ...services,
      },
      this.pairId(n),
      null,
      new AbortController().signal,
      { everything },
    );
  }

  /** One pass over calendars, in both directions. */
  calendarPass(n = 0): Promise<TypedPassResult> {
    return runTypedPass(
      {
        ...this.sides,
        store: this.store,
        clock: this.programClock,
        random: this.random,
        policy: defaultTypedPolicy,
        requestDeadlineMs: 60_000,
      },
      this.pairId(n),
      'calendar',
      null,
      new AbortController().signal,
      { everything: true },
    );
  }

  /** Passes over calendars until nothing is left to do. @returns the results of all. */
  async syncCalendars(n = 0): Promise<readonly TypedPassResult[]> {
    const results: TypedPassResult[] = [];
    for (let i = 0; i < 12; i++) {
      const result = await this.calendarPass(n);
      results.push(result);
      this.clock.advance(60_000);
      if (!result.again) return results;
    }
    throw new Error('the passes do not come to an end');
  }

  /** Passes until nothing is left to do. @returns the results of all. */
  async sync(n = 0, more: Partial<PassServices> = {}): Promise<readonly PassResult[]> {
    const results: PassResult[] = [];
    for (let i = 0; i < 12; i++) {
      const result = await this.pass(n, { ...more, everything: true });
      results.push(result);
      this.clock.advance(60_000);
      if (!result.again) return results;
    }
    throw new Error('the passes do not come to an end');
  }

  /** A pass that is expected to end with a fault. */
  async faultOfPass(n = 0): Promise<Fault> {
    const error = await this.pass(n).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof FaultError)) throw new Error('expected a fault', { cause: error });
    return error.fault;
  }

  /** Both sides as `verify` sees them: everything is there, or there is a reason for it. */
  async verified(n = 0, policy: MailPolicy = defaultMailPolicy): Promise<void> {
    const services = {
      ...this.sides,
      store: this.store,
      clock: this.programClock,
      policy,
      requestDeadlineMs: 60_000,
      lanes: 2,
    };
    const { findings } = await verifyPair(services, this.pairId(n), {}, new AbortController().signal);
    const unexplained = findings.filter(({ explainedBy }) => explainedBy === null);
    if (unexplained.length > 0) throw new Error(`verify finds ${JSON.stringify(unexplained, null, 1)}`);
  }

  quarantine(n = 0) {
    return this.store.quarantine({ pair: this.pairId(n) }, 1000);
  }
  history(n = 0) {
    return this.store.history({ pair: this.pairId(n) }, 10_000);
  }
  async pairRow(n = 0) {
    return must(await this.store.pair(this.pairId(n)), 'the pair');
  }

  /** Lets the cause go; then both sides hold the same, and a pass more writes nothing. */
  async settles(n = 0): Promise<void> {
    await this.sync(n);
    same(contents(this.right(n)), contents(this.left(n)));
    const after = await this.pass(n, { everything: true });
    if (after.summary.writes !== 0 || after.again) throw new Error(`a pass right after wrote ${after.summary.writes}`);
    if ((await this.store.intents(this.pairId(n))).length > 0) throw new Error('intents are left over');
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.lab.close();
    const spooled = readdirSync(this.spoolDir);
    rmSync(this.spoolDir, { recursive: true, force: true });
    if (spooled.length > 0) throw new Error(`${spooled.length} spool files are left over`);
    if (this.lab.outbox.length > 0) throw new Error('a mail left an organization');
    if (this.lab.failures.length > 0) throw new Error('the lab broke on a request', { cause: this.lab.failures[0] });
  }
}

/** Every mail of the visible tree, as `folder: hash of the bytes`, sorted: equal lists are equal multisets. */
export function contents(box: Mailbox): readonly string[] {
  const root = box.folder('msgfolderroot');
  return [...box.below(root)].flatMap((folder) => [...folder.items()].map((item) => shown(item))).sort();
}

function shown(item: Item): string {
  return `${pathOf(item.folder)}: ${createHash('sha256')
    .update(item.content.mime ?? '')
    .digest('hex')
    .slice(0, 12)}`;
}

export const pathOf = (folder: Folder): string =>
  folder.role === null && folder.parent !== null ? `${pathOf(folder.parent)}/${folder.name}` : (folder.role ?? '');

/** Subjects of a folder, sorted. */
export const subjects = (folder: Folder): readonly (string | null)[] =>
  [...folder.items()].map((item) => item.text(key.subject)).sort();

export function folderNamed(box: Mailbox, name: string): Folder {
  return must(
    [...box.below(box.folder('msgfolderroot'))].find((folder) => folder.name === name),
    `a folder ${name}`,
  );
}

function same(actual: readonly string[], expected: readonly string[]): void {
  if (actual.join('\n') === expected.join('\n')) return;
  const more = actual.filter((one, i) => actual.indexOf(one) === i && count(actual, one) > count(expected, one));
  const less = expected.filter((one, i) => expected.indexOf(one) === i && count(actual, one) < count(expected, one));
  throw new Error(`the sides differ: too many ${JSON.stringify(more)}, missing ${JSON.stringify(less)}`);
}
const count = (list: readonly string[], one: string) => list.filter((other) => other === one).length;

async function whole(input: Uint8Array | AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (input instanceof Uint8Array) return Buffer.from(input);
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
