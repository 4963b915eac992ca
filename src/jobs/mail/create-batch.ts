import { batchBySize } from '#engine/batches.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderRow, IntentRow } from '#model/link.ts';
import type { MailContent, MailDraft, MailHead, RawProperty } from '#model/mail.ts';
import { isDraft, mailFingerprint } from '#model/mail.ts';
import { firstIdOf, stampKey, writeStamp } from '#model/stamp.ts';
import type { Commit, QuarantineRow } from '#store/store.ts';
import { inLanes } from '../pass/in-lanes.ts';
import { history } from '../pass/pass-core.ts';
import { type PassContext, pathOf } from './pass-context.ts';
import { readClassProperties } from './read-class-properties.ts';
import { linkOf } from './read-right.ts';
import { resolveIntents } from './resolve-intents.ts';

/** One item to be created, and the copy that it replaces when its content was edited. */
export interface Creation {
  readonly head: MailHead;
  readonly reason: string;
  readonly replaces: IntentRow['replaces'];
  /** Tries before this one, from the quarantine. */
  readonly attempts: number;
}

type Quarantined = Omit<QuarantineRow, 'pair'>;
type OfClass = ReadonlyMap<MailHead['id'], readonly RawProperty[] | Fault>;

/** After so many passes an item that fails for a passing reason is left to the operator. */
const attemptsMax = 5;

/** Creates items in one target folder: batches by count and size, several at a time. */
export async function createItems(context: PassContext, row: FolderRow, creations: readonly Creation[]): Promise<void> {
  const { abilities: reads } = context.left;
  const { abilities: writes } = context.right;
  if (context.plan !== null) {
    for (const c of creations) {
      context.plan.push({
        action: c.replaces ? 'replace' : 'create',
        reason: c.reason,
        folder: pathOf(context, row.left),
        left: c.head.id,
        right: null,
        bytes: c.head.facts.sizeBytes,
        detail: null,
      });
    }
    return;
  }
  const size = (c: Creation) => c.head.facts.sizeBytes;
  const batches = batchBySize(
    creations,
    size,
    Math.min(reads.batchMax, writes.batchMax),
    Math.min(reads.batchMaxBytes, writes.batchMaxBytes),
  );
  await inLanes(context.lanes, batches, (batch) => createBatch(context, row, batch));
}

/**
 * One batch: read, record the intents, create with stamps, record the links. A fault of the whole batch that is not the
 * network's is narrowed down by halves, so that one bad item never holds up its neighbours.
 */
async function createBatch(context: PassContext, row: FolderRow, batch: readonly Creation[]): Promise<void> {
  context.checkpoint();
  let contents: ReadonlyMap<MailHead['id'], MailContent | Fault>;
  try {
    contents = await context.leftBox.contents(
      batch.map((c) => ({ id: c.head.id, sizeBytes: c.head.facts.sizeBytes })),
      context.call(sumBytes(batch)),
    );
  } catch (error) {
    return narrow(context, row, batch, error, 'left');
  }
  const held = [...contents.values()].filter((c): c is MailContent => !isFault(c));
  try {
    let ofClass: OfClass;
    try {
      ofClass = await readClassProperties(context.leftBox, contents, () => context.call());
    } catch (error) {
      return await narrow(context, row, batch, error, 'left');
    }
    await writeBatch(context, row, batch, contents, ofClass);
  } finally {
    await Promise.all(held.map((c) => c.mime.dispose()));
  }
}

async function writeBatch(
  context: PassContext,
  row: FolderRow,
  batch: readonly Creation[],
  contents: ReadonlyMap<MailHead['id'], MailContent | Fault>,
  ofClass: OfClass,
): Promise<void> {
  const refused: Quarantined[] = [];
  const ready: { readonly creation: Creation; readonly draft: MailDraft; readonly intent: IntentRow }[] = [];
  const bytes = [...contents.values()].reduce((n, c) => n + (isFault(c) ? 0 : c.mime.sizeBytes), 0);
  // One deadline for both: nothing of this create is on its way when the intent counts as settled.
  const settledAfterMs = context.clock.nowMs() + context.deadlineFor(bytes);
  const call = context.call(bytes);
  for (const creation of batch) {
    const content = contents.get(creation.head.id) ?? ({ kind: 'gone', detail: 'not in the answer' } as const);
    const besides = ofClass.get(creation.head.id) ?? [];
    const fault = isFault(content) ? content : isFault(besides) ? besides : unfit(context, content);
    if (fault) {
      // Gone: the source's feed says what became of it.
      if (fault.kind !== 'gone') refused.push(quarantined(context, creation, fault));
      continue;
    }
    const intent = intentOf(context, row, creation, content as MailContent, settledAfterMs);
    const draft = { content: content as MailContent, stamp: intent.stamp, ofClass: besides as readonly RawProperty[] };
    ready.push({ creation, draft, intent });
  }
  if (refused.length > 0) {
    context.counts.quarantined += refused.length;
    await context.commit({ quarantine: refused, history: refused.map((q) => refusal(context, q)) });
  }
  if (ready.length === 0) return;
  const keys = ready.map((r) => r.intent.stampKey);
  // Before anybody can read the intents: another lane that saw them open would close them.
  for (const key of keys) {
    context.inFlight.add(key);
    context.settledAt.set(key, call.deadlineMs);
  }
  await context.commit({ intents: ready.map((r) => r.intent) });
  let answers: Awaited<ReturnType<typeof context.rightBox.create>>;
  try {
    answers = await context.rightBox.create(
      row.right as NonNullable<FolderRow['right']>,
      ready.map((r) => r.draft),
      call,
    );
  } catch (error) {
    const fault = error instanceof FaultError ? error.fault : null;
    for (const key of keys) context.inFlight.delete(key);
    if (fault !== null && !mayHaveHappened(fault)) await context.commit({ intentsResolved: keys });
    return narrow(
      context,
      row,
      ready.map((r) => r.creation),
      error,
      'right',
    );
  }
  const unknown = await recordAnswers(context, ready, answers);
  for (const key of keys) context.inFlight.delete(key);
  if (unknown.length > 0) await createAgain(context, row, unknown);
}

/** An answer that cannot be read says as little as none. */
const mayHaveHappened = (fault: Fault): boolean =>
  fault.kind === 'transient' ? fault.mayHaveHappened : fault.kind === 'fatal' && fault.code === 'protocol';

const sumBytes = (batch: readonly Creation[]): number => batch.reduce((n, c) => n + c.head.facts.sizeBytes, 0);

/** @returns the items of which the answer does not say what became of them. */
async function recordAnswers(
  context: PassContext,
  ready: readonly { readonly creation: Creation; readonly draft: MailDraft; readonly intent: IntentRow }[],
  answers: Awaited<ReturnType<PassContext['rightBox']['create']>>,
): Promise<readonly Creation[]> {
  const links: NonNullable<Commit['links']>[number][] = [];
  const done: (typeof ready)[number][] = [];
  const failed: { creation: Creation; fault: Fault }[] = [];
  const unknown: (typeof ready)[number][] = [];
  const stopped: { item: (typeof ready)[number]; fault: Fault }[] = [];
  let bytes = 0;
  ready.forEach((item, i) => {
    const answer =
      answers[i] ?? ({ kind: 'transient', detail: 'no answer for this item', mayHaveHappened: true } as const);
    if (isFault(answer)) {
      // The mailbox cannot go on, or its folder is not there: no fault of the item. What was made is recorded first.
      if (answer.kind === 'fatal' || answer.kind === 'gone') stopped.push({ item, fault: answer });
      else if (answer.kind === 'transient' && answer.mayHaveHappened) unknown.push(item);
      else failed.push({ creation: item.creation, fault: answer });
      return;
    }
    const link = linkOf(context, item.intent, answer);
    links.push(link);
    done.push(item);
    bytes += item.draft.content.mime.sizeBytes;
  });
  const replaced = done.filter((d) => d.intent.replaces !== null);
  const quarantine = failed.map((f) => quarantined(context, f.creation, f.fault));
  await context.commit({
    links,
    // What replaces an earlier copy stays open until that copy is removed.
    intentsResolved: [
      ...done.filter((d) => d.intent.replaces === null).map((d) => d.intent.stampKey),
      ...ready.filter((r) => failed.some((f) => f.creation === r.creation)).map((r) => r.intent.stampKey),
      ...stopped.flatMap(({ item, fault }) => (mayHaveHappened(fault) ? [] : [item.intent.stampKey])),
    ],
    quarantine,
    quarantineLeft: done.filter((d) => d.creation.attempts > 0).map((d) => d.creation.head.id),
    bytesCopied: bytes,
    history: [
      ...done.map((d, i) =>
        history(context, d.intent.replaces ? 'replace' : 'create', d.creation.reason, {
          left: d.creation.head.id,
          right: links[i]?.rightId ?? null,
        }),
      ),
      ...quarantine.map((q) => refusal(context, q)),
    ],
  });
  context.counts.created += done.length - replaced.length;
  context.counts.replaced += replaced.length;
  context.counts.quarantined += quarantine.length;
  context.counts.bytes += bytes;
  context.progress?.({ kind: 'items', copied: done.length, bytes });
  for (const item of replaced) await removeReplaced(context, item.intent);
  const [stop] = stopped;
  if (stop) throw new FaultError(stop.fault);
  return unknown.map((u) => u.creation);
}

/** The second half of a replacement: the edited content is on the target and linked; now the earlier copy goes, recoverably. */
export async function removeReplaced(context: PassContext, intent: IntentRow): Promise<void> {
  const old = intent.replaces;
  if (!old) return;
  const heads = await context.rightBox.heads([old.right], context.call());
  const head = heads.get(old.right);
  // Whatever cannot be decided now leaves the intent open; the next pass removes the copy.
  if (!head || (isFault(head) && head.kind !== 'gone')) return;
  if (!isFault(head)) {
    const [answer] = await context.rightBox.remove(
      [{ id: old.right, expect: head.version, readReceiptRequested: true }],
      context.call(),
    );
    if (answer && isFault(answer) && answer.kind !== 'gone') {
      if (answer.kind === 'fatal') throw new FaultError(answer);
      return;
    }
  }
  await context.commit({
    intentsResolved: [intent.stampKey],
    unclaimedTaken: [old.right],
    history: [history(context, 'remove', 'replaced by the edited content', { right: old.right })],
  });
}

/**
 * What became of creates without an answer is found out; those that did not happen are made again, by halves, so that an item on
 * which the server breaks off is alone in the end. Alone it is tried a few more times.
 */
async function createAgain(context: PassContext, row: FolderRow, creations: readonly Creation[]): Promise<void> {
  await resolveIntents(context, [row.left]);
  const links = await context.store.linksById(
    context.pair.id,
    'left',
    creations.map((c) => c.head.id),
  );
  const copies = new Map(links.map((l) => [l.leftId, l.rightId]));
  const happened = (c: Creation) => {
    const copy = copies.get(c.head.id);
    return copy !== undefined && copy !== c.replaces?.right;
  };
  const again = creations.filter((c) => !happened(c));
  if (again.length > 1) {
    const middle = again.length >> 1;
    await createBatch(context, row, again.slice(0, middle));
    return createBatch(context, row, again.slice(middle));
  }
  const [only] = again;
  if (!only) return;
  const next = { ...only, attempts: only.attempts + 1 };
  if (next.attempts < attemptsMax) return createBatch(context, row, [next]);
  const fault: Fault = { kind: 'transient', detail: 'answers were lost time after time', mayHaveHappened: false };
  const q = quarantined(context, next, fault);
  context.counts.quarantined++;
  await context.commit({ quarantine: [q], history: [refusal(context, q)] });
}

/**
 * A request failed as a whole. Lost answer: find out, create what is missing. Otherwise the other items get their own requests; an
 * item that fails alone while the server answers is quarantined, and everything else stops the pass.
 */
async function narrow(
  context: PassContext,
  row: FolderRow,
  batch: readonly Creation[],
  error: unknown,
  side: 'left' | 'right',
): Promise<void> {
  if (!(error instanceof FaultError)) throw error;
  const { fault } = error;
  const unreadable = side === 'left' && fault.kind === 'fatal' && fault.code === 'protocol';
  if (fault.kind === 'fatal' && fault.code !== 'exhausted' && !unreadable) throw error;
  if (fault.kind === 'throttled' || fault.kind === 'cursor-lost' || fault.kind === 'stale' || fault.kind === 'gone')
    throw error;
  if (fault.kind === 'transient' && fault.mayHaveHappened && side === 'right') return createAgain(context, row, batch);
  if (batch.length > 1) {
    const middle = batch.length >> 1;
    await createBatch(context, row, batch.slice(0, middle));
    return createBatch(context, row, batch.slice(middle));
  }
  const [only] = batch;
  if (!only) return;
  // What makes the answer unreadable is in this item only when the same request without its content is answered.
  if (unreadable) await context.leftBox.heads([only.head.id], context.call());
  else if (fault.kind !== 'poison') await (side === 'left' ? context.leftBox : context.rightBox).ping(context.call());
  const q = quarantined(context, only, fault);
  context.counts.quarantined++;
  await context.commit({ quarantine: [q], history: [refusal(context, q)] });
}

function intentOf(
  context: PassContext,
  row: FolderRow,
  creation: Creation,
  content: MailContent,
  settledAfterMs: number,
): IntentRow {
  const { head } = content;
  const stamp = writeStamp({
    organization: context.pair.left.organization,
    mailbox: context.leftMailbox,
    searchKey: head.facts.searchKey ?? '',
    firstId: firstIdOf(creation.head.id),
    fingerprint: mailFingerprint(head.facts),
    sizeBytes: head.facts.sizeBytes,
    nonce: context.random.bytes(6).toString('hex'),
  });
  return {
    stampKey: stampKey(stamp),
    stamp,
    rightFolder: row.right as NonNullable<FolderRow['right']>,
    left: { ...head, folder: creation.head.folder },
    settledAfterMs,
    replaces: creation.replaces,
  };
}

/** Why the target cannot take this item, as far as it is known before it is asked. */
function unfit(context: PassContext, content: MailContent): Fault | null {
  const { abilities } = context.right;
  const max = abilities.itemMaxBytes;
  if (max !== null && content.mime.sizeBytes > max) {
    return { kind: 'poison', reason: 'too-large', detail: `${content.mime.sizeBytes} bytes; the target takes ${max}` };
  }
  if (!abilities.createsSentMail && !isDraft(content.head.facts))
    return { kind: 'poison', reason: 'class-refused', detail: 'the target would turn it into a draft' };
  return null;
}

function quarantined(context: PassContext, creation: Creation, fault: Fault): Quarantined {
  const attempts = creation.attempts + 1;
  const { head } = creation;
  const base = {
    left: head.id,
    leftFolder: head.folder,
    attempts,
    sinceMs: context.clock.nowMs(),
    itemClass: head.facts.itemClass,
    sizeBytes: head.facts.sizeBytes,
  };
  if (fault.kind === 'poison') return { ...base, reason: fault.reason, detail: fault.detail, retry: false };
  const detail =
    'detail' in fault ? fault.detail : fault.kind === 'throttled' ? `throttled by ${fault.limit}` : fault.kind;
  return { ...base, reason: 'keeps-failing', detail, retry: attempts < attemptsMax };
}

const refusal = (context: PassContext, q: Quarantined) =>
  history(context, 'quarantine', q.reason, { left: q.left, outcome: q.retry ? 'held' : 'failed', detail: q.detail });
