import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import { createSignIn } from '#connectors/ews/sign-in.ts';
import { type DedupeFinding, dedupe } from '#jobs/dedupe.ts';
import { openDedupe } from '#jobs/dedupe-context.ts';
import { dedupeMail, undoDedupeMail } from '#jobs/dedupe-mail.ts';
import { readUndo, type UndoLine, undoGroup } from '#jobs/dedupe-undo.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { createLab, type Lab } from '#lab/lab.ts';
import type { LabVersion } from '#lab/seams.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { ItemId, PairId } from '#model/ids.ts';
import { defaultMailPolicy, defaultTypedPolicy } from '#model/policy.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { openStore } from '#store/open-store.ts';
import { type ContentKind, type Store, trackId } from '#store/store.ts';

const signal = new AbortController().signal;
const kinds = ['mail', 'calendar', 'contacts', 'tasks', 'notes'] as const satisfies readonly ContentKind[];
const roles = { mail: 'inbox', calendar: 'calendar', contacts: 'contacts', tasks: 'tasks', notes: 'notes' } as const;

/** The mailboxes of one person in two organizations of one version, the second of which another tool has spoilt. */
class Spoilt {
  readonly lab: Lab;
  readonly left: Mailbox;
  readonly right: Mailbox;
  readonly pair: PairId;
  readonly clock = new SteppingClock(1_750_000_000_000);
  readonly #random = seededRandom('spoilt');
  readonly #spool = mkdtempSync(join(tmpdir(), 'causeway-spoilt-'));
  readonly #connectors: { readonly left: Connector; readonly right: Connector };
  store: Store & { close(): Promise<void> } = null as never;

  constructor(version: LabVersion, items: number) {
    this.lab = createLab({
      organizations: [
        { name: 'spoilt', version },
        { name: 'other', version },
      ],
      mailboxes: 1,
      items,
      typed: { appointment: items, contact: items, task: items, note: items },
      clock: this.clock,
      throttling: 'off',
    });
    // The generator fills the first organization; here it is the target.
    this.right = this.#mailbox('spoilt');
    this.left = this.#mailbox('other');
    this.pair = `${this.left.address} → ${this.right.address}` as PairId;
    this.#connectors = { left: this.#connect('other'), right: this.#connect('spoilt') };
  }

  async open(): Promise<this> {
    this.store = await openStore('sqlite::memory:', { clock: this.clock, log: { info: () => {}, warn: () => {} } });
    const side = (organization: string, { address }: Mailbox) => ({ organization, address, mailbox: null });
    await this.store.putPairs(
      kinds.map((kind) => ({
        id: trackId(this.pair, kind),
        kind,
        collection: 'all',
        left: side('other', this.left),
        right: side('spoilt', this.right),
      })),
    );
    return this;
  }

  #mailbox(name: string): Mailbox {
    const { world } = this.lab.organization(name);
    return must(world.mailbox(must(world.mailboxes[0], 'a mailbox').address), 'a mailbox');
  }

  #connect(name: string): Connector {
    const { domain, world } = this.lab.organization(name);
    const transport = this.lab.transport();
    const { clock } = this;
    const random = this.#random;
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

  #basics() {
    return {
      ...this.#connectors,
      store: this.store,
      clock: this.clock,
      random: this.#random,
      requestDeadlineMs: 60_000,
    };
  }

  items(kind: ContentKind): readonly Item[] {
    return [...this.right.folder(roles[kind]).items()];
  }

  /** Puts every item in again, one to four times: of events every second under new identities, every third without its exceptions. */
  spoil(kind: ContentKind): void {
    for (const [n, item] of this.items(kind).entries())
      for (let copy = 0; copy <= n % 4; copy++) {
        const content = kind === 'calendar' ? spoiltEvent(item.content, n, copy) : item.content;
        this.right.create(item.folder, { content, messageFlags: 1, isRead: item.isRead }, this.right.server);
      }
  }

  async dedupe(kind: ContentKind, lines: UndoLine[] | null, stopAfter = Infinity): Promise<readonly DedupeFinding[]> {
    const found: DedupeFinding[] = [];
    const undo =
      lines === null
        ? null
        : async (line: UndoLine) => {
            if (lines.length >= stopAfter) throw new Error('killed');
            lines.push(line);
          };
    const options = { undo, firstGroup: 1 };
    const run =
      kind === 'mail'
        ? dedupeMail({ ...this.#basics(), policy: defaultMailPolicy, lanes: 2 }, this.pair, null, signal, options)
        : dedupe({ ...this.#basics(), policy: defaultTypedPolicy }, this.pair, kind, null, signal, options);
    try {
      for await (const finding of run) found.push(finding);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'killed') throw error;
    }
    return found;
  }

  /** @returns how many came back. */
  async undo(kind: ContentKind, lines: readonly UndoLine[]): Promise<number> {
    const text = [{ causewayUndo: 1, madeAtMs: 0 }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
    const { typed, mail } = readUndo(text);
    let created = 0;
    const services = { ...this.#basics(), policy: defaultMailPolicy, lanes: 2 };
    for await (const back of undoDedupeMail(services, this.pair, null, signal, mail)) created += back.created;
    if (typed.length === 0) return created;
    const typedKind = kind as TypedKind;
    const context = await openDedupe(
      { ...this.#basics(), policy: defaultTypedPolicy },
      this.pair,
      typedKind,
      null,
      signal,
      true,
    );
    const newIds = new Map<ItemId, ItemId>();
    for (const entry of typed) created += (await undoGroup(must(context, 'a context'), entry, newIds)).created;
    return created;
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.lab.close();
    rmSync(this.#spool, { recursive: true, force: true });
  }
}

function spoiltEvent(content: ItemContent, n: number, copy: number): ItemContent {
  const properties = new Map(content.properties);
  if (n % 2 === 0)
    for (const at of [calendarKey.globalObjectId, calendarKey.cleanGlobalObjectId]) {
      const property = properties.get(at);
      if (typeof property?.value !== 'string') continue;
      const bytes = Buffer.from(property.value, 'base64');
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ (copy + 1);
      properties.set(at, { ...property, value: bytes.toString('base64') });
    }
  const isBare = n % 3 === 0 && content.calendar !== undefined;
  return {
    ...content,
    properties,
    ...(isBare && content.calendar ? { calendar: { ...content.calendar, exceptions: [], deletedDays: [] } } : {}),
  };
}

let world: Spoilt | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** What a person finds in the folder, each thing once. */
const subjects = (items: readonly Item[]): readonly string[] =>
  [...new Set(items.map(({ content }) => String(content.properties.get('0x0037')?.value ?? '')))].sort();
const exceptionsOf = (items: readonly Item[]): number =>
  items.reduce((sum, { content }) => sum + (content.calendar?.exceptions.length ?? 0), 0);

describe.each(['2007', '2010', '2016'] as const)('a mailbox that another tool has spoilt, over EWS, %s', (version) => {
  test.each(kinds)('%s: one of each stays, nothing else is lost, and all of it comes back', async (kind) => {
    world = await new Spoilt(version, 24).open();
    // What people have twice by themselves is no part of it.
    await world.dedupe(kind, []);
    const before = world.items(kind);
    const [whole, wanted] = [subjects(before), exceptionsOf(before)];
    world.spoil(kind);
    const spoilt = world.items(kind).length;
    expect(spoilt).toBeGreaterThan(before.length);

    const found = await world.dedupe(kind, null);
    expect(found.length).toBeGreaterThan(0);
    expect(world.items(kind)).toHaveLength(spoilt);
    // Killed in the middle of it, and done again.
    const [first, second]: [UndoLine[], UndoLine[]] = [[], []];
    await world.dedupe(kind, first, 5);
    await world.dedupe(kind, second);
    expect(await world.dedupe(kind, null)).toEqual([]);

    const after = world.items(kind);
    expect(subjects(after)).toEqual(whole);
    expect(after.length).toBeLessThan(spoilt);
    expect(exceptionsOf(after)).toBeGreaterThanOrEqual(wanted);
    if (kind !== 'calendar') expect(after).toHaveLength(before.length);

    const back = (await world.undo(kind, second)) + (await world.undo(kind, first));
    expect(back).toBe(spoilt - after.length);
    expect(world.items(kind)).toHaveLength(spoilt);
    expect([...world.left.folder(roles[kind]).items()]).toEqual([]);
  });
});
