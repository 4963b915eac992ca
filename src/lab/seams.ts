/**
 * The lab's inner borders: the *edge* (HTTP, TLS, sign-in, Autodiscover, throttling, transport faults) hands an authenticated
 * call to an *endpoint* (EWS now; WebDAV and Graph have their own), which reads and changes the *world* (organizations,
 * mailboxes, items). The lab is a second, independent reading of the protocols: it imports `kit` and `formats/text` only.
 */
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';

/** Generations that speak EWS. `2010` behaves like SP2 (14.2), `2013` like SP1 (15.0), `2007` like SP1 (8.1). */
export const ewsVersions = ['2007', '2010', '2013', '2016', 'se'] as const;
export type EwsVersion = (typeof ewsVersions)[number];

/** Generation of an organization, oldest first. `2003` behaves like SP2 (6.5) and speaks WebDAV, `online` Graph. */
export const labVersions = ['2003', ...ewsVersions, 'online'] as const;
export type LabVersion = (typeof labVersions)[number];

/** What an organization's EWS behaves like, where it has one that answers. */
export const ewsVersionOf = (version: LabVersion): EwsVersion =>
  version === '2003' ? '2007' : version === 'online' ? 'se' : version;

export interface Caller {
  /** Sign-in name as the organization knows it, lower case: `user@domain`. */
  readonly user: string;
  /** An application that signed in by OAuth client credentials has no mailbox of its own. */
  readonly kind: 'person' | 'admin' | 'application';
}

export interface EndpointCall {
  readonly caller: Caller;
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Identifies the connection, for affinity and hanging-connection limits. */
  readonly connectionId: number;
  /** Aborted when the client goes away: streaming answers end then. */
  readonly signal: AbortSignal;
}

export interface EndpointAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** A stream is sent chunk by chunk as it comes (streaming notifications). */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface Endpoint {
  handle(call: EndpointCall): Promise<EndpointAnswer>;
}

/**
 * Where a fault may strike. Transport points are asked by the edge, the others by the endpoint; each answers for itself and
 * is counted, so that a test can say how often a fault really happened.
 */
export type FaultPoint =
  | 'drop-before' // connection closed before the request is carried out
  | 'drop-after' // carried out, then the connection is closed without an answer: the lost response
  | 'reset-mid' // answer cut in the middle
  | 'slow' // answer delayed
  | 'http-503'
  | 'server-busy' // SOAP fault ErrorServerBusy with BackOffMilliseconds
  | 'item-busy' // one response message of a batch is ErrorServerBusy, its item is not carried out
  | 'half-batch' // the first half of a batch is carried out, then ErrorInternalServerTransientError for the rest
  | 'stale-state' // SyncFolderItems answers ErrorInvalidSyncStateData
  | 'later-touch' // after a create or update the server touches the item again (change key moves)
  | 'forbidden' // 403 for one mailbox
  | 'stream-drop' // a streaming connection ends without `Closed`
  | 'missed-events';

export interface FaultSpec {
  readonly point: FaultPoint;
  /** Chance per occasion, 0 to 1. */
  readonly chance: number;
  /** Only for these operations (SOAP body element without `Request`), or all. */
  readonly operations?: readonly string[];
  /** Only for these organizations or mailbox addresses, or all. */
  readonly where?: readonly string[];
  /** Milliseconds for `slow` and back-off for busy answers. */
  readonly ms?: number;
  /** Stops after so many strikes. */
  readonly limit?: number;
}

export interface FaultOccasion {
  readonly organization: string;
  readonly mailbox: string | null;
  readonly operation: string | null;
}

export interface Faults {
  /** The fault that strikes now, or null. Counts it. */
  strike(point: FaultPoint, occasion: FaultOccasion): FaultSpec | null;
  readonly counts: Readonly<Record<FaultPoint, number>>;
  /** Replaces the mix while the lab runs (`[]` calms it). */
  set(specs: readonly FaultSpec[]): void;
}

/** Why a message left a mailbox. The three `repair-` causes are the Repair Assistant's messages, FACTS §9. */
export const outboxCauses = [
  'sent-by-person',
  'read-receipt',
  'not-read-receipt',
  'delivery-report',
  'rule',
  'out-of-office',
  'meeting-request',
  'meeting-update',
  'meeting-cancellation',
  'meeting-response',
  'meeting-copy',
  'repair-update',
  'repair-missing',
  'repair-cancellation',
] as const;
export type OutboxCause = (typeof outboxCauses)[number];

/**
 * Whose doing a message is: of a person who used the mailbox (also through a program under the own name), or of an account that
 * works on the mailboxes of others, as a migration does.
 */
export type Doing = 'person' | 'api';

/** What sent a message when nobody asked for it at that moment. */
export type Machinery = 'attendant' | 'booking-attendant' | 'repair-assistant' | 'client' | 'transport';

/** Every message that leaves a mailbox, by cause. The promise is that none of them is the doing of a migration. */
export interface OutboxEntry {
  readonly atMs: number;
  readonly organization: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly cause: OutboxCause;
  /** Who made the call that caused it; of a consequence, who left what the machinery acted on. */
  readonly caller: string;
  readonly doing: Doing;
  /** Null: sent by the call itself. Otherwise a consequence: the machinery acted later on what `caller` had left. */
  readonly through: Machinery | null;
}

export interface LabSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
}
