import type { HttpResponse } from '#kit/transport.ts';
import type { Context } from '../contract.ts';

/**
 * The seam between SOAP and HTTP. Above it: envelopes, operations and what they mean. Below it: how a POST gets to the right
 * server as the right user.
 *
 * An implementation signs in, leases connections, follows the redirects that the project file allows, and sends and keeps
 * what routes a caller to its mailbox server (`X-AnchorMailbox`, affinity cookies). It throws `FaultError`
 * - `transient` for the network and for 5xx without SOAP, with `mayHaveHappened` once the last byte of a request may have left;
 * - `throttled` for HTTP 503 (Retry-After, or its own minimum);
 * - `fatal` for sign-in (401), `ews-off` (403), `redirect`, `tls`, and `protocol` when what answers is no SOAP (a login page).
 *
 * It hands on HTTP 200 and HTTP 500 with an XML body: SOAP faults travel in the latter.
 */
export interface EwsHttp {
  post(request: EwsPost): Promise<EwsAnswer>;
}

export interface EwsPost {
  /** A whole SOAP envelope in UTF-8. */
  readonly body: Uint8Array | EwsStream;
  /** Primary SMTP address of the mailbox that the request is about; null when it is about none. */
  readonly anchorMailbox: string | null;
  /** SOAP body element without `Request`, as `GetItem`: for logs and meters. */
  readonly operation: string;
  /** The call ends, requests included, when it says so; then the fault is transient. */
  readonly context: Context;
}

/** A body too large to be held. */
export interface EwsStream {
  /** May be iterated again, from its beginning: after a challenge or a redirect the request is sent once more. */
  readonly stream: AsyncIterable<Uint8Array>;
  readonly sizeBytes: number;
}

export interface EwsAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: HttpResponse['headers'];
  /** Must be read to its end or given up by `return()`: the connection is not free before. Throws `FaultError` when it breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}
