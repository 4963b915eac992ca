import { assertNever } from './assert.ts';

/**
 * Why one item cannot be carried over. A closed list: each has a paragraph in `docs/operating/quarantine.md`.
 * An unknown problem is never poison: it is transient, then fatal.
 */
export const poisonReasons = {
  'too-large': 'the target or its request limit refuses a message of this size',
  corrupt: 'the source cannot hand out this item (ErrorCorruptData, ErrorMimeContentInvalid, …)',
  'refused-by-target': 'the target refuses this item for what it contains',
  'class-refused': 'the target does not take items of this message class in this folder',
  'rights-protected': 'the item is encrypted for the source organization and unreadable after the move',
  'access-denied': 'the item itself may not be read or written with the rights we have',
  'keeps-failing': 'the server fails on this item time after time while its neighbours succeed',
  'send-only-folder': 'the folder on the target takes no items from us',
  'name-refused': 'the target refuses this folder name, and so its folder is not there',
} as const;
export type PoisonReason = keyof typeof poisonReasons;

/** Why a whole mailbox cannot go on. Each has a paragraph in `docs/operating/faults.md`. */
export const fatalCodes = {
  auth: 'sign-in was refused',
  'access-denied': 'signed in, but this mailbox may not be opened',
  'ews-off':
    'HTTP 403: EWS is switched off for the organization or the mailbox, the licence lacks it, or the permission is missing',
  quota: 'the target mailbox is full',
  unsupported: 'the server is too old or lacks an operation we need',
  'mailbox-gone': 'there is no mailbox behind this address',
  'mailbox-replaced': 'the mailbox behind this address is another one than at the first pass',
  tls: 'the server’s certificate or protocol version was refused',
  protocol: 'what answered is not the service we expected (a login page, another product, broken XML)',
  redirect: 'the server sent us to a host that the project file does not allow',
  config: 'the project file asks for something impossible',
  exhausted: 'a fault that looked transient did not pass within its attempts',
} as const;
export type FatalCode = keyof typeof fatalCodes;

/** What can go wrong outside of us, in the words of the reaction it needs. Classified by the connector, once. */
export type Fault =
  /** `mayHaveHappened`: the request was sent and no answer arrived, so a write may have been done. */
  | { readonly kind: 'transient'; readonly detail: string; readonly mayHaveHappened: boolean; readonly cause?: unknown }
  | { readonly kind: 'throttled'; readonly retryAfterMs: number; readonly limit: string }
  /** Somebody else wrote first: the item is no longer at the version that was expected. */
  | { readonly kind: 'stale'; readonly detail: string }
  /** The item or folder is not there (any more). */
  | { readonly kind: 'gone'; readonly detail: string }
  /** The server forgot our place in its change feed. */
  | { readonly kind: 'cursor-lost' }
  | { readonly kind: 'poison'; readonly reason: PoisonReason; readonly detail: string }
  | { readonly kind: 'fatal'; readonly code: FatalCode; readonly detail: string; readonly cause?: unknown };

export type FaultKind = Fault['kind'];

/** Thrown when a whole request failed; faults of single items are returned in their place. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(describeFault(fault), 'cause' in fault ? { cause: fault.cause } : undefined);
    this.fault = fault;
  }
}

export function isFault(value: unknown): value is Fault {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && (value as { kind: string }).kind in faultKinds
  );
}
const faultKinds: Record<FaultKind, true> = {
  transient: true,
  throttled: true,
  stale: true,
  gone: true,
  'cursor-lost': true,
  poison: true,
  fatal: true,
};

/** One line for a person. Never holds a subject, a body or a secret: connectors do not put any into `detail`. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'transient':
      return `transient: ${fault.detail}`;
    case 'throttled':
      return `throttled by ${fault.limit} for ${fault.retryAfterMs} ms`;
    case 'stale':
      return `stale: ${fault.detail}`;
    case 'gone':
      return `gone: ${fault.detail}`;
    case 'cursor-lost':
      return 'the server forgot the place in its change feed';
    case 'poison':
      return `${fault.reason}: ${fault.detail}`;
    case 'fatal':
      return `${fault.code}: ${fault.detail}`;
    default:
      return assertNever(fault);
  }
}
