import type { LeftDecision } from '#engine/join-left.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { FolderTree } from '#model/folder.ts';
import type { ItemId, MailboxGuid, PairId } from '#model/ids.ts';
import type { FolderRow, LinkRow } from '#model/link.ts';
import type { Claim, PairRow, PassSummary, QuarantineRow } from '#store/store.ts';
import { countedMailbox } from '../pass/counted-mailbox.ts';
import { openCore } from '../pass/pass-core.ts';
import type { PlannedWrite } from '../pass/planned-write.ts';
import { readTrees } from '../pass/read-trees.ts';
import { followFolders } from './follow-folders.ts';
import { missOrphans } from './miss-orphans.ts';
import { freshCounts, type PassContext, type PassCounts, type PassServices, writesOf } from './pass-context.ts';
import { carryOutDecisions, decide, readLeft } from './read-left.ts';
import { readRight, surveyRight, suspect } from './read-right.ts';
import { missItemsOfGoneFolders, removeGoneFolders } from './remove-folders.ts';
import { removeGone } from './remove-gone.ts';
import { resolveIntents } from './resolve-intents.ts';
import { meetForgotten } from './settle-forgotten.ts';

export interface PassOptions {
  /** Reads every feed, whatever the marks say: the slow sweep behind changes that move no mark. */
  readonly everything?: boolean;
  /** Collects what would be written and writes nothing. */
  readonly plan?: PlannedWrite[];
}

export interface PassResult {
  readonly summary: PassSummary;
  readonly counts: Readonly<PassCounts>;
  /** Something waits for another pass: deletes for their create, items that failed for a passing reason, a held cursor. */
  readonly again: boolean;
  readonly held: number;
}

/**
 * One pass over one pair's mail: read what changed on both sides, decide, write, record. Whatever happens in the middle, the next
 * pass goes on from what is recorded; nothing is written twice and nothing is forgotten.
 *
 * Throws FaultError (fatal) when the mailbox cannot go on; the pair is then marked as stopped with the reason.
 */
export async function runMailPass(
  services: PassServices,
  id: PairId,
  claim: Claim | null,
  signal: AbortSignal,
  options: PassOptions = {},
): Promise<PassResult> {
  const pair = await services.store.pair(id);
  if (!pair) throw new FaultError({ kind: 'fatal', code: 'config', detail: `no pair ${id}` });
  const context = openContext(services, pair, claim, signal, options);
  const startedAtMs = services.clock.nowMs();
  try {
    for (const row of await services.store.folders(id)) context.rows.set(row.left, row);
    await context.commit({
      pair: { pass: context.pass, ...(pair.state === 'new' ? { state: 'first-pass' as const } : {}) },
    });
    const trees = await readTrees(context);
    context.leftMailbox = trees.left.mailbox;
    context.rightMailbox = trees.right.mailbox;
    await followFolders(context, trees);
    if (pair.state !== 'in-step') await surveyRight(context, trees.right);
    await readRight(context, trees.right, options.everything ?? false);
    await meetForgotten(context);
    await resolveIntents(context, await foldersWithIntents(context));
    await retryQuarantined(context);
    await readLeft(context, trees.left, options.everything ?? false);
    const orphansKnown = await missOrphans(context, trees.left);
    await missItemsOfGoneFolders(context);
    await followOn(context);
    const removals = await removeGone(context);
    const unsettled = await lookAtLeft(context, removals.back);
    const waitingFolders = await settleRight(context, trees.right);
    const failing = options.plan ? [] : await services.store.quarantine({ pair: id, retry: true }, 1);
    const again =
      !orphansKnown ||
      removals.waiting > 0 ||
      unsettled > 0 ||
      waitingFolders > 0 ||
      context.counts.held > 0 ||
      failing.length > 0;
    const summary = summarize(context, startedAtMs, removals.held, again ? 'partial' : 'complete');
    const leftItems = trees.left.folders.reduce(
      (n, f) => n + (context.rows.get(f.id)?.excluded === null ? f.itemCount : 0),
      0,
    );
    await context.commit({
      pair: {
        state: again ? (pair.state === 'in-step' ? 'in-step' : 'first-pass') : 'in-step',
        stoppedBecause: null,
        lastPass: summary,
        leftItems,
      },
    });
    return { summary, counts: context.counts, again, held: removals.held };
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'fatal' && error.fault.code !== 'exhausted') {
      const summary = summarize(context, startedAtMs, 0, 'stopped');
      await context.commit({
        pair: { state: 'stopped', stoppedBecause: `${error.fault.code}: ${error.fault.detail}`, lastPass: summary },
      });
    }
    throw error;
  }
}

/**
 * Reads into the store what copies of ours are on the target, wherever they lie: what a plan of a pair that nothing is known of starts from.
 * Writes to no mailbox. Throws FaultError.
 */
export async function surveyCopies(services: PassServices, id: PairId, signal: AbortSignal): Promise<void> {
  const pair = await services.store.pair(id);
  if (!pair) throw new FaultError({ kind: 'fatal', code: 'config', detail: `no pair ${id}` });
  const context = openContext(services, pair, null, signal, {});
  const trees = await readTrees(context);
  context.leftMailbox = trees.left.mailbox;
  context.rightMailbox = trees.right.mailbox;
  await surveyRight(context, trees.right);
}

function openContext(
  services: PassServices,
  pair: PairRow,
  claim: Claim | null,
  signal: AbortSignal,
  options: PassOptions,
): PassContext {
  const counts = freshCounts();
  return {
    ...services,
    ...openCore(services, pair, claim, signal, options.plan ?? null),
    counts,
    rows: new Map<FolderRow['left'], FolderRow>(),
    leftMailbox: pair.left.mailbox ?? ('' as MailboxGuid),
    rightMailbox: pair.right.mailbox ?? ('' as MailboxGuid),
    leftBox: countedMailbox(services.left.mailbox(pair.left.address), () => counts.leftCalls++),
    rightBox: countedMailbox(services.right.mailbox(pair.right.address), () => counts.rightCalls++),
    readThrough: new Set(),
    inFlight: new Set(),
    settledAt: new Map(),
    forgotten: { readAtMs: services.clock.monotonicMs(), isMet: false },
  };
}

async function foldersWithIntents(context: PassContext): Promise<readonly FolderRow['left'][]> {
  const intents = await context.store.intents(context.pair.id);
  return [...context.rows.values()].filter((r) => intents.some((i) => i.rightFolder === r.right)).map((r) => r.left);
}

/** Items that the operator released, and those that failed for a passing reason, get another try. */
async function retryQuarantined(context: PassContext): Promise<void> {
  if (context.plan !== null) return;
  const rows = await context.store.quarantine({ pair: context.pair.id, retry: true }, 1000);
  if (rows.length === 0) return;
  const heads = await context.leftBox.heads(
    rows.map((r) => r.left),
    context.call(),
  );
  const byFolder = new Map<FolderRow['left'], QuarantineRow[]>();
  const gone: ItemId[] = [];
  for (const row of rows) {
    const head = heads.get(row.left);
    if (head && isFault(head)) {
      if (head.kind === 'gone') gone.push(row.left);
    } else if (head) byFolder.set(head.folder, [...(byFolder.get(head.folder) ?? []), row]);
  }
  await context.commit({ quarantineLeft: gone });
  for (const [folder, items] of byFolder) {
    const row = context.rows.get(folder);
    if (!row || row.right === null || row.excluded !== null || row.rightGone) continue;
    const changes = items.flatMap((i) => {
      const head = heads.get(i.left);
      return head && !isFault(head) ? [{ kind: 'upsert' as const, head }] : [];
    });
    const decisions = await decide(context, changes);
    await carryOutDecisions(
      context,
      row,
      decisions,
      'tried again after it had failed',
      new Map(items.map((i) => [i.left, i.attempts])),
    );
    // Once their links are recorded: no feed shows them once more.
    const linked = decisions.flatMap((d) => (d.do === 'see' ? [d.link.leftId] : []));
    if (linked.length > 0) await context.commit({ quarantineLeft: linked });
  }
}

/**
 * What is missed on the source may have been moved while this pass read it: out of a folder that it had still to read, into one that it had
 * read, or whose mark had not moved. Once is enough of a wait for that, but not when the next pass meets the same mail on its way again.
 */
async function followOn(context: PassContext): Promise<void> {
  if (context.plan !== null) return;
  const [missed] = await context.store.links(context.pair.id, { state: 'left-gone' }, null, 1);
  if (missed) await readLeft(context, await context.leftBox.tree(context.call()), false);
}

/**
 * Source items whose link turned up again: compared with what was last agreed. No feed will show them once more, so a link with
 * something to carry over goes on waiting for a look that finds nothing to do.
 *
 * @returns how many of them wait.
 */
async function lookAtLeft(context: PassContext, links: readonly LinkRow[]): Promise<number> {
  if (links.length === 0 || context.plan !== null) return 0;
  const heads = await context.leftBox.heads(
    links.map((l) => l.leftId),
    context.call(),
  );
  let unsettled = 0;
  for (const link of links) {
    const head = heads.get(link.leftId);
    const row = context.rows.get(link.leftFolder);
    if (!head || isFault(head)) unsettled++;
    if (!head || isFault(head) || !row) continue;
    const changes = [{ kind: 'upsert' as const, head }];
    const decisions = (await decide(context, changes)).map(
      (d): LeftDecision => (d.do === 'follow' ? { ...d, link: suspect(d.link) } : d),
    );
    unsettled += decisions.filter((d) => d.do === 'follow').length;
    await carryOutDecisions(context, row, decisions, 'turned up again', new Map());
  }
  return unsettled;
}

/**
 * Reads back what this pass wrote: what the target shows becomes the base for the next one, and the marks move to where nothing is
 * left to read, so that an unchanged mailbox costs one request a side.
 */
async function settleRight(context: PassContext, before: FolderTree): Promise<number> {
  const goneFolders = [...context.rows.values()].some((r) => r.goneSincePass !== null);
  if (writesOf(context.counts) + context.counts.adopted === 0 && !goneFolders) return 0;
  const after = context.plan === null ? await context.rightBox.tree(context.call()) : before;
  const waiting = await removeGoneFolders(context, after);
  if (context.plan === null) {
    await readRight(context, after, false);
    const shown = new Map(after.folders.map((f) => [f.id, f]));
    const renamed = [...context.rows.values()].flatMap((row) => {
      const folder = row.right ? shown.get(row.right) : undefined;
      return folder && row.rightName === null ? [{ ...row, rightName: folder.name, rightParent: folder.parent }] : [];
    });
    for (const row of renamed) context.rows.set(row.left, row);
    await context.commit({ folders: renamed });
  }
  return waiting;
}

function summarize(
  context: PassContext,
  startedAtMs: number,
  held: number,
  outcome: PassSummary['outcome'],
): PassSummary {
  return {
    pass: context.pass,
    startedAtMs,
    endedAtMs: context.clock.nowMs(),
    writes: writesOf(context.counts),
    requestsLeft: context.counts.leftCalls,
    requestsRight: context.counts.rightCalls,
    bytes: context.counts.bytes,
    waitedMs: context.takeWaits?.() ?? {},
    held,
    outcome,
  };
}
