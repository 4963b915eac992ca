import { describe, expect, test } from 'vitest';
import type { Cursor, FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailFacts, MailState } from '#model/mail.ts';
import { mailFields, mailProperties } from '#model/mail-properties.ts';
import { causewayPropertySet } from '#model/stamp.ts';
import { haveSchemas, type SchemaVersion as ServerVersion, validateEnvelope } from '#test/suites/ews-schema.ts';
import { draftWith, headWith, sent } from './ews.fixture.ts';
import type { Operation } from './operation.ts';
import { createFolder } from './operations/create-folder.ts';
import { createItem, suppressReadReceipt } from './operations/create-item.ts';
import { deleteFolder } from './operations/delete-folder.ts';
import { deleteItem } from './operations/delete-item.ts';
import { findFolder } from './operations/find-folder.ts';
import { findItem } from './operations/find-item.ts';
import { getEvents } from './operations/get-events.ts';
import { getFolder } from './operations/get-folder.ts';
import { getItem } from './operations/get-item.ts';
import { getStreamingEvents } from './operations/get-streaming-events.ts';
import { moveFolder } from './operations/move-folder.ts';
import { moveItem } from './operations/move-item.ts';
import { subscribe } from './operations/subscribe.ts';
import { syncFolderHierarchy } from './operations/sync-folder-hierarchy.ts';
import { syncFolderItems } from './operations/sync-folder-items.ts';
import { unsubscribe } from './operations/unsubscribe.ts';
import { updateFolder } from './operations/update-folder.ts';
import { updateItem } from './operations/update-item.ts';
import type { SchemaVersion } from './server-version.ts';
import { additionalEntryIds, additionalEntryIdsEx } from './special-folders.ts';
import { distinguishedRoles } from './well-known-folders.ts';

const schemas = haveSchemas();
/** What a client says to a server of each version once it knows it. */
const servers = [
  ['2007', 'Exchange2007_SP1'],
  ['2010', 'Exchange2010_SP2'],
  ['2013', 'Exchange2013_SP1'],
  ['2016', 'Exchange2016'],
  ['se', 'Exchange2016'],
] as const satisfies readonly (readonly [ServerVersion, SchemaVersion])[];
const folder = 'AAMkFOLDER=' as FolderId;
const id = 'AAMkITEM=' as ItemId;
const expected = 'CQAAA=' as Version;

/** Every field of the table at its last sample, which is the richest. */
const richFields = Object.fromEntries(mailFields.map((field) => [field, mailProperties[field].sample.at(-1)]));
const richHead = headWith(richFields as Partial<MailState>, richFields as Partial<MailFacts>);
const cleared = Object.fromEntries(
  Object.keys(headWith().state).map((field) => [field, headWith().state[field as keyof MailState]]),
) as Partial<MailState>;

const request = <Request, Answer>(operation: Operation<Request, Answer>, value: Request) => ({
  name: operation.name,
  write: (version: SchemaVersion) => operation.write(value, version),
});
const requests = {
  tree: request(findFolder, { below: { distinguished: 'msgfolderroot', mailbox: null }, offset: 0, max: 1000 }),
  'next page of the tree, of another mailbox': request(findFolder, {
    below: { distinguished: 'msgfolderroot', mailbox: 'o\'hara & <sons>"@example.test' },
    offset: 1000,
    max: 1000,
  }),
  'tree by synchronization': request(syncFolderHierarchy, {
    below: { distinguished: 'msgfolderroot', mailbox: null },
    state: 'H4sIAAA=',
  }),
  'root folder': request(getFolder, {
    folders: [{ distinguished: 'msgfolderroot', mailbox: null }],
    properties: 'tree',
  }),
  'folders with properties': request(getFolder, { folders: [folder], properties: [{ tag: 0x0e08, type: 'long' }] }),
  'folder ids only': request(getFolder, { folders: [folder, folder], properties: [] }),
  'first changes': request(syncFolderItems, { folder, cursor: null, max: 512 }),
  'next changes': request(syncFolderItems, { folder, cursor: 'H4sIAAA=' as Cursor, max: 512 }),
  heads: request(getItem, { ids: [id, id], shape: 'head' }),
  contents: request(getItem, { ids: [id], shape: 'content' }),
  properties: request(getItem, {
    ids: [id],
    shape: [
      { tag: 0x10f4, type: 'boolean' },
      { set: causewayPropertySet, lid: 0x8001, type: 'guid' },
      { set: causewayPropertySet, name: 'a "b" & c', type: 'strings' },
    ],
  }),
  'search for one': request(findItem, {
    folder,
    where: { property: { tag: 0x300b, type: 'binary' }, oneOf: ['AAEC'] },
    properties: [],
    offset: 0,
    max: 250,
  }),
  'search for several': request(findItem, {
    folder,
    where: { property: { set: causewayPropertySet, name: 'n', type: 'string' }, oneOf: ['a', '<b&"'] },
    properties: [{ tag: 0x3008, type: 'time' }],
    offset: 250,
    max: 250,
  }),
  'create plain': request(createItem, { folder, drafts: [draftWith(headWith())] }),
  'create rich': request(createItem, {
    folder,
    drafts: [
      draftWith(richHead, undefined, [
        'Bo Ek <bo@example.test>',
        'only@example.test',
        'Old Form </O=ORG/CN=OLD>',
        'No Address <>',
      ]),
      draftWith(headWith()),
    ],
  }),
  'create post': request(createItem, {
    folder,
    drafts: [draftWith(headWith({}, { ...richHead.facts, itemClass: 'IPM.Post.Rss' }), undefined, ['a@b'])],
  }),
  'suppress receipts': request(suppressReadReceipt, [
    { id, expect: expected },
    { id, expect: expected },
  ]),
  'update everything': request(updateItem, [
    { id, expect: expected, set: richHead.state },
    { id, expect: expected, set: { isRead: true } },
  ]),
  'clear everything': request(updateItem, [{ id, expect: expected, set: cleared }]),
  delete: request(deleteItem, [id, id]),
  move: request(moveItem, { ids: [id, id], to: folder }),
  'create folder': request(createFolder, {
    parent: folder,
    name: 'a/b\\c & <d> \u{1f600}',
    containerClass: 'IPF.Note',
  }),
  'create folder without class': request(createFolder, { parent: folder, name: 'x', containerClass: null }),
  'create calendar': request(createFolder, { parent: folder, name: 'x', containerClass: 'IPF.Appointment' }),
  'create contacts': request(createFolder, { parent: folder, name: 'x', containerClass: 'IPF.Contact' }),
  'create tasks': request(createFolder, { parent: folder, name: 'x', containerClass: 'IPF.Task' }),
  'rename folder': request(updateFolder, { folder, name: 'New & old' }),
  'move folder': request(moveFolder, { folder, to: folder }),
  'delete folder': request(deleteFolder, folder),
  'subscribe to some folders': request(subscribe, { kind: 'pull', folders: [folder, folder], timeoutMinutes: 1440 }),
  pull: request(getEvents, { subscriptionId: 'otPO1iOPzS+vL5HOuTZY', watermark: 'AQAAAA==' }),
  unsubscribe: request(unsubscribe, 'otPO1iOPzS+vL5HOuTZY'),
};
/** Not in 2007. */
const laterRequests = {
  'subscribe to all by pull': request(subscribe, { kind: 'pull', folders: 'all', timeoutMinutes: 30 }),
  'subscribe to a stream': request(subscribe, { kind: 'streaming' }),
  stream: request(getStreamingEvents, { subscriptionIds: ['otPO1iOPzS+vL5HOuTZY', 'x&y'], timeoutMinutes: 30 }),
};

describe.skipIf(!schemas).each(servers)('requests to a server of %s', (server, version) => {
  test.each(Object.entries(requests))('%s', async (_, { write }) => {
    for (const owner of ['anna@example.test', null])
      expect(validateEnvelope(server, await sent(write(version), version, owner))).toEqual([]);
  });
  const known = server === '2007' ? [] : Object.entries(laterRequests);
  for (const [name, { write }] of known)
    test(name, async () => expect(validateEnvelope(server, await sent(write(version), version))).toEqual([]));
  test('roles', async () => {
    const folders = [...distinguishedRoles(version), 'root'].map((distinguished) => ({ distinguished, mailbox: null }));
    const properties = [additionalEntryIds, additionalEntryIdsEx];
    expect(validateEnvelope(server, await sent(getFolder.write({ folders, properties }, version), version))).toEqual(
      [],
    );
  });
});

test.skipIf(!schemas)('the check can fail', async () => {
  const bytes = await sent(requests.tree.write('Exchange2016'), 'Exchange2016');
  expect(validateEnvelope('2016', Buffer.from(bytes.toString().replace('Deep', 'Steep'))).join()).toMatch(/Steep/);
  expect(validateEnvelope('2007', bytes).join()).toMatch(/Exchange2016/);
  // Asking 2010 for a folder that only 2013 has a name for.
  const folders = distinguishedRoles('Exchange2016').map((distinguished) => ({ distinguished, mailbox: null }));
  const later = await sent(getFolder.write({ folders, properties: [] }, 'Exchange2010_SP2'), 'Exchange2010_SP2');
  expect(validateEnvelope('2010', later).join()).toMatch(/syncissues/);
});

test('receipts are suppressed by attribute where servers know it', () => {
  for (const name of ['update everything', 'delete'] as const) {
    expect(requests[name].write('Exchange2013').parts.join('')).toContain(' SuppressReadReceipts="true"');
    expect(requests[name].write('Exchange2010_SP2').parts.join('')).not.toContain('SuppressReadReceipts');
  }
});
