import { deletionsLeft } from '#engine/delete-budget.ts';
import { observeRight } from '#engine/join-right.ts';
import { FaultError, isFault } from '#kit/fault.ts';
import { isOrphanId, type LinkRow, touchedByPerson } from '#model/link.ts';
import type { MailHead } from '#model/mail.ts';
import type { Commit } from '#store/store.ts';
import { history } from '../pass/pass-core.ts';
import { endLinks, type PassContext, pathOf } from './pass-context.ts';

const dayMs = 86_400_000;
const pageSize = 200;

export interface Removals {
  /** Missed since the last pass that went through, and so waiting one pass for their create in another folder; or without an answer of the source. */
  readonly waiting: number;
  /** Over the budget of deletions: held until somebody allows them. */
  readonly held: number;
  /** Links whose source item is there after all. */
  readonly back: readonly LinkRow[];
}

/**
 * Removes the copies of items that are gone from the source since before a pass that went through. Every one is looked at once more on the source;
 * a copy that a person changed is left to that person; and what is over the budget of 24 hours is held.
 */
export async function removeGone(context: PassContext): Promise<Removals> {
  const { store, pair, policy } = context;
  const linked = (await store.pair(pair.id))?.counts.links ?? 0;
  const spent = await store.deletionsSince(pair.id, context.clock.nowMs() - dayMs);
  // One that broke off may not have read the folder to which an item had moved, and in the next one it may have moved on.
  const wentThrough = pair.lastPass === null || pair.lastPass.outcome === 'stopped' ? 0 : pair.lastPass.pass;
  let budget = deletionsLeft(policy.maxDelete, linked, spent);
  let waiting = 0;
  let held = 0;
  const back: LinkRow[] = [];
  for (let after: LinkRow['id'] | null = null; ; ) {
    const links: readonly LinkRow[] = await store.links(pair.id, { state: 'left-gone' }, after, pageSize);
    after = links.at(-1)?.id ?? null;
    const due = links.filter((l) => (l.goneSincePass ?? 0) <= wentThrough);
    waiting += links.length - due.length;
    const { gone, alive } = await lookOnce(context, due);
    // Of some the source could not say anything, and of some it said now for the first time that they are gone.
    waiting += due.length - gone.length - alive.length;
    back.push(...alive);
    if (policy.keepsDeleted) {
      await leaveOnTarget(context, gone);
      if (links.length < pageSize) break;
      continue;
    }
    const kept = gone.filter((l) => touchedByPerson(l).length > 0 && policy.conflict === 'target');
    await leaveToPerson(context, kept);
    const trash = trashFolder(context);
    const doomed: LinkRow[] = [];
    for (const link of gone.filter((l) => !kept.includes(l))) {
      if (link.rightFolder === trash) doomed.push(link);
      else if (budget > 0) {
        budget--;
        doomed.push(link);
      } else held++;
    }
    await removeCopies(context, doomed, trash);
    if (links.length < pageSize) break;
  }
  if (held > 0 && context.plan === null) {
    await context.commit({
      history: [
        history(context, 'remove', 'more deletions than maxDelete allows in 24 hours: held', {
          outcome: 'held',
          detail: `${held} held`,
        }),
      ],
    });
  }
  return { waiting, held, back };
}

function trashFolder(context: PassContext): LinkRow['rightFolder'] | null {
  for (const row of context.rows.values()) if (row.role === 'deleteditems') return row.right;
  return null;
}

async function lookOnce(
  context: PassContext,
  due: readonly LinkRow[],
): Promise<{ gone: readonly LinkRow[]; alive: readonly LinkRow[] }> {
  const known = due.filter((l) => !isOrphanId(l.leftId));
  const heads =
    known.length > 0
      ? await context.leftBox.heads(
          known.map((l) => l.leftId),
          context.call(),
        )
      : new Map<never, never>();
  const gone = due.filter((l) => isOrphanId(l.leftId));
  const alive: LinkRow[] = [];
  const missed: LinkRow[] = [];
  for (const link of known) {
    const answer = heads.get(link.leftId);
    if (answer && isFault(answer)) {
      if (answer.kind === 'gone') (link.goneSincePass === null ? missed : gone).push(link);
    } else if (answer) alive.push(link);
  }
  await context.commit({ links: missed.map((l) => ({ ...l, goneSincePass: context.pass })) });
  return { gone, alive };
}

/** Nothing is asked of these items any more: the copy is the person's own by now. */
async function leaveOnTarget(context: PassContext, links: readonly LinkRow[]): Promise<void> {
  if (links.length === 0) return;
  const reason = 'deleted on the source after the switch: the target keeps it';
  await context.commit({
    ...endLinks(context, links),
    history: links.map((l) =>
      history(context, 'remove', reason, { left: l.leftId, right: l.rightId, outcome: 'held' }),
    ),
  });
}

async function leaveToPerson(context: PassContext, links: readonly LinkRow[]): Promise<void> {
  if (links.length === 0) return;
  context.counts.conflicts += links.length;
  const why = 'deleted on the source, changed by a person on the target: the target keeps it';
  await context.commit({
    ...endLinks(context, links),
    journal: links.map((l) => ({
      atMs: context.clock.nowMs(),
      link: l.id,
      field: 'existence',
      day: null,
      base: 'there',
      left: 'deleted',
      right: touchedByPerson(l),
      winner: 'right' as const,
      why,
    })),
    history: links.map((l) => history(context, 'remove', why, { left: l.leftId, right: l.rightId, outcome: 'held' })),
  });
}

async function removeCopies(
  context: PassContext,
  links: readonly LinkRow[],
  trash: LinkRow['rightFolder'] | null,
): Promise<void> {
  if (links.length === 0) return;
  const reason = 'deleted on the source';
  if (context.plan !== null) {
    for (const l of links)
      context.plan.push({
        action: 'remove',
        reason,
        folder: pathOf(context, l.leftFolder),
        left: l.leftId,
        right: l.rightId,
        bytes: 0,
        detail: null,
      });
    return;
  }
  const heads = await context.rightBox.heads(
    links.map((l) => l.rightId),
    context.call(),
  );
  const present: { link: LinkRow; head: MailHead }[] = [];
  const forgotten: LinkRow[] = [];
  const changed: LinkRow[] = [];
  for (const link of links) {
    const head = heads.get(link.rightId);
    if (!head || isFault(head)) {
      if (head?.kind === 'gone') forgotten.push(link);
      continue;
    }
    const seen = observeRight(link, head);
    // Touched after it was last read: the next pass leaves it to the person.
    if (touchedByPerson(seen).length > touchedByPerson(link).length && context.policy.conflict === 'target')
      changed.push(seen);
    else present.push({ link, head });
  }
  // Said before it is done, so that a removal whose answer is lost is not taken for a person's.
  await context.commit({
    links: present.map(({ link }) => ({ ...link, touched: [...new Set([...link.touched, 'removing' as const])] })),
  });
  const answers =
    present.length === 0
      ? []
      : await context.rightBox.remove(
          present.map(({ link, head }) => ({
            id: link.rightId,
            expect: head.version,
            readReceiptRequested: head.facts.readReceiptRequested,
          })),
          context.call(),
        );
  const log: NonNullable<Commit['history']>[number][] = [];
  let counted = 0;
  present.forEach(({ link }, i) => {
    const answer = answers[i];
    if (answer && isFault(answer) && answer.kind !== 'gone') {
      if (answer.kind === 'fatal') throw new FaultError(answer);
      return;
    }
    forgotten.push(link);
    if (answer) return;
    context.counts.removed++;
    if (link.rightFolder !== trash) counted++;
    log.push(history(context, 'remove', reason, { left: link.leftId, right: link.rightId }));
  });
  await context.commit({
    links: changed,
    ...endLinks(context, forgotten),
    history: log,
    ...(counted > 0 ? { deletions: { atMs: context.clock.nowMs(), count: counted } } : {}),
  });
}
