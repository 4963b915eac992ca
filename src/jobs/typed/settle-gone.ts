import { batchBySize } from '#engine/batches.ts';
import { deletionsLeft } from '#engine/delete-budget.ts';
import type { TypedDecision } from '#engine/join-typed-decisions.ts';
import { settleGone as decide, type GoneDecision } from '#engine/settle-typed.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, Side } from '#model/ids.ts';
import type { TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import { history } from '../pass/pass-core.ts';
import { type Creation, createItems } from './create-items.ts';
import { journalOf } from './journal-entries.ts';
import { sameLink } from './link-ends.ts';
import { readItems } from './read-items.ts';
import { counterpart, flushMiddle, otherSide, pathOf, type TypedContext } from './typed-context.ts';

type Settle = Extract<TypedDecision, { do: 'settle' }>;
interface Removal {
  readonly link: TypedLinkRow;
  readonly head: TypedHead;
  readonly decision: Extract<GoneDecision, { do: 'remove' }>;
}

/** Records a link that goes on waiting, when the twin that is left is another than is recorded: no feed says so once more. */
type WaitsOn = (link: TypedLinkRow) => void;

const dayMs = 86_400_000;

/**
 * What was deleted on one side since an earlier pass: its twin is looked at once more, and goes recoverably when nobody changed it; what
 * is over the budget of 24 hours is held.
 */
export async function settleGone<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  settles: readonly Settle[],
  recorded: readonly TypedLinkRow[],
): Promise<void> {
  const before = new Map(recorded.map((link) => [link.id, link]));
  const waitsOn: WaitsOn = (link) => {
    const known = before.get(link.id);
    if (!known || !sameLink(known, link)) context.staged.add({ typedLinks: [link] });
  };
  for (const { link } of settles) if (context.settled.has(link.id)) waitsOn(link);
  // Once a pass: what was held or could not be answered for is no more certain in its next round.
  const due = settles.filter(({ link }) => !context.settled.has(link.id));
  for (const { link } of due) context.settled.add(link.id);
  if (due.length === 0) return;
  const removals: Removal[] = [];
  const revivals = new Map<string, { on: Side; folder: FolderId; creations: Creation[] }>();
  for (const side of ['left', 'right'] as const) {
    const there = due.filter((s) => otherSide(s.gone) === side);
    const items = await readItems(
      context,
      side,
      there.map(({ link }) => ({ id: link[side].id, sizeBytes: 0 })),
    );
    for (const { link, gone } of there) {
      const answer = items.get(link[side].id);
      // Nothing may be concluded from an open question: its link goes on waiting.
      if (answer === undefined || (isFault(answer) && answer.kind !== 'gone')) {
        context.isAgain = true;
        waitsOn(link);
      } else settleOne(context, link, gone, isFault(answer) ? null : answer, removals, revivals);
    }
  }
  for (const { on, folder, creations } of revivals.values()) await createItems(context, on, folder, creations);
  await removeTwins(context, removals, settles.length, waitsOn);
}

function settleOne(
  context: TypedContext,
  link: TypedLinkRow,
  gone: Side,
  item: TypedItem | null,
  removals: Removal[],
  revivals: Map<string, { on: Side; folder: FolderId; creations: Creation[] }>,
): void {
  const decision = decide(link, gone, item, context.policy);
  if (decision.do === 'forget' || item === null) {
    context.staged.add({ typedLinksForgotten: [link.id] });
    return;
  }
  const { head } = item;
  if (decision.do === 'remove') {
    removals.push({ link, head, decision });
    return;
  }
  context.counts.conflicts++;
  const there = otherSide(gone);
  context.staged.add({
    typedLinksForgotten: [link.id],
    unlinked: [{ side: there, head }],
    journal: [journalOf(context, link.id, decision.conflict)],
  });
  if (decision.do === 'keep') {
    const ids = { left: link.left.id, right: link.right.id, outcome: 'held' as const };
    context.staged.add({ history: [history(context, 'remove', decision.conflict.why, ids)] });
    return;
  }
  const folder = counterpart(context, there, head.folder);
  // Where its folder went away as well it stays as it is, without a twin.
  if (folder === null) return;
  const group = revivals.get(`${decision.on} ${folder}`) ?? { on: decision.on, folder, creations: [] };
  group.creations.push({ head, reason: decision.conflict.why });
  revivals.set(`${decision.on} ${folder}`, group);
}

/** What is lost by a removal is in the journal before it is done. */
async function tellBefore(context: TypedContext, removals: readonly Removal[]): Promise<void> {
  const entries = removals.flatMap(({ link, decision: { conflict } }) =>
    conflict === null ? [] : [journalOf(context, link.id, conflict)],
  );
  const journal = await context.told.news(entries);
  context.counts.conflicts += journal.length;
  if (journal.length > 0) await flushMiddle(context, { journal });
}

async function removeTwins(
  context: TypedContext,
  removals: readonly Removal[],
  gone: number,
  waitsOn: WaitsOn,
): Promise<void> {
  if (removals.length === 0) return;
  const spent = await context.store.deletionsSince(context.pair.id, context.clock.nowMs() - dayMs);
  // Counted are the live links; those that wait were alive when the day began.
  const budget = deletionsLeft(context.policy.maxDelete, context.pair.counts.links + gone, spent);
  const allowed = removals.slice(0, budget);
  const held = removals.length - allowed.length;
  for (const { link } of removals.slice(budget)) waitsOn(link);
  context.counts.held += held;
  if (held > 0)
    context.staged.add({
      history: [
        history(context, 'remove', 'more deletions than maxDelete allows in 24 hours: held', {
          outcome: 'held',
          detail: `${held} held`,
        }),
      ],
    });
  for (const side of ['left', 'right'] as const) {
    const due = allowed.filter((r) => r.decision.on === side);
    const reason = `deleted on the ${side === 'left' ? 'target' : 'source'}`;
    if (context.plan !== null) {
      for (const { link, head } of due)
        context.plan.push({
          action: 'remove',
          side,
          reason,
          folder: pathOf(context, side, head.folder),
          left: link.left.id,
          right: link.right.id,
          bytes: 0,
          detail: null,
        });
      continue;
    }
    const { items, connector } = context.sides[side];
    for (const batch of batchBySize(due, () => 0, connector.abilities.batchMax, Number.POSITIVE_INFINITY)) {
      context.checkpoint();
      await tellBefore(context, batch);
      const answers = await items.remove(
        batch.map(({ link, decision }) => ({ id: link[side].id, expect: decision.expect })),
        context.call(),
      );
      for (const [n, { link }] of batch.entries()) {
        const answer = answers[n];
        if (answer && isFault(answer) && answer.kind !== 'gone') {
          if (answer.kind === 'fatal') throw new FaultError(answer);
          // Written at the last moment, or nobody knows: its link goes on waiting, and is settled again.
          context.isAgain = true;
          waitsOn(link);
          continue;
        }
        context.staged.add({ typedLinksForgotten: [link.id] });
        if (answer) continue;
        context.counts.removed++;
        context.lags.visible(context.clock.nowMs(), null);
        context.staged.add({
          deletions: { atMs: context.clock.nowMs(), count: 1 },
          history: [history(context, 'remove', reason, { left: link.left.id, right: link.right.id })],
        });
      }
    }
  }
}
