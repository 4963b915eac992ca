import { X509Certificate } from 'node:crypto';
import type {
  AuthenticationResult,
  Configuration,
  INetworkModule,
  NetworkRequestOptions,
  NetworkResponse,
} from '@azure/msal-node';
import { assert } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { type FatalCode, FaultError } from '#kit/fault.ts';
import type { HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import { deadline } from '../http/deadline.ts';
import { abortFault } from '../http/network-faults.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import type { OAuthSettings } from './sign-in.ts';

/** Access tokens of one application. All connections of an organization share one source. */
export interface TokenSource {
  /**
   * A token that is valid for some minutes yet.
   *
   * @param not A token that the server has just refused: it is not given again.
   * @param claims What the server wants to see in the token (continuous access evaluation), JSON as it came.
   * Throws FaultError: fatal `auth` or `config`, throttled, transient without `mayHaveHappened`.
   */
  token(signal: AbortSignal, not?: string | null, claims?: string | null): Promise<string>;
}

const defaultAuthority = 'https://login.microsoftonline.com';
const defaultScope = 'https://outlook.office365.com/.default';
/** A token is renewed so long before its end; Entra gives out 60 to 90 minutes. */
const renewBeforeMs = 5 * 60_000;
const acquireMaxMs = 60_000;
const answerMaxBytes = 1024 * 1024;
/** Entra tolerates five minutes between its clock and that of a signed assertion. */
const skewMaxMs = 5 * 60_000;

interface Held {
  readonly token: string;
  /** `Clock.monotonicMs` from which on it is not used any more. */
  readonly untilMs: number;
}

export function oauthTokens(
  settings: OAuthSettings,
  surroundings: { readonly clock: Clock; readonly transport: Transport; readonly tls: TlsPolicy },
): TokenSource {
  const { clock } = surroundings;
  let held: Held | null = null;
  let pending: Promise<Held> | null = null;

  const renewed = (claims: string | null): Promise<Held> => {
    pending ??= acquire(settings, surroundings, claims)
      .then((fresh) => {
        held = fresh;
        return fresh;
      })
      .finally(() => {
        pending = null;
      });
    return pending;
  };

  return {
    async token(signal, not = null, claims = null) {
      if (held && clock.monotonicMs() < held.untilMs && held.token !== not) return held.token;
      return (await orAborted(renewed(claims), signal, 'the sign-in service')).token;
    },
  };
}

/** The shared work goes on for the others when one of them gives up. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal, peer: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new FaultError(abortFault(signal, peer, false)));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function acquire(
  settings: OAuthSettings,
  surroundings: { readonly clock: Clock; readonly transport: Transport; readonly tls: TlsPolicy },
  claims: string | null,
): Promise<Held> {
  const { clock } = surroundings;
  const authority = new URL(settings.authority ?? defaultAuthority);
  if (authority.protocol !== 'https:')
    throw fatal('config', `signIn.authority ${authority.origin} is not encrypted; OAuth needs an https address`);
  const call = deadline(clock, new AbortController().signal, clock.monotonicMs() + acquireMaxMs);
  const network = msalNetwork(authority, surroundings, call.signal);
  try {
    // Loaded when it is needed: it takes longer than all the rest of a start.
    const { ConfidentialClientApplication } = await import('@azure/msal-node');
    // Made anew each time (once an hour), so that no object of ours holds the secret, and a new secret is taken without a restart.
    const application = new ConfidentialClientApplication(await configuration(settings, authority, network.module));
    const result: AuthenticationResult | null = await application.acquireTokenByClientCredential({
      scopes: [settings.scope ?? defaultScope],
      ...(claims === null ? {} : { claims }),
    });
    if (!result?.accessToken) throw fatal('auth', `${authority.host} answered without an access token`);
    const lifeMs = network.lifeMs() ?? 2 * renewBeforeMs;
    return { token: result.accessToken, untilMs: clock.monotonicMs() + Math.max(lifeMs - renewBeforeMs, lifeMs / 2) };
  } catch (error) {
    // MSAL wraps what its network throws, and loses what it was.
    throw (
      network.fault() ?? (error instanceof FaultError ? error : explain(error, settings, authority, network.skewMs()))
    );
  } finally {
    call.release();
  }
}

async function configuration(
  settings: OAuthSettings,
  authority: URL,
  networkClient: INetworkModule,
): Promise<Configuration> {
  const base = `${authority.href.replace(/\/$/, '')}/${settings.tenant}`;
  const { credential } = settings;
  return {
    auth: {
      clientId: settings.clientId,
      authority: base,
      knownAuthorities: [authority.host],
      // Given, not asked for: a token needs one request instead of three, and goes nowhere else.
      authorityMetadata: JSON.stringify({
        token_endpoint: `${base}/oauth2/v2.0/token`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        issuer: `${base}/v2.0`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      }),
      ...(credential.kind === 'secret'
        ? { clientSecret: await credential.secret() }
        : {
            clientCertificate: {
              thumbprintSha256: thumbprint(credential.certificate),
              privateKey: await credential.key(),
              x5c: credential.certificate,
            },
          }),
      clientCapabilities: ['CP1'],
    },
    system: {
      networkClient,
      loggerOptions: { piiLoggingEnabled: false, loggerCallback: () => {} },
      disableInternalRetries: true,
    },
  };
}

function thumbprint(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256.replaceAll(':', '');
  } catch (cause) {
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: 'signIn.certificate.chain holds no certificate that can be read; it must be PEM',
      cause,
    });
  }
}

/** What MSAL sends and gets, over our transport. */
function msalNetwork(
  authority: URL,
  surroundings: { readonly clock: Clock; readonly transport: Transport; readonly tls: TlsPolicy },
  signal: AbortSignal,
): { readonly module: INetworkModule; fault(): FaultError | null; skewMs(): number | null; lifeMs(): number | null } {
  let fault: FaultError | null = null;
  let skewMs: number | null = null;
  let lifeMs: number | null = null;
  const { clock, transport, tls } = surroundings;

  async function send<T>(
    method: 'GET' | 'POST',
    address: string,
    options?: NetworkRequestOptions,
  ): Promise<NetworkResponse<T>> {
    try {
      const url = new URL(address);
      assert(url.origin === authority.origin, 'sign-in goes to its authority and nowhere else');
      const origin = `https://${url.hostname}:${url.port || 443}`;
      const connection = await transport.connect(
        origin,
        { ca: tls.ca, min: tls.min === '1.3' ? '1.3' : '1.2' },
        signal,
      );
      try {
        const body = options?.body === undefined ? null : Buffer.from(options.body);
        const headers: Record<string, string> = { host: url.host, accept: 'application/json' };
        for (const [name, value] of Object.entries(options?.headers ?? {})) headers[name.toLowerCase()] = value;
        if (body) headers['content-length'] = String(body.length);
        const response = await connection.request({ method, path: url.pathname + url.search, headers, body }, signal);
        const text = await bounded(response, authority.host);
        const date = response.headers['date'];
        const serverMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
        if (!Number.isNaN(serverMs)) skewMs = clock.nowMs() - serverMs;
        refuseUnavailable(response, authority.host, clock.nowMs());
        const answer = parsed<T>(text, authority.host, response.status);
        const seconds = Number((answer as { expires_in?: unknown } | null)?.expires_in);
        if (seconds > 0) lifeMs = seconds * 1000;
        return { status: response.status, headers: flat(response.headers), body: answer };
      } finally {
        connection.close();
      }
    } catch (error) {
      if (error instanceof FaultError) {
        // A token that nobody received changes nothing.
        fault = error.fault.kind === 'transient' ? new FaultError({ ...error.fault, mayHaveHappened: false }) : error;
      }
      throw error;
    }
  }

  return {
    module: {
      sendGetRequestAsync: (address, options) => send('GET', address, options),
      sendPostRequestAsync: (address, options) => send('POST', address, options),
    },
    fault: () => fault,
    skewMs: () => skewMs,
    lifeMs: () => lifeMs,
  };
}

async function bounded(response: HttpResponse, host: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of response.body) {
    read += chunk.length;
    if (read > answerMaxBytes)
      throw fatal('protocol', `${host} answers with more than ${answerMaxBytes} bytes; that is not a sign-in service`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refuseUnavailable(response: HttpResponse, host: string, nowMs: number): void {
  const { status } = response;
  if (status === 429 || status === 503) {
    throw new FaultError({
      kind: 'throttled',
      retryAfterMs: retryAfterMs(response.headers['retry-after'], nowMs) ?? 5_000,
      limit: `sign-in service, HTTP ${status}`,
    });
  }
  if (status >= 500)
    throw new FaultError({
      kind: 'transient',
      detail: `${host}: HTTP ${status} from the sign-in service`,
      mayHaveHappened: false,
    });
  if (status >= 300 && status < 400)
    throw fatal(
      'redirect',
      `${host} redirects the request for a token; signIn.authority must be the address of the sign-in service itself`,
    );
}

function parsed<T>(text: string, host: string, status: number): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw fatal(
      'protocol',
      `${host} answers HTTP ${status} without JSON; signIn.authority must be the address of the sign-in service`,
    );
  }
}

function flat(headers: HttpResponse['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : value.join(', ')]),
  );
}

const fatal = (code: FatalCode, detail: string) => new FaultError({ kind: 'fatal', code, detail });

/** What Entra's error numbers mean for the one who has to act (learn.microsoft.com, “Microsoft Entra authentication error codes”). */
const advice: Readonly<Record<string, string>> = {
  AADSTS7000215: 'the client secret is wrong: take the secret’s value, not its id',
  AADSTS7000222: 'the client secret has expired: make a new one for the application and renew the reference',
  AADSTS700016: 'there is no application with this clientId in the tenant: look at signIn.clientId and signIn.tenant',
  AADSTS900023: 'signIn.tenant is no tenant id and no domain',
  AADSTS90002: 'there is no such tenant: look at signIn.tenant',
  AADSTS700027: 'the certificate is not among those of the application: upload it under Certificates & secrets',
  AADSTS700024: 'the signed assertion is not valid at this time: compare the clock of this machine',
  AADSTS7000218: 'the application wants a secret or certificate, and none was sent',
  AADSTS70011: 'signIn.scope is not valid: it ends in /.default',
  AADSTS1002012: 'signIn.scope is not valid: it ends in /.default',
  AADSTS500011: 'the resource of signIn.scope is not known in this tenant',
  AADSTS65001:
    'nobody has consented: an administrator must grant admin consent: for EWS to full_access_as_app (Office 365 Exchange Online), for Graph to its application permissions',
  AADSTS7000112: 'the application is switched off in the tenant',
  AADSTS50105: 'the application is not assigned, and the tenant demands assignment',
  AADSTS53003:
    'a Conditional Access policy blocks the application: exclude its service principal, or work from an allowed address',
  AADSTS530003:
    'a Conditional Access policy blocks the application: exclude its service principal, or work from an allowed address',
};

function explain(error: unknown, settings: OAuthSettings, authority: URL, skewMs: number | null): FaultError {
  const { errorCode, errorMessage } = error as { errorCode?: unknown; errorMessage?: unknown };
  const code = typeof errorCode === 'string' ? errorCode : 'unknown';
  const message = typeof errorMessage === 'string' ? errorMessage : error instanceof Error ? error.message : '';
  const number = /AADSTS\d+/.exec(message)?.[0];
  const known = number === undefined ? undefined : advice[number];
  const skew =
    skewMs !== null && Math.abs(skewMs) > skewMaxMs
      ? ` The clock of this machine is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the sign-in service: set it right.`
      : '';
  const detail = `${authority.host} refused the application ${settings.clientId} (${number ?? code}): ${known ?? firstSentence(message)}.${skew}`;
  if (code === 'invalid_private_key' || /PEM|DECODER|asym|private key/i.test(message)) {
    return new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: 'signIn.certificate.key cannot be read; it must be an unencrypted private key in PEM (PKCS #8)',
    });
  }
  if (code === 'temporarily_unavailable' || number === 'AADSTS90033' || number === 'AADSTS90024') {
    return new FaultError({
      kind: 'transient',
      detail: `${authority.host}: the sign-in service is busy (${number ?? code})`,
      mayHaveHappened: false,
    });
  }
  return fatal('auth', detail);
}

/** Entra's texts go on with trace ids; those stay out. */
function firstSentence(message: string): string {
  return (
    (message.split(/\.\s|\r|\n|Trace ID/)[0] ?? '').replace(/^.*?AADSTS\d+:\s*/, '').slice(0, 300) || 'no reason given'
  );
}
