import type { Connector, Context, Mailbox } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { FolderId, ItemId, MailboxGuid } from '#model/ids.ts';
import type { MailPolicy } from '#model/policy.ts';
import type { PairRow, Store } from '#store/store.ts';
import type { ReportWriter } from './report-writer.ts';
import type { Sample } from './sample.ts';

/** What verify is given. It reads from all of them and writes to none. */
export interface VerifyServices {
  readonly store: Store;
  readonly left: Connector;
  readonly right: Connector;
  readonly policy: MailPolicy;
  readonly clock: Clock;
  readonly requestDeadlineMs: number;
  /** Batches of contents in work at the same time. */
  readonly lanes: number;
  readonly progress?: (event: VerifyProgress) => void;
}

export type VerifyProgress =
  | { readonly kind: 'folder'; readonly name: string }
  /** `due` is what the folders count; it moves while people work. */
  | { readonly kind: 'items'; readonly done: number; readonly due: number }
  | { readonly kind: 'settling'; readonly suspects: number; readonly ms: number };

export interface VerifyOptions {
  /** Items whose content is decoded and compared. Default: all. */
  readonly contents?: Sample;
  /** Items whose whole property lists are compared. Default: 1 %. */
  readonly propertyLists?: Sample;
  /** Chooses the samples. Default 1. */
  readonly seed?: number | string;
  /** How long to wait before what looks wrong is read once more. Default 5 s. */
  readonly settleMs?: number;
  /**
   * What came in later than this, by the source's clock, is in flight and not missing: the pass that carries it is still to come. UTC milliseconds.
   * Default: when verify began.
   */
  readonly carriedUntilMs?: number;
  /** Findings kept in the report; all are counted. Default 10,000. */
  readonly findingsMax?: number;
}

/** Items that somebody changed after verify had begun, by side. */
export interface ChangedSince {
  readonly left: ReadonlySet<ItemId>;
  readonly right: ReadonlySet<ItemId>;
}

export interface VerifyContext extends VerifyServices {
  readonly pair: PairRow;
  readonly leftBox: Mailbox;
  readonly rightBox: Mailbox;
  readonly leftMailbox: MailboxGuid;
  readonly carriedUntilMs: number;
  readonly signal: AbortSignal;
  readonly report: ReportWriter;
  readonly takesContent: (id: string) => boolean;
  readonly takesPropertyList: (id: string) => boolean;
  /** A fresh deadline for one call that carries so many bytes. */
  call(bytes?: number): Context;
  /** Path of a folder on the source. */
  leftPath(id: FolderId): string;
  rightPath(id: FolderId): string;
}
