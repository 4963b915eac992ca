/**
 * OAuth 2.0 client credentials as Entra ID gives them out (token endpoint v2.0, discovery documents), and the check of what was
 * given out. One tenant per organization; its names are the domain and a GUID.
 */
import {
  constants,
  createHash,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { guidOf } from '../world/account.ts';
import { collect, type EdgeConnection, type EdgeRequest, type PlainAnswer } from './exchange.ts';

export interface Application {
  /** GUID, lower case. */
  readonly clientId: string;
  readonly secrets: readonly string[];
  /** PEM certificates whose keys may sign client assertions. */
  readonly certificates: readonly string[];
  /** Application permissions with admin consent: `full_access_as_app`, `Mail.ReadWrite`. */
  readonly roles: readonly string[];
  /** RBAC for Applications: roles of Exchange for some mailboxes only, by address. They are in no token. */
  readonly scoped?: { readonly roles: readonly string[]; readonly mailboxes: readonly string[] };
}

export type BearerRefusal =
  | 'bearer-malformed'
  | 'bearer-signature'
  | 'bearer-expired'
  | 'bearer-revoked'
  | 'bearer-audience'
  | 'bearer-role';

export type BearerOutcome =
  | {
      readonly ok: true;
      readonly clientId: string;
      readonly roles: readonly string[];
      readonly issuedAtSeconds: number;
    }
  /** `diagnostics` goes out as `x-ms-diagnostics`. */
  | { readonly ok: false; readonly why: BearerRefusal; readonly diagnostics: string };

export interface TokenSettings {
  readonly organization: string;
  readonly domain: string;
  readonly applications: () => readonly Application[];
  /**
   * RFC 7523 lets a server refuse a `jti` it has seen; Entra's own library sends one assertion for ten minutes, so refusing is
   * for tests of clients that must not.
   */
  readonly refuseReplay: boolean;
  /** Seconds a token lives. Entra: 3599 by default. */
  readonly tokenLifeSeconds: number;
}

export interface TokenService {
  readonly tenantId: string;
  /** True for the paths of the token endpoint and the discovery documents. */
  owns(path: string): boolean;
  handle(request: EdgeRequest, connection: EdgeConnection): Promise<PlainAnswer>;
  /** For EWS. */
  verify(bearer: string, origin: string): BearerOutcome;
  /** The same for Graph, which asks for roles call by call. */
  verifyForGraph(bearer: string, origin: string): BearerOutcome;
  /** `Bearer …` for WWW-Authenticate. */
  bearerOffer(origin: string): string;
}

/** Resource of Exchange Online, which every organization of the lab answers to besides its own addresses. */
const outlookResource = 'https://outlook.office365.com';
/** A token for Graph is none for EWS. The same in each cloud. (national cloud deployments) */
const graphResources: readonly string[] = [
  'https://graph.microsoft.com',
  'https://graph.microsoft.us',
  'https://dod-graph.microsoft.us',
  'https://microsoftgraph.chinacloudapi.cn',
];
const fullAccess = 'full_access_as_app';
const clockSkewSeconds = 300;

type Claims = Readonly<Record<string, unknown>>;
interface Jwt {
  readonly header: Claims;
  readonly claims: Claims;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export function createTokenService(
  settings: TokenSettings,
  surroundings: { readonly clock: Clock; readonly random: Random },
): TokenService {
  const { domain } = settings;
  const { clock, random } = surroundings;
  const tenantId = guidOf('tenant', settings.organization, domain);
  const seenAssertions = new Map<string, number>();
  // Made when first needed: an RSA key takes longer than everything else at the start of a lab.
  let keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject; readonly id: string } | null = null;
  const signingKeys = () => {
    if (keys === null) {
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const id = createHash('sha1')
        .update(pair.publicKey.export({ type: 'spki', format: 'der' }))
        .digest('base64url');
      keys = { ...pair, id };
    }
    return keys;
  };
  const nowSeconds = () => Math.floor(clock.nowMs() / 1000);
  const tenants = new Set([domain, tenantId]);
  const issuer = (origin: string) => `${origin}/${tenantId}/v2.0`;
  const graphAudiences = (origin: string) => [...graphResources, `https://graph.${domain}`, origin];
  const audiences = (origin: string) => [outlookResource, `https://mail.${domain}`, `https://${domain}`, origin];

  function token(origin: string, form: URLSearchParams, tenant: string): PlainAnswer {
    if (!tenants.has(tenant))
      return failure(
        400,
        'invalid_request',
        90002,
        `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
      );
    if (form.get('grant_type') !== 'client_credentials')
      return failure(400, 'unsupported_grant_type', 70003, 'The app requested an unsupported grant type.');
    const clientId = (form.get('client_id') ?? '').toLowerCase();
    const application = settings.applications().find((one) => one.clientId === clientId);
    if (!application)
      return failure(
        400,
        'unauthorized_client',
        700016,
        `Application with identifier '${clientId}' was not found in the directory.`,
      );
    const refused = proveClient(origin, form, application);
    if (refused) return refused;

    const scope = form.get('scope') ?? '';
    const resource = /^(\S+?)\/?\/\.default$/.exec(
      scope.split(' ').find((part) => part.endsWith('/.default')) ?? '',
    )?.[1];
    if (!resource)
      return failure(
        400,
        'invalid_scope',
        1002012,
        'The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.',
      );
    if (!graphAudiences(origin).includes(resource) && !audiences(origin).includes(resource))
      return failure(
        400,
        'invalid_resource',
        500011,
        `The resource principal named ${resource} was not found in the tenant.`,
      );

    const { privateKey, id } = signingKeys();
    const now = nowSeconds();
    const access = sign(
      privateKey,
      { typ: 'JWT', alg: 'RS256', kid: id, x5t: id },
      {
        aud: resource,
        iss: issuer(origin),
        iat: now,
        nbf: now,
        exp: now + settings.tokenLifeSeconds,
        appid: application.clientId,
        azp: application.clientId,
        idtyp: 'app',
        roles: application.roles,
        tid: tenantId,
        uti: random.bytes(16).toString('base64url'),
        ver: '1.0',
      },
    );
    return json(200, {
      token_type: 'Bearer',
      expires_in: settings.tokenLifeSeconds,
      ext_expires_in: settings.tokenLifeSeconds,
      access_token: access,
    });
  }

  /** Null when the client proved who it is. */
  function proveClient(origin: string, form: URLSearchParams, application: Application): PlainAnswer | null {
    const secret = form.get('client_secret');
    if (secret !== null) {
      const digest = (text: string) => createHash('sha256').update(text).digest();
      const right = application.secrets.some((known) => timingSafeEqual(digest(known), digest(secret)));
      return right
        ? null
        : failure(
            401,
            'invalid_client',
            7000215,
            'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to the app.',
          );
    }
    const assertion = form.get('client_assertion');
    if (assertion === null)
      return failure(
        401,
        'invalid_client',
        7000216,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
      );
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
      return failure(
        400,
        'invalid_request',
        900144,
        "The request body must contain the following parameter: 'client_assertion_type'.",
      );
    }
    const jwt = parseJwt(assertion);
    if (!jwt) return failure(401, 'invalid_client', 50027, 'JWT token is invalid or malformed.');
    const certificate = application.certificates
      .map((pem) => new X509Certificate(pem))
      .find((one) => namedBy(jwt.header, one));
    if (!certificate)
      return failure(
        401,
        'invalid_client',
        700027,
        'The certificate with identifier used to sign the client assertion is not registered on application.',
      );
    if (!signedBy(jwt, certificate.publicKey))
      return failure(401, 'invalid_client', 700027, 'Client assertion failed signature validation.');

    const { claims } = jwt;
    const audience = String(claims['aud'] ?? '');
    const accepted = [...tenants].flatMap((tenant) => [
      `${origin}/${tenant}/oauth2/v2.0/token`,
      `${origin}/${tenant}/v2.0`,
      `${origin}/${tenant}/oauth2/token`,
    ]);
    if (!accepted.includes(audience))
      return failure(
        401,
        'invalid_client',
        700023,
        `Client assertion audience claim does not match Realm issuer. Review the documentation.`,
      );
    if (claims['iss'] !== application.clientId || claims['sub'] !== application.clientId) {
      return failure(
        401,
        'invalid_client',
        700021,
        'Client assertion application identifier does not match the client_id parameter.',
      );
    }
    const now = nowSeconds();
    const expires = Number(claims['exp']);
    const notBefore = Number(claims['nbf'] ?? 0);
    if (!(expires > now - clockSkewSeconds) || notBefore > now + clockSkewSeconds) {
      return failure(401, 'invalid_client', 700024, 'Client assertion is not within its valid time range.');
    }
    for (const [jti, until] of seenAssertions) if (until < now) seenAssertions.delete(jti);
    const jti = `${application.clientId} ${String(claims['jti'] ?? '')}`;
    if (settings.refuseReplay && seenAssertions.has(jti))
      return failure(401, 'invalid_client', 700028, 'Client assertion was already used.');
    if (seenAssertions.size < 100_000) seenAssertions.set(jti, expires + clockSkewSeconds);
    return null;
  }

  function failure(status: number, error: string, code: number, text: string): PlainAnswer {
    const timestamp = `${new Date(clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ')}Z`;
    const trace = guidOf('trace', random.bytes(8).toString('hex'));
    const description = `AADSTS${code}: ${text} Trace ID: ${trace} Correlation ID: ${trace} Timestamp: ${timestamp}`;
    return json(status, {
      error,
      error_description: description,
      error_codes: [code],
      timestamp,
      trace_id: trace,
      correlation_id: trace,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    });
  }

  function metadata(origin: string, tenant: string): PlainAnswer {
    if (!tenants.has(tenant)) return failure(400, 'invalid_tenant', 90002, `Tenant '${tenant}' not found.`);
    const base = `${origin}/${tenant}`;
    return json(200, {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      jwks_uri: `${base}/discovery/v2.0/keys`,
      response_modes_supported: ['query', 'fragment', 'form_post'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer: issuer(origin),
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
      end_session_endpoint: `${base}/oauth2/v2.0/logout`,
      tenant_region_scope: null,
      cloud_instance_name: new URL(origin).host,
    });
  }

  const refused = (why: BearerRefusal, code: number, reason: string, category: string): BearerOutcome => ({
    ok: false,
    why,
    diagnostics: `${code};reason="${reason}";error_category="${category}"`,
  });

  function verifyFor(bearer: string, wanted: readonly string[]): BearerOutcome {
    const jwt = parseJwt(bearer);
    if (!jwt) return refused('bearer-malformed', 2000000, 'The token is malformed.', 'invalid_token');
    if (jwt.header['alg'] !== 'RS256' || !signedBy(jwt, signingKeys().publicKey))
      return refused('bearer-signature', 2000001, 'The token has an invalid signature.', 'invalid_signature');
    if (!(Number(jwt.claims['exp']) > nowSeconds() - clockSkewSeconds))
      return refused('bearer-expired', 2000003, 'The token has expired.', 'token_expired');
    if (!wanted.includes(String(jwt.claims['aud'] ?? '')))
      return refused(
        'bearer-audience',
        2000004,
        'The audience claim value is invalid for the current resource.',
        'invalid_resource',
      );
    const roles = jwt.claims['roles'];
    return {
      ok: true,
      clientId: String(jwt.claims['appid']),
      roles: Array.isArray(roles) ? roles.map(String) : [],
      issuedAtSeconds: Number(jwt.claims['iat']),
    };
  }

  return {
    tenantId,
    owns: (path) =>
      /^\/(?:[^/]+\/(?:oauth2\/v2\.0\/token|(?:v2\.0\/)?\.well-known\/openid-configuration|discovery\/v2\.0\/keys)|common\/discovery\/instance)$/i.test(
        path,
      ),

    async handle(request, connection) {
      const { origin } = connection;
      const [path = '', query = ''] = request.path.split('?', 2);
      const [, tenant = '', rest = ''] = /^\/([^/]+)\/(.*)$/.exec(path.toLowerCase()) ?? [];
      if (rest === 'oauth2/v2.0/token') {
        if (request.method !== 'POST')
          return failure(405, 'invalid_request', 900561, 'The endpoint only accepts POST requests.');
        const body = await collect(request.body, 256 * 1024);
        if (body === null)
          return { ...failure(413, 'invalid_request', 9000410, 'The request is too large.'), ending: 'close' };
        return token(origin, new URLSearchParams(body.toString('utf8')), tenant);
      }
      if (rest.endsWith('.well-known/openid-configuration')) return metadata(origin, tenant);
      if (rest === 'discovery/v2.0/keys') {
        const { publicKey, id } = signingKeys();
        return json(200, {
          keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: id, x5t: id }],
        });
      }
      // Instance discovery: which hosts are the same cloud. The lab is a cloud of one host.
      const asked = new URLSearchParams(query).get('authorization_endpoint');
      const host = new URL(origin).host;
      if (!asked?.startsWith(`${origin}/`))
        return failure(400, 'invalid_instance', 50049, 'Unknown or invalid instance.');
      return json(200, {
        tenant_discovery_endpoint: `${origin}/${asked.slice(origin.length + 1).split('/')[0] ?? domain}/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      });
    },

    verify(bearer, origin) {
      const outcome = verifyFor(bearer, audiences(origin));
      if (!outcome.ok || outcome.roles.includes(fullAccess)) return outcome;
      return refused('bearer-role', 2000008, 'The token contains not enough scope to make this call.', 'invalid_grant');
    },
    verifyForGraph: (bearer, origin) => verifyFor(bearer, graphAudiences(origin)),

    bearerOffer: (origin) =>
      `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@${tenantId}", ` +
      `token_types="app_asserted_user_v1 service_asserted_app_v1", authorization_uri="${origin}/${tenantId}/oauth2/authorize"`,
  };
}

function json(status: number, value: unknown): PlainAnswer {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store, no-cache',
      pragma: 'no-cache',
    },
    body: JSON.stringify(value),
  };
}

function parseJwt(text: string): Jwt | null {
  const parts = text.split('.');
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part))) return null;
  const [head = '', body = '', signature = ''] = parts;
  const read = (part: string): Claims | null => {
    try {
      const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
    } catch {
      return null;
    }
  };
  const header = read(head);
  const claims = read(body);
  if (!header || !claims) return null;
  return { header, claims, signed: Buffer.from(`${head}.${body}`), signature: Buffer.from(signature, 'base64url') };
}

/** `x5t#S256` is base64url of the SHA-256 of the certificate; `x5t` of its SHA-1. */
function namedBy(header: Claims, certificate: X509Certificate): boolean {
  const hash = (name: string) => createHash(name).update(certificate.raw).digest('base64url');
  return header['x5t#S256'] === undefined ? header['x5t'] === hash('sha1') : header['x5t#S256'] === hash('sha256');
}

/** RS256 or PS256 by the header, and no other: `none` and HMAC with a public key as its secret are old attacks. */
function signedBy(jwt: Jwt, key: KeyObject): boolean {
  const algorithm = jwt.header['alg'];
  if (key.asymmetricKeyType !== 'rsa' || (algorithm !== 'RS256' && algorithm !== 'PS256')) return false;
  const padding =
    algorithm === 'PS256'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : { padding: constants.RSA_PKCS1_PADDING };
  return createVerify('sha256')
    .update(jwt.signed)
    .verify({ key, ...padding }, jwt.signature);
}

function sign(key: KeyObject, header: Claims, claims: Claims): string {
  const part = (value: Claims) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createSign('sha256').update(signed).sign(key, 'base64url')}`;
}
