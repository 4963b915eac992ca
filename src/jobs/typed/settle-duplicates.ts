import type { TypedDecision } from '#engine/join-typed-decisions.ts';
import { type DuplicateDecision, settleDuplicates as decide } from '#engine/settle-typed.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { LinkId, Side } from '#model/ids.ts';
import type { TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import { history } from '../pass/pass-core.ts';
import { type Fetched, fetchAttachments } from './attachments.ts';
import { journalOf } from './journal-entries.ts';
import { leaveForLater } from './leave-for-later.ts';
import { noVersion } from './link-ends.ts';
import { noteRival } from './note-rival.ts';
import { noAnswer, readItems } from './read-items.ts';
import { flushMiddle, pathOf, type TypedContext } from './typed-context.ts';

/**
 * Several items with one identity in one folder, made by us and by somebody else at the same time: one stays and takes over what the
 * others have, the others go recoverably and whole into the journal. What stays is compared in the next round.
 */
export async function settleDuplicates<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  { on, heads, link }: Extract<TypedDecision, { do: 'dedupe' }>,
): Promise<void> {
  const read = await readItems(context, on, [...heads, ...(link === null ? [] : [{ id: link[on].id, sizeBytes: 0 }])]);
  const items: TypedItem<Kind>[] = [];
  for (const answer of read.values()) {
    if (!isFault(answer)) items.push(answer);
    // One that cannot be read now is not judged by its absence.
    else if (answer.kind !== 'gone') {
      for (const head of heads) leaveForLater(context, on, head, answer);
      return;
    }
  }
  // A feed that is read from its beginning says nothing of what was deleted before: it would be taken for a duplicate for ever.
  const gone = heads.filter(({ id }) => isFault(read.get(id)));
  context.staged.add({ unlinkedTaken: gone.map(({ id }) => ({ side: on, id })) });
  const own = [context.pair.left.address.toLowerCase(), context.pair.right.address.toLowerCase()];
  const decision = decide(on, items, link?.[on].id ?? null, own, context.policy, clockOf);
  if (decision === null) {
    for (const item of items) context.lookAgain[on].push({ kind: 'upsert', head: item.head });
    return;
  }
  for (const { head } of decision.apart) {
    context.apart[on].add(head.id);
    context.lookAgain[on].push({ kind: 'upsert', head });
    context.staged.add({ unlinked: [{ side: on, head }] });
  }
  if (decision.remove.length === 0) {
    if (decision.keep.head.id !== link?.[on].id)
      context.lookAgain[on].push({ kind: 'upsert', head: decision.keep.head });
    return;
  }
  const reason = `a duplicate: ${decision.why}`;
  if (context.plan !== null) {
    for (const { head } of decision.remove)
      context.plan.push({
        action: 'remove',
        side: on,
        reason,
        folder: pathOf(context, on, head.folder),
        left: on === 'left' ? head.id : null,
        right: on === 'right' ? head.id : null,
        bytes: 0,
        detail: null,
      });
    return;
  }
  // Said before it is done: afterwards what goes is nowhere else.
  const journal = await context.told.news(
    [...decision.conflicts, ...decision.overruled].map((c) => journalOf(context, link?.id ?? ('' as LinkId), c)),
  );
  context.counts.conflicts += journal.length;
  await flushMiddle(context, { journal });
  const fault = await takeOver(context, on, decision);
  if (fault !== null) {
    // Somebody wrote it in the meantime: that is no failure of these, and the next pass judges them as they are then.
    if (fault.kind === 'stale' || fault.kind === 'gone') {
      context.staged.add({ unlinked: heads.map((head) => ({ side: on, head })) });
      context.isAgain = true;
    } else for (const head of heads) leaveForLater(context, on, head, fault);
    return;
  }
  const answers = await context.sides[on].items.remove(
    decision.remove.map(({ head }) => ({ id: head.id, expect: head.version })),
    context.call(),
  );
  for (const [n, { head }] of decision.remove.entries()) {
    const answer = answers[n];
    if (answer && isFault(answer)) {
      if (answer.kind === 'fatal') throw new FaultError(answer);
      if (answer.kind !== 'gone') {
        notRemoved(context, on, head, answer);
        continue;
      }
    } else {
      context.counts.removed++;
      noteRival(context, on);
      const where = on === 'left' ? { left: head.id } : { right: head.id };
      context.staged.add({ history: [history(context, 'remove', reason, where)] });
    }
    context.staged.add({ unlinkedTaken: [{ side: on, id: head.id }] });
  }
  context.staged.add({
    ...(link === null
      ? {}
      : { typedLinks: [{ ...link, [on]: { ...link[on], id: decision.keep.head.id, version: noVersion } }] }),
  });
  context.lookAgain[on].push({ kind: 'upsert', head: decision.keep.head });
}

/** It is still there beside what was kept. One that may go yet is judged again by the next round, or by the next pass when there is none. */
function notRemoved(context: TypedContext, on: Side, head: TypedHead, fault: Fault): void {
  if (fault.kind === 'stale') context.staged.add({ unlinked: [{ side: on, head }] });
  else leaveForLater(context, on, head, fault);
  if (fault.kind !== 'stale' && context.failed.get(head.id)?.retry === false) context.refused[on].add(head.id);
  else context.lookAgain[on].push({ kind: 'upsert', head });
}

/** @returns why it could not be done: somebody wrote the kept one in the meantime, or its new content cannot be had. */
async function takeOver<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  { keep, edit, needs }: DuplicateDecision<Kind>,
): Promise<Fault | null> {
  if (edit === null) return null;
  const fetched: Fetched[] = [];
  try {
    for (const { from, day, heads } of needs) {
      const got = await fetchAttachments(context, on, from, [{ day, heads }]);
      if (isFault(got)) return got;
      fetched.push(got);
    }
    const attachments = new Map(fetched.flatMap((f) => [...f.byHash]));
    const [answer] = await context.sides[on].items.update(
      [{ item: keep, edit: { ...edit, attachments } }],
      context.call(),
    );
    if (!answer || isFault(answer)) {
      if (answer?.kind === 'fatal') throw new FaultError(answer);
      return answer ?? noAnswer;
    }
    context.counts.updated++;
    return null;
  } finally {
    await Promise.all(fetched.map((f) => f.dispose()));
  }
}
