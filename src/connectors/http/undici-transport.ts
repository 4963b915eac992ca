import * as net from 'node:net';
import * as tls from 'node:tls';
import { Client, type Dispatcher } from 'undici';
import { AssertionFailure, assert } from '#kit/assert.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { Connection, HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import { tlsServerEndPoint } from './channel-binding.ts';
import { abortFault, connectTimeoutMs, headerBytesMax, networkFault } from './network-faults.ts';
import { secureContextOf } from './tls-context.ts';

export interface UndiciTransportOptions {
  /** From the first look at DNS to the end of the TLS handshake. */
  readonly connectTimeoutMs?: number;
  /** Longest silence before an answer begins and between two pieces of it; streams of notifications beat every minute. */
  readonly silenceMaxMs?: number;
  /** A connection that was idle for so long is closed; a shorter `Keep-Alive: timeout` of the server wins. IIS closes at 120 s. */
  readonly idleMaxMs?: number;
}

/** HTTP/1.1 over TCP or TLS, one request at a time on each connection. */
export function undiciTransport(options: UndiciTransportOptions = {}): Transport {
  const limitMs = options.connectTimeoutMs ?? connectTimeoutMs;
  return {
    async connect(origin, policy, signal) {
      const url = new URL(origin);
      assert(
        url.protocol === 'https:' || url.protocol === 'http:',
        `an origin is https://host:port or http://host:port, not ${url.protocol}`,
      );
      const socket = await openSocket(url, policy, signal, limitMs);
      return new UndiciConnection(url, socket, options);
    },
  };
}

/** A connected socket, verified when it is TLS. */
function openSocket(url: URL, policy: TlsPolicy, signal: AbortSignal, limitMs: number): Promise<net.Socket> {
  const peer = url.host;
  if (signal.aborted) return Promise.reject(new FaultError(abortFault(signal, peer, false)));
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  const address = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000, autoSelectFamily: true };
  const socket = secure
    ? tls.connect({
        ...address,
        secureContext: secureContextOf(policy),
        rejectUnauthorized: true,
        ALPNProtocols: ['http/1.1'],
        // RFC 6066: no server name for an address.
        ...(net.isIP(host) ? {} : { servername: host }),
      })
    : net.connect(address);
  return new Promise((resolve, reject) => {
    const settle = (error: FaultError | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket
        .off('error', onError)
        .off('close', onClose)
        .off(secure ? 'secureConnect' : 'connect', onConnected);
      if (error === null) resolve(socket);
      else {
        socket.on('error', () => {}).destroy();
        reject(error);
      }
    };
    const onAbort = () => settle(new FaultError(abortFault(signal, peer, false)));
    const onError = (error: Error) => settle(new FaultError(networkFault(firstOf(error), peer, false)));
    const onClose = () =>
      settle(
        new FaultError({
          kind: 'transient',
          detail: `${peer}: the connection was closed before it was open`,
          mayHaveHappened: false,
        }),
      );
    const onConnected = () => settle(null);
    const timer = setTimeout(() => {
      settle(
        new FaultError({
          kind: 'transient',
          detail: `${peer}: no connection within ${limitMs} ms`,
          mayHaveHappened: false,
        }),
      );
    }, limitMs);
    signal.addEventListener('abort', onAbort);
    socket
      .on('error', onError)
      .on('close', onClose)
      .on(secure ? 'secureConnect' : 'connect', onConnected);
  });
}

/** A name with several addresses fails with all their errors; the first one is as good as any. */
function firstOf(error: Error): unknown {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
}

class UndiciConnection implements Connection {
  readonly channelBinding: Buffer | null;
  readonly #peer: string;
  readonly #socket: net.Socket;
  readonly #client: Client;
  #busy = false;

  constructor(url: URL, socket: net.Socket, options: UndiciTransportOptions) {
    this.#peer = url.host;
    this.#socket = socket;
    const certificate = socket instanceof tls.TLSSocket ? socket.getPeerX509Certificate() : undefined;
    this.channelBinding = certificate === undefined ? null : tlsServerEndPoint(certificate.raw);
    // Until undici listens: a reset of an idle connection must not end the process. `destroyed` tells the rest.
    socket.on('error', () => {});
    const silenceMaxMs = options.silenceMaxMs ?? 300_000;
    let handed = false;
    this.#client = new Client(url.origin, {
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: headerBytesMax,
      headersTimeout: silenceMaxMs,
      bodyTimeout: silenceMaxMs,
      keepAliveTimeout: options.idleMaxMs ?? 90_000,
      keepAliveMaxTimeout: options.idleMaxMs ?? 90_000,
      connect: (_where, done) => {
        // undici opens a second connection when the first is gone. Whoever signed in on the first must know, so there is none.
        const gone = handed || socket.destroyed;
        handed = true;
        // Not at once: undici does not go on when it is answered while it asks.
        queueMicrotask(() => (gone ? done(new FaultError(closedAlready(url.host)), null) : done(null, socket)));
      },
    });
  }

  get usable(): boolean {
    return !this.#socket.destroyed && !this.#client.destroyed;
  }

  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    assert(!this.#busy, 'a connection carries one request at a time; the answer before was not read to its end');
    if (signal.aborted) return Promise.reject(new FaultError(abortFault(signal, this.#peer, false)));
    if (!this.usable) {
      return Promise.reject(new FaultError(closedAlready(this.#peer)));
    }
    this.#busy = true;
    const exchange = new Exchange(this.#peer, request, signal, () => {
      this.#busy = false;
    });
    this.#client.dispatch(
      {
        path: request.path,
        // The type knows the methods of RFC 9110 only; undici sends any token (SEARCH, PROPFIND, …).
        method: request.method as Dispatcher.HttpMethod,
        headers: request.headers,
        // …and it takes async iterables, which its type leaves out.
        body: exchange.body as Buffer | null,
      },
      exchange,
    );
    return exchange.response;
  }

  close(): void {
    this.#client.destroy().catch(() => {});
    this.#socket.destroy();
  }
}

const closedAlready = (peer: string): Fault => ({
  kind: 'transient',
  detail: `${peer}: the connection was closed already`,
  mayHaveHappened: false,
});

/** How much of an answer is held for a reader who is slower than the network. */
const heldBytesMax = 256 * 1024;

/** One request and its answer. Listens to undici; is the body of the answer at the same time. */
class Exchange implements Dispatcher.DispatchHandler, AsyncIterableIterator<Uint8Array> {
  readonly response: Promise<HttpResponse>;
  /** What undici sends. */
  readonly body: Buffer | AsyncIterable<Uint8Array> | null;
  readonly #peer: string;
  readonly #signal: AbortSignal;
  readonly #onDone: () => void;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | null = null;
  #resolve: (response: HttpResponse) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  /** The last byte of the request may have left. Before it has, no server carries the request out. */
  #sent = false;
  #answered = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #ended = false;
  #error: unknown = null;
  #waiting: {
    readonly resolve: (result: IteratorResult<Uint8Array>) => void;
    readonly reject: (error: unknown) => void;
  } | null = null;

  constructor(peer: string, request: HttpRequest, signal: AbortSignal, onDone: () => void) {
    this.#peer = peer;
    this.#signal = signal;
    this.#onDone = onDone;
    this.#onAbort = () => this.#giveUp(new FaultError(abortFault(this.#signal, this.#peer, this.#sent)));
    const { body } = request;
    if (body === null || body instanceof Uint8Array)
      this.body = body === null ? null : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    else {
      const length = Number(request.headers['content-length']);
      assert(Number.isSafeInteger(length) && length >= 0, 'a streamed body needs content-length');
      this.body = this.#watched(body, length);
    }
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', this.#onAbort);
  }

  async *#watched(body: AsyncIterable<Uint8Array>, length: number): AsyncIterable<Uint8Array> {
    let rest = length;
    for await (const chunk of body) {
      rest -= chunk.length;
      if (rest < 0) throw new AssertionFailure('a streamed body is longer than its content-length');
      if (rest === 0) this.#sent = true;
      yield chunk;
    }
    if (rest > 0) throw new AssertionFailure('a streamed body is shorter than its content-length');
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#error !== null) controller.abort(asError(this.#error));
    else if (this.body === null || Buffer.isBuffer(this.body)) this.#sent = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[]>,
  ): void {
    // 100 and 103 are announcements; the answer follows.
    if (status < 200) return;
    this.#answered = true;
    this.#resolve({ status, headers, body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#waiting) {
      const { resolve } = this.#waiting;
      this.#waiting = null;
      resolve({ done: false, value: chunk });
      return;
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > heldBytesMax) controller.pause();
  }

  onResponseEnd(): void {
    this.#finish();
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#error ?? (error instanceof AssertionFailure ? error : this.#explain(error)));
  }

  #explain(error: Error): Error {
    const code = (error as { code?: unknown }).code;
    if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
      return new AssertionFailure(`a request that cannot be sent: ${error.message}`);
    }
    const fault = networkFault(error, this.#peer, this.#sent);
    // The stream that feeds a body failed, not the line: it knows better what that means.
    if (error instanceof FaultError) return fault === error.fault ? error : new FaultError(fault);
    return new FaultError(fault);
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#finish();
    this.#held = [];
    if (!this.#answered) this.#reject(error);
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  /** We stop it. The connection cannot be used any more: the rest of the answer may still come. */
  #giveUp(error: unknown): void {
    if (this.#ended) return;
    this.#error = error;
    if (this.#controller) this.#controller.abort(asError(error));
    if (!this.#ended) this.#fail(error);
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#onDone();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#held.shift();
    if (chunk) {
      this.#heldBytes -= chunk.length;
      if (this.#heldBytes <= heldBytesMax / 2 && !this.#ended) this.#controller?.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    assert(this.#waiting === null, 'the body of an answer has one reader');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#giveUp(
      new FaultError({
        kind: 'transient',
        detail: `${this.#peer}: the answer was not wanted any more`,
        mayHaveHappened: true,
      }),
    );
    this.#held = [];
    this.#heldBytes = 0;
    return Promise.resolve({ done: true, value: undefined });
  }
}

const asError = (value: unknown): Error => (value instanceof Error ? value : new Error(String(value)));
