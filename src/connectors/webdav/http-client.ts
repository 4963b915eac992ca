import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import { hostRule } from '../ews/http-client.ts';
import { type ConnectionPool, connectionPool, type Lease } from '../http/connection-pool.ts';
import { type Deadline, deadline } from '../http/deadline.ts';
import { requireEncryption, type SignIn } from '../sign-in/sign-in.ts';
import { type DavAnswer, type DavHttp, type DavRequest, headerIn } from './dav-http.ts';
import { wantsLogon } from './forms-sign-in.ts';

export interface DavHttpOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** `https://mail.contoso.com/exchange/`. */
  readonly endpoint: string;
  readonly tls: TlsPolicy;
  readonly signIn: SignIn;
  /** Hosts besides the endpoint's own to which a front end may send us: `host` or `*.domain`. */
  readonly redirectHosts?: readonly string[];
  /** `http://` is allowed to hosts of this machine only, unless this says otherwise. For the lab. */
  readonly allowPlain?: boolean;
  /** Whoever asks for more connections waits. */
  readonly connectionMax?: number;
  readonly userAgent?: string;
}

export interface DavHttpClient extends DavHttp {
  /** Closes idle connections now and the others as they come back. */
  close(): void;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const redirectMax = 5;
/** A connection that died while it was idle says so at its next use. That is no fault of the call, so another one is taken. */
const connectionAttemptMax = 3;
const routesMax = 10_000;

/** WebDAV over a transport. */
export function davHttp(options: DavHttpOptions): DavHttpClient {
  const home = new URL(options.endpoint);
  const allowed = hostRule([home.hostname, ...(options.redirectHosts ?? [])]);
  const pools = new Map<string, ConnectionPool>();
  /** Servers that mailboxes turned out to be on. */
  const routes = new Map<string, string>();
  let closed = false;
  requireEncryption(home, options.allowPlain ?? false);

  const poolOf = (url: URL): ConnectionPool => {
    const known = pools.get(url.origin);
    if (known) return known;
    const pool = connectionPool({
      transport: options.transport,
      origin: `${url.protocol}//${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`,
      tls: options.tls,
      clock: options.clock,
      connectionMax: options.connectionMax ?? 10,
    });
    pools.set(url.origin, pool);
    return pool;
  };

  const exchange = async (
    url: URL,
    request: DavRequest,
    call: Deadline,
  ): Promise<{ readonly response: HttpResponse; readonly lease: Lease }> => {
    const pool = poolOf(url);
    for (let attempt = 1; ; attempt++) {
      const lease = await pool.lease(call.signal);
      try {
        const response = await options.signIn.send(lease.connection, url, requestOf(url, request), call.signal);
        if (!call.passed) return { response, lease };
        throw new FaultError(lateFault(url.host, request.writes));
      } catch (error) {
        lease.discard();
        const fault = error instanceof FaultError ? error.fault : null;
        const stale =
          lease.used && fault?.kind === 'transient' && !fault.mayHaveHappened && !call.signal.aborted && !call.passed;
        if (!stale || attempt === connectionAttemptMax) throw error;
      }
    }
  };

  const requestOf = (url: URL, { method, headers, body }: DavRequest): HttpRequest => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const length = bytes === null ? 0 : bytes instanceof Uint8Array ? bytes.length : bytes.sizeBytes;
    return {
      method,
      path: url.pathname + url.search,
      headers: {
        host: url.host,
        // Exchange picks an interface by the name of the browser for GET and POST only; a plain name gets the plain one.
        'user-agent': options.userAgent ?? 'Causeway',
        ...(bytes === null && method === 'GET' ? {} : { 'content-length': String(length) }),
        ...(typeof body === 'string' ? { 'content-type': 'text/xml; charset=utf-8' } : {}),
        ...headers,
      },
      body: bytes === null || bytes instanceof Uint8Array ? bytes : bytes.stream,
    };
  };

  const follow = (from: URL, response: HttpResponse): URL => {
    const location = headerIn(response.headers, 'location');
    const to = location !== null && URL.canParse(location, from.href) ? new URL(location, from.href) : null;
    const refuse = (code: 'redirect' | 'protocol', detail: string) =>
      new FaultError({
        kind: 'fatal',
        code,
        detail: `${from.host} answers HTTP ${response.status}${to ? ` to ${to.origin}${to.pathname}` : ''}: ${detail}`,
      });
    if (wantsLogon(response))
      throw refuse('protocol', 'a log-on page stands in front of it: set signIn.method to forms');
    if (to === null) throw refuse('protocol', 'a redirect without a place to go; that is not Exchange');
    if (!allowed(to.hostname))
      throw refuse(
        'redirect',
        `sign-in is not sent to a host that the project file does not name. If ${to.hostname} belongs to the organization, add it to redirectHosts`,
      );
    if (to.protocol !== 'https:' && from.protocol === 'https:')
      throw refuse('redirect', 'it leads from https to http, which is never followed');
    requireEncryption(to, options.allowPlain ?? false);
    return to;
  };

  return {
    async send(request) {
      if (closed)
        throw new FaultError({
          kind: 'transient',
          detail: `${home.host}: the connector was closed`,
          mayHaveHappened: false,
        });
      const call = deadline(options.clock, request.context.signal, request.context.deadlineMs);
      const routeKey = request.mailbox.toLowerCase();
      let url = new URL(request.path, routes.get(routeKey) ?? home.origin);
      try {
        for (let hop = 0; hop <= redirectMax; hop++) {
          const { response, lease } = await exchange(url, request, call);
          if (!redirects.has(response.status)) return answerOf(response, lease, call);
          try {
            url = follow(url, response);
          } finally {
            await giveUp(response, lease);
          }
          if (routes.size >= routesMax) routes.clear();
          routes.set(routeKey, url.origin);
        }
        throw new FaultError({
          kind: 'fatal',
          code: 'redirect',
          detail: `${home.host} redirects more than ${redirectMax} times; the last address was ${url.origin}`,
        });
      } catch (error) {
        call.release();
        routes.delete(routeKey);
        throw error;
      }
    },
    close() {
      closed = true;
      for (const pool of pools.values()) pool.close();
    },
  };
}

/** Ends an answer that is not read. Small ones are taken in, so that the connection (and its sign-in) can be used again. */
async function giveUp(response: HttpResponse, lease: Lease): Promise<void> {
  let read = 0;
  try {
    for await (const chunk of response.body) {
      read += chunk.length;
      if (read > 64 * 1024) break;
    }
  } catch {
    read = Number.POSITIVE_INFINITY;
  }
  if (read > 64 * 1024) lease.discard();
  else lease.release();
}

const answerOf = ({ status, headers, body }: HttpResponse, lease: Lease, call: Deadline): DavAnswer => ({
  status,
  headers,
  body: new AnswerBody(body[Symbol.asyncIterator](), lease, call),
});

/** The body of an answer; its end frees the connection and the deadline. */
class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  readonly #inner: AsyncIterator<Uint8Array>;
  readonly #lease: Lease;
  readonly #call: Deadline;

  constructor(inner: AsyncIterator<Uint8Array>, lease: Lease, call: Deadline) {
    this.#inner = inner;
    this.#lease = lease;
    this.#call = call;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await this.#inner.next();
      if (result.done) {
        this.#lease.release();
        this.#call.release();
      }
      return result;
    } catch (error) {
      this.#lease.discard();
      this.#call.release();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#lease.discard();
    this.#call.release();
    await this.#inner.return?.();
    return { done: true, value: undefined };
  }
}

/** An answer that came after its time: whoever asked has given up, and may have asked again. */
const lateFault = (host: string, mayHaveHappened: boolean): Fault => ({
  kind: 'transient',
  detail: `${host}: the answer came after the deadline of the call`,
  mayHaveHappened,
});
