import { joinTyped } from '#engine/join-typed.ts';
import type { TypedDecision, TypedKnowledge } from '#engine/join-typed-decisions.ts';
import type { FolderId, Side } from '#model/ids.ts';
import { readStamp, stampKey } from '#model/stamp.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { type Creation, createItems } from './create-items.ts';
import { gather } from './gather.ts';
import { sameLink } from './link-ends.ts';
import { linkOrphans } from './link-orphans.ts';
import { matchOfAdopt, matchOfCompare, matchOfRetry } from './match.ts';
import { mergeItems } from './merge-items.ts';
import { moveItems } from './move-items.ts';
import type { FeedsRead } from './read-feeds.ts';
import { settleDuplicates } from './settle-duplicates.ts';
import { settleGone } from './settle-gone.ts';
import type { TypedContext } from './typed-context.ts';
import { unlinkItems } from './unlink-items.ts';

/** Joins what feeds say with what is recorded, and carries out what follows from it. Results are staged, the last ones not recorded yet. */
export async function carryOut<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  read: Pick<FeedsRead, 'left' | 'right'>,
  waiting: readonly UnlinkedRow[],
): Promise<void> {
  const known = await gather(context, read.left, read.right, waiting);
  await forgetDeleted(context, known);
  const decisions = joinTyped(known);
  await resolveIntents(context, known, decisions);
  recordQuiet(context, known, decisions);

  await linkOrphans(
    context,
    decisions.filter((d) => d.do === 'orphan'),
  );
  await unlinkItems(
    context,
    decisions.filter((d) => d.do === 'unlink'),
  );
  for (const d of decisions) if (d.do === 'dedupe') await settleDuplicates(context, d);
  const compares = await moveItems(
    context,
    decisions.filter((d) => d.do === 'compare'),
  );
  await mergeItems(context, [
    ...decisions.filter((d) => d.do === 'adopt').map((d) => matchOfAdopt(context, d)),
    ...compares.map(matchOfCompare),
    ...decisions.flatMap((d) => (d.do === 'see' && isTriedAgain(context, d.link) ? [matchOfRetry(d.link)] : [])),
  ]);
  for (const { on, folder, creations } of byFolder(decisions)) await createItems(context, on, folder, creations);
  const { held } = context.counts;
  await settleGone(
    context,
    decisions.filter((d) => d.do === 'settle'),
    known.links,
  );
  // Occurrences that waited for it: there is no feed that shows them again.
  if (context.counts.held === held && decisions.some((d) => d.do === 'leave' && d.because === 'series-waits'))
    context.isAgain = true;
}

/** What failed when it was written waits for another try, although neither side was changed since. */
const isTriedAgain = (context: TypedContext, { left, right }: TypedLinkRow): boolean =>
  [left, right].some(({ id }) => context.failed.get(id)?.retry);

/** Items without a link that were deleted: nothing has to be remembered of them. */
async function forgetDeleted(context: TypedContext, known: TypedKnowledge): Promise<void> {
  for (const side of ['left', 'right'] as const) {
    const ids = known[side].flatMap((e) => (e.kind === 'delete' ? [e.id] : []));
    if (ids.length === 0) continue;
    const back = ids.filter((id) => context.failed.delete(id));
    const alone: UnlinkedRow[] = [];
    for (let at = 0; at < ids.length; at += 500)
      alone.push(...(await context.store.unlinked(context.pair.id, side, ids.slice(at, at + 500))));
    context.staged.add({ quarantineLeft: back, unlinkedTaken: alone.map(({ head }) => ({ side, id: head.id })) });
  }
}

/** Intents that no feed showed, in this pass and in one before it, although nothing of them is on its way any more, did not happen. */
async function resolveIntents(
  context: TypedContext,
  known: TypedKnowledge,
  decisions: readonly TypedDecision[],
): Promise<void> {
  if (known.intents.length === 0) return;
  const adopted = new Set(decisions.flatMap((d) => (d.do === 'adopt' && d.intent ? [d.intent.stampKey] : [])));
  // Until one of several is gone, the intent is what tells which of them we made.
  const settling = new Set(
    decisions.flatMap((d) =>
      d.do === 'dedupe' ? d.heads.flatMap(({ stamp }) => (stamp ? [stampKey(stamp)] : [])) : [],
    ),
  );
  const linked = new Set(known.links.flatMap((l) => l.stampKey ?? []));
  const read = new Set(context.feeds.map((f) => `${f.side} ${f.folder}`));
  const over = known.intents.filter(
    (i) =>
      linked.has(i.stampKey) ||
      (!adopted.has(i.stampKey) &&
        !settling.has(i.stampKey) &&
        i.settledAfterMs < known.lookedForSinceMs &&
        (read.has(`${i.side} ${i.folder}`) || !isKnownFolder(context, i.folder))),
  );
  if (over.length < known.intents.length) context.isAgain = true;
  context.staged.add({ typedIntentsResolved: over.map((i) => i.stampKey) });
}

/** A folder that is not in step any more: nobody will look for the copy there. */
function isKnownFolder(context: TypedContext, folder: FolderId): boolean {
  for (const row of context.rows.values())
    if (row.left === folder || row.right === folder) return row.goneSincePass === null;
  return false;
}

/** Decisions that only change what is recorded. */
function recordQuiet(context: TypedContext, known: TypedKnowledge, decisions: readonly TypedDecision[]): void {
  const links = new Map(known.links.map((l) => [l.id, l]));
  const unlinked = new Map(known.unlinked.map((u) => [`${u.side} ${u.head.id}`, u.head.version]));
  for (const d of decisions) {
    switch (d.do) {
      case 'see':
      case 'wait':
      case 'stay-gone': {
        const before = links.get(d.link.id);
        if (!before || !sameLink(before, d.link)) context.staged.add({ typedLinks: [d.link] });
        if (d.do === 'wait') context.isAgain = true;
        break;
      }
      case 'forget':
        context.staged.add({ typedLinksForgotten: [d.link.id] });
        break;
      case 'leave':
        context.counts.left[d.because] = (context.counts.left[d.because] ?? 0) + 1;
        if (d.because === 'intent-open') context.isAgain = true;
        if (unlinked.get(`${d.side} ${d.head.id}`) !== d.head.version)
          context.staged.add({ unlinked: [{ side: d.side, head: d.head }] });
        break;
      default:
    }
  }
}

function byFolder(
  decisions: readonly TypedDecision[],
): Iterable<{ readonly on: Side; readonly folder: FolderId; readonly creations: Creation[] }> {
  const groups = new Map<string, { on: Side; folder: FolderId; creations: Creation[] }>();
  for (const d of decisions) {
    if (d.do !== 'create') continue;
    const group = groups.get(`${d.on} ${d.folder}`) ?? { on: d.on, folder: d.folder, creations: [] };
    group.creations.push({ head: d.from, reason: whyCreated(d) });
    groups.set(`${d.on} ${d.folder}`, group);
  }
  return groups.values();
}

/** What bears our stamp had a twin: whoever looks for why something came back has to find it. */
function whyCreated({ on, from }: Extract<TypedDecision, { do: 'create' }>): string {
  const [here, there] = on === 'left' ? ['target', 'source'] : ['source', 'target'];
  const isStamped = from.stamp !== null && readStamp(from.stamp) !== null;
  return isStamped ? `on the ${here} with our stamp, without a twin on the ${there}` : `new on the ${here}`;
}
