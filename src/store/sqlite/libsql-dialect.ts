import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { LibsqlConnection } from './libsql-connection.ts';

/** Kysely on one libsql connection: whoever asks for it waits in line until the one before gives it back. */
export function libsqlDialect(connection: LibsqlConnection): Dialect {
  return {
    createAdapter: () => new TransactionalDdlAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createDriver: () => libsqlDriver(connection),
  };
}

/** Kysely says no here, but SQLite does roll back `create table`; so each migration is one transaction. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

function libsqlDriver(connection: LibsqlConnection): Driver {
  const waiting: (() => void)[] = [];
  let taken = false;
  return {
    init: async () => {},
    async acquireConnection(): Promise<DatabaseConnection> {
      if (taken) await new Promise<void>((next) => waiting.push(next));
      taken = true;
      return connection;
    },
    async releaseConnection() {
      const next = waiting.shift();
      // The connection stays taken on its way to the next in line.
      if (next) next();
      else taken = false;
    },
    beginTransaction: async () => void connection.run('begin immediate'),
    commitTransaction: async () => void connection.run('commit'),
    rollbackTransaction: async () => void connection.run('rollback'),
    destroy: async () => connection.close(),
  };
}
