/** What supervisor and worker say to each other besides calls of the store, on the same channel. */
import type { PairId } from '#model/ids.ts';
import type { AgentEvent } from './work.ts';

/** What a worker works on. Secrets are not in it: the worker reads the project file itself. */
export interface WorkerSetup {
  readonly projectFile: string;
  /** Null: all pairs of the project. */
  readonly pairs: readonly PairId[] | null;
  /** PostgreSQL's URL; null: the store is reached over the channel. */
  readonly storeUrl: string | null;
  readonly until: 'one-pass' | 'continuous';
  /** Number of the worker, for names. */
  readonly number: number;
}

export interface WorkerUsage {
  readonly number: number;
  readonly pid: number;
  /** Since the worker started, user and system. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

export type ToWorker =
  | { readonly to: 'worker'; readonly kind: 'start'; readonly setup: WorkerSetup }
  | { readonly to: 'worker'; readonly kind: 'fair-cpu'; readonly cpuSeconds: number }
  | { readonly to: 'worker'; readonly kind: 'drain' };

export type ToSupervisor =
  | { readonly to: 'supervisor'; readonly kind: 'event'; readonly event: AgentEvent }
  | {
      readonly to: 'supervisor';
      readonly kind: 'ended';
      readonly key: string;
      readonly failed: boolean;
      readonly attempts: number;
      /** When the rest of what was throttled is due; null: it came to an end. */
      readonly goesOnAtMs: number | null;
    }
  | { readonly to: 'supervisor'; readonly kind: 'usage'; readonly usage: WorkerUsage }
  | {
      readonly to: 'supervisor';
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly fields: object;
      readonly message: string;
    }
  /** It makes no sense to start it again: the project file or a secret cannot be read. */
  | { readonly to: 'supervisor'; readonly kind: 'hopeless'; readonly message: string };

export const isToWorker = (message: unknown): message is ToWorker => isTo(message, 'worker');
export const isToSupervisor = (message: unknown): message is ToSupervisor => isTo(message, 'supervisor');

const isTo = (message: unknown, to: string): boolean =>
  typeof message === 'object' && message !== null && 'to' in message && message.to === to;
