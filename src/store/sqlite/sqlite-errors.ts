import { AssertionFailure } from '#kit/assert.ts';
import { StoreError } from '../store-error.ts';

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html); extended codes carry them in the low byte. */
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;

/** The error in words that say what to do, or the error itself when it is none of the operator's. */
export function sqliteError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreError || error instanceof AssertionFailure) return error;
  switch (primaryCode(error)) {
    case SQLITE_BUSY:
      return new StoreError('in-use', `${path} is locked by another process; end it and start again`, error);
    case SQLITE_READONLY:
      return new StoreError(
        'read-only',
        `${path} cannot be written: give this account write access to the file and its folder, and check that the disk is not mounted read-only`,
        error,
      );
    case SQLITE_FULL:
      return new StoreError(
        'disk-full',
        `there is no room to write ${path}: free some space and start again; nothing that was recorded is lost`,
        error,
      );
    case SQLITE_IOERR:
      return new StoreError(
        'disk-failed',
        `reading or writing ${path} failed: look at the disk, its free space and the system log (${error.message})`,
        error,
      );
    case SQLITE_CANTOPEN:
      return new StoreError(
        'cannot-open',
        `${path} cannot be opened: its folder must exist and be writable by this account`,
        error,
      );
    case SQLITE_CORRUPT:
      return new StoreError(
        'corrupt',
        `${path} is damaged: put back a backup, or remove the file and run \`causeway relink\`, which finds the copies by their stamps`,
        error,
      );
    case SQLITE_NOTADB:
      return new StoreError('not-a-store', `${path} is not a SQLite database: name another file`, error);
    case SQLITE_CONSTRAINT:
      return new StoreError('contradiction', `the commit contradicts what is recorded: ${error.message}`, error);
    default:
      return error;
  }
}

function primaryCode(error: Error & { rawCode?: unknown }): number | null {
  if (typeof error.rawCode === 'number') return error.rawCode & 0xff;
  // Opening fails with a plain error that ends in the code.
  const opening = /^ConnectionFailed\(".*: (\d+)"\)$/s.exec(error.message);
  return opening ? Number(opening[1]) & 0xff : null;
}
