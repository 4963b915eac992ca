import type { Abilities } from '#connectors/contract.ts';
import { leaveReason } from '#engine/join-left.ts';
import { isFault } from '#kit/fault.ts';
import { isClassProperty } from '#model/class-properties.ts';
import type { FolderTree } from '#model/folder.ts';
import type { Cursor, FolderId, ItemId } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import type { MailHead } from '#model/mail.ts';
import { compareCameBack } from './came-back.ts';
import type { FolderComparison } from './compare-folders.ts';
import { compareItems, type ItemPair, type Look } from './compare-items.ts';
import type { Copies, Copy } from './copies.ts';
import { countCompared, eachPage, pairOf, type Scanned, slices } from './scan.ts';
import type { ChangedSince, VerifyContext } from './verify-context.ts';

const pageSize = 50;

/**
 * What looked wrong is read once more after a pause, and only what still looks wrong is reported. What somebody changed since verify
 * began is said to be in flight: the next pass carries it.
 */
export async function settle(
  context: VerifyContext,
  folders: FolderComparison,
  right: FolderTree,
  scanned: Scanned,
  settleMs: number,
): Promise<void> {
  const extras = [...scanned.copies.untaken()];
  const suspects = scanned.suspects.length + scanned.lonely.length + extras.length;
  if (suspects === 0) return;
  context.progress?.({ kind: 'settling', suspects, ms: settleMs });
  await context.clock.sleep(settleMs, context.signal);
  const changed = await changedSince(context, scanned);
  for (const batch of slices(scanned.suspects, pageSize)) await settlePairs(context, scanned.copies, batch, changed);
  const quarantined = new Map(
    (await context.store.quarantine({ pair: context.pair.id }, 1_000_000)).map((row) => [row.left, row.reason]),
  );
  for (const batch of slices(scanned.lonely, pageSize))
    await settleLonely(context, folders, scanned, batch, quarantined, changed);
  // Only now: a lonely item may have taken one of them.
  const left = extras.filter((copy) => copy.standsFor === null);
  const shown = new Set(right.folders.map((folder) => folder.id));
  for (const batch of slices(left, pageSize))
    await settleExtras(
      context,
      folders,
      scanned,
      batch.filter((copy) => shown.has(copy.folder)),
      changed,
    );
}

/** Reads every feed on from where the scan left it. */
async function changedSince(
  context: VerifyContext,
  { leftCursors, rightCursors, copies }: Scanned,
): Promise<ChangedSince> {
  const follow = async (
    side: 'left' | 'right',
    cursors: ReadonlyMap<FolderId, Cursor>,
    see: (head: MailHead) => void,
  ) => {
    const changed = new Set<ItemId>();
    for (const [folder, cursor] of cursors) {
      await eachPage(context, side, folder, cursor, (changes) => {
        for (const change of changes) {
          if (change.kind === 'upsert') {
            changed.add(change.head.id);
            see(change.head);
          } else if (change.id !== null) changed.add(change.id);
        }
      });
    }
    return changed;
  };
  return {
    left: await follow('left', leftCursors, () => {}),
    right: await follow('right', rightCursors, (head) => copies.see(head)),
  };
}

async function settlePairs(
  context: VerifyContext,
  copies: Copies,
  pairs: readonly ItemPair[],
  changed: ChangedSince,
): Promise<void> {
  const links = await linksOf(
    context,
    'left',
    pairs.map((pair) => pair.left),
  );
  const looks = await compareItems({ ...context, takesPropertyList: () => false }, pairs);
  for (const look of await compareCameBack(context, looks, links)) {
    const { pair } = look;
    const moving = changed.left.has(pair.left) || changed.right.has(pair.right);
    const link = links.get(pair.left);
    if (look.leftGone) copies.free(pair.right);
    if (look.leftGone || (moving && (look.rightGone || look.findings.length > 0))) context.report.moving(pair.left);
    else if (look.rightGone)
      missing(context, pair.left, context.leftPath(pair.leftFolder), whyMissing(link, undefined, null));
    else {
      countCompared(context, look);
      for (const finding of look.findings)
        context.report.find({ ...finding, explainedBy: explanation(finding, link, context.right.abilities) });
    }
  }
}

/**
 * What a person changed on the target is that person's: the passes have recorded it and do not overwrite it. What the target's copies lack on purpose
 * is said by its connector.
 */
function explanation(
  finding: Look['findings'][number],
  link: LinkRow | undefined,
  { withheld = {} }: Pick<Abilities, 'withheld'>,
): string | null {
  const reason = Object.entries(withheld).find(([field]) => field === finding.property)?.[1];
  if (finding.kind === 'property' && reason !== undefined && finding.rightValue === 'false') return reason;
  const touched: readonly string[] = link?.touched ?? [];
  const isOfClass = finding.kind === 'property' && isClassProperty(finding.property ?? '');
  const aspect = finding.kind === 'content' ? 'content' : isOfClass ? 'class' : finding.property;
  return aspect !== null && touched.includes(aspect) ? 'changed on the target by a person' : null;
}

function missing(context: VerifyContext, left: ItemId, folder: string, explainedBy: string | null): void {
  context.report.find({
    kind: 'missing',
    folder,
    left,
    right: null,
    property: null,
    leftValue: 'there',
    rightValue: 'absent',
    explainedBy,
  });
}

function whyMissing(link: LinkRow | undefined, quarantined: string | undefined, folder: string | null): string | null {
  if (quarantined !== undefined) return `quarantined: ${quarantined}`;
  return link?.state === 'right-gone' ? 'removed on the target by a person' : folder;
}

/** Source items without a copy: gone by now, copied by now, left out for a reason, or lost. */
async function settleLonely(
  context: VerifyContext,
  folders: FolderComparison,
  { copies }: Scanned,
  ids: readonly ItemId[],
  quarantined: ReadonlyMap<ItemId, string>,
  changed: ChangedSince,
): Promise<void> {
  const [heads, links] = await Promise.all([context.leftBox.heads(ids, context.call()), linksOf(context, 'left', ids)]);
  const found: ItemPair[] = [];
  for (const id of ids) {
    const head = heads.get(id);
    if (!head || isFault(head)) {
      if (head?.kind === 'gone') context.report.moving(id);
      else
        context.report.find({
          kind: 'unreadable',
          folder: '',
          left: id,
          right: null,
          property: null,
          leftValue: head ? head.kind : 'not answered',
          rightValue: 'absent',
          explainedBy: null,
        });
      continue;
    }
    const link = links.get(id);
    const copy = (link && copies.takeByLink(id, link.rightId, link.stampKey)) ?? copies.takeByStamp(head);
    // A freed copy is that of an item that was moved meanwhile, and counted already under its old id.
    if (copy?.freed === false) found.push(pairOf(folders, head, copy.id));
    if (copy) continue;
    const because = whyMissing(link, quarantined.get(id), folders.explained.get(head.folder) ?? null);
    const moving =
      changed.left.has(id) || laterThan(head, Math.min(context.report.startedAtMs, context.carriedUntilMs));
    if (moving && because === null) context.report.moving(id);
    else missing(context, id, context.leftPath(head.folder), because);
  }
  await settlePairs(context, copies, found, changed);
}

/** By the source's own clock; a source that does not say it is asked through its feed alone. */
function laterThan(head: MailHead, ms: number): boolean {
  return (head.facts.createdAt ?? Number.NEGATIVE_INFINITY) >= ms;
}

/** Copies that stand for no item that was read. */
async function settleExtras(
  context: VerifyContext,
  folders: FolderComparison,
  { copies }: Scanned,
  extras: readonly Copy[],
  changed: ChangedSince,
): Promise<void> {
  if (extras.length === 0) return;
  const ids = extras.map((copy) => copy.id);
  const [rights, links] = await Promise.all([
    context.rightBox.heads(ids, context.call()),
    linksOf(context, 'right', ids),
  ]);
  const sources = [...new Set([...links.values()].map((link) => link.leftId))];
  const lefts = sources.length > 0 ? await context.leftBox.heads(sources, context.call()) : new Map<never, never>();
  for (const copy of extras) {
    const right = rights.get(copy.id);
    if (right && isFault(right) && right.kind === 'gone') continue;
    const link = links.get(copy.id);
    const left = link && lefts.get(link.leftId);
    const leftHead = left && !isFault(left) ? left : null;
    const twin = leftHead ? null : copies.twinOf(copy);
    if (changed.right.has(copy.id) || (link !== undefined && changed.left.has(link.leftId))) {
      context.report.moving(copy.id);
      continue;
    }
    context.report.find({
      kind: twin ? 'duplicate' : 'extra',
      folder: context.rightPath(copy.folder),
      left: twin?.standsFor ?? link?.leftId ?? null,
      right: copy.id,
      property: null,
      leftValue: twin ? 'one item' : leftHead ? 'not due' : 'absent',
      rightValue: twin ? 'one copy more' : 'there',
      explainedBy: (await heldCopy(context, copy, link)) ?? whyNotDue(leftHead, folders, context),
    });
  }
}

function whyNotDue(left: MailHead | null, folders: FolderComparison, context: VerifyContext): string | null {
  if (!left) return null;
  const excluded = folders.notDue.get(left.folder) ?? leaveReason(left, context.policy);
  return excluded === null || excluded === undefined ? null : `its source item is not due any more: ${excluded}`;
}

/** Why a copy outlives its source item: its removal is held or waits, or a person changed it and so keeps it. */
async function heldCopy(context: VerifyContext, copy: Copy, link: LinkRow | undefined): Promise<string | null> {
  if (link?.state === 'left-gone')
    return link.touched.length > 0
      ? 'deleted on the source, changed on the target by a person'
      : 'deleted on the source; its removal waits or is held by maxDelete';
  const [held] = await context.store.history({ pair: context.pair.id, item: copy.id }, 1);
  return held?.action === 'remove' && held.outcome === 'held' ? held.reason : null;
}

async function linksOf(
  context: VerifyContext,
  side: 'left' | 'right',
  ids: readonly ItemId[],
): Promise<ReadonlyMap<ItemId, LinkRow>> {
  if (ids.length === 0) return new Map();
  const links = await context.store.linksById(context.pair.id, side, ids);
  return new Map(links.map((link) => [side === 'left' ? link.leftId : link.rightId, link]));
}
