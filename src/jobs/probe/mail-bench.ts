import type { Connector, Context, Mailbox } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { Random } from '#kit/random.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { Change } from '#model/change.ts';
import type { Cursor, FolderId, ItemId, MailboxGuid } from '#model/ids.ts';
import type { MailFacts, MailHead, MailState, RawProperty } from '#model/mail.ts';
import { absentMailFacts, absentMailState } from '#model/mail-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { type StampText, writeStamp } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import { type MeetingBench, newIdentity } from './meeting-experiments.ts';

export interface ProbeServices {
  readonly connector: Connector;
  readonly clock: Clock;
  readonly random: Random;
  readonly requestDeadlineMs: number;
  /** How long a receipt is waited for before it is believed that none comes. Default 30 s. */
  readonly receiptMs?: number;
  /** How exactly servers tell the change marks of folders. Default: to the second. */
  readonly markMs?: number;
}

/** 2001-02-03 04:05:06 UTC: no server makes this up. */
export const longAgo = Date.UTC(2001, 1, 3, 4, 5, 6);

interface Created {
  readonly head: MailHead;
  readonly stamp: StampText;
}

/** What a message is made with, and where. */
interface Making {
  readonly file: Buffer | null;
  readonly folder: FolderId;
  readonly ofClass: readonly RawProperty[];
}

/** Two folders of our own in the first mailbox, and the inbox of the second. */
export class MailBench {
  readonly mailbox: Mailbox;
  readonly #services: ProbeServices;
  readonly #other: Mailbox;
  readonly #folder: FolderId;
  readonly #away: FolderId;
  readonly #guid: MailboxGuid;
  readonly #signal: AbortSignal;
  /** Of everything that was to be created, whatever came of it. */
  readonly #stamps = new Set<string>();

  private constructor(
    services: ProbeServices,
    mailbox: Mailbox,
    other: Mailbox,
    guid: MailboxGuid,
    folders: readonly [FolderId, FolderId],
    signal: AbortSignal,
  ) {
    this.#services = services;
    this.mailbox = mailbox;
    this.#other = other;
    this.#guid = guid;
    [this.#folder, this.#away] = folders;
    this.#signal = signal;
  }

  static async open(
    services: ProbeServices,
    [first, second]: readonly [string, string],
    signal: AbortSignal,
  ): Promise<MailBench> {
    const { connector, clock, random, requestDeadlineMs } = services;
    const mailbox = connector.mailbox(first);
    const call = () => ({ signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs });
    const tree = await mailbox.tree(call());
    const name = `Causeway probe ${random.bytes(4).toString('hex')}`;
    const folder = await mailbox.createFolder(tree.root, name, 'IPF.Note', call());
    const away = await mailbox.createFolder(folder, 'away', 'IPF.Note', call());
    return new MailBench(services, mailbox, connector.mailbox(second), tree.mailbox, [folder, away], signal);
  }

  call(): Context {
    this.#signal.throwIfAborted();
    return { signal: this.#signal, deadlineMs: this.#services.clock.monotonicMs() + this.#services.requestDeadlineMs };
  }

  /** What the experiments with meetings need; null: the connector does not understand events. */
  async meetings(
    { connector, clock, random }: ProbeServices,
    [owner, attendee]: readonly [string, string],
  ): Promise<MeetingBench | null> {
    const events = this.mailbox.typed('calendar');
    if (events === null) return null;
    return {
      events,
      calendar: await this.mailbox.createFolder(this.#folder, 'meetings', 'IPF.Appointment', this.call()),
      organization: connector.organization,
      owner,
      attendee,
      call: () => this.call(),
      nowMs: () => clock.nowMs(),
      unique: () => random.bytes(8).toString('hex'),
      random: (bytes) => random.bytes(bytes),
      arrivals: () => this.repliesTo(),
      waitForArrival: (before) => this.waitForReply(before),
    };
  }

  /** Creates a message as a pass would, and reads it back from the feed. */
  async create(
    name: string,
    facts: Partial<MailFacts> = {},
    { file = null, folder = this.#folder, ofClass = [] }: Partial<Making> = {},
  ): Promise<Created> {
    const unique = this.#services.random.bytes(8).toString('hex');
    const sender = this.#other.address;
    const lines = [
      `From: <${sender}>`,
      `To: <${this.mailbox.address}>`,
      `Subject: ${subjectOf(name)}`,
      `Message-ID: <${unique}@causeway.invalid>`,
      `Date: ${new Date(longAgo).toUTCString()}`,
      ...(facts.readReceiptRequested ? [`Disposition-Notification-To: <${sender}>`] : []),
      'MIME-Version: 1.0',
      ...(file === null ? [] : [`Content-Type: multipart/mixed; boundary="${unique}"`, '', `--${unique}`]),
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'Made by causeway probe, and removed by it.',
      '',
      ...(file === null ? [] : filePart(file, unique)),
    ];
    const mime = Buffer.from(lines.join('\r\n'));
    const stamp = writeStamp({
      organization: this.#services.connector.organization,
      mailbox: this.#guid,
      searchKey: '',
      firstId: unique,
      fingerprint: unique,
      sizeBytes: mime.length,
      nonce: unique,
    });
    this.#stamps.add(stamp);
    const head: MailHead = {
      id: unique as ItemId,
      version: '' as never,
      folder: this.#folder,
      state: absentMailState,
      facts: { ...plainFacts, sizeBytes: mime.length, hasAttachments: file !== null, ...facts },
      stamp: null,
      unread: [],
    };
    const [answer] = await this.mailbox.create(
      folder,
      [{ content: { head, mime: payloadOfBytes(mime), bcc: [] }, stamp, ofClass }],
      this.call(),
    );
    if (answer === undefined || isFault(answer))
      throw new FaultError(answer ?? { kind: 'transient', detail: 'no answer to a create', mayHaveHappened: true });
    return {
      head: shownOr(
        (await this.#headsIn(folder)).find(({ id }) => id === answer.id),
        'the feed does not show what was created',
      ),
      stamp,
    };
  }

  newIdentity(): EventIdentity {
    return newIdentity(() => this.#services.random.bytes(8).toString('hex'));
  }
  /** A full hour of next month. */
  nextMonth(): number {
    return (Math.floor(this.#services.clock.nowMs() / 3_600_000) + 30 * 24) * 3_600_000;
  }
  async inbox(): Promise<FolderId> {
    return shownOr((await this.mailbox.roles(this.call())).get('inbox'), noInbox);
  }
  /** Raw values of properties of an item, those that it has. */
  async properties(id: ItemId, wanted: readonly MapiProperty[]): Promise<readonly RawProperty[]> {
    return found((await this.mailbox.properties([id], wanted, this.call())).get(id));
  }
  /** Events with this identity in the calendar. */
  async eventsOf(identity: EventIdentity, context = this.call()): Promise<readonly TypedHead[]> {
    const events = this.mailbox.typed('calendar');
    const calendar = (await this.mailbox.roles(context)).get('calendar');
    if (events === null || calendar === undefined) return [];
    return (await events.findByIdentity(calendar, [identity], context)).get(identity) ?? [];
  }
  /** Removes what was created under a name in a folder of the owner's, and the events of an identity, also after an abort. */
  async removeRequest(name: string, folder: FolderId, identity: EventIdentity): Promise<void> {
    const all = await Promise.allSettled([
      this.#removeCreated(name, folder),
      this.eventsOf(identity, this.#lastCall()).then((made) => this.#removeEvents(made)),
    ]);
    for (const one of all) if (one.status === 'rejected') throw one.reason;
  }
  /** By its stamp, or by its name, should the server have lost that. */
  #isOfOurs({ stamp, facts }: MailHead, name: string): boolean {
    return (stamp !== null && this.#stamps.has(stamp)) || facts.subject === subjectOf(name);
  }
  async #removeCreated(name: string, folder: FolderId): Promise<void> {
    const context = this.#lastCall();
    const { changes } = await this.#read(folder, null, this.mailbox, context);
    const left = new Map<ItemId, MailHead>();
    for (const change of changes)
      if (change.kind === 'upsert' && this.#isOfOurs(change.head, name)) left.set(change.head.id, change.head);
    if (left.size === 0) return;
    const answers = await this.mailbox.remove(
      [...left.values()].map(({ id, version, facts }) => ({
        id,
        expect: version,
        readReceiptRequested: facts.readReceiptRequested,
      })),
      context,
    );
    for (const answer of answers) if (answer !== null && answer.kind !== 'gone') throw new FaultError(answer);
  }
  async #removeEvents(made: readonly TypedHead[]): Promise<void> {
    const events = this.mailbox.typed('calendar');
    if (events === null || made.length === 0) return;
    const answers = await events.remove(
      made.map(({ id, version }) => ({ id, expect: version })),
      this.#lastCall(),
    );
    for (const answer of answers) if (answer !== null && answer.kind !== 'gone') throw new FaultError(answer);
  }

  randomFile(bytes: number): Buffer {
    return Buffer.from(this.#services.random.bytes(bytes));
  }

  /** An item as the server shows it now. */
  async shown(id: ItemId): Promise<MailHead> {
    return found((await this.mailbox.heads([id], this.call())).get(id));
  }

  async mimeOf({ id, facts }: MailHead): Promise<Buffer> {
    const content = found((await this.mailbox.contents([{ id, sizeBytes: facts.sizeBytes }], this.call())).get(id));
    const chunks: Uint8Array[] = [];
    for await (const chunk of content.mime.bytes()) chunks.push(chunk);
    await content.mime.dispose();
    return Buffer.concat(chunks);
  }

  /** Whether a folder that was removed is shown still. */
  async treeAfterRemoval(): Promise<boolean> {
    const name = `removed ${this.#services.random.bytes(4).toString('hex')}`;
    const folder = await this.mailbox.createFolder(this.#folder, name, 'IPF.Note', this.call());
    await this.mailbox.removeFolder(folder, this.call());
    return (await this.mailbox.tree(this.call())).folders.some((one) => one.id === folder || one.name === name);
  }

  /** What the feed tells of something that is done in the folder. */
  async changesAfter(work: () => Promise<unknown>): Promise<readonly Change[]> {
    const before = await this.#read(this.#folder, null, this.mailbox);
    await work();
    return (await this.#read(this.#folder, before.cursor, this.mailbox)).changes;
  }

  async update(head: MailHead, set: Partial<MailState>): Promise<MailHead> {
    const { readReceiptRequested } = head.facts;
    const [answer] = await this.mailbox.update(
      [{ id: head.id, expect: head.version, set, readReceiptRequested }],
      this.call(),
    );
    if (answer === undefined || isFault(answer))
      throw new FaultError(answer ?? { kind: 'gone', detail: 'no answer to an update' });
    return { ...head, version: answer.version };
  }

  async remove({ id, version, facts }: MailHead): Promise<void> {
    const [answer] = await this.mailbox.remove(
      [{ id, expect: version, readReceiptRequested: facts.readReceiptRequested }],
      this.call(),
    );
    if (answer) throw new FaultError(answer);
  }

  async moveAway(head: MailHead): Promise<MailHead | null> {
    const [answer] = await this.mailbox.move([head.id], this.#away, this.call());
    if (answer === undefined || isFault(answer))
      throw new FaultError(answer ?? { kind: 'gone', detail: 'no answer to a move' });
    return (await this.#headsIn(this.#away)).find(({ id }) => id === answer.id) ?? null;
  }

  /** Until what changes now has another mark than what changed before. */
  async untilMarksTell(): Promise<void> {
    await this.#services.clock.sleep(this.#services.markMs ?? 1_100, this.#signal);
  }

  async mark(): Promise<string | null> {
    const { folders } = await this.mailbox.tree(this.call());
    return folders.find(({ id }) => id === this.#folder)?.mark ?? null;
  }

  /** Items in the inbox of the one who asked for receipts. */
  async repliesTo(): Promise<ReadonlySet<ItemId>> {
    const inbox = shownOr((await this.#other.roles(this.call())).get('inbox'), noInbox);
    return new Set((await this.#headsIn(inbox, this.#other)).map(({ id }) => id));
  }

  async waitForReply(before: ReadonlySet<ItemId>): Promise<boolean> {
    const { clock, receiptMs = 30_000 } = this.#services;
    for (const untilMs = clock.monotonicMs() + receiptMs; ; ) {
      for (const id of await this.repliesTo()) if (!before.has(id)) return true;
      if (clock.monotonicMs() >= untilMs) return false;
      await clock.sleep(Math.min(2000, receiptMs), this.#signal);
    }
  }

  /** Removes the folders, items and all; a signal that was aborted meanwhile does not stop that. */
  async close(): Promise<void> {
    await this.mailbox.removeFolder(this.#folder, this.#lastCall());
  }

  /** For what is to be tidied up whatever happened. */
  #lastCall(): Context {
    const { clock, requestDeadlineMs } = this.#services;
    return {
      signal: AbortSignal.timeout(requestDeadlineMs),
      deadlineMs: clock.monotonicMs() + requestDeadlineMs,
    };
  }

  async #headsIn(folder: FolderId, mailbox = this.mailbox): Promise<readonly MailHead[]> {
    const heads = new Map<ItemId, MailHead>();
    const { changes } = await this.#read(folder, null, mailbox);
    for (const change of changes) if (change.kind === 'upsert') heads.set(change.head.id, change.head);
    return [...heads.values()];
  }

  /** A feed read to its end. */
  async #read(folder: FolderId, from: Cursor | null, mailbox: Mailbox, context?: Context) {
    const changes: Change[] = [];
    for (let cursor = from; ; ) {
      const page: Awaited<ReturnType<Mailbox['changes']>> = await mailbox.changes(
        folder,
        cursor,
        context ?? this.call(),
      );
      changes.push(...page.changes);
      cursor = page.cursor;
      if (page.complete) return { changes, cursor };
    }
  }
}

const subjectOf = (name: string): string => `Causeway probe: ${name}`;
const noInbox = 'the mailbox shows no inbox';

/** What a server shows as every server should. Throws FaultError: one experiment is undecided then, and the others go on. */
function shownOr<T>(value: T | undefined, detail: string): T {
  if (value === undefined) throw new FaultError({ kind: 'gone', detail });
  return value;
}

/** Throws FaultError for what is not there. */
function found<T extends object>(answer: T | Fault | undefined): T {
  if (answer === undefined || isFault(answer))
    throw new FaultError(answer ?? { kind: 'gone', detail: 'no answer about an item' });
  return answer;
}

const filePart = (file: Buffer, boundary: string): readonly string[] => [
  `--${boundary}`,
  'Content-Type: application/octet-stream; name=probe.bin',
  'Content-Disposition: attachment; filename=probe.bin',
  'Content-Transfer-Encoding: base64',
  '',
  file.toString('base64').replace(/.{76}/g, '$&\r\n'),
  `--${boundary}--`,
  '',
];

const plainFacts: MailFacts = { ...absentMailFacts, sentAt: longAgo, receivedAt: longAgo };
