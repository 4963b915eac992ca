import type { Kysely } from 'kysely';
import type { Engine } from './migrations/migration.ts';
import type { Tables } from './tables.ts';
import type { WakeKinds } from './wake-bell.ts';

/** Where queries run: the pool, or one transaction. */
export type Sql = Kysely<Tables>;

/** What the two engines have in common; everything above it is written once. */
export interface Database {
  readonly engine: Engine;
  /** How often waiting claimers look by themselves, behind the wake-ups; null where no wake-up can be missed. */
  readonly pollMs: number | null;
  /** For reads of a single statement; may run again from its beginning. */
  read<T>(body: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs `body` in one transaction: all of it or nothing. `body` may run again from its beginning when the engine had to break
   * it off before anything was committed, and must not use anything but the `sql` it is given.
   */
  write<T>(body: (sql: Sql) => Promise<T>, options?: WriteOptions<T>): Promise<T>;
  close(): Promise<void>;
}

export interface WriteOptions<T> {
  /** Whether what was written wakes every claimer, in all processes, once it is committed. */
  readonly wakes?: (value: T) => boolean;
  /**
   * Coordination: who works on what, what was used of a budget. It survives the end of every process like all else; a power cut may
   * forget the last of it, and then nobody works on anything any more either. So nobody waits for the disk.
   */
  readonly isPassing?: boolean;
  /** Of budgets: said by those too that only look. */
  readonly isCount?: boolean;
  /** Kinds of work that it is about, where the engine can tell claimers apart; null: any. */
  readonly kinds?: WakeKinds;
}
