import type { EdgeConnection, EdgeRequest, PlainAnswer } from './exchange.ts';

/** What a request is about, for faults and counters. */
export interface SiteOccasion {
  /** Word of the protocol, bounded in number: a method of WebDAV, `GET messages` of Graph. */
  readonly operation: string;
  /** Address of the mailbox it concerns. */
  readonly mailbox: string | null;
}

export interface SiteAnswer extends PlainAnswer {
  /** Who was signed in; null: nothing was carried out. */
  readonly caller: string | null;
}

/**
 * A part of an organization's web front that has a protocol of its own, and its own ways of signing in, metering and refusing: WebDAV with
 * forms and cookies, Graph with tokens. Trouble of the line strikes it like everything else.
 */
export interface Site {
  /** Null: the request is not for this site. */
  occasion(request: EdgeRequest, connection: EdgeConnection): SiteOccasion | null;
  handle(request: EdgeRequest, connection: EdgeConnection): Promise<SiteAnswer>;
}
