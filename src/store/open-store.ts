import type { Clock } from '#kit/clock.ts';
import { followingStore } from './beside/following-store.ts';
import { openShared } from './beside/open-shared.ts';
import { openPostgres } from './postgres/open-postgres.ts';
import { sqlStore } from './sql-store.ts';
import { openSqlite } from './sqlite/open-sqlite.ts';
import type { Store } from './store.ts';
import { StoreError } from './store-error.ts';
import { WakeBell, type WakeKinds } from './wake-bell.ts';

/** What the store says to the log; pino's shape. Never given a secret. */
export interface StoreLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** A store in the process that opened it. */
export interface OpenStore extends Store {
  /** Calls the listener whenever new work may be there, for those who pass it on. @returns ends it. */
  onWake(listener: (kinds: WakeKinds) => void): () => void;
}

export interface StoreOptions {
  readonly clock: Clock;
  readonly log: StoreLog;
  /** Only looks, beside the process that owns the store. Matters for SQLite, whose file one process may write. */
  readonly readOnly?: boolean;
  /** Version of the program. Processes of different ones do not write to a SQLite store side by side. */
  readonly version?: string;
}

/**
 * @param url `sqlite:PATH`, `sqlite::memory:` or `postgres://…` (PostgreSQL 15 or newer; TLS by `?sslmode=verify-full&sslrootcert=FILE`).
 *   Throws `StoreError`, whose message says what to do.
 */
export async function openStore(
  url: string,
  { clock, log, readOnly = false, version = '' }: StoreOptions,
): Promise<OpenStore> {
  const bell = new WakeBell(clock);
  if (url.startsWith('sqlite:')) {
    const path = url.slice('sqlite:'.length);
    if (path === '') throw new StoreError('bad-url', 'the store `sqlite:` names no file: write `sqlite:causeway.db`');
    if (path === ':memory:' || readOnly)
      return sqlStore(await openSqlite(path, { clock, bell, readOnly }), { clock, bell });
    return followingStore(() => openShared(path, { clock, version, log }), clock);
  }

  if (/^postgres(?:ql)?:/.test(url)) return sqlStore(await openPostgres(url, { clock, bell, log }), { clock, bell });
  throw new StoreError('bad-url', 'the store must be `sqlite:PATH` or `postgres://…`');
}
