import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { Connection, HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import { oauthTokens } from './oauth.ts';
import { autoSignIn } from './sign-in-auto.ts';
import { basicSignIn } from './sign-in-basic.ts';
import { bearerSignIn } from './sign-in-bearer.ts';
import { ntlmSignIn } from './sign-in-ntlm.ts';

/** Asked for whenever it is needed and never kept in an object, so that no log or error can hold it. */
export type Secret = () => Promise<string>;

/** How an organization is signed in to, as the project file says it. */
export type SignInSettings =
  /** `user`: `DOMAIN\user` or `user@domain`. */
  | { readonly method: 'basic' | 'ntlm'; readonly user: string; readonly password: Secret }
  /** The strongest of what the server offers and `allow` names; without `allow`, NTLM before Basic. */
  | {
      readonly method: 'auto';
      readonly user: string;
      readonly password: Secret;
      readonly allow?: readonly ('ntlm' | 'basic')[];
    }
  | OAuthSettings;

/** Client credentials of an application (RFC 6749 section 4.4). */
export interface OAuthSettings {
  readonly method: 'oauth';
  /** Tenant id or one of its domains. */
  readonly tenant: string;
  readonly clientId: string;
  readonly credential:
    | { readonly kind: 'secret'; readonly secret: Secret }
    /** `key`: private key in PEM. `certificate`: the certificate, and what issued it, in PEM; public. */
    | { readonly kind: 'certificate'; readonly key: Secret; readonly certificate: string };
  /** Sign-in service; default `https://login.microsoftonline.com`. */
  readonly authority?: string;
  /** Default `https://outlook.office365.com/.default`. */
  readonly scope?: string;
}

/** What signing in needs of the world around it. */
export interface SignInSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** For the sign-in service of OAuth. */
  readonly transport: Transport;
  readonly tls: TlsPolicy;
  /** Sign in over `http://` to other machines, too. For labs only. */
  readonly allowPlain?: boolean;
}

/** Signs requests in. One for each organization; safe to be used by many connections at the same time. */
export interface SignIn {
  /** For reports: `Basic`, `NTLM`, `OAuth`. */
  readonly method: string;
  /**
   * Sends a request on a connection as the user, with the handshake that it takes. The answer is never 401.
   *
   * @param peer Where the connection leads, for the service principal name. The caller has made sure that the host belongs to the organization.
   * @param request A streamed body must allow to be iterated again: after a challenge it is sent once more.
   * Throws FaultError: `auth`; what the transport throws; transient without `mayHaveHappened` when the connection ended during a
   * handshake and a new one may do.
   */
  send(connection: Connection, peer: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}

/** A sign-in that never goes over a line that others can read. */
export function createSignIn(settings: SignInSettings, surroundings: SignInSurroundings): SignIn {
  const inner = methodOf(settings, surroundings);
  return {
    get method() {
      return inner.method;
    },
    async send(connection, peer, request, signal) {
      requireEncryption(peer, surroundings.allowPlain ?? false);
      return inner.send(connection, peer, request, signal);
    },
  };
}

function methodOf(settings: SignInSettings, surroundings: SignInSurroundings): SignIn {
  switch (settings.method) {
    case 'basic':
      return basicSignIn(settings);
    case 'ntlm':
      return ntlmSignIn(settings, surroundings);
    case 'auto':
      return autoSignIn(settings, surroundings);
    case 'oauth':
      return bearerSignIn(oauthTokens(settings, surroundings), settings.clientId);
  }
}

/** Throws fatal `config` for `http://`, this machine excepted. */
export function requireEncryption(url: URL, allowPlain: boolean): void {
  const loopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname);
  if (url.protocol === 'https:' || allowPlain || loopback) return;
  throw new FaultError({
    kind: 'fatal',
    code: 'config',
    detail: `${url.origin} is not encrypted, so sign-in is not sent there: give an https address`,
  });
}
