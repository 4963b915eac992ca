import type { Clock } from '#kit/clock.ts';
import type { HttpRequest, TlsPolicy, Transport } from '#kit/transport.ts';
import { AnswerBody } from '../http/answer-body.ts';
import { unpacked } from '../http/gunzip.ts';
import { signedHttp } from '../http/signed-http.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import type { DavHttp, DavRequest } from './dav-http.ts';
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

/** WebDAV over a transport. */
export function davHttp(options: DavHttpOptions): DavHttpClient {
  const { origin } = new URL(options.endpoint);
  const connections = { max: options.connectionMax ?? 10 };
  const http = signedHttp({
    ...options,
    redirectHosts: options.redirectHosts ?? [],
    allowPlain: options.allowPlain ?? false,
    refusal: (response) =>
      wantsLogon(response) ? 'a log-on page stands in front of it: set signIn.method to forms' : null,
  });
  return {
    send: (request) =>
      http.send({
        mailbox: request.mailbox,
        context: request.context,
        writes: request.writes,
        connections,
        url: (route) => new URL(request.path, route?.origin ?? origin),
        request: (url) => requestOf(url, request, options.userAgent ?? 'Causeway'),
        answer: (response, { url, lease, call }) => ({
          status: response.status,
          headers: response.headers,
          body: new AnswerBody(unpacked(response, url.host)[Symbol.asyncIterator](), lease, call),
        }),
      }),
    close: () => http.close(),
  };
}

function requestOf(url: URL, { method, headers, body }: DavRequest, userAgent: string): HttpRequest {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const length = bytes === null ? 0 : bytes instanceof Uint8Array ? bytes.length : bytes.sizeBytes;
  return {
    method,
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      // Exchange picks an interface by the name of the browser for GET and POST only; a plain name gets the plain one.
      'user-agent': userAgent,
      // Where IIS has it switched on, answers in XML shrink to a tenth. Contents hardly do, and packing them takes old processors long.
      'accept-encoding': method === 'GET' ? 'identity' : 'gzip',
      ...(bytes === null && method === 'GET' ? {} : { 'content-length': String(length) }),
      ...(typeof body === 'string' ? { 'content-type': 'text/xml; charset=utf-8' } : {}),
      ...headers,
    },
    body: bytes === null || bytes instanceof Uint8Array ? bytes : bytes.stream,
  };
}
