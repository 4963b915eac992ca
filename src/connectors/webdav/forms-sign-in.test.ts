import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { FaultError } from '#kit/fault.ts';
import type { Connection, HttpRequest, HttpResponse } from '#kit/transport.ts';
import { formsSignIn } from './forms-sign-in.ts';
import { logonFormIn } from './logon-form.ts';

const peer = new URL('https://mail.example.com/exchange/');
const { signal } = new AbortController();

type Reply = { readonly status: number; readonly headers?: HttpResponse['headers']; readonly body?: string };

/** A server that answers by a function, and what it was asked. */
function server(answer: (request: HttpRequest, body: string) => Reply) {
  const asked: string[] = [];
  const connection: Connection = {
    channelBinding: null,
    usable: true,
    close() {},
    async request(request) {
      const chunks: Uint8Array[] = [];
      if (request.body instanceof Uint8Array) chunks.push(request.body);
      else if (request.body !== null) for await (const chunk of request.body) chunks.push(chunk);
      asked.push(`${request.method} ${request.path}`);
      const { status, headers = {}, body = '' } = answer(request, Buffer.concat(chunks).toString());
      async function* bytes() {
        yield Buffer.from(body);
      }
      return { status, headers, body: bytes() };
    },
  };
  return { connection, asked };
}

const page =
  '<html><body><form action="owaauth.dll" method="POST" name="logonForm"><input type="hidden" name="destination" value="https://mail.example.com/exchange/?a=1&amp;b=2"><input type="hidden" name="flags" value="0"><input name="username"><input type="password" name="password"></form></body></html>';

/** Exchange 2003 with forms: sessions count up, and `expire` ends the present one. */
function exchange(password = 'secret') {
  let session = 0;
  let alive = false;
  const forms: URLSearchParams[] = [];
  const it = server((request, body) => {
    if (request.path.startsWith('/exchweb/bin/auth/owalogon.asp')) return { status: 200, body: page };
    if (request.path === '/exchweb/bin/auth/owaauth.dll') {
      const form = new URLSearchParams(body);
      forms.push(form);
      if (form.get('password') !== password)
        return { status: 302, headers: { location: '/exchweb/bin/auth/owalogon.asp?url=x&reason=2' } };
      session++;
      alive = true;
      return {
        status: 302,
        headers: {
          location: 'https://mail.example.com/exchange/',
          'set-cookie': [`sessionid=${session},0x409; path=/`, `cadata="c${session}"; HttpOnly; secure; path=/`],
        },
      };
    }
    const signedIn = alive && request.headers['cookie']?.includes(`sessionid=${session},0x409; cadata="c${session}"`);
    if (signedIn) return { status: 207, body: `as session ${session}` };
    return request.method === 'GET'
      ? {
          status: 302,
          headers: { location: '/exchweb/bin/auth/owalogon.asp?url=https://mail.example.com/exchange&reason=0' },
        }
      : { status: 440 };
  });
  return {
    ...it,
    forms,
    expire() {
      alive = false;
    },
  };
}

const propfind: HttpRequest = {
  method: 'PROPFIND',
  path: '/exchange/alice/',
  headers: { depth: '0' },
  body: Buffer.from('<x/>'),
};
const settings = (password: string) => ({ user: 'LAB\\alice', password: async () => password });
const statusOf = async (response: Promise<HttpResponse>) => (await response).status;
const refusal = async (answer: Promise<unknown>) => {
  const error = await answer.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof FaultError ? error.fault : error;
};

test('a log-on takes the page, the form with what it hides, and the cookies', async () => {
  const owa = exchange();
  const signIn = formsSignIn(settings('secret'));
  expect(await statusOf(signIn.send(owa.connection, peer, propfind, signal))).toBe(207);
  expect(owa.asked).toEqual([
    'GET /exchange/',
    'GET /exchweb/bin/auth/owalogon.asp?url=https://mail.example.com/exchange&reason=0',
    'POST /exchweb/bin/auth/owaauth.dll',
    'PROPFIND /exchange/alice/',
  ]);
  expect(Object.fromEntries(owa.forms[0] ?? [])).toEqual({
    destination: 'https://mail.example.com/exchange/?a=1&b=2',
    flags: '4',
    trusted: '4',
    username: 'LAB\\alice',
    password: 'secret',
  });
  await signIn.send(owa.connection, peer, propfind, signal);
  expect(owa.forms).toHaveLength(1);
});

test('a session that ends in the middle of a write is renewed, and the whole write is sent again', async () => {
  const owa = exchange();
  const signIn = formsSignIn(settings('secret'));
  await signIn.send(owa.connection, peer, propfind, signal);
  owa.expire();
  let sent = 0;
  const body = {
    async *[Symbol.asyncIterator]() {
      sent++;
      yield Buffer.from('Subject: x\r\n\r\n');
    },
  };
  const put: HttpRequest = { method: 'PUT', path: '/exchange/alice/Inbox/x.EML', headers: {}, body };
  expect(await statusOf(signIn.send(owa.connection, peer, put, signal))).toBe(207);
  expect([sent, owa.forms.length]).toEqual([2, 2]);
});

test('many requests that find the session ended log on once', async () => {
  const owa = exchange();
  const signIn = formsSignIn(settings('secret'));
  await Promise.all(Array.from({ length: 5 }, () => signIn.send(owa.connection, peer, propfind, signal)));
  expect(owa.forms).toHaveLength(1);
  owa.expire();
  await Promise.all(Array.from({ length: 5 }, () => signIn.send(owa.connection, peer, propfind, signal)));
  expect(owa.forms).toHaveLength(2);
});

test('a wrong password is told, and tried once for each request', async () => {
  const owa = exchange();
  const signIn = formsSignIn(settings('wrong'));
  expect(await refusal(signIn.send(owa.connection, peer, propfind, signal))).toMatchObject({
    kind: 'fatal',
    code: 'auth',
    detail: expect.stringContaining('reason 2'),
  });
  expect(owa.forms).toHaveLength(1);
});

test('a form that leads to another host gets no password', async () => {
  const elsewhere = server(() => ({
    status: 200,
    body: page.replace('owaauth.dll', 'https://evil.example/owaauth.dll'),
  }));
  const fault = await refusal(formsSignIn(settings('secret')).send(elsewhere.connection, peer, propfind, signal));
  expect(fault).toMatchObject({ kind: 'fatal', code: 'redirect' });
  expect(elsewhere.asked).toEqual(['GET /exchange/']);
});

test('sessions that no server of a farm shares end in words', async () => {
  const farm = server((request) =>
    request.method === 'POST'
      ? { status: 302, headers: { location: '/exchange/', 'set-cookie': 'sessionid=1; path=/' } }
      : request.method === 'GET'
        ? { status: 200, body: page }
        : { status: 440 },
  );
  expect(await refusal(formsSignIn(settings('secret')).send(farm.connection, peer, propfind, signal))).toMatchObject({
    code: 'auth',
    detail: expect.stringContaining('load balancer'),
  });
});

test('a password is not sent over a line that others can read', async () => {
  const plain = server(() => ({ status: 200, body: page }));
  const to = new URL('http://mail.example.com/exchange/');
  const fault = await refusal(formsSignIn(settings('secret')).send(plain.connection, to, propfind, signal));
  expect(fault).toMatchObject({ code: 'config' });
  expect(plain.asked).toEqual([]);
});

const examples = reference('protocol/webdav/examples');
test.skipIf(examples === null)('the published page has a form', () => {
  const example = readFileSync(join(examples ?? '.', 'logon-form.http'), 'utf8');
  expect(logonFormIn(example)).toEqual({
    action: 'owaauth.dll',
    hidden: { destination: 'http://mail.example.com/exchange/', flags: '0' },
  });
});

test('pages of any kind are no forms', () => {
  for (const html of [
    '',
    '<form>',
    '<form></form>',
    '<form><input name=q></form>',
    '<form <input type=password>'.repeat(1000),
  ])
    expect(logonFormIn(html)).toBeNull();
});
