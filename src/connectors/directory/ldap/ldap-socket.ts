import * as net from 'node:net';
import * as tls from 'node:tls';
import { ExtendedRequest } from 'ldapts';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import { abortFault, connectTimeoutMs, networkFault } from '../../http/network-faults.ts';
import { secureContextOf } from '../../http/tls-context.ts';
import { frameLength, MalformedAnswer, readAnswer } from './ldap-answers.ts';

/** Where a controller is asked, and how TLS begins there. */
export interface LdapEndpoint {
  readonly host: string;
  readonly port: number;
  /** False: on a port of its own (LDAPS). */
  readonly startTls: boolean;
}

const ports = { 'ldaps:': 636, 'ldap:': 389 } as const;

/**
 * Reads `ldaps://host[:port]`, or `ldap://host[:port]` for StartTLS. Throws fatal `config`; without TLS a password would go over the
 * line in the clear.
 */
export function endpointOf(url: string, startTls: boolean): LdapEndpoint {
  const found = /^([a-z]+:)\/\/(\[[0-9a-f:.]+\]|[^:/?#@\s[\]]+)(?::(\d{1,5}))?\/?$/i.exec(url.trim());
  const scheme = found?.[1]?.toLowerCase() ?? '';
  const usual = ports[scheme as keyof typeof ports];
  const port = found?.[3] === undefined ? usual : Number(found[3]);
  const refuse = (why: string): FaultError =>
    new FaultError({ kind: 'fatal', code: 'config', detail: `the directory's address "${url.slice(0, 200)}" ${why}` });
  if (scheme === 'ldap:' && !startTls) throw refuse('is not protected: write ldaps://, or startTls: true beside it');
  if (found === null || usual === undefined || port === undefined || port < 1 || port > 65_535) {
    throw refuse('is not ldaps://HOST[:PORT], nor ldap://HOST[:PORT] with startTls');
  }
  return { host: (found[2] ?? '').replace(/^\[|\]$/g, '').toLowerCase(), port, startTls: scheme === 'ldap:' };
}

/** The same way of beginning TLS on another host, at the usual port. */
export const elsewhere = (like: LdapEndpoint, host: string): LdapEndpoint => ({
  ...like,
  host: host.toLowerCase(),
  port: like.startTls ? ports['ldap:'] : ports['ldaps:'],
});
export const peerName = ({ host, port }: LdapEndpoint): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** A connected socket whose server is verified. Throws FaultError: transient (network) or fatal `tls`. */
export async function openLdapSocket(
  endpoint: LdapEndpoint,
  policy: TlsPolicy,
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const { host, port, startTls } = endpoint;
  const peer = peerName(endpoint);
  const secure = {
    host,
    secureContext: secureContextOf(policy),
    rejectUnauthorized: true,
    // RFC 6066: no server name for an address.
    ...(net.isIP(host) ? {} : { servername: host }),
  };
  const address = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, autoSelectFamily: true };
  let open: net.Socket | null = null;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]);
  try {
    if (!startTls) return await settled((open = tls.connect({ ...address, ...secure })), 'secureConnect', limit);
    const plain = await settled((open = net.connect(address)), 'connect', limit);
    await askForTls(plain, limit);
    return await settled((open = tls.connect({ ...secure, socket: plain })), 'secureConnect', limit);
  } catch (error) {
    open?.on('error', () => {}).destroy();
    if (error instanceof FaultError) throw error;
    if (error instanceof MalformedAnswer) {
      throw new FaultError({
        kind: 'fatal',
        code: 'protocol',
        detail: `${peer}: ${error.message}; look at host and port`,
        cause: error,
      });
    }
    if (signal.aborted) throw new FaultError(abortFault(signal, peer, false));
    if (limit.aborted) {
      const detail = `${peer}: no connection within ${connectTimeoutMs} ms`;
      throw new FaultError({ kind: 'transient', detail, mayHaveHappened: false });
    }
    throw new FaultError(networkFault(error, peer, false));
  }
}

/** Waits for an event, or throws what came instead. */
function settled<S extends net.Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off('error', onError).off('close', onClose).off(event, onEvent);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onError = (error: Error) =>
      settle(() => reject(error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error));
    const onClose = () => settle(() => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
    const onAbort = () => settle(() => reject(signal.reason));
    const onEvent = () => settle(() => resolve(socket));
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    socket.on('error', onError).on('close', onClose).on(event, onEvent);
  });
}

const startTlsOid = '1.3.6.1.4.1.1466.20037';

/**
 * StartTLS ([RFC 4511] 4.14). Not left to a client of LDAP: what a plain connection brings behind the answer was put there by
 * somebody else and must never be taken for something that the verified server said.
 */
async function askForTls(socket: net.Socket, signal: AbortSignal): Promise<void> {
  socket.write(new ExtendedRequest({ messageId: 1, oid: startTlsOid }).write());
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    await settled(socket, 'readable', signal);
    const read = socket.read() as Buffer | null;
    if (read === null) continue;
    bytes = Buffer.concat([bytes, read]);
    const length = frameLength(bytes, 64 * 1024);
    if (length === null) continue;
    if (bytes.length > length) throw new MalformedAnswer('something was slipped in before TLS began');
    const answer = readAnswer(bytes);
    if (answer.kind !== 'done' || answer.result.code !== 0) {
      throw new FaultError({
        kind: 'fatal',
        code: 'tls',
        detail: `the controller refuses StartTLS (${answer.kind === 'done' ? answer.result.code : answer.kind}): it has no certificate, or none that it can use; give it one`,
      });
    }
    return;
  }
}
