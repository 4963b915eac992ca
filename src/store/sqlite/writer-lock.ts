import { hostname } from 'node:os';
import type { Clock } from '#kit/clock.ts';
import type { OwnersDoor } from '../beside/store-listener.ts';
import { StoreError } from '../store-error.ts';
import { LibsqlConnection } from './libsql-connection.ts';

export interface WriterLock {
  release(): void;
}

/** The process that holds the lock. */
export interface StoreOwner {
  readonly pid: number;
  readonly host: string;
  readonly sinceMs: number;
  /** Null: nobody can come to it. */
  readonly door: OwnersDoor | null;
}

/** Called once nobody else can take the lock, with the address of the owner before, if it left one. */
export type OpenDoor = (left: string | null) => Promise<OwnersDoor | null>;

/** Somebody else owns the store. */
export class OwnedByOther extends StoreError {
  /** Null: it is just writing down who it is. */
  readonly owner: StoreOwner | null;
  constructor(path: string, owner: StoreOwner | null, advice: string, cause?: unknown) {
    super(
      'in-use',
      `the store ${path} is in use by ${owner === null ? 'another process' : textOf(owner)}: ${advice}`,
      cause,
    );
    this.owner = owner;
  }
}

/**
 * Makes sure that one process writes to the store: with two of them one starved for seconds, which is a missed heartbeat.
 *
 * The lock is a SQLite database of its own beside the store, `PATH.lock`, in which the owner keeps a write transaction open. The
 * operating system gives it up when the owner dies, however it dies, so there is no stale lock to judge; others can still
 * read the row that says who it is, and how to reach it.
 */
export async function takeWriterLock(path: string, clock: Clock, openDoor: OpenDoor): Promise<WriterLock> {
  const lock = new LibsqlConnection(`${path}.lock`, { busyTimeoutMs: 0 });
  try {
    lock.run('pragma journal_mode = delete');
    lock.run('pragma synchronous = off');
    lock.run('begin immediate');
    const door = await openDoor(ownerIn(lock)?.door?.address ?? null);
    // Made anew: the table of an older program has fewer columns.
    lock.run('drop table if exists owner');
    lock.run(
      'create table owner (pid integer not null, host text not null, since_ms integer not null, address text, key text) strict',
    );
    lock.run('insert into owner values (?, ?, ?, ?, ?)', [
      process.pid,
      hostname(),
      clock.nowMs(),
      door?.address ?? null,
      door?.key ?? null,
    ]);
    // Others read only what is committed; whoever comes in between the two wins, and the next line says so.
    lock.run('commit');
    lock.run('begin immediate');
  } catch (error) {
    const refusal =
      error instanceof StoreError && error.code === 'in-use'
        ? new OwnedByOther(path, ownerIn(lock), 'wait for it or end it', error)
        : error;
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

const textOf = ({ pid, host, sinceMs }: StoreOwner): string =>
  `process ${pid} on ${host}, since ${new Date(sinceMs).toISOString()}`;

interface OwnerRow {
  readonly pid: number;
  readonly host: string;
  readonly since_ms: number;
  readonly address?: string | null;
  readonly key?: string | null;
}

function ownerIn(lock: LibsqlConnection): StoreOwner | null {
  try {
    const [row] = lock.run<OwnerRow>('select * from owner').rows;
    if (row === undefined) return null;
    const { pid, host, since_ms: sinceMs, address, key } = row;
    return { pid, host, sinceMs, door: address == null || key == null ? null : { address, key } };
  } catch {
    // There is none yet, or the owner is just writing its row.
    return null;
  }
}
