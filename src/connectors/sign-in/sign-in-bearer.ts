import { FaultError } from '#kit/fault.ts';
import type { HttpResponse } from '#kit/transport.ts';
import type { TokenSource } from './oauth.ts';
import type { SignIn } from './sign-in.ts';
import { type Offer, offersOf } from './sign-in-offers.ts';
import { drain, refused } from './sign-in-refused.ts';

/** OAuth 2.0 bearer tokens (RFC 6750). A token that is refused is replaced once: it may have been revoked, or lack claims. */
export function bearerSignIn(tokens: TokenSource, clientId: string): SignIn {
  return {
    method: 'OAuth',
    async send(connection, peer, request, signal) {
      const withToken = (token: string) =>
        connection.request({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }, signal);
      const token = await tokens.token(signal);
      const first = await withToken(token);
      if (first.status !== 401) return first;
      const challenge = bearerOffer(first);
      await drain(first);
      const fresh = await tokens.token(signal, token, claimsOf(challenge));
      if (!connection.usable) {
        throw new FaultError({
          kind: 'transient',
          detail: `${peer.hostname} refused an old token and closed the connection`,
          mayHaveHappened: false,
        });
      }
      const second = await withToken(fresh);
      if (second.status !== 401) return second;
      const offers = offersOf(second.headers);
      const why = reason(second, bearerOffer(second));
      await drain(second);
      throw refused(
        peer.hostname,
        'OAuth',
        `the application ${clientId}`,
        offers,
        `${why}Look at signIn.scope (its host must be the one that Exchange expects) and at the application permissions (full_access_as_app for EWS) and their admin consent.`,
      );
    },
  };
}

function bearerOffer(response: HttpResponse): Offer | null {
  return offersOf(response.headers).find((offer) => offer.scheme === 'bearer') ?? null;
}

/** Claims challenge of continuous access evaluation: base64 of JSON. */
function claimsOf(offer: Offer | null): string | null {
  const claims = offer?.parameters.get('claims');
  if (claims === undefined) return null;
  const text = Buffer.from(claims, 'base64').toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}

/** Exchange says why in a header of its own: `2000003;reason="The audience claim value is invalid";error_category="…"`. */
function reason(response: HttpResponse, offer: Offer | null): string {
  const header = response.headers['x-ms-diagnostics'];
  const diagnostics = typeof header === 'string' ? header : (header?.[0] ?? '');
  const said =
    /reason="([^"]{1,300})"/.exec(diagnostics)?.[1] ?? offer?.parameters.get('error_description')?.slice(0, 300);
  return said === undefined ? '' : `It says: ${said}. `;
}
