import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';
import type { EdgeAnswer, EdgeConnection } from './exchange.ts';
import type { Handler } from './listen.ts';

export interface InProcessOptions {
  /** The front that answers at an origin, or null: no such host. */
  readonly find: (origin: string) => Handler | null;
  readonly clock: Clock;
  readonly nextConnectionId: () => number;
  /** Time that each request takes on the way, on the lab's clock. */
  readonly latencyMs: number;
}

/**
 * The lab as a Transport, for the simulation: no sockets, no TLS, the lab's clock. Whatever a socket would do — close, reset, cut an
 * answer — happens here as the connector's real transport would report it.
 */
export function inProcessTransport(options: InProcessOptions): Transport {
  return {
    async connect(asked, _tls, signal) {
      signal.throwIfAborted();
      // With or without the port that goes without saying, it is the same host.
      const origin = asked.replace(/^(https:.+):443$|^(http:.+):80$/, '$1$2');
      const handler = options.find(origin);
      if (!handler)
        throw new FaultError({ kind: 'transient', detail: `there is no host at ${origin}`, mayHaveHappened: false });
      const edge: EdgeConnection = {
        id: options.nextConnectionId(),
        origin,
        endPoint: null,
        challenge: null,
        signedIn: null,
      };
      return connection(handler, edge, options);
    },
  };
}

function connection(handler: Handler, edge: EdgeConnection, { clock, latencyMs }: InProcessOptions): Connection {
  const gone = new AbortController();
  let busy = false;
  const broken = (detail: string) => {
    gone.abort(new Error(detail));
    return new FaultError({ kind: 'transient', detail, mayHaveHappened: true });
  };
  return {
    channelBinding: null,
    get usable() {
      return !gone.signal.aborted;
    },
    close() {
      gone.abort(new Error('the client closed the connection'));
    },
    async request(request, signal) {
      if (gone.signal.aborted)
        throw new FaultError({ kind: 'transient', detail: 'the connection is closed', mayHaveHappened: false });
      if (busy) throw new Error('one request at a time on a connection: read the last answer to its end first');
      signal.throwIfAborted();
      busy = true;
      const either = AbortSignal.any([signal, gone.signal]);
      let given: EdgeAnswer | null = null;
      try {
        if (latencyMs > 0) await clock.sleep(latencyMs, either);
        given = await unlessAborted(
          handler(
            {
              method: request.method,
              path: request.path,
              headers: request.headers,
              body: bodyOf(request),
              signal: either,
            },
            edge,
          ),
          either,
        );
        if (given.ending === 'drop') throw broken('connection reset');
        return response(
          given,
          clock.nowMs(),
          either,
          () => {
            busy = false;
          },
          broken,
          () => gone.abort(new Error('the server closed the connection')),
        );
      } catch (error) {
        // Whatever went wrong, the connection is in the middle of something.
        if (!gone.signal.aborted) gone.abort(error);
        given?.done(false);
        throw error;
      }
    },
  };
}

function response(
  given: EdgeAnswer,
  nowMs: number,
  signal: AbortSignal,
  idle: () => void,
  broken: (detail: string) => FaultError,
  close: () => void,
): HttpResponse {
  async function* body(): AsyncGenerator<Uint8Array> {
    let complete = false;
    try {
      if (given.body instanceof Uint8Array) {
        const length = given.ending === 'cut' ? given.body.length >> 1 : given.body.length;
        if (length > 0) yield given.body.subarray(0, length);
      } else {
        const chunks = given.body[Symbol.asyncIterator]();
        try {
          for (;;) {
            const next = await unlessAborted(chunks.next(), signal);
            if (next.done) break;
            yield next.value;
            if (given.ending === 'cut') break;
          }
        } catch (error) {
          throw signal.aborted || error instanceof FaultError ? error : broken('connection reset');
        } finally {
          // Not awaited: a generator that waits for an event of its own ends when the signal tells it.
          void chunks.return?.()?.then(undefined, () => {});
        }
      }
      if (given.ending === 'cut') throw broken('connection reset in the middle of the answer');
      complete = true;
      if (given.ending === 'close') close();
      idle();
    } finally {
      // Given up before the end: what is still on its way makes the connection useless.
      if (!complete && !signal.aborted) close();
      given.done(complete);
    }
  }
  const generator = body();
  let started = false;
  const once: AsyncIterator<Uint8Array> & AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => once,
    next() {
      started = true;
      return generator.next();
    },
    async return() {
      // A generator that never began does not run its `finally`.
      if (!started) {
        close();
        given.done(false);
      }
      return generator.return(undefined);
    },
  };
  // As every server has it (RFC 9110 6.6.1); on sockets Node adds it.
  const date = new Date(nowMs).toUTCString();
  return { status: given.status, headers: { date, ...given.headers }, body: once };
}

async function* bodyOf(request: HttpRequest): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  if (request.body instanceof Uint8Array) yield request.body;
  else yield* request.body;
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
