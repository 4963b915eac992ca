import { batchBySize } from '#engine/batches.ts';
import type { TypedDecision } from '#engine/join-typed-decisions.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, Side } from '#model/ids.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import { history } from '../pass/pass-core.ts';
import { unseenSince } from './link-ends.ts';
import { setAside } from './set-aside.ts';
import { counterpart, noteMade, otherSide, pathOf, type TypedContext } from './typed-context.ts';

type Compare = Extract<TypedDecision, { do: 'compare' }>;

/**
 * Moves items to where their twins are. A move whose answer is lost needs no intent: the feed shows the item under its new id, with
 * its identity, in the folder where it belongs.
 *
 * @returns all, those that were moved with the ids of now; what could not be moved is left out and tried again.
 */
export async function moveItems(context: TypedContext, compares: readonly Compare[]): Promise<readonly Compare[]> {
  const done: Compare[] = compares.filter((c) => c.move === null);
  const byPlace = new Map<string, { on: Side; to: FolderId; moving: Compare[] }>();
  for (const compare of compares) {
    if (compare.movedApart) await journalMove(context, compare);
    if (compare.move === null) continue;
    const { on, to } = compare.move;
    const place = byPlace.get(`${on} ${to}`) ?? { on, to, moving: [] };
    place.moving.push(compare);
    byPlace.set(`${on} ${to}`, place);
  }
  for (const { on, to, moving } of byPlace.values()) {
    const reason = `moved on the ${on === 'left' ? 'target' : 'source'}`;
    if (context.plan !== null) {
      for (const { link } of moving)
        context.plan.push({
          action: 'move',
          side: on,
          reason,
          folder: pathOf(context, on, to),
          left: link.left.id,
          right: link.right.id,
          bytes: 0,
          detail: null,
        });
      done.push(...moving);
      continue;
    }
    const { items, connector } = context.sides[on];
    for (const batch of batchBySize(moving, () => 0, connector.abilities.batchMax, Number.POSITIVE_INFINITY)) {
      context.checkpoint();
      const answers = await items.move(
        batch.map((c) => c.link[on].id),
        to,
        context.call(),
      );
      for (const [n, compare] of batch.entries()) {
        const answer = answers[n] ?? { kind: 'transient', detail: 'not in the answer', mayHaveHappened: true };
        if (!isFault(answer)) {
          const end = { ...compare.link[on], id: answer.id, folder: to };
          const link: TypedLinkRow = on === 'left' ? { ...compare.link, left: end } : { ...compare.link, right: end };
          context.counts.moved++;
          noteMade(context, on, to, answer.id);
          context.staged.add({
            history: [history(context, 'move', reason, { left: link.left.id, right: link.right.id })],
          });
          context.lags.visible(context.clock.nowMs(), null);
          done.push({ ...compare, link, move: null });
        } else if (answer.kind === 'fatal') throw new FaultError(answer);
        else {
          context.isAgain = true;
          context.staged.add({ typedLinks: [notMoved(context, compare, on)] });
          const head = compare.left ?? compare.right;
          if (head && answer.kind !== 'gone') setAside(context, compare.left ? 'left' : 'right', head, answer);
        }
      }
    }
  }
  return done;
}

/** No feed shows it once more: its link says that it was moved on the other side, under its ids of now. */
function notMoved(context: TypedContext, { link, left, right }: Compare, on: Side): TypedLinkRow {
  const unseen = unseenSince(link, left, right);
  const moved = otherSide(on);
  const before = counterpart(context, on, link[on].folder) ?? ('' as FolderId);
  return { ...unseen, [moved]: { ...unseen[moved], folder: before } };
}

async function journalMove(context: TypedContext, { link, movedApart }: Compare): Promise<void> {
  if (!movedApart) return;
  const journal = await context.told.news([
    {
      atMs: context.clock.nowMs(),
      link: link.id,
      field: 'folder',
      day: null,
      base: null,
      left: movedApart.left,
      right: movedApart.right,
      winner: movedApart.winner,
      why: 'moved-apart: moved to different folders on both sides',
    },
  ]);
  context.counts.conflicts += journal.length;
  context.staged.add({ journal });
}
