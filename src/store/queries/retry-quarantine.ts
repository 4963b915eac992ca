import type { Sql } from '../database.ts';
import type { QuarantineFilter } from './read-quarantine.ts';

/** @returns how many rows will be tried again; those that were marked before count too. */
export async function retryQuarantine(trx: Sql, filter: QuarantineFilter): Promise<number> {
  let query = trx.updateTable('quarantine').set({ retry: 1 });
  if (filter.reason !== undefined) query = query.where('reason', '=', filter.reason);
  const { pair } = filter;
  if (pair !== undefined)
    query = query.where('pair_no', '=', (no) => no.selectFrom('pair').select('pair.no').where('pair.id', '=', pair));
  return Number((await query.executeTakeFirstOrThrow()).numUpdatedRows);
}
