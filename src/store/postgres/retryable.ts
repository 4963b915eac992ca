/**
 * Failures that pass by themselves, as SQLSTATE (https://www.postgresql.org/docs/15/errcodes-appendix.html) or as Node's code of a
 * broken connection. The one list of them.
 */
const retryableCodes: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up, or a standby being promoted
  '08000', // connection_exception
  '08001', // sqlclient_unable_to_establish_sqlconnection
  '08003', // connection_does_not_exist
  '08006', // connection_failure
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

export function isRetryable(error: unknown): boolean {
  const code = errorCode(error);
  // pg gives no code to a connection that ended in the middle of a query.
  return code === null ? isBrokenConnection(error) : retryableCodes.has(code);
}

/** The connection is gone, so nobody knows what became of a `commit` that was on its way. */
export function isBrokenConnection(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== null) return !/^[0-9A-Z]{5}$/.test(code) || code.startsWith('08') || code.startsWith('57P0');
  return (
    error instanceof Error &&
    /connection (?:terminated|ended|timeout)|timeout exceeded when trying to connect|client was closed|not queryable/i.test(
      error.message,
    )
  );
}

export function errorCode(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : null;
}
