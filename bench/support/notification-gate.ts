import { mkdtempSync, rmSync } from 'node:fs';
import { request as ask, createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, writeAuthority } from '#lab/edge/certificates.ts';

/** What stands between a service and those that it notifies: ends TLS, and hands on what comes for `/PORT` to that port of this machine. */
export interface NotificationGate {
  /** As the project file wants it. */
  readonly url: string;
  readonly listen: string;
  /** PEM file of the authority that its certificate is of. */
  readonly ca: string;
  /** Requests that went through so far. */
  readonly passed: number;
  close(): Promise<void>;
}

export async function openNotificationGate(): Promise<NotificationGate> {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-bench-'));
  const authority = await createAuthority(Date.now());
  const ca = writeAuthority(authority, directory);
  const { certPem, keyPem } = await authority.issue(['localhost']);
  let passed = 0;
  const gate = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const [, port = '', path = ''] = /^\/(\d{1,5})\/?(.*)$/.exec(request.url ?? '') ?? [];
    passed++;
    const inner = ask(
      { host: '127.0.0.1', port: Number(port), path: `/${path}`, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    inner.once('error', () => response.writeHead(502).end());
    request.pipe(inner);
  });
  await listening(gate);
  // The first of the ports that processes take: one that was free a moment ago.
  const probe = createHttpServer();
  await listening(probe);
  const { port: first } = probe.address() as AddressInfo;
  await closed(probe);
  return {
    url: `https://localhost:${(gate.address() as AddressInfo).port}/{port}`,
    listen: `127.0.0.1:${first}`,
    ca,
    get passed() {
      return passed;
    },
    async close() {
      gate.closeAllConnections();
      await closed(gate);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

type Server = ReturnType<typeof createHttpServer> | ReturnType<typeof createServer>;
const listening = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));
