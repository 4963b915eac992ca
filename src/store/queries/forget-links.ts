import type { LinkId } from '#model/ids.ts';
import type { Sql } from '../database.ts';
import { uuidBytes } from '../hashes.ts';
import type { Engine } from '../migrations/migration.ts';
import { inPieces } from '../padded.ts';
import { countLive } from './count-live.ts';

/** Links of mail, and of typed items, with the tables of their snapshots. */
const snapshotTables = { link: 'snapshot', typed_link: 'typed_snapshot' } as const;

/**
 * Forgets links with their snapshots, by the primary keys.
 * @returns by how many the number of live links changed.
 */
export async function forgetLinks(
  trx: Sql,
  engine: Engine,
  table: keyof typeof snapshotTables,
  pairNo: number,
  forgotten: readonly LinkId[],
): Promise<number> {
  if (forgotten.length === 0) return 0;
  const ids = [...new Set(forgotten)].map(uuidBytes);
  const liveBefore = await countLive(trx, engine, table, pairNo, ids);
  await inPieces(ids, async (piece) => {
    await trx.deleteFrom(table).where('pair_no', '=', pairNo).where('id', 'in', piece).execute();
    await trx.deleteFrom(snapshotTables[table]).where('pair_no', '=', pairNo).where('link_id', 'in', piece).execute();
    return [];
  });
  return -liveBefore;
}
