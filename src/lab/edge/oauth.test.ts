import {
  constants,
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomUUID,
  sign as signBytes,
  webcrypto,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { ConfidentialClientApplication, type INetworkModule } from '@azure/msal-node';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { type EwsAddresses, type Lab, withEws } from '../lab.ts';
import { edgeLab, type Recorder, soapRequest } from './edge.fixture.ts';

const certificate = await makeCertificate();
const stranger = await makeCertificate();
const clientId = '11111111-2222-4333-8444-555555555555';
const secret = 'the secret of the test';

let lab: Lab;
let recorder: Recorder;
let org: EwsAddresses;
let origin: string;
let now = Date.now();

beforeAll(async () => {
  ({ lab, recorder } = edgeLab({
    organizations: [
      {
        name: 'target',
        version: 'se',
        refuseAssertionReplay: true,
        tokenLifeSeconds: 3599,
        applications: [
          { clientId, secrets: [secret], certificates: [certificate.pem], roles: ['full_access_as_app'] },
          { clientId: clientId.replace('1111', '2222'), secrets: [secret], certificates: [], roles: [] },
        ],
      },
    ],
    clock: { nowMs: () => now, monotonicMs: () => performance.now(), sleep: async () => {} },
  }));
  org = withEws((await lab.listen()).orgs[0]);
  origin = new URL(org.ews).origin;
});
afterAll(() => lab.close());

/** HTTPS under the lab's CA; the answer's status, headers and text. */
function https(url: string, method: string, headers: Record<string, string>, body: string) {
  return new Promise<{ status: number; headers: Record<string, string>; text: string }>((resolve, reject) => {
    const request = httpsRequest(url, { method, headers, ca: readFileSync(org.ca), agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string>, text }),
      );
    });
    request.on('error', reject).end(body);
  });
}

const ews = (token: string, impersonated: string | null = 'anna@target.test') =>
  https(org.ews, 'POST', { authorization: `Bearer ${token}` }, soapRequest('GetFolder', impersonated ?? undefined));

async function token(
  form: Record<string, string>,
  tenant = org.domain,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await https(
    `${origin}/${tenant}/oauth2/v2.0/token`,
    'POST',
    { 'content-type': 'application/x-www-form-urlencoded' },
    new URLSearchParams(form).toString(),
  );
  return { status: answer.status, body: JSON.parse(answer.text) };
}
const bySecret = (more: Record<string, string> = {}) =>
  token({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: secret,
    scope: 'https://outlook.office365.com/.default',
    ...more,
  });

interface AssertionParts {
  readonly alg?: 'RS256' | 'PS256' | 'none';
  readonly header?: object;
  readonly claims?: object;
  readonly key?: string;
}
/** A client assertion made by hand. */
function assertion({ alg = 'RS256', header, claims, key = certificate.key }: AssertionParts = {}): string {
  const der = Buffer.from(certificate.pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const seconds = Math.floor(now / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg, typ: 'JWT', ...(header ?? { x5t: createHash('sha1').update(der).digest('base64url') }) })}.${part(
    {
      aud: `${origin}/${org.domain}/oauth2/v2.0/token`,
      iss: clientId,
      sub: clientId,
      jti: randomUUID(),
      nbf: seconds,
      exp: seconds + 600,
      ...claims,
    },
  )}`;
  const padding = alg === 'PS256' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  return `${text}.${signBytes('sha256', Buffer.from(text), { key: createPrivateKey(key), ...padding }).toString('base64url')}`;
}
const byAssertion = (text: string) =>
  token({
    grant_type: 'client_credentials',
    client_id: clientId,
    scope: 'https://outlook.office365.com/.default',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: text,
  });

describe('the token endpoint, by @azure/msal-node', () => {
  const network: INetworkModule = {
    sendGetRequestAsync: async <T>(url: string, options?: { headers?: Record<string, string> }) => {
      const answer = await https(url, 'GET', options?.headers ?? {}, '');
      return { headers: answer.headers, body: JSON.parse(answer.text) as T, status: answer.status };
    },
    sendPostRequestAsync: async <T>(url: string, options?: { headers?: Record<string, string>; body?: string }) => {
      const answer = await https(url, 'POST', options?.headers ?? {}, options?.body ?? '');
      return { headers: answer.headers, body: JSON.parse(answer.text) as T, status: answer.status };
    },
  };
  const application = (credential: object) =>
    new ConfidentialClientApplication({
      auth: {
        clientId,
        authority: `${origin}/${lab.organization('target').tokens.tenantId}`,
        knownAuthorities: [new URL(origin).host],
        ...credential,
      },
      system: { networkClient: network },
    });
  const scopes = ['https://outlook.office365.com/.default'];

  test('a secret, and the token opens EWS for an impersonated mailbox', async () => {
    const got = must(await application({ clientSecret: secret }).acquireTokenByClientCredential({ scopes }), 'a token');
    const before = recorder.calls.length;
    expect((await ews(got.accessToken)).status).toBe(200);
    expect(recorder.calls.slice(before)).toMatchObject([{ caller: { user: clientId, kind: 'application' } }]);
  });

  test('a certificate by SHA-256 thumbprint (PS256), and by SHA-1 thumbprint (RS256)', async () => {
    const der = Buffer.from(certificate.pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const hexOf = (name: string) => createHash(name).update(der).digest('hex');
    for (const thumbprint of [{ thumbprintSha256: hexOf('sha256') }, { thumbprint: hexOf('sha1') }]) {
      const got = must(
        await application({
          clientCertificate: { privateKey: certificate.key, ...thumbprint },
        }).acquireTokenByClientCredential({ scopes }),
        'a token',
      );
      expect((await ews(got.accessToken)).status).toBe(200);
    }
  });

  test('a wrong secret is said in Entra’s words', async () => {
    await expect(application({ clientSecret: 'wrong' }).acquireTokenByClientCredential({ scopes })).rejects.toThrow(
      /AADSTS7000215/,
    );
  });
});

describe('the token endpoint refuses', () => {
  test.each([
    ['another grant', () => bySecret({ grant_type: 'password' }), 400, 'unsupported_grant_type', 70003],
    ['an unknown application', () => bySecret({ client_id: randomUUID() }), 400, 'unauthorized_client', 700016],
    ['a wrong secret', () => bySecret({ client_secret: 'x' }), 401, 'invalid_client', 7000215],
    [
      'a scope without .default',
      () => bySecret({ scope: 'https://outlook.office365.com/EWS.AccessAsUser.All' }),
      400,
      'invalid_scope',
      1002012,
    ],
    ['another resource', () => bySecret({ scope: 'https://elsewhere.test/.default' }), 400, 'invalid_resource', 500011],
    ['another tenant', () => token({ grant_type: 'client_credentials' }, 'other.test'), 400, 'invalid_request', 90002],
    [
      'no proof at all',
      () => token({ grant_type: 'client_credentials', client_id: clientId }),
      401,
      'invalid_client',
      7000216,
    ],
    ['an assertion that is none', () => byAssertion('a.b'), 401, 'invalid_client', 50027],
    ['an assertion without an algorithm', () => byAssertion(assertion({ alg: 'none' })), 401, 'invalid_client', 700027],
    [
      'an expired assertion',
      () => byAssertion(assertion({ claims: { exp: Math.floor(now / 1000) - 301 } })),
      401,
      'invalid_client',
      700024,
    ],
    [
      'an assertion of the future',
      () => byAssertion(assertion({ claims: { nbf: Math.floor(now / 1000) + 301 } })),
      401,
      'invalid_client',
      700024,
    ],
    [
      'an assertion for somebody else',
      () => byAssertion(assertion({ claims: { aud: 'https://elsewhere.test/token' } })),
      401,
      'invalid_client',
      700023,
    ],
    [
      'an assertion of another application',
      () => byAssertion(assertion({ claims: { iss: randomUUID() } })),
      401,
      'invalid_client',
      700021,
    ],
    [
      'a certificate it does not know',
      () => byAssertion(assertion({ header: { 'x5t#S256': 'AAAA' } })),
      401,
      'invalid_client',
      700027,
    ],
    ['a signature of another key', () => byAssertion(assertion({ key: stranger.key })), 401, 'invalid_client', 700027],
  ] as const)('%s', async (_what, ask, status, error, code) => {
    const answer = await ask();
    expect(answer).toMatchObject({ status, body: { error, error_codes: [code] } });
    expect(answer.body['error_description']).toMatch(new RegExp(`^AADSTS${code}: `));
  });

  test('the same assertion a second time, where that is asked for', async () => {
    const once = assertion({ alg: 'PS256' });
    expect((await byAssertion(once)).status).toBe(200);
    expect(await byAssertion(once)).toMatchObject({ status: 401, body: { error_codes: [700028] } });
  });
});

describe('EWS with a bearer token', () => {
  const good = async () => String((await bySecret()).body['access_token']);
  const why = () => lab.organization('target').traffic.refusals;

  test('must impersonate', async () => {
    const answer = await ews(await good(), null);
    expect(answer.status).toBe(500);
    expect(answer.text).toContain('ErrorImpersonationRequired');
  });

  test('an altered token, one for another key, one of another form', async () => {
    const [head, body, signature] = (await good()).split('.');
    const claims = JSON.parse(Buffer.from(body ?? '', 'base64url').toString());
    const other = Buffer.from(JSON.stringify({ ...claims, roles: ['full_access_as_app', 'more'] })).toString(
      'base64url',
    );
    expect((await ews(`${head}.${other}.${signature}`)).status).toBe(401);
    expect(why()).toMatchObject({ 'bearer-signature': 1 });
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expect((await ews(`${none}.${body}.AA`)).status).toBe(401);
    expect((await ews('nonsense')).status).toBe(401);
    expect(why()).toMatchObject({ 'bearer-signature': 2, 'bearer-malformed': 1 });
  });

  test('after its time', async () => {
    const bearer = await good();
    const then = now;
    now += 3_600_000 + 300_000;
    const answer = await ews(bearer);
    now = then;
    expect(answer.status).toBe(401);
    expect(answer.headers['x-ms-diagnostics']).toContain('token_expired');
    expect(answer.headers['www-authenticate']).toContain('Bearer client_id=');
    expect((await ews(bearer)).status).toBe(200);
  });

  test('for another audience', async () => {
    const other = await bySecret({ scope: 'https://graph.microsoft.com/.default' });
    expect(other.status).toBe(200);
    expect((await ews(String(other.body['access_token']))).status).toBe(401);
    expect(why()).toMatchObject({ 'bearer-audience': 1 });
  });

  test('without the permission: 403 and no challenge', async () => {
    const poor = await bySecret({ client_id: clientId.replace('1111', '2222') });
    const answer = await ews(String(poor.body['access_token']));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.headers['x-ms-diagnostics']).toContain('not enough scope');
  });
});

async function makeCertificate(): Promise<{ readonly pem: string; readonly key: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const der = {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
  };
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', der.privateKey, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', der.publicKey, algorithm, true, ['verify']),
  } as never;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=application',
    keys,
    signingAlgorithm: algorithm,
    notAfter: new Date(Date.now() + 86_400_000),
  });
  return { pem: made.toString('pem'), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
