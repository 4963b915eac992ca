import type { TypedWritten } from '#connectors/contract.ts';
import { applyEdit } from '#engine/apply-edit.ts';
import { seenAfter } from '#engine/merge-typed.ts';
import { sameShown } from '#engine/shown.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import type { FolderId, ItemId, Side } from '#model/ids.ts';
import { stampKey } from '#model/stamp.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Shown, TypedIntentRow, TypedLinkRow } from '#model/typed-link.ts';
import type { Commit } from '#store/store.ts';
import { history } from '../pass/pass-core.ts';
import { madeAgain, sameIdentity } from '../rivals.ts';
import { unkeptNote } from './create-items.ts';
import { later } from './leave-for-later.ts';
import { endAfter, endOf, noVersion, ownShare, sameLink } from './link-ends.ts';
import { fieldsOf, type Match, type Merged } from './match.ts';
import { noteRival } from './note-rival.ts';
import { readItems } from './read-items.ts';
import { takeBack } from './set-aside.ts';
import { noteMade, otherSide, type TypedContext } from './typed-context.ts';
import { matchAfterFailure, type Outcome } from './write-edits.ts';

/** Reads back what was written, and records links, conflicts and history. */
export async function recordMerged<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  merged: readonly Merged<Kind>[],
  outcomes: ReadonlyMap<Merged<Kind>, Outcome>,
): Promise<void> {
  const written = (side: Side) =>
    merged.filter((m) => {
      const outcome = outcomes.get(m);
      return outcome?.state === 'done' && outcome.written[side] !== undefined;
    });
  const readBack = async (side: Side) =>
    written(side).length === 0
      ? new Map<ItemId, TypedItem<Kind> | Fault>()
      : readItems(
          context,
          side,
          written(side).map((m) => ({ id: m.match[side].id, sizeBytes: m.now[side].head.sizeBytes })),
        );
  const [left, right] = await Promise.all([readBack('left'), readBack('right')]);
  for (const m of merged) {
    const outcome = outcomes.get(m);
    if (!outcome || outcome.state === 'stale') continue;
    if (outcome.state === 'failed') {
      later(context, matchAfterFailure(m, outcome), outcome.fault);
      continue;
    }
    const after = { left: readAfter(m, 'left', left), right: readAfter(m, 'right', right) };
    if (isFault(after.left) || isFault(after.right)) {
      // It was written and cannot be read back now: the next look compares it with what is recorded, and finds nothing to do.
      later(context, matchAfterFailure(m, outcome), isFault(after.left) ? after.left : (after.right as Fault));
      continue;
    }
    record(context, m, { left: after.left, right: after.right }, outcome.written);
  }
}

/** What was removed right after our write was as we had written it: its feed says what became of it. */
function readAfter<Kind extends TypedKind>(
  { match, merge, now }: Merged<Kind>,
  side: Side,
  back: ReadonlyMap<ItemId, TypedItem<Kind> | Fault>,
): TypedItem<Kind> | Fault {
  const answer = back.get(match[side].id) ?? now[side];
  const edit = merge[side]?.edit;
  return edit && isFault(answer) && answer.kind === 'gone' ? applyEdit(now[side], edit) : answer;
}

function record<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  { match, merge, now }: Merged<Kind>,
  after: Readonly<Record<Side, TypedItem<Kind>>>,
  written: Partial<Readonly<Record<Side, TypedWritten>>>,
): void {
  const { link } = match;
  const end = (side: Side): TypedLinkRow[Side] => {
    const edit = merge[side]?.edit;
    const answer = written[side];
    const former = link?.[side].seen ?? null;
    if (!edit || !answer) return endOf(after[side], seenAfter(side, after[side], former, merge));
    const given = applyEdit(now[side], edit);
    const taken = withoutStrays(given, edit, after[side]);
    const isWhole = edit.occurrences.length === 0 || merge.drift.length > 0;
    const seenOf = (item: TypedItem): Shown => seenAfter(side, item, former, merge);
    const asWritten = endAfter(answer, given, taken, seenOf);
    const ours = isWhole ? asWritten.seen : ownShare(given, taken, edit, answer);
    if (taken === after[side] && (isWhole || sameShown(seenOf(taken), ours))) return asWritten;
    // What came to light with the series' new value is somebody's own: the next look finds it and carries it over.
    context.isAgain = true;
    return { ...endOf(after[side], ours), version: noVersion };
  };
  const found: TypedLinkRow = {
    id: match.id,
    identity: after.left.head.identity ?? after.right.head.identity,
    stampKey: link === null ? stampOf(match) : link.stampKey,
    left: end('left'),
    right: end('right'),
    state: 'live',
    goneSincePass: null,
  };
  const next = match.intent === null ? found : beforeMoves(context, match.intent, found, after);
  const ids = { left: next.left.id, right: next.right.id };
  const staged: Commit = {
    ...(link !== null && !match.isElsewhere && sameLink(link, next) ? {} : { typedLinks: [next] }),
    ...(link === null
      ? {
          unlinkedTaken: [
            { side: 'left', id: ids.left },
            { side: 'right', id: ids.right },
          ],
          history: [
            history(context, 'create', match.reason, {
              ...ids,
              outcome: 'adopted',
              detail: match.reason === sameIdentity ? noteRival(context, youngerOf(now)) : null,
            }),
          ],
        }
      : {}),
    ...(link !== null && match.reason === madeAgain
      ? {
          history: [
            history(context, 'create', madeAgain, {
              ...ids,
              outcome: 'adopted',
              detail: noteRival(context, youngerOf(now)),
            }),
          ],
        }
      : {}),
    ...(match.intent === null ? {} : { typedIntentsResolved: [match.intent.stampKey] }),
  };
  context.staged.add(staged);
  if (link === null) context.counts.adopted++;
  takeBack(context, now.left.head, now.right.head);
  for (const side of ['left', 'right'] as const) {
    const edit = merge[side];
    const answer = written[side];
    if (edit === null || answer === undefined) continue;
    context.counts.updated++;
    const not = unkeptNote(answer.unkept);
    context.staged.add({
      history: [
        history(context, 'update', `${match.reason} on the ${side === 'left' ? 'target' : 'source'}`, {
          ...ids,
          detail: [fieldsOf(edit.edit), ...(not === null ? [] : [not])].join('; '),
        }),
      ],
    });
  }
}

/** Where the second of two items of one identity appeared; null: the servers do not say. */
function youngerOf({ left, right }: Merged<TypedKind>['now']): Side | null {
  const [leftAt, rightAt] = [left.head.createdAt, right.head.createdAt];
  if (leftAt === null || rightAt === null || leftAt === rightAt) return null;
  return leftAt > rightAt ? 'left' : 'right';
}

/**
 * A copy may have been moved by a person before it was found again, and so may its original. Their link says where they were when the
 * copy was made, so that the next look finds the move, and carries it over as any other.
 */
function beforeMoves<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  intent: TypedIntentRow,
  link: TypedLinkRow,
  now: Merged<Kind>['now'],
): TypedLinkRow {
  const made = { [intent.side]: intent.folder, [otherSide(intent.side)]: intent.from.folder } as Record<Side, FolderId>;
  const before = (side: Side): TypedLinkRow[Side] => {
    const { head } = now[side];
    if (head.folder === made[side]) return link[side];
    context.lookAgain[side].push({ kind: 'upsert', head });
    // Should the pass break off before, both folders are read from the beginning: where it lies, for the move, and where its link says
    // that it lies, since nothing else would tell that it went away.
    noteMade(context, side, head.folder, head.id);
    noteMade(context, side, made[side], head.id);
    return { ...link[side], folder: made[side], version: noVersion };
  };
  return { ...link, left: before('left'), right: before('right') };
}

/**
 * An item as read back, without the overrides that an edit of the series brought to light: occurrences that had for themselves what the
 * series had as well keep it when the series changes, and differ from it then. The same item when there are none.
 */
function withoutStrays<Kind extends TypedKind>(
  given: TypedItem<Kind>,
  edit: TypedEdit<Kind>,
  back: TypedItem<Kind>,
): TypedItem<Kind> {
  const expected = new Map(given.occurrences.map(({ day, overrides }) => [day, overrides]));
  let hasStrays = false;
  const occurrences = back.occurrences.flatMap(({ day, overrides }) => {
    const own = Object.entries(overrides).filter(
      ([field]) => !(field in edit.set) || field in (expected.get(day) ?? {}),
    );
    hasStrays ||= own.length < Object.keys(overrides).length;
    return own.length === 0 ? [] : [{ day, overrides: Object.fromEntries(own) }];
  });
  return hasStrays ? { ...back, occurrences } : back;
}

/** Of the side that was created by us; null: neither carries a stamp. */
function stampOf({ left, right, intent }: Match): TypedLinkRow['stampKey'] {
  if (intent !== null) return intent.stampKey;
  const stamp = right.head?.stamp ?? left.head?.stamp ?? null;
  return stamp === null ? null : stampKey(stamp);
}
