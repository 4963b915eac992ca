import { hostname } from 'node:os';
import type { Clock } from '#kit/clock.ts';
import { StoreError } from '../store-error.ts';
import { LibsqlConnection } from './libsql-connection.ts';

export interface WriterLock {
  release(): void;
}

/**
 * Makes sure that one process writes to the store: with two of them one starved for seconds, which is a missed heartbeat.
 *
 * The lock is a SQLite database of its own beside the store, `PATH.lock`, in which the owner keeps a write transaction open. The
 * operating system gives it up when the owner dies, however it dies, so there is no stale lock to judge; others can still
 * read the row that says who it is.
 */
export function takeWriterLock(path: string, clock: Clock): WriterLock {
  const lock = new LibsqlConnection(`${path}.lock`, { busyTimeoutMs: 0 });
  try {
    lock.run('pragma journal_mode = delete');
    lock.run('pragma synchronous = off');
    lock.run('begin immediate');
    lock.run(
      'create table if not exists owner (pid integer not null, host text not null, since_ms integer not null) strict',
    );
    lock.run('delete from owner');
    lock.run('insert into owner values (?, ?, ?)', [process.pid, hostname(), clock.nowMs()]);
    // Others read only what is committed; whoever comes in between the two wins, and the next line says so.
    lock.run('commit');
    lock.run('begin immediate');
  } catch (error) {
    const refusal = error instanceof StoreError && error.code === 'in-use' ? inUse(path, lock, error) : error;
    lock.close();
    throw refusal;
  }
  return {
    release() {
      lock.run('rollback');
      lock.close();
    },
  };
}

function inUse(path: string, lock: LibsqlConnection, cause: StoreError): StoreError {
  let owner = 'another process';
  try {
    const [row] = lock.run<{ pid: number; host: string; since_ms: number }>(
      'select pid, host, since_ms from owner',
    ).rows;
    if (row) owner = `process ${row.pid} on ${row.host}, since ${new Date(row.since_ms).toISOString()}`;
  } catch {
    // The owner is just writing its row.
  }
  return new StoreError(
    'in-use',
    `the store ${path} is in use by ${owner}: wait for it or end it; a \`causeway run\` elsewhere needs a store of its own, or PostgreSQL`,
    cause,
  );
}
