import type { TypedWritten } from '#connectors/contract.ts';
import { batchBySize } from '#engine/batches.ts';
import { asCreatedOn, isRinging } from '#engine/reminders.ts';
import { shown } from '#engine/shown.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, ItemId, Side } from '#model/ids.ts';
import { firstIdOf, hash128, stampKey, writeStamp } from '#model/stamp.ts';
import type { TypedDraft, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { TypedIntentRow, TypedLinkRow } from '#model/typed-link.ts';
import { history, newLinkId } from '../pass/pass-core.ts';
import { attachmentsOf, draftAttachments, type Fetched, fetchAttachments } from './attachments.ts';
import { forget, leaveForLater } from './leave-for-later.ts';
import { endOf, endOfCreated, noVersion } from './link-ends.ts';
import { noAnswer, readItems } from './read-items.ts';
import { setAside, takeBack } from './set-aside.ts';
import { flushMiddle, flushPart, noteMade, otherSide, pathOf, type TypedContext } from './typed-context.ts';

/** An item that is to have a copy in a folder of `on`. */
export interface Creation {
  readonly head: TypedHead;
  readonly reason: string;
}

interface Ready<Kind extends TypedKind> {
  readonly creation: Creation;
  readonly item: TypedItem<Kind>;
  readonly draft: TypedDraft<Kind>;
  readonly intent: TypedIntentRow;
  readonly fetched: Fetched;
}

/** Creates copies in one folder, batch by batch; each batch is recorded before the next begins. */
export async function createItems<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  folder: FolderId,
  creations: readonly Creation[],
): Promise<void> {
  const from = otherSide(on);
  if (context.plan !== null) {
    for (const { head, reason } of creations)
      context.plan.push({
        action: 'create',
        side: on,
        reason,
        folder: pathOf(context, on, folder),
        left: from === 'left' ? head.id : null,
        right: from === 'right' ? head.id : null,
        bytes: head.sizeBytes,
        detail: null,
      });
    return;
  }
  const [reads, writes] = [context.sides[from].connector.abilities, context.sides[on].connector.abilities];
  const batches = batchBySize(
    creations,
    (c) => c.head.sizeBytes,
    Math.min(reads.batchMax, writes.batchMax),
    Math.min(reads.batchMaxBytes, writes.batchMaxBytes),
  );
  for (const [n, batch] of batches.entries()) {
    await createBatch(context, on, folder, batch);
    // The last one is recorded with the places of the feeds.
    if (n < batches.length - 1) await flushPart(context);
  }
}

async function createBatch<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  folder: FolderId,
  batch: readonly Creation[],
): Promise<void> {
  context.checkpoint();
  const from = otherSide(on);
  const answers = await readItems(
    context,
    from,
    batch.map((c) => c.head),
  );
  const items: { creation: Creation; item: TypedItem<Kind> }[] = [];
  for (const creation of batch) {
    const item = answers.get(creation.head.id) ?? noAnswer;
    if (!isFault(item)) items.push({ creation, item });
    else if (item.kind === 'gone') forget(context, from, creation.head);
    else leaveForLater(context, from, creation.head, item);
  }
  const ready: Ready<Kind>[] = [];
  try {
    for (const { creation, item } of items) {
      const fetched = await fetchAttachments(context, from, item.head.id, attachmentsOf(item));
      if (isFault(fetched)) leaveForLater(context, from, creation.head, fetched);
      else ready.push({ creation, item, fetched, ...draftOf(context, on, folder, item, fetched) });
    }
    if (ready.length > 0) await writeBatch(context, on, folder, ready);
  } finally {
    await Promise.all(ready.map((r) => r.fetched.dispose()));
  }
}

function draftOf<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  folder: FolderId,
  item: TypedItem<Kind>,
  fetched: Fetched,
): { readonly draft: TypedDraft<Kind>; readonly intent: TypedIntentRow } {
  const from = otherSide(on);
  const { head } = item;
  const stamp = writeStamp({
    organization: context.pair[from].organization,
    mailbox: context.mailboxes[from],
    searchKey: head.searchKey,
    firstId: firstIdOf(head.id),
    fingerprint: hash128(head.identity ?? `${context.kind} ${head.searchKey}`),
    sizeBytes: head.sizeBytes,
    nonce: context.random.bytes(6).toString('hex'),
  });
  return {
    draft: { item: asCreatedOn(on, item, context.policy), stamp, ...draftAttachments(item, fetched) },
    intent: {
      stampKey: stampKey(stamp),
      stamp,
      side: on,
      folder,
      identity: head.identity,
      from: { id: head.id, folder: head.folder, version: head.version, seen: shown(item) },
      settledAfterMs: 0,
    },
  };
}

async function writeBatch<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  folder: FolderId,
  ready: readonly Ready<Kind>[],
): Promise<void> {
  const bytes = ready.reduce((n, r) => n + r.creation.head.sizeBytes + r.fetched.sizeBytes, 0);
  // One deadline for both: nothing of this create is on its way when the intent counts as settled.
  const settledAfterMs = context.clock.nowMs() + context.deadlineFor(bytes);
  const call = context.call(bytes);
  const keys = ready.map((r) => r.intent.stampKey);
  await flushMiddle(context, { typedIntents: ready.map((r) => ({ ...r.intent, settledAfterMs })) });
  let answers: readonly (TypedWritten | Fault)[];
  try {
    answers = await context.sides[on].items.create(
      folder,
      ready.map((r) => r.draft),
      call,
    );
  } catch (error) {
    return afterFailure(context, on, folder, ready, error);
  }
  const made: { readonly of: Ready<Kind>; readonly written: TypedWritten }[] = [];
  const stopped: Fault[] = [];
  for (const [n, of] of ready.entries()) {
    const answer = answers[n] ?? { ...noAnswer, mayHaveHappened: true };
    if (!isFault(answer)) {
      made.push({ of, written: answer });
      context.lags.visible(context.clock.nowMs(), of.item.head.modifiedAt);
      continue;
    }
    if (mayHaveHappened(answer)) await leaveOpen(context, on, of);
    else {
      context.staged.add({ typedIntentsResolved: [of.intent.stampKey] });
      // The mailbox cannot go on, or its folder is not there: no fault of the item. What was made is recorded first.
      if (answer.kind === 'fatal' || answer.kind === 'gone') {
        stopped.push(answer);
        context.staged.add({ unlinked: [{ side: otherSide(on), head: of.creation.head }] });
      } else leaveForLater(context, otherSide(on), of.creation.head, answer);
    }
  }
  context.counts.bytes += bytes;
  await recordCreated(context, on, made);
  context.progress?.({ kind: 'items', copied: made.length, bytes });
  const [stop] = stopped;
  if (stop) {
    await flushPart(context);
    throw new FaultError(stop);
  }
  if (keys.length !== answers.length) context.isAgain = true;
}

const mayHaveHappened = (fault: Fault): boolean =>
  fault.kind === 'transient' ? fault.mayHaveHappened : fault.kind === 'fatal' && fault.code === 'protocol';

/**
 * Nobody knows whether it was made: its intent stays open, and the item waits until the feed of the other side has shown it, or can no
 * longer show it.
 */
async function leaveOpen<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  of: Ready<Kind>,
): Promise<void> {
  context.isAgain = true;
  context.staged.add({ unlinked: [{ side: otherSide(on), head: of.creation.head }] });
}

/** A request that failed as a whole: by halves, unless it may have happened, or nothing more can be done in this mailbox. */
async function afterFailure<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  folder: FolderId,
  ready: readonly Ready<Kind>[],
  error: unknown,
): Promise<void> {
  if (!(error instanceof FaultError)) throw error;
  const { fault } = error;
  if (mayHaveHappened(fault)) {
    for (const of of ready) {
      await leaveOpen(context, on, of);
      // An item on which the server breaks off time after time is told by its number of tries.
      if (ready.length === 1)
        setAside(context, otherSide(on), of.creation.head, { ...fault, mayHaveHappened: false } as Fault);
    }
    return;
  }
  context.staged.add({ typedIntentsResolved: ready.map((r) => r.intent.stampKey) });
  if ((fault.kind !== 'poison' && fault.kind !== 'transient') || ready.length === 0) {
    await flushPart(context);
    throw error;
  }
  if (ready.length > 1) {
    const middle = ready.length >> 1;
    const creations = ready.map((r) => r.creation);
    await createBatch(context, on, folder, creations.slice(0, middle));
    return createBatch(context, on, folder, creations.slice(middle));
  }
  const [only] = ready;
  if (!only) return;
  // Only a server that answers something else makes it the item's own fault.
  if (fault.kind === 'transient') await context.sides[on].box.ping(context.call());
  leaveForLater(context, otherSide(on), only.creation.head, fault);
}

/** Reads back what was made, so that what each side shows becomes the base, and records the links. */
async function recordCreated<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  on: Side,
  made: readonly { readonly of: Ready<Kind>; readonly written: TypedWritten }[],
): Promise<void> {
  if (made.length === 0) return;
  const back = await readItems(
    context,
    on,
    made.map(({ of, written }) => ({ id: written.id, sizeBytes: of.creation.head.sizeBytes })),
  );
  for (const { of, written } of made) {
    const copy = back.get(written.id);
    context.counts.created++;
    const ids =
      on === 'right' ? { left: of.item.head.id, right: written.id } : { left: written.id, right: of.item.head.id };
    const detail = unkeptNote(written.unkept);
    context.staged.add({ history: [history(context, 'create', of.creation.reason, { ...ids, detail })] });
    if (!copy || isFault(copy)) {
      // What it shows is not known; the feed will say, and then it is adopted.
      await leaveOpen(context, on, of);
      continue;
    }
    noteMade(context, on, copy.head.folder, written.id);
    const end = endOfCreated(written, of.draft.item, copy);
    if (end.version === noVersion) context.isAgain = true;
    const ends = { [on]: end, [otherSide(on)]: endOf(of.item) } as unknown as Pick<TypedLinkRow, Side>;
    context.staged.add({
      typedLinks: [
        {
          id: newLinkId(context),
          identity: of.item.head.identity ?? copy.head.identity,
          stampKey: of.intent.stampKey,
          left: ends.left,
          right: ends.right,
          state: 'live',
          goneSincePass: null,
        },
      ],
      typedIntentsResolved: [of.intent.stampKey],
      unlinkedTaken: [{ side: otherSide(on), id: of.item.head.id }],
      bytesCopied: of.creation.head.sizeBytes,
    });
    takeBack(context, of.item.head);
    if (on === context.policy.active && isRinging(of.item)) ringsTwice(context, of.item.head.id);
  }
}

/** Both sides ring until `turnReminders`, which the next pass does should this one not come to it. */
function ringsTwice(context: TypedContext, id: ItemId): void {
  context.ringTwice.push(id);
  context.staged.add({ pair: { ringing: { on: context.policy.active, isDone: false, upTo: null } } });
}

/** Names of what a server cannot keep, with its reasons; null: it kept all. */
export function unkeptNote(unkept: TypedWritten['unkept']): string | null {
  const names = Object.entries(unkept);
  return names.length === 0 ? null : `not kept: ${names.map(([field, why]) => `${field} (${why})`).join('; ')}`;
}
