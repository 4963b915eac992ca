import type { TypedConflict } from '#engine/merge-typed.ts';
import { hash128 } from '#model/stamp.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import type { Commit, PairRow, Store } from '#store/store.ts';
import type { TypedContext } from './typed-context.ts';

export type JournalEntry = NonNullable<Commit['journal']>[number];

/** A value that lost, as the journal keeps it. */
export const journalOf = (
  { clock }: Pick<TypedContext, 'clock'>,
  link: TypedLinkRow['id'],
  { outcome, field, day, base, left, right, winner, why }: TypedConflict,
): JournalEntry => ({
  atMs: clock.nowMs(),
  link,
  field,
  day,
  base,
  left,
  right,
  winner,
  why: `${outcome}: ${why}`,
});

/** Entries that a pass which broke off may have left. */
const lookedBackAt = 1_000;

/**
 * What is told before it is done may have to be done again: because somebody else wrote at the same time, because the request failed, or
 * because the process died. Then it is not told again, unless it has been put back since.
 */
export class ToldConflicts {
  readonly #told = new Set<string>();
  readonly #store: Store;
  readonly #pair: PairRow;
  #isLookedUp: boolean;

  /** @param isOpen Whether earlier passes left something undone. */
  constructor(store: Store, pair: PairRow, isOpen: boolean) {
    this.#store = store;
    this.#pair = pair;
    this.#isLookedUp = !isOpen;
  }

  /** Those that nobody has been told of; they count as told from now on. */
  async news(entries: readonly JournalEntry[]): Promise<readonly JournalEntry[]> {
    if (entries.length === 0) return [];
    if (!this.#isLookedUp) {
      for (const row of await this.#store.journal({ pair: this.#pair.id }, lookedBackAt))
        if (row.restoredAtMs === null) this.#told.add(keyOf(row));
      this.#isLookedUp = true;
    }
    return entries.filter((entry) => {
      const key = keyOf(entry);
      return !this.#told.has(key) && this.#told.add(key);
    });
  }
}

const keyOf = ({ link, field, day, left, right, winner }: JournalEntry): string =>
  hash128(JSON.stringify([link, field, day, left, right, winner]));
