import { describe, expect, test } from 'vitest';
import { canonicalContent } from '#formats/text/mime-canonical.ts';
import { letSend } from '#test/no-mail/labs.ts';
import { composeMime } from '../world/compose-mime.ts';
import { key } from '../world/property.ts';
import { contentOfMime } from '../world/read-message.ts';
import { GraphBench, type JsonObject } from './graph.fixture.ts';

const stamp = 'String {aa56b2c7-4a2c-4f4e-9a0c-2f1f3f6d0001} Name Stamp';
const mime = Buffer.from(
  'From: "Ä" <a@x.test>\r\nTo: <b@x.test>\r\nSubject: hello\r\nDate: Mon, 03 Mar 2025 10:00:00 +0000\r\nMessage-ID: <1@x.test>\r\nX-Own: yes\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello there.\r\n',
);
const subjects = (entries: readonly JsonObject[]): readonly unknown[] => entries.map(({ subject }) => subject);

describe('folders', () => {
  test('are made, renamed, moved, copied and deleted, and the feed tells', async () => {
    const graph = new GraphBench();
    const first = await graph.all(`${graph.user}/mailFolders/delta`, { headers: { prefer: 'odata.maxpagesize=3' } });
    expect(first.pages).toBeGreaterThan(2);
    expect(first.entries.map(({ displayName }) => displayName)).toContain('Inbox');
    expect(first.entries.map(({ displayName }) => displayName)).not.toContain('Calendar');
    const made = await graph.ok('POST', `${graph.user}/mailFolders`, { json: { displayName: 'A' } });
    const inside = await graph.ok('POST', `${graph.user}/mailFolders/${made.json['id']}/childFolders`, {
      json: { displayName: 'B' },
    });
    expect(inside.json['parentFolderId']).toBe(made.json['id']);
    expect((await graph.call('POST', `${graph.user}/mailFolders`, { json: { displayName: 'a' } })).code).toBe(
      'ErrorFolderExists',
    );
    await graph.ok('PATCH', `${graph.user}/mailFolders/${made.json['id']}`, { json: { displayName: 'A2' } });
    const second = await graph.all(first.delta ?? '');
    expect(second.entries.map(({ displayName }) => displayName)).toEqual(['A2', 'B']);
    await graph.ok('POST', `${graph.user}/mailFolders/${inside.json['id']}/move`, { json: { destinationId: 'inbox' } });
    await graph.ok('POST', `${graph.user}/mailFolders/${made.json['id']}/permanentDelete`);
    const third = await graph.all(second.delta ?? '');
    const inbox = await graph.ok('GET', `${graph.user}/mailFolders/inbox`);
    expect(third.entries).toEqual([
      expect.objectContaining({ id: inside.json['id'], parentFolderId: inbox.json['id'] }),
      { id: made.json['id'], '@removed': { reason: 'deleted' } },
    ]);
    expect((await graph.all(third.delta ?? '')).entries).toEqual([]);
  });

  test('that are hidden are shown when asked for', async () => {
    const graph = new GraphBench();
    const shown = await graph.all(`${graph.user}/mailFolders?$top=100`);
    const hidden = await graph.all(`${graph.user}/mailFolders?$top=100&includeHiddenFolders=true`);
    expect(shown.entries.every(({ isHidden }) => isHidden === false)).toBe(true);
    expect(hidden.entries.length).toBeGreaterThanOrEqual(shown.entries.length);
    const made = await graph.ok('POST', `${graph.user}/mailFolders`, { json: { displayName: 'H', isHidden: true } });
    const later = await graph.all(`${graph.user}/mailFolders?$top=100&includeHiddenFolders=true`);
    expect(later.entries.some(({ id }) => id === made.json['id'])).toBe(true);
  });
});

describe('messages', () => {
  test('of MIME are drafts, whatever is asked', async () => {
    const graph = new GraphBench();
    const made = await graph.ok('POST', `${graph.user}/messages`, {
      text: mime.toString('base64'),
      headers: { 'content-type': 'text/plain' },
    });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ subject: 'hello', isDraft: true, internetMessageId: '<1@x.test>' });
    const inFolder = await graph.call('POST', `${graph.user}/mailFolders/inbox/messages`, {
      text: mime.toString('base64'),
      headers: { 'content-type': 'text/plain' },
    });
    expect(inFolder.status).toBe(400);
    const value = await graph.ok('GET', `${graph.user}/messages/${made.json['id']}/$value`);
    expect(value.bytes).toEqual(mime);
  });

  test('of JSON are drafts, unless their flags say that they were submitted', async () => {
    const graph = new GraphBench();
    const create = (properties: readonly JsonObject[]) =>
      graph.ok('POST', `${graph.user}/mailFolders/inbox/messages`, {
        json: { subject: 'x', body: { contentType: 'text', content: 'y' }, singleValueExtendedProperties: properties },
      });
    expect((await create([{ id: stamp, value: '1' }])).json['isDraft']).toBe(true);
    const sent = await create([
      { id: 'Integer 0x0E07', value: '4' },
      { id: 'SystemTime 0x0E06', value: '2020-01-02T03:04:05Z' },
      { id: 'SystemTime 0x0039', value: '2020-01-02T03:04:00Z' },
    ]);
    expect(sent.json).toMatchObject({
      isDraft: false,
      receivedDateTime: '2020-01-02T03:04:05Z',
      sentDateTime: '2020-01-02T03:04:00Z',
    });
    const draft = await create([]);
    const patched = await graph.ok('PATCH', `${graph.user}/messages/${draft.json['id']}`, {
      json: { singleValueExtendedProperties: [{ id: 'Integer 0x0E07', value: '1' }] },
    });
    expect(patched.json['isDraft']).toBe(true);
  });

  test('are listed, filtered, sorted, selected and counted', async () => {
    const graph = new GraphBench({}, { items: 240 });
    const inbox = `${graph.user}/mailFolders/inbox/messages`;
    const all = await graph.all(`${inbox}?$top=7&$select=subject,receivedDateTime`);
    expect(all.entries.length).toBe(graph.mailbox.folder('inbox').count);
    expect(Object.keys(all.entries[0] ?? {}).sort()).toEqual(['@odata.etag', 'id', 'receivedDateTime', 'subject']);
    const sorted = await graph.ok('GET', `${inbox}?$orderby=receivedDateTime asc&$top=1000`);
    const times = sorted.value.map(({ receivedDateTime }) => String(receivedDateTime));
    expect(times).toEqual([...times].sort());
    const unread = await graph.ok('GET', `${inbox}?$filter=isRead eq false&$count=true&$top=1`);
    expect(unread.json['@odata.count']).toBe(graph.mailbox.folder('inbox').unread);
    const middle = times[Math.floor(times.length / 2)] ?? '';
    const late = await graph.ok('GET', `${inbox}?$filter=receivedDateTime ge ${middle}&$top=1000`);
    expect(late.value.every(({ receivedDateTime }) => String(receivedDateTime) >= middle)).toBe(true);
    expect(late.value.length).toBe(times.filter((time) => time >= middle).length);
  });

  test('are found by a property of one’s own', async () => {
    const graph = new GraphBench();
    for (const value of ['one', 'two'])
      await graph.ok('POST', `${graph.user}/messages`, {
        json: { subject: value, singleValueExtendedProperties: [{ id: stamp, value }] },
      });
    const filter = encodeURIComponent(
      `singleValueExtendedProperties/any(ep: ep/id eq '${stamp}' and ep/value eq 'two')`,
    );
    const found = await graph.ok('GET', `${graph.user}/messages?$filter=${filter}`);
    expect(subjects(found.value)).toEqual(['two']);
    const expand = encodeURIComponent(`singleValueExtendedProperties($filter=id eq '${stamp}')`);
    const listed = await graph.ok('GET', `${graph.user}/messages?$expand=${expand}&$orderby=subject&$select=subject`);
    expect(listed.value.map(({ singleValueExtendedProperties }) => singleValueExtendedProperties)).toEqual([
      [{ id: stamp, value: 'one' }],
      [{ id: stamp, value: 'two' }],
    ]);
  });

  test('change their ids on a move, but not their immutable ones', async () => {
    const graph = new GraphBench({}, { items: 60 });
    const immutable = { headers: { prefer: 'IdType="ImmutableId"' } };
    const inbox = `${graph.user}/mailFolders/inbox/messages?$top=1`;
    const [mutable] = (await graph.ok('GET', inbox)).value;
    const [fixed] = (await graph.ok('GET', inbox, immutable)).value;
    const before = await graph.all(`${graph.user}/mailFolders/inbox/messages/delta?$select=subject`, immutable);
    const moved = await graph.ok('POST', `${graph.user}/messages/${fixed?.['id']}/move`, {
      json: { destinationId: 'drafts' },
      ...immutable,
    });
    expect(moved.json['id']).toBe(fixed?.['id']);
    expect((await graph.call('GET', `${graph.user}/messages/${mutable?.['id']}`)).code).toBe('ErrorItemNotFound');
    expect((await graph.ok('GET', `${graph.user}/messages/${fixed?.['id']}`)).json['subject']).toBe(fixed?.['subject']);
    const after = await graph.all(before.delta ?? '', immutable);
    expect(after.entries).toEqual([expect.objectContaining({ id: fixed?.['id'], '@removed': { reason: 'deleted' } })]);
  });

  test('send the receipts that were asked for when somebody marks them', async () => {
    const graph = new GraphBench();
    letSend(graph.lab);
    const content = contentOfMime(Buffer.concat([Buffer.from('Disposition-Notification-To: <a@x.test>\r\n'), mime]));
    const item = graph.mailbox.create(
      graph.mailbox.folder('inbox'),
      { content, messageFlags: null, isRead: false, delivered: true },
      graph.mailbox.server,
    );
    expect(item.receiptPending).toBe(true);
    const [shown] = (await graph.ok('GET', `${graph.user}/mailFolders/inbox/messages`)).value;
    await graph.ok('PATCH', `${graph.user}/messages/${shown?.['id']}`, { json: { isRead: true } });
    expect(graph.lab.outbox).toEqual([expect.objectContaining({ cause: 'read-receipt', doing: 'api' })]);
  });

  test('are not changed behind a change', async () => {
    const graph = new GraphBench();
    const made = await graph.ok('POST', `${graph.user}/messages`, { json: { subject: 'x' } });
    const path = `${graph.user}/messages/${made.json['id']}`;
    const etag = String(made.json['@odata.etag']);
    await graph.ok('PATCH', path, { json: { categories: ['Red'] }, headers: { 'if-match': etag } });
    const late = await graph.call('PATCH', path, { json: { categories: [] }, headers: { 'if-match': etag } });
    expect([late.status, late.code]).toEqual([412, 'ErrorIrresolvableConflict']);
  });
});

describe('the feed of a folder', () => {
  test('tells of everything once, and then of what changed', async () => {
    const graph = new GraphBench({}, { items: 300 });
    const { mailbox } = graph;
    const inbox = mailbox.folder('inbox');
    const first = await graph.all(`${graph.user}/mailFolders/inbox/messages/delta?$select=subject,isRead`, {
      headers: { prefer: 'odata.maxpagesize=7' },
    });
    expect(first.entries.length).toBe(inbox.count);
    expect(first.pages).toBeGreaterThan(2);
    const [one, two, three] = [...inbox.items()];
    if (one === undefined || two === undefined || three === undefined) throw new Error('items');
    mailbox.setRead(one, !one.isRead, mailbox.server);
    mailbox.remove(two, 'HardDelete', mailbox.server);
    const content = { ...three.content, properties: new Map(three.content.properties) };
    content.properties.set(key.subject, { type: 'String', value: 'changed' });
    mailbox.update(three, content, mailbox.server);
    const second = await graph.all(first.delta ?? '');
    expect(second.entries).toEqual([
      expect.objectContaining({ isRead: one.isRead }),
      expect.objectContaining({ '@removed': { reason: 'deleted' } }),
      expect.objectContaining({ subject: 'changed' }),
    ]);
    expect(Object.keys(second.entries[0] ?? {}).sort()).toEqual(['@odata.etag', 'id', 'isRead', 'subject']);
    expect((await graph.all(second.delta ?? '')).entries).toEqual([]);
  });

  test('is gone when the service has forgotten where it was', async () => {
    const graph = new GraphBench();
    const { delta } = await graph.all(`${graph.user}/mailFolders/inbox/messages/delta`);
    graph.state.forgetTokens();
    const reply = await graph.call('GET', delta ?? '');
    expect([reply.status, reply.code]).toEqual([410, 'SyncStateNotFound']);
    expect(String(reply.headers['location'])).toMatch(/\/messages\/delta$/);
    const garbled = await graph.call('GET', `${delta}x`);
    expect([garbled.status, garbled.code]).toEqual([400, 'SyncStateInvalid']);
  });

  test('is gone with another mailbox under the address', async () => {
    const graph = new GraphBench();
    const { delta } = await graph.all(`${graph.user}/mailFolders/inbox/messages/delta`);
    graph.organization.replaceMailbox(graph.address);
    const reply = await graph.call('GET', delta ?? '');
    expect(reply.status).toBe(410);
  });
});

describe('import and export', () => {
  async function session(graph: GraphBench): Promise<{ readonly url: string; readonly mailbox: string }> {
    const settings = await graph.ok('GET', `${graph.user}/settings/exchange`);
    const mailbox = String(settings.json['primaryMailboxId']);
    const made = await graph.ok('POST', `/v1.0/admin/exchange/mailboxes/${mailbox}/createImportSession`);
    return { url: String(made.json['importUrl']), mailbox };
  }

  test('carry a message as it is: no draft, its times, its header fields, its texts', async () => {
    const graph = new GraphBench({}, { items: 40 });
    const { url, mailbox } = await session(graph);
    expect(new URL(url).host).toBe(`outlook.${graph.organization.domain}`);
    const items = [...graph.mailbox.folder('inbox').items()];
    const { value } = await graph.ok(
      'GET',
      `${graph.user}/mailFolders/inbox/messages?$orderby=createdDateTime&$top=1000`,
    );
    const target = await graph.ok('POST', `${graph.user}/mailFolders`, { json: { displayName: 'T' } });
    const exported = await graph.ok('POST', `/v1.0/admin/exchange/mailboxes/${mailbox}/exportItems`, {
      json: { ItemIds: value.slice(0, 20).map(({ id }) => id) },
    });
    for (const { data } of exported.value)
      await graph.ok('POST', url, { json: { FolderId: target.json['id'], Mode: 'create', Data: data } });
    const copies = [...(graph.mailbox.folderByNo(graph.mailbox.folder('msgfolderroot').no)?.children ?? [])]
      .filter(({ name }) => name === 'T')
      .flatMap((folder) => [...folder.items()]);
    expect(copies.length).toBe(Math.min(20, items.length));
    for (const copy of copies) {
      const original = items.find(({ searchKey, content }) => searchKey === copy.searchKey && content.mime !== null);
      if (original === undefined) throw new Error('its original');
      expect(copy.flags).toBe(original.flags);
      expect(copy.isRead).toBe(original.isRead);
      expect(copy.number(key.receivedAt)).toBe(original.number(key.receivedAt));
      const [was, is] = [
        canonicalContent(original.content.mime ?? Buffer.alloc(0)),
        canonicalContent(composeMime(copy.content)),
      ];
      expect([is.subject, is.messageId, is.from, is.to]).toEqual([was.subject, was.messageId, was.from, was.to]);
    }
    expect(graph.lab.outbox).toEqual([]);
  });

  test('update an item with its change key only', async () => {
    const graph = new GraphBench();
    const { url, mailbox } = await session(graph);
    const made = await graph.ok('POST', `${graph.user}/messages`, { json: { subject: 'one' } });
    const exported = await graph.ok('POST', `/v1.0/admin/exchange/mailboxes/${mailbox}/exportItems`, {
      json: { ItemIds: [made.json['id']] },
    });
    const [{ data, changeKey } = {}] = exported.value;
    const update = { FolderId: 'drafts', Mode: 'update', Data: data, ItemId: made.json['id'], ChangeKey: changeKey };
    await graph.ok('PATCH', `${graph.user}/messages/${made.json['id']}`, { json: { subject: 'two' } });
    expect((await graph.call('POST', url, { json: update })).status).toBe(412);
    const now = await graph.ok('GET', `${graph.user}/messages/${made.json['id']}`);
    await graph.ok('POST', url, { json: { ...update, ChangeKey: now.json['changeKey'] } });
    expect((await graph.ok('GET', `${graph.user}/messages/${made.json['id']}`)).json['subject']).toBe('one');
  });

  test('need no sign-in but a URL that is good, and not for ever', async () => {
    const graph = new GraphBench({ graph: { importSessionMs: 1000 } });
    const { url } = await session(graph);
    const create = { FolderId: 'inbox', Mode: 'create', Data: 'AAAA' };
    expect((await graph.call('POST', url, { json: create })).code).toBe('ErrorCorruptData');
    expect(
      (await graph.call('POST', url.replace(/authtoken=.{10}/, 'authtoken=0000000000'), { json: create })).status,
    ).toBe(401);
    await graph.clock.sleep(1001);
    expect((await graph.call('POST', url, { json: create })).status).toBe(401);
  });

  test('do not exist in other clouds', async () => {
    const graph = new GraphBench({ graph: { cloud: 'national' } });
    expect((await graph.call('GET', `${graph.user}/settings/exchange`)).status).toBe(404);
  });
});

describe('batches', () => {
  test('answer each for itself, and do not do what depends on a failure', async () => {
    const graph = new GraphBench();
    const reply = await graph.ok('POST', '/v1.0/$batch', {
      json: {
        requests: [
          { id: '1', method: 'GET', url: `/users/${graph.address}/mailFolders/inbox?$select=displayName` },
          { id: '2', method: 'GET', url: `/users/${graph.address}/messages/nothing` },
          { id: '3', method: 'GET', url: `/users/${graph.address}/mailFolders/drafts`, dependsOn: ['2'] },
          {
            id: '4',
            method: 'POST',
            url: `/users/${graph.address}/messages`,
            headers: { 'Content-Type': 'application/json' },
            body: { subject: 'in a batch' },
            dependsOn: ['1'],
          },
        ],
      },
    });
    const byId = new Map((reply.json['responses'] as JsonObject[]).map((one) => [one['id'], one]));
    expect([1, 2, 3, 4].map((id) => byId.get(String(id))?.['status'])).toEqual([200, 400, 424, 201]);
    expect(byId.get('4')?.['body']).toMatchObject({ subject: 'in a batch', isDraft: true });
  });

  test('have at most twenty requests', async () => {
    const graph = new GraphBench();
    const requests = Array.from({ length: 21 }, (_, at) => ({ id: String(at), method: 'GET', url: '/users' }));
    expect((await graph.call('POST', '/v1.0/$batch', { json: { requests } })).status).toBe(400);
  });
});
