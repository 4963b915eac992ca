import type { FolderTree } from '#model/folder.ts';
import { type LinkRow, orphanId, type UnclaimedRow } from '#model/link.ts';
import { newLinkId } from '../pass/pass-core.ts';
import type { PassContext } from './pass-context.ts';

/**
 * Copies of ours that no source item claimed although the whole source was read: their items were deleted while the database
 * was lost. They are treated as deleted from now on, which gives them a pass to be claimed after all, the budget of deletions, and
 * recoverable removal. A second copy under one stamp was made by a person and is left alone.
 *
 * @returns false when nobody can tell yet whose copies these are: the pair is not in step before that.
 */
export async function missOrphans(context: PassContext, left: FolderTree): Promise<boolean> {
  const { store, pair } = context;
  // Once the pair is in step every copy of ours was linked, and one without a link was made by a person: it may outlive its original.
  if (context.plan !== null || pair.state === 'in-step') return true;
  if ((await store.unclaimedCount(pair.id)) === 0) return true;
  if (!(await everythingWasRead(context, left))) return false;
  const free = await store.unclaimed(pair.id, 5000);
  const linked = new Set(
    (
      await store.linksByStamp(
        pair.id,
        free.map((u) => u.stampKey),
      )
    ).map((l) => l.stampKey),
  );
  const folders = new Set(
    [...context.rows.values()].flatMap((r) => (r.right && r.excluded === null && !r.rightGone ? [r.right] : [])),
  );
  const byStamp = new Map<string, UnclaimedRow[]>();
  for (const copy of free) byStamp.set(copy.stampKey, [...(byStamp.get(copy.stampKey) ?? []), copy]);
  const orphans = [...byStamp.values()].flatMap(([only, ...more]) =>
    only && more.length === 0 && !linked.has(only.stampKey) && folders.has(only.right.folder) ? [only] : [],
  );
  if (orphans.length === 0) return true;
  const leftOf = new Map([...context.rows.values()].map((r) => [r.right, r.left]));
  await context.commit({
    links: orphans.map(
      (copy): LinkRow => ({
        id: newLinkId(context),
        leftId: orphanId(copy.stampKey),
        leftFolder: leftOf.get(copy.right.folder) ?? left.root,
        leftVersion: copy.right.version,
        leftSizeBytes: 0,
        rightId: copy.right.id,
        rightFolder: copy.right.folder,
        rightVersion: copy.right.version,
        searchKey: copy.searchKey,
        fingerprint: copy.fingerprint,
        stampKey: copy.stampKey,
        state: 'left-gone',
        goneSincePass: context.pass,
        touched: [],
        seenLeft: copy.right.state,
        seenRight: copy.right.state,
      }),
    ),
    unclaimedTaken: orphans.map((o) => o.right.id),
  });
  return true;
}

async function everythingWasRead(context: PassContext, left: FolderTree): Promise<boolean> {
  const marks = new Map(left.folders.map((f) => [f.id, f.mark]));
  for (const row of context.rows.values()) {
    if (row.right === null || row.excluded !== null || row.rightGone || row.goneSincePass !== null) continue;
    const isRead = context.readThrough.has(row.left) || row.leftMark === (marks.get(row.left) ?? null);
    if (row.leftCursor === null || !isRead) return false;
  }
  const { store, pair } = context;
  return (
    (await store.intents(pair.id)).length === 0 &&
    (await store.quarantine({ pair: pair.id, retry: true }, 1)).length === 0
  );
}
