import { existsSync } from 'node:fs';
import { Kysely } from 'kysely';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '../database.ts';
import { migrations } from '../migrations/index.ts';
import { migrate, requireSteps } from '../migrations/migrate.ts';
import { StoreError } from '../store-error.ts';
import type { Tables } from '../tables.ts';
import type { WakeBell } from '../wake-bell.ts';
import { GroupCommit } from './group-commit.ts';
import { LibsqlConnection } from './libsql-connection.ts';
import { libsqlDialect } from './libsql-dialect.ts';
import { LookerCounts } from './looker-counts.ts';
import { type OpenDoor, takeWriterLock } from './writer-lock.ts';

export interface SqliteOptions {
  readonly clock: Clock;
  readonly bell: WakeBell;
  /** For a second process that only looks, while the owner works: no lock, no migration, no writes but of what it uses of budgets. */
  readonly readOnly?: boolean;
  /** Lets others in who come while this process owns the store; absent: nobody. */
  readonly openDoor?: OpenDoor;
  /** Largest size in pages of 4 kB; for tests of a full disk. */
  readonly pagesMax?: number;
}

/**
 * What the log holds goes into the file, so that there is one file to copy. libsql closes a connection only when its statements are
 * collected as garbage, so this does not come by itself.
 */
function leaveOneFile(connection: LibsqlConnection): void {
  try {
    connection.run('pragma journal_mode = delete');
  } catch (error) {
    // Somebody is looking at the store; then its log stays, which is as safe.
    if (!(error instanceof StoreError) || error.code !== 'in-use') throw error;
  }
}

/** @param path A file, or `:memory:` for a store that ends with the process. */
export async function openSqlite(
  path: string,
  { clock, bell, readOnly = false, openDoor = async () => null, pagesMax }: SqliteOptions,
): Promise<Database> {
  const inMemory = path === ':memory:';
  const lock = inMemory || readOnly ? null : await takeWriterLock(path, clock, openDoor);
  let connection: LibsqlConnection | null = null;
  try {
    if (readOnly && !inMemory && !existsSync(path))
      throw new StoreError(
        'cannot-open',
        `there is no store ${path} yet: \`causeway sync\` or \`causeway run\` makes it`,
      );
    connection = new LibsqlConnection(path, { busyTimeoutMs: 10_000 });
    if (!inMemory && !readOnly) connection.run('pragma journal_mode = wal');
    connection.run(`pragma synchronous = ${inMemory ? 'off' : 'full'}`);
    connection.run('pragma foreign_keys = on');
    connection.run('pragma temp_store = memory');
    connection.run('pragma cache_size = -65536');
    // Keys are spread over many pages, which each commit writes to the log; the longer the log, the fewer times each of them
    // is copied into the file. 64 MB instead of 4.
    connection.run('pragma wal_autocheckpoint = 16384');
    if (pagesMax !== undefined) connection.run(`pragma max_page_count = ${pagesMax}`);
    const sql = new Kysely<Tables>({ dialect: libsqlDialect(connection) });
    if (readOnly) {
      connection.run('pragma query_only = on');
      await requireSteps(sql, migrations);
    } else await migrate(sql, 'sqlite', migrations);
    const commits = new GroupCommit(sql, connection, { gather: !inMemory });
    const counts = readOnly && !inMemory ? new LookerCounts(path) : commits;
    const open = connection;
    let closed = false;
    return {
      engine: 'sqlite',
      pollMs: null,
      read: (body) => body(sql),
      async write(body, { wakes, kinds = null, isPassing = false, isCount = false } = {}) {
        if (closed) throw new StoreError('closed', `the store ${path} was closed`);
        const value = await (isCount ? counts : commits).write(body, !isPassing);
        if (wakes?.(value)) bell.ring(kinds);
        return value;
      },
      async close() {
        if (closed) return;
        closed = true;
        await commits.drained();
        if (counts instanceof LookerCounts) await counts.close();
        if (!inMemory && !readOnly) leaveOneFile(open);
        open.close();
        lock?.release();
      },
    };
  } catch (error) {
    connection?.close();
    lock?.release();
    throw error;
  }
}
