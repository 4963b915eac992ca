import type { ChangePage } from '#connectors/contract.ts';
import { joinRight, rightQuestions } from '#engine/join-right.ts';
import { changedFields } from '#engine/merge-state.ts';
import { FaultError } from '#kit/fault.ts';
import type { Change } from '#model/change.ts';
import { type FolderTree, folderContent } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { FolderRow, IntentRow, LinkRow } from '#model/link.ts';
import { type MailHead, mailFingerprint } from '#model/mail.ts';
import { readStamp, type StampKey, stampKey } from '#model/stamp.ts';
import type { Commit } from '#store/store.ts';
import { history, newLinkId } from '../pass/pass-core.ts';
import { settledMark } from '../pass/settled-mark.ts';
import { endLinks, type PassContext, withRows } from './pass-context.ts';
import { touchedClass } from './touched-class.ts';
import { whoIsGone } from './who-is-gone.ts';

/**
 * Reads what changed on the target: echoes of our own writes, creates whose answer was lost, and what people did there. Only
 * folders whose mark moved, and those in which a create is unresolved.
 */
export async function readRight(context: PassContext, tree: FolderTree, everything: boolean): Promise<void> {
  const shown = new Map(tree.folders.map((f) => [f.id, f]));
  const open = new Set((await context.store.intents(context.pair.id)).map((i) => i.rightFolder));
  for (const row of [...context.rows.values()]) {
    if (row.right === null || row.rightGone || row.excluded !== null) continue;
    const folder = shown.get(row.right);
    if (!folder) continue;
    if (!everything && folder.mark !== null && folder.mark === row.rightMark && !open.has(row.right)) continue;
    await readRightFolder(context, row.left, settledMark(folder, row.rightMark));
  }
}

/**
 * Before the first pass is through, copies of ours may lie anywhere on the target: made before the database was lost, in folders
 * whose source folder has another name by now. Folders without a counterpart are read as well, without a place to go on from.
 */
export async function surveyRight(context: PassContext, tree: FolderTree): Promise<void> {
  const linked = new Set([...context.rows.values()].map((r) => r.right));
  for (const folder of tree.folders) {
    if (
      linked.has(folder.id) ||
      folder.kind === 'search' ||
      folder.itemCount === 0 ||
      folderContent(folder.containerClass) !== 'mail'
    )
      continue;
    let cursor: Cursor | null = null;
    for (let complete = false; !complete; ) {
      context.checkpoint();
      const page: ChangePage = await context.rightBox.changes(folder.id, cursor, context.call());
      await context.commit(await joinPage(context, page.changes));
      cursor = page.cursor;
      complete = page.complete;
    }
  }
}

/** Reads one target folder's feed to its end, in pages; each page and its cursor are recorded together. */
export function readRightFolder(context: PassContext, left: FolderId, mark: string | null): Promise<void> {
  return context.exclusively(`right feed of ${left}`, () => readFeed(context, left, mark));
}

async function readFeed(context: PassContext, left: FolderId, mark: string | null): Promise<void> {
  let row = context.rows.get(left) as FolderRow;
  const right = row.right as FolderId;
  let cursor: Cursor | null = row.rightCursor;
  const [known] = cursor === null ? await context.store.links(context.pair.id, { rightFolder: right }, null, 1) : [];
  let listed: Set<ItemId> | null = known ? new Set() : null;
  for (let complete = false; !complete; ) {
    context.checkpoint();
    let page: Awaited<ReturnType<typeof context.rightBox.changes>>;
    try {
      page = await context.rightBox.changes(right, cursor, context.call());
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'cursor-lost' || cursor === null) throw error;
      cursor = null;
      listed = new Set();
      continue;
    }
    for (const change of page.changes) if (change.kind === 'upsert') listed?.add(change.head.id);
    let commit = await joinPage(context, page.changes);
    cursor = page.cursor;
    complete = page.complete;
    if (listed !== null) {
      // What a new listing does not show is found at its end; until then there is no place to go on from.
      await context.commit(commit);
      if (!complete) continue;
      await findUnlisted(context, right, listed);
      commit = {};
    }
    row = { ...row, rightCursor: cursor, rightMark: complete ? mark : row.rightMark };
    await context.commit(withRows(context, [row], commit));
  }
}

async function joinPage(context: PassContext, changes: readonly Change[]): Promise<Commit> {
  if (changes.length === 0) return {};
  const { store, pair } = context;
  // As it is before the store is read: what is answered meanwhile has a link that was not read.
  const inFlight = new Set(context.inFlight);
  const ids = changes.flatMap((c) => (c.kind === 'upsert' ? [c.head.id] : c.id ? [c.id] : []));
  const keys = changes.flatMap((c) => (c.kind === 'upsert' && c.head.stamp !== null ? [stampKey(c.head.stamp)] : []));
  const [byId, byStamp, intents] = await Promise.all([
    store.linksById(pair.id, 'right', ids),
    store.linksByStamp(pair.id, keys),
    store.intents(pair.id),
  ]);
  const known = {
    byRightId: new Map(byId.map((l) => [l.rightId, l])),
    byStamp: groupByStamp(byStamp),
    intents: new Map<StampKey, IntentRow>(intents.map((i) => [i.stampKey, i])),
  };
  const gone = await whoIsGone(context, context.rightBox, rightQuestions(changes, known));
  const joined = joinRight(changes, {
    ...known,
    inFlight,
    gone,
    source: { organization: pair.left.organization, mailbox: context.leftMailbox },
    pass: context.pass,
  });
  const byOthers = await touchedClass(context, changes, known.byRightId);
  const links = joined.links.map((link) =>
    byOthers.has(link.id) ? { ...link, touched: [...link.touched, 'class' as const] } : link,
  );
  const adopted = joined.adopted.map(({ intent, head }) => suspect(linkOf(context, intent, head)));
  context.counts.adopted += adopted.length;
  const before = new Map([...byId, ...byStamp].map((l) => [l.id, l]));
  return {
    links: [...links.filter((l) => !same(before.get(l.id), l)), ...adopted],
    // A create that replaces an earlier copy stays open until that copy is removed.
    intentsResolved: joined.adopted
      .filter(({ intent }) => intent.replaces === null)
      .map(({ intent }) => intent.stampKey),
    unclaimed: joined.unclaimed,
    unclaimedTaken: joined.taken,
    ...endLinks(context, joined.ended),
    history: joined.adopted.map(({ intent, head }) =>
      history(context, 'create', 'its answer had been lost; found again by its stamp', {
        left: intent.left.id,
        right: head.id,
        outcome: 'adopted',
      }),
    ),
  };
}

function groupByStamp(links: readonly LinkRow[]): ReadonlyMap<StampKey, readonly LinkRow[]> {
  const groups = new Map<StampKey, LinkRow[]>();
  for (const link of links) groups.set(link.stampKey, [...(groups.get(link.stampKey) ?? []), link]);
  return groups;
}

/** Whether joining left a link as it was: these are the members that the target's feed can change. */
const same = (a: LinkRow | undefined, b: LinkRow): boolean =>
  a !== undefined &&
  a.rightId === b.rightId &&
  a.rightFolder === b.rightFolder &&
  a.rightVersion === b.rightVersion &&
  a.state === b.state &&
  a.goneSincePass === b.goneSincePass &&
  a.touched.join() === b.touched.join() &&
  changedFields(a.seenLeft, b.seenLeft).length === 0 &&
  (a.seenRight === b.seenRight ||
    (a.seenRight !== null && b.seenRight !== null && changedFields(a.seenRight, b.seenRight).length === 0));

/**
 * A link that was made long after its create: the source item may have gone in the meantime, and no feed will say so. It
 * counts as missed, since no pass yet, until the source shows it or is asked for it.
 */
export function suspect(link: LinkRow): LinkRow {
  return { ...link, state: 'left-gone', goneSincePass: null };
}

/** The link of a create that is known to have happened. */
export function linkOf(
  context: PassContext,
  intent: IntentRow,
  head: Pick<MailHead, 'id' | 'version'> & Partial<MailHead>,
): LinkRow {
  const { left } = intent;
  return {
    id: intent.replaces?.link ?? newLinkId(context),
    leftId: left.id,
    leftFolder: left.folder,
    leftVersion: left.version,
    leftSizeBytes: left.facts.sizeBytes,
    rightId: head.id,
    rightFolder: head.folder ?? intent.rightFolder,
    rightVersion: head.version,
    searchKey: left.facts.searchKey ?? '',
    fingerprint: readStamp(intent.stamp)?.fingerprint ?? mailFingerprint(left.facts),
    stampKey: intent.stampKey,
    state: 'live',
    goneSincePass: null,
    touched: [],
    // Exchange 2007 creates everything unread: what was not carried over at creation is still to be followed.
    seenLeft: context.right.abilities.readFlagAtCreate ? left.state : { ...left.state, isRead: false },
    seenRight: head.state ?? null,
  };
}

/** After a feed was read from its beginning: linked copies that it did not list were removed or moved while nobody looked. */
async function findUnlisted(context: PassContext, folder: FolderId, listed: ReadonlySet<ItemId>): Promise<void> {
  for (let after: LinkRow['id'] | null = null; ; ) {
    const links: readonly LinkRow[] = await context.store.links(context.pair.id, { rightFolder: folder }, after, 500);
    const missed = links.filter((l) => l.state === 'live' && !listed.has(l.rightId));
    const gone = await whoIsGone(
      context,
      context.rightBox,
      missed.map((l) => l.rightId),
    );
    const lost = missed.filter((l) => gone.has(l.rightId));
    await context.commit({ links: lost.map((l) => ({ ...l, state: 'right-gone', goneSincePass: context.pass })) });
    if (links.length < 500) return;
    after = links.at(-1)?.id ?? null;
  }
}
