import { StoreError } from '../store-error.ts';
import { errorCode, isRetryable } from './retryable.ts';

/** The error in words that say what to do, or the error itself when it is none of the operator's. `where` holds no secret. */
export function postgresError(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const code = errorCode(error);
  switch (code) {
    case '28P01':
    case '28000':
      return new StoreError(
        'unreachable',
        `${where} refused the sign-in: check user and password of the store’s URL, and pg_hba.conf`,
        error,
      );
    case '3D000':
      return new StoreError(
        'unreachable',
        `there is no such database at ${where}: create it first (\`createdb\`)`,
        error,
      );
    case '42501':
      return new StoreError(
        'unreachable',
        `the user may not work in ${where}: grant it create and usage on the schema`,
        error,
      );
    case '53100':
      return new StoreError(
        'disk-full',
        `the disk of ${where} is full: free some space; nothing that was recorded is lost`,
        error,
      );
    case '25006':
      return new StoreError(
        'read-only',
        `${where} is read-only, as a standby is: point the store at the primary`,
        error,
      );
    case '23505':
      return new StoreError('contradiction', `the commit contradicts what is recorded: ${error.message}`, error);
    case 'ENOTFOUND':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_HAS_EXPIRED':
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return new StoreError(
        'unreachable',
        `no trusted connection to ${where}: ${error.message}; name the certificate authority with sslrootcert`,
        error,
      );
    default:
      return isRetryable(error)
        ? new StoreError('unreachable', `${where} does not answer: ${error.message}`, error)
        : error;
  }
}
