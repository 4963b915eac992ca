import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { HttpRequest, HttpResponse, TlsPolicy, Transport } from '#kit/transport.ts';
import { AnswerBody } from '../http/answer-body.ts';
import { unpacked } from '../http/gunzip.ts';
import { headerIn } from '../http/headers.ts';
import { type Answered, signedHttp } from '../http/signed-http.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
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

/** EWS over a transport. */
export function ewsHttp(options: EwsHttpOptions): EwsHttpClient {
  const home = new URL(options.endpoint);
  const jar = affinityJar(options.clock);
  /** An endpoint that has worked is not suddenly missing: then 404 means that a filter refused the length (IIS 404.13). */
  let proven = false;
  const http = signedHttp({
    ...options,
    redirectHosts: options.redirectHosts ?? [],
    allowPlain: options.allowPlain ?? false,
    refusal: (_response, to) =>
      to === null || to.pathname.toLowerCase().endsWith('.asmx')
        ? null
        : 'that is a login page, not EWS. Forms or pre-authentication stand in front of it: give the address that leads straight to Exchange, with Basic, NTLM or OAuth',
  });
  const calls = { max: options.connectionMax ?? 10 };
  const hanging = { group: 'hanging', max: options.hangingMax ?? hangingMaxDefault };

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

  return {
    post: (request) =>
      http.send({
        mailbox: request.anchorMailbox ?? '',
        context: request.context,
        writes: true,
        connections: request.operation === 'GetStreamingEvents' ? hanging : calls,
        url: (route) => route ?? home,
        request: (url) => requestOf(url, request),
        heard: (url, response) => jar.store(url.hostname, cookieKey(request), response.headers['set-cookie']),
        async answer(response, at) {
          if (response.status === 200 || response.status === 500) {
            const answer = await soapAnswer(response, at);
            proven = true;
            return answer;
          }
          throw new FaultError(
            statusFault(response, {
              host: at.url.host,
              operation: request.operation,
              mailbox: request.anchorMailbox,
              bodyBytes: request.body instanceof Uint8Array ? request.body.length : request.body.sizeBytes,
              proven,
              nowMs: options.clock.nowMs(),
            }),
          );
        },
      }),
    close: () => http.close(),
  };
}

/** Cookies of ordinary requests and of notifications route differently, even for one mailbox. */
function cookieKey(post: EwsPost): string {
  return `${eventOperations.has(post.operation) ? 'events' : 'calls'} ${post.anchorMailbox?.toLowerCase() ?? ''}`;
}

/** A person's page or no answer at all is not handed on: whoever reads SOAP could only say that it is broken XML. */
async function soapAnswer(response: HttpResponse, { url, lease, call }: Answered): Promise<EwsAnswer> {
  const type = headerIn(response.headers, 'content-type')?.toLowerCase() ?? '';
  const plain = unpacked(response, url.host);
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
  return { status: response.status, headers: response.headers, body: new AnswerBody(body, lease, call, first) };
}

function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
