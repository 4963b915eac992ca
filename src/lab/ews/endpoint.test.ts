import { describe, expect, test } from 'vitest';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { ewsVersions } from '../seams.ts';
import { EwsBench } from './ews.fixture.ts';

const shape = '<m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>';
const inbox = '<t:DistinguishedFolderId Id="inbox"/>';
const mime = Buffer.from(
  'From: a@x.test\r\nTo: b@x.test\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\nMessage-ID: <1@x.test>\r\n\r\nhello\r\n',
).toString('base64');

function bench(version: (typeof ewsVersions)[number], items = 0): EwsBench {
  const made = new EwsBench(version, { items });
  made.onEnvelope = (kind, v, bytes) => {
    if (haveSchemas()) expect(validateEnvelope(v, bytes), `${kind}: ${bytes.toString().slice(0, 3000)}`).toEqual([]);
  };
  return made;
}

describe.each(ewsVersions)('Exchange %s', (version) => {
  test('shows folders', async () => {
    const ews = bench(version, 300);
    const one = await ews.call(`<m:GetFolder>${shape}<m:FolderIds>${inbox}</m:FolderIds></m:GetFolder>`);
    expect(one.codes).toEqual(['NoError']);
    expect(Number(one.one('TotalCount').text)).toBeGreaterThan(10);
    const all = await ews.call(
      `<m:FindFolder Traversal="Deep">${shape}<m:ParentFolderIds><t:DistinguishedFolderId Id="root"/></m:ParentFolderIds></m:FindFolder>`,
    );
    expect(all.all('DisplayName').length).toBeGreaterThan(20);
    const tree = await ews.call(`<m:SyncFolderHierarchy>${shape}</m:SyncFolderHierarchy>`);
    expect(tree.all('Create').length).toBeGreaterThan(15);
  });

  test('creates a message, feeds it, hands it out byte for byte', async () => {
    const ews = bench(version);
    const sync = (state: string): string =>
      `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="message:IsRead"/><t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/></t:AdditionalProperties></m:ItemShape><m:SyncFolderId>${inbox}</m:SyncFolderId>${state === '' ? '' : `<m:SyncState>${state}</m:SyncState>`}<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`;
    const before = await ews.call(sync(''));
    expect(before.one('IncludesLastItemInRange').text).toBe('true');
    const created = await ews.call(
      `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId>${inbox}</m:SavedItemFolderId><m:Items><t:Message><t:MimeContent CharacterSet="UTF-8">${mime}</t:MimeContent><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/><t:Value>1</t:Value></t:ExtendedProperty></t:Message></m:Items></m:CreateItem>`,
    );
    expect(created.codes).toEqual(['NoError']);
    const after = await ews.call(sync(before.one('SyncState').text));
    expect(after.all('Create')).toHaveLength(1);
    expect(after.one('Subject').text).toBe('café');
    expect(after.one('IsRead').text).toBe(version === '2007' ? 'false' : 'true');
    const got = await ews.call(
      `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="${created.one('ItemId').attributes.get('Id')}"/></m:ItemIds></m:GetItem>`,
    );
    expect(got.one('MimeContent').text).toBe(mime);
    const found = await ews.call(
      `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="10" Offset="0" BasePoint="Beginning"/><m:ParentFolderIds>${inbox}</m:ParentFolderIds></m:FindItem>`,
    );
    expect(found.all('Message')).toHaveLength(1);
  });

  test('pages through a feed of generated items', async () => {
    const ews = bench(version, 3000);
    let state = '';
    const seen = new Set<string>();
    for (let page = 0; page < 40; page++) {
      const got = await ews.call(
        `<m:SyncFolderItems><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:SyncFolderId>${inbox}</m:SyncFolderId>${state === '' ? '' : `<m:SyncState>${state}</m:SyncState>`}<m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>`,
      );
      for (const id of got.all('ItemId')) seen.add(id.attributes.get('Id') ?? '');
      state = got.one('SyncState').text;
      if (got.one('IncludesLastItemInRange').text === 'true') break;
    }
    expect(seen.size).toBe(ews.mailbox().folder('inbox').count);
  });
});
