import type { Fault } from '#kit/fault.ts';
import type { HttpResponse } from '#kit/transport.ts';
import { retryAfterMs } from '../http/retry-after.ts';

export interface StatusContext {
  readonly host: string;
  readonly operation: string;
  readonly mailbox: string | null;
  readonly bodyBytes: number;
  /** The endpoint has answered a request before. */
  readonly proven: boolean;
  readonly nowMs: number;
}

/** Without Retry-After: long enough for a worker process of IIS to be started anew. */
const busyMs = 5_000;
/** Requests below this are under every limit of size, so a refusal has another reason. */
const smallBytes = 1024 * 1024;

/** What an answer means that is neither 200 nor 500, nor a redirect or a challenge. Its body is not looked at. */
export function statusFault(response: HttpResponse, context: StatusContext): Fault {
  const { status } = response;
  const { host, operation, mailbox, bodyBytes } = context;
  const about = `${host}: ${operation}${mailbox === null ? '' : ` for ${mailbox}`}`;
  if (status === 403) {
    return {
      kind: 'fatal',
      code: 'ews-off',
      detail: `${about} was refused (HTTP 403). EWS may be switched off for the organization or the mailbox (EWSEnabled, EwsAllowList, EwsBlockList), the licence may lack it, the application may lack full_access_as_app, or the client address may be blocked${hints(response)}`,
    };
  }
  if (status === 413 || ((status === 404 || status === 400) && context.proven && bodyBytes > smallBytes)) {
    // IIS refuses by its own filter with 404.13 (maxAllowedContentLength), WCF with 413 or 400 (maxReceivedMessageSize).
    return {
      kind: 'poison',
      reason: 'too-large',
      detail: `${about} of ${bodyBytes} bytes is over the server’s limit for a request (HTTP ${status}; by default 64 MB, see maxAllowedContentLength and maxReceivedMessageSize in the web.config of EWS)`,
    };
  }
  if (status === 429 || status === 503) {
    return {
      kind: 'throttled',
      retryAfterMs: retryAfterMs(response.headers['retry-after'], context.nowMs) ?? busyMs,
      limit: `HTTP ${status}`,
    };
  }
  if (status === 404 || status === 405 || status === 410) {
    return {
      kind: 'fatal',
      code: 'protocol',
      detail: `${host} has no EWS at this address (HTTP ${status}): it usually is https://HOST/EWS/Exchange.asmx`,
    };
  }
  if (status === 408 || status === 440 || status >= 500) {
    return { kind: 'transient', detail: `${about}: HTTP ${status}${hints(response)}`, mayHaveHappened: true };
  }
  return {
    kind: 'fatal',
    code: 'protocol',
    detail: `${about}: HTTP ${status}, which EWS does not answer${hints(response)}`,
  };
}

/** What the front end says of itself; helps whoever reads its logs. No content of anybody's mail travels in these. */
function hints(response: HttpResponse): string {
  const names = ['x-ms-diagnostics', 'x-diaginfo', 'x-feserver', 'request-id'];
  const found = names.flatMap((name) => {
    const value = response.headers[name];
    const text = typeof value === 'string' ? value : value?.[0];
    return text ? [`${name}: ${text.slice(0, 200)}`] : [];
  });
  return found.length === 0 ? '' : ` (${found.join('; ')})`;
}
