import type { Clock } from '#kit/clock.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import { plainStore } from './plain-store.ts';

const quiet = { info: () => {}, warn: () => {} };
/** What worlds leave behind, journal and history, slows nobody down so far. */
const WORLDS_MAX = 500;

/** Where lives are remembered: a database in memory, or plain maps, which take a tenth of the time. */
export const storeKinds = ['sqlite', 'plain'] as const;
export type StoreKind = (typeof storeKinds)[number];

/** Tells the time of the world that has the store, which may be earlier than in the world before. */
class WorldClock extends SteppingClock {
  world: Pick<Clock, 'nowMs'> | null = null;

  override nowMs(): number {
    return this.world?.nowMs() ?? super.nowMs();
  }
}

export interface Borrowed {
  readonly store: Store;
  readonly no: number;
  goBy(clock: Clock): void;
}

interface Lent {
  readonly store: Store;
  readonly clock: WorldClock;
  lent: number;
}

const current = new Map<StoreKind, Lent>();

async function open(kind: StoreKind): Promise<Lent> {
  const clock = new WorldClock(0);
  const store = kind === 'plain' ? plainStore(clock) : await openStore('sqlite::memory:', { clock, log: quiet });
  return { store, clock, lent: 0 };
}

/**
 * A store for one world after the other, each with a pair of its own: opening a database takes longer than many a world lives.
 *
 * @returns the store, a number that no other world of it has, and what makes it go by the clock of the world.
 */
export async function borrowStore(kind: StoreKind): Promise<Borrowed> {
  let shared = current.get(kind);
  if (!shared || kind === 'plain' || shared.lent >= WORLDS_MAX) {
    await shared?.store.close();
    shared = await open(kind);
    current.set(kind, shared);
  }
  const { store, clock } = shared;
  const goBy = (of: Clock) => {
    clock.world = of;
  };
  return { store, no: ++shared.lent, goBy };
}

/** A fault as a life tells it: without the number that its world has in the database, since the same life has another one there. */
export const told = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.replace(/ \d+(?= is held)/, '')}` : String(error);
