import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { systemRandom } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import { authority, type Handler, serve, type TestServer } from '../http/tls-server.fixture.ts';
import { undiciTransport } from '../http/undici-transport.ts';
import { createSignIn, type SignInSettings } from '../sign-in/sign-in.ts';
import type { EwsPost } from './ews-http.ts';
import { type EwsHttpClient, type EwsHttpOptions, ewsHttp } from './http-client.ts';

const soap = '<?xml version="1.0"?><s:Envelope/>';
const transport = undiciTransport();
const plain: TlsPolicy = { ca: [], min: '1.2' };
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function started(handler: Handler, tls?: Parameters<typeof serve>[1]): Promise<TestServer> {
  const server = await serve(handler, tls);
  open.push(server);
  return server;
}

const basic: SignInSettings = { method: 'basic', user: 'CONTOSO\\ana', password: async () => 'päss' };

function clientOf(endpoint: string, more: Partial<EwsHttpOptions> = {}, settings = basic): EwsHttpClient {
  const surroundings = { clock: systemClock, random: systemRandom, transport, tls: more.tls ?? plain };
  const client = ewsHttp({ ...surroundings, endpoint, signIn: createSignIn(settings, surroundings), ...more });
  open.push(client);
  return client;
}

const post = (more: Partial<EwsPost> = {}): EwsPost => ({
  body: Buffer.from('<envelope/>'),
  anchorMailbox: 'ana@contoso.test',
  operation: 'GetFolder',
  context: { signal: new AbortController().signal, deadlineMs: systemClock.monotonicMs() + 5_000 },
  ...more,
});

async function textOf(answer: { readonly body: AsyncIterable<Uint8Array> }): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function faultOf(work: Promise<unknown>): Promise<Fault & { readonly detail?: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FaultError)) throw new Error(`expected a fault, got ${error}`);
  return error.fault;
}

const answering =
  (status: number, headers: Record<string, string | string[]> = {}, body: string | Buffer = soap): Handler =>
  (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'text/xml', ...headers });
      response.end(body);
    });
  };

describe('a request', () => {
  test('says who asks, for whom, and in which form it likes its answer', async () => {
    const seen: Record<string, unknown>[] = [];
    const server = await started((request, response) => {
      seen.push(request.headers);
      answering(200)(request, response);
    });
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`);
    expect(await textOf(await client.post(post()))).toBe(soap);
    expect(seen[0]).toMatchObject({
      authorization: `Basic ${Buffer.from('CONTOSO\\ana:päss').toString('base64')}`,
      'content-type': 'text/xml; charset=utf-8',
      'x-anchormailbox': 'ana@contoso.test',
      'accept-encoding': 'gzip',
      'return-client-request-id': 'true',
    });
    expect(seen[0]?.['client-request-id']).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    await textOf(await client.post(post({ operation: 'GetStreamingEvents' })));
    expect(seen[1]).toMatchObject({ 'x-preferserveraffinity': 'true', 'accept-encoding': 'identity' });
  });

  test('returns affinity cookies, those alone, to the group they came for', async () => {
    const seen: (string | undefined)[] = [];
    const server = await started((request, response) => {
      seen.push(request.headers.cookie);
      const set = [
        'exchangecookie=abc; path=/; HttpOnly',
        'X-BackEndCookie=be1; expires=Fri, 01 Jan 2100 00:00:00 GMT',
        'cadata=session; path=/',
        'X-BackEndOverrideCookie=gone; Max-Age=0',
      ];
      answering(200, { 'set-cookie': set })(request, response);
    });
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`);
    for (const anchorMailbox of ['ana@contoso.test', 'ANA@contoso.test', 'ben@contoso.test'])
      await textOf(await client.post(post({ anchorMailbox })));
    await textOf(await client.post(post({ operation: 'Subscribe' })));
    expect(seen).toEqual([undefined, 'exchangecookie=abc; X-BackEndCookie=be1', undefined, undefined]);
  });

  test('is answered in gzip', async () => {
    const long = `<?xml version="1.0"?><a>${'x'.repeat(500_000)}</a>`;
    const server = await started(answering(200, { 'content-encoding': 'gzip' }, gzipSync(long)));
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`);
    expect(await textOf(await client.post(post()))).toBe(long);
    expect(await textOf(await client.post(post()))).toBe(long);
    expect(server.connections()).toBe(1);
  });

  test('finds a new connection when an idle one has died', async () => {
    const server = await started((request, response) => {
      answering(200)(request, response);
      response.on('finish', () => setTimeout(() => request.socket.destroy(), 30));
    });
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`);
    for (let n = 0; n < 3; n++) {
      expect(await textOf(await client.post(post()))).toBe(soap);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(server.connections()).toBe(3);
  });

  test('ends at its deadline, its answer included', async () => {
    const server = await started((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.write('<?xml version="1.0"?><a>');
    });
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`);
    const context = { signal: new AbortController().signal, deadlineMs: systemClock.monotonicMs() + 300 };
    const answer = await client.post(post({ context }));
    expect(await faultOf(textOf(answer))).toMatchObject({ kind: 'transient', mayHaveHappened: true });
  });

  test('is not sent after close', async () => {
    const client = clientOf('https://mail.contoso.test/EWS/Exchange.asmx');
    client.close();
    expect(await faultOf(client.post(post()))).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });
});

describe('SOAP faults and answers pass', () => {
  test.each([200, 500])('HTTP %i with XML', async (status) => {
    const server = await started(answering(status));
    const answer = await clientOf(`${server.origin}/EWS/Exchange.asmx`).post(post());
    expect([answer.status, await textOf(answer)]).toEqual([status, soap]);
  });
});

describe('everything else is a fault with a name', () => {
  const html = '<!DOCTYPE html><html><body>Sign in</body></html>';
  const cases: readonly (readonly [string, Handler, Partial<Fault> & { readonly code?: string }, string])[] = [
    [
      'a login page',
      answering(200, { 'content-type': 'text/html' }, html),
      { kind: 'fatal', code: 'protocol' },
      'web page',
    ],
    ['a login page that says it is XML', answering(200, {}, html), { kind: 'fatal', code: 'protocol' }, 'web page'],
    [
      'plain text',
      answering(200, { 'content-type': 'text/plain' }, 'hello'),
      { kind: 'fatal', code: 'protocol' },
      'not answer in XML',
    ],
    ['nothing', answering(200, {}, ''), { kind: 'transient' }, 'nothing in it'],
    [
      'a page of an error',
      answering(500, { 'content-type': 'text/html' }, html),
      { kind: 'transient', mayHaveHappened: true },
      'page for people',
    ],
    [
      '403',
      answering(403, { 'x-ms-diagnostics': '4000000;reason="blocked"' }),
      { kind: 'fatal', code: 'ews-off' },
      'blocked',
    ],
    ['404', answering(404), { kind: 'fatal', code: 'protocol' }, 'no EWS at this address'],
    ['413', answering(413), { kind: 'poison', reason: 'too-large' }, 'limit'],
    [
      '429',
      answering(429, { 'retry-after': '2.128' }),
      { kind: 'throttled', retryAfterMs: 2128, limit: 'HTTP 429' },
      '',
    ],
    ['503', answering(503), { kind: 'throttled', retryAfterMs: 5000, limit: 'HTTP 503' }, ''],
    ['502', answering(502), { kind: 'transient', mayHaveHappened: true }, 'HTTP 502'],
    ['400', answering(400), { kind: 'fatal', code: 'protocol' }, 'HTTP 400'],
    [
      'damaged gzip',
      answering(200, { 'content-encoding': 'gzip' }, 'no gzip'),
      { kind: 'transient', mayHaveHappened: true },
      'damaged',
    ],
    [
      'another coding',
      answering(200, { 'content-encoding': 'br' }, 'x'),
      { kind: 'fatal', code: 'protocol' },
      'coding br',
    ],
    ['a redirect without a place', answering(302), { kind: 'fatal', code: 'protocol' }, 'without a place'],
    [
      'a redirect to a login page',
      answering(302, { location: '/owa/auth/logon.aspx?url=x' }),
      { kind: 'fatal', code: 'protocol' },
      'login page',
    ],
    [
      'a redirect to a strange host',
      answering(302, { location: 'https://evil.test/EWS/Exchange.asmx' }),
      { kind: 'fatal', code: 'redirect' },
      'redirectHosts',
    ],
    [
      'a redirect to itself',
      answering(307, { location: '/EWS/Exchange.asmx' }),
      { kind: 'fatal', code: 'redirect' },
      'more than 5 times',
    ],
    ['no offer', answering(401), { kind: 'fatal', code: 'auth' }, 'It offers: nothing'],
    [
      'other offers',
      answering(401, { 'www-authenticate': ['Negotiate', 'NTLM'] }),
      { kind: 'fatal', code: 'auth' },
      'It offers: Negotiate, NTLM',
    ],
    [
      'a refusal',
      answering(401, { 'www-authenticate': 'Basic realm="x"' }),
      { kind: 'fatal', code: 'auth' },
      'password',
    ],
  ];
  test.each(cases)('%s', async (_name, handler, expected, words) => {
    const server = await started(handler);
    const fault = await faultOf(clientOf(`${server.origin}/EWS/Exchange.asmx`).post(post()).then(textOf));
    expect(fault).toMatchObject(expected);
    expect(JSON.stringify({ ...fault, cause: null })).toContain(words.replaceAll('"', '\\"'));
    // Neither password nor header of it.
    expect(JSON.stringify({ ...fault, cause: null })).not.toMatch(/päss|Basic [A-Za-z0-9]{8}/);
  });

  test('404 for a large body, where EWS has answered before, is a limit', async () => {
    let first = true;
    const server = await started((request, response) => {
      answering(first ? 200 : 404)(request, response);
      first = false;
    });
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`);
    await textOf(await client.post(post()));
    expect(await faultOf(client.post(post({ body: Buffer.alloc(2_000_000, 'x') })))).toMatchObject({
      kind: 'poison',
      reason: 'too-large',
    });
    expect(await faultOf(client.post(post()))).toMatchObject({ kind: 'fatal', code: 'protocol' });
  });
});

describe('redirects', () => {
  test('to an allowed host are followed with the body, and remembered for the mailbox', async () => {
    const ca = await authority();
    const tls: TlsPolicy = { ca: [ca.pem], min: '1.2' };
    const bodies: string[] = [];
    const there = await started(
      (request, response) => {
        const chunks: Buffer[] = [];
        request
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            bodies.push(`${request.headers.authorization?.slice(0, 5)} ${Buffer.concat(chunks)}`);
            response.writeHead(200, { 'content-type': 'text/xml' }).end(soap);
          });
      },
      await ca.issue(),
    );
    let asked = 0;
    const here = await started(
      (request, response) => {
        asked++;
        answering(302, { location: `${there.origin}/EWS/Exchange.asmx` })(request, response);
      },
      await ca.issue(),
    );
    const client = clientOf(`${here.origin.replace('localhost', '127.0.0.1')}/EWS/Exchange.asmx`, {
      tls,
      redirectHosts: ['localhost'],
    });
    await textOf(await client.post(post()));
    await textOf(await client.post(post()));
    expect(bodies).toEqual(['Basic <envelope/>', 'Basic <envelope/>']);
    expect(asked).toBe(1);
  });

  test('from https to http are never followed', async () => {
    const ca = await authority();
    const server = await started(
      answering(302, { location: 'http://localhost:1/EWS/Exchange.asmx' }),
      await ca.issue(),
    );
    const fault = await faultOf(
      clientOf(`${server.origin}/EWS/Exchange.asmx`, { tls: { ca: [ca.pem], min: '1.2' } }).post(post()),
    );
    expect(fault).toMatchObject({ kind: 'fatal', code: 'redirect' });
  });
});

describe('NTLM, when the line is not what it should be', () => {
  const ntlm: SignInSettings = { method: 'ntlm', user: 'CONTOSO\\ana', password: async () => 'x' };
  /** A challenge that any client accepts. */
  const challenge = (() => {
    const message = Buffer.alloc(48);
    message.write('NTLMSSP\0', 'latin1');
    message.writeUInt32LE(2, 8);
    message.writeUInt32LE(0x00000201, 20);
    return message.toString('base64');
  })();
  const messageType = (header: string | undefined) =>
    header?.startsWith('NTLM ') ? Buffer.from(header.slice(5), 'base64').readUInt32LE(8) : 0;

  test('a server that asks at every request gets a handshake with every request', async () => {
    const types: number[] = [];
    const server = await started((request, response) => {
      const type = messageType(request.headers.authorization);
      types.push(type);
      if (type === 3) answering(200)(request, response);
      else answering(401, { 'www-authenticate': type === 1 ? `NTLM ${challenge}` : 'NTLM' })(request, response);
    });
    const client = clientOf(`${server.origin}/EWS/Exchange.asmx`, {}, ntlm);
    for (let n = 0; n < 3; n++) expect(await textOf(await client.post(post()))).toBe(soap);
    // The second request finds out; from the third on it is known.
    expect(types).toEqual([1, 3, 0, 1, 3, 1, 3]);
  });

  test('a proxy that opens a new connection for each request', async () => {
    const server = await started((request, response) => {
      const type = messageType(request.headers.authorization);
      answering(401, { 'www-authenticate': type === 1 ? `NTLM ${challenge}` : 'NTLM', connection: 'close' })(
        request,
        response,
      );
    });
    const fault = await faultOf(clientOf(`${server.origin}/EWS/Exchange.asmx`, {}, ntlm).post(post()));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    expect(fault.detail).toContain('proxy');
  });

  test('an offer without a challenge', async () => {
    const server = await started(answering(401, { 'www-authenticate': 'NTLM' }));
    const fault = await faultOf(clientOf(`${server.origin}/EWS/Exchange.asmx`, {}, ntlm).post(post()));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth' });
    expect(fault.detail).toContain('no challenge');
  });

  test('a challenge that is garbage', async () => {
    const server = await started(
      answering(401, { 'www-authenticate': `NTLM ${Buffer.from('garbage').toString('base64')}` }),
    );
    expect(await faultOf(clientOf(`${server.origin}/EWS/Exchange.asmx`, {}, ntlm).post(post()))).toMatchObject({
      kind: 'fatal',
      code: 'protocol',
    });
  });
});
