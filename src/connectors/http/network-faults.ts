import { type Fault, FaultError } from '#kit/fault.ts';

/** What went wrong below HTTP, in words for the person who runs the migration. */

/** Codes of a refused certificate (OpenSSL's X509_V_ERR_…, as Node names them), each with what failed and what to do about it. */
const certificateProblems: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it on the server, and compare the clocks',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: compare the clock of this machine with the server’s',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself: put that certificate (PEM) under tls.ca of the organization, or give the server one from an authority',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its chain ends in an authority that is not trusted here: put the root certificate of that authority (PEM) under tls.ca of the organization',
  UNABLE_TO_GET_ISSUER_CERT:
    'the certificate of the authority that issued it is missing: put it (PEM) under tls.ca of the organization',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the authority that issued its certificate is not known here: put the authority’s certificate (PEM) under tls.ca of the organization',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the authority that issued its certificate is not known here, or the server does not send its intermediate certificate: put the missing one (PEM) under tls.ca of the organization',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name: use the name that the certificate carries, or give the server a certificate with this one',
  HOSTNAME_MISMATCH:
    'its certificate is for another name: use the name that the certificate carries, or give the server a certificate with this one',
  CERT_REVOKED: 'its certificate was revoked: renew it on the server',
  CERT_REJECTED: 'its certificate is rejected for this use: renew it on the server',
  CERT_UNTRUSTED:
    'its certificate is not trusted: put the authority’s certificate (PEM) under tls.ca of the organization',
  CERT_SIGNATURE_FAILURE:
    'the signature of its certificate is wrong: renew it on the server, and look for a proxy in between that replaces certificates',
  CERT_CHAIN_TOO_LONG: 'its chain of certificates is too long',
  INVALID_CA:
    'a certificate in its chain may not issue others: the file under tls.ca must hold an authority, not another server’s certificate',
  INVALID_PURPOSE: 'its certificate may not be used for a server',
  PATH_LENGTH_EXCEEDED: 'an authority in its chain issued more than it may',
  CA_KEY_TOO_SMALL: 'an authority in its chain has a key that is too short for today',
  CA_MD_TOO_WEAK: 'its chain is signed with a hash that is too weak for today (SHA-1 or MD5): renew the certificate',
  EE_KEY_TOO_SMALL: 'its key is too short for today: renew the certificate',
};

/** Problems of the handshake itself, by fragments of OpenSSL's codes. */
const handshakeProblems: readonly (readonly [RegExp, string])[] = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    'it does not speak TLS on this port: look at the port and at https or http in the address',
  ],
  [
    /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW|NO_PROTOCOLS_AVAILABLE/,
    'it offers no TLS version that is allowed: for an old server set tls.min of the organization (1.0 or 1.1), or put a relay in front of it',
  ],
  [
    /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_CIPHERS/,
    'it shares no cipher with us: for an old server set tls.min of the organization (1.0 or 1.1); one with nothing but RC4 or 3DES needs a relay',
  ],
  [
    /DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|KEY_TOO_SMALL|LEGACY_SIGALG|MD_TOO_WEAK|WRONG_SIGNATURE_TYPE|LEGACY_RENEGOTIATION/,
    'it uses keys or hashes that are too weak for today: for an old server set tls.min of the organization (1.0 or 1.1)',
  ],
  [
    /CERTIFICATE_REQUIRED/,
    'it wants a client certificate, which Causeway does not send: switch that off for the EWS directory',
  ],
  [/ALERT_UNKNOWN_CA|ALERT_BAD_CERTIFICATE|ALERT_CERTIFICATE/, 'it refused the handshake because of a certificate'],
  [/ALERT_UNRECOGNIZED_NAME/, 'it does not know the name we asked for: look at the host name in the address'],
];

const codeOf = (error: unknown): string => {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? (error as { code: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
};

/** The fault, when the error is about TLS; otherwise null. */
function tlsFault(error: unknown, peer: string): Fault | null {
  const code = codeOf(error);
  const certificate = certificateProblems[code];
  if (certificate !== undefined) {
    return {
      kind: 'fatal',
      code: 'tls',
      detail: `${peer} was refused: ${certificate} (check ${code}; verification cannot be switched off)`,
      cause: error,
    };
  }
  if (!code.startsWith('ERR_SSL_') && !code.startsWith('ERR_TLS_') && code !== 'EPROTO') return null;
  const words = `${code} ${error instanceof Error ? error.message.toUpperCase().replaceAll(' ', '_') : ''}`;
  const known = handshakeProblems.find(([pattern]) => pattern.test(words));
  // A broken record in the middle of a stream is a fault of the line; only what is known to last is final.
  if (!known) return null;
  return { kind: 'fatal', code: 'tls', detail: `${peer}: ${known[1]} (${code})`, cause: error };
}

const networkProblems: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name is not in DNS',
  EAI_AGAIN: 'the name server does not answer',
  EAI_FAIL: 'the name server failed',
  EAI_NODATA: 'the name has no address',
  ECONNREFUSED: 'nothing listens at this address and port, or a firewall refuses',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed by the other side',
  ECONNABORTED: 'the connection was aborted',
  ETIMEDOUT: 'no answer from the network in time: a firewall may swallow the packets',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EHOSTDOWN: 'the host is down',
  UND_ERR_SOCKET: 'the connection was closed by the other side',
  UND_ERR_CLOSED: 'the connection was closed already',
  UND_ERR_DESTROYED: 'the connection was closed already',
  UND_ERR_HEADERS_TIMEOUT: 'no answer began in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped in the middle',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than it said',
};

/**
 * The fault of an error from the network.
 *
 * @param mayHaveHappened Whether the last byte of a request may have left before it.
 */
export function networkFault(error: unknown, peer: string, mayHaveHappened: boolean): Fault {
  if (error instanceof FaultError) return error.fault;
  const tls = tlsFault(error, peer);
  if (tls) return tls;
  const code = codeOf(error) || codeOf((error as { cause?: unknown } | null)?.cause);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return {
      kind: 'fatal',
      code: 'protocol',
      detail: `${peer} sends headers over the limit of ${headerBytesMax} bytes; that is not an Exchange server`,
      cause: error,
    };
  }
  const words =
    networkProblems[code] ??
    ((error instanceof Error && error.name === 'HTTPParserError') || code.startsWith('HPE_')
      ? 'what came back is not HTTP'
      : 'the connection failed');
  return { kind: 'transient', detail: `${peer}: ${words}${code ? ` (${code})` : ''}`, mayHaveHappened, cause: error };
}

/** Names resolved and a connection open; a busy server far away needs a few seconds. */
export const connectTimeoutMs = 30_000;
/** Sum of the header lines of one answer. Exchange sends 2 to 4 kB. */
export const headerBytesMax = 64 * 1024;

/** Reason of an abort because the time of a call is over. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
  constructor() {
    super('the deadline of the call has passed');
  }
}

/** The fault of a request that we gave up ourselves. Whoever aborted knows why; the fault keeps the reason as its cause. */
export function abortFault(signal: AbortSignal, peer: string, mayHaveHappened: boolean): Fault {
  const why =
    signal.reason instanceof DeadlinePassed
      ? 'no complete answer before the deadline of the call'
      : 'given up: the work was stopped';
  return { kind: 'transient', detail: `${peer}: ${why}`, mayHaveHappened, cause: signal.reason };
}
