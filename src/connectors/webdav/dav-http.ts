import type { HttpRequest, HttpResponse } from '#kit/transport.ts';
import type { Context } from '../contract.ts';

/** HTTP as the WebDAV client needs it: requests signed in, redirects followed, connections kept. */
export interface DavHttp {
  /** Any answer but a challenge, a redirect or a request for a log-on. Throws FaultError when there is none. */
  send(request: DavRequest): Promise<DavAnswer>;
}

export interface DavRequest {
  readonly method: HttpRequest['method'];
  /** Absolute path on the server, encoded. */
  readonly path: string;
  /** Lower-case names; what HTTP itself needs is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | DavStream | null;
  /** Address of the mailbox that the request is about; front ends may send each to a server of its own. */
  readonly mailbox: string;
  /** Whether something may have been written when no answer comes. */
  readonly writes: boolean;
  readonly context: Context;
}

/** A body too large to be held. May be iterated again: after a challenge or an expired session the request is sent once more. */
export interface DavStream {
  readonly stream: AsyncIterable<Uint8Array>;
  readonly sizeBytes: number;
}

export interface DavAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: HttpResponse['headers'];
  /** Must be read to its end or given up by `return()`: the connection is not free before. */
  readonly body: AsyncIterableIterator<Uint8Array>;
}
