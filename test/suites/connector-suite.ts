/**
 * The contract of `src/connectors/contract.ts` as tests. Run on every connector by `test/connectors/*.test.ts`. What one of them
 * cannot do is listed with its reason: a listed deviation must fail, and when it passes the suite asks to take it off the list.
 */
import { describe, expect, test } from 'vitest';
import type { ChangePage, Connector, Context, Mailbox, Written } from '#connectors/contract.ts';
import { describeFault, FaultError, type FaultKind, isFault } from '#kit/fault.ts';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type { SteppingClock } from '#kit/stepping-clock.ts';
import type { Change } from '#model/change.ts';
import { classRows } from '#model/class-properties.ts';
import type { Cursor, FolderId, ItemId, MailboxGuid, Version } from '#model/ids.ts';
import {
  isDraft,
  type MailContent,
  type MailDraft,
  type MailFields,
  type MailHead,
  type MailState,
  MESSAGE_FLAG_READ,
  MESSAGE_FLAG_UNSENT,
  type RawProperty,
} from '#model/mail.ts';
import { type MailField, mailFields, mailProperties, mailStateFields } from '#model/mail-properties.ts';
import type { MapiType } from '#model/property-row.ts';
import { type StampText, writeStamp } from '#model/stamp.ts';
import { folderByRole, type SimulatedMailbox } from '#test/simulation/simulated-mailbox.ts';

/** A connector with an empty mailbox behind it, and that mailbox as its owner has it. */
export interface ConnectorUnderTest {
  readonly connector: Connector;
  /** The same as another process has it, which remembers nothing of this one. */
  another(): Connector;
  readonly people: SimulatedMailbox;
  /** The clock of both; moves only when somebody moves it. */
  readonly clock: SteppingClock;
  /** `Clock.monotonicMs` of every request that left so far. */
  readonly requestedAtMs: readonly number[];
  /** From now on each request takes so long. */
  setLatency(ms: number): void;
  /** How many events, contacts, tasks and notes were deleted and can be brought back. */
  recoverableCount(): number;
  /** The server forgets every place in its change feeds. */
  forgetCursors(): void;
  /** Takes everything down. Throws when something was wrong that no answer showed, as requests against the schema. */
  close(): Promise<void>;
}

export interface ConnectorSuite {
  readonly name: string;
  open(): Promise<ConnectorUnderTest>;
  /** A message of more bytes than this is too large for the target. */
  readonly itemMaxBytes: number;
  readonly deviations: readonly { readonly test: string; readonly because: string }[];
}

class Bench {
  readonly it: ConnectorUnderTest;
  readonly box: Mailbox;
  readonly people: SimulatedMailbox;

  constructor(it: ConnectorUnderTest) {
    this.it = it;
    this.people = it.people;
    this.box = it.connector.mailbox(it.people.address);
  }

  get context(): Context {
    return this.within(600_000);
  }
  within(ms: number, signal = new AbortController().signal): Context {
    return { signal, deadlineMs: this.it.clock.monotonicMs() + ms };
  }
  /** Servers show times in whole seconds: what is to be told apart must not lie in one. */
  wait(): void {
    this.it.clock.advance(2000);
  }
  get inbox(): FolderId {
    return folderByRole(this.people, 'inbox');
  }
  get sent(): FolderId {
    return folderByRole(this.people, 'sentitems');
  }

  deliver(folder = this.inbox, options: Partial<Parameters<SimulatedMailbox['deliver']>[1]> = {}): ItemId {
    return this.people.deliver(folder, { mime: plainMime, subject: 'plain', messageId: '<plain@test>', ...options });
  }

  /** A feed read to its end. */
  async changes(
    folder: FolderId,
    cursor: Cursor | null = null,
  ): Promise<{ changes: readonly Change[]; cursor: Cursor }> {
    const changes: Change[] = [];
    for (let at = cursor; ; ) {
      const page: ChangePage = await this.box.changes(folder, at, this.context);
      changes.push(...page.changes);
      at = page.cursor;
      if (page.complete) return { changes, cursor: at };
    }
  }
  async heads(folder: FolderId): Promise<readonly MailHead[]> {
    return (await this.changes(folder)).changes.flatMap((c) => (c.kind === 'upsert' ? [c.head] : []));
  }
  async head(id: ItemId): Promise<MailHead> {
    return found((await this.box.heads([id], this.context)).get(id));
  }
  async content(id: ItemId): Promise<Buffer> {
    const content = found((await this.box.contents([{ id, sizeBytes: 0 }], this.context)).get(id));
    const bytes = await payloadBytes(content.mime);
    expect(content.mime.sizeBytes).toBe(bytes.length);
    await content.mime.dispose();
    return bytes;
  }
  /** What stands in the place of an item that cannot be read. */
  async missing(id: ItemId): Promise<FaultKind | 'there'> {
    const answer = (await this.box.heads([id], this.context)).get(id);
    return isFault(answer) ? answer.kind : 'there';
  }
  async create(folder: FolderId, ...drafts: readonly MailDraft[]): Promise<readonly Written[]> {
    return (await this.box.create(folder, drafts, this.context)).map(found);
  }
  async createOne(set: Partial<MailFields> = {}, mime: Uint8Array = plainMime, folder = this.inbox): Promise<Written> {
    const [written] = await this.create(folder, draft(set, mime));
    return found(written);
  }
  async update(id: ItemId, set: Partial<MailState>, readReceiptRequested = false): Promise<Written> {
    const { version } = await this.head(id);
    return found((await this.box.update([{ id, expect: version, set, readReceiptRequested }], this.context))[0]);
  }
  async mark(folder: FolderId): Promise<string | null> {
    const { folders } = await this.box.tree(this.context);
    return found(folders.find(({ id }) => id === folder)).mark;
  }
}

export function found<T>(value: T | undefined | null): Exclude<T, undefined | null | { readonly kind: FaultKind }> {
  if (value === undefined || value === null) throw new Error('nothing was answered');
  if (isFault(value)) throw new Error(`a fault was answered: ${describeFault(value)}`);
  return value as Exclude<T, undefined | null | { readonly kind: FaultKind }>;
}

/** The fault with which a call fails as a whole. */
export async function thrown(call: Promise<unknown>): Promise<FaultError['fault']> {
  try {
    await call;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error('the call did not fail');
}

const plainMime = Buffer.from('Subject: plain\r\nMessage-Id: <plain@test>\r\n\r\nbody\r\n');
/** Says nothing from which a server could make properties. */
const bareMime = Buffer.from('X-Bare: yes\r\n\r\nbody\r\n');

const plain: MailFields = {
  isRead: false,
  flagStatus: 0,
  flagCompletedAt: null,
  flagRequest: null,
  flagStartAt: null,
  flagDueAt: null,
  flagColour: null,
  toDoFlags: null,
  categories: [],
  importance: 'normal',
  sensitivity: 'normal',
  lastVerb: null,
  lastVerbAt: null,
  iconIndex: null,
  itemClass: 'IPM.Note',
  messageFlags: 0,
  sentAt: 1_600_000_000_000,
  receivedAt: 1_600_000_005_000,
  subject: null,
  internetMessageId: null,
  searchKey: null,
  conversationIndex: null,
  conversationTopic: null,
  expiresAt: null,
  replyBy: null,
  votingOptions: null,
  votingResponse: null,
  processed: null,
  serverProcessed: null,
  readReceiptRequested: false,
  hasAttachments: false,
  sizeBytes: 0,
  createdAt: 1_500_000_000_000,
  modifiedAt: null,
  retentionTag: null,
};

let nonce = 0;
export function freshStamp(): StampText {
  return writeStamp({
    organization: 'source; with ä',
    mailbox: '11111111-2222-3333-4444-555555555555' as MailboxGuid,
    searchKey: '00112233445566778899aabbccddeeff',
    firstId: 'ffeeddccbbaa99887766554433221100',
    fingerprint: '0123456789abcdef0123456789abcdef',
    sizeBytes: 4096,
    nonce: (++nonce).toString(16).padStart(12, '0'),
  });
}

function draft(
  set: Partial<MailFields> = {},
  mime: Uint8Array = plainMime,
  stamp = freshStamp(),
  bcc: readonly string[] = [],
  ofClass: readonly RawProperty[] = [],
): MailDraft {
  const fields: MailFields = { ...plain, ...set };
  const pick = (wanted: (field: MailField) => boolean) =>
    Object.fromEntries(mailFields.filter(wanted).map((field) => [field, fields[field]]));
  const isState = (field: MailField) => mailProperties[field].carriage === 'state';
  const head = {
    id: 'source item' as ItemId,
    version: 'source version' as Version,
    folder: 'source folder' as FolderId,
    state: pick(isState) as unknown as MailHead['state'],
    facts: pick((field) => !isState(field)) as unknown as MailHead['facts'],
    stamp: null,
    unread: [],
  };
  const content: MailContent = { head, mime: payloadOfBytes(mime), bcc };
  return { content, stamp, ofClass };
}

/** Bytes that are no text: every value but NUL, lines of all lengths and endings. */
const oddBytes = Buffer.concat([
  Buffer.from('X-Odd: yes\r\n\r\n'),
  Buffer.from(Array.from({ length: 4096 }, (_, i) => 1 + ((i * 7 + (i >> 8)) % 255))),
]);
const largeMime = (bytes: number) => {
  const head = Buffer.from('Subject: large\r\nContent-Type: application/octet-stream\r\n\r\n');
  const line = Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n`);
  return Buffer.concat([head, Buffer.alloc(bytes - head.length, line)]);
};
const contents: readonly (readonly [string, Buffer])[] = [
  ['an empty line and nothing else', Buffer.from('\r\n')],
  ['a header and nothing else', Buffer.from('X-Only: header\r\n\r\n')],
  [
    'bytes of eight bits in headers and body',
    Buffer.from('Subject: Gr\xfc\xdfe\r\n\r\n\xe4\xf6\xfc\x80\xff\r\n', 'latin1'),
  ],
  ['odd bytes', oddBytes],
  ['bare line feeds and no end of line', Buffer.from('Subject: unix\n\nline\n.\n..\nlast')],
  ['300 kB', largeMime(300 * 1024)],
  ['5 MB', largeMime(5 * 1024 * 1024)],
];

type Body = (bench: Bench, suite: ConnectorSuite) => Promise<void>;
const tests: (readonly [name: string, body: Body])[] = [];
const define = (name: string, body: Body) => tests.push([name, body]);

// -- the tree --

define('the tree comes in one request, parents before children', async (b) => {
  const outer = b.people.addFolder(b.inbox, 'Outer');
  const inner = b.people.addFolder(outer, 'Inner');
  // The first call of a connector may ask what it talks to.
  await b.box.tree(b.context);
  const before = b.it.requestedAtMs.length;
  const tree = await b.box.tree(b.context);
  expect(b.it.requestedAtMs.length - before).toBeLessThanOrEqual(1);
  const seen = new Set<FolderId>([tree.root]);
  for (const { id, parent } of tree.folders) {
    expect(seen).toContain(parent);
    seen.add(id);
  }
  expect(seen.size).toBe(tree.folders.length + 1);
  for (const { id } of b.people.folders()) expect(seen).toContain(id);
  const shown = tree.folders.find(({ id }) => id === inner);
  expect(shown).toMatchObject({
    parent: outer,
    name: 'Inner',
    containerClass: 'IPF.Note',
    kind: 'folder',
    itemCount: 0,
  });
  expect(tree.folders.find(({ id }) => id === outer)?.childCount).toBe(1);
  expect((await b.box.tree(b.context)).mailbox).toBe(tree.mailbox);
});

define('marks of folders known by id are those of the tree, without those that are gone', async (b) => {
  const [kept, gone] = [b.people.addFolder(b.inbox, 'Kept'), b.people.addFolder(b.inbox, 'Gone')];
  b.people.removeFolder(gone);
  b.deliver();
  b.wait();
  const { folders } = await b.box.tree(b.context);
  const before = b.it.requestedAtMs.length;
  const marks = await b.box.marks([kept, gone, b.inbox], b.context);
  expect(b.it.requestedAtMs.length - before).toBeLessThanOrEqual(1);
  expect([...marks.keys()]).toEqual([kept, b.inbox]);
  for (const id of [kept, b.inbox]) expect(marks.get(id)?.mark).toBe(folders.find((f) => f.id === id)?.mark);
  b.deliver();
  b.wait();
  const after = await b.box.marks([kept, b.inbox], b.context);
  expect(after.get(kept)).toEqual(marks.get(kept));
  expect(after.get(b.inbox)?.mark).not.toBe(marks.get(b.inbox)?.mark);
});

define('a glance shows what `marks` shows, and that it is the same until something changes', async (b) => {
  const { glance } = b.it.connector;
  if (!glance) return;
  const [kept, gone] = [b.people.addFolder(b.inbox, 'Kept'), b.people.addFolder(b.inbox, 'Gone')];
  b.people.removeFolder(gone);
  b.deliver();
  b.wait();
  const wanted = [kept, gone, b.inbox];
  const look = (before: string | null) => glance(b.box.address, wanted, before, b.context);
  // The first answer may teach the client which version to speak.
  await look(null);
  const first = await look(null);
  if (first === 'same') throw new Error('nothing was seen before');
  expect(first.marks).toEqual(await b.box.marks(wanted, b.context));
  expect(await look(first.digest)).toBe('same');
  b.deliver();
  b.wait();
  expect(await look(first.digest)).toMatchObject({ marks: await b.box.marks(wanted, b.context) });
});

define('marks move when contents are created, changed, moved and deleted, and stay otherwise', async (b) => {
  b.deliver();
  b.wait();
  const seen = new Set<string | null>();
  const moves = async (folder: FolderId, change: () => unknown) => {
    const before = await b.mark(folder);
    b.wait();
    await change();
    b.wait();
    const after = await b.mark(folder);
    expect(after).not.toBe(before);
    if (folder === b.inbox) expect(seen).not.toContain(after);
    seen.add(after);
    expect(await b.mark(folder)).toBe(after);
  };
  let id = b.deliver();
  await moves(b.inbox, () => (id = b.deliver()));
  await moves(b.inbox, () => b.people.edit(id, { categories: ['c'] }));
  await moves(b.inbox, () => b.people.touch(id));
  await moves(b.inbox, () => b.update(id, { importance: 'high' }));
  await moves(b.inbox, () => b.createOne());
  await moves(b.sent, () => (id = b.people.move(id, b.sent)));
  await moves(b.inbox, () => b.people.copy(id, b.inbox));
  await moves(b.inbox, () => (id = b.people.move(id, b.inbox)));
  await moves(b.inbox, () => b.people.remove(id));
});

define('counts of items follow what is in the folder', async (b) => {
  b.deliver();
  const id = b.deliver();
  b.people.remove(id);
  const { folders } = await b.box.tree(b.context);
  expect(folders.find((f) => f.id === b.inbox)?.itemCount).toBe(1);
});

define('roles name the well-known folders', async (b) => {
  const roles = await b.box.roles(b.context);
  for (const role of ['inbox', 'drafts', 'sentitems', 'deleteditems', 'outbox', 'junkemail', 'calendar'] as const)
    expect(roles.get(role)).toBe(folderByRole(b.people, role));
  expect(roles.get('syncissues')).toBe(folderByRole(b.people, 'syncissues'));
  expect(roles.get('msgfolderroot')).toBe((await b.box.tree(b.context)).root);
  expect(new Set(roles.values()).size).toBe(roles.size);
});

// -- the change feed --

define('a feed begins with everything that is there, each once', async (b) => {
  const ids = [b.deliver(), b.deliver(), b.deliver()];
  b.deliver(b.sent);
  const doomed = b.deliver();
  b.people.remove(doomed);
  const { changes, cursor } = await b.changes(b.inbox);
  expect(changes.map((c) => (c.kind === 'upsert' ? c.head.id : c.kind)).sort()).toEqual([...ids].sort());
  for (const c of changes) if (c.kind === 'upsert') expect(c.head.folder).toBe(b.inbox);
  expect((await b.changes(b.inbox, cursor)).changes).toEqual([]);
});

define('a feed goes on with what was created, changed and deleted', async (b) => {
  const [kept, edited, deleted] = [b.deliver(), b.deliver(), b.deliver()] as const;
  const { cursor } = await b.changes(b.inbox);
  b.people.edit(edited, { flagStatus: 2, flagRequest: 'Follow up' });
  b.people.remove(deleted);
  const created = b.deliver();
  const { changes } = await b.changes(b.inbox, cursor);
  expect(
    changes
      .map((c) => (c.kind === 'upsert' ? `${c.kind} ${c.head.id}` : c.kind === 'unreadable' ? c : `${c.kind} ${c.id}`))
      .sort(),
  ).toEqual([`delete ${deleted}`, `upsert ${created}`, `upsert ${edited}`].sort());
  const change = changes.find((c) => c.kind === 'upsert' && c.head.id === edited);
  expect(change).toMatchObject({ head: { state: { flagStatus: 2, flagRequest: 'Follow up' } } });
  expect(await b.missing(kept)).toBe('there');
});

define('an old cursor can be read again', async (b) => {
  const { cursor } = await b.changes(b.inbox);
  const id = b.deliver();
  const first = await b.changes(b.inbox, cursor);
  const again = await b.changes(b.inbox, cursor);
  expect(again.changes).toEqual(first.changes);
  expect(first.changes).toMatchObject([{ kind: 'upsert', head: { id } }]);
});

define('a feed comes in pages that leave nothing out', async (b) => {
  const { changePageMax } = b.it.connector.abilities;
  const ids = Array.from({ length: 2 * changePageMax + 3 }, () => b.deliver());
  const seen: ItemId[] = [];
  let cursor: Cursor | null = null;
  for (let pages = 1; ; pages++) {
    const page: ChangePage = await b.box.changes(b.inbox, cursor, b.context);
    expect(page.changes.length).toBeLessThanOrEqual(changePageMax);
    seen.push(...page.changes.flatMap((c) => (c.kind === 'upsert' ? [c.head.id] : [])));
    cursor = page.cursor;
    // Somebody works in the folder while it is read.
    if (pages === 1) ids.push(b.deliver());
    if (page.complete) break;
    expect(pages).toBeLessThan(6);
  }
  expect([...new Set(seen)].sort()).toEqual([...ids].sort());
});

define('a feed that another one goes on with leaves out nothing that went away, or is lost', async (b) => {
  const { changePageMax } = b.it.connector.abilities;
  for (const from of [null, 'the end']) {
    const before = from === null ? null : (await b.changes(b.inbox)).cursor;
    const ids = Array.from({ length: changePageMax + 3 }, () => b.deliver());
    const page: ChangePage = await b.box.changes(b.inbox, before, b.context);
    expect(page.complete).toBe(false);
    const told = page.changes.flatMap((c) => (c.kind === 'upsert' && ids.includes(c.head.id) ? [c.head.id] : []));
    const gone = found(told[0]);
    b.people.move(gone, b.sent);
    // Another process goes on, which has nothing but the cursor.
    const other = b.it.another().mailbox(b.people.address);
    const seen: Change[] = [];
    const lost = async (): Promise<boolean> => {
      for (let at = page.cursor; ; ) {
        const next = await other.changes(b.inbox, at, b.context).catch((error: unknown) => {
          if (error instanceof FaultError && error.fault.kind === 'cursor-lost') return null;
          throw error;
        });
        if (next === null) return true;
        seen.push(...next.changes);
        at = next.cursor;
        if (next.complete) return false;
      }
    };
    expect((await lost()) || seen.some((c) => c.kind === 'delete' && c.id === gone)).toBe(true);
  }
});

define('a read flag alone is told as a read flag and leaves the version', async (b) => {
  const id = b.deliver();
  const { version } = await b.head(id);
  const { cursor } = await b.changes(b.inbox);
  b.people.edit(id, { isRead: true });
  const read = await b.changes(b.inbox, cursor);
  expect(read.changes).toEqual([{ kind: 'read-flag', id, isRead: true }]);
  b.people.edit(id, { isRead: false });
  expect((await b.changes(b.inbox, read.cursor)).changes).toEqual([{ kind: 'read-flag', id, isRead: false }]);
  expect((await b.head(id)).version).toBe(version);
});

define('a read flag and another change are told as one upsert', async (b) => {
  const id = b.deliver();
  const { cursor } = await b.changes(b.inbox);
  b.people.edit(id, { isRead: true });
  b.people.edit(id, { importance: 'high' });
  const { changes } = await b.changes(b.inbox, cursor);
  const upserts = changes.filter((c) => c.kind === 'upsert');
  expect(upserts).toMatchObject([{ head: { id, state: { isRead: true, importance: 'high' } } }]);
});

define('a move is a delete and an upsert under another id with the same SearchKey', async (b) => {
  const id = b.deliver();
  const key = (await b.head(id)).facts.searchKey;
  expect(key).toMatch(/^[0-9a-f]+$/);
  const [from, to] = [await b.changes(b.inbox), await b.changes(b.sent)];
  const moved = b.people.move(id, b.sent);
  expect((await b.changes(b.inbox, from.cursor)).changes).toEqual([{ kind: 'delete', id }]);
  const { changes } = await b.changes(b.sent, to.cursor);
  expect(changes).toMatchObject([{ kind: 'upsert', head: { id: moved, folder: b.sent, facts: { searchKey: key } } }]);
  expect(moved).not.toBe(id);
  expect(await b.missing(id)).toBe('gone');
});

define('copies share the SearchKey, other mails do not', async (b) => {
  const id = b.deliver();
  const other = b.deliver();
  const copy = b.people.copy(id, b.sent);
  const keys = await Promise.all([id, copy, other].map(async (one) => (await b.head(one)).facts.searchKey));
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

define('a cursor that the server forgot is said to be lost, and the feed begins anew', async (b) => {
  b.deliver();
  const { cursor } = await b.changes(b.inbox);
  b.it.forgetCursors();
  expect(await thrown(b.box.changes(b.inbox, cursor, b.context))).toEqual({ kind: 'cursor-lost' });
  expect((await b.changes(b.inbox)).changes).toHaveLength(1);
});

define('a cursor that is none is a lost one', async (b) => {
  expect(await thrown(b.box.changes(b.inbox, 'no cursor of anybody' as Cursor, b.context))).toEqual({
    kind: 'cursor-lost',
  });
});

define('the feed of a folder that is gone says so', async (b) => {
  const folder = b.people.addFolder(b.inbox, 'Doomed');
  const { cursor } = await b.changes(folder);
  b.people.removeFolder(folder);
  expect((await thrown(b.box.changes(folder, cursor, b.context))).kind).toBe('gone');
  expect((await thrown(b.box.changes(folder, null, b.context))).kind).toBe('gone');
});

// -- reading items --

define('heads and contents answer for each id in its place', async (b) => {
  const [first, doomed, last] = [b.deliver(), b.deliver(), b.deliver()] as const;
  b.people.remove(doomed);
  const ids = [last, doomed, first];
  const heads = await b.box.heads(ids, b.context);
  expect([...heads.keys()]).toEqual(ids);
  expect(ids.map((id) => heads.get(id)).map((h) => (isFault(h) ? h.kind : h?.id))).toEqual([last, 'gone', first]);
  const read = await b.box.contents(
    ids.map((id) => ({ id, sizeBytes: 0 })),
    b.context,
  );
  expect(ids.map((id) => read.get(id)).map((c) => (isFault(c) ? c.kind : c?.head.id))).toEqual([last, 'gone', first]);
  for (const content of read.values()) if (!isFault(content)) await content.mime.dispose();
  expect(await b.box.heads([], b.context)).toEqual(new Map());
});

define('more heads than go into one request are answered', async (b) => {
  const ids = Array.from({ length: b.it.connector.abilities.batchMax * 2 + 1 }, () => b.deliver());
  const heads = await b.box.heads(ids, b.context);
  expect(ids.map((id) => found(heads.get(id)).id)).toEqual(ids);
});

define('a head is the same in the feed, among heads and with the content', async (b) => {
  const id = b.deliver(b.inbox, { isRead: true });
  b.people.edit(id, { categories: ['a', 'b'], flagStatus: 2 });
  const [shown] = await b.heads(b.inbox);
  const read = found((await b.box.contents([{ id, sizeBytes: 0 }], b.context)).get(id));
  await read.mime.dispose();
  expect(await b.head(id)).toEqual(shown);
  expect(read.head).toEqual(shown);
});

for (const [name, mime] of contents) {
  define(`contents are byte-identical: ${name}`, async (b) => {
    expect((await b.content(b.deliver(b.inbox, { mime }))).equals(mime)).toBe(true);
    const { id } = await b.createOne({}, mime);
    expect(
      b.people
        .items()
        .find((item) => item.id === id)
        ?.mime.equals(mime),
    ).toBe(true);
    expect((await b.content(id)).equals(mime)).toBe(true);
  });
}

define('properties come as raw values, absent ones left out, gone items in their place', async (b) => {
  const id = b.deliver();
  const doomed = b.deliver();
  b.people.remove(doomed);
  b.people.edit(id, { flagRequest: 'Rückruf', categories: ['x', 'y'] });
  const wanted = (['flagRequest', 'categories', 'iconIndex'] as const).map((f) => mailProperties[f].mapi);
  const read = await b.box.properties([id, doomed], wanted, b.context);
  expect(read.get(doomed)).toMatchObject({ kind: 'gone' });
  expect(
    [...(found(read.get(id)) as readonly unknown[])].sort((x, y) => JSON.stringify(x).localeCompare(JSON.stringify(y))),
  ).toEqual(
    [
      { property: wanted[0], values: ['Rückruf'] },
      { property: wanted[1], values: ['x', 'y'] },
    ].sort((x, y) => JSON.stringify(x).localeCompare(JSON.stringify(y))),
  );
});

define('hundreds of properties are asked for like one', async (b) => {
  const id = b.deliver();
  b.people.edit(id, { flagRequest: 'Call back' });
  const { mapi } = mailProperties.flagRequest;
  // Tags of the range that nobody has defined (MS-OXPROPS 1.3.3: message class-defined content), so that none is there.
  const others = Array.from({ length: 250 }, (_, n) => ({ tag: 0x6c00 + n, type: 'integer' as const }));
  const read = await b.box.properties([id], [...others, mapi], b.context);
  expect(found(read.get(id))).toEqual([{ property: mapi, values: ['Call back'] }]);
});

// -- creating --

define('a stamp is shown by the very next read of the feed and found by a search', async (b) => {
  const { cursor } = await b.changes(b.inbox);
  const stamp = freshStamp();
  const [written] = await b.create(b.inbox, draft({}, plainMime, stamp));
  const { changes } = await b.changes(b.inbox, cursor);
  expect(changes).toMatchObject([{ kind: 'upsert', head: { id: written?.id, version: written?.version, stamp } }]);
  const other = freshStamp();
  const search = await b.box.findByStamp(b.inbox, [stamp, other], b.context);
  expect([...search.keys()]).toEqual([stamp]);
  expect(search.get(stamp)).toMatchObject([{ id: written?.id, stamp }]);
  expect(await b.box.findByStamp(b.sent, [stamp], b.context)).toEqual(new Map());
});

define('what was created twice has two heads under its stamp', async (b) => {
  const one = draft();
  const first = await b.create(b.inbox, one);
  const second = await b.create(b.inbox, one);
  const heads = (await b.box.findByStamp(b.inbox, [one.stamp], b.context)).get(one.stamp) ?? [];
  expect(heads.map(({ id }) => id).sort()).toEqual([...first, ...second].map(({ id }) => id).sort());
});

define('many stamps are searched at once', async (b) => {
  const drafts = Array.from({ length: 45 }, () => draft());
  const written = await b.create(b.inbox, ...drafts);
  const search = await b.box.findByStamp(
    b.inbox,
    drafts.map(({ stamp }) => stamp),
    b.context,
  );
  expect(drafts.map(({ stamp }) => search.get(stamp)?.map(({ id }) => id))).toEqual(written.map(({ id }) => [id]));
});

define('answers are in the order of the drafts, and versions are those of the feed', async (b) => {
  const mimes = ['one', 'two', 'three', 'four'].map((n) => Buffer.from(`Subject: ${n}\r\n\r\n${n}\r\n`));
  const written = await b.create(b.inbox, ...mimes.map((mime) => draft({}, mime)));
  for (const [i, mime] of mimes.entries()) {
    const { id, version } = found(written[i]);
    expect((await b.content(id)).equals(mime)).toBe(true);
    expect((await b.head(id)).version).toBe(version);
  }
});

define('what is created as sent mail is no draft, and a draft is one', async (b) => {
  for (const folder of [b.inbox, b.sent, folderByRole(b.people, 'drafts')]) {
    const { id } = await b.createOne({ messageFlags: 0 }, plainMime, folder);
    expect(isDraft((await b.head(id)).facts)).toBe(false);
    expect(b.people.items().find((item) => item.id === id)?.isDraft).toBe(false);
  }
  expect(b.people.sent()).toEqual([]);
});

define('a draft is created as a draft', async (b) => {
  const { id } = await b.createOne({ messageFlags: MESSAGE_FLAG_UNSENT }, plainMime, folderByRole(b.people, 'drafts'));
  expect(isDraft((await b.head(id)).facts)).toBe(true);
  expect(b.people.sent()).toEqual([]);
});

const times: readonly (readonly [string, number])[] = [
  ['of 1601', -11_644_473_600_000],
  ['of 1970', 0],
  ['of the future', Date.UTC(2099, 11, 31, 23, 59, 59)],
];
for (const [name, ms] of times) {
  define(`times ${name} are kept`, async (b) => {
    for (const folder of [b.inbox, b.sent]) {
      const { id } = await b.createOne({ sentAt: ms, receivedAt: ms }, plainMime, folder);
      expect((await b.head(id)).facts).toMatchObject({ sentAt: ms, receivedAt: ms });
    }
  });
}

define('an item without times does not get the present as its date', async (b) => {
  const facts = async (set: Partial<MailFields>) => (await b.head((await b.createOne(set, bareMime)).id)).facts;
  const { sentAt = 0, receivedAt = 0, createdAt = 0 } = plain;
  const withoutSent = await facts({ sentAt: null });
  expect([null, receivedAt]).toContain(withoutSent.sentAt);
  const withoutReceived = await facts({ receivedAt: null });
  expect([null, sentAt]).toContain(withoutReceived.receivedAt);
  const withoutBoth = await facts({ sentAt: null, receivedAt: null });
  expect([null, createdAt]).toContain(withoutBoth.sentAt);
  expect([null, createdAt]).toContain(withoutBoth.receivedAt);
});

define('recipients of blind copies are kept', async (b) => {
  const bcc = ['Zoë <zoe@example.test>', 'plain@example.test <plain@example.test>'];
  const [written] = await b.create(b.inbox, draft({}, plainMime, freshStamp(), bcc));
  const id = found(written).id;
  const content = found((await b.box.contents([{ id, sizeBytes: 0 }], b.context)).get(id));
  await content.mime.dispose();
  expect(content.bcc).toEqual(bcc);
});

define('a retention tag of the source is not carried over', async (b) => {
  const { id } = await b.createOne({ retentionTag: 'ABEiM0RVZneImaq7zN3u/w==' });
  expect((await b.head(id)).facts.retentionTag).toBeNull();
});

define('pending receipts are not carried over with the flags', async (b) => {
  const mime = Buffer.from('From: <a@test>\r\nDisposition-Notification-To: <a@test>\r\nSubject: receipt\r\n\r\nx\r\n');
  const { id } = await b.createOne(
    { messageFlags: 0x300 | MESSAGE_FLAG_READ, isRead: true, readReceiptRequested: true },
    mime,
  );
  b.people.remove(id);
  expect(b.people.sent()).toEqual([]);
});

// -- every row of the property table --

/** What is shown of a sample that was given. */
function expected(field: MailField, sample: unknown): unknown {
  return field === 'messageFlags' ? (sample as number) & (MESSAGE_FLAG_READ | MESSAGE_FLAG_UNSENT) : sample;
}
async function shown(b: Bench, id: ItemId, field: MailField): Promise<unknown> {
  let head = await b.head(id);
  if (mailProperties[field].readFrom === 'feed') {
    const inFeed = (await b.heads(b.inbox)).find((one) => one.id === id);
    expect(inFeed).toEqual(head);
  } else {
    const content = found((await b.box.contents([{ id, sizeBytes: 0 }], b.context)).get(id));
    await content.mime.dispose();
    head = content.head;
  }
  expect(head.unread).toEqual([]);
  return expected(field, ({ ...head.state, ...head.facts } as MailFields)[field]);
}

for (const field of mailFields) {
  const { carriage, sample } = mailProperties[field];
  const samples: readonly unknown[] = sample;
  if (carriage !== 'state' && carriage !== 'fact') continue;
  define(`a create carries ${field}`, async (b) => {
    for (const value of samples) {
      // An item without dates has a test of its own.
      if (value === null && (field === 'sentAt' || field === 'receivedAt')) continue;
      const isRead = field === 'messageFlags' ? ((value as number) & MESSAGE_FLAG_READ) !== 0 : plain.isRead;
      const { id } = await b.createOne({ isRead, [field]: value }, bareMime);
      expect(await shown(b, id, field)).toEqual(expected(field, value));
    }
  });
  if (carriage !== 'state') continue;
  define(`an update sets ${field}, and nothing else`, async (b) => {
    const { id } = await b.createOne({}, bareMime);
    for (const value of [...samples, ...samples.toReversed()]) {
      const before = (await b.head(id)).state;
      await b.update(id, { [field]: value });
      expect(await shown(b, id, field)).toEqual(value);
      expect((await b.head(id)).state).toEqual({ ...before, [field]: value });
      expect(b.people.items().find((item) => item.id === id)?.state).toEqual({ ...before, [field]: value });
    }
  });
}

define('an update of every field at once', async (b) => {
  const { id } = await b.createOne({}, bareMime);
  const set = Object.fromEntries(mailStateFields.map((field) => [field, mailProperties[field].sample.at(-1)]));
  await b.update(id, set);
  expect((await b.head(id)).state).toEqual(set);
  const cleared = Object.fromEntries(mailStateFields.map((field) => [field, plain[field]]));
  await b.update(id, cleared);
  expect((await b.head(id)).state).toEqual(cleared);
});

// -- what messages of a class have besides their MIME --

const sampleOfType: Readonly<Record<MapiType, readonly string[]>> = {
  string: ['Räume <1> & "2"'],
  integer: ['-7'],
  boolean: ['true'],
  time: ['2026-03-02T09:00:00Z'],
  binary: [Buffer.from('\0\u0001bytes\0').toString('base64')],
  strings: ['one', 'two, three'],
  long: ['9007199254740993'],
  double: ['1.5'],
  guid: ['00062002-0000-0000-c000-000000000046'],
};
const sampleClasses = {
  'ipm.schedule.meeting': 'IPM.Schedule.Meeting.Request',
  report: 'REPORT.IPM.Note.IPNRN',
} as const;

for (const { title, classes, properties } of classRows) {
  define(`${title}: a create carries every property of the class, and nothing happens`, async (b) => {
    const [first = ''] = classes;
    const itemClass = sampleClasses[first as keyof typeof sampleClasses] ?? first.replace('ipm.note', 'IPM.Note');
    const ofClass = properties.map(({ property }) => ({ property, values: sampleOfType[property.type] }));
    const [{ id }] = (await b.create(b.inbox, draft({ itemClass }, bareMime, freshStamp(), [], ofClass))) as [Written];
    expect((await b.head(id)).facts.itemClass).toBe(itemClass);
    const wanted = properties.map(({ property }) => property);
    const answer = found((await b.box.properties([id], wanted, b.context)).get(id));
    const texts = (some: readonly RawProperty[]) => some.map((one) => JSON.stringify(one)).sort();
    expect(texts(answer)).toEqual(texts(ofClass));
    // Of no value there is none.
    const empty = ofClass.map(({ property }) => ({ property, values: property.type === 'strings' ? [] : [''] }));
    const [bare] = await b.create(b.inbox, draft({ itemClass }, bareMime, freshStamp(), [], empty));
    expect((await b.head(found(bare).id)).facts.itemClass).toBe(itemClass);
    expect(b.people.sent()).toEqual([]);
  });
}

// -- faults in place --

define('one message that is too large leaves its neighbours alone', async (b, { itemMaxBytes }) => {
  const drafts = [draft(), draft({}, largeMime(itemMaxBytes + 1000)), draft(), draft()];
  const answers = await b.box.create(b.inbox, drafts, b.context);
  expect(answers.map((a) => (isFault(a) ? a : 'written'))).toEqual([
    'written',
    expect.objectContaining({ kind: 'poison', reason: 'too-large' }),
    'written',
    'written',
  ]);
  expect(b.people.items()).toHaveLength(3);
});

define('items for a folder that is gone are answered one by one', async (b) => {
  const folder = b.people.addFolder(b.inbox, 'Doomed');
  b.people.removeFolder(folder);
  const answers = await b.box.create(folder, [draft(), draft()], b.context);
  expect(answers.map((a) => (isFault(a) ? a.kind : 'written'))).toEqual(['gone', 'gone']);
});

define('an update answers for each edit in its place, and writes nothing to a stale item', async (b) => {
  const [fine, stale, doomed, last] = [b.deliver(), b.deliver(), b.deliver(), b.deliver()] as const;
  const ids = [fine, stale, doomed, last];
  const heads = await b.box.heads(ids, b.context);
  b.people.edit(stale, { flagStatus: 2 });
  b.people.remove(doomed);
  const { cursor } = await b.changes(b.inbox);
  const answers = await b.box.update(
    ids.map((id) => ({
      id,
      expect: found(heads.get(id)).version,
      set: { importance: 'high' as const, categories: ['ours'] },
      readReceiptRequested: false,
    })),
    b.context,
  );
  expect(answers.map((a) => (isFault(a) ? a.kind : a.id))).toEqual([fine, 'stale', 'gone', last]);
  expect((await b.head(stale)).state).toMatchObject({ flagStatus: 2, importance: 'normal', categories: [] });
  const changed = (await b.changes(b.inbox, cursor)).changes.flatMap((c) => (c.kind === 'upsert' ? [c.head.id] : []));
  expect([...changed].sort()).toEqual([fine, last].sort());
  const written = found(answers[0]);
  expect((await b.head(fine)).version).toBe(written.version);
});

define('a version serves for one update', async (b) => {
  const id = b.deliver();
  const { version } = await b.head(id);
  const edit = { id, expect: version, set: { importance: 'high' as const }, readReceiptRequested: false };
  found((await b.box.update([edit], b.context))[0]);
  expect((await b.box.update([{ ...edit, set: { importance: 'low' } }], b.context))[0]).toMatchObject({
    kind: 'stale',
  });
  expect((await b.head(id)).state.importance).toBe('high');
});

// -- receipts --

const receiptMime = Buffer.from(
  'From: <sender@elsewhere.test>\r\nDisposition-Notification-To: <sender@elsewhere.test>\r\nSubject: receipt\r\n\r\nplease\r\n',
);
const receipt = { mime: receiptMime, readReceiptRequested: true } as const;

define('marking as read sends no receipt', async (b) => {
  const id = b.deliver(b.inbox, receipt);
  expect((await b.head(id)).facts.readReceiptRequested).toBe(true);
  await b.update(id, { isRead: true }, true);
  expect((await b.head(id)).state.isRead).toBe(true);
  const other = b.deliver(b.inbox, receipt);
  await b.update(other, { isRead: true, categories: ['c'] }, true);
  expect((await b.head(other)).state).toMatchObject({ isRead: true, categories: ['c'] });
  expect(b.people.sent()).toEqual([]);
});

define('removing and moving unread mail send no receipt', async (b) => {
  const [doomed, moved] = [b.deliver(b.inbox, receipt), b.deliver(b.inbox, receipt)] as const;
  const { version } = await b.head(doomed);
  expect(await b.box.remove([{ id: doomed, expect: version, readReceiptRequested: true }], b.context)).toEqual([null]);
  found((await b.box.move([moved], b.sent, b.context))[0]);
  expect(b.people.sent()).toEqual([]);
});

define('a copy asks for no receipt that its source asks for no longer, whatever its header fields say', async (b) => {
  const { id } = await b.createOne({ readReceiptRequested: false }, receiptMime);
  expect((await b.head(id)).facts.readReceiptRequested).toBe(false);
  await b.update(id, { isRead: true });
  expect(b.people.sent()).toEqual([]);
});

define('a receipt that nobody waits for is no obstacle', async (b) => {
  const id = b.deliver();
  await b.update(id, { isRead: true }, true);
  const { version } = await b.head(id);
  expect(await b.box.remove([{ id, expect: version, readReceiptRequested: true }], b.context)).toEqual([null]);
  expect(b.people.sent()).toEqual([]);
});

// -- removing and moving --

define('what is removed can be brought back', async (b) => {
  const id = b.deliver();
  const { cursor } = await b.changes(b.inbox);
  const { version } = await b.head(id);
  expect(await b.box.remove([{ id, expect: version, readReceiptRequested: false }], b.context)).toEqual([null]);
  expect(await b.missing(id)).toBe('gone');
  expect((await b.changes(b.inbox, cursor)).changes).toEqual([{ kind: 'delete', id }]);
  expect(b.people.items()).toEqual([]);
  expect(b.people.recoverable().map(({ mime }) => mime.equals(plainMime))).toEqual([true]);
});

define('what is newer than expected is not removed', async (b) => {
  const [newer, doomed, gone] = [b.deliver(), b.deliver(), b.deliver()] as const;
  const heads = await b.box.heads([newer, doomed, gone], b.context);
  b.people.edit(newer, { categories: ['a person was here'] });
  b.people.remove(gone);
  const answers = await b.box.remove(
    [newer, doomed, gone].map((id) => ({ id, expect: found(heads.get(id)).version, readReceiptRequested: false })),
    b.context,
  );
  expect(answers.map((a) => (a === null ? a : a.kind))).toEqual(['stale', null, 'gone']);
  expect(b.people.items().map(({ id }) => id)).toEqual([newer]);
});

define('equal mails are removed one by one', async (b) => {
  const id = b.deliver();
  const copy = b.people.copy(id, b.inbox);
  const { version } = await b.head(copy);
  expect(await b.box.remove([{ id: copy, expect: version, readReceiptRequested: false }], b.context)).toEqual([null]);
  expect(b.people.items().map((item) => item.id)).toEqual([id]);
});

define('a move answers with the new id and keeps everything', async (b) => {
  const id = b.deliver();
  b.people.edit(id, { categories: ['c'], flagStatus: 2, isRead: true });
  const before = await b.head(id);
  const doomed = b.deliver();
  b.people.remove(doomed);
  const answers = await b.box.move([doomed, id], b.sent, b.context);
  expect(answers[0]).toMatchObject({ kind: 'gone' });
  const moved = found(answers[1]);
  const after = await b.head(moved.id);
  expect(after).toMatchObject({ version: moved.version, folder: b.sent, state: before.state });
  expect(after.facts.searchKey).toBe(before.facts.searchKey);
  expect(await b.missing(id)).toBe('gone');
  expect(b.people.items()).toHaveLength(1);
});

define('a stamp moves with its item', async (b) => {
  const one = draft();
  const [written] = await b.create(b.inbox, one);
  const moved = found((await b.box.move([found(written).id], b.sent, b.context))[0]);
  expect((await b.head(moved.id)).stamp).toBe(one.stamp);
});

define('a move to a folder that is gone leaves the items where they are', async (b) => {
  const folder = b.people.addFolder(b.inbox, 'Doomed');
  b.people.removeFolder(folder);
  const ids = [b.deliver(), b.deliver()];
  const answers = await b.box.move(ids, folder, b.context);
  expect(answers.map((a) => (isFault(a) ? a.kind : 'moved'))).toEqual(['gone', 'gone']);
  expect(b.people.items().map(({ id }) => id)).toEqual(ids);
});

// -- folders --

const folderNames = ['A / B', 'C \\ D', 'Reisen & <Spesen> "✈"', '🗂️ 文件', ' odd ', 'x'.repeat(255), ']]>', 'a\u00a0b'];
for (const name of folderNames) {
  define(`a folder is created, shown and renamed as ${JSON.stringify(name.slice(0, 24))}`, async (b) => {
    const id = await b.box.createFolder(b.inbox, name, 'IPF.Note', b.context);
    const shownAs = async (folder: FolderId) => {
      const { folders } = await b.box.tree(b.context);
      return folders.find((f) => f.id === folder);
    };
    expect(await shownAs(id)).toMatchObject({ name, parent: b.inbox, containerClass: 'IPF.Note', kind: 'folder' });
    const other = b.people.addFolder(b.inbox, 'other name');
    await b.box.removeFolder(id, b.context);
    await b.box.renameFolder(other, name, b.context);
    expect(await shownAs(other)).toMatchObject({ name });
  });
}

define('a name with a control character is refused as a name, or shown as it is but for that character', async (b) => {
  const name = 'bell\u0007 inside';
  try {
    const id = await b.box.createFolder(b.inbox, name, 'IPF.Note', b.context);
    const { folders } = await b.box.tree(b.context);
    expect([name, name.replace('\u0007', '\ufffd')]).toContain(folders.find((f) => f.id === id)?.name);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    expect(error.fault).toMatchObject({ kind: 'poison', reason: 'name-refused' });
  }
});

define('a folder of a name that is taken is refused as stale', async (b) => {
  b.people.addFolder(b.inbox, 'Taken');
  const other = b.people.addFolder(b.inbox, 'Other');
  const elsewhere = b.people.addFolder(b.sent, 'taken');
  const refused = { kind: 'stale', detail: expect.stringContaining('exists') };
  expect(await thrown(b.box.createFolder(b.inbox, 'taken', 'IPF.Note', b.context))).toEqual(refused);
  expect(await thrown(b.box.renameFolder(other, 'TAKEN', b.context))).toEqual(refused);
  expect(await thrown(b.box.moveFolder(elsewhere, b.inbox, b.context))).toEqual(refused);
  // Its own name in other letters is no other folder's.
  await b.box.renameFolder(other, 'OTHER', b.context);
  expect(b.people.folders().find((f) => f.id === other)?.name).toBe('OTHER');
});

define('a folder keeps its id when it is renamed and moved, with what is in it', async (b) => {
  const outer = b.people.addFolder(b.inbox, 'Outer');
  const inner = b.people.addFolder(outer, 'Inner');
  const id = b.deliver(inner);
  await b.box.renameFolder(outer, 'Renamed', b.context);
  await b.box.moveFolder(outer, b.sent, b.context);
  const { folders } = await b.box.tree(b.context);
  expect(folders.find((f) => f.id === outer)).toMatchObject({ name: 'Renamed', parent: b.sent });
  expect(folders.find((f) => f.id === inner)).toMatchObject({ name: 'Inner', parent: outer, itemCount: 1 });
  expect((await b.head(id)).folder).toBe(inner);
});

define('a folder is removed with what is in it, and its items can be brought back', async (b) => {
  const outer = b.people.addFolder(b.inbox, 'Outer');
  const inner = b.people.addFolder(outer, 'Inner');
  b.deliver(inner, receipt);
  await b.box.removeFolder(outer, b.context);
  const { folders } = await b.box.tree(b.context);
  expect(folders.map((f) => f.id)).not.toContain(outer);
  expect(folders.map((f) => f.id)).not.toContain(inner);
  expect(b.people.items()).toEqual([]);
  expect(b.people.recoverable()).toHaveLength(1);
  expect(b.people.sent()).toEqual([]);
});

define('writes to a folder that is gone say so', async (b) => {
  const folder = b.people.addFolder(b.inbox, 'Doomed');
  const other = b.people.addFolder(b.inbox, 'Other');
  b.people.removeFolder(folder);
  expect((await thrown(b.box.createFolder(folder, 'x', 'IPF.Note', b.context))).kind).toBe('gone');
  expect((await thrown(b.box.renameFolder(folder, 'x', b.context))).kind).toBe('gone');
  expect((await thrown(b.box.moveFolder(other, folder, b.context))).kind).toBe('gone');
  expect((await thrown(b.box.removeFolder(folder, b.context))).kind).toBe('gone');
});

// -- time --

/** Every call of a mailbox, with what it is about. */
async function calls(b: Bench): Promise<Readonly<Record<string, (context: Context) => Promise<unknown>>>> {
  const id = b.deliver(b.inbox, receipt);
  const folder = b.people.addFolder(b.inbox, 'Folder');
  const { version } = await b.head(id);
  const wanted = [mailProperties.importance.mapi];
  return {
    tree: (c) => b.box.tree(c),
    roles: (c) => b.box.roles(c),
    changes: (c) => b.box.changes(b.inbox, null, c),
    heads: (c) => b.box.heads([id], c),
    contents: (c) => b.box.contents([{ id, sizeBytes: 0 }], c),
    properties: (c) => b.box.properties([id], wanted, c),
    findByStamp: (c) => b.box.findByStamp(b.inbox, [freshStamp()], c),
    create: (c) => b.box.create(b.inbox, [draft()], c),
    update: (c) => b.box.update([{ id, expect: version, set: { isRead: true }, readReceiptRequested: true }], c),
    move: (c) => b.box.move([id], b.inbox, c),
    remove: (c) => b.box.remove([{ id, expect: version, readReceiptRequested: true }], c),
    createFolder: (c) => b.box.createFolder(b.inbox, 'New', null, c),
    renameFolder: (c) => b.box.renameFolder(folder, 'Renamed', c),
    moveFolder: (c) => b.box.moveFolder(folder, b.sent, c),
    removeFolder: (c) => b.box.removeFolder(folder, c),
    limits: (c) => b.box.limits(c),
    ping: (c) => b.box.ping(c),
  };
}

define('no request leaves after the deadline of its call', async (b) => {
  const all = await calls(b);
  const commits = b.people.commits;
  const requests = b.it.requestedAtMs.length;
  for (const call of Object.values(all))
    expect(await thrown(call(b.within(0)))).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  expect(b.it.requestedAtMs.length).toBe(requests);
  expect(b.people.commits).toBe(commits);
});

define('a call of several requests stops at its deadline', async (b) => {
  const all = await calls(b);
  b.it.setLatency(1000);
  for (const [name, call] of Object.entries(all)) {
    const context = b.within(1500);
    const before = b.it.requestedAtMs.length;
    await call(context).catch((error: unknown) => {
      if (!(error instanceof FaultError)) throw error;
      expect(error.fault.kind).toBe('transient');
    });
    for (const ms of b.it.requestedAtMs.slice(before)) expect(ms, name).toBeLessThan(context.deadlineMs);
    expect(b.it.requestedAtMs.length, name).toBeGreaterThan(before);
  }
});

define('a call whose signal is aborted asks nothing and ends', async (b) => {
  const all = await calls(b);
  const commits = b.people.commits;
  const requests = b.it.requestedAtMs.length;
  const reason = new Error('the process drains');
  for (const call of Object.values(all))
    await call(b.within(60_000, AbortSignal.abort(reason))).then(
      () => expect.unreachable('it went on'),
      (error: unknown) => {
        if (error instanceof FaultError)
          expect(error.fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
        else expect(error).toBe(reason);
      },
    );
  expect(b.it.requestedAtMs.length).toBe(requests);
  expect(b.people.commits).toBe(commits);
});

// -- the mailbox --

define('a mailbox that is not there says so', async (b) => {
  const nobody = b.it.connector.mailbox(`nobody.${b.people.address}`);
  expect(await thrown(nobody.tree(b.context))).toMatchObject({ kind: 'fatal', code: 'mailbox-gone' });
});

define('limits and ping answer, and the product is known afterwards', async (b) => {
  const ping = await b.box.ping(b.context);
  expect(ping.product).toBe(b.it.connector.abilities.product);
  expect(ping.product).not.toBe('');
  expect(ping.firstByteMs).toBeGreaterThanOrEqual(0);
  const limits = await b.box.limits(b.context);
  expect(limits.retention).toEqual([]);
});

export interface SuiteTest<Bench> {
  readonly name: string;
  readonly body: (bench: Bench, suite: ConnectorSuite) => Promise<unknown>;
}

export const connectorSuite = (suite: ConnectorSuite): void =>
  runSuite(
    suite,
    (it) => new Bench(it),
    tests.map(([name, body]) => ({ name, body })),
  );

/** Each test on a mailbox of its own. One that is listed as a deviation must fail. */
export function runSuite<Bench>(
  suite: ConnectorSuite,
  benchOf: (it: ConnectorUnderTest) => Bench,
  all: readonly SuiteTest<Bench>[],
): void {
  describe(suite.name, () => {
    const deviations = new Map(suite.deviations.map((deviation) => [deviation.test, deviation.because]));

    test.each(all.map(({ name, body }) => [name, body] as const))('%s', async (name, body) => {
      const because = deviations.get(name);
      const it = await suite.open();
      if (because === undefined) {
        await body(benchOf(it), suite);
        await it.close();
        return;
      }
      const failed = await body(benchOf(it), suite).then(
        () => false,
        () => true,
      );
      await it.close();
      if (!failed)
        throw new Error(`this passes by now: take it off the list of deviations, where it said "${because}"`);
    });

    test('every deviation is one of a test that there is', () => {
      const names = new Set(all.map(({ name }) => name));
      expect([...deviations.keys()].filter((name) => !names.has(name))).toEqual([]);
    });
  });
}
