import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { PairId } from '#model/ids.ts';
import type { Claim, ContentKind, PassSummary, Store, WorkKey } from '#store/store.ts';

/** What an agent says to the log; pino's shape. Never given a subject, a body or a secret. */
export interface AgentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What happens to pairs, for those who show it. */
export type AgentEvent = {
  /** Of the work. */
  readonly key: WorkKey;
  /** The track: pair and kind. */
  readonly pair: PairId;
} & (
  | { readonly kind: 'pass-started' }
  | { readonly kind: 'items'; readonly copied: number; readonly bytes: number }
  | { readonly kind: 'waiting'; readonly why: string; readonly ms: number }
  | { readonly kind: 'pass-ended'; readonly summary: PassSummary }
  | { readonly kind: 'pair-stopped'; readonly because: string }
);

/** What every unit of work is given. */
export interface WorkServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: AgentLog;
  /** Aborted when the process wants to end: begin nothing new, finish what is on its way, return. */
  readonly draining: AbortSignal;
  emit(event: AgentEvent): void;
}

/** How a unit of work ended; see `Store.complete`. */
export interface Outcome {
  readonly nextAtMs: number | null;
  readonly failed: boolean;
  /** It was throttled, and has not come to its end: the rest is for `nextAtMs`. */
  readonly goesOn?: true;
}

/**
 * Does one unit of work. `signal` is aborted when the claim is lost or the time for draining is over; then the work must stop at
 * once, and whatever it still records is fenced out.
 */
export type Handler = (claim: Claim, services: WorkServices, signal: AbortSignal) => Promise<Outcome>;

/** By kind, the part of a work key before the colon. */
export type Handlers = Readonly<Record<string, Handler>>;

/** The work of a pass, `calendar:PAIR`. */
export const passKey = (pair: PairId, kind: ContentKind): WorkKey => `${kind}:${pair}`;
export const sweepKey = (pair: PairId): string => `sweep:${pair}`;
/** The subject of a work key. */
export const subjectOf = (key: string): string => key.slice(key.indexOf(':') + 1);

/** Of passes: the lower comes first. */
export const passPriorities: Readonly<Record<ContentKind, number>> = {
  calendar: 20,
  tasks: 40,
  contacts: 40,
  notes: 40,
  mail: 100,
};
