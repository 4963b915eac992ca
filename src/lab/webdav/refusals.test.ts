import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { flatPart } from './marks.ts';
import { itemNames } from './url-names.ts';
import { Dav } from './webdav.fixture.ts';

const rfc822 = { translate: 'f', 'content-type': 'message/rfc822' };
const mail = 'From: <anna.adler@source.test>\r\nTo: <x@y.test>\r\nSubject: s\r\n\r\nbody\r\n';
const find = '<D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>';
const update = (inner: string): string =>
  `<D:propertyupdate xmlns:D="DAV:" xmlns:t="http://schemas.microsoft.com/mapi/proptag/" xmlns:a="http://schemas.microsoft.com/mapi/id/{00062002-0000-0000-c000-000000000046}/" xmlns:e="http://schemas.microsoft.com/exchange/"><D:set><D:prop>${inner}</D:prop></D:set></D:propertyupdate>`;
const query = (sql: string, more = ''): string =>
  `<D:searchrequest xmlns:D="DAV:" xmlns:R="http://schemas.microsoft.com/repl/">${more}<D:sql>${sql.replaceAll('<', '&lt;')}</D:sql></D:searchrequest>`;
const from = 'FROM SCOPE(\'SHALLOW TRAVERSAL OF ""\')';

interface Refused {
  readonly what: string;
  readonly status: number;
  readonly method: string;
  /** `{base}` the mailbox, `{item}` a message in its inbox, `{event}` an appointment. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const refused: readonly Refused[] = [
  // What is there
  {
    what: 'no mailbox of that name',
    status: 404,
    method: 'PROPFIND',
    path: '/exchange/nobody/',
    headers: { depth: '0' },
    body: find,
  },
  {
    what: 'a mailbox of somebody else',
    status: 403,
    method: 'PROPFIND',
    path: '/exchange/{other}/',
    headers: { depth: '0' },
    body: find,
  },
  {
    what: 'no folder of that name',
    status: 404,
    method: 'PROPFIND',
    path: '{base}/Nothing',
    headers: { depth: '0' },
    body: find,
  },
  {
    what: 'a public folder',
    status: 404,
    method: 'PROPFIND',
    path: '/public/Nothing',
    headers: { depth: '0' },
    body: find,
  },
  { what: 'a path that climbs', status: 404, method: 'GET', path: '{base}/%2e%2e/x', headers: { translate: 'f' } },
  {
    what: 'a path that cannot be decoded',
    status: 404,
    method: 'GET',
    path: '{base}/%zz',
    headers: { translate: 'f' },
  },
  { what: 'bytes of a folder', status: 404, method: 'GET', path: '{base}/Inbox', headers: { translate: 'f' } },
  {
    what: 'an item that is gone',
    status: 404,
    method: 'GET',
    path: '{base}/Inbox/gone.EML',
    headers: { translate: 'f' },
  },
  {
    what: 'an attachment that is not there',
    status: 404,
    method: 'GET',
    path: '{item}/x.bin',
    headers: { translate: 'f' },
  },
  { what: 'a method nobody has', status: 501, method: 'BREAKFAST', path: '{base}/' },
  // Requests
  { what: 'XML that is none', status: 400, method: 'PROPFIND', path: '{base}/', headers: { depth: '0' }, body: '<a>' },
  {
    what: 'another document',
    status: 400,
    method: 'PROPFIND',
    path: '{base}/',
    headers: { depth: '0' },
    body: '<a xmlns="DAV:"/>',
  },
  {
    what: 'everything below everything',
    status: 403,
    method: 'PROPFIND',
    path: '{base}/',
    headers: { depth: 'infinity' },
    body: find,
  },
  {
    what: 'an entity',
    status: 400,
    method: 'PROPFIND',
    path: '{base}/',
    headers: { depth: '0' },
    body: `<!DOCTYPE x [<!ENTITY a "b">]>${find}`,
  },
  {
    what: 'a query that is none',
    status: 422,
    method: 'SEARCH',
    path: '{base}/Inbox',
    body: query('SELECT everything'),
  },
  {
    what: 'a query with a loose end',
    status: 422,
    method: 'SEARCH',
    path: '{base}/Inbox',
    body: query(`SELECT "DAV:uid" ${from} WHERE ("DAV:uid" = 1`),
  },
  {
    what: 'a comparison with nothing',
    status: 422,
    method: 'SEARCH',
    path: '{base}/Inbox',
    body: query(`SELECT "DAV:uid" ${from} WHERE "DAV:uid" =`),
  },
  {
    what: 'an unknown type',
    status: 422,
    method: 'SEARCH',
    path: '{base}/Inbox',
    body: query(`SELECT "DAV:uid" ${from} WHERE "DAV:uid" = CAST("1" as 'colour')`),
  },
  {
    what: 'a search of nothing',
    status: 404,
    method: 'SEARCH',
    path: '{base}/Nothing',
    body: query(`SELECT "DAV:uid" ${from}`),
  },
  { what: 'no query', status: 400, method: 'SEARCH', path: '{base}/Inbox', body: '<D:searchrequest xmlns:D="DAV:"/>' },
  {
    what: 'rows past the end',
    status: 416,
    method: 'SEARCH',
    path: '{base}/Inbox',
    headers: { range: 'rows=9000-9001' },
    body: query(`SELECT "DAV:uid" ${from}`),
  },
  {
    what: 'rows that cannot be read',
    status: 400,
    method: 'SEARCH',
    path: '{base}/Inbox',
    headers: { range: 'rows=-' },
    body: query(`SELECT "DAV:uid" ${from}`),
  },
  {
    what: 'all public folders at once',
    status: 422,
    method: 'SEARCH',
    path: '/public/',
    body: query('SELECT "DAV:uid" FROM SCOPE(\'DEEP TRAVERSAL OF "/public/"\')'),
  },
  {
    what: 'a garbled collblob',
    status: 400,
    method: 'SEARCH',
    path: '{base}/Inbox',
    body: query(`SELECT "DAV:uid" ${from}`, '<R:repl><R:collblob>AAAA</R:collblob></R:repl>'),
  },
  {
    what: 'a manifest of a tree',
    status: 422,
    method: 'SEARCH',
    path: '{base}/',
    body: query('SELECT "DAV:uid" FROM SCOPE(\'DEEP TRAVERSAL OF ""\')', '<R:repl><R:collblob/></R:repl>'),
  },
  // Writing
  {
    what: 'a message in no folder',
    status: 409,
    method: 'PUT',
    path: '{base}/Nothing/x.EML',
    headers: rfc822,
    body: mail,
  },
  { what: 'a folder by PUT', status: 405, method: 'PUT', path: '{base}/Inbox', headers: rfc822, body: mail },
  { what: 'an empty message', status: 400, method: 'PUT', path: '{base}/Inbox/x.EML', headers: rfc822 },
  {
    what: 'a picture as a message',
    status: 415,
    method: 'PUT',
    path: '{base}/Inbox/x.EML',
    headers: { translate: 'f', 'content-type': 'image/png' },
    body: 'x',
  },
  { what: 'mail over an appointment', status: 403, method: 'PUT', path: '{event}', headers: rfc822, body: mail },
  {
    what: 'a PUT of what has changed',
    status: 412,
    method: 'PUT',
    path: '{item}',
    headers: { ...rfc822, 'if-match': '"1"' },
    body: mail,
  },
  {
    what: 'a new item that is there',
    status: 412,
    method: 'PUT',
    path: '{item}',
    headers: { ...rfc822, 'if-none-match': '*' },
    body: mail,
  },
  {
    what: 'a change of what is not there',
    status: 412,
    method: 'PROPPATCH',
    path: '{base}/Inbox/new.EML',
    headers: { 'if-match': '*' },
    body: update('<e:sensitivity>1</e:sensitivity>'),
  },
  { what: 'properties without a document', status: 400, method: 'PROPPATCH', path: '{item}' },
  {
    what: 'a number that is none',
    status: 400,
    method: 'PROPPATCH',
    path: '{item}',
    body: update('<t:x00170003>many</t:x00170003>'),
  },
  {
    what: 'a time that is none',
    status: 400,
    method: 'PROPPATCH',
    path: '{item}',
    body: update('<t:x0e060040>yesterday</t:x0e060040>'),
  },
  {
    what: 'a type that is none',
    status: 400,
    method: 'PROPPATCH',
    path: '{item}',
    body: update('<e:x dt="colour">red</e:x>'),
  },
  {
    what: 'a series that cannot be read',
    status: 400,
    method: 'PROPPATCH',
    path: '{event}',
    body: update('<a:_x0030_x8216 dt="bin.base64">AAAA</a:_x0030_x8216>'),
  },
  {
    what: 'mail that becomes an appointment',
    status: 403,
    method: 'PROPPATCH',
    path: '{item}',
    body: update('<e:outlookmessageclass>IPM.Appointment</e:outlookmessageclass>'),
  },
  {
    what: 'properties of nothing in nothing',
    status: 409,
    method: 'PROPPATCH',
    path: '{base}/Nothing/x.EML',
    body: update('<e:sensitivity>1</e:sensitivity>'),
  },
  // Folders, moves
  { what: 'a folder that is there', status: 405, method: 'MKCOL', path: '{base}/Inbox' },
  { what: 'a folder in no folder', status: 409, method: 'MKCOL', path: '{base}/Nothing/New' },
  { what: 'a default folder deleted', status: 403, method: 'DELETE', path: '{base}/Inbox' },
  {
    what: 'a default folder moved',
    status: 403,
    method: 'MOVE',
    path: '{base}/Drafts',
    headers: { destination: '{base}/Inbox/Drafts' },
  },
  {
    what: 'a move of nothing',
    status: 404,
    method: 'MOVE',
    path: '{base}/Inbox/gone.EML',
    headers: { destination: '{base}/Drafts/x.EML' },
  },
  {
    what: 'a move to nowhere',
    status: 409,
    method: 'MOVE',
    path: '{item}',
    headers: { destination: '{base}/Nothing/x.EML' },
  },
  { what: 'a move without a destination', status: 400, method: 'MOVE', path: '{item}' },
  {
    what: 'a move onto something',
    status: 412,
    method: 'MOVE',
    path: '{item}',
    headers: { destination: '{second}', overwrite: 'F' },
  },
  {
    what: 'a move onto a folder',
    status: 412,
    method: 'MOVE',
    path: '{item}',
    headers: { destination: '{base}/Drafts' },
  },
  { what: 'deleting what is gone', status: 404, method: 'DELETE', path: '{base}/Inbox/gone.EML' },
  {
    what: 'many of nothing',
    status: 400,
    method: 'BDELETE',
    path: '{base}/Inbox',
    body: '<D:delete xmlns:D="DAV:"><D:target/></D:delete>',
  },
  {
    what: 'many into what is no folder',
    status: 409,
    method: 'BMOVE',
    path: '{base}/Inbox',
    headers: { destination: '{base}/Nothing' },
    body: '<D:move xmlns:D="DAV:"><D:target><D:href>x</D:href></D:target></D:move>',
  },
  { what: 'attachments of a folder', status: 405, method: 'X-MS-ENUMATTS', path: '{base}/Inbox' },
  // Sending
  {
    what: 'sending for somebody else',
    status: 403,
    method: 'PUT',
    path: '{base}/%23%23DavMailSubmissionURI%23%23/',
    headers: { 'content-type': 'message/rfc821' },
    body: 'MAIL FROM:<other@source.test>\r\nRCPT TO:<x@y.test>\r\n\r\nSubject: s\r\n\r\nb',
  },
  {
    what: 'sending to nobody',
    status: 403,
    method: 'PUT',
    path: '{base}/%23%23DavMailSubmissionURI%23%23/',
    headers: { 'content-type': 'message/rfc821' },
    body: 'Subject: s\r\n\r\nb',
  },
  {
    what: 'sending what has no envelope',
    status: 415,
    method: 'PUT',
    path: '{base}/%23%23DavMailSubmissionURI%23%23/',
    headers: rfc822,
    body: mail,
  },
  {
    what: 'a copy to the post',
    status: 403,
    method: 'COPY',
    path: '{item}',
    headers: { destination: '{base}/%23%23DavMailSubmissionURI%23%23/' },
  },
  // Subscriptions
  {
    what: 'an unknown notification',
    status: 400,
    method: 'SUBSCRIBE',
    path: '{base}/Inbox',
    headers: { 'notification-type': 'gossip' },
  },
  {
    what: 'a renewal of nothing',
    status: 412,
    method: 'SUBSCRIBE',
    path: '{base}/Inbox',
    headers: { 'subscription-id': '99' },
  },
  {
    what: 'the end of nothing',
    status: 412,
    method: 'UNSUBSCRIBE',
    path: '{base}/Inbox',
    headers: { 'subscription-id': '99' },
  },
  {
    what: 'a subscription to a permanent address',
    status: 403,
    method: 'SUBSCRIBE',
    path: '{permanent}',
    headers: { 'notification-type': 'update' },
  },
  { what: 'a poll of nothing', status: 400, method: 'POLL', path: '{base}/Inbox' },
  {
    what: 'a form nobody knows',
    status: 501,
    method: 'POST',
    path: '{base}/Inbox',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Cmd=dance',
  },
  {
    what: 'free/busy of no time',
    status: 400,
    method: 'GET',
    path: '/public/?cmd=freebusy&start=x&end=y&u=SMTP:a@b.test',
  },
];

describe('requests that are refused', () => {
  const dav = new Dav({ items: 60, typed: { appointment: 4 } });
  const path = (role: string, at: number): string => {
    const item = must([...dav.mailbox.folder(role).items()][at], 'an item');
    return `${dav.base}/${role === 'inbox' ? 'Inbox' : 'Calendar'}/${encodeURIComponent(itemNames(item.folder).of(item))}`;
  };
  const other = must(dav.organization.mailboxes[1], 'another mailbox').address;
  const places: Readonly<Record<string, string>> = {
    base: dav.base,
    item: path('inbox', 0),
    second: path('inbox', 1),
    event: path('calendar', 0),
    other: other.slice(0, other.indexOf('@')),
    permanent: `${dav.base}/-FlatUrlSpace-/${flatPart(dav.mailbox, dav.mailbox.folder('inbox').no)}`,
  };
  const filled = (text: string): string => text.replace(/\{(\w+)\}/g, (_, name: string) => places[name] ?? '');

  test.each(refused)('$method: $what is $status', async ({ method, path: at, headers = {}, body = '', status }) => {
    const before = dav.lab.world.journal.length;
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)]));
    const answer = await dav.ask(method, filled(at), { headers: sent, body });
    expect([answer.status, answer.text.slice(0, 300)]).toEqual([status, expect.anything()]);
    expect(dav.lab.world.journal.length).toBe(before);
    expect(dav.lab.outbox).toEqual([]);
    expect(dav.lab.failures).toEqual([]);
  });
});

test('a property that belongs to the store is refused, and with it all others', async () => {
  const dav = new Dav({ items: 60 });
  const [item] = [...dav.mailbox.folder('inbox').items()];
  const path = `${dav.base}/Inbox/${encodeURIComponent(itemNames(dav.mailbox.folder('inbox')).of(must(item, 'an item')))}`;
  const { status, text } = await dav.proppatch(path, '<D:getetag>"1"</D:getetag><t:x00170003>2</t:x00170003>');
  expect(status).toBe(207);
  expect(text).toContain('<a:status>HTTP/1.1 403 Forbidden</a:status><a:prop><a:getetag/></a:prop>');
  expect(text).toContain('<a:status>HTTP/1.1 424 Failed Dependency</a:status>');
  expect(item?.number('0x0017')).not.toBe(2);
});

test('a mailbox that is full takes nothing more: 507', async () => {
  const dav = new Dav({ items: 0 });
  dav.mailbox.quotaBytes = 1000;
  const { status } = await dav.ask('PUT', `${dav.base}/Inbox/x.EML`, { headers: rfc822, body: mail.padEnd(2000, 'x') });
  expect(status).toBe(507);
});

test('a locked item is written by whoever holds the lock: 423 for the others', async () => {
  const dav = new Dav({ items: 0 });
  const path = `${dav.base}/Inbox/x.EML`;
  await dav.ask('PUT', path, { headers: rfc822, body: mail });
  const locked = await dav.ask('LOCK', path);
  const token = String(locked.headers['lock-token']);
  expect((await dav.proppatch(path, '<t:x00170003>2</t:x00170003>')).status).toBe(423);
  expect((await dav.ask('DELETE', path)).status).toBe(423);
  expect((await dav.ask('LOCK', path)).status).toBe(423);
  expect((await dav.proppatch(path, '<t:x00170003>2</t:x00170003>', '', { if: `(${token})` })).status).toBe(207);
  expect((await dav.ask('UNLOCK', path, { headers: { 'lock-token': token } })).status).toBe(204);
  expect((await dav.ask('DELETE', path)).status).toBe(200);
});
