import {
  cameFrom,
  contentMayDiffer,
  follow,
  joinLeft,
  type LeftDecision,
  type LeftKnowledge,
  leftQuestions,
} from '#engine/join-left.ts';
import { FaultError } from '#kit/fault.ts';
import type { Change } from '#model/change.ts';
import type { FolderTree } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId, Version } from '#model/ids.ts';
import type { FolderRow, LinkRow, UnclaimedRow } from '#model/link.ts';
import { type MailHead, mailFingerprint } from '#model/mail.ts';
import { firstIdOf, readStamp, type StampKey, stampKey } from '#model/stamp.ts';
import type { Commit } from '#store/store.ts';
import { history, newLinkId } from '../pass/pass-core.ts';
import { settledMark } from '../pass/settled-mark.ts';
import { type Creation, createItems } from './create-batch.ts';
import { type Follow, followItems } from './follow-items.ts';
import { type PassContext, pathOf, withRows } from './pass-context.ts';
import { settleForgotten } from './settle-forgotten.ts';
import { whoIsGone } from './who-is-gone.ts';

/** Reads what changed on the source and carries it out, folder by folder. Only folders whose mark moved, unless `everything`. */
export async function readLeft(context: PassContext, tree: FolderTree, everything: boolean): Promise<void> {
  for (const folder of tree.folders) {
    const row = context.rows.get(folder.id);
    if (!row || row.right === null || row.rightGone || row.excluded !== null) continue;
    if (!everything && folder.mark !== null && folder.mark === row.leftMark) continue;
    context.progress?.({ kind: 'folder', name: pathOf(context, folder.id) });
    await readLeftFolder(context, folder.id, settledMark(folder, row.leftMark));
  }
}

async function readLeftFolder(context: PassContext, folder: FolderId, mark: string | null): Promise<void> {
  let row = context.rows.get(folder) as FolderRow;
  let cursor: Cursor | null = row.leftCursor;
  const [known] = cursor === null ? await context.store.links(context.pair.id, { leftFolder: folder }, null, 1) : [];
  let listed: Set<ItemId> | null = known ? new Set() : null;
  /** A page of which something has to be looked at again holds the cursor where it was; later pages are carried out all the same. */
  let holding = false;
  /** Items were linked that the recorded cursor does not know: read again from it, the feed would not say that one of them was deleted. */
  let arrived = false;
  for (let complete = false; !complete; ) {
    context.checkpoint();
    let page: Awaited<ReturnType<typeof context.leftBox.changes>>;
    try {
      page = await context.leftBox.changes(folder, cursor, context.call());
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      // The folder went away between the tree and now: the next tree says so.
      if (error.fault.kind === 'gone') return;
      if (error.fault.kind !== 'cursor-lost' || cursor === null) throw error;
      cursor = null;
      listed = new Set();
      continue;
    }
    for (const [name, n] of Object.entries(page.oddities))
      context.counts.oddities[name] = (context.counts.oddities[name] ?? 0) + n;
    for (const change of page.changes) if (change.kind === 'upsert') listed?.add(change.head.id);
    const settled = await carryOutPage(context, row, page.changes, async () => {
      arrived = true;
      if (row.leftCursor !== null) await context.commit(withRows(context, [{ ...row, leftCursor: null }]));
    });
    holding ||= !settled;
    cursor = page.cursor;
    complete = page.complete;
    if (context.plan !== null) continue;
    if (listed !== null) {
      // What a new listing does not show is found at its end; until then there is no place to go on from.
      if (!complete) continue;
      await findUnlisted(context, folder, listed);
    }
    row = {
      ...row,
      leftCursor: holding ? (arrived ? null : row.leftCursor) : cursor,
      leftMark: complete && !holding ? mark : row.leftMark,
    };
    await context.commit(withRows(context, [row]));
  }
  if (holding) context.counts.held++;
  else context.readThrough.add(folder);
}

/**
 * @param arrive Called before items are linked that were not linked under these ids.
 * @returns false when something of the page could not be finished and the page must be read again.
 */
async function carryOutPage(
  context: PassContext,
  row: FolderRow,
  changes: readonly Change[],
  arrive: () => Promise<void>,
): Promise<boolean> {
  if (changes.length === 0) return true;
  for (const c of changes) {
    if (c.kind === 'unreadable')
      context.counts.oddities['unreadable change'] = (context.counts.oddities['unreadable change'] ?? 0) + 1;
  }
  const deleted = changes.flatMap((c) => (c.kind === 'delete' ? [c.id] : []));
  if (deleted.length > 0) await context.commit({ quarantineLeft: deleted });
  const decisions = await decide(context, changes, async (known) => {
    if (changes.some((c) => c.kind === 'upsert' && !known.byLeftId.has(c.head.id))) await arrive();
  });
  return carryOutDecisions(context, row, decisions, 'new on the source', new Map());
}

/**
 * What is to be done about a page, when nothing is on its way that would do the same.
 *
 * @param learn Called with what is known of the page in the end.
 */
export async function decide(
  context: PassContext,
  changes: readonly Change[],
  learn: (known: LeftKnowledge) => Promise<void> = async () => {},
): Promise<readonly LeftDecision[]> {
  const known = await knowledge(context, changes);
  const decisions = joinLeft(changes, known);
  if (await settleForgotten(context, sizesToCreate(decisions))) return decide(context, changes, learn);
  await learn(known);
  return decisions;
}

/** Sizes of mails of which a copy is made, or may be made in place of the one that is there. */
const sizesToCreate = (decisions: readonly LeftDecision[]): readonly number[] =>
  decisions.flatMap((d) => {
    if (d.do === 'create') return [d.head.facts.sizeBytes];
    if (d.do === 'follow') return d.inspect && d.head !== null ? [d.head.facts.sizeBytes] : [];
    return d.do === 'adopt' && mayHaveBeenEdited(d.head, d.copy) ? [d.head.facts.sizeBytes] : [];
  });

/** Gathers what the engine has to know about a page: links by id and of mails that are alike, free copies, and who is really gone. */
async function knowledge(context: PassContext, changes: readonly Change[]): Promise<LeftKnowledge> {
  const { store, pair } = context;
  const ids = changes.flatMap((c) => (c.kind === 'upsert' ? [c.head.id] : c.id ? [c.id] : []));
  const byLeftId = new Map((await store.linksById(pair.id, 'left', ids)).map((l) => [l.leftId, l]));
  const strangers = changes.flatMap((c) => (c.kind === 'upsert' && !byLeftId.has(c.head.id) ? [c.head] : []));
  const target = { organization: pair.right.organization, mailbox: context.rightMailbox };
  const returned = strangers.flatMap((h) => (h.stamp !== null && cameFrom(h, target) ? [stampKey(h.stamp)] : []));
  const [alike, stamped, unclaimed] = await Promise.all([
    linksAlike(context, strangers),
    returned.length > 0 ? store.linksByStamp(pair.id, returned) : [],
    freeCopies(context, strangers),
  ]);
  const byStamp = new Map<StampKey, LinkRow[]>();
  for (const link of stamped) byStamp.set(link.stampKey, [...(byStamp.get(link.stampKey) ?? []), link]);
  const questions = leftQuestions(changes, { byLeftId, alike, byStamp });
  const gone = await whoIsGone(context, context.leftBox, questions);
  return {
    byLeftId,
    alike,
    unclaimed,
    gone,
    policy: context.policy,
    rightFolderOf: (left) => rightFolderOf(context, left),
    target,
    byStamp,
  };
}

/** What one of them may be under another id. Most have a search key, and for those no fingerprint is needed. */
async function linksAlike({ store, pair }: PassContext, heads: readonly MailHead[]): Promise<readonly LinkRow[]> {
  const searchKeys = new Set(heads.flatMap(({ facts }) => facts.searchKey || []));
  const fingerprints = new Set(heads.flatMap(({ facts }) => (facts.searchKey ? [] : mailFingerprint(facts))));
  const links = await Promise.all([
    searchKeys.size > 0 ? store.linksBySearchKey(pair.id, [...searchKeys]) : [],
    fingerprints.size > 0 ? store.linksByFingerprint(pair.id, [...fingerprints]) : [],
  ]);
  return links.flat();
}

async function freeCopies(context: PassContext, heads: readonly MailHead[]): Promise<readonly UnclaimedRow[]> {
  if (heads.length === 0 || (await context.store.unclaimedCount(context.pair.id)) === 0) return [];
  const fingerprints = new Set(heads.map((h) => mailFingerprint(h.facts)));
  const copies = await stillThere(
    context,
    await context.store.unclaimedByFingerprint(context.pair.id, [...fingerprints]),
  );
  if (context.pair.state !== 'in-step') return copies;
  // Once the pair is in step an equal copy was made by a person, unless its stamp names the very item.
  const ids = new Set(heads.map((h) => firstIdOf(h.id)));
  return copies.filter((c) => ids.has(c.firstId));
}

/**
 * Not every feed says that a copy went away since it was found there: folders without a counterpart have no place to go on from, and of
 * others it may have been lost.
 */
async function stillThere(context: PassContext, copies: readonly UnclaimedRow[]): Promise<readonly UnclaimedRow[]> {
  const ids = copies.map(({ right }) => right.id);
  const gone = await whoIsGone(context, context.rightBox, ids);
  if (gone.size > 0) await context.commit({ unclaimedTaken: [...gone] });
  return copies.filter(({ right }) => !gone.has(right.id));
}

function rightFolderOf(context: PassContext, left: FolderId): FolderId | null {
  const row = context.rows.get(left);
  return row && row.excluded === null && !row.rightGone ? row.right : null;
}

/** @param attempts Tries before this one of items that come from the quarantine. */
export async function carryOutDecisions(
  context: PassContext,
  row: FolderRow,
  decisions: readonly LeftDecision[],
  reason: string,
  attempts: ReadonlyMap<ItemId, number>,
): Promise<boolean> {
  const links: LinkRow[] = [];
  const commit: { taken: ItemId[]; history: NonNullable<Commit['history']>[number][] } = { taken: [], history: [] };
  const creations: Creation[] = [];
  for (const d of decisions) {
    if (d.do === 'see') links.push(d.link);
    else if (d.do === 'missing') {
      if (d.link.state === 'live') links.push({ ...d.link, state: 'left-gone', goneSincePass: context.pass });
      else if (d.link.state === 'right-gone')
        links.push({ ...d.link, state: 'left-gone', goneSincePass: context.pass });
    } else if (d.do === 'create')
      creations.push({ head: d.head, reason, replaces: null, attempts: attempts.get(d.head.id) ?? 0 });
    else if (d.do === 'leave') context.counts.left[d.because] = (context.counts.left[d.because] ?? 0) + 1;
  }
  const follows = decisions.filter((d) => d.do === 'follow');
  for (const d of decisions) {
    if (d.do !== 'adopt') continue;
    const link = adoptedLink(context, d.head, d.copy);
    commit.taken.push(d.copy.right.id);
    commit.history.push(
      history(context, 'create', 'already on the target with our stamp', {
        left: d.head.id,
        right: d.copy.right.id,
        outcome: 'adopted',
      }),
    );
    context.counts.adopted++;
    const decision = follow(
      link,
      d.head,
      { policy: context.policy, rightFolderOf: (left) => rightFolderOf(context, left) },
      true,
    );
    if (decision.do === 'follow') follows.push(decision);
    links.push(link);
  }
  await context.commit({ links, unclaimedTaken: commit.taken, history: commit.history });
  // First: a create may have to read the target's feeds, and what they show of a link is not in what was decided before.
  const settled = await followItems(context, follows);
  await createItems(context, row, creations);
  if (context.right.abilities.readFlagAtCreate) return settled;
  return (await followItems(context, await stillUnread(context, creations))) && settled;
}

/** Copies that the target created unread although their source is read. */
async function stillUnread(context: PassContext, creations: readonly Creation[]): Promise<readonly Follow[]> {
  const heads = new Map(creations.filter((c) => c.head.state.isRead).map((c) => [c.head.id, c.head]));
  const links = await context.store.linksById(context.pair.id, 'left', [...heads.keys()]);
  return links.flatMap((link) => {
    const head = heads.get(link.leftId);
    const decision =
      head && follow(link, head, { policy: context.policy, rightFolderOf: (left) => rightFolderOf(context, left) });
    return decision?.do === 'follow' ? [decision] : [];
  });
}

/**
 * The link of a copy that was there already. The copy's own state is the base for both sides where they agree; where they differ the
 * source's change is taken to be the later one, since nothing is known of who made it.
 */
function adoptedLink(context: PassContext, head: MailHead, copy: UnclaimedRow): LinkRow {
  return {
    id: newLinkId(context),
    leftId: head.id,
    leftFolder: head.folder,
    // No version of any server: what the source shows now is compared with the copy, not with a memory.
    leftVersion: '' as Version,
    leftSizeBytes: stampedSizeBytes(copy),
    rightId: copy.right.id,
    rightFolder: copy.right.folder,
    rightVersion: copy.right.version,
    searchKey: head.facts.searchKey ?? '',
    fingerprint: copy.fingerprint,
    stampKey: copy.stampKey,
    state: 'live',
    goneSincePass: null,
    touched: [],
    seenLeft: copy.right.state,
    seenRight: copy.right.state,
  };
}

/** Of the item that a copy was made of. */
const stampedSizeBytes = ({ right: { stamp } }: UnclaimedRow): number =>
  (stamp === null ? null : readStamp(stamp))?.sizeBytes ?? 0;

const mayHaveBeenEdited = (head: MailHead, copy: UnclaimedRow): boolean =>
  contentMayDiffer({ fingerprint: copy.fingerprint, leftSizeBytes: stampedSizeBytes(copy) }, head);

/** After a feed was read from its beginning: linked items that it did not list were removed or moved while nobody looked. */
async function findUnlisted(context: PassContext, folder: FolderId, listed: ReadonlySet<ItemId>): Promise<void> {
  for (let after: LinkRow['id'] | null = null; ; ) {
    const links: readonly LinkRow[] = await context.store.links(context.pair.id, { leftFolder: folder }, after, 500);
    const missed = links.filter((l) => l.state === 'live' && !listed.has(l.leftId));
    const gone = await whoIsGone(
      context,
      context.leftBox,
      missed.map((l) => l.leftId),
    );
    const lost = missed.filter((l) => gone.has(l.leftId));
    await context.commit({ links: lost.map((l) => ({ ...l, state: 'left-gone', goneSincePass: context.pass })) });
    if (links.length < 500) return;
    after = links.at(-1)?.id ?? null;
  }
}
