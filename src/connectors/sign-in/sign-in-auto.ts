import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { Connection, HttpRequest, HttpResponse } from '#kit/transport.ts';
import type { Secret, SignIn } from './sign-in.ts';
import { basicSignIn } from './sign-in-basic.ts';
import { ntlmSignIn } from './sign-in-ntlm.ts';
import { offersOf } from './sign-in-offers.ts';
import { drain, handshakeStep, notOffered } from './sign-in-refused.ts';

/** Asks each host once what it offers, with an empty request, and takes the strongest that is allowed. */
export function autoSignIn(
  settings: { readonly user: string; readonly password: Secret; readonly allow?: readonly ('ntlm' | 'basic')[] },
  surroundings: { readonly clock: Clock; readonly random: Random },
): SignIn {
  const allow = settings.allow ?? ['ntlm', 'basic'];
  const ntlm = ntlmSignIn(settings, surroundings);
  const basic = basicSignIn(settings);
  const chosen = new Map<string, SignIn>();

  const choose = async (
    connection: Connection,
    peer: URL,
    request: HttpRequest,
    signal: AbortSignal,
  ): Promise<SignIn | HttpResponse> => {
    const question = { ...request, headers: { ...request.headers, 'content-length': '0' }, body: null };
    const answer = await handshakeStep(() => connection.request(question, signal));
    // A redirect or a refusal for all. What was asked is nothing, so an answer of 200 is none to the request.
    if (answer.status !== 401 && answer.status !== 200 && answer.status !== 500) return answer;
    const offers = offersOf(answer.headers);
    await drain(answer);
    const has = (...schemes: readonly string[]) => offers.some((offer) => schemes.includes(offer.scheme));
    if (allow.includes('ntlm') && has('ntlm', 'negotiate')) return ntlm;
    if (allow.includes('basic') && has('basic')) return basic;
    throw notOffered(peer.hostname, allow.map((way) => (way === 'ntlm' ? 'NTLM' : 'Basic')).join(' or '), offers);
  };

  let method = 'auto';
  return {
    get method() {
      return method;
    },
    async send(connection, peer, request, signal) {
      const known = chosen.get(peer.hostname);
      if (known) return known.send(connection, peer, request, signal);
      const choice = await choose(connection, peer, request, signal);
      if ('status' in choice) return choice;
      chosen.set(peer.hostname, choice);
      method = choice.method;
      return choice.send(connection, peer, request, signal);
    },
  };
}
