import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { type EwsAddresses, type Lab, type LabAddresses, type LabOptions, withEws } from '../lab.ts';
import { curl, curlMissing, edgeLab, type Recorder, soapRequest } from './edge.fixture.ts';
import { channelBindingHash } from './ntlm.ts';
import { negotiateMessage, respond } from './ntlm-client.fixture.ts';

const missing = await curlMissing();
if (missing !== null) {
  if (process.env['CI'] === 'true') throw new Error(`tests with a foreign client cannot run: ${missing}`);
  process.stderr.write(`skipped: tests with curl, because ${missing}\n`);
}
const withCurl = test.skipIf(missing !== null);

let open: Lab | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

async function start(
  options: Partial<LabOptions> = {},
): Promise<{ lab: Lab; recorder: Recorder; addresses: LabAddresses; org: EwsAddresses }> {
  const { lab, recorder } = edgeLab({ organizations: [{ name: 'source', version: '2016' }], ...options });
  open = lab;
  const addresses = await lab.listen();
  const org = withEws(addresses.orgs[0]);
  return { lab, recorder, addresses, org };
}

const post = (url: string, ...more: readonly string[]) =>
  curl('-H', 'Content-Type: text/xml', '-d', soapRequest('GetFolder'), ...more, url);

describe('sign-in, by curl', () => {
  withCurl('Basic over plain HTTP and over TLS under the lab’s CA', async () => {
    const { org, recorder } = await start();
    const person = org.mailboxes[0];
    if (!person) throw new Error('no mailbox');
    const plain = await post(org.ewsPlain, '--basic', '-u', `${person.user}:${person.password}`);
    expect(plain).toMatchObject({ status: 200, output: '<carried-out/>' });
    const secure = await post(org.ews, '--cacert', org.ca, '--basic', '-u', `${org.admin.user}:${org.admin.password}`);
    expect(secure).toMatchObject({ status: 200 });
    expect(recorder.calls.map((call) => call.caller)).toEqual([
      { user: person.user, kind: 'person' },
      { user: org.admin.user, kind: 'admin' },
    ]);
  });

  withCurl('every form of a name, and no other domain’s', async () => {
    const { org, lab } = await start();
    const local = org.admin.user.split('@')[0];
    for (const [name, status] of [
      [`SOURCE\\${local}`, 200],
      [local, 200],
      [org.admin.user.toUpperCase(), 200],
      [`OTHER\\${local}`, 401],
      [`${local}@target.test`, 401],
    ] as const) {
      expect([name, (await post(org.ewsPlain, '--basic', '-u', `${name}:${org.admin.password}`)).status]).toEqual([
        name,
        status,
      ]);
    }
    expect(lab.organization('source').traffic.refusals).toEqual({ 'unknown-user': 2 });
  });

  withCurl('NTLM, with the handshake and the request on one connection', async () => {
    const { org, recorder, lab } = await start();
    const answer = await post(
      org.ews,
      '--cacert',
      org.ca,
      '--ntlm',
      '-u',
      `${org.admin.user}:${org.admin.password}`,
      '-i',
    );
    expect(answer.status).toBe(200);
    expect(answer.connections).toBe(1);
    expect(answer.output).toMatch(/^persistent-auth: true/im);
    expect(recorder.calls).toMatchObject([
      { caller: { user: org.admin.user, kind: 'admin' }, bytes: soapRequest('GetFolder').length },
    ]);
    expect(lab.organization('source').traffic.signIns).toEqual({ ntlm: 1 });
  });

  withCurl('NTLM with DOMAIN\\user, and with a wrong password', async () => {
    const { org, lab } = await start();
    const local = org.admin.user.split('@')[0];
    expect((await post(org.ewsPlain, '--ntlm', '-u', `SOURCE\\${local}:${org.admin.password}`)).status).toBe(200);
    expect((await post(org.ewsPlain, '--ntlm', '-u', `SOURCE\\${local}:wrong`)).status).toBe(401);
    expect((await post(org.ewsPlain, '--ntlm', '-u', `SOURCE\\nobody:wrong`)).status).toBe(401);
    expect(lab.organization('source').traffic.refusals).toMatchObject({ 'wrong-password': 1, 'unknown-user': 1 });
  });

  withCurl('NTLM stays with its connection: the second request needs no header', async () => {
    const { org, lab } = await start();
    const answer = await post(org.ewsPlain, '--ntlm', '-u', `${org.admin.user}:${org.admin.password}`, org.ewsPlain);
    expect(answer).toMatchObject({ status: 200, connections: 0 });
    expect(lab.organization('source').traffic.signIns).toEqual({ ntlm: 2 });
  });

  withCurl(
    'a client that cannot bind is refused where Extended Protection is required, and only over TLS',
    async () => {
      const { org, lab } = await start({
        organizations: [{ name: 'source', version: 'se', channelBinding: 'require' }],
      });
      const credentials = ['--ntlm', '-u', `${org.admin.user}:${org.admin.password}`];
      expect((await post(org.ews, '--cacert', org.ca, ...credentials)).status).toBe(401);
      expect(lab.organization('source').traffic.refusals).toMatchObject({ 'binding-missing': 1 });
      expect((await post(org.ewsPlain, ...credentials)).status).toBe(200);
    },
  );

  withCurl('anonymous, disabled, locked', async () => {
    const { org, lab } = await start();
    const anonymous = await curl('-i', org.ewsPlain.replace('/EWS/Exchange.asmx', '/ews/EXCHANGE.ASMX'));
    expect(anonymous.status).toBe(401);
    expect(anonymous.output.match(/^www-authenticate: .*/gim)?.map((line) => line.slice(18, 27).trim())).toEqual([
      'Negotiate',
      'NTLM',
      'Basic rea',
      'Bearer cl',
    ]);
    const person = org.mailboxes[0];
    if (!person) throw new Error('no mailbox');
    for (const state of ['disabled', 'locked'] as const) {
      lab.organization('source').front.states.set(person.user, state);
      for (const scheme of ['--basic', '--ntlm']) {
        expect((await post(org.ewsPlain, scheme, '-u', `${person.user}:${person.password}`)).status).toBe(401);
      }
    }
    expect(lab.organization('source').traffic.refusals).toMatchObject({ disabled: 2, locked: 2 });
  });

  withCurl('a scheme that is not offered is not accepted', async () => {
    const { org } = await start({ organizations: [{ name: 'source', version: '2010', schemes: ['ntlm'] }] });
    expect((await post(org.ewsPlain, '--basic', '-u', `${org.admin.user}:${org.admin.password}`)).status).toBe(401);
    expect((await post(org.ewsPlain, '--ntlm', '-u', `${org.admin.user}:${org.admin.password}`)).status).toBe(200);
  });
});

describe('TLS', () => {
  const get = (url: string, ca: string, more: object = {}) =>
    new Promise<number | string>((resolve) => {
      httpsRequest(url, { ca: readFileSync(ca), agent: false, ...more }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        .end();
    });

  test('the CA file of the JSON is all that a client needs', async () => {
    const { org } = await start();
    expect(await get(org.ews, org.ca)).toBe(401);
    expect(await get(org.ews.replace('127.0.0.1', 'localhost'), org.ca)).toBe(401);
    expect(await get(org.ews, org.ca, { servername: 'mail.source.test', headers: { host: 'mail.source.test' } })).toBe(
      401,
    );
  });

  test.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong-host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const)('a client refuses the certificate that is %s', async (certificate, code) => {
    const { org } = await start({ organizations: [{ name: 'source', version: '2016', certificate }] });
    expect(await get(org.ews, org.ca)).toBe(code);
  });

  test('an organization of old speaks TLS 1.0 only, to whom lowers the floor', async () => {
    const { org } = await start({
      organizations: [{ name: 'source', version: '2007', tls: { min: 'TLSv1', max: 'TLSv1' } }],
    });
    expect(await get(org.ews, org.ca)).toMatch(/ERR_SSL|EPROTO|ECONNRESET/);
    expect(await get(org.ews, org.ca, { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })).toBe(401);
  });
});

describe('limits of a connection', () => {
  test('headers that are too large get 431', async () => {
    const { org } = await start();
    const status = await new Promise<number>((resolve, reject) => {
      httpRequest(org.ewsPlain, { headers: { 'x-large': 'x'.repeat(40_000) }, agent: false }, (answer) =>
        resolve(answer.resume().statusCode ?? 0),
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(431);
  });

  test('a client that dribbles its headers is cut off', async () => {
    const { org } = await start({ limits: { headersMs: 300 } });
    const { port } = new URL(org.ewsPlain);
    const heard = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '));
      const dribble = setInterval(() => socket.write('y'), 100);
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        clearInterval(dribble);
        resolve(text);
      });
    });
    expect(heard).toMatch(/^HTTP\/1\.1 408/);
  });

  withCurl('a request over the size limit gets 413, with and without a length', async () => {
    const { org, recorder } = await start({
      organizations: [{ name: 'source', version: '2016', requestMaxBytes: 1000 }],
    });
    const credentials = ['--basic', '-u', `${org.admin.user}:${org.admin.password}`];
    const large = soapRequest('CreateItem', undefined, 'x'.repeat(2000));
    expect((await curl(...credentials, '-d', large, org.ewsPlain)).status).toBe(413);
    expect((await curl(...credentials, '-H', 'Transfer-Encoding: chunked', '-d', large, org.ewsPlain)).status).toBe(
      413,
    );
    expect(recorder.calls).toEqual([]);
    expect((await curl(...credentials, '-d', soapRequest('CreateItem'), org.ewsPlain)).status).toBe(200);
  });
});

describe('NTLM with channel binding over real TLS', () => {
  test.each([
    [
      'the certificate that was shown',
      (shown: Buffer) => channelBindingHash(createHash('sha256').update(shown).digest()),
      200,
    ],
    ['another certificate, as behind a proxy that opens TLS', () => channelBindingHash(Buffer.alloc(32, 1)), 401],
    ['none', () => undefined, 401],
  ] as const)('a client that binds to %s', async (_what, bindingTo, status) => {
    const { org } = await start({ organizations: [{ name: 'source', version: 'se', channelBinding: 'require' }] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(org.ca) });
    let shown: Buffer = Buffer.alloc(0);
    const send = (authorization: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        httpsRequest(org.ews, { method: 'POST', agent, headers: { authorization } }, (answer) => {
          shown = (answer.socket as TLSSocket).getPeerCertificate().raw;
          answer.resume().on('end', () => resolve(answer));
        })
          .on('error', reject)
          .end();
      });
    const challenged = await send(`NTLM ${negotiateMessage.toString('base64')}`);
    const message = Buffer.from(String(challenged.headers['www-authenticate']).replace('NTLM ', ''), 'base64');
    const binding = bindingTo(shown);
    const [user = ''] = org.admin.user.split('@');
    const response = respond(
      { negotiate: negotiateMessage, message, serverChallenge: message.subarray(24, 32) },
      org.admin.password,
      { user, domain: 'SOURCE', ...(binding ? { binding } : {}) },
    );
    expect((await send(`NTLM ${response.toString('base64')}`)).statusCode).toBe(status);
    agent.destroy();
  });
});

describe('answers on a socket', () => {
  const basic = (org: { readonly admin: { readonly user: string; readonly password: string } }) =>
    ['--basic', '-u', `${org.admin.user}:${org.admin.password}`] as const;

  withCurl('dropped, cut, and whole again', async () => {
    const { org, recorder, lab } = await start({
      faults: [
        { point: 'drop-after', chance: 1, limit: 1 },
        { point: 'reset-mid', chance: 1, limit: 1 },
      ],
    });
    recorder.answer = () => ({ status: 200, headers: {}, body: Buffer.alloc(100_000, 'x') });
    const dropped = await post(org.ewsPlain, ...basic(org));
    expect([dropped.exitCode, dropped.status]).toEqual([56, 0]);
    const cut = await post(org.ewsPlain, ...basic(org));
    expect([18, 56]).toContain(cut.exitCode);
    expect([cut.status, cut.output.length]).toEqual([200, 50_000]);
    expect((await post(org.ewsPlain, ...basic(org))).output).toHaveLength(100_000);
    expect(recorder.calls).toHaveLength(3);
    expect(lab.organization('source').traffic.operations).toEqual({
      GetFolder: { carriedOut: 3, delivered: 1, lost: 2 },
    });
  });

  test('a streaming answer is sent as it comes, and ends for the endpoint when the client goes', async () => {
    const { org, recorder, lab } = await start();
    let ended = false;
    recorder.answer = (call) => ({
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('<first/>');
        if (!call.signal.aborted)
          await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
        ended = true;
      })(),
    });
    const authorization = `Basic ${Buffer.from(`${org.admin.user}:${org.admin.password}`).toString('base64')}`;
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(
        org.ewsPlain,
        { method: 'POST', agent: false, headers: { authorization } },
        (answer) => {
          answer.on('error', () => {});
          answer.once('data', (chunk) => {
            expect(String(chunk)).toBe('<first/>');
            expect(ended).toBe(false);
            request.destroy();
            resolve();
          });
        },
      );
      request.on('error', reject);
      request.end(soapRequest('GetStreamingEvents'));
    });
    for (let n = 0; n < 100 && !ended; n++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(true);
    expect(lab.organization('source').throttle.counters()).toMatchObject([{ inFlight: 0 }]);
  });

  withCurl('a large body goes through in pieces, without and with Expect: 100-continue', async () => {
    const { org, recorder } = await start();
    const directory = mkdtempSync(join(tmpdir(), 'causeway-edge-'));
    try {
      const file = join(directory, 'body');
      writeFileSync(file, soapRequest('CreateItem', undefined, 'x'.repeat(8_000_000)));
      for (const expectation of ['Expect:', 'Expect: 100-continue']) {
        expect((await curl(...basic(org), '-H', expectation, '--data-binary', `@${file}`, org.ewsPlain)).status).toBe(
          200,
        );
      }
      expect(recorder.calls.map((call) => call.bytes)).toEqual([statSync(file).size, statSync(file).size]);
      // NTLM begins with an empty body; the large one comes once.
      expect(
        (
          await curl(
            '--ntlm',
            '-u',
            `${org.admin.user}:${org.admin.password}`,
            '--data-binary',
            `@${file}`,
            org.ewsPlain,
          )
        ).status,
      ).toBe(200);
      expect(recorder.calls).toHaveLength(3);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
