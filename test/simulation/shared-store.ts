import { SteppingClock } from '#kit/stepping-clock.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';

const quiet = { info: () => {}, warn: () => {} };
/** What worlds leave behind, journal and history, slows nobody down so far. */
const WORLDS_MAX = 500;

let current: { readonly store: Store; lent: number } | null = null;

/**
 * A database in memory for one world after the other, each with a pair of its own: opening one takes longer than many a world lives.
 *
 * @returns the store, and a number that no other world of it has.
 */
export async function borrowStore(): Promise<{ readonly store: Store; readonly no: number }> {
  if (current !== null && current.lent >= WORLDS_MAX) {
    await current.store.close();
    current = null;
  }
  current ??= { store: await openStore('sqlite::memory:', { clock: new SteppingClock(0), log: quiet }), lent: 0 };
  return { store: current.store, no: ++current.lent };
}

/** A fault as a life tells it: without the number that its world has in the database, since the same life has another one there. */
export const told = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.replace(/ \d+(?= is held)/, '')}` : String(error);
