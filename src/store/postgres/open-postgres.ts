import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import type { Clock } from '#kit/clock.ts';
import type { Database, Sql } from '../database.ts';
import { migrations } from '../migrations/index.ts';
import { migrate } from '../migrations/migrate.ts';
import type { StoreLog } from '../open-store.ts';
import { StoreError } from '../store-error.ts';
import type { Tables } from '../tables.ts';
import type { WakeBell } from '../wake-bell.ts';
import { connectionOptions } from './connection-options.ts';
import { postgresError } from './postgres-errors.ts';
import { errorCode, isBrokenConnection, isRetryable } from './retryable.ts';
import { listenForWakes, WAKE_CHANNEL } from './wake-listener.ts';

/** Connections per process: a worker runs a few passes at a time, each of which waits for the network most of the time. */
const CONNECTIONS_MAX = 8;
const ATTEMPTS_MAX = 5;
const RETRY_MS = 50;
/** `server_version_num` of 15.0. */
const OLDEST_SERVER = 150_000;
/** Any constant of ours: so that processes that start together bring the schema up one after the other. */
const MIGRATION_LOCK = 8_214_773_001;

export interface PostgresOptions {
  readonly clock: Clock;
  readonly bell: WakeBell;
  readonly log: StoreLog;
}

export async function openPostgres(url: string, { clock, bell, log }: PostgresOptions): Promise<Database> {
  const { pool: options, where } = connectionOptions(url, CONNECTIONS_MAX);
  const pool = new pg.Pool(options);
  // Idle connections that break are replaced at the next use; without a listener pg would end the process.
  pool.on('error', (error) => log.warn({ code: errorCode(error) }, 'a connection to the store broke while idle'));
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

  /** Runs again what failed for a reason that passes by itself, unless it says that it must not. */
  async function persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await attempt();
      } catch (error) {
        if (tried >= ATTEMPTS_MAX || error instanceof StoreError || !isRetryable(error))
          throw postgresError(error, where);
        await clock.sleep(RETRY_MS * 2 ** tried);
      }
    }
  }

  try {
    await persist(() => refuseOldServer(db, where));
    await db.connection().execute(async (connection) => {
      await sql`select pg_advisory_lock(${MIGRATION_LOCK})`.execute(connection);
      try {
        await migrate(db, 'postgres', migrations);
      } finally {
        await sql`select pg_advisory_unlock(${MIGRATION_LOCK})`.execute(connection);
      }
    });
  } catch (error) {
    await db.destroy();
    throw postgresError(error, where);
  }
  const stopListening = listenForWakes(options, { clock, log, ring: () => bell.ring() });
  let closed = false;

  return {
    engine: 'postgres',
    pollMs: 500,
    read: (body) => persist(() => body(db)),
    async write(body, { wakes, isPassing = false } = {}) {
      return persist(async () => {
        const trx = await db.startTransaction().execute();
        let value: Awaited<ReturnType<typeof body>>;
        try {
          if (isPassing) await sql`set local synchronous_commit = off`.execute(trx);
          value = await body(trx);
          if (wakes?.(value)) await sql`select pg_notify(${WAKE_CHANNEL}, '')`.execute(trx);
        } catch (error) {
          // On a broken connection the server rolls back by itself.
          await trx
            .rollback()
            .execute()
            .catch(() => {});
          throw error;
        }
        try {
          await trx.commit().execute();
        } catch (error) {
          if (!isBrokenConnection(error)) throw error;
          // Doing it again might count twice. Whoever asked reads the store and goes on from what is there.
          throw new StoreError(
            'outcome-unknown',
            `the connection to ${where} broke during a commit, which may or may not be recorded`,
            error,
          );
        }
        return value;
      });
    },
    async close() {
      if (closed) return;
      closed = true;
      await stopListening();
      await db.destroy();
    },
  };
}

async function refuseOldServer(db: Sql, where: string): Promise<void> {
  const { rows } = await sql<{ version: number; name: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name`.execute(
    db,
  );
  const [server] = rows;
  if (!server || server.version < OLDEST_SERVER)
    throw new StoreError(
      'too-old-server',
      `${where} is version ${server?.name ?? 'unknown'}: PostgreSQL 15 or newer is needed`,
    );
}
