import { describe, expect, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { certainFaults } from '../ews/ews.fixture.ts';
import { type EwsVersion, ewsVersions } from '../seams.ts';
import { exportMime } from './export-mime.ts';
import type { FeedState, Folder } from './folder.ts';
import type { Mailbox } from './mailbox.ts';
import { createPeople } from './people.ts';
import { key } from './property.ts';
import { contentOfMime } from './read-message.ts';
import { Refusal } from './refusal.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

function worldOf(version: EwsVersion = '2016', options: Partial<WorldOptions> = {}): World {
  return createWorld({
    organizations: [{ name: 'one', version, domain: 'one.test' }],
    mailboxes: 4,
    items: 0,
    seed: 7,
    surroundings: { clock: new SteppingClock(1_790_000_000_000), random: seededRandom(7), faults: certainFaults() },
    ...options,
  });
}

function boxOf(world: World, index = 0): Mailbox {
  const entry = world.organizations[0]?.mailboxes[index];
  const mailbox = world.mailbox(entry?.address ?? '');
  if (mailbox === null) throw new Error('no mailbox');
  return mailbox;
}

const asking = contentOfMime(
  Buffer.from('From: a@x.test\r\nDisposition-Notification-To: a@x.test\r\nSubject: x\r\n\r\ny\r\n'),
);
const plain = contentOfMime(Buffer.from('From: a@x.test\r\nSubject: x\r\n\r\ny\r\n'));
const me = { caller: 'tool@one.test', displayName: 'Tool' };
const all = () => true;

/** What a client knows of a folder that reads the feed to its end, page by page. */
function read(folder: Folder, known: Map<number, boolean>, state: FeedState | null, max = 3): FeedState {
  let at = state;
  for (;;) {
    const page = folder.changes(at, max, all);
    for (const { kind, item } of page.changes) {
      if (kind === 'delete') known.delete(item.no);
      else if (kind !== 'read-flag' || known.has(item.no)) known.set(item.no, item.isRead);
    }
    at = page.state;
    if (page.complete) return at;
  }
}
const truth = (folder: Folder): Map<number, boolean> =>
  new Map([...folder.items()].map((item) => [item.no, item.isRead]));

test('MIME says the importance that a message has, whatever it came with', async () => {
  const mailbox = boxOf(worldOf());
  const exported = async (field: string, importance?: number) => {
    const mime = Buffer.from(`From: a@x.test\r\n${field}Subject: x\r\n\r\nImportance: y\r\n`);
    const content = contentOfMime(mime);
    const properties = new Map(content.properties);
    if (importance !== undefined) properties.set(key.importance, { type: 'Integer', value: importance });
    const item = mailbox.create(mailbox.folder('inbox'), { content: { ...content, properties }, messageFlags: 1 }, me);
    return (await exportMime(item, false)).toString();
  };
  const rest = 'From: a@x.test\r\nSubject: x\r\n\r\nImportance: y\r\n';
  for (const field of ['Importance: High\r\n', 'X-Priority: 5\r\n', ''])
    expect(await exported(field)).toBe(`From: a@x.test\r\n${field}Subject: x\r\n\r\nImportance: y\r\n`);
  expect(await exported('', 2)).toBe(`Importance: high\r\n${rest}`);
  expect(await exported('X-Priority: 1\r\nX-MSMail-Priority: High\r\n', 0)).toBe(`Importance: low\r\n${rest}`);
  expect(await exported('Importance: High\r\nX-Priority: 1\r\n', 1)).toBe(rest);
});

describe('receipts', () => {
  test.each(ewsVersions)('Exchange %s sends what was asked for, once, unless it is suppressed', (version) => {
    const world = worldOf(version);
    const mailbox = boxOf(world);
    const inbox = mailbox.folder('inbox');
    const make = () => mailbox.create(inbox, { content: asking, messageFlags: 0, delivered: true }, mailbox.server);
    const one = make();
    mailbox.setRead(one, true, me);
    mailbox.setRead(one, false, me);
    mailbox.setRead(one, true, me);
    expect(world.outbox.map(({ cause, caller, to }) => [cause, caller, to])).toEqual([
      ['read-receipt', me.caller, ['a@x.test']],
    ]);
    mailbox.remove(make(), 'SoftDelete', me);
    expect(world.outbox[1]?.cause).toBe('not-read-receipt');
    mailbox.setRead(make(), true, me, { suppressReceipts: true });
    mailbox.remove(make(), 'HardDelete', me, { suppressReceipts: true });
    const taken = make();
    mailbox.suppressReceipt(taken, me);
    mailbox.setRead(taken, true, me);
    mailbox.move(make(), mailbox.folder('drafts'), me);
    expect(world.outbox).toHaveLength(2);
  });
});

describe('the feed of a folder', () => {
  test('read flags are told apart and leave the commit time and the change key alone', () => {
    const mailbox = boxOf(worldOf());
    const inbox = mailbox.folder('inbox');
    const item = mailbox.create(inbox, { content: plain, messageFlags: 0 }, me);
    const first = inbox.changes(null, 10, all);
    const { localCommitMs } = inbox;
    const { cn } = item;
    mailbox.setRead(item, true, me);
    expect([inbox.localCommitMs, item.cn]).toEqual([localCommitMs, cn]);
    expect(inbox.changes(first.state, 10, all).changes.map(({ kind }) => kind)).toEqual(['read-flag']);
  });

  test('a move is a deletion here and a creation there, under another id and with the same search key', () => {
    const mailbox = boxOf(worldOf());
    const [inbox, drafts] = [mailbox.folder('inbox'), mailbox.folder('drafts')];
    const item = mailbox.create(inbox, { content: plain, messageFlags: 0 }, me);
    const before = { inbox: inbox.changes(null, 10, all).state, drafts: drafts.changes(null, 10, all).state };
    const moved = mailbox.move(item, drafts, me);
    expect(moved.no).not.toBe(item.no);
    expect(moved.searchKey).toBe(item.searchKey);
    expect(inbox.changes(before.inbox, 10, all).changes).toEqual([{ kind: 'delete', item }]);
    expect(drafts.changes(before.drafts, 10, all).changes).toEqual([{ kind: 'create', item: moved }]);
    expect(inbox.deletedCount).toBe(1);
  });

  test.each([1, 2, 3, 4, 5, 6])('reading it page by page while people work ends in the truth, seed %i', (seed) => {
    const world = worldOf('2016', { items: 400, mailboxes: 1, seed });
    const mailbox = boxOf(world);
    const people = createPeople(world.organizations[0] as World['organizations'][number], seededRandom(seed));
    const knowledge = new Map<Folder, { known: Map<number, boolean>; state: FeedState | null }>();
    for (let round = 0; round < 60; round++) {
      for (const folder of mailbox.below(mailbox.folder('msgfolderroot'))) {
        const mine = knowledge.get(folder) ?? { known: new Map(), state: null };
        knowledge.set(folder, mine);
        // One page of a few at a time, with work going on in between.
        const page = folder.changes(mine.state, 1 + (round % 5), all);
        for (const { kind, item } of page.changes) {
          if (kind === 'delete') mine.known.delete(item.no);
          else mine.known.set(item.no, item.isRead);
        }
        mine.state = page.state;
        people.step();
      }
    }
    expect(people.deeds.length).toBeGreaterThan(200);
    for (const folder of mailbox.below(mailbox.folder('msgfolderroot'))) {
      const mine = knowledge.get(folder) ?? { known: new Map(), state: null };
      read(folder, mine.known, mine.state);
      expect(mine.known, folder.path().join('/')).toEqual(truth(folder));
      expect(folder.count).toBe(truth(folder).size);
      expect(folder.unread).toBe([...truth(folder).values()].filter((isRead) => !isRead).length);
    }
  });
});

describe('limits', () => {
  test('quota, message size and folder size are refused with their own names', () => {
    const world = worldOf('2016', {
      organizations: [{ name: 'one', version: '2016', domain: 'one.test', itemMaxBytes: 2000, folderItemsMax: 3 }],
    });
    const mailbox = boxOf(world);
    const inbox = mailbox.folder('inbox');
    const refused = (action: () => void): string | null => {
      try {
        action();
        return null;
      } catch (error) {
        if (error instanceof Refusal) return error.code;
        throw error;
      }
    };
    const large = contentOfMime(Buffer.from(`Subject: x\r\n\r\n${'y'.repeat(3000)}`));
    expect(refused(() => mailbox.create(inbox, { content: large, messageFlags: 0 }, me))).toBe(
      'ErrorMessageSizeExceeded',
    );
    for (let n = 0; n < 3; n++) mailbox.create(inbox, { content: plain, messageFlags: 0 }, me);
    expect(refused(() => mailbox.create(inbox, { content: plain, messageFlags: 0 }, me))).toBe('ErrorQuotaExceeded');
    mailbox.quotaBytes = mailbox.usedBytes + 10;
    expect(refused(() => mailbox.create(mailbox.folder('drafts'), { content: plain, messageFlags: 0 }, me))).toBe(
      'ErrorQuotaExceeded',
    );
  });
});

describe('generated mailboxes', () => {
  test('the same seed makes the same world, another seed another one', () => {
    const truthOf = (seed: number) => {
      const world = worldOf('2010', { items: 200, seed });
      return JSON.stringify(world.snapshot(boxOf(world, 1).address));
    };
    expect(truthOf(3)).toBe(truthOf(3));
    expect(truthOf(3)).not.toBe(truthOf(4));
  });

  test('holds as many items as asked for, in all kinds', () => {
    const world = worldOf('2010', { items: 2000 });
    const boxes = (world.organizations[0]?.mailboxes ?? []).map(({ address }) => world.snapshot(address));
    const items = boxes.flatMap(({ folders }) => folders.flatMap((folder) => folder.items));
    expect(items).toHaveLength(2000);
    const classes = new Set(items.map(({ itemClass }) => itemClass));
    for (const wanted of [
      'IPM.Note',
      'REPORT.IPM.Note.NDR',
      'IPM.Schedule.Meeting.Request',
      'IPM.Note.SMIME.MultipartSigned',
    ])
      expect(classes).toContain(wanted);
    const hashes = items.map(({ mimeSha256 }) => mimeSha256);
    expect(new Set(hashes).size, 'there are twins').toBeLessThan(hashes.length);
    expect(boxes.some(({ folders }) => folders.some(({ path }) => path[0] === 'Posteingang'))).toBe(true);
  });

  test('a mailbox of 50,000 opens at once', () => {
    const world = worldOf('2016', { items: 50_000, mailboxes: 1 });
    const started = process.hrtime.bigint();
    const inbox = boxOf(world).folder('inbox');
    expect(inbox.count).toBeGreaterThan(15_000);
    inbox.changes(null, 512, all);
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(2000);
  });
});

test('sign-in names come in three forms', () => {
  const world = worldOf();
  const [entry] = world.organizations[0]?.mailboxes ?? [];
  const local = entry?.user.split('@')[0] ?? '';
  for (const name of [entry?.user ?? '', `ONE\\${local}`, local.toUpperCase()])
    expect(world.authenticate('one', name, entry?.password ?? '')?.user).toBe(entry?.user);
  expect(world.authenticate('one', local, 'wrong')).toBeNull();
  // [MS-NLMP] 4.2.2.1.2: NTOWFv1 of `Password`.
  world.organizations[0]?.setPassword(local, 'Password');
  expect(world.ntHash('one', local)?.toString('hex')).toBe('a4f49c406510bdcab6824ee7c30fd852');
});

describe('many mailboxes', () => {
  const crowd = 600;
  const many = () => worldOf('2016', { mailboxes: crowd });

  test('what is written into a mailbox is still there after all others were opened', () => {
    const world = many();
    // Watched ones stay open, more of them than the others that may.
    for (let index = 1; index < 300; index++) boxOf(world, index).subscribe();
    const mailbox = boxOf(world, 0);
    for (let index = 1; index < crowd; index++) boxOf(world, index);
    const item = mailbox.create(mailbox.folder('inbox'), { content: plain, messageFlags: 0 }, me);
    for (let index = 1; index < crowd; index++) boxOf(world, index);
    expect([...boxOf(world, 0).folder('inbox').items()]).toEqual([item]);
  });

  test('whoever watches hears what happens later', () => {
    const world = many();
    let heard = 0;
    for (let index = 0; index < crowd; index++) {
      boxOf(world, index).subscribe();
      boxOf(world, index).listen(() => heard++);
    }
    for (let index = 0; index < crowd; index++) {
      const mailbox = boxOf(world, index);
      mailbox.create(mailbox.folder('inbox'), { content: plain, messageFlags: 0 }, me);
    }
    expect(heard).toBe(crowd);
  });

  test('a mailbox that was taken away does not come back by being written to', () => {
    const world = many();
    const gone = boxOf(world, 0);
    world.organizations[0]?.removeMailbox(gone.address);
    gone.create(gone.folder('inbox'), { content: plain, messageFlags: 0 }, me);
    expect(world.mailbox(gone.address)).toBeNull();
  });
});
