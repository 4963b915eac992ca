import { FaultError } from '#kit/fault.ts';
import type { FolderTree } from '#model/folder.ts';
import type { FolderId, MailboxGuid, PairId, Side } from '#model/ids.ts';
import type { FolderRow } from '#model/link.ts';
import type { TypedKind } from '#model/typed-item.ts';
import { type Claim, type Commit, type PairRow, type PassSummary, trackId } from '#store/store.ts';
import { countedMailbox } from '../pass/counted-mailbox.ts';
import { addLags, Lags } from '../pass/lag-histogram.ts';
import { openCore, PassInterrupted } from '../pass/pass-core.ts';
import { readTrees, type Trees } from '../pass/read-trees.ts';
import { carryOut } from './carry-out.ts';
import { followTypedFolders, removeGoneFolders } from './follow-typed-folders.ts';
import { ToldConflicts } from './journal-entries.ts';
import { advanced, entriesOfGoneFolders, type Feed, knownFeeds, movedFeeds, readFeeds } from './read-feeds.ts';
import { settleForgotten } from './settle-forgotten.ts';
import { turnReminders } from './turn-reminders.ts';
import {
  flush,
  flushPart,
  freshTypedCounts,
  isInStep,
  type PassSide,
  Staged,
  type TypedContext,
  type TypedPassOptions,
  type TypedPassResult,
  type TypedPassServices,
  withoutPlaces,
  writesOf,
} from './typed-context.ts';
import { allUnlinked, retriedItems, type Waiting } from './waiting-items.ts';

/** Looks at the feeds of one pass: what we wrote, and who wrote at the same time. What is left after it is the next pass's. */
const ROUNDS_MAX = 4;
const QUARANTINE_MAX = 10_000;
/** How often a pass that found nothing to do says so. */
const SAY_NOTHING_MS = 3_600_000;

/**
 * One pass over one pair's events, contacts, tasks or notes: read what changed on both sides, merge, write, read back, record. Whatever
 * happens in the middle, the next pass goes on from what is recorded; nothing is written twice and nothing is forgotten.
 *
 * Throws FaultError (fatal) when the mailbox cannot go on; the track is then marked as stopped with the reason.
 */
export async function runTypedPass<Kind extends TypedKind>(
  services: TypedPassServices,
  ofPair: PairId,
  kind: Kind,
  claim: Claim | null,
  signal: AbortSignal,
  options: TypedPassOptions = {},
): Promise<TypedPassResult> {
  const id = trackId(ofPair, kind);
  const pair = await services.store.pair(id);
  if (!pair) throw new FaultError({ kind: 'fatal', code: 'config', detail: `no pair ${id}` });
  const startedAtMs = services.clock.nowMs();
  let context: TypedContext<Kind> | null = null;
  try {
    context = openContext(services, pair, ofPair, kind, claim, signal, options);
    for (const row of await services.store.folders(id)) context.rows.set(row.left, row);
    if (pair.counts.quarantined > 0)
      for (const row of await services.store.quarantine({ pair: id }, QUARANTINE_MAX))
        context.failed.set(row.left, row);
    const trees = await synchronize(context, options);
    await turnReminders(context);
    return await conclude(context, trees, startedAtMs, options.everything ?? false);
  } catch (error) {
    await afterError(services, id, claim, pair, context, error, startedAtMs, options);
    throw error;
  }
}

function openContext<Kind extends TypedKind>(
  services: TypedPassServices,
  pair: PairRow,
  ofPair: PairId,
  kind: Kind,
  claim: Claim | null,
  signal: AbortSignal,
  options: TypedPassOptions,
): TypedContext<Kind> {
  const counts = freshTypedCounts();
  const sideOf = (side: Side, count: () => void): PassSide<Kind> => {
    const connector = services[side];
    const box = countedMailbox(connector.mailbox(pair[side].address), count);
    const items = box.typed(kind);
    if (items === null) {
      const where = side === 'left' ? 'source' : 'target';
      throw new FaultError({
        kind: 'fatal',
        code: 'unsupported',
        detail: `the ${where} organization cannot be read and written for ${kind}; take ${kind} out of the collection`,
      });
    }
    return { side, connector, box, items };
  };
  const left = sideOf('left', () => counts.leftCalls++);
  const right = sideOf('right', () => counts.rightCalls++);
  return {
    ...services,
    ...openCore(services, pair, claim, signal, options.plan ?? null),
    kind,
    ofPair,
    leftBox: left.box,
    rightBox: right.box,
    left: services.left,
    right: services.right,
    sides: { left, right },
    counts,
    rows: new Map<FolderRow['left'], FolderRow>(),
    mailboxes: {
      left: pair.left.mailbox ?? ('' as MailboxGuid),
      right: pair.right.mailbox ?? ('' as MailboxGuid),
    },
    lags: new Lags(pair.lastPass?.startedAtMs ?? services.clock.nowMs(), claim?.dirtySinceMs ?? null),
    failed: new Map(),
    feeds: [],
    staged: new Staged(),
    made: { left: new Map(), right: new Map() },
    placeless: new Set(),
    told: new ToldConflicts(services.store, pair, isOpen(pair)),
    settled: new Set(),
    lookAgain: { left: [], right: [] },
    apart: { left: new Set(), right: new Set() },
    refused: { left: new Set(), right: new Set() },
    attempted: new Set(),
    ringTwice: [],
    isAgain: false,
    hasRecorded: false,
  };
}

/** Whether something is open from before, so that it is not enough to look at what moved. */
const isOpen = ({ state, lastPass, pass }: PairRow): boolean =>
  state !== 'in-step' || lastPass?.outcome !== 'complete' || lastPass.pass !== pass || lastPass.held > 0;

/** @returns the trees that were read last; null: the known folders were asked without looking at trees. */
async function synchronize<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  options: TypedPassOptions,
): Promise<Trees | null> {
  const everything = options.everything ?? false;
  const open = isOpen(context.pair);
  const straight =
    options.noticed && !everything && context.pair.state === 'in-step' && context.pair.stoppedBecause === null
      ? knownFeeds(context)
      : null;
  let trees: Trees | null = null;
  let feeds: readonly Feed[];
  let isNewFolder = false;
  if (straight === null) {
    trees = await readTrees(context);
    context.mailboxes.left = trees.left.mailbox;
    context.mailboxes.right = trees.right.mailbox;
    const before = new Set([...context.rows.values()].filter(isInStep).map((r) => r.left));
    await followTypedFolders(context, trees);
    isNewFolder = [...context.rows.values()].some((r) => isInStep(r) && !before.has(r.left));
    feeds = movedFeeds(context, trees, everything);
  } else feeds = straight;

  const waiting: Waiting =
    open || everything || context.failed.size > 0 ? await retriedItems(context) : { left: [], right: [], unlinked: [] };
  const backlog = everything || isNewFolder || open ? await allUnlinked(context) : [];
  if (open) feeds = await withFeedsOfIntents(context, feeds);

  let foundAnything = false;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = { ...context.counts };
    context.feeds = feeds;
    let read = await readFeeds(context, feeds);
    const first = round === 0;
    if (first && (await settleForgotten(context, read))) read = await readFeeds(context, feeds);
    const gone = trees === null ? { left: [], right: [] } : await entriesOfGoneFolders(context);
    // What the feed says comes last, and counts.
    const left = [...(first ? waiting.left : []), ...context.lookAgain.left.splice(0), ...read.left, ...gone.left];
    const right = [...(first ? waiting.right : []), ...context.lookAgain.right.splice(0), ...read.right, ...gone.right];
    const unlinked = first ? [...backlog, ...waiting.unlinked] : [];
    if (left.length > 0 || right.length > 0 || unlinked.length > 0 || (first && open)) {
      foundAnything = true;
      await carryOut(context, { left, right }, unlinked);
    }
    const rows = advanced(context, read);
    for (const row of rows) context.rows.set(row.left, row);
    context.staged.add({ folders: withoutPlaces(context, rows) });
    if (context.plan !== null) break;
    feeds = await writtenFeeds(context, before, trees === null, (next) => {
      trees = next;
    });
    if (!looksAgain(context)) {
      if (feeds.length === 0) break;
      await flush(context);
      continue;
    }
    // What is to be looked at once more no feed shows again from its new place, should we break off.
    await flushPart(context);
    if (round === ROUNDS_MAX - 1) context.isAgain = true;
  }
  // A notice about something else than what is in the known folders: a new one, or one that is not in step.
  if (!foundAnything && trees === null) return synchronize(context, { ...options, noticed: false });
  return trees;
}

const looksAgain = ({ lookAgain }: TypedContext): boolean => lookAgain.left.length + lookAgain.right.length > 0;

/** Feeds of folders in which a create is open are read whatever their marks say. */
async function withFeedsOfIntents(context: TypedContext, feeds: readonly Feed[]): Promise<readonly Feed[]> {
  const intents = await context.store.typedIntents(context.pair.id);
  const more = new Map<string, Feed>(feeds.map((f) => [`${f.side} ${f.folder}`, f]));
  for (const { side, folder } of intents) {
    const row = [...context.rows.values()].find((r) => (side === 'left' ? r.left : r.right) === folder);
    if (!row || !isInStep(row) || more.has(`${side} ${folder}`)) continue;
    // Its mark has not moved, or it would be among them.
    more.set(`${side} ${folder}`, { row: row.left, side, folder, mark: null });
  }
  return [...more.values()];
}

/**
 * Where to look once more after what was written. Somebody may have made the same item while we made ours, so the feeds of a side that
 * got items are read again; with trees all that moved, and their marks go to where nothing is left to read.
 */
async function writtenFeeds(
  context: TypedContext,
  before: TypedContext['counts'],
  straight: boolean,
  keepTrees: (trees: Trees) => void,
): Promise<readonly Feed[]> {
  const { counts } = context;
  const made = counts.created - before.created + counts.moved - before.moved;
  const wrote = writesOf(counts) - writesOf(before) + counts.adopted - before.adopted;
  if (straight) return made === 0 ? [] : (knownFeeds(context) ?? []).filter(({ side }) => context.made[side].size > 0);
  if (wrote === 0) return [];
  const trees = await readTrees(context);
  keepTrees(trees);
  return movedFeeds(context, trees, false);
}

async function conclude(
  context: TypedContext,
  trees: Trees | null,
  startedAtMs: number,
  everything: boolean,
): Promise<TypedPassResult> {
  const { pair, counts } = context;
  const waitingFolders = trees === null ? 0 : await removeGoneFolders(context, trees);
  const retried = [...context.failed.values()].some((q) => q.retry);
  const again = context.isAgain || waitingFolders > 0 || retried;
  const summary = summarize(context, startedAtMs, again ? 'partial' : 'complete');
  const state = again && pair.state !== 'in-step' ? 'first-pass' : 'in-step';
  const leftItems = trees === null ? null : itemsOf(context, trees.left);
  const isNews =
    everything ||
    // What is waited for is judged by when the last pass began.
    again ||
    context.staged.size > 0 ||
    context.hasRecorded ||
    pair.lastPass === null ||
    pair.state !== state ||
    pair.stoppedBecause !== null ||
    pair.lastPass.outcome !== summary.outcome ||
    pair.lastPass.held !== summary.held ||
    startedAtMs - pair.lastPass.endedAtMs > SAY_NOTHING_MS;
  if (isNews)
    await flush(context, {
      pair: { state, stoppedBecause: null, lastPass: summary, ...(leftItems === null ? {} : { leftItems }) },
    });
  return { summary, counts, again, held: counts.held };
}

const itemsOf = (context: TypedContext, tree: FolderTree): number => {
  const inStep = new Set<FolderId>([...context.rows.values()].filter(isInStep).map((r) => r.left));
  return tree.folders.reduce((n, f) => n + (inStep.has(f.id) ? f.itemCount : 0), 0);
};

function summarize(context: TypedContext, startedAtMs: number, outcome: PassSummary['outcome']): PassSummary {
  const { counts, pair } = context;
  const lag = pair.lastPass?.lag ?? [];
  return {
    pass: context.pass,
    startedAtMs,
    endedAtMs: context.clock.nowMs(),
    writes: writesOf(counts),
    requestsLeft: counts.leftCalls,
    requestsRight: counts.rightCalls,
    bytes: counts.bytes,
    waitedMs: context.takeWaits?.() ?? {},
    held: counts.held,
    outcome,
    ...(counts.rivals.left + counts.rivals.right + counts.rivals.either > 0 ? { rivals: { ...counts.rivals } } : {}),
    // What was there before the two sides were in step had no lag.
    lag: pair.state === 'in-step' ? addLags(lag, context.lags.all) : lag,
  };
}

/** What was done is recorded as far as that is possible; a mailbox that cannot go on is marked as stopped. */
async function afterError(
  services: TypedPassServices,
  id: PairId,
  claim: Claim | null,
  pair: PairRow,
  context: TypedContext | null,
  error: unknown,
  startedAtMs: number,
  options: TypedPassOptions,
): Promise<void> {
  if (options.plan) return;
  if (context !== null && (error instanceof FaultError || error instanceof PassInterrupted)) await flushPart(context);
  if (!(error instanceof FaultError) || error.fault.kind !== 'fatal' || error.fault.code === 'exhausted') return;
  const because = `${error.fault.code}: ${error.fault.detail}`;
  const stopped: Commit['pair'] = { state: 'stopped', stoppedBecause: because };
  if (context === null) await services.store.commit(id, claim, { pair: { ...stopped, pass: pair.pass + 1 } });
  else await flush(context, { pair: { ...stopped, lastPass: summarize(context, startedAtMs, 'stopped') } });
}
