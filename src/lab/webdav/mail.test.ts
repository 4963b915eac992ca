import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { Dav, readMultistatus } from './webdav.fixture.ts';

const one = (text: string) => must(readMultistatus(text)[0], 'a response');
const message = (subject: string, extra = ''): string =>
  `From: Bob <bob@target.test>\r\nTo: <alice@source.test>\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@x.test>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\n${extra}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n`;
const put = { translate: 'f', 'content-type': 'message/rfc822' };

test('well-known folders are found by their names in httpmail, in the language of the mailbox', async () => {
  const dav = new Dav({}, 1);
  const { status, headers, text } = await dav.propfind(
    `${dav.base}/`,
    '<h:inbox/><h:sendmsg/><h:deleteditems/><h:junk/>',
  );
  expect(status).toBe(207);
  expect(headers['content-type']).toBe('text/xml');
  const { found, missing } = one(text);
  expect(found['inbox']).toBe(`${dav.origin}${dav.base}/Posteingang`);
  expect(found['deleteditems']).toBe(`${dav.origin}${dav.base}/Gel%C3%B6schte%20Elemente`);
  expect(found['sendmsg']).toBe(`${dav.origin}${dav.base}/%23%23DavMailSubmissionURI%23%23/`);
  expect(missing).toEqual(['junk']);
});

test('a message is put, found, read, flagged, moved and deleted', async () => {
  const dav = new Dav({ items: 0 });
  const path = `${dav.base}/Inbox/first.EML`;
  expect((await dav.proppatch(path, '<t:x0e070003>1</t:x0e070003>')).status).toBe(207);
  const written = await dav.ask('PUT', path, { headers: put, body: message('first') });
  expect(written.status).toBe(200);
  const found = await dav.search(
    `${dav.base}/Inbox`,
    `SELECT "http://schemas.microsoft.com/exchange/permanenturl", "http://schemas.microsoft.com/mapi/proptag/x10f3001f", "http://schemas.microsoft.com/mapi/proptag/x0e070003", "urn:schemas:httpmail:read", "urn:schemas:httpmail:subject", "http://schemas.microsoft.com/mapi/id/{00062008-0000-0000-c000-000000000046}/0x8570" as deleted FROM SCOPE('Shallow TRAVERSAL OF "${dav.base}/Inbox"') WHERE ("DAV:isfolder" = false And "DAV:ishidden" = false) ORDER BY "http://schemas.microsoft.com/mapi/proptag/x0e230003" DESC`,
  );
  expect(found.status).toBe(207);
  const row = one(found.text);
  expect(row.href).toBe(`${dav.origin}${path}`);
  expect(row.found).toMatchObject({ x10f3001f: 'first.EML', x0e070003: '1', read: '1', subject: 'first' });
  expect(row.missing).toEqual(['deleted']);
  const permanent = new URL(String(row.found['permanenturl'])).pathname;
  const got = await dav.ask('GET', permanent, { headers: { translate: 'f' } });
  expect(got.status).toBe(200);
  expect(got.headers['content-type']).toBe('message/rfc822');
  expect(got.text).toBe(message('first'));

  const deleted = '<o:_x0030_x8570>1</o:_x0030_x8570>';
  const flagged = await dav.proppatch(permanent, `<h:read>0</h:read><t:x10900003>2</t:x10900003>${deleted}`);
  expect(one(flagged.text).found).toMatchObject({ read: '', x10900003: '', _x0030_x8570: '' });
  const [item] = [...dav.mailbox.folder('inbox').items()];
  expect(item?.isRead).toBe(false);
  expect(item?.number('0x1090')).toBe(2);

  const moved = await dav.ask('MOVE', permanent, {
    headers: { destination: `${dav.base}/Deleted%20Items/first.EML`, overwrite: 'F', 'allow-rename': 't' },
  });
  expect(moved.status).toBe(201);
  expect(moved.headers['location']).toBe(`${dav.origin}${dav.base}/Deleted%20Items/first.EML`);
  expect((await dav.ask('GET', permanent, { headers: { translate: 'f' } })).status).toBe(404);
  expect((await dav.ask('DELETE', `${dav.base}/Deleted%20Items/first.EML`)).status).toBe(200);
  expect(dav.mailbox.folder('deleteditems').count).toBe(0);
  expect(dav.lab.outbox).toEqual([]);
});

test('a manifest tells what is there, then what has changed', async () => {
  const dav = new Dav({ items: 120 });
  const sql = `SELECT "http://schemas.microsoft.com/repl/repl-uid", "http://schemas.microsoft.com/repl/resourcetag", "DAV:getetag" FROM SCOPE('SHALLOW TRAVERSAL OF "${dav.base}/Inbox"') WHERE "DAV:isfolder" = false`;
  const ask = (blob: string) =>
    dav.search(
      `${dav.base}/Inbox`,
      sql,
      {},
      blob === '' ? '<R:repl><R:collblob/></R:repl>' : `<R:repl><R:collblob>${blob}</R:collblob></R:repl>`,
    );
  const blobOf = (text: string): string => /<\w:collblob>([^<]*)</.exec(text)?.[1] ?? '';
  const first = await ask('');
  const inbox = dav.mailbox.folder('inbox');
  expect(readMultistatus(first.text)).toHaveLength(inbox.count);
  const blob = blobOf(first.text);
  expect((await ask(blob)).text).toMatch(/<c:repl\/><\/a:multistatus>$/);

  const [a, b, c] = [...inbox.items()];
  const gone = must(a, 'an item');
  const etag = one((await dav.propfind(`${dav.base}/Inbox`, '<D:getetag/>')).text).found['getetag'];
  expect(etag).toBeDefined();
  dav.mailbox.remove(gone, 'HardDelete', dav.mailbox.server);
  dav.mailbox.setRead(must(b, 'an item'), !b?.isRead, dav.mailbox.server, { suppressReceipts: true });
  dav.mailbox.touch(must(c, 'an item'));
  const second = readMultistatus((await ask(blob)).text);
  // Of the three the one that was only read is not told.
  expect(second.map(({ changeType }) => changeType).sort()).toEqual(['change', 'delete']);
  expect(second.find(({ changeType }) => changeType === 'delete')?.found['repl-uid']).toMatch(
    new RegExp(`^rid:[0-9a-f]{32}${gone.no.toString(16).padStart(12, '0')}$`),
  );
  expect((await ask('bm9uc2Vuc2U=')).status).toBe(400);
});

test('folders are made, listed, renamed and deleted', async () => {
  const dav = new Dav();
  const made = await dav.ask('MKCOL', `${dav.base}/Pro_xF8FF_jects`, {
    body: '<D:propertyupdate xmlns:D="DAV:" xmlns:e="http://schemas.microsoft.com/exchange/"><D:set><D:prop><e:outlookfolderclass>IPF.Contact</e:outlookfolderclass></D:prop></D:set></D:propertyupdate>',
  });
  expect(made.status).toBe(207);
  expect(one(made.text).status).toBe('HTTP/1.1 201 Created');
  const folder = [...dav.mailbox.folder('msgfolderroot').children].find(({ name }) => name === 'Pro/jects');
  expect(folder?.containerClass).toBe('IPF.Contact');
  const listed = await dav.search(
    `${dav.base}/`,
    `SELECT "DAV:displayname", "DAV:hassubs" FROM SCOPE('Deep TRAVERSAL OF "${dav.base}/"') WHERE "DAV:isfolder" = true AND "http://schemas.microsoft.com/exchange/outlookfolderclass" = 'IPF.Contact'`,
  );
  expect(readMultistatus(listed.text).map(({ href, found }) => [href.split('/').pop(), found['displayname']])).toEqual([
    ['Contacts', 'Contacts'],
    ['Pro_xF8FF_jects', 'Pro/jects'],
  ]);
  const renamed = await dav.ask('MOVE', `${dav.base}/Pro_xF8FF_jects`, {
    headers: { destination: `${dav.base}/Inbox/Other` },
  });
  expect(renamed.status).toBe(201);
  expect(folder?.path()).toEqual(['Inbox', 'Other']);
  expect((await dav.ask('DELETE', `${dav.base}/Inbox/Other`)).status).toBe(200);
  expect(folder?.gone).toBe(true);
});

test('rows are answered by ranges', async () => {
  const dav = new Dav();
  const sql = `SELECT "DAV:displayname" FROM "${dav.base}/Inbox" WHERE "DAV:isfolder" = false`;
  const total = dav.mailbox.folder('inbox').count;
  const first = await dav.search(`${dav.base}/Inbox`, sql, { range: 'rows=0-1' });
  expect(first.headers['content-range']).toBe(`rows 0-1; total=${total}`);
  expect(readMultistatus(first.text)).toHaveLength(2);
  const last = await dav.search(`${dav.base}/Inbox`, sql, { range: 'rows=-1' });
  expect(last.headers['content-range']).toBe(`rows ${total - 1}-${total - 1}; total=${total}`);
  expect((await dav.search(`${dav.base}/Inbox`, sql, { range: `rows=${total}-${total + 5}` })).status).toBe(416);
});
