import type { PairId } from '#model/ids.ts';
import type { Sql } from './database.ts';
import { StoreError } from './store-error.ts';

/** Numbers of pairs never change, so reads outside of transactions remember them. */
export class PairNumbers {
  readonly #known = new Map<PairId, number>();

  /** @returns null for a pair that was never put into the store. */
  async find(sql: Sql, id: PairId): Promise<number | null> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const row = await sql.selectFrom('pair').select('no').where('id', '=', id).executeTakeFirst();
    if (!row) return null;
    this.#known.set(id, row.no);
    return row.no;
  }

  /** Inside a transaction: nothing is remembered, because it may still be undone. */
  async mustFind(trx: Sql, id: PairId): Promise<number> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const row = await trx.selectFrom('pair').select('no').where('id', '=', id).executeTakeFirst();
    if (!row)
      throw new StoreError(
        'unknown-pair',
        `the store knows no pair ${id}: start from the project file, which puts it there`,
      );
    return row.no;
  }
}
