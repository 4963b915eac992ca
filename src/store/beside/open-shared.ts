import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Clock } from '#kit/clock.ts';
import type { OpenStore, StoreLog } from '../open-store.ts';
import { sqlStore } from '../sql-store.ts';
import { openSqlite } from '../sqlite/open-sqlite.ts';
import { OwnedByOther, type StoreOwner } from '../sqlite/writer-lock.ts';
import { WakeBell } from '../wake-bell.ts';
import { joinOwner, type Refusal } from './join-owner.ts';
import { StoreListener } from './store-listener.ts';

export interface SharedOptions {
  readonly clock: Clock;
  readonly version: string;
  readonly log: StoreLog;
}

/** An owner that begins or ends is not there for a moment. */
const PATIENCE_MS = 10_000;
/** Where it seems that there is no way to it; what the lock says may still be of the owner before. */
const HOPELESS_MS = 1_000;
const PAUSE_MS = 50;

/**
 * A SQLite store to write to. The first process on a machine that asks owns the file, and listens; the others work through it.
 *
 * @param path Of the file.
 */
export async function openShared(path: string, options: SharedOptions): Promise<OpenStore> {
  const { clock, version } = options;
  const sinceMs = clock.monotonicMs();
  for (;;) {
    try {
      return await own(path, options);
    } catch (error) {
      if (!(error instanceof OwnedByOther)) throw error;
      const { owner } = error;
      let refusal: Refusal = { because: 'again' };
      if (owner?.door) {
        const joined = await joinOwner(owner.door, version, clock);
        if (!('because' in joined)) return joined;
        refusal = joined;
      }
      const isHopeless = owner !== null && (owner.door === null || owner.host !== hostname());
      const isOver = clock.monotonicMs() - sinceMs > (isHopeless ? HOPELESS_MS : PATIENCE_MS);
      if (refusal.because !== 'again' || isOver)
        throw new OwnedByOther(path, owner, adviceOn(owner, refusal, version), error);
    }
    await clock.sleep(PAUSE_MS);
  }
}

async function own(path: string, { clock, version, log }: SharedOptions): Promise<OpenStore> {
  const listener = new StoreListener({ path: resolve(path), version, log });
  const bell = new WakeBell(clock);
  try {
    const db = await openSqlite(path, { clock, bell, openDoor: listener.open });
    const store = sqlStore(db, { clock, bell });
    listener.serve(store);
    return { ...store, close: () => listener.close(() => store.close()) };
  } catch (error) {
    await listener.close(async () => {});
    throw error;
  }
}

/** What to do about an owner that cannot be worked through. */
function adviceOn(owner: StoreOwner | null, refusal: Refusal, version: string): string {
  switch (refusal.because) {
    case 'version':
      return `it is causeway ${refusal.version} and this is ${version}; run the command with the same program, or end that process first`;
    case 'other-account':
      return 'it runs under another account; run the command under that account';
    case 'no-answer':
      return 'it does not answer; look whether it is stopped or hangs, and end it if it does. Everything that was recorded is safe';
    case 'again':
      if (owner !== null && owner.host !== hostname())
        return 'it runs on another machine; run the command there, or use PostgreSQL for more than one machine';
      return owner?.door === null
        ? 'it lets nobody work beside it; wait for it or end it'
        : 'it cannot be reached from here (a container or a service with its own file system?); run the command where it runs, or end it first';
  }
}
