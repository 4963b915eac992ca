import { setMaxListeners } from 'node:events';
import type { Connector, Context } from '#connectors/contract.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { LinkId } from '#model/ids.ts';
import type { Claim, Commit, HistoryRow, PairRow, Store } from '#store/store.ts';
import type { PlannedWrite } from './planned-write.ts';

/** The pass was asked to end where it is: everything so far is recorded, the next one goes on from there. */
export class PassInterrupted extends Error {
  override readonly name = 'PassInterrupted';
}

/** What every pass is given, whatever its content. */
export interface PassBasics {
  readonly store: Store;
  readonly left: Connector;
  readonly right: Connector;
  readonly clock: Clock;
  readonly random: Random;
  /** No request of this pass is on its way longer than this. Whoever takes over waits it out. */
  readonly requestDeadlineMs: number;
  readonly progress?: (event: PassProgress) => void;
  /** Aborted: end between two batches. The pass's own signal ends it in the middle of a request. */
  readonly draining?: AbortSignal;
  /** The store is nobody else's: what a plan decides may be recorded there, so that it is not decided twice. */
  readonly isRehearsal?: boolean;
  /** Milliseconds that requests of this pair waited since it was last asked, by the name of the limit. */
  readonly takeWaits?: () => Readonly<Record<string, number>>;
}

export type PassProgress =
  | { readonly kind: 'folder'; readonly name: string }
  | { readonly kind: 'items'; readonly copied: number; readonly bytes: number }
  | { readonly kind: 'waiting'; readonly why: string; readonly ms: number };

/** What every pass has, whatever its content. */
export interface PassCore {
  readonly pair: PairRow;
  readonly pass: number;
  readonly claim: Claim | null;
  readonly signal: AbortSignal;
  /** `Clock.monotonicMs` since when no create of the pair goes out without an intent in the store. */
  readonly knownSinceMs: number;
  /** Set: nothing is written, neither to a mailbox nor to the store; decisions are collected here. */
  readonly plan: PlannedWrite[] | null;
  /** Between two batches: throws `PassInterrupted` when the pass is to end, and the signal's reason when it must. */
  checkpoint(): void;
  /** Runs one piece of work of a name at a time: lanes share feeds and cursors. */
  exclusively<R>(name: string, work: () => Promise<R>): Promise<R>;
  /** How long a request that carries so many bytes may take. */
  deadlineFor(bytes: number): number;
  /** A fresh deadline for one call that carries so many bytes. */
  call(bytes?: number): Context;
  commit(commit: Commit): Promise<void>;
}

export function openCore(
  services: PassBasics,
  pair: PairRow,
  claim: Claim | null,
  signal: AbortSignal,
  plan: PlannedWrite[] | null,
): PassCore {
  // Every request of every lane listens to the one signal of the pass, and stops listening when it ends.
  setMaxListeners(0, signal);
  const chains = new Map<string, Promise<unknown>>();
  const ageMs = Math.max(0, services.clock.nowMs() - pair.knownSinceMs);
  const deadlineFor = (bytes: number) => services.requestDeadlineMs + Math.ceil(bytes / 256);
  return {
    pair,
    claim,
    signal,
    plan,
    pass: pair.pass + 1,
    knownSinceMs: services.clock.monotonicMs() - ageMs,
    checkpoint() {
      signal.throwIfAborted();
      if (services.draining?.aborted) throw new PassInterrupted('the pass was asked to end');
    },
    deadlineFor,
    exclusively<R>(name: string, work: () => Promise<R>): Promise<R> {
      const result = (chains.get(name) ?? Promise.resolve()).then(work, work);
      chains.set(
        name,
        result.catch(() => {}),
      );
      return result;
    },
    call: (bytes = 0) => ({ signal, deadlineMs: services.clock.monotonicMs() + deadlineFor(bytes) }),
    async commit(commit: Commit) {
      if ((plan === null || services.isRehearsal) && !isEmpty(commit))
        await services.store.commit(pair.id, claim, commit);
    },
  };
}

function isEmpty(commit: Commit): boolean {
  return Object.values(commit).every((v) => v === undefined || (Array.isArray(v) && v.length === 0));
}

export function history(
  { pass, clock }: Pick<PassCore, 'pass'> & Pick<PassBasics, 'clock'>,
  action: string,
  reason: string,
  at: {
    readonly left?: string | null;
    readonly right?: string | null;
    readonly outcome?: HistoryRow['outcome'];
    readonly detail?: string | null;
  },
): Omit<HistoryRow, 'pair'> {
  return {
    pass,
    atMs: clock.nowMs(),
    action,
    reason,
    left: at.left ?? null,
    right: at.right ?? null,
    outcome: at.outcome ?? 'done',
    detail: at.detail ?? null,
  };
}

/** Begins with the time, so that stores append links in the order in which they are made, and nothing else is read from it. */
export function newLinkId({ random, clock }: Pick<PassBasics, 'random' | 'clock'>): LinkId {
  const id = random.bytes(16);
  id.writeUIntBE(Math.floor(clock.nowMs()), 0, 6);
  return id.toString('hex') as LinkId;
}
