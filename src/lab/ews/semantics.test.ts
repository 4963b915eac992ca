import { describe, expect, test } from 'vitest';
import { ewsVersions } from '../seams.ts';
import { folderIdOf, itemChangeKeyOf, itemIdOf } from '../world/ids.ts';
import { contentOfMime } from '../world/read-message.ts';
import { bytesOf, EwsBench, replyOf } from './ews.fixture.ts';

const asking = contentOfMime(
  Buffer.from('From: a@x.test\r\nDisposition-Notification-To: a@x.test\r\nSubject: x\r\n\r\ny\r\n'),
);
const inbox = '<t:DistinguishedFolderId Id="inbox"/>';
const message = (subject: string): string => `<t:Message><t:Subject>${subject}</t:Subject></t:Message>`;
const create = (items: string): string =>
  `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId>${inbox}</m:SavedItemFolderId><m:Items>${items}</m:Items></m:CreateItem>`;
const sync = (state: string): string =>
  `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>${inbox}</m:SyncFolderId><m:SyncState>${state}</m:SyncState><m:MaxChangesReturned>5</m:MaxChangesReturned></m:SyncFolderItems>`;

describe.each(ewsVersions)('Exchange %s, receipts over EWS', (version) => {
  const suppressing = version === '2007' || version === '2010' ? '' : ' SuppressReadReceipts="true"';
  const marked = (id: string, key: string, attributes: string): string =>
    `<m:UpdateItem ConflictResolution="NeverOverwrite" MessageDisposition="SaveOnly"${attributes}><m:ItemChanges><t:ItemChange><t:ItemId Id="${id}" ChangeKey="${key}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>true</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`;

  test('marking sends, suppressing does not', async () => {
    const ews = new EwsBench(version);
    const mailbox = ews.mailbox();
    const make = () =>
      mailbox.create(mailbox.folder('inbox'), { content: asking, messageFlags: 0, delivered: true }, mailbox.server);
    const first = make();
    expect((await ews.call(marked(itemIdOf(first), itemChangeKeyOf(first), ''))).codes).toEqual(['NoError']);
    expect(ews.world.outbox.map(({ cause }) => cause)).toEqual(['read-receipt']);
    const second = make();
    if (suppressing === '')
      expect(
        (
          await ews.call(
            `<m:CreateItem><m:Items><t:SuppressReadReceipt><t:ReferenceItemId Id="${itemIdOf(second)}"/></t:SuppressReadReceipt></m:Items></m:CreateItem>`,
          )
        ).codes,
      ).toEqual(['NoError']);
    expect((await ews.call(marked(itemIdOf(second), itemChangeKeyOf(second), suppressing))).codes).toEqual(['NoError']);
    expect(second.isRead).toBe(true);
    expect(ews.world.outbox).toHaveLength(1);
  });
});

describe('faults asked for by tests', () => {
  test('half a batch is carried out, the rest fails and is not', async () => {
    const ews = new EwsBench('2016');
    ews.faults.set([{ point: 'half-batch', chance: 1 }]);
    const reply = await ews.call(create(['a', 'b', 'c', 'd'].map(message).join('')));
    expect(reply.codes).toEqual([
      'NoError',
      'NoError',
      'ErrorInternalServerTransientError',
      'ErrorInternalServerTransientError',
    ]);
    expect(ews.mailbox().folder('inbox').count).toBe(2);
  });

  test('a busy item says how long to wait and is not carried out', async () => {
    const ews = new EwsBench('2013');
    ews.faults.set([{ point: 'item-busy', chance: 1, ms: 250 }]);
    const reply = await ews.call(create(message('a')));
    expect(reply.codes).toEqual(['ErrorServerBusy']);
    expect(reply.one('Value').text).toBe('250');
    expect(ews.mailbox().folder('inbox').count).toBe(0);
  });

  test('a lost sync state, and a change key that moves after the answer', async () => {
    const ews = new EwsBench('2010');
    const first = await ews.call(sync(''));
    ews.faults.set([{ point: 'stale-state', chance: 1 }]);
    expect((await ews.call(sync(first.one('SyncState').text))).codes).toEqual(['ErrorInvalidSyncStateData']);
    ews.faults.set([{ point: 'later-touch', chance: 1 }]);
    const created = await ews.call(create(message('a')));
    const [item] = [...ews.mailbox().folder('inbox').items()];
    expect(item).toBeDefined();
    if (item !== undefined) expect(created.one('ItemId').attributes.get('ChangeKey')).not.toBe(itemChangeKeyOf(item));
  });
});

test('an admin who impersonates acts as the owner, and only where he may', async () => {
  const ews = new EwsBench('2016');
  const header = (address: string): string =>
    `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`;
  const [one, two] = ews.organization.mailboxes;
  ews.organization.setImpersonation({ [ews.admin.user]: [one?.address ?? ''] });
  const get =
    '<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>';
  const allowed = await ews.call(get, { as: ews.admin, header: header(one?.address ?? '') });
  expect(allowed.one('FolderId').attributes.get('Id')).toBe(folderIdOf(ews.mailbox(0).folder('inbox')));
  expect((await ews.call(get, { as: ews.admin, header: header(two?.address ?? '') })).codes).toEqual([
    'ErrorImpersonateUserDenied',
  ]);
});

test('a replaced mailbox has another id, and does not know the old one’s items or states', async () => {
  const ews = new EwsBench('2016');
  const state = (await ews.call(sync(''))).one('SyncState').text;
  const created = await ews.call(create(message('a')));
  ews.organization.replaceMailbox(ews.mailbox().address);
  expect((await ews.call(sync(state))).codes).toEqual(['ErrorInvalidSyncStateData']);
  const id = created.one('ItemId').attributes.get('Id');
  expect(
    (
      await ews.call(
        `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="${id}"/></m:ItemIds></m:GetItem>`,
      )
    ).codes,
  ).toEqual(['ErrorItemNotFound']);
});

test('a lab that rebuilds MIME hands out other bytes each time, with the same text inside', async () => {
  const ews = new EwsBench('2016', { rebuildMime: true });
  const mime = Buffer.from(
    'From: a@x.test\r\nTo: b@x.test\r\nSubject: rebuilt\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain words\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>html words</b>\r\n--b--\r\n',
  );
  const created = await ews.call(
    create(`<t:Message><t:MimeContent>${mime.toString('base64')}</t:MimeContent></t:Message>`),
  );
  const id = created.one('ItemId').attributes.get('Id');
  const get = async (): Promise<string> =>
    Buffer.from(
      (
        await ews.call(
          `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="${id}"/></m:ItemIds></m:GetItem>`,
        )
      ).one('MimeContent').text,
      'base64',
    ).toString();
  const [first, second] = [await get(), await get()];
  expect(first).not.toBe(second);
  expect(first).not.toBe(mime.toString());
  for (const part of ['Subject: rebuilt', 'plain words', 'html words']) expect(first).toContain(part);
});

test('streaming: OK, then what happened, until the client goes away', async () => {
  const ews = new EwsBench('2013');
  const subscribed = await ews.call(
    '<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>',
  );
  const stop = new AbortController();
  const request = ews.envelope(
    `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>${subscribed.one('SubscriptionId').text}</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`,
  );
  const answer = await ews.raw(request, { user: ews.mailbox().user, kind: 'person' }, {}, stop.signal);
  const chunks = (answer.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const next = async () => replyOf(200, Buffer.from((await chunks.next()).value as Uint8Array));
  expect((await next()).one('ConnectionStatus').text).toBe('OK');
  const waiting = next();
  await ews.call(create(message('news')));
  expect((await waiting).all('CreatedEvent')).toHaveLength(1);
  const last = chunks.next();
  stop.abort();
  expect((await last).done).toBe(true);
});

test('a request larger than allowed is not read to its end', async () => {
  const ews = new EwsBench('2016', { organization: { requestMaxBytes: 5000 } });
  const answer = await ews.raw(ews.envelope(create(message('x'.repeat(6000)))), {
    user: ews.mailbox().user,
    kind: 'person',
  });
  expect([answer.status, (await bytesOf(answer)).length]).toEqual([413, 0]);
});
