import type { Sql } from '../database.ts';

/**
 * Forgets what a pass can find again: links, snapshots, folders with their cursors and marks, intents, unclaimed copies. Keeps
 * quarantine, journal, history, counted deletions and the pinned mailboxes. Folder numbers stay, because they are remembered.
 */
export async function forgetPair(trx: Sql, pairNo: number): Promise<void> {
  for (const table of ['link', 'snapshot', 'folder', 'intent', 'unclaimed'] as const)
    await trx.deleteFrom(table).where('pair_no', '=', pairNo).execute();
  await trx
    .updateTable('pair')
    .set({ links: 0, folders: 0, state: 'new', stopped_because: null })
    .where('no', '=', pairNo)
    .execute();
}
