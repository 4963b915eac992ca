import { readFileSync } from 'node:fs';
import type { PoolConfig } from 'pg';
import pg from 'pg';
import { AssertionFailure } from '#kit/assert.ts';
import { StoreError } from '../store-error.ts';

export interface ConnectionOptions {
  readonly pool: PoolConfig;
  /** Host and database, for messages: no user, no password. */
  readonly where: string;
}

/** Longest a statement may run: far above any of ours, below a lease's takeover by an operator's patience. */
const STATEMENT_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const INT8_OID = 20;
/**
 * Every query of the store goes along an index, row by row. Right after a first pass PostgreSQL has no statistics yet and may prefer
 * to read a partition as a whole, 20 times slower; it is told not to.
 */
const PLANNER = '-c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off';

/**
 * `postgres://user:password@host:port/database?…` with libpq's names: `sslmode` disable, require, verify-ca or verify-full, `sslrootcert`,
 * `sslcert`, `sslkey` as files. With TLS the certificate is always verified; there is no mode that does not.
 */
export function connectionOptions(text: string, connectionsMax: number): ConnectionOptions {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The message of the parser would repeat the URL, and with it the password.
    throw new StoreError('bad-url', 'the store’s URL cannot be read: write `postgres://user@host/database`');
  }
  const take = (name: string): string | null => {
    const value = url.searchParams.get(name);
    url.searchParams.delete(name);
    return value;
  };
  const mode = take('sslmode') ?? 'disable';
  if (!['disable', 'require', 'verify-ca', 'verify-full'].includes(mode))
    throw new StoreError('bad-url', `sslmode=${mode} is not known: use disable or verify-full`);
  const file = (name: string): string | undefined => {
    const path = take(name);
    if (path === null) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new StoreError('bad-url', `${name}=${path} cannot be read`, error);
    }
  };
  const [ca, cert, key] = [file('sslrootcert'), file('sslcert'), file('sslkey')];
  take('uselibpqcompat');
  const options = [take('options'), PLANNER].filter(Boolean).join(' ');
  const ssl =
    mode === 'disable'
      ? false
      : { rejectUnauthorized: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return {
    where: `PostgreSQL at ${url.host || 'the local socket'}${url.pathname}`,
    pool: {
      connectionString: url.href,
      ssl,
      max: connectionsMax,
      application_name: 'causeway',
      options,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
    },
  };
}

/** bigint as a JavaScript number; what a double cannot hold is refused, never rounded. Everything else as pg does it. */
function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid !== INT8_OID || format === 'binary') return pg.types.getTypeParser(oid, format as 'text');
  return (value) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new AssertionFailure(`the store holds a number beyond 2^53: ${value}`);
    return number;
  };
}
