import { describe, expect, test } from 'vitest';
import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { mapiValue } from '#formats/mapi/mapi-message.ts';
import { must } from '#kit/assert.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type { Cursor, FolderId, ItemId, MailboxGuid } from '#model/ids.ts';
import type { MailDraft, MailFacts, MailState } from '#model/mail.ts';
import { mailFields } from '#model/mail-properties.ts';
import { writeStamp } from '#model/stamp.ts';
import type { Mailbox } from '../contract.ts';
import { type Composed, ComposedService, refusal } from './graph.fixture.ts';
import type { Json } from './json.ts';
import { graphMailbox } from './mailbox.ts';

const folder = 'AAMkInbox' as FolderId;
const graph = 'https://graph.microsoft.com/v1.0';
const importUrl = "https://outlook.office365.com/api/gv1.0/Mailboxes('MBX:1@2')/importItem?authtoken=SECRET-TOKEN";

/** A message as a feed shows it, with what it takes to be whole. */
const message = (id: string, more: Readonly<Record<string, Json>> = {}): Json => ({
  id,
  changeKey: `key of ${id}`,
  parentFolderId: folder,
  isRead: false,
  importance: 'normal',
  categories: [],
  subject: 'x',
  singleValueExtendedProperties: [
    { id: 'Integer 0xe07', value: '0' },
    { id: 'String 0x1a', value: 'IPM.Note' },
  ],
  ...more,
});

interface Opened {
  readonly service: ComposedService;
  readonly box: Mailbox;
}
function open(
  answer: (method: string, path: string, body: Json) => Composed | null,
  requestBytesMax = 4 << 20,
  hasImport = true,
): Opened {
  const service: ComposedService = new ComposedService((method, path, body) => {
    const said = answer(method, path, body);
    if (said !== null) return said;
    if (path.endsWith('/settings/exchange')) return { body: { primaryMailboxId: 'MBX:1@2' } };
    if (path.endsWith('/createImportSession'))
      return { body: { importUrl, expirationDateTime: new Date(service.clock.nowMs() + 3_600_000).toISOString() } };
    return refusal(404, 'ErrorItemNotFound');
  });
  const box = graphMailbox({
    client: service.client,
    address: 'ana@contoso.test',
    clock: service.clock,
    hasImport,
    isImportHost: (host) => host === 'outlook.office365.com',
    requestBytesMax,
  });
  return { service, box };
}

const nothing = Object.fromEntries(mailFields.map((field) => [field, null]));
const state = { isRead: false, flagStatus: 0, categories: [], importance: 'normal', sensitivity: 'normal' };
const draftOf = (mime: string): MailDraft => ({
  content: {
    head: {
      id: 'source' as ItemId,
      version: '1' as never,
      folder: 'source' as FolderId,
      state: { ...nothing, ...state } as unknown as MailState,
      facts: { ...nothing, itemClass: 'IPM.Note', messageFlags: 0, sentAt: 0, receivedAt: 0 } as unknown as MailFacts,
      stamp: null,
      unread: [],
    },
    mime: payloadOfBytes(Buffer.from(mime)),
    bcc: [],
  },
  ofClass: [],
  stamp: writeStamp({
    organization: 'source',
    mailbox: '11111111-2222-3333-4444-555555555555' as MailboxGuid,
    searchKey: '',
    firstId: '',
    fingerprint: '',
    sizeBytes: 1,
    nonce: '000000000001',
  }),
});
const plain = draftOf('Subject: plain\r\n\r\nbody\r\n');

async function thrown(work: Promise<unknown>): Promise<FaultError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('the feed', () => {
  test('shows what was removed, what changed whole, a read flag by itself, and asks for what it shows in part', async () => {
    const { service, box } = open((method, path) => {
      if (path.includes('/messages/delta'))
        return {
          body: {
            '@odata.deltaLink': `${graph}/users/x/mailFolders/y/messages/delta?$deltatoken=T`,
            value: [
              message('whole'),
              { id: 'removed', '@removed': { reason: 'deleted' } },
              { id: 'flag', isRead: true, '@odata.etag': 'W/"1"' },
              { id: 'part', importance: 'high', changeKey: 'k' },
            ],
          },
        };
      return method === 'GET' && path.includes('/messages/part?')
        ? { body: message('part', { importance: 'high' }) }
        : null;
    });
    const page = await box.changes(folder, null, service.context);
    expect(page.changes).toMatchObject([
      { kind: 'upsert', head: { id: `whole@${folder}`, version: 'key of whole', folder } },
      { kind: 'delete', id: `removed@${folder}` },
      { kind: 'read-flag', id: `flag@${folder}`, isRead: true },
      { kind: 'upsert', head: { id: `part@${folder}`, state: { importance: 'high' } } },
    ]);
    expect(page.complete).toBe(true);
    await box.changes(folder, page.cursor, service.context);
    expect(service.sent.at(-2)?.url).toBe('/users/x/mailFolders/y/messages/delta?$deltatoken=T');
  });

  test('a token that is gone is a lost cursor, and one that leads elsewhere is never followed', async () => {
    const { service, box } = open((_, path) =>
      path.includes('deltatoken') ? refusal(410, 'SyncStateNotFound') : null,
    );
    const old = `${graph}/users/x/mailFolders/y/messages/delta?$deltatoken=T` as Cursor;
    expect((await thrown(box.changes(folder, old, service.context))).fault).toEqual({ kind: 'cursor-lost' });
    const foreign = 'https://evil.test/v1.0/users/x/messages/delta' as Cursor;
    expect((await thrown(box.changes(folder, foreign, service.context))).fault).toEqual({ kind: 'cursor-lost' });
    expect(service.sent.every(({ post }) => post.url.host === 'graph.microsoft.com')).toBe(true);
  });

  test('contents of what the feed has just shown cost one request an item, others two', async () => {
    const blind = { emailAddress: { name: 'Ben', address: 'ben@contoso.test' } };
    const { service, box } = open((_method, path) => {
      if (path.includes('/delta?'))
        return { body: { value: [message('a', { bccRecipients: [blind] })], '@odata.deltaLink': `${graph}/next` } };
      if (path.includes('/$value')) return { body: 'MIME' };
      return path.includes('/messages/') ? { body: message('a', { bccRecipients: [blind] }) } : null;
    });
    const { changes } = await box.changes(folder, null, service.context);
    const [change] = changes;
    const head = must(change?.kind === 'upsert' ? change.head : null, 'a message');
    expect(decodeURIComponent(must(service.sent[0]?.url, 'the feed'))).toMatch(/bccRecipients.*0x8520/);
    const asked = async (item: Parameters<Mailbox['contents']>[0][number]) => {
      const before = service.sent.length;
      const content = must((await box.contents([item], service.context)).get(head.id), 'an answer');
      if (isFault(content)) throw new FaultError(content);
      expect(content.bcc).toEqual(['Ben <ben@contoso.test>']);
      return service.sent.slice(before).map(({ url }) => url.replace(/\?.*/, ''));
    };
    const value = '/users/ana%40contoso.test/messages/a/$value';
    expect(await asked({ id: head.id, sizeBytes: 0, head })).toEqual([value]);
    expect(await asked({ id: head.id, sizeBytes: 0 })).toEqual(['/users/ana%40contoso.test/messages/a', value]);
    // A head from before this version of the program shows less.
    const { bcc: _, ...older } = head;
    expect(await asked({ id: head.id, sizeBytes: 0, head: older })).toHaveLength(2);
  });

  test('what lies in another folder by now is gone under the id it had', async () => {
    const { service, box } = open((_, path) => (path.includes('/messages/a?') ? { body: message('a') } : null));
    const ids = [`a@${folder}`, 'a@AAMkElsewhere'] as ItemId[];
    const heads = await box.heads(ids, service.context);
    expect(ids.map((id) => heads.get(id))).toMatchObject([{ id: `a@${folder}` }, { kind: 'gone' }]);
  });
});

describe('imports', () => {
  const imported = { body: { itemId: 'AAkANew', changeKey: 'new key' } };
  const isImport = (path: string) => path.startsWith('https://outlook.office365.com/');

  test('go by one session without the token of the Graph, stamped', async () => {
    const { service, box } = open((_, path) => (isImport(path) ? imported : null));
    const answers = await box.create(folder, [plain, plain, plain], service.context);
    expect(answers).toEqual(answers.map(() => ({ id: `AAkANew@${folder}`, version: 'new key' })));
    expect(service.sent.filter(({ url }) => url.endsWith('createImportSession'))).toHaveLength(1);
    const sent = service.sent.filter(({ url }) => isImport(url));
    expect(sent).toHaveLength(3);
    for (const { post, body } of sent) {
      expect(post.signedIn).toBe(false);
      expect(body).toMatchObject({ FolderId: folder, Mode: 'create' });
      const stream = Buffer.from((body as { Data: string }).Data, 'base64');
      expect(stream.includes(Buffer.from(plain.stamp, 'utf16le'))).toBe(true);
    }
  });

  test('a session that ended is opened anew, and the item is made once', async () => {
    let refusals = 0;
    const { service, box } = open((_, path) =>
      isImport(path) ? (refusals++ === 0 ? refusal(401, 'InvalidAuthenticationToken') : imported) : null,
    );
    expect(await box.create(folder, [plain], service.context)).toMatchObject([{ version: 'new key' }]);
    expect(service.sent.filter(({ url }) => url.endsWith('createImportSession'))).toHaveLength(2);
  });

  test('a session is not used when its time is over', async () => {
    const { service, box } = open((_, path) => (isImport(path) ? imported : null));
    await box.create(folder, [plain], service.context);
    service.clock.advance(3_600_000);
    await box.create(folder, [plain], service.context);
    expect(service.sent.filter(({ url }) => url.endsWith('createImportSession'))).toHaveLength(2);
  });

  test('no word of a fault holds the token of the address', async () => {
    for (const status of [401, 403, 400, 500, 429]) {
      const { service, box } = open((_, path) => (isImport(path) ? refusal(status, 'ErrorX') : null));
      const said = await box.create(folder, [plain], service.context).then(
        (answers) => JSON.stringify(answers),
        (error: unknown) => `${String(error)} ${JSON.stringify((error as FaultError).fault)}`,
      );
      expect(said).not.toContain('SECRET');
    }
  });

  test('an address of a host that nobody named is not used', async () => {
    const { service, box } = open((_, path) =>
      path.endsWith('/createImportSession')
        ? { body: { importUrl: 'https://evil.test/importItem?authtoken=SECRET' } }
        : null,
    );
    const { fault } = await thrown(box.create(folder, [plain], service.context));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'redirect', detail: expect.stringContaining('evil.test') });
    expect(JSON.stringify(fault)).not.toContain('SECRET');
  });

  test('what is over the limit of a request is refused by name, and its neighbours go', async () => {
    const { service, box } = open((_, path) => (isImport(path) ? imported : null), 20_000);
    const large = draftOf(`Subject: large\r\n\r\n${'x'.repeat(20_000)}\r\n`);
    const answers = await box.create(folder, [plain, large, plain], service.context);
    expect(answers.map((one) => (isFault(one) ? one : 'written'))).toEqual([
      'written',
      expect.objectContaining({ kind: 'poison', reason: 'too-large' }),
      'written',
    ]);
  });

  test('an import whose answer is lost is not repeated because another was refused', async () => {
    let n = 0;
    const { service, box } = open((_, path) =>
      isImport(path) ? (n++ === 0 ? refusal(429, 'X') : { status: 502 }) : null,
    );
    const answers = await box.create(folder, [plain, plain], service.context);
    expect(answers).toMatchObject([{ kind: 'throttled' }, { kind: 'transient', mayHaveHappened: true }]);
  });

  test('an id that would change with a move is turned into one that lasts; where an application may not, the message is asked', async () => {
    for (const may of [true, false]) {
      const { service, box } = open((method, path) => {
        if (isImport(path)) return { body: { itemId: 'AAMkOld', changeKey: 'new key' } };
        if (path.endsWith('/translateExchangeIds'))
          return may
            ? { body: { value: [{ sourceId: 'AAMkOld', targetId: 'AAkALasting' }] } }
            : refusal(403, 'ErrorAccessDenied');
        return method === 'GET' && path.includes('/messages/AAMkOld?') ? { body: { id: 'AAkALasting' } } : null;
      });
      expect(await box.create(folder, [plain], service.context)).toMatchObject([{ id: `AAkALasting@${folder}` }]);
    }
  });
});

describe('writes that could send mail', () => {
  const pending = message('a', {
    isReadReceiptRequested: true,
    singleValueExtendedProperties: [{ id: 'Integer 0xe07', value: '768' }],
  });

  const id = `a@${folder}` as ItemId;
  const version = 'key of a' as never;
  const shows = (method: string, path: string) =>
    method === 'GET' && path.includes('/messages/a?') ? { body: pending } : null;

  test('marking and removing what waits for a receipt goes by an import over it, without the question', async () => {
    const stream = await payloadBytes(
      streamOfMessage({
        properties: [
          { property: { tag: 0x001a, type: 'string' }, value: 'IPM.Note' },
          { property: { tag: 0x0e07, type: 'integer' }, value: 0x300 },
          { property: { tag: 0x0029, type: 'boolean' }, value: true },
        ],
        recipients: [],
        attachments: [],
      }),
    );
    const { service, box } = open((method, path) => {
      if (path.startsWith('https://outlook.office365.com/')) return { body: { itemId: 'a', changeKey: 'next key' } };
      if (path.endsWith('/exportItems'))
        return { body: { value: [{ itemId: 'a', changeKey: 'key of a', data: stream.toString('base64') }] } };
      return shows(method, path);
    });
    const edit = { id, expect: version, set: { isRead: true }, readReceiptRequested: true };
    expect(await box.update([edit], service.context)).toEqual([{ id, version: 'next key' }]);
    expect(service.sent.filter(({ method }) => method === 'PATCH')).toEqual([]);
    const { body } = must(service.sent.at(-1), 'an import');
    expect(body).toMatchObject({ Mode: 'update', ItemId: 'a', ChangeKey: 'key of a' });
    const { message } = messageOfStream(Buffer.from((body as { Data: string }).Data, 'base64'));
    expect(mapiValue(message.properties, { tag: 0x0e07, type: 'integer' })).toBe(1);
    expect(mapiValue(message.properties, { tag: 0x0029, type: 'boolean' })).toBeUndefined();
  });

  test('without an import it is refused, and nothing is written', async () => {
    const { service, box } = open(shows, 4 << 20, false);
    const edit = { id, expect: version, set: { isRead: true }, readReceiptRequested: true };
    const refused = { kind: 'poison', reason: 'refused-by-target' };
    expect(await box.update([edit], service.context)).toMatchObject([refused]);
    expect(await box.remove([{ id, expect: version, readReceiptRequested: true }], service.context)).toMatchObject([
      refused,
    ]);
    expect(service.sent.every(({ method }) => method === 'GET')).toBe(true);
  });
});
