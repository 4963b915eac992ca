import type { TypedWritten } from '#connectors/contract.ts';
import { applyEdit } from '#engine/apply-edit.ts';
import { batchBySize } from '#engine/batches.ts';
import type { TypedDecision } from '#engine/join-typed.ts';
import { mergeTyped, type SideEdit, seenAfter, type TypedMerge } from '#engine/merge-typed.ts';
import { sameShown, withoutOccurrences } from '#engine/shown.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderId, ItemId, LinkId, Side } from '#model/ids.ts';
import { stampKey } from '#model/stamp.ts';
import type { TypedEdit, TypedHead, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Shown, TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import type { Commit } from '#store/store.ts';
import { history, newLinkId } from '../pass/pass-core.ts';
import { madeAgain, sameIdentity } from '../rivals.ts';
import { type Fetched, fetchAttachments } from './attachments.ts';
import { unkeptNote } from './create-items.ts';
import { journalOf } from './journal-entries.ts';
import { endAfter, endOf, noVersion, ownShare, unseenSince } from './link-ends.ts';
import { noteRival } from './note-rival.ts';
import { readItems } from './read-items.ts';
import { setAside, takeBack } from './set-aside.ts';
import { flushMiddle, flushPart, otherSide, pathOf, type TypedContext } from './typed-context.ts';

type Compare = Extract<TypedDecision, { do: 'compare' }>;
type Adopt = Extract<TypedDecision, { do: 'adopt' }>;

/** Two items that belong together and may differ. */
export interface Match {
  /** As recorded, with ids and folders of now; null: nobody had linked them. */
  readonly link: TypedLinkRow | null;
  readonly left: { readonly id: ItemId; readonly head: TypedHead | null };
  readonly right: { readonly id: ItemId; readonly head: TypedHead | null };
  readonly intent: TypedIntentRow | null;
  readonly reason: string;
  /** The link is recorded with another id or folder, so it is recorded anew whatever the merge finds. */
  readonly isElsewhere: boolean;
  /** Of the link that there is, or is to be. */
  readonly id: LinkId;
}

/** Tries of one item against somebody who writes at the same time, before it is left to the next pass. */
const staleMax = 3;

export const matchOfCompare = ({ link, left, right, because }: Compare): Match => ({
  id: link.id,
  link,
  left: { id: link.left.id, head: left },
  right: { id: link.right.id, head: right },
  intent: null,
  isElsewhere: because !== 'changed',
  reason: because === 'changed' ? 'changed' : because === 'moved' ? 'moved' : madeAgain,
});

export const matchOfAdopt = (context: TypedContext, { left, right, by, intent }: Adopt): Match => ({
  id: newLinkId(context),
  link: null,
  left: { id: left.id, head: left },
  right: { id: right.id, head: right },
  intent,
  isElsewhere: false,
  reason: intent
    ? 'its answer had been lost; found again by its stamp'
    : by === 'stamp'
      ? 'already there with our stamp'
      : sameIdentity,
});

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

/** Both sides of one match as they are now, and what is to be written. */
interface Merged<Kind extends TypedKind> {
  readonly match: Match;
  readonly now: Readonly<Record<Side, TypedItem<Kind>>>;
  readonly merge: TypedMerge<Kind>;
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
    const merge = mergeTyped({
      kind: context.kind,
      left,
      right,
      seen: match.link === null ? null : { left: match.link.left.seen, right: match.link.right.seen },
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
  return merged.filter((m) => outcomes.get(m)?.state === 'stale').map((m) => m.match);
}

const noAnswer: Fault = { kind: 'transient', detail: 'not in the answer', mayHaveHappened: false };

async function readBoth<Kind extends TypedKind>(context: TypedContext<Kind>, batch: readonly Match[]) {
  const wanted = (side: Side) => batch.map((m) => ({ id: m[side].id, sizeBytes: m[side].head?.sizeBytes ?? 0 }));
  const [left, right] = await Promise.all([
    readItems(context, 'left', wanted('left')),
    readItems(context, 'right', wanted('right')),
  ]);
  return { left, right };
}

/** What went away between the feed and now is found by the next look. Whatever else it is, the item is tried again. */
function missing(context: TypedContext, match: Match, left: TypedItem | Fault, right: TypedItem | Fault): void {
  const faults = [left, right].filter((answer) => isFault(answer));
  const [other] = faults.filter((fault) => fault.kind !== 'gone');
  if (other) later(context, match, other);
  else {
    context.isAgain = true;
    remember(context, match);
    // What has lost its twin before they were linked is new again.
    for (const [side, answer] of [['left', left] as const, ['right', right] as const])
      if (match.link === null && !isFault(answer)) context.lookAgain[side].push({ kind: 'upsert', head: answer.head });
  }
}

const unlinkedOf = (match: Pick<Match, Side>): readonly UnlinkedRow[] =>
  (['left', 'right'] as const).flatMap((side) => {
    const { head } = match[side];
    return head === null ? [] : [{ side, head }];
  });

/** Tried again in the next pass, or by the operator. The feed will not show it once more, so quarantine remembers it. */
function later(context: TypedContext, match: Match, fault: Fault): void {
  const changed: Side = match.right.head === null ? 'left' : 'right';
  const { id, head } = match[changed];
  // Without a head nobody changed it, and only its link is known.
  const place = { id, folder: match.link?.[changed].folder ?? ('' as FolderId), itemClass: '', sizeBytes: 0 };
  setAside(context, changed, head ?? place, fault);
  remember(context, match);
}

/** No feed shows these once more under their ids of now; what feeds are going to say about them has to be understood. */
function remember(context: TypedContext, { link, left, right }: Match): void {
  if (link === null) context.staged.add({ unlinked: unlinkedOf({ left, right }) });
  else context.staged.add({ typedLinks: [unseenSince(link, left.head, right.head)] });
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

/** Names of what an edit sets, for people. */
function fieldsOf(edit: TypedEdit): string {
  const days = edit.occurrences.map((o) => `${o.day}${o.do === 'delete' ? ' deleted' : ''}`);
  return [...Object.keys(edit.set), ...days].join(', ');
}

type Outcome =
  | { readonly state: 'done'; readonly written: Partial<Readonly<Record<Side, TypedWritten>>> }
  | { readonly state: 'stale' }
  | { readonly state: 'failed'; readonly fault: Fault };

const writingSteps = [
  [0, 'left'],
  [0, 'right'],
  [1, 'left'],
  [1, 'right'],
] as const;

/** Writes what merges ask for, one request a side and order. */
async function writeEdits<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  merged: readonly Merged<Kind>[],
): Promise<Map<Merged<Kind>, Outcome>> {
  const outcomes = new Map<Merged<Kind>, Outcome>(merged.map((m) => [m, { state: 'done', written: {} }]));
  await sayBefore(context, merged);
  // What an edit of one side would erase is on the other side before.
  for (const [step, side] of writingSteps) {
    const due = merged.filter(
      (m) => m.merge[side] !== null && m.merge.order[step] === side && outcomes.get(m)?.state === 'done',
    );
    if (due.length === 0) continue;
    const ready: { readonly of: Merged<Kind>; readonly edit: TypedEdit<Kind>; readonly fetched: readonly Fetched[] }[] =
      [];
    try {
      for (const of of due) {
        const loaded = await withAttachments(context, of, of.merge[side] as SideEdit<Kind>);
        if (isFault(loaded)) outcomes.set(of, outcomeOf(loaded));
        else ready.push({ of, ...loaded });
      }
      if (ready.length === 0) continue;
      const answers = await answered<TypedWritten>(
        () =>
          context.sides[side].items.update(
            ready.map(({ of, edit }) => ({ item: of.now[side], edit })),
            context.call(ready.reduce((n, r) => n + r.fetched.reduce((m, f) => m + f.sizeBytes, 0), 0)),
          ),
        ready.length,
      );
      for (const [n, { of }] of ready.entries()) {
        const answer = answers[n] ?? noAnswer;
        const before = outcomes.get(of);
        if (isFault(answer)) {
          if (answer.kind === 'fatal') throw new FaultError(answer);
          outcomes.set(of, outcomeOf(answer));
          continue;
        }
        // What nobody changed has no lag.
        if (of.match.left.head !== null || of.match.right.head !== null)
          context.lags.visible(context.clock.nowMs(), of.now[otherSide(side)].head.modifiedAt);
        const earlier = before?.state === 'done' ? before.written : {};
        outcomes.set(of, { state: 'done', written: { ...earlier, [side]: answer } });
      }
    } finally {
      await Promise.all(ready.flatMap((r) => r.fetched.map((f) => f.dispose())));
    }
  }
  return outcomes;
}

const outcomeOf = (fault: Fault): Outcome =>
  fault.kind === 'stale' || fault.kind === 'gone' ? { state: 'stale' } : { state: 'failed', fault };

/**
 * Said before it is done: the values that lose, since after the write they are nowhere else; and that an edit makes a server drop every
 * exception first, which must not look like a person who dropped them, should we break off in the middle.
 */
async function sayBefore<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  merged: readonly Merged<Kind>[],
): Promise<void> {
  const links = merged.flatMap(({ match: { link }, merge }) =>
    link !== null && (merge.left?.rewrites || merge.right?.rewrites)
      ? [
          {
            ...link,
            left: { ...link.left, seen: withoutOccurrences(link.left.seen) },
            right: { ...link.right, seen: withoutOccurrences(link.right.seen) },
          },
        ]
      : [],
  );
  const journal = await context.told.news(
    merged.flatMap(({ match: { id }, merge }) =>
      [...merge.conflicts, ...merge.precautions].map((c) => journalOf(context, id, c)),
    ),
  );
  context.counts.conflicts += journal.length;
  if (links.length + journal.length > 0) await flushMiddle(context, { typedLinks: links, journal });
}

async function withAttachments<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  { match }: Merged<Kind>,
  { edit, needs }: SideEdit<Kind>,
): Promise<{ readonly edit: TypedEdit<Kind>; readonly fetched: readonly Fetched[] } | Fault> {
  const fetched: Fetched[] = [];
  for (const side of ['left', 'right'] as const) {
    const there = needs.filter((n) => n.side === side);
    if (there.length === 0) continue;
    const got = await fetchAttachments(context, side, match[side].id, there);
    if (isFault(got)) {
      await Promise.all(fetched.map((f) => f.dispose()));
      return got;
    }
    fetched.push(got);
  }
  return { edit: { ...edit, attachments: new Map(fetched.flatMap((f) => [...f.byHash])) }, fetched };
}

/** The answers of a batch; a request that failed as a whole for a passing reason counts as that fault for each. */
async function answered<R>(ask: () => Promise<readonly (R | Fault)[]>, count: number): Promise<readonly (R | Fault)[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof FaultError) || (error.fault.kind !== 'transient' && error.fault.kind !== 'poison'))
      throw error;
    const { fault } = error;
    return Array.from({ length: count }, () => fault);
  }
}

/** Reads back what was written, and records links, conflicts and history. */
async function recordMerged<Kind extends TypedKind>(
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
      later(context, m.match, outcome.fault);
      continue;
    }
    const after = { left: readAfter(m, 'left', left), right: readAfter(m, 'right', right) };
    if (isFault(after.left) || isFault(after.right)) {
      // It was written and cannot be read back now: the next look compares it with what is recorded, and finds nothing to do.
      later(context, m.match, isFault(after.left) ? after.left : (after.right as Fault));
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
    if (taken === after[side]) {
      const seen = seenAfter(side, taken, former, merge);
      const ours = isWhole ? seen : ownShare(given, taken, edit, answer.unkept);
      if (isWhole || sameShown(seen, ours))
        return endAfter(answer, given, taken, (item) => seenAfter(side, item, former, merge));
      context.isAgain = true;
      return { ...endOf(taken, ours), version: noVersion };
    }
    // What came to light with the series' new value is somebody's own: the next look finds it and carries it over.
    context.isAgain = true;
    return { ...endOf(after[side], seenAfter(side, taken, former, merge)), version: noVersion };
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
    // Should the pass break off before: its folder is read from the beginning.
    context.made[side].set(head.id, head.folder);
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

export const sameLink = (a: TypedLinkRow, b: TypedLinkRow): boolean =>
  a.state === b.state &&
  a.goneSincePass === b.goneSincePass &&
  a.identity === b.identity &&
  sameEnd(a.left, b.left) &&
  sameEnd(a.right, b.right);

const sameEnd = (a: TypedLinkRow['left'], b: TypedLinkRow['left']): boolean =>
  a.id === b.id && a.folder === b.folder && a.version === b.version && sameSeen(a.seen, b.seen);
const sameSeen = (a: Shown, b: Shown): boolean => a === b || sameShown(a, b);
