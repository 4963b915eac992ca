/** The organization's front on real sockets: HTTP/1.1 over TCP and TLS, on the loopback and nowhere else. */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { AnyMethodSocket, methodHeader } from './any-method.ts';
import type { ServerCertificate } from './certificates.ts';
import type { EdgeAnswer, EdgeConnection, EdgeRequest } from './exchange.ts';

export interface ListenLimits {
  /** All headers of a request together. */
  readonly headerBytesMax: number;
  /** From the first byte of a request until its headers are complete: what a slow-loris client gets. */
  readonly headersMs: number;
  /** From the first byte of a request until its body is complete. */
  readonly requestMs: number;
  readonly keepAliveMs: number;
}

export const defaultListenLimits: ListenLimits = {
  headerBytesMax: 32 * 1024,
  headersMs: 10_000,
  requestMs: 300_000,
  keepAliveMs: 120_000,
};

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

export interface TlsSettings {
  readonly certificate: ServerCertificate;
  /** Versions that are spoken; below 1.2 only for tests of clients with a lower floor. */
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

export type Handler = (request: EdgeRequest, connection: EdgeConnection) => Promise<EdgeAnswer>;

export interface Listener {
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * @param tls null for plain HTTP.
 * @param port 0: any free one.
 * @param nextConnectionId shared by all listeners of a lab, so that an id names one connection.
 * @param anyMethod takes also the methods that Node's parser has no name for, as WebDAV of Exchange needs.
 */
export async function listen(
  handler: Handler,
  tls: TlsSettings | null,
  port: number,
  nextConnectionId: () => number,
  limits: ListenLimits = defaultListenLimits,
  anyMethod = false,
): Promise<Listener> {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.max(500, Math.min(5_000, limits.headersMs / 2)),
    noDelay: true,
  };
  let origin = '';
  const connections = new WeakMap<Socket, EdgeConnection>();
  const sockets = new Set<Socket>();
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const connection = connections.get(incoming.socket);
    if (connection) void answer(handler, incoming, outgoing, connection);
    else incoming.socket.destroy();
  };
  const tlsOptions = tls && {
    cert: tls.certificate.certPem,
    key: tls.certificate.keyPem,
    minVersion: tls.min,
    maxVersion: tls.max,
    // OpenSSL 3 has versions below 1.2 only at security level 0.
    ...(tls.min < 'TLSv1.2' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  };
  // With any method the connections are accepted here, and handed to a server that reads them through a rewriter.
  const http: Server =
    tlsOptions && !anyMethod
      ? createHttpsServer({ ...options, ...tlsOptions }, serve)
      : createHttpServer(options, serve);
  const server: TcpServer = !anyMethod
    ? http
    : tlsOptions
      ? createTlsServer(tlsOptions)
      : createTcpServer({ noDelay: true });
  const welcome = (socket: Socket | TLSSocket) => {
    connections.set(socket, {
      id: nextConnectionId(),
      origin,
      endPoint: tls?.certificate.endPoint ?? null,
      challenge: null,
      signedIn: null,
    });
  };
  const accept = (socket: Socket) => {
    if (!anyMethod) return welcome(socket);
    // It has of a socket what the server looks for.
    const read = new AnyMethodSocket(socket) as Duplex as Socket;
    welcome(read);
    http.emit('connection', read);
  };
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (!tls) accept(socket);
  });
  server.on('secureConnection', accept);
  server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  http.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable) return socket.destroy();
    const status = {
      HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
      ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
    }[error.code ?? ''];
    socket.end(`HTTP/1.1 ${status ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  origin = `${tls ? 'https' : 'http'}://127.0.0.1:${address.port}`;
  return {
    origin,
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  connection: EdgeConnection,
): Promise<void> {
  const gone = new AbortController();
  const { socket } = incoming;
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort(new Error('the client went away'));
  });
  let given: EdgeAnswer | null = null;
  let delivered = false;
  try {
    given = await handler(
      {
        method: incoming.headers[methodHeader]?.toString() ?? incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers: plainHeaders(incoming),
        body: incoming.iterator({ destroyOnReturn: false }),
        signal: gone.signal,
      },
      connection,
    );
    if (given.ending === 'drop') {
      reset(socket);
      return;
    }
    outgoing.writeHead(given.status, {
      ...given.headers,
      ...(given.ending === 'close' ? { connection: 'close' } : {}),
      ...lengthOf(given),
    } as Record<string, string>);
    if (incoming.method === 'HEAD') outgoing.end();
    else if (given.body instanceof Uint8Array) await sendBytes(given.body, given.ending === 'cut', outgoing);
    else await sendStream(given.body, given.ending === 'cut', outgoing);
    if (given.ending === 'cut') {
      reset(socket);
      return;
    }
    if (!outgoing.writableFinished && !outgoing.destroyed)
      await Promise.race([once(outgoing, 'finish'), once(outgoing, 'close')]);
    delivered = outgoing.writableFinished;
  } catch {
    // The client went away, an answer broke off on purpose, or the lab has a fault of its own: for the client all are a reset.
    if (!outgoing.headersSent && !gone.signal.aborted)
      outgoing.writeHead(500, { connection: 'close', 'content-length': '0' }).end();
    else reset(socket);
  } finally {
    given?.done(delivered);
    // What nobody read is read away, or the next request on the connection would wait behind it.
    if (!incoming.complete) incoming.resume();
  }
}

function plainHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function lengthOf(given: EdgeAnswer): Record<string, string> {
  return given.body instanceof Uint8Array && given.status !== 204
    ? { 'content-length': String(given.body.length) }
    : {};
}

async function sendBytes(body: Uint8Array, cut: boolean, outgoing: ServerResponse): Promise<void> {
  if (!cut) outgoing.end(body);
  else await written(outgoing, body.subarray(0, body.length >> 1));
}

async function sendStream(body: AsyncIterable<Uint8Array>, cut: boolean, outgoing: ServerResponse): Promise<void> {
  outgoing.flushHeaders();
  for await (const chunk of body) {
    if (cut) return written(outgoing, chunk.subarray(0, chunk.length >> 1));
    if (outgoing.destroyed) throw new Error('the client went away');
    if (!outgoing.write(chunk)) await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')]);
  }
  if (!cut) outgoing.end();
}

/** Resolves when the bytes have left for the kernel, so that the reset comes behind them. */
function written(outgoing: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => outgoing.write(bytes, () => setImmediate(resolve)));
}

/** A TCP reset; a TLS socket has no handle that could send one, so there the connection just ends. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
