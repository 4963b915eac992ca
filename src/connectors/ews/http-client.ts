import { createGunzip } from 'node:zlib';
import type { Clock } from '#kit/clock.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import { type ConnectionPool, connectionPool, type Lease } from '../http/connection-pool.ts';
import { type Deadline, deadline } from '../http/deadline.ts';
import { requireEncryption, type SignIn } from '../sign-in/sign-in.ts';
import type { EwsAnswer, EwsHttp, EwsPost } from './ews-http.ts';
import { affinityJar } from './http-cookies.ts';
import { statusFault } from './http-status.ts';

export interface EwsHttpOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** `https://mail.contoso.com/EWS/Exchange.asmx`. */
  readonly endpoint: string;
  readonly tls: TlsPolicy;
  readonly signIn: SignIn;
  /** Hosts besides the endpoint's own to which the server may send us: `host` or `*.domain`. */
  readonly redirectHosts?: readonly string[];
  /** `http://` is allowed to hosts of this machine only, unless this says otherwise. For the lab. */
  readonly allowPlain?: boolean;
  /** Connections for ordinary requests. Whoever asks for more waits. */
  readonly connectionMax?: number;
  /**
   * Connections that hang open for notifications, one for each group of mailboxes. Exchange allows a caller 3 (2013) or 10 (2016 and
   * later) and counts them for the mailbox that is impersonated, so for each group by itself; it says so when there are too many.
   */
  readonly hangingMax?: number;
  /** Ask for gzip; default true. Notifications never are. */
  readonly compress?: boolean;
  readonly userAgent?: string;
}

export interface EwsHttpClient extends EwsHttp {
  /** Closes idle connections now and the others as they come back. */
  close(): void;
}

/** Operations about notifications belong to one mailbox server per group (EWSDOC how-to-maintain-affinity…). */
const eventOperations: ReadonlySet<string> = new Set(['Subscribe', 'Unsubscribe', 'GetEvents', 'GetStreamingEvents']);

/** As many groups of 200 mailboxes one process ever watches: who waits for a connection would watch nothing and nobody would know. */
const hangingMaxDefault = 500;
const redirectMax = 5;
/** A connection that died while it was idle says so at its next use. That is no fault of the call, so another one is taken. */
const connectionAttemptMax = 3;
const routesMax = 10_000;

/** EWS over a transport. */
export function ewsHttp(options: EwsHttpOptions): EwsHttpClient {
  const home = new URL(options.endpoint);
  const allowed = hostRule([home.hostname, ...(options.redirectHosts ?? [])]);
  const pools = new Map<string, ConnectionPool>();
  const jar = affinityJar(options.clock);
  /** Where the server sent us, by mailbox, so that a body is not sent to the wrong place every time. */
  const routes = new Map<string, URL>();
  let closed = false;
  /** An endpoint that has worked is not suddenly missing: then 404 means that a filter refused the length (IIS 404.13). */
  let proven = false;
  requireEncryption(home, options.allowPlain ?? false);

  const poolOf = (url: URL, hanging: boolean): ConnectionPool => {
    const key = `${hanging ? 'hanging ' : ''}${url.origin}`;
    const known = pools.get(key);
    if (known) return known;
    const pool = connectionPool({
      transport: options.transport,
      origin: originOf(url),
      tls: options.tls,
      clock: options.clock,
      connectionMax: hanging ? (options.hangingMax ?? hangingMaxDefault) : (options.connectionMax ?? 10),
    });
    pools.set(key, pool);
    return pool;
  };

  /** One request on one connection, a dead connection aside. */
  const exchange = async (
    url: URL,
    post: EwsPost,
    call: Deadline,
  ): Promise<{ readonly response: HttpResponse; readonly lease: Lease }> => {
    const pool = poolOf(url, post.operation === 'GetStreamingEvents');
    for (let attempt = 1; ; attempt++) {
      const lease = await pool.lease(call.signal);
      try {
        const response = await options.signIn.send(lease.connection, url, requestOf(url, post), call.signal);
        if (!call.passed) return { response, lease };
        throw new FaultError(lateFault(url.host));
      } catch (error) {
        lease.discard();
        const fault = error instanceof FaultError ? error.fault : null;
        const stale = lease.used && fault?.kind === 'transient' && !fault.mayHaveHappened && !call.signal.aborted;
        if (!stale || attempt === connectionAttemptMax) throw error;
      }
    }
  };

  const requestOf = (url: URL, post: EwsPost): HttpRequest => {
    const { body, anchorMailbox, operation } = post;
    const events = eventOperations.has(operation);
    const cookies = jar.header(url.hostname, cookieKey(post));
    return {
      method: 'POST',
      path: url.pathname + url.search,
      headers: {
        host: url.host,
        'content-type': 'text/xml; charset=utf-8',
        'content-length': String(body instanceof Uint8Array ? body.length : body.sizeBytes),
        accept: 'text/xml',
        'accept-encoding': (options.compress ?? true) && !events ? 'gzip' : 'identity',
        'user-agent': options.userAgent ?? 'Causeway',
        'client-request-id': uuid(options.random),
        'return-client-request-id': 'true',
        ...(anchorMailbox === null ? {} : { 'x-anchormailbox': anchorMailbox }),
        ...(events ? { 'x-preferserveraffinity': 'true' } : {}),
        ...(cookies === null ? {} : { cookie: cookies }),
      },
      body: body instanceof Uint8Array ? body : body.stream,
    };
  };

  const follow = (from: URL, response: HttpResponse): URL => {
    const location = headerOf(response, 'location') ?? headerOf(response, 'x-ms-location');
    const to = location !== null && URL.canParse(location, from.href) ? new URL(location, from.href) : null;
    const refuse = (code: 'redirect' | 'protocol', detail: string) =>
      new FaultError({
        kind: 'fatal',
        code,
        detail: `${from.host} answers HTTP ${response.status}${to ? ` to ${to.origin}${to.pathname}` : ''}: ${detail}`,
      });
    if (to === null)
      throw refuse(
        'protocol',
        'a redirect without a place to go; that is not Exchange, look at what stands in front of it',
      );
    if (!to.pathname.toLowerCase().endsWith('.asmx')) {
      throw refuse(
        'protocol',
        'that is a login page, not EWS. Forms or pre-authentication stand in front of it: give the address that leads straight to Exchange, with Basic, NTLM or OAuth',
      );
    }
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
    async post(request) {
      if (closed)
        throw new FaultError({
          kind: 'transient',
          detail: `${home.host}: the connector was closed`,
          mayHaveHappened: false,
        });
      const call = deadline(options.clock, request.context.signal, request.context.deadlineMs);
      const routeKey = request.anchorMailbox?.toLowerCase() ?? '';
      const known = routes.get(routeKey);
      let url = known ?? home;
      try {
        for (let hop = 0; hop <= redirectMax; hop++) {
          const { response, lease } = await exchange(url, request, call);
          try {
            jar.store(url.hostname, cookieKey(request), response.headers['set-cookie']);
            if (response.status === 200 || response.status === 500) {
              const answer = await soapAnswer(response, url, lease, call);
              proven = true;
              if (url !== home && url !== known) {
                if (routes.size >= routesMax) routes.clear();
                routes.set(routeKey, url);
              }
              return answer;
            }
            if (redirects.has(response.status)) {
              url = follow(url, response);
              await giveUp(response, lease);
              continue;
            }
            throw new FaultError(
              statusFault(response, {
                host: url.host,
                operation: request.operation,
                mailbox: request.anchorMailbox,
                bodyBytes: request.body instanceof Uint8Array ? request.body.length : request.body.sizeBytes,
                proven,
                nowMs: options.clock.nowMs(),
              }),
            );
          } catch (error) {
            await giveUp(response, lease);
            throw error;
          }
        }
        throw new FaultError({
          kind: 'fatal',
          code: 'redirect',
          detail: `${home.host} redirects more than ${redirectMax} times; the last address was ${url.origin}${url.pathname}. Give signIn the address that answers`,
        });
      } catch (error) {
        call.release();
        if (known) routes.delete(routeKey);
        throw error;
      }
    },
    close() {
      closed = true;
      for (const pool of pools.values()) pool.close();
    },
  };
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 451]);

/** Cookies of ordinary requests and of notifications route differently, even for one mailbox. */
function cookieKey(post: EwsPost): string {
  return `${eventOperations.has(post.operation) ? 'events' : 'calls'} ${post.anchorMailbox?.toLowerCase() ?? ''}`;
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
    // It broke off: the same as not reading it.
  }
  if (read > 64 * 1024) lease.discard();
  else lease.release();
}

/** A person's page or no answer at all is not handed on: whoever reads SOAP could only say that it is broken XML. */
async function soapAnswer(response: HttpResponse, url: URL, lease: Lease, call: Deadline): Promise<EwsAnswer> {
  const type = headerOf(response, 'content-type')?.toLowerCase() ?? '';
  const encoding = headerOf(response, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: `${url.host} answers in the coding ${encoding}, which was not asked for`,
    });
  }
  const plain = encoding === 'gzip' ? gunzip(response.body, url.host) : response.body;
  const body = plain[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array>;
  try {
    do first = await body.next();
    while (!first.done && first.value.length === 0);
  } catch (error) {
    lease.discard();
    throw error;
  }
  const start = first.done
    ? ''
    : Buffer.from(first.value.subarray(0, 200))
        .toString('latin1')
        .replace(/^\xef\xbb\xbf/, '')
        .trimStart()
        .toLowerCase();
  if (
    /^<(?:!doctype\s+html|html|head|body)/.test(start) ||
    (type.includes('html') && !start.startsWith('<?xml') && !/^<\w+:envelope/.test(start))
  ) {
    if (response.status === 500)
      throw new FaultError({
        kind: 'transient',
        detail: `${url.host} answers HTTP 500 with a page for people instead of SOAP`,
        mayHaveHappened: true,
      });
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: `${url.host}${url.pathname} answers with a web page instead of SOAP. Usually that is a login page of a reverse proxy or of forms-based authentication: give the address that leads straight to Exchange`,
    });
  }
  if (start === '')
    throw new FaultError({
      kind: 'transient',
      detail: `${url.host} answers HTTP ${response.status} with nothing in it`,
      mayHaveHappened: true,
    });
  if (!start.startsWith('<')) {
    throw new FaultError(
      response.status === 500
        ? { kind: 'transient', detail: `${url.host} answers HTTP 500 without SOAP`, mayHaveHappened: true }
        : {
            kind: 'fatal',
            code: 'protocol',
            detail: `${url.host}${url.pathname} does not answer in XML: that is not EWS`,
          },
    );
  }
  return { status: response.status, headers: response.headers, body: new AnswerBody(first, body, lease, call) };
}

/** The body of an answer; its end frees the connection and the deadline. */
class AnswerBody implements AsyncIterableIterator<Uint8Array> {
  #first: IteratorResult<Uint8Array> | null;
  readonly #rest: AsyncIterator<Uint8Array>;
  readonly #lease: Lease;
  readonly #call: Deadline;

  constructor(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>, lease: Lease, call: Deadline) {
    this.#first = first;
    this.#rest = rest;
    this.#lease = lease;
    this.#call = call;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#first) {
      const first = this.#first;
      this.#first = null;
      return first;
    }
    try {
      const result = await this.#rest.next();
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
    await this.#rest.return?.();
    return { done: true, value: undefined };
  }
}

/** Unpacks as it comes. How much a reader takes is bounded by the reader. */
async function* gunzip(packed: AsyncIterable<Uint8Array>, host: string): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip();
  let broken: unknown = null;
  const feed = (async () => {
    try {
      for await (const chunk of packed) {
        if (unpacker.destroyed) return;
        if (!unpacker.write(chunk))
          await new Promise<void>((resolve) => unpacker.once('drain', resolve).once('close', resolve));
      }
      unpacker.end();
    } catch (error) {
      broken = error;
      unpacker.destroy();
    }
  })();
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
    await feed;
    if (broken !== null) throw broken;
  } catch (error) {
    if (broken !== null) throw broken;
    if (error instanceof FaultError) throw error;
    throw new FaultError({
      kind: 'transient',
      detail: `${host}: the packed answer is damaged`,
      mayHaveHappened: true,
      cause: error,
    });
  } finally {
    unpacker.destroy();
  }
}

/** First value of a header. */
function headerOf(response: HttpResponse, name: string): string | null {
  const value = response.headers[name];
  return value === undefined ? null : typeof value === 'string' ? value : (value[0] ?? null);
}

/** An answer that came after its time: whoever asked has given up, and may have asked again. */
const lateFault = (host: string): Fault => ({
  kind: 'transient',
  detail: `${host}: the answer came after the deadline of the call`,
  mayHaveHappened: true,
});

function originOf(url: URL): string {
  return `${url.protocol}//${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
}

/** Whether a host is one of `host` or `*.domain`. */
export function hostRule(patterns: readonly string[]): (host: string) => boolean {
  const exact = new Set<string>();
  const suffixes: string[] = [];
  for (const pattern of patterns.map((text) => text.toLowerCase())) {
    if (pattern.startsWith('*.')) suffixes.push(pattern.slice(1));
    else exact.add(pattern);
  }
  return (host) => {
    const name = host.toLowerCase();
    return exact.has(name) || suffixes.some((suffix) => name.endsWith(suffix) && name.length > suffix.length);
  };
}

function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
