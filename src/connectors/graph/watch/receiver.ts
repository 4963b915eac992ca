import { createServer, type IncomingMessage, type Server } from 'node:http';
import { FaultError } from '#kit/fault.ts';
import { isObject, type Json, objectsAt, textAt } from '../json.ts';

/** What the service says of one subscription. Which item it is about is of no use: the feed is the truth. */
export type Notification =
  | { readonly kind: 'changed'; readonly subscription: string }
  /** Of the subscription itself (GDOC `concepts/change-notifications-lifecycle-events.md`). */
  | { readonly kind: 'reauthorize' | 'removed' | 'missed'; readonly subscription: string };

export interface ReceiverAnswer {
  readonly status: number;
  readonly text: string;
}

/** Notifications of one request; the service bundles them. */
const bodyMax = 4 * 1024 * 1024;
const tokenMax = 4096;

/**
 * The end of ours of change notifications (GDOC `concepts/change-notifications-delivery-webhooks.md`): echoes the token with which the
 * service makes sure of an address, and hands on what carries a client state that was given out. Anybody can send here, so nothing is
 * believed but that there is something to look at.
 */
export class NotificationReceiver {
  readonly #hearers = new Map<string, (notification: Notification) => void>();

  /** @returns what ends it. */
  hear(clientState: string, hearer: (notification: Notification) => void): () => void {
    this.#hearers.set(clientState, hearer);
    return () => this.#hearers.delete(clientState);
  }

  /** @param target path and query of the request. */
  answer(method: string, target: string, body: string): ReceiverAnswer {
    if (method !== 'POST') return { status: 405, text: '' };
    const query = target.indexOf('?');
    const token = query < 0 ? null : new URLSearchParams(target.slice(query + 1)).get('validationToken');
    if (token !== null) return token.length > tokenMax ? { status: 400, text: '' } : { status: 200, text: token };
    let json: Json;
    try {
      json = JSON.parse(body) as Json;
    } catch {
      return { status: 400, text: '' };
    }
    if (!isObject(json)) return { status: 400, text: '' };
    for (const one of objectsAt(json, 'value')) {
      const [subscription, clientState] = [textAt(one, 'subscriptionId'), textAt(one, 'clientState')];
      if (subscription === null || clientState === null) continue;
      const kind = lifecycle[textAt(one, 'lifecycleEvent') ?? ''] ?? 'changed';
      this.#hearers.get(clientState)?.({ kind, subscription });
    }
    // Whoever is told at once is not told again, whatever becomes of it here.
    return { status: 202, text: '' };
  }
}

const lifecycle: Readonly<Record<string, 'reauthorize' | 'removed' | 'missed'>> = {
  reauthorizationRequired: 'reauthorize',
  subscriptionRemoved: 'removed',
  missed: 'missed',
};

export interface ListeningReceiver {
  readonly receiver: NotificationReceiver;
  /** Where the service is to send to. */
  readonly url: string;
  close(): Promise<void>;
}

/** Ports that are tried, so that each process of a host has one of its own. */
const portsMax = 64;

/**
 * Listens for notifications behind whatever ends TLS for the public address.
 *
 * @param url public address; `{port}` in it stands for the port that was taken.
 * Throws FaultError `config` when no port is free.
 */
export async function listenForNotifications(url: string, host: string, port: number): Promise<ListeningReceiver> {
  const receiver = new NotificationReceiver();
  const server = createServer((request, response) => {
    collected(request).then(
      (body) => {
        const { status, text } = receiver.answer(request.method ?? '', request.url ?? '', body);
        response.writeHead(status, {
          'content-type': 'text/plain; charset=utf-8',
          'x-content-type-options': 'nosniff',
        });
        response.end(text);
      },
      () => response.destroy(),
    );
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 256;
  // Without {port} all processes have one address, and only the one that listens there hears anything.
  const tries = url.includes('{port}') ? portsMax : 1;
  for (let n = 0; n < tries; n++) {
    if (!(await listens(server, host, port + n))) continue;
    const close = () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    const address = server.address();
    const taken = typeof address === 'object' && address !== null ? address.port : port + n;
    return { receiver, url: url.replaceAll('{port}', String(taken)), close };
  }
  throw new FaultError({
    kind: 'fatal',
    code: 'config',
    detail: `notifications.listen: no free port on ${host} from ${port} on; with several processes write {port} into notifications.url, so that each has one of its own`,
  });
}

function listens(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const onError = () => resolve(false);
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}

async function collected(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyMax) throw new RangeError('a notification beyond its bound');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
