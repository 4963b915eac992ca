import { beforeAll, describe, expect, test } from 'vitest';
import { type CallOptions, GraphBench } from './graph.fixture.ts';

/** What the service refuses, and how. `%u` the first mailbox, `%m` its id for import and export, `%t` the second mailbox. */
interface Row {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly options?: CallOptions;
  readonly answer: readonly [status: number, code: string];
}

const post = (what: string, path: string, json: unknown, answer: Row['answer']): Row => ({
  what,
  method: 'POST',
  path,
  options: { json },
  answer,
});
const get = (what: string, path: string, answer: Row['answer']): Row => ({ what, method: 'GET', path, answer });
const bad: Row['answer'] = [400, 'BadRequest'];
const range = { startTime: { dateTime: '2031-01-01T00:00:00' }, endTime: { dateTime: '2031-01-02T00:00:00' } };
const at = (dateTime: string, timeZone = 'UTC') => ({ dateTime, timeZone });

const rows: readonly Row[] = [
  get('a path that is none', '/v1.0/users/%u/nothing', bad),
  get('the own mailbox of an application', '/v1.0/me/messages', bad),
  { ...get('a method that is not there', '/v1.0/users/%u/mailFolders', [405, 'BadRequest']), method: 'DELETE' },
  get('a user that is not there', '/v1.0/users/nobody@target.test/messages', [404, 'Request_ResourceNotFound']),
  get('an id that is none', '/v1.0/users/%u/messages/xyz', [400, 'ErrorInvalidIdMalformed']),
  get('a folder that is none', '/v1.0/users/%u/mailFolders/xyz', [400, 'ErrorInvalidIdMalformed']),
  get('an option nobody knows', '/v1.0/users/%u/messages?$foo=1', bad),
  get('an option twice', '/v1.0/users/%u/messages?$top=1&$top=2', bad),
  get('too long a page', '/v1.0/users/%u/messages?$top=1001', bad),
  get('a page of no number', '/v1.0/users/%u/messages?$top=x', bad),
  get('a filter that is none', '/v1.0/users/%u/messages?$filter=isRead eq', bad),
  get('a filter of brackets', `/v1.0/users/%u/messages?$filter=${'('.repeat(100)}isRead`, bad),
  get('an expansion without its end', '/v1.0/users/%u/messages?$expand=singleValueExtendedProperties(', bad),
  get(
    'an extended property that is none',
    "/v1.0/users/%u/messages?$expand=singleValueExtendedProperties($filter=id eq 'Nothing 0x1')",
    bad,
  ),
  get('a feed of all folders', '/v1.0/users/%u/messages/delta', bad),
  get('a token that is none', '/v1.0/users/%u/mailFolders/inbox/messages/delta?$deltatoken=abcdefghijkl', [
    400,
    'SyncStateInvalid',
  ]),
  post('a folder without a name', '/v1.0/users/%u/mailFolders', {}, bad),
  post('a folder that is there', '/v1.0/users/%u/mailFolders/msgfolderroot/childFolders', { displayName: 'Inbox' }, [
    409,
    'ErrorFolderExists',
  ]),
  {
    ...get('a folder that everybody has', '/v1.0/users/%u/mailFolders/inbox', [400, 'ErrorDeleteDistinguishedFolder']),
    method: 'DELETE',
  },
  {
    what: 'a new name for such a folder',
    method: 'PATCH',
    path: '/v1.0/users/%u/mailFolders/inbox',
    options: { json: { displayName: 'x' } },
    answer: [403, 'ErrorAccessDenied'],
  },
  post('a property that messages have not', '/v1.0/users/%u/messages', { colour: 'red' }, bad),
  post('an importance that is none', '/v1.0/users/%u/messages', { importance: 'huge' }, bad),
  post(
    'a flag due without a start',
    '/v1.0/users/%u/messages',
    {
      flag: { flagStatus: 'flagged', dueDateTime: at('2031-01-01T00:00:00') },
    },
    bad,
  ),
  post(
    'a header field of the standard',
    '/v1.0/users/%u/messages',
    { internetMessageHeaders: [{ name: 'Received', value: 'x' }] },
    [400, 'InvalidInternetMessageHeader'],
  ),
  post(
    'a value of another type',
    '/v1.0/users/%u/messages',
    { singleValueExtendedProperties: [{ id: 'Integer 0x0E07', value: 'x' }] },
    bad,
  ),
  {
    what: 'MIME that is no base64',
    method: 'POST',
    path: '/v1.0/users/%u/messages',
    options: { text: 'Subject: x', headers: { 'content-type': 'text/plain' } },
    answer: [400, 'ErrorMimeContentInvalidBase64String'],
  },
  {
    what: 'a body of another type',
    method: 'POST',
    path: '/v1.0/users/%u/messages',
    options: { text: '<x/>', headers: { 'content-type': 'application/xml' } },
    answer: [415, 'RequestBodyRead'],
  },
  {
    what: 'a body that is no JSON',
    method: 'POST',
    path: '/v1.0/users/%u/messages',
    options: { text: '{', headers: { 'content-type': 'application/json' } },
    answer: bad,
  },
  {
    what: 'a request over the limit',
    method: 'POST',
    path: '/v1.0/users/%u/messages',
    options: { bytes: Buffer.alloc(4 * 1024 * 1024 + 1), headers: { 'content-type': 'application/json' } },
    answer: [413, 'RequestEntityTooLarge'],
  },
  post('an event without times', '/v1.0/users/%u/events', { subject: 'x' }, [400, 'ErrorPropertyValidationFailure']),
  post(
    'an event that ends before it begins',
    '/v1.0/users/%u/events',
    { start: at('2031-01-01T10:00:00'), end: at('2031-01-01T09:00:00') },
    [400, 'ErrorPropertyValidationFailure'],
  ),
  post(
    'a day that begins in the morning',
    '/v1.0/users/%u/events',
    { start: at('2031-01-01T10:00:00'), end: at('2031-01-02T10:00:00'), isAllDay: true },
    [400, 'ErrorPropertyValidationFailure'],
  ),
  post(
    'a zone that nobody knows',
    '/v1.0/users/%u/events',
    { start: at('2031-01-01T10:00:00', 'Mars'), end: at('2031-01-01T11:00:00', 'Mars') },
    [400, 'TimeZoneNotSupportedException'],
  ),
  post(
    'an attendee without an address',
    '/v1.0/users/%u/events',
    {
      start: at('2031-01-01T10:00:00'),
      end: at('2031-01-01T11:00:00'),
      attendees: [{ emailAddress: { name: 'x' } }],
    },
    [400, 'ErrorInvalidRecipients'],
  ),
  get('a view without a window', '/v1.0/users/%u/calendarView', bad),
  get(
    'a view of six years',
    '/v1.0/users/%u/calendarView?startDateTime=2030-01-01T00:00:00Z&endDateTime=2036-01-01T00:00:00Z',
    [400, 'ErrorCalendarViewRangeTooBig'],
  ),
  post(
    'schedules of twenty-one',
    '/v1.0/users/%u/calendar/getSchedule',
    {
      schedules: Array.from({ length: 21 }, (_, n) => `p${n}@target.test`),
      ...range,
    },
    [400, 'ErrorInvalidRequest'],
  ),
  post(
    'an export of twenty-one',
    '/v1.0/admin/exchange/mailboxes/%m/exportItems',
    {
      ItemIds: Array.from({ length: 21 }, () => 'x'),
    },
    bad,
  ),
  post(
    'an export of a mailbox that is not there',
    '/v1.0/admin/exchange/mailboxes/MBX:x@y/exportItems',
    { ItemIds: [] },
    [404, 'ErrorMailboxNotFound'],
  ),
  {
    what: 'no token',
    method: 'GET',
    path: '/v1.0/users/%u/messages',
    options: { token: null },
    answer: [401, 'InvalidAuthenticationToken'],
  },
  {
    what: 'a token that is none',
    method: 'GET',
    path: '/v1.0/users/%u/messages',
    options: { token: 'abc' },
    answer: [401, 'InvalidAuthenticationToken'],
  },
];

describe('the service refuses', () => {
  let graph: GraphBench;
  let mailboxId: string;
  beforeAll(async () => {
    graph = new GraphBench();
    mailboxId = String((await graph.ok('GET', `${graph.user}/settings/exchange`)).json['primaryMailboxId']);
  });

  test.each(rows.map((row) => [row.what, row] as const))('%s', async (_what, { method, path, options, answer }) => {
    const reply = await graph.call(method, path.replace('%u', graph.address).replace('%m', mailboxId), options);
    expect([reply.status, reply.code]).toEqual(answer);
    expect(graph.lab.outbox).toEqual([]);
  });
});

describe('tokens', () => {
  test('of another tenant, run out, or without the role are refused, each by name', async () => {
    const roles = ['Mail.Read'];
    const reader = { clientId: 'aaaaaaaa-0000-4000-8000-000000000002', secret: 'reads mail' };
    const applications = [{ clientId: reader.clientId, secrets: [reader.secret], certificates: [], roles }];
    const graph = new GraphBench({ applications, tokenLifeSeconds: 600 });
    const elsewhere = await new GraphBench({ domain: 'elsewhere.test' }).token();
    const path = `${graph.user}/messages`;
    const foreign = await graph.call('GET', path, { token: elsewhere });
    expect([foreign.status, foreign.code]).toEqual([401, 'InvalidAuthenticationToken']);
    expect(String(foreign.headers['www-authenticate'])).toMatch(/^Bearer /);
    const token = await graph.token(reader);
    expect((await graph.call('GET', path, { token })).status).toBe(200);
    const write = await graph.call('POST', path, { token, json: { subject: 'x' } });
    expect([write.status, write.code]).toEqual([403, 'ErrorAccessDenied']);
    await graph.clock.sleep(1_000_000);
    expect((await graph.call('GET', path, { token })).status).toBe(401);
  });

  test('of an application that is limited to some mailboxes open no others', async () => {
    const limited = { clientId: 'aaaaaaaa-0000-4000-8000-000000000003', secret: 'some mailboxes' };
    const application = { clientId: limited.clientId, secrets: [limited.secret], certificates: [] };
    const [own = '', other = ''] = new GraphBench().organization.mailboxes.map(({ address }) => address);
    const scoped = { roles: ['Mail.ReadWrite', 'Calendars.ReadWrite'], mailboxes: [own] };
    const graph = new GraphBench({ applications: [{ ...application, roles: [], scoped }] });
    const token = await graph.token(limited);
    const calls = ['messages', 'events'].flatMap((last) =>
      [own, other].map(
        async (address) => (await graph.call('GET', `/v1.0/users/${address}/${last}`, { token })).status,
      ),
    );
    expect(await Promise.all(calls)).toEqual([200, 403, 200, 403]);
    // What Entra grants adds up: consent for the tenant opens every mailbox, and import knows nothing else.
    const consented = new GraphBench({
      applications: [{ ...application, roles: ['Mail.Read', 'MailboxItem.ImportExport.All', 'User.Read.All'], scoped }],
    });
    const open = await consented.token(limited);
    expect((await consented.call('GET', `/v1.0/users/${other}/messages`, { token: open })).status).toBe(200);
    const settings = await consented.ok('GET', `/v1.0/users/${other}/settings/exchange`, { token: open });
    const session = `/v1.0/admin/exchange/mailboxes/${settings.json['primaryMailboxId']}/createImportSession`;
    expect((await consented.call('POST', session, { token: open })).status).toBe(201);
  });
});

describe('the limits of the service', () => {
  const tight = (more: object) => ({
    graph: {
      throttling: {
        requests: 5,
        requestsWindowMs: 600_000,
        uploadBytes: 1000,
        uploadWindowMs: 300_000,
        concurrent: 4,
        faster: 10,
        retryAfter: 'some' as const,
        ...more,
      },
    },
  });

  test('refuse requests over the window, with and without saying how long', async () => {
    const graph = new GraphBench(tight({}));
    const path = `${graph.user}/mailFolders/inbox`;
    for (let n = 0; n < 5; n++) await graph.ok('GET', path);
    const [first, second] = [await graph.call('GET', path), await graph.call('GET', path)];
    expect([first.status, first.code]).toEqual([429, 'TooManyRequests']);
    expect([first.headers['retry-after'], second.headers['retry-after']]).toEqual(['60', undefined]);
    const other = graph.organization.mailboxes[1]?.address ?? '';
    await graph.ok('GET', `/v1.0/users/${other}/mailFolders/inbox`);
    await graph.clock.sleep(60_000);
    await graph.ok('GET', path);
    expect(graph.state.throttle.counters.find(({ mailbox }) => mailbox === graph.address)).toMatchObject({
      requests: 6,
      refused: 2,
    });
  });

  test('refuse uploads over the allowance, imports too', async () => {
    const graph = new GraphBench(tight({ requests: 1000 }));
    const json = { subject: 'x'.repeat(600) };
    await graph.ok('POST', `${graph.user}/messages`, { json });
    const refused = await graph.call('POST', `${graph.user}/messages`, { json });
    expect([refused.status, refused.code, refused.headers['retry-after']]).toEqual([429, 'activityLimitReached', '30']);
    const { json: settings } = await graph.ok('GET', `${graph.user}/settings/exchange`);
    const session = await graph.ok(
      'POST',
      `/v1.0/admin/exchange/mailboxes/${settings['primaryMailboxId']}/createImportSession`,
    );
    const item = { FolderId: 'inbox', Mode: 'create', Data: 'A'.repeat(600) };
    expect((await graph.call('POST', String(session.json['importUrl']), { json: item })).status).toBe(429);
  });

  test('let four requests at a time through, also of a batch', async () => {
    const graph = new GraphBench({ graph: { serviceMs: 100 } });
    await graph.token();
    const path = `${graph.user}/mailFolders/inbox`;
    const replies = await Promise.all(Array.from({ length: 6 }, () => graph.call('GET', path)));
    expect(replies.map(({ status }) => status).filter((status) => status === 200).length).toBeGreaterThanOrEqual(4);
    expect(graph.state.throttle.counters[0]?.inFlightPeak).toBeLessThanOrEqual(4);
    const requests = Array.from({ length: 20 }, (_, n) => ({
      id: String(n),
      method: 'GET',
      url: `/users/${graph.address}/mailFolders/inbox`,
    }));
    const batch = await graph.ok('POST', '/v1.0/$batch', { json: { requests } });
    const states = (batch.json['responses'] as { readonly status: number }[]).map(({ status }) => status);
    expect(states).toEqual(Array.from({ length: 20 }, () => 200));
  });

  test('of mailboxes that are not in the cloud', async () => {
    const graph = new GraphBench();
    graph.state.configure({ notEnabled: new Set([graph.address]) });
    const reply = await graph.call('GET', `${graph.user}/messages`);
    expect([reply.status, reply.code]).toEqual([404, 'MailboxNotEnabledForRESTAPI']);
  });
});

describe('files', () => {
  test('go up range by range, in order, until the session ends', async () => {
    const graph = new GraphBench();
    const made = await graph.ok('POST', `${graph.user}/messages`, { json: { subject: 'with a file' } });
    const path = `${graph.user}/messages/${made.json['id']}/attachments`;
    const content = Buffer.alloc(5_000_000, 'file');
    const session = await graph.ok('POST', `${path}/createUploadSession`, {
      json: { AttachmentItem: { attachmentType: 'file', name: 'big.bin', size: content.length } },
    });
    expect(session.json['nextExpectedRanges']).toEqual(['0-']);
    const put = (from: number, to: number) =>
      graph.call('PUT', String(session.json['uploadUrl']), {
        bytes: content.subarray(from, to),
        headers: { 'content-range': `bytes ${from}-${to - 1}/${content.length}` },
      });
    expect((await put(3_000_000, 5_000_000)).status).toBe(416);
    const first = await put(0, 3_000_000);
    expect([first.status, first.json['nextExpectedRanges']]).toEqual([200, ['3000000']]);
    const last = await put(3_000_000, 5_000_000);
    expect(last.status).toBe(201);
    expect(String(last.headers['location'])).toContain('/Attachments(');
    expect((await put(0, 10)).status).toBe(404);
    const [file] = (await graph.ok('GET', path)).value;
    expect(file).toMatchObject({ name: 'big.bin', '@odata.type': '#microsoft.graph.fileAttachment' });
    const value = await graph.ok('GET', `${path}/${file?.['id']}/$value`);
    expect(value.bytes.equals(content)).toBe(true);
    await graph.ok('DELETE', `${path}/${file?.['id']}`);
    expect((await graph.ok('GET', path)).value).toEqual([]);
  });

  test('larger than 150 MB are refused', async () => {
    const graph = new GraphBench();
    const made = await graph.ok('POST', `${graph.user}/messages`, { json: { subject: 'x' } });
    const reply = await graph.call(
      'POST',
      `${graph.user}/messages/${made.json['id']}/attachments/createUploadSession`,
      {
        json: { AttachmentItem: { attachmentType: 'file', name: 'x', size: 151 * 1024 * 1024 } },
      },
    );
    expect([reply.status, reply.code]).toEqual([413, 'ErrorAttachmentSizeLimitExceeded']);
  });
});

test('EWS answers 403 beside Graph', async () => {
  const graph = new GraphBench();
  const reply = await graph.call('POST', `https://mail.${graph.organization.domain}/EWS/Exchange.asmx`, { text: 'x' });
  expect(reply.status).toBe(403);
});
