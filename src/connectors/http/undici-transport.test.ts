import { createHash } from 'node:crypto';
import * as net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { HttpRequest, HttpResponse, TlsPolicy } from '#kit/transport.ts';
import { DeadlinePassed } from './network-faults.ts';
import { type Authority, authority, type Handler, serve, type TestServer } from './tls-server.fixture.ts';
import { undiciTransport } from './undici-transport.ts';

const never = new AbortController().signal;
const plain: TlsPolicy = { ca: [], min: '1.2' };
const open: { close(): unknown }[] = [];
let ca: Authority;

beforeAll(async () => {
  ca = await authority();
});
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

const post = (body: HttpRequest['body'], headers: Record<string, string> = {}): HttpRequest => ({
  method: 'POST',
  path: '/EWS/Exchange.asmx?a=1',
  headers,
  body,
});

async function started(handler: Handler, tls?: Parameters<typeof serve>[1]): Promise<TestServer> {
  const server = await serve(handler, tls);
  open.push(server);
  return server;
}

async function connected(server: { readonly origin: string }, policy = plain, options = {}) {
  const connection = await undiciTransport(options).connect(server.origin, policy, never);
  open.push(connection);
  return connection;
}

async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FaultError)) throw new Error(`expected a fault, got ${error}`);
  return error.fault;
}

const echo: Handler = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(`${request.method} ${request.url} ${request.headers['x-test'] ?? ''} ${Buffer.concat(chunks)}`);
  });
};

describe('requests', () => {
  test('are answered one after the other on one connection', async () => {
    const server = await started(echo);
    const connection = await connected(server);
    for (const n of [1, 2, 3]) {
      const response = await connection.request(post(Buffer.from(`body ${n}`), { 'x-test': String(n) }), never);
      expect(response.status).toBe(200);
      expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2']);
      expect(await textOf(response)).toBe(`POST /EWS/Exchange.asmx?a=1 ${n} body ${n}`);
    }
    expect(server.connections()).toBe(1);
    expect(connection.usable).toBe(true);
    expect(connection.channelBinding).toBeNull();
  });

  test('use the methods of WebDAV too', async () => {
    const connection = await connected(await started(echo));
    const response = await connection.request(
      { method: 'SEARCH', path: '/exchange/', headers: {}, body: Buffer.from('x') },
      never,
    );
    expect(await textOf(response)).toBe('SEARCH /exchange/  x');
  });

  test('stream a body of known length', async () => {
    const connection = await connected(await started(echo));
    async function* body() {
      yield Buffer.from('one ');
      yield Buffer.from('two');
    }
    const response = await connection.request(post(body(), { 'content-length': '7' }), never);
    expect(await textOf(response)).toContain('one two');
  });

  test('with a body of another length than announced are our own mistake', async () => {
    const connection = await connected(await started(echo));
    async function* body() {
      yield Buffer.from('one');
    }
    await expect(connection.request(post(body(), { 'content-length': '7' }), never)).rejects.toThrow(
      'shorter than its content-length',
    );
    expect(connection.usable).toBe(false);
  });

  test('that overlap on one connection are refused', async () => {
    const connection = await connected(
      await started((_request, response) => setTimeout(() => response.end('late'), 50)),
    );
    const first = connection.request(post(null), never);
    expect(() => connection.request(post(null), never)).toThrow('one request at a time');
    expect(await textOf(await first)).toBe('late');
  });
});

describe('answers', () => {
  test('are held back for a slow reader', async () => {
    let written = 0;
    const total = 64 * 1024 * 1024;
    const server = await started((_request, response) => {
      const piece = Buffer.alloc(256 * 1024, 'x');
      const more = () => {
        while (written < total) {
          written += piece.length;
          if (!response.write(piece)) return response.once('drain', more);
        }
        return response.end();
      };
      more();
    });
    const connection = await connected(server);
    const response = await connection.request(post(null), never);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // What fits into our queue and the buffers of two sockets, but by no means all.
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    for await (const chunk of response.body) read += chunk.length;
    expect(read).toBe(total);
    expect(connection.usable).toBe(true);
  });

  test('that are given up close the connection', async () => {
    const connection = await connected(
      await started((_request, response) => {
        response.write('first');
      }),
    );
    const response = await connection.request(post(null), never);
    for await (const chunk of response.body) {
      expect(chunk.length).toBe(5);
      break;
    }
    expect(connection.usable).toBe(false);
  });

  test('with `connection: close` leave a connection that is not usable', async () => {
    const connection = await connected(
      await started((_request, response) => {
        response.setHeader('connection', 'close');
        response.end('bye');
      }),
    );
    expect(await textOf(await connection.request(post(null), never))).toBe('bye');
    expect(connection.usable).toBe(false);
    expect(await faultOf(connection.request(post(null), never))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: false,
    });
  });

  test('with more header bytes than allowed are no Exchange', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.end(
          `HTTP/1.1 200 OK\r\n${'x-filler: '.padEnd(1000, 'y')}\r\n`
            .repeat(1)
            .concat(`${'x-filler: '.padEnd(1000, 'y')}\r\n`.repeat(100), '\r\n'),
        ),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => server.close() });
    const connection = await connected({ origin: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}` });
    expect(await faultOf(connection.request(post(null), never))).toMatchObject({ kind: 'fatal', code: 'protocol' });
  });
});

describe('faults', () => {
  test('refused: nothing happened', async () => {
    const server = await serve(echo);
    await server.close();
    const fault = await faultOf(undiciTransport().connect(server.origin, plain, never));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
    expect(fault.kind === 'transient' && fault.detail).toContain('nothing listens');
  });

  test('a name that does not exist: nothing happened', async () => {
    const fault = await faultOf(undiciTransport().connect('https://no-such-host.invalid:443', plain, never));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });

  test('reset after the request: it may have happened', async () => {
    const connection = await connected(
      await started((request) => request.on('data', () => {}).on('end', () => request.socket.destroy())),
    );
    expect(await faultOf(connection.request(post(Buffer.from('x')), never))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: true,
    });
    expect(connection.usable).toBe(false);
  });

  test('reset before the last byte of the request: nothing happened', async () => {
    const connection = await connected(
      await started((request) => request.once('data', () => request.socket.destroy())),
    );
    async function* body() {
      yield Buffer.from('first');
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield Buffer.alloc(1_000_000);
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield Buffer.from('never');
    }
    const fault = await faultOf(connection.request(post(body(), { 'content-length': '1000010' }), never));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });

  test('an answer cut in the middle breaks its body', async () => {
    const connection = await connected(
      await started((request, response) => {
        response.setHeader('content-length', '100');
        response.write('half');
        setTimeout(() => request.socket.destroy(), 20);
      }),
    );
    const response = await connection.request(post(null), never);
    expect(await faultOf(textOf(response))).toMatchObject({ kind: 'transient', mayHaveHappened: true });
  });

  test('an answer that is not HTTP', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => server.close() });
    const connection = await connected({ origin: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}` });
    const fault = await faultOf(connection.request(post(null), never));
    expect(fault.kind === 'transient' && fault.detail).toContain('not HTTP');
  });

  test('silence is bounded', async () => {
    const connection = await connected(await started(() => {}), plain, { silenceMaxMs: 100 });
    const fault = await faultOf(connection.request(post(null), never));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: true });
  });

  test('the deadline ends a request, and the fault says so', async () => {
    const connection = await connected(await started(() => {}));
    const call = new AbortController();
    setTimeout(() => call.abort(new DeadlinePassed()), 50);
    const fault = await faultOf(connection.request(post(null), call.signal));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: true });
    expect(fault.kind === 'transient' && fault.detail).toContain('deadline');
    expect(connection.usable).toBe(false);
  });

  test('an abort ends an answer that is being read', async () => {
    const connection = await connected(await started((_request, response) => response.write('first')));
    const call = new AbortController();
    const response = await connection.request(post(null), call.signal);
    setTimeout(() => call.abort(new Error('drained')), 50);
    const fault = await faultOf(textOf(response));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: true, cause: new Error('drained') });
  });

  test('an abort before the request sends nothing', async () => {
    const server = await started(echo);
    const connection = await connected(server);
    expect(await faultOf(connection.request(post(null), AbortSignal.abort()))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: false,
    });
    expect(await faultOf(undiciTransport().connect(server.origin, plain, AbortSignal.abort()))).toMatchObject({
      mayHaveHappened: false,
    });
  });
});

describe('tls', () => {
  const trusted = (): TlsPolicy => ({ ca: [ca.pem], min: '1.2' });

  test('gives the channel binding of the certificate', async () => {
    const identity = await ca.issue();
    const connection = await connected(await started(echo, identity), trusted());
    expect(connection.channelBinding).toEqual(createHash('sha256').update(identity.der).digest());
    expect(await textOf(await connection.request(post(null), never))).toContain('POST');
  });

  test.each([
    [
      'an unknown authority',
      async () => ({ identity: await (await authority('Unknown')).issue(), policy: trusted() }),
      'tls.ca',
    ],
    [
      'an expired certificate',
      async () => ({
        identity: await ca.issue({ notBefore: new Date(0), notAfter: new Date(1000) }),
        policy: trusted(),
      }),
      'has expired',
    ],
    [
      'a certificate of the future',
      async () => ({ identity: await ca.issue({ notBefore: new Date(Date.now() + 8.64e7) }), policy: trusted() }),
      'not valid yet',
    ],
    [
      'another name',
      async () => ({ identity: await ca.issue({ names: ['mail.contoso.com'] }), policy: trusted() }),
      'for another name',
    ],
  ])('refuses %s', async (_name, make, words) => {
    const { identity, policy } = await make();
    const server = await started(echo, identity);
    const fault = await faultOf(undiciTransport().connect(server.origin, policy, never));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'tls' });
    expect(fault.kind === 'fatal' && fault.detail).toContain(words);
    expect(fault.kind === 'fatal' && fault.detail).toContain('cannot be switched off');
  });

  test('says when the port does not speak TLS', async () => {
    const server = await started(echo);
    const fault = await faultOf(undiciTransport().connect(server.origin.replace('http:', 'https:'), plain, never));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'tls' });
    expect(fault.kind === 'fatal' && fault.detail).toContain('does not speak TLS');
  });

  test('keeps a floor, and lowers it only where the project file says so', async () => {
    const identity = await ca.issue();
    const server = await started(echo, {
      ...identity,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const fault = await faultOf(undiciTransport().connect(server.origin, trusted(), never));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'tls' });
    expect(fault.kind === 'fatal' && fault.detail).toContain('tls.min');
    const connection = await connected(server, { ca: [ca.pem], min: '1.0' });
    expect(await textOf(await connection.request(post(null), never))).toContain('POST');
  });

  test('verifies below the floor all the same', async () => {
    const server = await started(echo, {
      ...(await (await authority('Unknown')).issue()),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    expect(await faultOf(undiciTransport().connect(server.origin, { ca: [ca.pem], min: '1.0' }, never))).toMatchObject({
      kind: 'fatal',
      code: 'tls',
    });
  });

  test('refuses a file under tls.ca that holds no certificate', async () => {
    const server = await started(echo, await ca.issue());
    expect(
      await faultOf(undiciTransport().connect(server.origin, { ca: ['no pem'], min: '1.2' }, never)),
    ).toMatchObject({ kind: 'fatal', code: 'config' });
  });

  test('gives up a handshake that does not end', async () => {
    const server = net.createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({ close: () => server.close() });
    const origin = `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    const fault = await faultOf(undiciTransport({ connectTimeoutMs: 100 }).connect(origin, plain, never));
    expect(fault).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });
});

afterAll(() => {
  expect(open).toEqual([]);
});
