import { Kysely } from 'kysely';
import type { Sql } from '../database.ts';
import { migrations } from '../migrations/index.ts';
import { migrate } from '../migrations/migrate.ts';
import { StoreError } from '../store-error.ts';
import type { Tables } from '../tables.ts';
import { GroupCommit } from './group-commit.ts';
import { LibsqlConnection } from './libsql-connection.ts';
import { libsqlDialect } from './libsql-dialect.ts';

/** Between two transactions, each of which takes a fraction of a millisecond. */
const REST_MS = 10;
const BUSY_MS = 2_000;
const forHimself: ReadonlySet<StoreError['code']> = new Set(['read-only', 'cannot-open', 'in-use']);

interface Opened {
  readonly connection: LibsqlConnection;
  readonly commits: GroupCommit;
}

/**
 * What somebody who only looks at a store uses of budgets: a server counts his requests together with those of the process that owns the
 * store. Nobody keeps anything of these tables in memory, so he writes to them beside the owner, on a connection of its own.
 * He must never hold up the owner, whose event loop stands still while it waits for the file: his transactions wait for no disk, are apart
 * from each other, and never tidy the log. Where this account may not write the file, or gets no turn, he counts for himself.
 */
export class LookerCounts {
  readonly #path: string;
  #opened: Promise<Opened> | null = null;

  readonly #busyMs: number;

  constructor(path: string, busyMs = BUSY_MS) {
    this.#path = path;
    this.#busyMs = busyMs;
  }

  async write<T>(body: (sql: Sql) => Promise<T>): Promise<T> {
    this.#opened ??= open(this.#path, this.#busyMs);
    try {
      return await (await this.#opened).commits.write(body, false);
    } catch (error) {
      if (!(error instanceof StoreError) || !forHimself.has(error.code)) throw error;
      await this.close();
      this.#opened = open(':memory:', 0);
      return (await this.#opened).commits.write(body, false);
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    await opened?.commits.drained();
    opened?.connection.close();
    this.#opened = null;
  }
}

async function open(path: string, busyTimeoutMs: number): Promise<Opened> {
  const connection = new LibsqlConnection(path, { busyTimeoutMs });
  const sql = new Kysely<Tables>({ dialect: libsqlDialect(connection) });
  const inMemory = path === ':memory:';
  if (inMemory) await migrate(sql, 'sqlite', migrations);
  else connection.run('pragma wal_autocheckpoint = 0');
  return {
    connection,
    commits: new GroupCommit(sql, connection, { gather: !inMemory, restMs: inMemory ? 0 : REST_MS }),
  };
}
