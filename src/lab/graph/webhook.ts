import type { Connection, HttpRequest, HttpResponse, Transport } from '#kit/transport.ts';

/** What somebody's address answered. */
export interface WebhookReply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const answerMax = 64 * 1024;

/** Posts JSON, or nothing, to an address that a client named. Rejects when it does not answer in time. */
export async function post(transport: Transport, url: string, json: unknown, withinMs: number): Promise<WebhookReply> {
  const { origin, pathname, search, host } = new URL(url);
  const signal = AbortSignal.timeout(withinMs);
  const connection = await transport.connect(origin, { ca: [], min: '1.2' }, signal);
  try {
    const body = json === null ? new Uint8Array() : Buffer.from(JSON.stringify(json));
    const response = await connection.request(
      {
        method: 'POST',
        path: `${pathname}${search}`,
        headers: {
          host,
          'content-type': json === null ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
          'content-length': String(body.length),
        },
        body,
      },
      signal,
    );
    let text = '';
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.length > answerMax) break;
    }
    return { status: response.status, type: String(response.headers['content-type'] ?? ''), text };
  } finally {
    connection.close();
  }
}

/** Webhooks over the network, as far as a lab reaches: addresses of this machine, or with certificates that Node trusts. */
export const networkWebhooks: Transport = {
  async connect(origin): Promise<Connection> {
    return {
      channelBinding: null,
      usable: true,
      close: () => undefined,
      async request({ method, path, headers, body }: HttpRequest, signal): Promise<HttpResponse> {
        const { host: _host, 'content-length': _length, ...sent } = headers;
        const response = await fetch(`${origin}${path}`, {
          method,
          headers: sent,
          body: body instanceof Uint8Array ? Buffer.from(body) : null,
          redirect: 'error',
          signal,
        });
        const bytes = new Uint8Array(await response.arrayBuffer());
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: (async function* () {
            yield bytes;
          })(),
        };
      },
    };
  },
};
