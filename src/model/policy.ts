import type { Instant } from './mail.ts';

/** What a collection asks of its mail passes. Made from the project file; plain data, so that a plan can be computed from it. */
export interface MailPolicy {
  /** The same aspect changed on both sides: who wins. The loser goes to the journal. */
  readonly conflict: 'source' | 'target';
  /**
   * Folder patterns: segments joined by `/`, `*` inside a segment, `**` any number of segments, `@role` as the first segment;
   * `/` inside a name is written `%2F` and `%` as `%25`. Matching ignores case. An empty include list includes everything.
   */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Source folder path → target folder path, both literal. */
  readonly map: readonly { readonly from: string; readonly to: string }[];
  /** Items received (else sent, else created) before or after are not copied; null: no limit. */
  readonly since: Instant | null;
  readonly until: Instant | null;
  readonly itemMaxBytes: number | null;
  /** Deletions per pair in 24 hours: the larger of the share of linked items and the minimum. Deleted Items not counted. */
  readonly maxDelete: { readonly share: number; readonly atLeast: number };
  /** The person works in the target: what goes away from the source stays there. */
  readonly keepsDeleted?: true;
  /** The way back after a switch: copies of ours whose original is gone are carried like everything else. */
  readonly carriesOurs?: true;
}

export const defaultMailPolicy: MailPolicy = {
  conflict: 'target',
  include: [],
  exclude: [],
  map: [],
  since: null,
  until: null,
  itemMaxBytes: null,
  maxDelete: { share: 0.2, atLeast: 10 },
};

/** What a collection asks of its passes over events, contacts, tasks or notes. */
export interface TypedPolicy {
  readonly direction: 'both' | 'one-way';
  /** The same field changed on both sides: `active` is the side the person works in. The loser goes to the journal. */
  readonly conflict: 'newest' | 'source' | 'target' | 'active';
  /** Where the person works: the source until switched. */
  readonly active: 'left' | 'right';
  readonly include: MailPolicy['include'];
  readonly exclude: MailPolicy['exclude'];
  readonly maxDelete: MailPolicy['maxDelete'];
}

export const defaultTypedPolicy: TypedPolicy = {
  direction: 'both',
  conflict: 'active',
  active: 'left',
  include: [],
  exclude: [],
  maxDelete: defaultMailPolicy.maxDelete,
};
