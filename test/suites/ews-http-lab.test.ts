/** The HTTP side of the EWS connector against the lab's edge, which is another reading of the same protocols. */
import { createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as x509 from '@peculiar/x509';
import { afterEach, describe, expect, test } from 'vitest';
import { autodiscover } from '#connectors/ews/autodiscover/autodiscover.ts';
import type { EwsPost } from '#connectors/ews/ews-http.ts';
import { type EwsHttpClient, type EwsHttpOptions, ewsHttp } from '#connectors/ews/http-client.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn, type SignInSettings } from '#connectors/sign-in/sign-in.ts';
import { systemClock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import { systemRandom } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import { edgeLab, type Recorder, soapRequest } from '#lab/edge/edge.fixture.ts';
import { type EwsAddresses, type Lab, type LabOptions, withEws } from '#lab/lab.ts';

const clock = systemClock;
const random = systemRandom;
const transport = undiciTransport();
let open: { readonly lab: Lab; readonly clients: EwsHttpClient[] } | null = null;

afterEach(async () => {
  for (const client of open?.clients ?? []) client.close();
  await open?.lab.close();
  open = null;
});

type Org = EwsAddresses;

async function start(
  options: Partial<LabOptions> = {},
): Promise<{ readonly lab: Lab; readonly recorder: Recorder; readonly org: Org; readonly tls: TlsPolicy }> {
  const { lab, recorder } = edgeLab({ organizations: [{ name: 'source', version: '2016' }], ...options });
  recorder.answer = () => ({
    status: 200,
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body: Buffer.from('<carried-out/>'),
  });
  open = { lab, clients: [] };
  const org = withEws((await lab.listen()).orgs[0]);
  return { lab, recorder, org, tls: { ca: [readFileSync(org.ca, 'utf8')], min: '1.2' } };
}

function client(org: Org, tls: TlsPolicy, settings: SignInSettings, more: Partial<EwsHttpOptions> = {}): EwsHttpClient {
  const signIn = createSignIn(settings, { clock, random, transport, tls });
  const made = ewsHttp({ transport, clock, random, endpoint: org.ews, tls, signIn, ...more });
  open?.clients.push(made);
  return made;
}

const admin = (org: Org, method: 'basic' | 'ntlm' | 'auto', password = org.admin.password): SignInSettings => ({
  method,
  user: org.admin.user,
  password: async () => password,
});

function post(body: EwsPost['body'] = Buffer.from(soapRequest('GetFolder'))): EwsPost {
  return {
    body,
    anchorMailbox: null,
    operation: 'GetFolder',
    context: { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 10_000 },
  };
}

/** An application has no mailbox of its own, so it always acts for somebody. */
const asOwner = (org: Org): EwsPost => post(Buffer.from(soapRequest('GetFolder', org.mailboxes[0]?.address)));

async function textOf(answer: { readonly body: AsyncIterable<Uint8Array> }): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
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

describe('sign-in', () => {
  test.each(['basic', 'ntlm', 'auto'] as const)('%s, several requests at the same time', async (method) => {
    const { lab, recorder, org, tls } = await start();
    const http = client(org, tls, admin(org, method), { connectionMax: 3 });
    const answers = await Promise.all(Array.from({ length: 9 }, async () => textOf(await http.post(post()))));
    expect(answers).toEqual(new Array(9).fill('<carried-out/>'));
    expect(recorder.calls).toHaveLength(9);
    expect(new Set(recorder.calls.map((call) => call.caller.user))).toEqual(new Set([org.admin.user]));
    expect(new Set(recorder.calls.map((call) => call.connectionId)).size).toBeLessThanOrEqual(3);
    // `auto` asks without credentials first, once for each connection that was opened before the first answer.
    const { 'none-sent': asked = 0, ...refusals } = lab.organization('source').traffic.refusals;
    expect(refusals).toEqual({});
    expect(asked).toBeLessThanOrEqual(method === 'auto' ? 3 : 0);
    expect(lab.failures).toEqual([]);
  });

  test('auto takes NTLM before Basic, and what is left when one is not allowed or offered', async () => {
    const { lab, org, tls } = await start();
    await textOf(await client(org, tls, admin(org, 'auto')).post(post()));
    expect(Object.keys(lab.organization('source').traffic.signIns)).toEqual(['ntlm']);
    await textOf(
      await client(org, tls, { ...(admin(org, 'auto') as SignInSettings & { method: 'auto' }), allow: ['basic'] }).post(
        post(),
      ),
    );
    expect(Object.keys(lab.organization('source').traffic.signIns).sort()).toEqual(['basic', 'ntlm']);
  });

  test('NTLM sends a large body once, on a connection that is signed in', async () => {
    const { recorder, org, tls } = await start();
    const http = client(org, tls, admin(org, 'ntlm'));
    const large = Buffer.from(soapRequest('CreateItem', undefined, 'x'.repeat(3_000_000)));
    let started = 0;
    const stream = {
      async *[Symbol.asyncIterator]() {
        started++;
        for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000);
      },
    };
    expect(await textOf(await http.post(post({ stream, sizeBytes: large.length })))).toBe('<carried-out/>');
    expect(started).toBe(1);
    expect(recorder.calls.map((call) => call.bytes)).toContain(large.length);
  });

  test('NTLM under the name of Negotiate, where that is all there is', async () => {
    const { recorder, org, tls } = await start({
      organizations: [{ name: 'source', version: '2016', schemes: ['negotiate'] }],
    });
    expect(await textOf(await client(org, tls, admin(org, 'ntlm')).post(post()))).toBe('<carried-out/>');
    expect(recorder.calls).toHaveLength(1);
  });

  test('NTLM binds to the channel where Extended Protection asks for it', async () => {
    const { lab, recorder, org, tls } = await start({
      organizations: [{ name: 'source', version: 'se', channelBinding: 'require' }],
    });
    expect(await textOf(await client(org, tls, admin(org, 'ntlm')).post(post()))).toBe('<carried-out/>');
    expect(recorder.calls).toHaveLength(1);
    expect(lab.organization('source').traffic.refusals).toEqual({});
  });

  test.each([
    'basic',
    'ntlm',
  ] as const)('%s with a wrong password says what is offered and what to do', async (method) => {
    const { org, tls } = await start();
    const fault = await faultOf(client(org, tls, admin(org, method, 'wrong')).post(post()));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth' });
    const detail = fault.kind === 'fatal' ? fault.detail : '';
    expect(detail).toContain('password');
    expect(detail).toContain('It offers: Negotiate, NTLM, Basic');
    expect(detail).not.toContain('wrong');
    if (method === 'ntlm') expect(detail).toContain('Extended Protection');
  });

  test.each([
    ['basic', ['ntlm']],
    ['ntlm', ['basic']],
  ] as const)('%s where the server offers only %s', async (method, schemes) => {
    const { org, tls } = await start({ organizations: [{ name: 'source', version: '2016', schemes: [...schemes] }] });
    const fault = await faultOf(client(org, tls, admin(org, method)).post(post()));
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth' });
    expect(fault.kind === 'fatal' && fault.detail).toContain('does not offer');
  });

  test('over http only on this machine', async () => {
    const { org, tls } = await start();
    expect(await textOf(await client(org, tls, admin(org, 'basic'), { endpoint: org.ewsPlain }).post(post()))).toBe(
      '<carried-out/>',
    );
    expect(() =>
      client(org, tls, admin(org, 'basic'), { endpoint: 'http://mail.contoso.com/EWS/Exchange.asmx' }),
    ).toThrow('not encrypted');
  });
});

describe('OAuth', () => {
  const settings = (lab: Lab, org: Org, more: Partial<SignInSettings & { method: 'oauth' }> = {}): SignInSettings => {
    const [application] = lab.organization('source').applications;
    return {
      method: 'oauth',
      tenant: org.domain,
      clientId: application?.clientId ?? '',
      credential: { kind: 'secret', secret: async () => org.admin.password },
      authority: new URL(org.ews).origin,
      ...more,
    };
  };

  test('client credentials with a secret; one token for all requests', async () => {
    const { lab, recorder, org, tls } = await start();
    let asked = 0;
    const http = client(
      org,
      tls,
      settings(lab, org, {
        credential: {
          kind: 'secret',
          secret: async () => {
            asked++;
            return org.admin.password;
          },
        },
      }),
    );
    expect(await Promise.all(Array.from({ length: 5 }, async () => textOf(await http.post(asOwner(org)))))).toEqual(
      new Array(5).fill('<carried-out/>'),
    );
    expect(asked).toBe(1);
    expect(recorder.calls.map((call) => call.caller.kind)).toEqual(new Array(5).fill('application'));
  });

  test('client credentials with a certificate', async () => {
    const { certificate, key } = await rsaCertificate();
    const clientId = '11111111-2222-4333-8444-555555555555';
    const application = { clientId, secrets: [], certificates: [certificate], roles: ['full_access_as_app'] };
    const { lab, recorder, org, tls } = await start({
      organizations: [{ name: 'source', version: '2016', applications: [application] }],
    });
    const credential = { kind: 'certificate', key: async () => key, certificate } as const;
    expect(await textOf(await client(org, tls, settings(lab, org, { clientId, credential })).post(asOwner(org)))).toBe(
      '<carried-out/>',
    );
    expect(recorder.calls.map((call) => call.caller.kind)).toEqual(['application']);
  });

  test('a token is renewed before it ends', async () => {
    const { lab, org, tls } = await start({
      organizations: [{ name: 'source', version: '2016', tokenLifeSeconds: 2 }],
    });
    let asked = 0;
    const http = client(
      org,
      tls,
      settings(lab, org, {
        credential: {
          kind: 'secret',
          secret: async () => {
            asked++;
            return org.admin.password;
          },
        },
      }),
    );
    await textOf(await http.post(asOwner(org)));
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    await textOf(await http.post(asOwner(org)));
    expect(asked).toBe(2);
  });

  test.each([
    ['a wrong secret', { credential: { kind: 'secret', secret: async () => 'wrong' } }, 'auth', 'secret is wrong'],
    [
      'an unknown application',
      { clientId: '00000000-0000-0000-0000-00000000dead' },
      'auth',
      'no application with this clientId',
    ],
    ['an unknown tenant', { tenant: 'elsewhere.test' }, 'auth', 'no such tenant'],
    ['a scope without .default', { scope: 'https://outlook.office365.com/EWS.AccessAsUser.All' }, 'auth', 'scope'],
    [
      'a key that is none',
      { credential: { kind: 'certificate', key: async () => 'none', certificate: 'none' } },
      'config',
      'PEM',
    ],
    ['an authority without encryption', { authority: 'http://login.contoso.com' }, 'config', 'https'],
  ] as const)('%s', async (_name, more, code, words) => {
    const { lab, org, tls } = await start();
    const fault = await faultOf(client(org, tls, settings(lab, org, more)).post(post()));
    expect(fault).toMatchObject({ kind: 'fatal', code });
    expect(fault.kind === 'fatal' && fault.detail).toContain(words);
  });

  test('a key that belongs to no certificate of the application', async () => {
    const { lab, org, tls } = await start();
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }) as string;
    const fault = await faultOf(
      client(
        org,
        tls,
        settings(lab, org, {
          credential: { kind: 'certificate', key: async () => key, certificate: readFileSync(org.ca, 'utf8') },
        }),
      ).post(post()),
    );
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth' });
  });

  test('a sign-in service that is not there is no reason to give up', async () => {
    const { lab, org, tls } = await start();
    expect(
      await faultOf(client(org, tls, settings(lab, org, { authority: 'https://127.0.0.1:1' })).post(post())),
    ).toMatchObject({ kind: 'transient', mayHaveHappened: false });
  });
});

/** As an administrator makes one for an application: RSA, signed by itself. */
async function rsaCertificate(): Promise<{ readonly certificate: string; readonly key: string }> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=migration',
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      keys: keys as unknown as Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0]['keys'],
      signingAlgorithm: algorithm,
    },
    webcrypto as unknown as NonNullable<Parameters<typeof x509.X509CertificateGenerator.create>[1]>,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: certificate.toString('pem'),
    key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
      type: 'pkcs8',
      format: 'pem',
    }) as string,
  };
}

describe('faults of the lab', () => {
  test('a lost answer may have happened; the next request finds another connection', async () => {
    const { recorder, org, tls } = await start({ faults: [{ point: 'drop-after', chance: 1, limit: 1 }] });
    const http = client(org, tls, admin(org, 'basic'));
    expect(await faultOf(http.post(post()))).toMatchObject({ kind: 'transient', mayHaveHappened: true });
    expect(await textOf(await http.post(post()))).toBe('<carried-out/>');
    expect(recorder.calls).toHaveLength(2);
  });

  test('an answer cut in the middle', async () => {
    const { recorder, org, tls } = await start({ faults: [{ point: 'reset-mid', chance: 1, limit: 1 }] });
    recorder.answer = () => ({
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: Buffer.alloc(100_000, '<x/>'),
    });
    const http = client(org, tls, admin(org, 'basic'), { endpoint: org.ewsPlain });
    expect(await faultOf(http.post(post()).then(textOf))).toMatchObject({ kind: 'transient', mayHaveHappened: true });
  });

  test('503 is throttled', async () => {
    const { org, tls } = await start({ faults: [{ point: 'http-503', chance: 1, limit: 1 }] });
    const fault = await faultOf(client(org, tls, admin(org, 'basic')).post(post()));
    expect(fault).toMatchObject({ kind: 'throttled', limit: 'HTTP 503' });
  });

  test('403 for a mailbox says that EWS is off', async () => {
    const { org, tls } = await start({ faults: [{ point: 'forbidden', chance: 1, limit: 1 }] });
    const fault = await faultOf(
      client(org, tls, admin(org, 'basic')).post(
        post(Buffer.from(soapRequest('GetFolder', org.mailboxes[0]?.address))),
      ),
    );
    expect(fault).toMatchObject({ kind: 'fatal', code: 'ews-off' });
  });

  test('slower than the deadline', async () => {
    const { org, tls } = await start({ faults: [{ point: 'slow', chance: 1, ms: 6_000 }] });
    const late = {
      ...post(),
      context: { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 1_500 },
    };
    expect(await faultOf(client(org, tls, admin(org, 'basic')).post(late))).toMatchObject({
      kind: 'transient',
      mayHaveHappened: true,
    });
  });

  test('a request over the limit is too large', async () => {
    const { org, tls } = await start({
      organizations: [{ name: 'source', version: '2016', requestMaxBytes: 2_000_000 }],
    });
    const http = client(org, tls, admin(org, 'basic'));
    const fault = await faultOf(
      http.post(post(Buffer.from(soapRequest('CreateItem', undefined, 'x'.repeat(3_000_000))))),
    );
    // A front end that answers before it has read everything may cut the line instead.
    expect(fault.kind === 'poison' ? fault.reason : fault.kind).toMatch(/too-large|transient/);
  });
});

describe('Autodiscover', () => {
  test('finds the address of each version', async () => {
    for (const version of ['2007', '2010', '2016'] as const) {
      const { org, tls } = await start({ organizations: [{ name: 'source', version }] });
      const signIn = createSignIn(admin(org, 'basic'), { clock, random, transport, tls });
      const context = { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 20_000 };
      const found = await autodiscover(
        org.mailboxes[0]?.address ?? '',
        { transport, clock, tls, signIn, server: org.autodiscover, redirectHosts: [`*.${org.domain}`] },
        context,
      );
      expect(found.ewsUrls[0]?.toLowerCase()).toMatch(/\/ews\/exchange\.asmx$/);
      expect(found.address).toBe(org.mailboxes[0]?.address);
      await open?.lab.close();
    }
  });

  test('a wrong password is tried at most twice', async () => {
    const { lab, org, tls } = await start();
    const signIn = createSignIn(admin(org, 'basic', 'wrong'), { clock, random, transport, tls });
    const context = { signal: new AbortController().signal, deadlineMs: clock.monotonicMs() + 20_000 };
    const fault = await faultOf(
      autodiscover(
        org.mailboxes[0]?.address ?? '',
        { transport, clock, tls, signIn, server: new URL(org.autodiscover).origin },
        context,
      ),
    );
    expect(fault).toMatchObject({ kind: 'fatal', code: 'auth' });
    expect(lab.organization('source').traffic.refusals['wrong-password']).toBeLessThanOrEqual(2);
  });
});
