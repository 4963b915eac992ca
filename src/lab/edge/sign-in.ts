import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { Caller } from '../seams.ts';
import { type Account, ntHashOf } from '../world/account.ts';
import { type Directory, findAccount } from './directory.ts';
import type { EdgeConnection, EdgeRequest } from './exchange.ts';
import { type ChannelBindingPolicy, challenge, type NtlmRefusal, ntlmMessageType, verify } from './ntlm.ts';
import type { BearerRefusal, TokenService } from './oauth.ts';

export const signInSchemes = ['negotiate', 'ntlm', 'basic', 'bearer'] as const;
export type SignInScheme = (typeof signInSchemes)[number];

export interface SignedIn {
  readonly caller: Caller;
  readonly scheme: SignInScheme;
}

export type AccountState = 'enabled' | 'disabled' | 'locked';

/** Why somebody got 401. Counted, so that a test can say which check struck. */
export type SignInRefusal =
  | 'none-sent'
  | 'scheme-off'
  | 'malformed'
  | 'unknown-user'
  | 'wrong-password'
  | 'disabled'
  | 'locked'
  | NtlmRefusal
  | BearerRefusal;

export interface SignInSettings {
  /** In the order in which they are offered. */
  readonly schemes: readonly SignInScheme[];
  readonly channelBinding: ChannelBindingPolicy;
  readonly states: ReadonlyMap<string, AccountState>;
}

export interface SignInWorld {
  readonly domain: string;
  /** DNS name of the server: `mail.source.test`. */
  readonly host: string;
  readonly directory: Directory;
  readonly tokens: TokenService;
  readonly clock: Clock;
  readonly random: Random;
}

export type SignInOutcome =
  | { readonly kind: 'in'; readonly who: SignedIn; readonly headers: Readonly<Record<string, string>> }
  /** 401 with these WWW-Authenticate values. */
  | {
      readonly kind: 'challenge';
      readonly why: SignInRefusal | null;
      readonly offers: readonly string[];
      readonly diagnostics?: string;
    };

/** Authenticates one request, or the connection it came on. */
export function signIn(
  world: SignInWorld,
  settings: SignInSettings,
  request: EdgeRequest,
  connection: EdgeConnection,
): SignInOutcome {
  const header = request.headers['authorization'];
  const refuse = (why: SignInRefusal | null, diagnostics?: string): SignInOutcome => ({
    kind: 'challenge',
    why,
    offers: offersOf(world, settings, connection),
    ...(diagnostics ? { diagnostics } : {}),
  });
  if (header === undefined) {
    // Authenticated once, a connection stays it: that is what makes NTLM affordable.
    if (connection.signedIn) return { kind: 'in', who: connection.signedIn, headers: {} };
    return refuse('none-sent');
  }
  const [, word = '', value = ''] = /^\s*(\S+)\s*(.*?)\s*$/.exec(header) ?? [];
  const scheme = signInSchemes.find((known) => known === word.toLowerCase());
  // A header on an authenticated connection starts anew: the connection is what the last sign-in proved.
  connection.signedIn = null;
  if (scheme === undefined || !settings.schemes.includes(scheme)) return refuse('scheme-off');

  switch (scheme) {
    case 'basic': {
      const text = Buffer.from(value, 'base64').toString('utf8');
      const colon = text.indexOf(':');
      if (colon < 0) return refuse('malformed');
      const account = findAccount(world.directory, world.domain, text.slice(0, colon));
      if (!account) return refuse('unknown-user');
      if (!samePassword(account, text.slice(colon + 1))) return refuse('wrong-password');
      const state = settings.states.get(account.user) ?? 'enabled';
      return state === 'enabled' ? { kind: 'in', who: whoIs(account, scheme), headers: {} } : refuse(state);
    }
    case 'bearer': {
      const token = world.tokens.verify(value, connection.origin);
      if (!token.ok) return refuse(token.why, token.diagnostics);
      return { kind: 'in', who: { caller: { user: token.clientId, kind: 'application' }, scheme }, headers: {} };
    }
    case 'ntlm':
    case 'negotiate': {
      const message = Buffer.from(value, 'base64');
      const pending = connection.challenge;
      connection.challenge = null;
      switch (ntlmMessageType(message)) {
        case 1: {
          const made = challenge(message, world, world.random.bytes(8), world.clock.nowMs());
          connection.challenge = made;
          return {
            kind: 'challenge',
            why: null,
            offers: [`${scheme === 'ntlm' ? 'NTLM' : 'Negotiate'} ${made.message.toString('base64')}`],
          };
        }
        case 3: {
          if (pending === null) return refuse('no-challenge');
          let account: Account | null = null;
          const outcome = verify(pending, message, {
            binding: settings.channelBinding,
            endPoint: connection.endPoint,
            hashOf(domain, user) {
              account = findAccount(
                world.directory,
                world.domain,
                domain === '' || user.includes('@') ? user : `${domain}\\${user}`,
              );
              return account && ntHashOf((account as Account).password);
            },
          });
          if (!outcome.ok) return refuse(outcome.why);
          const found = account as Account | null;
          if (found === null) return refuse('unknown-user');
          const state = settings.states.get(found.user) ?? 'enabled';
          if (state !== 'enabled') return refuse(state);
          connection.signedIn = whoIs(found, scheme);
          return { kind: 'in', who: connection.signedIn, headers: { 'persistent-auth': 'true' } };
        }
        default:
          // A SPNEGO or Kerberos token: there is no domain controller behind the lab that could check it.
          return refuse('malformed');
      }
    }
  }
}

function whoIs(account: Account, scheme: SignInScheme): SignedIn {
  return { caller: { user: account.user, kind: account.kind }, scheme };
}

function samePassword(account: Account, given: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(account.password), digest(given));
}

/** The values of WWW-Authenticate, in the order in which they are offered. */
function offersOf(world: SignInWorld, settings: SignInSettings, connection: EdgeConnection): readonly string[] {
  const offers: Readonly<Record<SignInScheme, string>> = {
    negotiate: 'Negotiate',
    ntlm: 'NTLM',
    basic: `Basic realm="${world.host}"`,
    bearer: world.tokens.bearerOffer(connection.origin),
  };
  return settings.schemes.map((scheme) => offers[scheme]);
}
