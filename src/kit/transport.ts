/**
 * HTTP as the connectors see it. The real one speaks HTTP/1.1 over TCP or TLS; the simulation's calls the lab's handler in
 * the same process. A *connection* is part of the contract because NTLM authenticates connections, not requests.
 */
export interface HttpRequest {
  readonly method:
    | 'GET'
    | 'POST'
    | 'PUT'
    | 'DELETE'
    | 'SEARCH'
    | 'PROPFIND'
    | 'PROPPATCH'
    | 'MKCOL'
    | 'MOVE'
    | 'SUBSCRIBE'
    | 'UNSUBSCRIBE'
    | 'POLL'
    | 'BPROPFIND'
    | 'X-MS-ENUMATTS'
    | 'PATCH';
  /** Path with query, below the connection's origin. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** A stream needs `content-length` among the headers. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; a header that occurred several times is an array. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Must be read to its end or given up by `return()`, before the connection can be used again. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface TlsPolicy {
  /** PEM texts trusted besides the system's store. Verification itself cannot be switched off. */
  readonly ca: readonly string[];
  /** Lowest protocol version accepted; below 1.2 only for an organization that says so in the project file. */
  readonly min: '1.0' | '1.1' | '1.2' | '1.3';
}

/** One connection; one request at a time. */
export interface Connection {
  /** RFC 5929 `tls-server-end-point` hash of the server's certificate; null without TLS. */
  readonly channelBinding: Buffer | null;
  /** False once the peer or an error closed it. */
  readonly usable: boolean;
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  close(): void;
}

export interface Transport {
  /** @param origin `https://host:port` or `http://host:port`. Throws FaultError: transient (network) or fatal `tls`. */
  connect(origin: string, tls: TlsPolicy, signal: AbortSignal): Promise<Connection>;
}
