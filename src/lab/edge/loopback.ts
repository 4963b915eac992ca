/** Protocols that are no HTTP, on the loopback and nowhere else: TLS from the first byte, or plain until the client starts it. */
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { TlsSettings } from './listen.ts';

export interface LoopbackListener {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface LoopbackOptions {
  /** Of its URL. */
  readonly scheme: string;
  /** Whether TLS begins with the first byte. */
  readonly isSecure: boolean;
  readonly tls: TlsSettings;
  /** Further ones are hung up on. */
  readonly connectionsMax: number;
  /** @param startTls makes the connection, on which nothing is being read any more, one over TLS. */
  serve(socket: Socket, startTls: (plain: Socket) => Socket): void;
}

/** @param port 0: any free one. */
export async function listenOnLoopback(
  { scheme, isSecure, tls, connectionsMax, serve }: LoopbackOptions,
  port: number,
): Promise<LoopbackListener> {
  const secure = {
    cert: tls.certificate.certPem,
    key: tls.certificate.keyPem,
    minVersion: tls.min,
    maxVersion: tls.max,
  };
  const startTls = (plain: Socket): TLSSocket =>
    new TLSSocket(plain, { isServer: true, secureContext: createSecureContext(secure) });
  const sockets = new Set<Socket>();
  const server: TcpServer = isSecure
    ? createTlsServer({ ...secure, noDelay: true })
    : createTcpServer({ noDelay: true });
  server.on('connection', (socket: Socket) => {
    if (sockets.size >= connectionsMax) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on(isSecure ? 'secureConnection' : 'connection', (socket: Socket) => serve(socket, startTls));
  server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${address.port}`,
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
