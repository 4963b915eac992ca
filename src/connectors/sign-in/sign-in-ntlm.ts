import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { Connection, HttpRequest, HttpResponse } from '#kit/transport.ts';
import { createNtlmClient, ntlmName } from './ntlm.ts';
import type { Secret, SignIn } from './sign-in.ts';
import { offersOf } from './sign-in-offers.ts';
import { drain, handshakeStep, notOffered, refused } from './sign-in-refused.ts';

/** A body up to this size goes along with the last message of the handshake; a larger one waits until the connection is signed in. */
const alongMaxBytes = 64 * 1024;

/**
 * NTLM over HTTP ([MS-NTHT]). It signs in a connection, not a request: three messages once, then nothing, until the server asks
 * again. Servers that ask at every request (`authPersistSingleRequest`) get the handshake with every request.
 */
export function ntlmSignIn(
  settings: { readonly user: string; readonly password: Secret },
  surroundings: { readonly clock: Clock; readonly random: Random },
): SignIn {
  const signedIn = new WeakSet<Connection>();
  /** False once a server asked again on a connection that it had just accepted. */
  let persists = true;

  const handshake = async (
    connection: Connection,
    peer: URL,
    request: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    const client = createNtlmClient({
      ...ntlmName(settings.user),
      password: await settings.password(),
      workstation: '',
      channelBinding: connection.channelBinding,
      targetName: `HTTP/${peer.hostname}`,
      clock: surroundings.clock,
      random: surroundings.random,
    });
    const scheme = schemes.get(peer.hostname) ?? 'NTLM';
    const first = await handshakeStep(() =>
      connection.request(withToken(empty(request), scheme, client.negotiate()), signal),
    );
    // Not asked to sign in: it concerns no request of ours yet, but a redirect or a 503 means the same for all.
    if (first.status !== 401) return first;
    const offers = offersOf(first.headers);
    const challenge = offers.find((offer) => offer.scheme === scheme.toLowerCase() && offer.token !== null)?.token;
    await drain(first);
    if (challenge === undefined || challenge === null) {
      // Windows takes NTLM messages under the name Negotiate, too.
      if (
        scheme === 'NTLM' &&
        !offers.some((offer) => offer.scheme === 'ntlm') &&
        offers.some((offer) => offer.scheme === 'negotiate')
      ) {
        schemes.set(peer.hostname, 'Negotiate');
        return handshake(connection, peer, request, signal);
      }
      if (offers.some((offer) => offer.scheme === 'ntlm' || offer.scheme === 'negotiate')) {
        throw refused(
          peer.hostname,
          scheme,
          settings.user,
          offers,
          'It offers NTLM and answers its first message with no challenge. A proxy in between that opens a new connection for every request does this: NTLM needs one that keeps them.',
        );
      }
      throw notOffered(peer.hostname, 'NTLM', offers);
    }
    if (!connection.usable) {
      throw new FaultError({
        kind: 'transient',
        detail: `${peer.hostname} closed the connection in the middle of the NTLM handshake; a proxy in between must keep connections`,
        mayHaveHappened: false,
      });
    }
    const message = client.authenticate(Buffer.from(challenge, 'base64'));
    const along =
      !persists ||
      (request.body === null
        ? 0
        : request.body instanceof Uint8Array
          ? request.body.length
          : Number.POSITIVE_INFINITY) <= alongMaxBytes;
    const send = () => connection.request(withToken(along ? request : empty(request), scheme, message), signal);
    const second = along ? await send() : await handshakeStep(send);
    if (second.status === 401) {
      const final = offersOf(second.headers);
      await drain(second);
      throw refused(peer.hostname, 'NTLM', settings.user, final, advice(connection));
    }
    signedIn.add(connection);
    if (along) return second;
    await drain(second);
    return plainRequest(connection, peer, request, signal);
  };
  const schemes = new Map<string, 'NTLM' | 'Negotiate'>();

  /** On a connection that is signed in. */
  const plainRequest = async (
    connection: Connection,
    peer: URL,
    request: HttpRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> => {
    if (!connection.usable) {
      throw new FaultError({
        kind: 'transient',
        detail: `${peer.hostname} closed the connection after signing in`,
        mayHaveHappened: false,
      });
    }
    const response = await connection.request(request, signal);
    if (response.status !== 401) return response;
    persists = false;
    signedIn.delete(connection);
    await drain(response);
    if (!connection.usable) {
      throw new FaultError({
        kind: 'transient',
        detail: `${peer.hostname} wants a new sign-in and closed the connection`,
        mayHaveHappened: false,
      });
    }
    return handshake(connection, peer, request, signal);
  };

  return {
    method: 'NTLM',
    send: (connection, peer, request, signal) =>
      signedIn.has(connection) && persists
        ? plainRequest(connection, peer, request, signal)
        : handshake(connection, peer, request, signal),
  };
}

function withToken(request: HttpRequest, scheme: string, message: Buffer): HttpRequest {
  return { ...request, headers: { ...request.headers, authorization: `${scheme} ${message.toString('base64')}` } };
}

function empty(request: HttpRequest): HttpRequest {
  return { ...request, headers: { ...request.headers, 'content-length': '0' }, body: null };
}

function advice(connection: Connection): string {
  const common =
    'Look at user (DOMAIN\\user or user@domain) and password; the account may be locked, its password expired, or NTLM denied to it.';
  return connection.channelBinding === null
    ? `${common} Without TLS there is no channel binding: Extended Protection (on by default since Exchange 2019 CU14) refuses that.`
    : `${common} If they are right, Extended Protection (on by default since Exchange 2019 CU14) may refuse the channel binding: a load balancer or proxy that ends TLS in front of Exchange breaks it. Use an address that leads straight to Exchange.`;
}
