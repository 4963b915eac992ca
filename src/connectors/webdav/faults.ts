import type { Fault } from '#kit/fault.ts';
import { retryAfterMs } from '../http/retry-after.ts';
import type { DavAnswer } from './dav-http.ts';

/** What a request was, as far as the meaning of its status goes. */
export interface Subject {
  /** Method, for a person. */
  readonly operation: string;
  readonly writes: boolean;
  /** An item's fault can be poison, a folder's cannot; `name`: somebody chose the name of the folder that is made or renamed. */
  readonly about: 'mailbox' | 'folder' | 'item' | 'name';
}

/** Without Retry-After: long enough for a worker process of IIS to be started anew. */
const busyMs = 5_000;

/** The fault of an answer as a whole; null when its status is a good one. Its body is not looked at. */
export function answerFault({ status, headers }: DavAnswer, subject: Subject, nowMs: number): Fault | null {
  if (status === 429 || status === 503)
    return {
      kind: 'throttled',
      retryAfterMs: retryAfterMs(headers['retry-after'], nowMs) ?? busyMs,
      limit: `HTTP ${status}`,
    };
  return statusFault(status, subject);
}

/**
 * What a status means, of an answer or of one resource among several. Sources: RFC 4918 section 11, evolution-exchange `docs/http` and
 * `docs/subscriptions`, DavMail's reactions. Null for 2xx.
 */
export function statusFault(status: number, { operation, writes, about }: Subject): Fault | null {
  if (status >= 200 && status < 300) return null;
  const words = `${operation}: HTTP ${status}`;
  const transient = (mayHaveHappened: boolean): Fault => ({ kind: 'transient', detail: words, mayHaveHappened });
  const poison = (reason: 'refused-by-target' | 'corrupt' | 'access-denied' | 'too-large', why: string): Fault => ({
    kind: 'poison',
    reason,
    detail: `${words}, ${why}`,
  });
  switch (status) {
    case 401:
    case 403:
      if (about === 'name')
        return {
          kind: 'poison',
          reason: 'name-refused',
          detail: `${words}: the server refuses this folder or its name`,
        };
      return about === 'item'
        ? poison('access-denied', 'the rights of the account end here')
        : {
            kind: 'fatal',
            code: 'access-denied',
            detail: `${words}: signed in, but this ${about} may not be opened. The account needs full access to the mailbox (Receive As and Send As on the mailbox store; administrators inherit a deny)`,
          };
    case 404:
    case 410:
      return about === 'mailbox'
        ? {
            kind: 'fatal',
            code: 'mailbox-gone',
            detail: `${words}: there is no mailbox at this address. Its SMTP domain may differ from that of the virtual directory; then the mailbox answers to its alias`,
          }
        : { kind: 'gone', detail: words };
    case 405:
      return about === 'name'
        ? { kind: 'stale', detail: 'a folder of this name exists already' }
        : {
            kind: 'fatal',
            code: 'unsupported',
            detail: `${words}: this address takes no ${operation}. WebDAV may be prohibited in IIS (Web Service Extensions), or filtered by URLScan`,
          };
    case 501:
      return { kind: 'fatal', code: 'unsupported', detail: `${words}: the server does not know it` };
    case 406:
    case 415:
    case 422:
      return poison(
        writes ? 'refused-by-target' : 'corrupt',
        'the server cannot take this as the message it should be',
      );
    case 409:
      // RFC 4918: a parent is missing.
      return { kind: 'gone', detail: `${words}: the folder is not there` };
    case 412:
      return about === 'name'
        ? { kind: 'stale', detail: 'a folder of this name exists already' }
        : { kind: 'stale', detail: `${words}: it is at another version than expected` };
    case 413:
      return poison('too-large', 'it is over a limit of the server or of IIS');
    case 507:
      return { kind: 'fatal', code: 'quota', detail: `${words}: the mailbox is full` };
    case 400:
      if (about === 'name')
        return { kind: 'poison', reason: 'name-refused', detail: `${words}: the server takes no folder of this name` };
      return about === 'item' && writes
        ? poison('refused-by-target', 'the server takes no such item')
        : { kind: 'fatal', code: 'protocol', detail: `${words}: the server did not understand the request` };
    case 440:
      return transient(false);
    case 423:
      return { kind: 'transient', detail: `${words}: somebody has it open`, mayHaveHappened: false };
    case 424:
      return transient(false);
    default:
      if (status >= 500 || status === 408) return transient(writes);
      return { kind: 'fatal', code: 'protocol', detail: `${words}, which WebDAV does not answer` };
  }
}
