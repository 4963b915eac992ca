import { sql } from 'kysely';
import type { Clock } from '#kit/clock.ts';
import type { PairId } from '#model/ids.ts';
import { printable } from '../codecs.ts';
import type { Sql } from '../database.ts';
import type { FolderRefCache } from '../folder-refs.ts';
import type { Engine } from '../migrations/migration.ts';
import type { PairNumbers } from '../pair-numbers.ts';
import type { Claim, Commit } from '../store.ts';
import { fence } from './fence.ts';
import { forgetLinks } from './forget-links.ts';
import { forgetPair } from './forget-pair.ts';
import { countFolders, forgetFolders, writeFolders } from './write-folders.ts';
import { resolveIntents, writeIntents } from './write-intents.ts';
import { writeLinks } from './write-links.ts';
import { writeOutlived } from './write-outlived.ts';
import { countQuarantine, leaveQuarantine, writeQuarantine } from './write-quarantine.ts';
import { markRestored, writeHistory, writeJournal } from './write-records.ts';
import { resolveTypedIntents, writeTypedIntents } from './write-typed-intents.ts';
import { writeTypedLinks } from './write-typed-links.ts';
import { takeUnclaimed, writeUnclaimed } from './write-unclaimed.ts';
import { takeUnlinked, writeUnlinked } from './write-unlinked.ts';

/** How long deletions are remembered: the budget looks back 24 hours, and clocks may jump. */
const DELETIONS_KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Everything a pass found out and did, in the transaction it is given. What is forgotten goes first, so that a link may take over
 * the item ids of another one that ends in the same commit.
 */
export async function commitResults(
  trx: Sql,
  {
    engine,
    numbers,
    refs,
    clock,
  }: {
    readonly engine: Engine;
    readonly numbers: PairNumbers;
    readonly refs: FolderRefCache;
    readonly clock: Clock;
  },
  pair: PairId,
  claim: Claim | null,
  commit: Commit,
): Promise<void> {
  if (claim) await fence(trx, engine, claim);
  const pairNo = await numbers.mustFind(trx, pair);
  // Commits of one pair go one after the other, or two of them would give the same number to different folders.
  if (engine === 'postgres')
    await trx.selectFrom('pair').select('no').where('no', '=', pairNo).forNoKeyUpdate().execute();

  if (commit.forgetsAll) await forgetPair(trx, pairNo, Math.round(clock.nowMs()), commit.forgetsAll);
  await forgetFolders(trx, pairNo, commit.foldersForgotten ?? []);
  await writeFolders(trx, engine, pairNo, commit.folders ?? []);
  const ended = await forgetLinks(trx, engine, 'link', pairNo, commit.linksForgotten ?? []);
  const begun = await writeLinks(trx, engine, refs, pairNo, commit.links ?? []);
  const typedEnded = await forgetLinks(trx, engine, 'typed_link', pairNo, commit.typedLinksForgotten ?? []);
  const typedBegun = await writeTypedLinks(trx, engine, refs, pairNo, commit.typedLinks ?? []);
  await resolveIntents(trx, pairNo, commit.intentsResolved ?? []);
  await writeIntents(trx, engine, pairNo, commit.intents ?? []);
  await resolveTypedIntents(trx, pairNo, commit.typedIntentsResolved ?? []);
  await writeTypedIntents(trx, engine, pairNo, commit.typedIntents ?? []);
  await takeUnclaimed(trx, pairNo, commit.unclaimedTaken ?? []);
  await writeUnclaimed(trx, engine, pairNo, commit.unclaimed ?? []);
  await writeOutlived(trx, engine, pairNo, commit.outlived ?? []);
  await takeUnlinked(trx, pairNo, commit.unlinkedTaken ?? []);
  await writeUnlinked(trx, engine, pairNo, commit.unlinked ?? []);
  await leaveQuarantine(trx, pairNo, commit.quarantineLeft ?? []);
  await writeQuarantine(trx, engine, pairNo, commit.quarantine ?? []);
  await writeJournal(trx, engine, pairNo, commit.journal ?? []);
  if (commit.journalRestored) await markRestored(trx, pairNo, commit.journalRestored);
  await writeHistory(trx, engine, pairNo, commit.history ?? []);
  if (commit.deletions && commit.deletions.count > 0) {
    const { count } = commit.deletions;
    const atMs = Math.round(commit.deletions.atMs);
    await trx.insertInto('deletion').values({ pair_no: pairNo, at_ms: atMs, count }).execute();
    await trx
      .deleteFrom('deletion')
      .where('pair_no', '=', pairNo)
      .where('at_ms', '<', atMs - DELETIONS_KEPT_MS)
      .execute();
  }
  await updatePair(trx, pairNo, commit, ended + begun + typedEnded + typedBegun);
}

/** State and counts: one update by primary key, so that status never has to count. */
async function updatePair(trx: Sql, pairNo: number, commit: Commit, liveLinks: number): Promise<void> {
  const { state, stoppedBecause, pass, lastPass, ringing, knownSinceMs, leftMailbox, rightMailbox, leftItems } =
    commit.pair ?? {};
  const conflicts = commit.journal?.length ?? 0;
  const set = {
    ...(state !== undefined && { state }),
    ...(stoppedBecause !== undefined && {
      stopped_because: stoppedBecause === null ? null : printable(stoppedBecause),
    }),
    ...(pass !== undefined && { pass }),
    ...(lastPass !== undefined && { last_pass: lastPass === null ? null : JSON.stringify(lastPass) }),
    ...(ringing !== undefined && { ringing: ringing === null ? null : JSON.stringify(ringing) }),
    ...(knownSinceMs !== undefined && { known_since_ms: knownSinceMs }),
    ...(leftMailbox !== undefined && { left_mailbox: leftMailbox }),
    ...(rightMailbox !== undefined && { right_mailbox: rightMailbox }),
    ...(leftItems !== undefined && { left_items: leftItems }),
    ...(liveLinks !== 0 && { links: sql<number>`links + ${liveLinks}` }),
    ...(commit.bytesCopied && { bytes_copied: sql<number>`bytes_copied + ${commit.bytesCopied}` }),
    ...(conflicts > 0 && { conflicts: sql<number>`conflicts + ${conflicts}` }),
    ...((commit.folders || commit.foldersForgotten) && { folders: await countFolders(trx, pairNo) }),
    ...((commit.quarantine || commit.quarantineLeft) && { quarantined: await countQuarantine(trx, pairNo) }),
  };
  if (Object.keys(set).length > 0) await trx.updateTable('pair').set(set).where('no', '=', pairNo).execute();
}
