import type { Sql } from '../database.ts';
import type { Forgetting } from '../store.ts';
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
 * that is forgotten stood for may still be on its way; without one nothing is, once the pair was in step, but what the store never knew.
 */
export async function forgetPair(trx: Sql, pairNo: number, nowMs: number, { lostAtMs }: Forgetting): Promise<void> {
  const pair = await trx
    .selectFrom('pair')
    .select(['state', 'known_since_ms'])
    .where('no', '=', pairNo)
    .executeTakeFirstOrThrow();
  let isAnyOpen = false;
  for (const table of found) {
    const { numDeletedRows } = await trx.deleteFrom(table).where('pair_no', '=', pairNo).executeTakeFirstOrThrow();
    isAnyOpen ||= (table === 'intent' || table === 'typed_intent') && numDeletedRows > 0n;
  }
  const knownSinceMs = pair.state === 'in-step' ? 0 : pair.known_since_ms;
  await trx
    .updateTable('pair')
    .set({
      links: 0,
      folders: 0,
      state: 'new',
      stopped_because: null,
      ringing: null,
      known_since_ms: isAnyOpen ? nowMs : Math.max(knownSinceMs, Math.round(lostAtMs ?? 0)),
    })
    .where('no', '=', pairNo)
    .execute();
}
