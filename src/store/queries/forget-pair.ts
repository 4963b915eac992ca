import type { Sql } from '../database.ts';
import type { Tables } from '../tables.ts';

const found = [
  'link',
  'snapshot',
  'folder',
  'intent',
  'unclaimed',
  'outlived',
  'typed_link',
  'typed_snapshot',
  'typed_intent',
  'unlinked',
] as const satisfies readonly (keyof Tables)[];

/**
 * Forgets what a pass can find again: links, snapshots, folders with their cursors and marks, intents, unclaimed and unlinked items. Keeps
 * quarantine, journal, history, counted deletions and the pinned mailboxes. Folder numbers stay, because they are remembered.
 */
export async function forgetPair(trx: Sql, pairNo: number): Promise<void> {
  for (const table of found) await trx.deleteFrom(table).where('pair_no', '=', pairNo).execute();
  await trx
    .updateTable('pair')
    .set({ links: 0, folders: 0, state: 'new', stopped_because: null, ringing: null })
    .where('no', '=', pairNo)
    .execute();
}
