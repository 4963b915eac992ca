import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FaultError, isFault } from '#kit/fault.ts';
import { type Payload, payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import { seededRandom } from '#kit/random.ts';
import type { Cursor, FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailContent } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import { ewsConnector } from './connector.ts';
import { answer, clock, context, draftWith, failure, headWith, scripted, success } from './ews.fixture.ts';

const spoolDir = join(mkdtempSync(join(tmpdir(), 'mailbox-test-')), 'spool');
afterAll(() => rmSync(join(spoolDir, '..'), { recursive: true }));
const spoolFiles = (): readonly string[] => {
  try {
    return readdirSync(spoolDir);
  } catch {
    return [];
  }
};

function open(
  http: ReturnType<typeof scripted>,
  options: {
    readonly impersonate?: boolean;
    readonly version?: 'Exchange2007_SP1' | 'Exchange2010_SP2' | 'Exchange2013_SP1';
  } = {},
) {
  const { impersonate = true, ...rest } = options;
  const connector = ewsConnector({
    organization: 'old',
    http,
    impersonate,
    clock,
    random: seededRandom(1),
    spoolDir,
    spoolMemoryBytes: 0,
    ...rest,
  });
  return { connector, mailbox: connector.mailbox('anna@example.test') };
}
const fault = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FaultError)) throw new Error(`expected a fault, got ${String(error)}`);
  return error.fault;
};
const folder = 'FOLDER' as FolderId;
const id = (text: string) => text as ItemId;
const version = (text: string) => text as Version;

/** Entry id of a folder in mailbox 00112233-4455-6677-8899-aabbccddeeff. */
const entryId = Buffer.from(`00000000${'33221100554477668899aabbccddeeff'}${'00'.repeat(26)}`, 'hex').toString(
  'base64',
);
const extended = (tag: string, type: string, value: string) =>
  `<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="${tag}" PropertyType="${type}"/><t:Value>${value}</t:Value></t:ExtendedProperty>`;
const folderXml = (name: string, parent: string, element = 'Folder', committed = '2026-01-01T00:00:00Z') =>
  `<t:${element}><t:FolderId Id="${name}" ChangeKey="K"/><t:ParentFolderId Id="${parent}" ChangeKey="K"/><t:DisplayName>${name}</t:DisplayName><t:TotalCount>3</t:TotalCount><t:ChildFolderCount>1</t:ChildFolderCount>${extended('0x3613', 'String', 'IPF.Note')}${extended('0x670a', 'SystemTime', committed)}${extended('0x670b', 'Integer', '7')}${extended('0xfff', 'Binary', entryId)}</t:${element}>`;
const folderPage = (folders: string, last: boolean) =>
  answer(
    'FindFolder',
    success(
      'FindFolder',
      `<m:RootFolder TotalItemsInView="9" IncludesLastItemInRange="${last}"><t:Folders>${folders}</t:Folders></m:RootFolder>`,
    ),
  );
const gotFolder = (content: string, as: '2007' | '2010' | '2016' = '2016') =>
  answer('GetFolder', success('GetFolder', `<m:Folders>${content}</m:Folders>`), as);

describe('tree', () => {
  test('is one request, sorted, and knows its root and mailbox', async () => {
    const http = scripted(
      folderPage(
        folderXml('grandchild', 'child') + folderXml('child', 'root') + folderXml('found', 'root', 'SearchFolder'),
        true,
      ),
    );
    const { connector, mailbox } = open(http);
    const tree = await mailbox.tree(context);
    expect(tree).toMatchObject({ mailbox: '00112233-4455-6677-8899-aabbccddeeff', root: 'root' });
    expect(tree.folders.map(({ id, parent, kind }) => [id, parent, kind])).toEqual([
      ['child', 'root', 'folder'],
      ['found', 'root', 'search'],
      ['grandchild', 'child', 'folder'],
    ]);
    expect(tree.folders[0]).toMatchObject({
      containerClass: 'IPF.Note',
      itemCount: 3,
      childCount: 1,
      mark: '2026-01-01T00:00:00Z/7/3/0',
      version: 'K',
      name: 'child',
    });
    expect(http.requests.map(({ operation, anchor }) => [operation, anchor])).toEqual([
      ['FindFolder', 'anna@example.test'],
    ]);
    expect(http.requests[0]?.body).toContain('<t:PrimarySmtpAddress>anna@example.test</t:PrimarySmtpAddress>');
    expect(connector.abilities.product).toBe('Exchange 2016 (15.1.2507)');
  });

  test('says which marks are still settling by the clock of the server', async () => {
    // The answers are of 12:00:00.
    const at = (name: string, time: string) => folderXml(name, 'root', 'Folder', `2026-11-22T${time}Z`);
    const http = scripted(
      folderPage(
        at('old', '11:59:58') + at('young', '11:59:59') + at('now', '12:00:00') + at('ahead', '12:00:07'),
        true,
      ),
    );
    const { folders } = await open(http).mailbox.tree(context);
    expect(folders.flatMap(({ id, settling }) => (settling === true ? [id] : []))).toEqual(['young', 'now', 'ahead']);
  });

  test('pages on by what came, and takes a folder shown twice once', async () => {
    const http = scripted(
      folderPage(folderXml('a', 'root') + folderXml('b', 'root'), false),
      folderPage(folderXml('b', 'root') + folderXml('c', 'a'), true),
    );
    const tree = await open(http).mailbox.tree(context);
    expect(tree.folders.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(http.requests.map(({ body }) => /Offset="(\d+)"/.exec(body)?.[1])).toEqual(['0', '2']);
  });

  test('is read by another operation when the find limit forbids a page', async () => {
    const busy = failure('FindFolder', 'ErrorExceededFindCountLimit');
    const page = (state: string, last: boolean, ...changes: string[]) =>
      answer(
        'SyncFolderHierarchy',
        success(
          'SyncFolderHierarchy',
          `<m:SyncState>${state}</m:SyncState><m:IncludesLastFolderInRange>${last}</m:IncludesLastFolderInRange><m:Changes>${changes.join('')}</m:Changes>`,
        ),
      );
    const created = (name: string, parent: string) => `<t:Create>${folderXml(name, parent)}</t:Create>`;
    const http = scripted(
      answer('FindFolder', busy),
      page('S1', false, created('a', 'root'), created('b', 'a')),
      page('S2', true, created('c', 'root')),
    );
    const tree = await open(http).mailbox.tree(context);
    expect([tree.root, tree.folders.map(({ id, parent }) => [id, parent])]).toEqual([
      'root',
      [
        ['a', 'root'],
        ['c', 'root'],
        ['b', 'a'],
      ],
    ]);
    expect(http.requests[2]?.body).toContain('<m:SyncState>S1</m:SyncState>');
  });

  test('asks for the root when no folder shows it', async () => {
    const http = scripted(folderPage('', true), gotFolder(folderXml('root', 'store')));
    expect(await open(http).mailbox.tree(context)).toEqual({
      mailbox: '00112233-4455-6677-8899-aabbccddeeff',
      root: 'root',
      folders: [],
    });
  });

  test('keeps a folder whose parent is not shown', async () => {
    const http = scripted(
      folderPage(folderXml('a', 'root') + folderXml('b', 'hidden'), true),
      gotFolder(folderXml('root', 'store')),
    );
    const tree = await open(http).mailbox.tree(context);
    expect(tree.folders.map(({ id, parent }) => [id, parent])).toEqual([
      ['a', 'root'],
      ['b', 'root'],
    ]);
  });

  test('knows its mailbox by the folder ids when entry ids are not shown', async () => {
    const recorded =
      'AQMkADRiZGNhMWIxLWIwOGMtNDQAZjktODk3OS0zZWIxODJjNmI4NWYALgAAA8ZmIFRjoG9PpiagjztHaIcBAFSUeaisgPtKo3c6hV';
    const plain = Buffer.concat([
      Buffer.from([0, 3, 36, 0]),
      Buffer.from('4bdca1b1-b08c-44f9-8979-3eb182c6b85f\0\x46'),
    ]).toString('base64');
    const shown = (id: string) => scripted(folderPage(folderXml(id, 'root').replace(entryId, ''), true));
    expect((await open(shown(plain)).mailbox.tree(context)).mailbox).toBe('4bdca1b1-b08c-44f9-8979-3eb182c6b85f');
    expect(await fault(open(shown(recorded)).mailbox.tree(context))).toMatchObject({ kind: 'fatal', code: 'protocol' });
  });

  test('refuses a mailbox without a name', async () => {
    const http = scripted(folderPage(folderXml('a', 'root').replace(entryId, ''), true));
    expect(await fault(open(http).mailbox.tree(context))).toMatchObject({ kind: 'fatal', code: 'protocol' });
  });
});

test('roles are those of the version, and absent ones are left out', async () => {
  const http = scripted(
    gotFolder(folderXml('root', 'store'), '2010'),
    answer(
      'GetFolder',
      [...Array(11)]
        .map((_, i) => success('GetFolder', `<m:Folders>${folderXml(`f${i}`, 'root')}</m:Folders>`))
        .join('') +
        failure('GetFolder', 'ErrorFolderNotFound') +
        failure('GetFolder', 'ErrorAccessDenied'),
      '2010',
    ),
  );
  const roles = await open(http, { impersonate: false }).mailbox.roles(context);
  expect(roles.size).toBe(11);
  expect(roles.get('inbox')).toBe('f1');
  expect(http.requests[1]?.body).toContain(
    '<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>anna@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>',
  );
  expect(http.requests[1]?.body).not.toContain('syncissues');
});

test('roles that EWS has no name for are found by the entry ids that clients keep', async () => {
  const eid = (n: number) =>
    Buffer.from(`00000000${'33221100554477668899aabbccddeeff'}${n.toString(16).padStart(52, '0')}`, 'hex');
  const places = [1, 2, 3, 4].map((n) => `<t:Value>${eid(n).toString('base64')}</t:Value>`).join('');
  const kept = `<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x36d8" PropertyType="BinaryArray"/><t:Values>${places}</t:Values></t:ExtendedProperty>`;
  const block = (id: number, entry: Buffer) => {
    const head = Buffer.alloc(8);
    for (const [i, word] of [id, entry.length + 4, 1, entry.length].entries()) head.writeUInt16LE(word, i * 2);
    return Buffer.concat([head, entry]);
  };
  const blocks = Buffer.concat([
    block(0x8001, eid(5)),
    block(0x8002, eid(6)),
    block(0x8006, eid(7)),
    Buffer.from([0, 0, 0, 0]),
  ]).toString('base64');
  const own = (name: string, n: number) => folderXml(name, 'root').replace(entryId, eid(n).toString('base64'));
  const named = [...Array(12)].map((_, i) =>
    success(
      'GetFolder',
      `<m:Folders>${folderXml(`f${i}`, 'root').replace('</t:Folder>', `${i === 1 ? kept : ''}</t:Folder>`)}</m:Folders>`,
    ),
  );
  const top = success(
    'GetFolder',
    `<m:Folders>${folderXml('top', 'x').replace('</t:Folder>', `${extended('0x36d9', 'Binary', blocks)}</t:Folder>`)}</m:Folders>`,
  );
  const http = scripted(
    answer('GetFolder', named.join('') + top, '2010'),
    folderPage(
      [
        own('conflicts', 1),
        own('issues', 2),
        own('local', 3),
        own('feeds', 5),
        own('other', 6),
        own('actions', 7),
      ].join(''),
      true,
    ),
  );
  const roles = await open(http, { version: 'Exchange2010_SP2' }).mailbox.roles(context);
  expect(Object.fromEntries([...roles].slice(12))).toEqual({
    conflicts: 'conflicts',
    syncissues: 'issues',
    localfailures: 'local',
    rssfeeds: 'feeds',
    conversationactions: 'actions',
  });
});

describe('changes', () => {
  const page = (changes: string, last = true) =>
    answer(
      'SyncFolderItems',
      success(
        'SyncFolderItems',
        `<m:SyncState>STATE</m:SyncState><m:IncludesLastItemInRange>${last}</m:IncludesLastItemInRange><m:Changes>${changes}</m:Changes>`,
      ),
    );

  test('of every kind', async () => {
    const http = scripted(
      page(
        `<t:Create><t:Message><t:ItemId Id="A" ChangeKey="1"/><t:Subject>x&#x2;</t:Subject><t:IsRead>true</t:IsRead></t:Message></t:Create>
         <t:Update><t:MeetingRequest><t:ItemId Id="B" ChangeKey="2"/></t:MeetingRequest></t:Update><t:Delete><t:ItemId Id="C"/></t:Delete>
         <t:ReadFlagChange><t:ItemId Id="D"/><t:IsRead>false</t:IsRead></t:ReadFlagChange><t:Create><t:Message/></t:Create><t:Merge><t:ItemId Id="E"/></t:Merge>`,
        false,
      ),
    );
    const { changes, cursor, complete, oddities } = await open(http).mailbox.changes(folder, 'OLD' as Cursor, context);
    expect(changes).toMatchObject([
      { kind: 'upsert', head: { id: 'A', version: '1', folder, state: { isRead: true } } },
      { kind: 'upsert', head: { id: 'B', version: '2' } },
      { kind: 'delete', id: 'C' },
      { kind: 'read-flag', id: 'D', isRead: false },
      { kind: 'unreadable', id: null },
      { kind: 'unreadable', id: 'E' },
    ]);
    expect([cursor, complete, oddities]).toEqual(['STATE', false, { 'forbidden character': 1, 'repaired XML': 1 }]);
    expect(http.requests[0]?.body).toContain(
      '<m:SyncState>OLD</m:SyncState><m:MaxChangesReturned>512</m:MaxChangesReturned>',
    );
  });

  test.each([
    ['ErrorInvalidSyncStateData', { kind: 'cursor-lost' }],
    ['ErrorSyncFolderNotFound', { kind: 'gone' }],
  ])('%s', async (code, expected) => {
    const http = scripted(
      answer(
        'SyncFolderItems',
        failure('SyncFolderItems', code, '<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>'),
      ),
    );
    expect(await fault(open(http).mailbox.changes(folder, null, context))).toMatchObject(expected);
  });

  test('an answer without a cursor is refused', async () => {
    const http = scripted(answer('SyncFolderItems', success('SyncFolderItems', '<m:Changes/>')));
    expect(await fault(open(http).mailbox.changes(folder, null, context))).toMatchObject({
      kind: 'fatal',
      code: 'protocol',
    });
  });
});

const itemXml = (name: string, key: string, inner = '', mime = '') =>
  `<t:Message>${mime}<t:ItemId Id="${name}" ChangeKey="${key}"/><t:ParentFolderId Id="FOLDER" ChangeKey="K"/>${inner}</t:Message>`;
const gotItem = (item: string) => success('GetItem', `<m:Items>${item}</m:Items>`);

describe('contents', () => {
  const mimeXml = (bytes: Buffer) => `<t:MimeContent CharacterSet="UTF-8">${bytes.toString('base64')}</t:MimeContent>`;
  const refs = (...names: string[]) => names.map((name) => ({ id: id(name), sizeBytes: 0 }));

  test('small and large, with what is wrong in its place', async () => {
    const large = Buffer.alloc(600_000, 'large message ');
    const http = scripted(
      answer(
        'GetItem',
        gotItem(
          itemXml(
            'A',
            '1',
            '<t:BccRecipients><t:Mailbox><t:Name>Bo</t:Name><t:EmailAddress>bo@example.test</t:EmailAddress></t:Mailbox></t:BccRecipients>',
            mimeXml(Buffer.from('small')),
          ),
        ) +
          failure('GetItem', 'ErrorItemNotFound', '<m:Items/>') +
          gotItem(itemXml('C', '3', '', mimeXml(large))) +
          gotItem(itemXml('D', '4')) +
          gotItem(itemXml('E', '5', '', '<t:MimeContent>no base64!</t:MimeContent>')) +
          failure('GetItem', 'ErrorCorruptData', '<m:Items/>'),
      ),
    );
    const contents = await open(http).mailbox.contents(refs('A', 'B', 'C', 'D', 'E', 'F'), context);
    const [a, b, c, d, e, f] = [...contents.values()];
    expect([...contents.keys()]).toEqual(['A', 'B', 'C', 'D', 'E', 'F']);
    expect([b, d, e, f]).toMatchObject([
      { kind: 'gone' },
      { kind: 'poison', reason: 'corrupt' },
      { kind: 'poison', reason: 'corrupt' },
      { kind: 'poison', reason: 'corrupt' },
    ]);
    const good = [a, c].filter((one): one is MailContent => one !== undefined && !isFault(one));
    expect(good.map(({ head }) => [head.id, head.folder])).toEqual([
      ['A', 'FOLDER'],
      ['C', 'FOLDER'],
    ]);
    expect(good[0]?.bcc).toEqual(['Bo <bo@example.test>']);
    expect(good.map(({ mime }) => mime.inMemoryBase64 === null)).toEqual([false, true]);
    expect(spoolFiles().length).toBe(1);
    expect(await Promise.all(good.map(({ mime }) => payloadBytes(mime)))).toEqual([Buffer.from('small'), large]);
    for (const { mime } of good) await mime.dispose();
    expect(spoolFiles()).toEqual([]);
  });

  test('a wrong count is refused, and nothing is left behind', async () => {
    const http = scripted(answer('GetItem', gotItem(itemXml('A', '1', '', mimeXml(Buffer.alloc(600_000))))));
    expect(await fault(open(http).mailbox.contents(refs('A', 'B'), context))).toMatchObject({
      kind: 'fatal',
      code: 'protocol',
      detail: 'GetItem was asked for 2 answers and got 1',
    });
    expect(spoolFiles()).toEqual([]);
  });

  test('an answer that is cut off is transient', async () => {
    const whole = answer('GetItem', gotItem(itemXml('A', '1', '', mimeXml(Buffer.alloc(900_000)))));
    expect(await fault(open(scripted(whole.slice(0, 1_000_000))).mailbox.contents(refs('A'), context))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: false,
    });
    expect(spoolFiles()).toEqual([]);
  });

  test('one error for all is everybody’s', async () => {
    const http = scripted(
      answer(
        'GetItem',
        failure(
          'GetItem',
          'ErrorServerBusy',
          '<m:MessageXml><t:Value Name="BackOffMilliseconds">25</t:Value></m:MessageXml>',
        ),
      ),
    );
    const contents = await open(http).mailbox.contents(refs('A', 'B'), context);
    expect([...contents.values()]).toMatchObject([{ kind: 'throttled', retryAfterMs: 25 }, { kind: 'throttled' }]);
  });
});

describe('create', () => {
  const made = (name: string) =>
    success('CreateItem', `<m:Items><t:Message><t:ItemId Id="${name}" ChangeKey="1"/></t:Message></m:Items>`);
  const draft = (bytes: Uint8Array = Buffer.from('x')) => draftWith(headWith(), bytes);

  test('answers stand in the order of the drafts, faults in their place', async () => {
    const http = scripted(
      answer(
        'CreateItem',
        made('A') +
          failure('CreateItem', 'ErrorInternalServerTransientError', '<m:Items/>') +
          failure('CreateItem', 'ErrorQuotaExceeded', '<m:Items/>') +
          success('CreateItem', '<m:Items/>'),
      ),
    );
    expect(await open(http).mailbox.create(folder, [draft(), draft(), draft(), draft()], context)).toMatchObject([
      { id: 'A', version: '1' },
      { kind: 'transient', mayHaveHappened: true },
      { kind: 'fatal', code: 'quota' },
      { kind: 'transient', mayHaveHappened: true },
    ]);
    expect(http.requests[0]?.body).toMatch(
      /<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="FOLDER"\/><\/m:SavedItemFolderId><m:Items><t:Message><t:MimeContent>eA==<\/t:MimeContent>/,
    );
  });

  test('a large one is streamed, with the length told before', async () => {
    const bytes = Buffer.alloc(3_000_000, 'Grüße ');
    const large: Payload = { ...payloadOfBytes(bytes), inMemoryBase64: null };
    const http = scripted(answer('CreateItem', made('A')));
    const lengths: (number | string)[] = [];
    const watched = {
      ...http,
      post: (request: Parameters<typeof http.post>[0]) => {
        lengths.push(request.body instanceof Uint8Array ? 'whole' : request.body.sizeBytes);
        return http.post(request);
      },
    };
    await open(watched).mailbox.create(
      folder,
      [{ ...draft(), content: { head: headWith({}, { subject: 'ü' }), mime: large, bcc: [] } }],
      context,
    );
    expect(lengths).toEqual([Buffer.byteLength(http.requests[0]?.body ?? '')]);
    expect(http.requests[0]?.body).toContain(bytes.toString('base64'));
  });

  test('a batch refused for one item is halved until the item is alone', async () => {
    const soapFault = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail><e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorRequestStreamTooBig</e:ResponseCode></detail></s:Fault></s:Body></s:Envelope>`;
    const http = scripted(
      soapFault,
      answer('CreateItem', made('A')),
      soapFault,
      answer('CreateItem', made('B')),
      soapFault,
    );
    expect(await open(http).mailbox.create(folder, [draft(), draft(), draft()], context)).toMatchObject([
      { id: 'A' },
      { id: 'B' },
      { kind: 'poison', reason: 'too-large' },
    ]);
  });

  test('a lost answer may have happened', async () => {
    const lost = new FaultError({ kind: 'transient', detail: 'reset', mayHaveHappened: true });
    expect(await fault(open(scripted(lost)).mailbox.create(folder, [draft()], context))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: true,
    });
    expect(
      await fault(
        open(scripted(answer('CreateItem', made('A')).slice(0, 600))).mailbox.create(folder, [draft()], context),
      ),
    ).toMatchObject({ kind: 'transient', mayHaveHappened: true });
  });
});

describe('update', () => {
  const updated = (...keys: string[]) =>
    keys
      .map((key) =>
        success('UpdateItem', `<m:Items><t:Message><t:ItemId Id="A" ChangeKey="${key}"/></t:Message></m:Items>`),
      )
      .join('');
  const edit = { id: id('A'), expect: version('1'), set: { isRead: true }, readReceiptRequested: true };

  test('suppresses receipts by the attribute from 2013 on', async () => {
    const http = scripted(
      answer('UpdateItem', updated('2') + failure('UpdateItem', 'ErrorIrresolvableConflict', '<m:Items/>')),
    );
    const results = await open(http, { version: 'Exchange2013_SP1' }).mailbox.update(
      [edit, { ...edit, set: {} }, { ...edit, id: id('B') }],
      context,
    );
    expect(results).toMatchObject([{ id: 'A', version: '2' }, { id: 'A', version: '1' }, { kind: 'stale' }]);
    expect(http.requests[0]?.body).toMatch(/ConflictResolution="NeverOverwrite".* SuppressReadReceipts="true"/);
  });

  test('by a response object before, and only then writes', async () => {
    const http = scripted(
      answer('GetItem', gotItem(itemXml('A', '1')), '2010'),
      answer('CreateItem', success('CreateItem', '<m:Items/>'), '2010'),
      answer('GetItem', gotItem(itemXml('A', '2')), '2010'),
      answer('UpdateItem', updated('9') + updated('3'), '2010'),
    );
    const other = { ...edit, id: id('B'), readReceiptRequested: false };
    expect(await open(http, { version: 'Exchange2010_SP2' }).mailbox.update([other, edit], context)).toMatchObject([
      { version: '9' },
      { version: '3' },
    ]);
    expect(http.requests[1]?.body).toContain(
      '<t:SuppressReadReceipt><t:ReferenceItemId Id="A" ChangeKey="1"/></t:SuppressReadReceipt>',
    );
    expect(http.requests[3]?.body).toContain('<t:ItemId Id="A" ChangeKey="2"/>');
  });

  test.each([
    ['the item is at another version', [gotItem(itemXml('A', '7'))], { kind: 'stale' }],
    [
      'somebody changed it meanwhile',
      [
        gotItem(itemXml('A', '1')),
        success('CreateItem', '<m:Items/>'),
        gotItem(itemXml('A', '2', '<t:Importance>High</t:Importance>')),
      ],
      { kind: 'stale' },
    ],
    [
      'the receipt cannot be suppressed',
      [gotItem(itemXml('A', '1')), failure('CreateItem', 'ErrorAccessDenied'), gotItem(itemXml('A', '1'))],
      { kind: 'poison', reason: 'access-denied' },
    ],
    ['the item is gone', [failure('GetItem', 'ErrorItemNotFound')], { kind: 'gone' }],
  ])('writes nothing on 2010 when %s', async (_, messages, expected) => {
    const http = scripted(
      ...messages.map((message) =>
        answer(message.includes('m:CreateItem') ? 'CreateItem' : 'GetItem', message, '2010'),
      ),
    );
    expect(await open(http, { version: 'Exchange2010_SP2' }).mailbox.update([edit], context)).toMatchObject([expected]);
  });

  test('a receipt that is not pending is no obstacle', async () => {
    const http = scripted(
      answer('GetItem', gotItem(itemXml('A', '1')), '2007'),
      answer('CreateItem', failure('CreateItem', 'ErrorReadReceiptNotPending'), '2007'),
      answer('GetItem', gotItem(itemXml('A', '1')), '2007'),
      answer('UpdateItem', updated('2'), '2007'),
    );
    expect(await open(http, { version: 'Exchange2007_SP1' }).mailbox.update([edit], context)).toMatchObject([
      { version: '2' },
    ]);
  });
});

describe('remove', () => {
  const key = 'ABEiM0RVZneImaq7zN3u/w==';
  const keyed = (name: string, changeKey: string, inner = '') =>
    gotItem(itemXml(name, changeKey, inner + extended('0x300B', 'Binary', key)));
  const found = (...names: string[]) =>
    answer(
      'FindItem',
      success(
        'FindItem',
        `<m:RootFolder IncludesLastItemInRange="true"><t:Items>${names.map((name) => `<t:Message><t:ItemId Id="${name}" ChangeKey="9"/></t:Message>`).join('')}</t:Items></m:RootFolder>`,
      ),
    );
  const deleted = answer('DeleteItem', success('DeleteItem'));
  const ref = { id: id('A'), expect: version('1'), readReceiptRequested: true };

  test('re-reads, removes, and looks at what it removed', async () => {
    const http = scripted(
      answer('GetItem', keyed('A', '1')),
      deleted,
      found('A2'),
      answer('GetItem', keyed('A2', '9')),
    );
    expect(await open(http, { version: 'Exchange2013_SP1' }).mailbox.remove([ref], context)).toEqual([null]);
    expect(http.requests[1]?.body).toMatch(/DeleteType="SoftDelete".* SuppressReadReceipts="true"/);
    expect(http.requests[2]?.body).toContain(`Id="recoverableitemsdeletions"`);
    expect(http.requests[2]?.body).toContain(`<t:Constant Value="${key}"/>`);
  });

  test('puts back what was newer', async () => {
    const http = scripted(
      answer('GetItem', keyed('A', '1')),
      deleted,
      found('A2'),
      answer('GetItem', keyed('A2', '9', '<t:Importance>High</t:Importance>')),
      answer(
        'MoveItem',
        success('MoveItem', '<m:Items><t:Message><t:ItemId Id="A3" ChangeKey="1"/></t:Message></m:Items>'),
      ),
    );
    expect(await open(http, { version: 'Exchange2013_SP1' }).mailbox.remove([ref], context)).toMatchObject([
      { kind: 'stale' },
    ]);
    expect(http.requests[4]?.body).toContain(
      '<m:ToFolderId><t:FolderId Id="FOLDER"/></m:ToFolderId><m:ItemIds><t:ItemId Id="A2"/>',
    );
  });

  test('looks again where the server was busy, and puts back what was newer', async () => {
    const busy = (operation: string) =>
      answer(
        operation,
        failure(
          operation,
          'ErrorServerBusy',
          '<m:MessageXml><t:Value Name="BackOffMilliseconds">5</t:Value></m:MessageXml>',
        ),
      );
    const http = scripted(
      answer('GetItem', keyed('A', '1')),
      deleted,
      busy('FindItem'),
      found('A2'),
      busy('GetItem'),
      found('A2'),
      answer('GetItem', keyed('A2', '9', '<t:Importance>High</t:Importance>')),
      answer(
        'MoveItem',
        success('MoveItem', '<m:Items><t:Message><t:ItemId Id="A3" ChangeKey="1"/></t:Message></m:Items>'),
      ),
    );
    expect(await open(http, { version: 'Exchange2013_SP1' }).mailbox.remove([ref], context)).toMatchObject([
      { kind: 'stale' },
    ]);
  });

  test('says so when it cannot put back what was newer', async () => {
    const http = scripted(
      answer('GetItem', keyed('A', '1')),
      deleted,
      found('A2'),
      answer('GetItem', keyed('A2', '9', '<t:Importance>High</t:Importance>')),
      answer('MoveItem', failure('MoveItem', 'ErrorMoveCopyFailed')),
    );
    const [result] = await open(http, { version: 'Exchange2013_SP1' }).mailbox.remove([ref], context);
    expect(result).toMatchObject({ kind: 'transient', detail: expect.stringContaining('among the deleted items') });
  });

  test('stands when Recoverable Items cannot be looked into', async () => {
    const http = scripted(
      answer('GetItem', keyed('A', '1')),
      deleted,
      answer('FindItem', failure('FindItem', 'ErrorAccessDenied')),
    );
    expect(await open(http, { version: 'Exchange2013_SP1' }).mailbox.remove([ref], context)).toEqual([null]);
  });

  test('removes nothing that is at another version, or gone', async () => {
    const http = scripted(answer('GetItem', keyed('A', '2') + failure('GetItem', 'ErrorItemNotFound')));
    expect(
      await open(http, { version: 'Exchange2013_SP1' }).mailbox.remove([ref, { ...ref, id: id('B') }], context),
    ).toMatchObject([{ kind: 'stale' }, { kind: 'gone' }]);
    expect(http.requests.length).toBe(1);
  });

  test('goes by way of Deleted Items on 2007, where it can be looked at, and suppresses the not-read receipt first', async () => {
    const moved = answer(
      'MoveItem',
      success('MoveItem', '<m:Items><t:Message><t:ItemId Id="A2" ChangeKey="3"/></t:Message></m:Items>'),
      '2007',
    );
    const begin = [
      answer('GetItem', keyed('A', '1'), '2007'),
      answer('CreateItem', success('CreateItem'), '2007'),
      answer('GetItem', keyed('A', '2'), '2007'),
      gotFolder(folderXml('BIN', 'root'), '2007'),
      moved,
    ];
    const same = scripted(...begin, answer('GetItem', keyed('A2', '3'), '2007'), deleted);
    expect(await open(same, { version: 'Exchange2007_SP1' }).mailbox.remove([ref], context)).toEqual([null]);
    expect(same.requests.map(({ operation }) => operation)).toEqual([
      'GetItem',
      'CreateItem',
      'GetItem',
      'GetFolder',
      'MoveItem',
      'GetItem',
      'DeleteItem',
    ]);
    const newer = scripted(
      ...begin,
      answer('GetItem', keyed('A2', '3', '<t:Importance>High</t:Importance>'), '2007'),
      moved,
    );
    expect(await open(newer, { version: 'Exchange2007_SP1' }).mailbox.remove([ref], context)).toMatchObject([
      { kind: 'stale' },
    ]);
    expect(newer.requests[6]?.body).toContain(
      '<m:ToFolderId><t:FolderId Id="FOLDER"/></m:ToFolderId><m:ItemIds><t:ItemId Id="A2"/>',
    );
  });
});

test('move says the new ids', async () => {
  const http = scripted(
    answer(
      'MoveItem',
      success('MoveItem', '<m:Items><t:Message><t:ItemId Id="A2" ChangeKey="1"/></t:Message></m:Items>') +
        failure('MoveItem', 'ErrorItemNotFound'),
    ),
  );
  expect(
    await open(http, { version: 'Exchange2010_SP2' }).mailbox.move([id('A'), id('B')], folder, context),
  ).toMatchObject([{ id: 'A2' }, { kind: 'gone' }]);
});

test('items are found by their stamps', async () => {
  const stamp = 'cw1;o;m;s;f;p' as StampText;
  const stamped = (name: string, text: string) =>
    gotItem(
      itemXml(
        name,
        '1',
        `<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="7C3C5A4E-9D1B-4F0E-8A66-2F4B1D0C7E91" PropertyName="CausewayStamp" PropertyType="String"/><t:Value>${text}</t:Value></t:ExtendedProperty>`,
      ),
    );
  const page = (last: boolean, ...names: string[]) =>
    answer(
      'FindItem',
      success(
        'FindItem',
        `<m:RootFolder IncludesLastItemInRange="${last}"><t:Items>${names.map((name) => `<t:Message><t:ItemId Id="${name}" ChangeKey="1"/></t:Message>`).join('')}</t:Items></m:RootFolder>`,
      ),
    );
  const http = scripted(
    page(false, 'A', 'B'),
    page(true, 'C'),
    answer('GetItem', stamped('A', stamp) + failure('GetItem', 'ErrorItemNotFound') + stamped('C', 'cw1;another')),
  );
  const result = await open(http).mailbox.findByStamp(folder, [stamp, stamp], context);
  expect([...result].map(([text, heads]) => [text, heads.map((head) => head.id)])).toEqual([[stamp, ['A']]]);
  expect(http.requests[1]?.body).toContain('Offset="2"');
});

test('properties come raw, absent ones do not come', async () => {
  const http = scripted(
    answer(
      'GetItem',
      gotItem(itemXml('A', '1', extended('0x10F4', 'Boolean', 'true'))) + failure('GetItem', 'ErrorItemNotFound'),
    ),
  );
  const wanted = [
    { tag: 0x10f4, type: 'boolean' },
    { tag: 0x1000, type: 'string' },
  ] as const;
  const result = await open(http).mailbox.properties([id('A'), id('B')], wanted, context);
  expect([...result.values()]).toMatchObject([[{ property: wanted[0], values: ['true'] }], { kind: 'gone' }]);
});

test('limits are what the root says', async () => {
  const root = folderXml('root', 'store').replace(
    '</t:Folder>',
    `${extended('0xe08', 'Long', '5000')}${extended('0x666a', 'Integer', '2048')}</t:Folder>`,
  );
  expect(await open(scripted(gotFolder(root))).mailbox.limits(context)).toEqual({
    quotaBytes: 2_097_152,
    usedBytes: 5000,
    itemMaxBytes: null,
    retention: [],
  });
});

test('ping tells the server’s clock and product', async () => {
  const ping = await open(scripted(gotFolder(folderXml('root', 'store')))).mailbox.ping(context);
  expect(ping).toMatchObject({ serverTimeMs: Date.UTC(2026, 10, 22, 12), product: 'Exchange 2016 (15.1.2507)' });
});

describe('folders', () => {
  const newFolder = answer(
    'CreateFolder',
    success('CreateFolder', '<m:Folders><t:Folder><t:FolderId Id="NEW" ChangeKey="1"/></t:Folder></m:Folders>'),
  );
  test('are made', async () =>
    expect(await open(scripted(newFolder)).mailbox.createFolder(folder, 'x', 'IPF.Note', context)).toBe('NEW'));
  test.each([
    ['ErrorFolderExists', { kind: 'stale', detail: 'a folder of this name exists' }],
    ['ErrorFolderSavePropertyError', { kind: 'poison', reason: 'name-refused' }],
    ['ErrorAccessDenied', { kind: 'fatal', code: 'access-denied' }],
  ])('%s', async (code, expected) => {
    expect(
      await fault(
        open(scripted(answer('CreateFolder', failure('CreateFolder', code)))).mailbox.createFolder(
          folder,
          'x',
          null,
          context,
        ),
      ),
    ).toMatchObject(expected);
  });
  test('are renamed, moved and removed', async () => {
    const http = scripted(
      answer('UpdateFolder', success('UpdateFolder')),
      answer('MoveFolder', success('MoveFolder')),
      // What is in it may ask for receipts, which this operation cannot suppress.
      folderPage('', true),
      answer('DeleteFolder', success('DeleteFolder')),
    );
    const { mailbox } = open(http);
    await mailbox.renameFolder(folder, 'New', context);
    await mailbox.moveFolder(folder, 'OTHER' as FolderId, context);
    await mailbox.removeFolder(folder, context);
    expect(http.requests.map(({ operation }) => operation)).toEqual([
      'UpdateFolder',
      'MoveFolder',
      'FindFolder',
      'DeleteFolder',
    ]);
  });
});

describe('versions', () => {
  const info = (as: '2007' | '2010' | '2016') => gotFolder(folderXml('root', 'store'), as);
  test('the oldest is spoken until the server has said what it is, then the lowest seen', async () => {
    const http = scripted(info('2016'), info('2016'), info('2010'), info('2016'));
    const { connector, mailbox } = open(http);
    expect(connector.abilities.readFlagAtCreate).toBe(false);
    for (let i = 0; i < 4; i++) await mailbox.ping(context);
    expect(http.requests.map(({ body }) => /RequestServerVersion Version="(\w+)"/.exec(body)?.[1])).toEqual([
      'Exchange2007_SP1',
      'Exchange2016',
      'Exchange2016',
      'Exchange2010_SP2',
    ]);
    expect(connector.abilities).toMatchObject({ product: 'Exchange 2010 SP2 (14.2.247)', readFlagAtCreate: true });
    expect(http.requests[3]?.body).toContain('<t:SmtpAddress>anna@example.test</t:SmtpAddress>');
  });
  test('a mailbox on an older server is spoken to in its language', async () => {
    const refused = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>a:ErrorInvalidServerVersion</faultcode><faultstring>no</faultstring><detail/></s:Fault></s:Body></s:Envelope>`;
    const http = scripted(info('2016'), refused, info('2007'));
    const { mailbox } = open(http);
    await mailbox.ping(context);
    expect(await fault(mailbox.ping(context))).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    await mailbox.ping(context);
    expect(http.requests[2]?.body).toContain('Version="Exchange2007_SP1"');
  });
  test('a server that is too old is refused', async () => {
    const old = info('2007').replace('MinorVersion="1"', 'MinorVersion="0"');
    expect(await fault(open(scripted(old)).mailbox.ping(context))).toMatchObject({
      kind: 'fatal',
      code: 'unsupported',
    });
  });
});

test.each([
  ['another answer', answer('GetItem', ''), 'protocol'],
  ['a page for people', '<!DOCTYPE html><html><body>Sign in</body></html>', 'protocol'],
  ['an entity bomb', '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>', 'protocol'],
  ['broken XML', '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body></s:Envelope>', 'protocol'],
  ['XML of another kind', '<rss><channel/></rss>', 'protocol'],
])('%s is refused', async (_, text, code) => {
  expect(await fault(open(scripted(text)).mailbox.ping(context))).toMatchObject({ kind: 'fatal', code });
});
