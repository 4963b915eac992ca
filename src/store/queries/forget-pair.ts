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
 * quarantine, journal, history, counted deletions and the pinned mailboxes. Folder numbers stay, because they are remembered. What an intent
 * that is forgotten stood for may still be on its way.
 */
export async function forgetPair(trx: Sql, pairNo: number, nowMs: number): Promise<void> {
  await trx
    .updateTable('pair')
    .set({ known_since_ms: nowMs })
    .where('no', '=', pairNo)
    .where((eb) =>
      eb.or(
        (['intent', 'typed_intent'] as const).map((table) =>
          eb.exists(eb.selectFrom(table).select('pair_no').where('pair_no', '=', pairNo)),
        ),
      ),
    )
    .execute();
  for (const table of found) await trx.deleteFrom(table).where('pair_no', '=', pairNo).execute();
  await trx
    .updateTable('pair')
    .set({ links: 0, folders: 0, state: 'new', stopped_because: null, ringing: null })
    .where('no', '=', pairNo)
    .execute();
}
