import { setTimeout } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { Sql } from '../database.ts';
import type { Tables } from '../tables.ts';
import type { LibsqlConnection } from './libsql-connection.ts';

interface Waiting {
  run(sql: Sql): Promise<void>;
  /** Must be on the disk before it is answered. */
  readonly isLasting: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** So that one transaction does not hold up readers for long. */
const GROUP_MAX = 64;

/**
 * Folds the writes that wait into one transaction, because `fsync` costs more than what a write does. Each of several stays
 * atomic by a savepoint of its own: one that fails is undone alone, the others go on. Nothing is answered before the common commit, and
 * nothing lasting before that is on disk; a group of passing writes only is left to the system to write.
 */
export class GroupCommit {
  readonly #sql: Kysely<Tables>;
  readonly #connection: LibsqlConnection;
  /** Whether to let everything that has arrived meanwhile come in first; pointless without an fsync to share. */
  readonly #gather: boolean;
  /** After each transaction, so that another process that waits for the file gets it. */
  readonly #restMs: number;
  /** How the connection commits now. */
  #isLasting: boolean;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  constructor(
    sql: Kysely<Tables>,
    connection: LibsqlConnection,
    options: { readonly gather: boolean; readonly restMs?: number },
  ) {
    this.#sql = sql;
    this.#connection = connection;
    this.#gather = options.gather;
    this.#restMs = options.restMs ?? 0;
    this.#isLasting = options.gather;
  }

  write<T>(body: (sql: Sql) => Promise<T>, isLasting = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let value: T;
      this.#waiting.push({
        run: async (sql) => {
          value = await body(sql);
        },
        isLasting,
        resolve: () => resolve(value),
        reject,
      });
      this.#running ??= this.#runAll();
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #runAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        // While the last commit was on its way to the disk, messages of workers piled up in the event loop's queue.
        if (this.#gather) await new Promise<void>((next) => setImmediate(next));
        const group = this.#waiting.splice(0, GROUP_MAX);
        await this.#runGroup(group);
        if (this.#restMs > 0) await setTimeout(this.#restMs);
      }
    } finally {
      this.#running = null;
    }
  }

  async #runGroup(group: readonly Waiting[]): Promise<void> {
    const done: Waiting[] = [];
    const undone = new Set(group);
    this.#commitBy(group.some((job) => job.isLasting));
    try {
      await this.#sql.connection().execute(async (connection) => {
        await sql`begin immediate`.execute(connection);
        try {
          const [alone] = group;
          if (alone && group.length === 1) {
            await alone.run(connection);
            done.push(alone);
          } else for (const job of group) if (await this.#runOne(job, connection, undone)) done.push(job);
          await sql`commit`.execute(connection);
        } catch (error) {
          // A full disk or the like: SQLite may have rolled back by itself.
          if (this.#connection.inTransaction) await sql`rollback`.execute(connection);
          throw error;
        }
      });
      for (const job of done) job.resolve();
    } catch (error) {
      for (const job of undone) job.reject(error);
    }
  }

  /** In WAL mode `normal` never breaks the file: a power cut takes away whole transactions from the end. A lasting one after it takes them along. */
  #commitBy(isLasting: boolean): void {
    if (!this.#gather || isLasting === this.#isLasting) return;
    this.#connection.run(`pragma synchronous = ${isLasting ? 'full' : 'normal'}`);
    this.#isLasting = isLasting;
  }

  /** @returns false when the job failed alone and was told so. */
  async #runOne(job: Waiting, connection: Sql, undone: Set<Waiting>): Promise<boolean> {
    await sql`savepoint job`.execute(connection);
    try {
      await job.run(connection);
    } catch (error) {
      if (!this.#connection.inTransaction) throw error;
      await sql`rollback to job`.execute(connection);
      await sql`release job`.execute(connection);
      undone.delete(job);
      job.reject(error);
      return false;
    }
    await sql`release job`.execute(connection);
    return true;
  }
}
