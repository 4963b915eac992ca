import { batchBySize } from '#engine/batches.ts';
import { mergeTyped } from '#engine/merge-typed.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import type { Side } from '#model/ids.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import { later, remember } from './leave-for-later.ts';
import { linkOrphan } from './link-orphans.ts';
import { fieldsOf, type Match, type Merged } from './match.ts';
import { noAnswer, readItems } from './read-items.ts';
import { recordMerged } from './record-merged.ts';
import { flushPart, pathOf, type TypedContext } from './typed-context.ts';
import { matchAfterStale, writeEdits } from './write-edits.ts';

/** Tries of one item against somebody who writes at the same time, before it is left to the next pass. */
const staleMax = 3;

/** Reads, merges, writes and records pairs of items, batch by batch. */
export async function mergeItems<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  matches: readonly Match[],
): Promise<void> {
  const { left, right } = context.sides;
  const countMax = Math.min(left.connector.abilities.batchMax, right.connector.abilities.batchMax);
  const bytesMax = Math.min(left.connector.abilities.batchMaxBytes, right.connector.abilities.batchMaxBytes);
  const sizeOf = (m: Match) => Math.max(m.left.head?.sizeBytes ?? 0, m.right.head?.sizeBytes ?? 0);
  const batches = batchBySize(matches, sizeOf, countMax, bytesMax);
  for (const [n, batch] of batches.entries()) {
    let pending: readonly Match[] = batch;
    for (let attempt = 0; pending.length > 0; attempt++) {
      context.checkpoint();
      const stale = await mergeBatch(context, pending);
      if (attempt === staleMax) {
        for (const match of stale) later(context, match, { kind: 'stale', detail: 'somebody else goes on writing it' });
        break;
      }
      pending = stale;
    }
    if (n < batches.length - 1) await flushPart(context);
  }
}

/** @returns those that somebody else wrote in the meantime. */
async function mergeBatch<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  batch: readonly Match[],
): Promise<readonly Match[]> {
  const read = await readBoth(context, batch);
  const merged: Merged<Kind>[] = [];
  for (const match of batch) {
    const left = read.left.get(match.left.id) ?? noAnswer;
    const right = read.right.get(match.right.id) ?? noAnswer;
    if (isFault(left) || isFault(right)) {
      missing(context, match, left, right);
      continue;
    }
    if (isMovedUnseen(match, { left, right })) {
      // Where the other one belongs is decided with the heads of both.
      context.lookAgain.left.push({ kind: 'upsert', head: left.head });
      context.lookAgain.right.push({ kind: 'upsert', head: right.head });
      remember(context, match);
      continue;
    }
    const merge = mergeTyped({
      kind: context.kind,
      left,
      right,
      seen: match.link === null ? null : { left: match.link.left.seen, right: match.link.right.seen },
      madeOf: match.intent?.from.seen ?? null,
      policy: context.policy,
      own: [context.pair.left.address.toLowerCase(), context.pair.right.address.toLowerCase()],
      clockOf,
    });
    merged.push({ match, now: { left, right }, merge });
  }
  if (context.plan !== null) {
    for (const m of merged) planEdits(context, m);
    return [];
  }
  const outcomes = await writeEdits(context, merged);
  await recordMerged(context, merged, outcomes);
  return merged.flatMap((m) => {
    const outcome = outcomes.get(m);
    return outcome?.state === 'stale' ? [matchAfterStale(m, outcome)] : [];
  });
}

async function readBoth<Kind extends TypedKind>(context: TypedContext<Kind>, batch: readonly Match[]) {
  const wanted = (side: Side) => batch.map((m) => ({ id: m[side].id, sizeBytes: m[side].head?.sizeBytes ?? 0 }));
  const [left, right] = await Promise.all([
    readItems(context, 'left', wanted('left')),
    readItems(context, 'right', wanted('right')),
  ]);
  return { left, right };
}

/** An item that no feed has shown lies in another folder than is recorded: it was moved while its twin was away. */
const isMovedUnseen = ({ link, ...ends }: Match, now: Readonly<Record<Side, TypedItem>>): boolean =>
  link !== null &&
  (['left', 'right'] as const).some((side) => ends[side].head === null && now[side].head.folder !== link[side].folder);

/** What went away between the feed and now is found by the next look. Whatever else it is, the item is tried again. */
function missing(context: TypedContext, match: Match, left: TypedItem | Fault, right: TypedItem | Fault): void {
  const faults = [left, right].filter((answer) => isFault(answer));
  const [other] = faults.filter((fault) => fault.kind !== 'gone');
  if (other) later(context, match, other);
  else {
    context.isAgain = true;
    if (match.link !== null) {
      remember(context, match);
      return;
    }
    // What has lost its twin before they were linked is new again; the other is forgotten, even if no feed ever says that it went. A copy of
    // ours that has gone may have been moved: until the feeds of another pass do not show it either, its open intent keeps off another one.
    const { intent } = match;
    const copy = intent?.side === 'left' ? left : right;
    if (intent !== null && !isFault(copy)) {
      linkOrphan(context, copy, intent);
      return;
    }
    const known = { left: match.left, right: match.right };
    for (const [side, answer] of [['left', left] as const, ['right', right] as const])
      if (isFault(answer)) {
        known[side] = { ...known[side], head: null };
        context.lookAgain[side].push({ kind: 'delete', id: match[side].id });
      } else if (intent === null) context.lookAgain[side].push({ kind: 'upsert', head: answer.head });
    remember(context, { ...match, ...known });
  }
}

function planEdits<Kind extends TypedKind>(context: TypedContext<Kind>, { match, now, merge }: Merged<Kind>): void {
  for (const side of ['left', 'right'] as const) {
    const edit = merge[side];
    if (edit === null) continue;
    context.plan?.push({
      action: 'update',
      side,
      reason: `${match.reason} on the ${side === 'left' ? 'target' : 'source'}`,
      folder: pathOf(context, side, now[side].head.folder),
      left: match.left.id,
      right: match.right.id,
      bytes: 0,
      detail: fieldsOf(edit.edit),
    });
  }
}
