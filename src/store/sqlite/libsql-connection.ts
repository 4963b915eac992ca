import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import Libsql from 'libsql';
import { AssertionFailure } from '#kit/assert.ts';
import { sqliteError } from './sqlite-errors.ts';

type Statement = ReturnType<Libsql.Database['prepare']>;
interface Prepared {
  readonly statement: Statement;
  /** Column names of a statement that answers rows, else null. */
  readonly columns: readonly string[] | null;
}

/**
 * Not prepared: libsql leaves a statement that met a lock half-way, and as long as it is, the connection does not give up locks
 * that it took afterwards. Savepoints stand inside of transactions that have their locks.
 */
const TRANSACTION_CONTROL = /^(?:begin|commit|rollback)\b/;

/** Statements kept ready. Lists in queries are padded to powers of two (`padded.ts`), so that there are not many texts. */
const PREPARED_MAX = 300;

/**
 * One SQLite connection for Kysely, and the one place that knows how libsql carries values:
 * - it binds every number as a floating one, so whole numbers go in as bigint;
 * - it reads integers as floating numbers, too, unless asked for bigint: what a double cannot hold is refused, never rounded;
 * - byte strings come back as Buffers only in raw mode, so rows are put together here.
 */
export class LibsqlConnection implements DatabaseConnection {
  readonly #path: string;
  readonly #db: Libsql.Database;
  readonly #prepared = new Map<string, Prepared>();

  constructor(path: string, options: { readonly busyTimeoutMs: number }) {
    this.#path = path;
    try {
      // In milliseconds, measured; its description says seconds.
      this.#db = new Libsql(path, { timeout: options.busyTimeoutMs });
    } catch (error) {
      throw sqliteError(error, path);
    }
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return this.run<R>(sql, parameters);
  }

  run<R>(sql: string, parameters: readonly unknown[] = []): QueryResult<R> {
    try {
      if (TRANSACTION_CONTROL.test(sql)) {
        this.#db.exec(sql);
        return { rows: [] };
      }
      const { statement, columns } = this.#prepare(sql);
      const bound = parameters.map(toSqlite);
      if (columns === null) return { rows: [], numAffectedRows: BigInt(statement.run(bound).changes) };
      const rows: R[] = [];
      for (const values of statement.iterate(bound) as Iterable<readonly unknown[]>) {
        const row: Record<string, unknown> = {};
        for (let i = 0; i < columns.length; i++) row[columns[i] as string] = fromSqlite(values[i]);
        rows.push(row as R);
      }
      return { rows };
    } catch (error) {
      throw sqliteError(error, this.#path);
    }
  }

  // biome-ignore lint/correctness/useYield: Kysely's interface asks for it, and nothing here streams
  async *streamQuery<R>(): AsyncGenerator<QueryResult<R>> {
    throw new AssertionFailure('the store reads in pages and never streams');
  }

  close(): void {
    this.#prepared.clear();
    this.#db.close();
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.#db.prepare(sql).safeIntegers(true);
    const prepared: Prepared = statement.reader
      ? { statement: statement.raw(true), columns: statement.columns().map(({ name }) => name) }
      : { statement, columns: null };
    const oldest = this.#prepared.size >= PREPARED_MAX ? this.#prepared.keys().next().value : undefined;
    if (oldest !== undefined) this.#prepared.delete(oldest);
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

function toSqlite(value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return value ?? null;
}

function fromSqlite(value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new AssertionFailure(`the store holds a number beyond 2^53: ${value}`);
  return number;
}
