import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { type Handler, serve, type TestServer } from '../http/tls-server.fixture.ts';
import { undiciTransport } from '../http/undici-transport.ts';
import { basicSignIn } from '../sign-in/sign-in-basic.ts';
import { davHttp } from './http-client.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function answered(handler: Handler): Promise<string> {
  const server = await serve(handler);
  servers.push(server);
  const http = davHttp({
    transport: undiciTransport(),
    clock: systemClock,
    endpoint: `${server.origin}/exchange/`,
    tls: { ca: [], min: '1.2' },
    signIn: basicSignIn({ user: 'ana', password: async () => 'secret' }),
  });
  const { body } = await http.send({
    method: 'SEARCH',
    path: '/exchange/ana/',
    headers: {},
    body: '<D:searchrequest/>',
    mailbox: 'ana@x.test',
    writes: false,
    context: { signal: new AbortController().signal, deadlineMs: systemClock.monotonicMs() + 10_000 },
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  http.close();
  return Buffer.concat(chunks).toString();
}

const page = `<a:multistatus>${'<a:response/>'.repeat(5000)}</a:multistatus>`;

test('asks for gzip, and hands out what was packed', async () => {
  let accepted: string | undefined;
  const text = await answered((request, response) => {
    accepted = request.headers['accept-encoding'] as string | undefined;
    response.writeHead(207, { 'content-type': 'text/xml', 'content-encoding': 'gzip' }).end(gzipSync(page));
  });
  expect([accepted, text]).toEqual(['gzip', page]);
});

test('an answer that is not packed is handed out as it is', async () => {
  expect(await answered((_, response) => void response.writeHead(207).end(page))).toBe(page);
});

test('a packed answer that breaks off is a fault of the line, and a coding nobody asked for one of the server', async () => {
  const broken = answered(
    (_, response) => void response.writeHead(207, { 'content-encoding': 'gzip' }).end(gzipSync(page).subarray(0, 60)),
  );
  await expect(broken).rejects.toMatchObject({ fault: { kind: 'transient' } });
  const other = answered((_, response) => void response.writeHead(207, { 'content-encoding': 'br' }).end('x'));
  await expect(other).rejects.toMatchObject({ fault: { kind: 'fatal', code: 'protocol' } });
});
