import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CalendarTruth, compareCalendars } from '#cli/demo/calendar-truth.ts';
import type { Connector } from '#connectors/contract.ts';
import type { Directory } from '#connectors/directory/contract.ts';
import { MemoryForest } from '#connectors/directory/memory/memory-directory.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { redirectionOf } from '#engine/switch/redirection.ts';
import { carryPairSettings } from '#jobs/settings/carry-pair-settings.ts';
import { directoryRoute } from '#jobs/switch/directory-route.ts';
import { pairTracks } from '#jobs/switch/pair-tracks.ts';
import type { Post, SwitchedPair, SwitchServices } from '#jobs/switch/ports.ts';
import type { VerifyReport } from '#jobs/verify/report.ts';
import type { VerifyOptions } from '#jobs/verify/verify-context.ts';
import { verifyPair } from '#jobs/verify/verify-pair.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { EwsVersion } from '#lab/seams.ts';
import { snapshot, type TrueEvent } from '#lab/world/ground-truth.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Organization } from '#lab/world/organization.ts';
import { plainContent } from '#lab/world/plain-content.ts';
import { key, type Property, type PropertyKey } from '#lab/world/property.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { PairId, Side } from '#model/ids.ts';
import { defaultMailPolicy, defaultTypedPolicy } from '#model/policy.ts';
import { defaultSwitchPolicy, type SwitchPolicy } from '#model/switch.ts';
import { type OpenStore, openStore } from '#store/open-store.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';

const quiet = { info: () => {}, warn: () => {} };
const tls = { ca: [], min: '1.2' } as const;
const nameOf = { left: 'source', right: 'target' } as const satisfies Record<Side, string>;

const yearMs = 365 * 86_400_000;

export async function* each<T>(list: Iterable<T>): AsyncGenerator<T> {
  yield* list;
}

/** A person with a mailbox on either side, and how the directories name them. */
export interface WorldPerson {
  readonly pair: SwitchedPair;
  readonly left: Mailbox;
  readonly right: Mailbox;
  readonly guids: Readonly<Record<Side, ObjectGuid>>;
}

export interface SentMail {
  readonly subject: string;
  readonly person: WorldPerson;
  readonly atMs: number;
  /** Mailbox that it was delivered to; null: none, or more than one. */
  readonly deliveredTo: Mailbox | null;
}

export interface WorldOptions {
  readonly clock: Clock;
  readonly people: number;
  readonly items?: number;
  readonly versions?: readonly [EwsVersion, EwsVersion];
  /** Until transport obeys what was written to a directory; a number each write, in turn. */
  readonly replicationMs?: readonly number[];
  readonly calendars?: boolean;
  /** Milliseconds of each request to a server. */
  readonly latencyMs?: number;
  readonly store?: OpenStore;
  readonly policy?: Partial<SwitchPolicy>;
}

/** Two organizations of a lab, their directories, and everybody mapped: what a switch needs, without a process. */
export class SwitchWorld {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly people: readonly WorldPerson[];
  readonly mails: SentMail[] = [];
  readonly #options: WorldOptions;
  readonly #forests: Readonly<Record<Side, MemoryForest>>;
  readonly #connectors: Readonly<Record<Side, Connector>>;
  readonly #spool = mkdtempSync(join(tmpdir(), 'causeway-switch-'));
  readonly #store: OpenStore;
  readonly #ownsStore: boolean;
  readonly #waiting: { readonly atMs: number; readonly apply: () => void }[] = [];
  #writes = 0;
  #number = 0;

  static async open(options: WorldOptions): Promise<SwitchWorld> {
    const store = options.store ?? (await openStore('sqlite::memory:', { clock: options.clock, log: quiet }));
    const world = new SwitchWorld(options, store);
    await world.#putPairs();
    return world;
  }

  private constructor(options: WorldOptions, store: OpenStore) {
    const { clock, people, items = 0, versions = ['2010', '2016'] } = options;
    this.#options = options;
    this.#store = store;
    this.#ownsStore = options.store === undefined;
    this.clock = clock;
    this.lab = createLab({
      organizations: [
        { name: 'source', version: versions[0] },
        { name: 'target', version: versions[1] },
      ],
      mailboxes: people + 1,
      items,
      typed: options.calendars ? { appointment: people * 5 } : {},
      clock,
      throttling: 'off',
      seed: 'switch',
    });
    this.#forests = {
      left: new MemoryForest({ root: 'DC=source,DC=test' as DistinguishedName, seed: '0000000a' }),
      right: new MemoryForest({ root: 'DC=target,DC=test' as DistinguishedName, seed: '0000000b' }),
    };
    this.#connectors = { left: this.#connector('left'), right: this.#connector('right') };
    this.people = this.#people(people);
  }

  #organization(side: Side): Organization {
    return this.lab.organization(nameOf[side]).world;
  }

  #connector(side: Side): Connector {
    const { domain, world } = this.lab.organization(nameOf[side]);
    const { clock } = this;
    const random = seededRandom(`switch ${side}`);
    const transport = this.lab.transport({ latencyMs: this.#options.latencyMs ?? 0 });
    const { user, password } = world.admin;
    const surroundings = { clock, random, transport, tls };
    const http = ewsHttp({
      ...surroundings,
      endpoint: `https://mail.${domain}/EWS/Exchange.asmx`,
      signIn: createSignIn({ method: 'basic', user, password: async () => password }, surroundings),
      compress: false,
    });
    return ewsConnector({ organization: nameOf[side], http, impersonate: true, clock, random, spoolDir: this.#spool });
  }

  /** Everybody has an entry in both directories; the one of the target redirects to the source. */
  #people(count: number): readonly WorldPerson[] {
    return Array.from({ length: count }, (_, n) => {
      const boxOf = (side: Side): Mailbox => {
        const organization = this.#organization(side);
        return must(organization.mailbox(must(organization.mailboxes[n], 'a mailbox').address), 'a mailbox');
      };
      const [left, right] = [boxOf('left'), boxOf('right')];
      const entry = (side: Side, box: Mailbox, other: Mailbox, redirects: boolean): ObjectGuid =>
        this.#forests[side].add('user', `CN=p${n},DC=${nameOf[side]},DC=test` as DistinguishedName, {
          sAMAccountName: [`p${n}`],
          mail: [box.address],
          legacyExchangeDN: [`/o=${nameOf[side]}/cn=p${n}`],
          proxyAddresses: [`SMTP:${box.address}`, `x500:/o=${nameOf[side === 'left' ? 'right' : 'left']}/cn=p${n}`],
          ...(redirects ? { targetAddress: [`SMTP:${other.address}`] } : {}),
        });
      this.#organization('right').mailFlow.setTargetAddress(right.address, left.address);
      return {
        left,
        right,
        guids: { left: entry('left', left, right, false), right: entry('right', right, left, true) },
        pair: {
          id: `${left.address} → ${right.address}` as PairId,
          active: 'left',
          left: { connector: this.#connectors.left, address: left.address },
          right: { connector: this.#connectors.right, address: right.address },
        },
      };
    });
  }

  async #putPairs(): Promise<void> {
    const kinds = this.#kinds();
    await this.#store.putPairs(
      this.people.flatMap(({ pair }) =>
        kinds.map((kind) => ({
          id: trackId(pair.id, kind),
          kind,
          collection: 'all',
          left: { organization: 'source', address: pair.left.address, mailbox: null },
          right: { organization: 'target', address: pair.right.address, mailbox: null },
        })),
      ),
    );
  }

  #kinds(): readonly ContentKind[] {
    return this.#options.calendars ? ['mail', 'calendar'] : ['mail'];
  }

  /** What is due by now becomes true for transport. */
  #replicate(): void {
    const now = this.clock.nowMs();
    for (const due of this.#waiting.splice(0))
      if (due.atMs <= now) due.apply();
      else this.#waiting.push(due);
  }

  /** A directory that others follow after a while, and transport after them. */
  #directory(side: Side): Directory {
    const forest = this.#forests[side];
    const inner = forest.open();
    const { mailFlow } = this.#organization(side);
    const delays = this.#options.replicationMs ?? [0];
    return {
      ...inner,
      write: async (edits, context) => {
        const written = await inner.write(edits, context);
        for (const edit of edits) {
          if (edit.kind !== 'modify') continue;
          const [object] = [...(await inner.read([edit.guid], ['mail', 'targetAddress'], context)).values()];
          const { mail: [address = ''] = [] } = object?.attributes ?? {};
          const to = object ? redirectionOf(object.attributes) : null;
          const atMs = this.clock.nowMs() + (delays[this.#writes++ % delays.length] ?? 0);
          this.#waiting.push({ atMs, apply: () => mailFlow.setTargetAddress(address, to) });
        }
        return written;
      },
      replicated: async (guid, shows, controllers, context) => {
        this.#replicate();
        const [object] = [...(await inner.read([guid], ['mail'], context)).values()];
        const now = mailFlow.targetAddress(object?.attributes['mail']?.[0] ?? '');
        const follows = now === redirectionOf(shows);
        return new Map(controllers.map((controller) => [controller, follows]));
      },
    };
  }

  /** What the saga of a person is given. @param change puts something in between, such as a crash. */
  services(person: WorldPerson, change: (services: SwitchServices) => SwitchServices = (same) => same): SwitchServices {
    const { clock } = this;
    const store: Store = this.#store;
    const random = seededRandom(`saga ${person.pair.id}`);
    const { left, right } = this.#connectors;
    const basics = { store, clock, random, requestDeadlineMs: 60_000 };
    const context = (signal: AbortSignal) => ({ signal, deadlineMs: clock.monotonicMs() + 60_000 });
    const route = (side: Side) =>
      directoryRoute({
        directory: this.#directory(side),
        address: person.pair[side].address,
        controllers: null,
        context,
      });
    return change({
      ...basics,
      pair: person.pair,
      policy: { ...defaultSwitchPolicy, settleMs: 0, ...this.#options.policy },
      lagObjectiveMs: 60_000,
      routes: { left: route('left'), right: route('right') },
      tracks: pairTracks({
        ...basics,
        left,
        right,
        lanes: 2,
        pair: person.pair.id,
        mail: defaultMailPolicy,
        typed: new Map(this.#options.calendars ? [['calendar', defaultTypedPolicy]] : []),
        hold: async (_, signal) => ({ claim: null, signal, release: async () => {} }),
      }),
      post: { left: this.#post('left'), right: this.#post('right') },
      carrySettings: async (to, signal) => {
        const { written } = await carryPairSettings(
          {
            ...basics,
            pair: person.pair.id,
            kinds: this.#kinds(),
            source: left.mailbox(person.pair.left.address),
            target: right.mailbox(person.pair.right.address),
            syncs: [],
          },
          signal,
          { dryRun: false, back: to === 'left' },
        );
        return `${written.permissions + written.delegates + written.stored} settings carried`;
      },
    });
  }

  /** Submission into an organization, from a mailbox of somebody who is not moved. */
  #post(side: Side): Post {
    const organization = this.#organization(side);
    const from = must(organization.mailboxes.at(-1), 'a help desk').address;
    return {
      from,
      send: async ({ to, subject, messageId }) => {
        this.#send(side, to, subject, messageId);
      },
    };
  }

  #send(side: Side, to: string, subject: string, messageId: string) {
    this.#replicate();
    const organization = this.#organization(side);
    const box = must(organization.mailbox(must(organization.mailboxes.at(-1), 'a sender').address), 'a mailbox');
    const properties = new Map<PropertyKey, Property>([
      [key.itemClass, { type: 'String', value: 'IPM.Note' }],
      [key.subject, { type: 'String', value: subject }],
      [key.messageId, { type: 'String', value: messageId }],
      [key.sentAt, { type: 'SystemTime', value: this.clock.nowMs() }],
    ]);
    return this.lab.world.postOffice.send(box, {
      cause: 'sent-by-person',
      content: plainContent({
        properties,
        from: { name: box.displayName, address: box.address },
        to: [{ name: '', address: to }],
        body: { type: 'Text', text: `This is ${subject}.` },
      }),
      recipients: [to],
      origin: { caller: 'people', doing: 'person', through: null },
    });
  }

  /** Somebody sends a mail to a person, at the one address or the other. */
  mail(person: WorldPerson, side: Side): SentMail {
    const subject = `mail ${++this.#number}`;
    const delivered = this.#send(side, person[side].address, subject, `<${this.#number}@load.test>`);
    const only = delivered.length === 1 ? (delivered[0]?.mailbox ?? null) : null;
    const sent = { subject, person, atMs: this.clock.nowMs(), deliveredTo: only };
    this.mails.push(sent);
    return sent;
  }

  async syncAll(): Promise<void> {
    const { signal } = new AbortController();
    for (const person of this.people) {
      const { tracks } = this.services(person);
      for (const kind of tracks.kinds)
        for (let n = 0; n < 10; n++) {
          const [row] = await this.#store.switches([person.pair.id]);
          const { again, writes } = await tracks.pass(kind, row?.active ?? 'left', signal);
          if (!again && writes === 0) break;
        }
    }
  }

  /** Compares both mailboxes of a person, contents too. */
  verify({ pair }: WorldPerson, options: VerifyOptions = {}): Promise<VerifyReport> {
    const { left, right } = this.#connectors;
    const services = {
      store: this.store,
      left,
      right,
      clock: this.clock,
      random: seededRandom('verify'),
      requestDeadlineMs: 60_000,
      policy: defaultMailPolicy,
      lanes: 2,
    };
    return verifyPair(services, pair.id, options, new AbortController().signal);
  }

  /** What takes place in a calendar in the years around now, as the lab has it at this moment. */
  calendar(box: Mailbox): readonly TrueEvent[] {
    const now = this.clock.nowMs();
    return [...this.lab.world.calendar(box.address, now - 2 * yearMs, now + 2 * yearMs)];
  }

  /** How the two calendars of a person differ, together for all of them. */
  async calendarsDiffer(people: readonly WorldPerson[] = this.people): Promise<CalendarTruth> {
    const sum = { events: 0, series: 0, exceptions: 0, lost: 0, duplicated: 0, altered: 0 };
    const differences: Record<string, number> = {};
    for (const { left, right } of people) {
      const truth = await compareCalendars(each(this.calendar(left)), each(this.calendar(right)));
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += truth[name];
      for (const [what, count] of Object.entries(truth.differences))
        differences[what] = (differences[what] ?? 0) + count;
    }
    return { ...sum, differences };
  }

  get store(): Store {
    return this.#store;
  }

  /** How often each mail of the load is in a mailbox. */
  counts(box: Mailbox): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { items, role } of snapshot(box).folders) {
      if (role?.startsWith('recoverable')) continue;
      for (const { subject } of items)
        if (subject?.startsWith('mail ')) counts.set(subject, (counts.get(subject) ?? 0) + 1);
    }
    return counts;
  }

  /** Mails that a person does not see exactly once in that mailbox. */
  misplaced(side: Side, people: readonly WorldPerson[] = this.people): readonly string[] {
    return people.flatMap((person) => {
      const seen = this.counts(person[side]);
      return this.mails
        .filter((mail) => mail.person === person)
        .flatMap(({ subject, deliveredTo }) => {
          if (deliveredTo === null) return [`${subject} was not delivered to exactly one mailbox`];
          const count = seen.get(subject) ?? 0;
          return count === 1 ? [] : [`${subject} is ${count} times in ${person[side].address}`];
        });
    });
  }

  /** Every mail of a mailbox as a person sees it, for comparing worlds. */
  contents(box: Mailbox): readonly string[] {
    return snapshot(box)
      .folders.filter(({ role }) => !role?.startsWith('recoverable'))
      .flatMap(({ place, items }) =>
        items.map(
          ({ subject, itemClass, isRead }) => `${place} | ${itemClass} | ${subject} | ${isRead ? 'read' : 'unread'}`,
        ),
      )
      .sort();
  }

  async close(): Promise<void> {
    if (this.#ownsStore) await this.#store.close();
    await this.lab.close();
    rmSync(this.#spool, { recursive: true, force: true });
  }
}
