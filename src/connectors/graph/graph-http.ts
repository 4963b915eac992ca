import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { Connection, HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import type { Context } from '../contract.ts';
import { connections, lateFault } from '../http/connections.ts';
import { type Deadline, deadline } from '../http/deadline.ts';
import { requireEncryption, type SignIn } from '../sign-in/sign-in.ts';

export interface GraphHttpOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** `https://graph.microsoft.com`: the Graph without a version. */
  readonly endpoint: string;
  readonly tls: TlsPolicy;
  readonly signIn: SignIn;
  /** `http://` is allowed to hosts of this machine only, unless this says otherwise. For the lab. */
  readonly allowPlain?: boolean;
  /** Connections to each host at most; whoever asks for more waits. */
  readonly connectionMax?: number;
  readonly userAgent?: string;
}

/** One request to a host that was allowed. */
export interface GraphPost {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  /** False: the address carries its own authorization (imports, upload sessions), and a token must not go there. */
  readonly signedIn: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Routes the request to the server of the mailbox. */
  readonly anchorMailbox: string | null;
  readonly writes: boolean;
  /** Bytes that the answer may have. */
  readonly answerMaxBytes: number;
  readonly context: Context;
}

export interface GraphAnswer {
  readonly status: number;
  readonly headers: HttpResponse['headers'];
  readonly body: Buffer;
}

/** HTTP to the Graph and to the hosts it hands out: connections, sign-in, deadlines. What an answer means is told by `GraphClient`. */
export interface GraphHttp {
  /** Throws FaultError: what sign-in and the network throw; `protocol` for an answer beyond its bound. */
  send(post: GraphPost): Promise<GraphAnswer>;
  close(): void;
}

export function graphHttp(options: GraphHttpOptions): GraphHttp {
  const kept = connections(options);
  const max = options.connectionMax ?? 16;
  requireEncryption(new URL(options.endpoint), options.allowPlain ?? false);

  const requestOf = ({ method, url, headers, body, anchorMailbox }: GraphPost): HttpRequest => ({
    method,
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': options.userAgent ?? 'Causeway',
      'client-request-id': uuid(options.random),
      'return-client-request-id': 'true',
      ...(anchorMailbox === null ? {} : { 'x-anchormailbox': anchorMailbox }),
      ...headers,
      ...(body === null ? {} : { 'content-length': String(body.length) }),
    },
    body,
  });

  const exchange = async (post: GraphPost, call: Deadline): Promise<GraphAnswer> => {
    const { url, signedIn } = post;
    try {
      return await kept.use(url, { max }, call, async (lease) => {
        const request = requestOf(post);
        const response = signedIn
          ? await options.signIn.send(untilPassed(lease.connection, call, url.host), url, request, call.signal)
          : await lease.connection.request(request, call.signal);
        const body = await collected(response, post, url.host);
        if (call.passed) throw new FaultError(lateFault(url.host, post.writes));
        lease.release();
        return { status: response.status, headers: response.headers, body };
      });
    } catch (error) {
      throw harmlessUnlessWriting(error, post.writes);
    }
  };

  return {
    async send(post) {
      kept.refuseIfClosed(post.url.host);
      requireEncryption(post.url, options.allowPlain ?? false);
      const call = deadline(options.clock, post.context.signal, post.context.deadlineMs);
      try {
        return await exchange(post, call);
      } finally {
        call.release();
      }
    },
    close: () => kept.close(),
  };
}

/** Getting a token may take the rest of the time: what it was for is not sent any more then. */
function untilPassed(connection: Connection, call: Deadline, host: string): Connection {
  return {
    channelBinding: connection.channelBinding,
    get usable() {
      return connection.usable;
    },
    request: (request, signal) =>
      call.passed ? Promise.reject(new FaultError(lateFault(host, false))) : connection.request(request, signal),
    close: () => connection.close(),
  };
}

async function collected(response: HttpResponse, { answerMaxBytes }: GraphPost, host: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > answerMaxBytes)
      throw new FaultError({
        kind: 'fatal',
        code: 'protocol',
        detail: `${host} answers with more than ${answerMaxBytes} bytes`,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A read that was cut off changed nothing. */
function harmlessUnlessWriting(error: unknown, writes: boolean): unknown {
  if (writes || !(error instanceof FaultError) || error.fault.kind !== 'transient') return error;
  return new FaultError({ ...error.fault, mayHaveHappened: false });
}

function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
