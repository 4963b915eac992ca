/** WebDAV where things go wrong: lost answers in the middle of a create, sessions that end, servers without manifests. */
import { expect, test } from 'vitest';
import type { Mailbox } from '#connectors/contract.ts';
import { isFault } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { HttpRequest } from '#kit/transport.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailDraft, MailHead } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import { folderByRole } from '#test/simulation/simulated-mailbox.ts';
import { found, freshStamp } from '#test/suites/connector-suite.ts';
import { openWebdavLab, type WebdavLab } from './webdav-lab.fixture.ts';

const itemMaxBytes = 6 << 20;

/** Runs on a lab of its own. */
async function onLab(body: (it: WebdavLab, box: Mailbox, inbox: FolderId) => Promise<void>): Promise<void> {
  const it = await openWebdavLab(itemMaxBytes);
  await body(it, it.connector.mailbox(it.people.address), folderByRole(it.people, 'inbox'));
  await it.close();
}
const within = (it: WebdavLab) => ({
  signal: new AbortController().signal,
  deadlineMs: it.clock.monotonicMs() + 600_000,
});

async function draftLike(it: WebdavLab, box: Mailbox, stamp: StampText): Promise<MailDraft> {
  const mime = Buffer.from('Subject: carried\r\nMessage-Id: <carried@test>\r\n\r\nbody\r\n');
  const id = it.people.deliver(folderByRole(it.people, 'sentitems'), {
    mime,
    subject: 'carried',
    messageId: '<carried@test>',
  });
  const head = found((await box.heads([id], within(it))).get(id)) as MailHead;
  return { content: { head, mime: payloadOfBytes(mime), bcc: [] }, stamp, ofClass: [] };
}

async function all(it: WebdavLab, box: Mailbox, folder: FolderId) {
  const page = await box.changes(folder, null, within(it));
  return page.changes.flatMap((change) => (change.kind === 'upsert' ? [change.head] : []));
}

/** Which of the requests that a create makes loses its answer, before it is carried out or after. */
const losses = [
  ['PROPPATCH', 1],
  ['PUT', 1],
  ['PROPPATCH', 2],
] as const;

for (const [method, nth] of losses)
  for (const when of ['before', 'after'] as const)
    test(`a create whose ${method} (${nth}) ends ${when} it is carried out leaves nothing or the whole`, () =>
      onLab(async (it, box, inbox) => {
        const stamp = freshStamp();
        const draft = await draftLike(it, box, stamp);
        let seen = 0;
        it.lose = (request: HttpRequest) => (request.method === method && ++seen === nth ? when : null);
        const [answer] = await box.create(inbox, [draft], within(it));
        it.lose = () => null;
        expect(answer).toMatchObject({ kind: 'transient', mayHaveHappened: true });
        // Nobody may take half of a copy for one: the feed shows the whole or nothing.
        const whole = method === 'PROPPATCH' && nth === 2 && when === 'after';
        const shown = await all(it, box, inbox);
        expect(shown.map((head) => head.stamp)).toEqual(whole ? [stamp] : []);
        const adopted = (await box.findByStamp(inbox, [stamp], within(it))).get(stamp) ?? [];
        expect(adopted).toHaveLength(whole ? 1 : 0);
        expect(it.people.items().filter(({ folder }) => folder === inbox)).toHaveLength(whole ? 1 : 0);
        // Whoever tries again ends with one.
        const [again] = await box.create(inbox, [draft], within(it));
        expect(isFault(again)).toBe(false);
        expect((await all(it, box, inbox)).map((head) => head.stamp)).toEqual([stamp]);
        expect(it.people.sent()).toEqual([]);
      }));

test('a session that ends is begun again, whatever is on its way', () =>
  onLab(async (it, box, inbox) => {
    const draft = await draftLike(it, box, freshStamp());
    let requests = 0;
    it.lose = () => {
      // Every third request finds the session ended.
      if (++requests % 3 === 0) it.expireSessions();
      return null;
    };
    const [written] = await box.create(inbox, [draft], within(it));
    const { id } = found(written);
    const head = (await box.heads([id], within(it))).get(id) as MailHead;
    expect(head).toMatchObject({ stamp: draft.stamp });
    const [updated] = await box.update(
      [{ id, expect: head.version, set: { importance: 'high' }, readReceiptRequested: false }],
      within(it),
    );
    expect(isFault(updated)).toBe(false);
    expect(it.people.items().filter(({ folder }) => folder === inbox)).toHaveLength(1);
  }));

test('a server without manifests is listed, and its cursor says what changed', () =>
  onLab(async (it, box, inbox) => {
    it.withoutManifests = true;
    const mail = (name: string) =>
      it.people.deliver(inbox, {
        mime: Buffer.from(`Subject: ${name}\r\n\r\n`),
        subject: name,
        messageId: `<${name}>`,
      });
    const [kept, edited, read, doomed] = ['kept', 'edited', 'read', 'doomed'].map(mail) as [
      ItemId,
      ItemId,
      ItemId,
      ItemId,
    ];
    const first = await box.changes(inbox, null, within(it));
    expect(first.oddities['folder without a manifest']).toBe(1);
    expect(first.changes).toHaveLength(4);
    it.people.edit(edited, { importance: 'high' });
    it.people.edit(read, { isRead: true });
    it.people.remove(doomed);
    const created = mail('created');
    const next = await box.changes(inbox, first.cursor, within(it));
    const told = next.changes.map((one) =>
      one.kind === 'upsert' ? ['upsert', one.head.id] : [one.kind, 'id' in one ? one.id : null],
    );
    expect(told.sort()).toEqual(
      [
        ['upsert', edited],
        ['upsert', created],
        ['delete', doomed],
        ['read-flag', read],
      ].sort(),
    );
    expect((await box.changes(inbox, next.cursor, within(it))).changes).toEqual([]);
    expect(next.changes.some((one) => one.kind === 'upsert' && one.head.id === kept)).toBe(false);
  }));

for (const from of ['the beginning', 'a place'] as const)
  test(`what is marked while a folder is looked at from ${from} is told when it is marked back`, () =>
    onLab(async (it, box, inbox) => {
      const mail = (name: string) =>
        it.people.deliver(inbox, {
          mime: Buffer.from(`Subject: ${name}\r\n\r\n`),
          subject: name,
          messageId: `<${name}>`,
        });
      const [unread, read] = [mail('unread'), mail('read')];
      it.people.edit(read, { isRead: true });
      const known = from === 'a place' ? (await box.changes(inbox, null, within(it))).cursor : null;
      let arrived: ItemId | null = null;
      // After it was asked what is not read, and before it is asked what changed.
      it.lose = ({ method, body }) => {
        if (arrived === null && method === 'SEARCH' && Buffer.from(body as Uint8Array).includes('<R:repl>')) {
          arrived = mail('arrived');
          it.people.edit(unread, { isRead: true, importance: 'high' });
          it.people.edit(read, { isRead: false, importance: 'high' });
        }
        return null;
      };
      const first = await box.changes(inbox, known, within(it));
      const shown = new Map(
        first.changes.flatMap((one) => (one.kind === 'upsert' ? [[one.head.id, one.head.state.isRead]] : [])),
      );
      const id = arrived as unknown as ItemId;
      expect([shown.get(id), shown.get(unread), shown.get(read)]).toEqual([false, true, false]);
      it.people.edit(id, { isRead: true });
      it.people.edit(unread, { isRead: false });
      it.people.edit(read, { isRead: true });
      const next = await box.changes(inbox, first.cursor, within(it));
      const told = new Map(
        next.changes.map((one) =>
          one.kind === 'upsert'
            ? [one.head.id, one.head.state.isRead]
            : [one.id, one.kind === 'read-flag' && one.isRead],
        ),
      );
      expect([told.get(id), told.get(unread), told.get(read)]).toEqual([true, false, true]);
    }));

test('what is written for another version is refused by the server, too', () =>
  onLab(async (it, box, inbox) => {
    const id = it.people.deliver(inbox, { mime: Buffer.from('Subject: x\r\n\r\n'), subject: 'x', messageId: '<x>' });
    const { version } = found((await box.heads([id], within(it))).get(id)) as { readonly version: Version };
    // Somebody writes between the look and the write.
    it.lose = (request) => {
      if (request.method === 'PROPPATCH') it.people.edit(id, { flagStatus: 2 });
      return null;
    };
    const edit = { id, expect: version, set: { importance: 'high' as const }, readReceiptRequested: false };
    expect((await box.update([edit], within(it)))[0]).toMatchObject({ kind: 'stale' });
    it.lose = () => null;
    expect(it.people.items()[0]?.state).toMatchObject({ importance: 'normal', flagStatus: 2 });
  }));
