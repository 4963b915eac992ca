import { Kysely } from 'kysely';
import type { Sql } from '../database.ts';
import { migrations } from '../migrations/index.ts';
import { migrate } from '../migrations/migrate.ts';
import { StoreError } from '../store-error.ts';
import type { Tables } from '../tables.ts';
import { GroupCommit } from './group-commit.ts';
import { LibsqlConnection } from './libsql-connection.ts';
import { libsqlDialect } from './libsql-dialect.ts';

interface Opened {
  readonly connection: LibsqlConnection;
  readonly commits: GroupCommit;
}

/**
 * What somebody who only looks at a store uses of budgets: a server counts his requests together with those of the process that owns the
 * store. Nobody keeps anything of these tables in memory, so he writes to them beside the owner, on a connection of its own.
 * Where this account may not write the file he counts for himself.
 */
export class LookerCounts {
  readonly #path: string;
  #opened: Promise<Opened> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async write<T>(body: (sql: Sql) => Promise<T>): Promise<T> {
    this.#opened ??= open(this.#path);
    try {
      return await (await this.#opened).commits.write(body, false);
    } catch (error) {
      if (!(error instanceof StoreError) || (error.code !== 'read-only' && error.code !== 'cannot-open')) throw error;
      await this.close();
      this.#opened = open(':memory:');
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

async function open(path: string): Promise<Opened> {
  const connection = new LibsqlConnection(path, { busyTimeoutMs: 10_000 });
  const sql = new Kysely<Tables>({ dialect: libsqlDialect(connection) });
  const inMemory = path === ':memory:';
  if (inMemory) await migrate(sql, 'sqlite', migrations);
  return { connection, commits: new GroupCommit(sql, connection, { gather: !inMemory }) };
}
