import type { Connection } from '#kit/transport.ts';
import type { Secret, SignIn } from './sign-in.ts';
import { offersOf } from './sign-in-offers.ts';
import { drain, notOffered, refused } from './sign-in-refused.ts';

/** Basic (RFC 7617), sent with every request without waiting for a challenge. */
export function basicSignIn(settings: { readonly user: string; readonly password: Secret }): SignIn {
  // As long as a connection lives, so that the password is not read for every request.
  const known = new WeakMap<Connection, string>();
  return {
    method: 'Basic',
    async send(connection, peer, request, signal) {
      // Names and passwords in UTF-8, as the `charset` parameter of RFC 7617 asks for.
      const authorization =
        known.get(connection) ??
        `Basic ${Buffer.from(`${settings.user}:${await settings.password()}`).toString('base64')}`;
      known.set(connection, authorization);
      const response = await connection.request({ ...request, headers: { ...request.headers, authorization } }, signal);
      if (response.status !== 401) return response;
      known.delete(connection);
      const offers = offersOf(response.headers);
      await drain(response);
      if (!offers.some((offer) => offer.scheme === 'basic')) throw notOffered(peer.hostname, 'Basic', offers);
      throw refused(
        peer.hostname,
        'Basic',
        settings.user,
        offers,
        'Look at user and password; the account may be locked or its password expired, and names may need the form DOMAIN\\user or user@domain.',
      );
    },
  };
}
