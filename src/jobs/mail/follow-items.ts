import { batchBySize } from '#engine/batches.ts';
import { classDifferences } from '#engine/class-differences.ts';
import { type LeftDecision, seenNow, stateAspects, touchedAfter } from '#engine/join-left.ts';
import { observeRight } from '#engine/join-right.ts';
import { mergeState } from '#engine/merge-state.ts';
import { canonicalContent, differences, withoutCalendar, withoutState } from '#formats/text/mime-canonical.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import { isMeetingClass, rowOfClass } from '#model/class-properties.ts';
import type { FolderId } from '#model/ids.ts';
import { isUpdating, type LinkRow, updating } from '#model/link.ts';
import type { MailHead } from '#model/mail.ts';
import type { Commit } from '#store/store.ts';
import { history } from '../pass/pass-core.ts';
import { type Creation, createItems } from './create-batch.ts';
import { type PassContext, pathOf } from './pass-context.ts';

export type Follow = Extract<LeftDecision, { do: 'follow' }>;

/** Tries of one item against a target that touches it at the same time, before it is left to the next pass. */
const staleMax = 3;

/**
 * Carries changes of linked items over: moves, state, edited content. Each step is recorded before the next.
 * @returns false when some item has to be looked at again.
 */
export async function followItems(context: PassContext, follows: readonly Follow[]): Promise<boolean> {
  if (follows.length === 0) return true;
  if (context.plan !== null) {
    plan(context, follows);
    return true;
  }
  let settled = true;
  const placed = await moveItems(context, follows);
  settled &&= placed.every((p) => p.settled);
  let pending: readonly Follow[] = placed.filter((p) => p.settled).map((p) => p.follow);
  const inspected = await inspectContents(context, pending);
  settled &&= inspected.settled;
  pending = inspected.rest;
  for (let attempt = 0; pending.length > 0; attempt++) {
    const stale = await updateStates(context, pending);
    if (stale.length === 0) break;
    if (attempt === staleMax) {
      settled = false;
      break;
    }
    const looked = await lookAgain(context, stale);
    settled &&= looked.settled;
    pending = looked.again;
  }
  // Last, since a create may have to read the target's feeds: what they show of a link is not in what was decided before.
  for (const f of inspected.edited) await replaceCopy(context, f);
  return settled;
}

function plan(context: PassContext, follows: readonly Follow[]): void {
  for (const f of follows) {
    const at = { folder: pathOf(context, f.link.leftFolder), left: f.link.leftId, right: f.link.rightId, bytes: 0 };
    if (f.moveTo) context.plan?.push({ ...at, action: 'move', reason: 'moved on the source', detail: null });
    const fields = Object.keys(f.merge.set);
    if (fields.length > 0)
      context.plan?.push({ ...at, action: 'update', reason: 'changed on the source', detail: fields.join(', ') });
    if (f.inspect || f.inspectClass)
      context.plan?.push({
        ...at,
        action: 'replace',
        reason: 'the content may have been edited on the source: it would be compared first',
        detail: null,
      });
  }
}

interface Placed {
  readonly follow: Follow;
  readonly settled: boolean;
}

async function moveItems(context: PassContext, follows: readonly Follow[]): Promise<readonly Placed[]> {
  const placed: Placed[] = follows.filter((f) => f.moveTo === null).map((follow) => ({ follow, settled: true }));
  const byTarget = new Map<FolderId, Follow[]>();
  for (const f of follows) if (f.moveTo) byTarget.set(f.moveTo, [...(byTarget.get(f.moveTo) ?? []), f]);
  for (const [target, moving] of byTarget) {
    for (const batch of batchBySize(moving, () => 0, context.right.abilities.batchMax, Number.POSITIVE_INFINITY)) {
      // Said before it is done, so that a move whose answer is lost is not taken for a person's.
      await context.commit({
        links: batch.map((f) => ({ ...f.link, touched: [...new Set([...f.link.touched, 'moving' as const])] })),
      });
      const answers = await answered(
        () =>
          context.rightBox.move(
            batch.map((f) => f.link.rightId),
            target,
            context.call(),
          ),
        batch.length,
      );
      const links: LinkRow[] = [];
      const log: NonNullable<Commit['history']>[number][] = [];
      batch.forEach((f, i) => {
        const answer = answers[i] as Awaited<typeof answers>[number];
        if (isFault(answer)) {
          // A lost answer: the target's feed shows the copy under its stamp wherever it is now, and the source's page is read again.
          if (answer.kind === 'gone') links.push(rightGone(context, f.link));
          else placed.push({ follow: f, settled: false });
          return;
        }
        const touched = f.link.touched.filter((a) => a !== 'moving' && a !== 'folder');
        // A move asks for no version, so that the one after it may hold what a person wrote right before.
        const link = { ...f.link, rightId: answer.id, rightVersion: null, rightFolder: target, touched };
        placed.push({ follow: { ...f, link }, settled: true });
        // What the source showed before is kept until its state is carried over as well.
        links.push(link);
        log.push(history(context, 'move', 'moved on the source', { left: link.leftId, right: link.rightId }));
      });
      context.counts.moved += log.length;
      await context.commit({ links, history: log });
    }
  }
  return placed;
}

/** The target's feeds were read before, so under this id there really is nothing any more: a person removed the copy. */
const rightGone = (context: PassContext, link: LinkRow): LinkRow => ({
  ...link,
  state: 'right-gone',
  goneSincePass: context.pass,
});

/** A version that moved without a visible reason: compare what both sides hold; where it differs the copy is to be made again. */
async function inspectContents(
  context: PassContext,
  follows: readonly Follow[],
): Promise<{ rest: readonly Follow[]; edited: readonly Follow[]; settled: boolean }> {
  const edited: Follow[] = [];
  const rest: Follow[] = follows.filter((f) => !f.inspect && !f.inspectClass);
  let settled = true;
  for (const f of follows.filter((x) => x.inspect || x.inspectClass)) {
    const content = f.inspect ? await compareContents(context, f) : 'same';
    const verdict = content === 'same' && f.inspectClass ? await compareClass(context, f) : content;
    if (verdict === 'later') settled = false;
    else if (verdict === 'right-gone') await context.commit({ links: [rightGone(context, f.link)] });
    else if (verdict === 'same') rest.push({ ...f, inspect: false, inspectClass: false });
    else edited.push(f);
  }
  return { rest, edited, settled };
}

type Verdict = 'same' | 'different' | 'later' | 'right-gone';

/** What the item is besides its MIME. What cannot be read of it cannot be carried either, and `verify` says so. */
async function compareClass(context: PassContext, f: Follow): Promise<Verdict> {
  const row = rowOfClass(f.head?.facts.itemClass ?? '');
  if (row === null) return 'same';
  // Somebody's client changed it on the target.
  if (f.link.touched.includes('class') && context.policy.conflict === 'target') return 'same';
  const wanted = row.properties.map(({ property }) => property);
  const [left, right] = await Promise.all([
    context.leftBox.properties([f.link.leftId], wanted, context.call()),
    context.rightBox.properties([f.link.rightId], wanted, context.call()),
  ]);
  const [ours, theirs] = [left.get(f.link.leftId), right.get(f.link.rightId)];
  if (theirs && isFault(theirs) && theirs.kind === 'gone') return 'right-gone';
  if (!ours || !theirs) return 'later';
  if (isFault(ours)) return ours.kind === 'poison' ? 'same' : 'later';
  if (isFault(theirs)) return theirs.kind === 'poison' ? 'same' : 'later';
  return classDifferences(row, ours, theirs).length === 0 ? 'same' : 'different';
}

async function compareContents(context: PassContext, f: Follow): Promise<Verdict> {
  const [left, right] = await Promise.all([
    context.leftBox.contents(
      [{ id: f.link.leftId, sizeBytes: f.link.leftSizeBytes }],
      context.call(f.link.leftSizeBytes),
    ),
    context.rightBox.contents(
      [{ id: f.link.rightId, sizeBytes: f.link.leftSizeBytes }],
      context.call(f.link.leftSizeBytes),
    ),
  ]);
  const ours = left.get(f.link.leftId);
  const theirs = right.get(f.link.rightId);
  try {
    if (theirs && isFault(theirs) && theirs.kind === 'gone') return 'right-gone';
    if (!ours || isFault(ours) || !theirs || isFault(theirs)) return 'later';
    const [a, b] = await Promise.all([payloadBytes(ours.mime), payloadBytes(theirs.mime)]);
    if (a.equals(b)) return 'same';
    const isMeeting = isMeetingClass(ours.head.facts.itemClass);
    const seen = (mime: Buffer) => {
      const content = withoutState(canonicalContent(mime));
      return isMeeting ? withoutCalendar(content) : content;
    };
    return differences(seen(a), seen(b)).length === 0 ? 'same' : 'different';
  } finally {
    for (const c of [ours, theirs]) if (c && !isFault(c)) await c.mime.dispose();
  }
}

/** The edited content becomes a new item on the target; the earlier copy goes once the new one is linked. */
async function replaceCopy(context: PassContext, f: Follow): Promise<void> {
  const row = context.rows.get(f.link.leftFolder);
  if (!row || !f.head) return;
  const head: MailHead = { ...f.head, folder: f.link.leftFolder };
  const creation: Creation = {
    head,
    reason: 'the content was edited on the source',
    attempts: 0,
    replaces: { link: f.link.id, right: f.link.rightId, rightVersion: f.link.rightVersion },
  };
  await createItems(context, row, [creation]);
}

/** @returns those that the target had changed in the meantime, or may have. */
async function updateStates(context: PassContext, follows: readonly Follow[]): Promise<readonly Follow[]> {
  const stale: Follow[] = [];
  const quiet = follows.filter((f) => Object.keys(f.merge.set).length === 0);
  await record(
    context,
    quiet.map((f) => ({ follow: f, link: f.link, wrote: false })),
  );
  for (const batch of batchBySize(
    follows.filter((f) => !quiet.includes(f)),
    () => 0,
    context.right.abilities.batchMax,
    Number.POSITIVE_INFINITY,
  )) {
    const versioned = batch.flatMap((follow) => {
      const version = follow.link.rightVersion;
      return version === null ? [] : [{ follow, version }];
    });
    stale.push(...batch.filter((f) => f.link.rightVersion === null));
    if (versioned.length === 0) continue;
    // Said before it is done, so that new state whose answer is lost is not taken for a person's.
    await context.commit({
      links: versioned.map(({ follow: { link, merge } }) => ({
        ...link,
        touched: [...new Set([...link.touched, ...updating(merge.set)])],
      })),
    });
    const edits = versioned.map(({ follow, version }) => ({
      id: follow.link.rightId,
      expect: version,
      set: follow.merge.set,
      // Without a head nothing is known of receipts, so one is taken to be pending.
      readReceiptRequested: follow.head?.facts.readReceiptRequested ?? true,
    }));
    const answers = await answered(() => context.rightBox.update(edits, context.call()), edits.length);
    const done: { follow: Follow; link: LinkRow; wrote: boolean }[] = [];
    versioned.forEach(({ follow }, i) => {
      const answer = answers[i] as Awaited<typeof answers>[number];
      if (!isFault(answer)) {
        const seenRight = { ...(follow.link.seenRight ?? follow.link.seenLeft), ...follow.merge.set };
        done.push({
          follow,
          wrote: true,
          link: {
            ...follow.link,
            rightId: answer.id,
            rightVersion: answer.version,
            seenRight,
            touched: follow.link.touched.filter((a) => !isUpdating(a)),
          },
        });
      } else if (answer.kind === 'fatal') throw new FaultError(answer);
      else stale.push(follow);
    });
    await record(context, done);
  }
  return stale;
}

async function record(
  context: PassContext,
  done: readonly { readonly follow: Follow; readonly link: LinkRow; readonly wrote: boolean }[],
): Promise<void> {
  if (done.length === 0) return;
  context.counts.updated += done.filter((d) => d.wrote).length;
  const conflicts = done.flatMap((d) =>
    d.follow.merge.conflicts.map((c) => ({ ...c, day: null, atMs: context.clock.nowMs(), link: d.link.id })),
  );
  context.counts.conflicts += conflicts.length;
  await context.commit({
    links: done.map(({ follow, link }) => ({
      ...(follow.head ? seenNow(link, follow.head) : { ...link, seenLeft: follow.state }),
      touched: touchedAfter(link, follow.merge),
    })),
    journal: conflicts,
    history: done
      .filter((d) => d.wrote)
      .map(({ follow, link }) =>
        history(context, 'update', 'changed on the source', {
          left: link.leftId,
          right: link.rightId,
          detail: Object.keys(follow.merge.set).join(', '),
        }),
      ),
  });
}

/** Somebody was faster, or may have been: what the target shows now is joined, and the merge made again from it. */
async function lookAgain(
  context: PassContext,
  stale: readonly Follow[],
): Promise<{ again: readonly Follow[]; settled: boolean }> {
  const heads = await context.rightBox.heads(
    stale.map((f) => f.link.rightId),
    context.call(),
  );
  const again: Follow[] = [];
  const missing: LinkRow[] = [];
  let settled = true;
  for (const f of stale) {
    const head = heads.get(f.link.rightId);
    if (!head || isFault(head)) {
      if (head?.kind === 'gone') missing.push(rightGone(context, f.link));
      else settled = false;
      continue;
    }
    const link = observeRight(f.link, head);
    const aspects = stateAspects(link);
    again.push({
      ...f,
      link,
      moveTo: null,
      inspect: false,
      inspectClass: false,
      merge: mergeState(link.seenLeft, f.state, link.seenRight, aspects, context.policy.conflict),
    });
  }
  await context.commit({ links: missing });
  return { again, settled };
}

/** The answers of a batch; a request that failed as a whole for a passing reason counts as that fault for each. */
async function answered<R>(ask: () => Promise<readonly (R | Fault)[]>, count: number): Promise<readonly (R | Fault)[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'transient') throw error;
    const { fault } = error;
    return Array.from({ length: count }, () => fault);
  }
}
