import type { TypedWritten } from '#connectors/contract.ts';
import { withFound, withWritten } from '#engine/elements-on-their-way.ts';
import type { SideEdit } from '#engine/merge-typed.ts';
import { shown } from '#engine/shown.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { Side } from '#model/ids.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import type { Shown, TypedLinkRow } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import { type Fetched, fetchAttachments } from './attachments.ts';
import { journalOf } from './journal-entries.ts';
import type { Match, Merged } from './match.ts';
import { noAnswer } from './read-items.ts';
import { flushMiddle, otherSide, type TypedContext } from './typed-context.ts';

/**
 * What became of the edits of a pair; `written`: answers of the sides that were written, also when another one was not; `found`: what a side
 * shows whose answer was lost.
 */
export type Outcome = {
  readonly written: Partial<Readonly<Record<Side, TypedWritten>>>;
  readonly found?: Partial<Readonly<Record<Side, TypedItem>>>;
} & ({ readonly state: 'done' | 'stale' } | { readonly state: 'failed'; readonly fault: Fault });

const writingSteps = [
  [0, 'left'],
  [0, 'right'],
  [1, 'left'],
  [1, 'right'],
] as const;

/** Writes what merges ask for, one request a side and order. */
export async function writeEdits<Kind extends TypedKind>(
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
        if (isFault(loaded)) outcomes.set(of, outcomeOf(loaded, writtenOf(outcomes, of)));
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
      const unanswered: Merged<Kind>[] = [];
      for (const [n, { of }] of ready.entries()) {
        const answer = answers[n] ?? noAnswer;
        const written = writtenOf(outcomes, of);
        if (isFault(answer)) {
          if (answer.kind === 'fatal') throw new FaultError(answer);
          outcomes.set(of, outcomeOf(answer, written));
          if (answer.kind === 'transient' && answer.mayHaveHappened) unanswered.push(of);
          continue;
        }
        // What nobody changed has no lag.
        if (of.match.left.head !== null || of.match.right.head !== null)
          context.lags.visible(context.clock.nowMs(), of.now[otherSide(side)].head.modifiedAt);
        outcomes.set(of, { state: 'done', written: { ...written, [side]: answer } });
      }
      await lookAt(context, side, unanswered, outcomes);
      await sayWritten(
        context,
        side,
        ready.map(({ of }) => of),
        outcomes,
      );
    } finally {
      await Promise.all(ready.flatMap((r) => r.fetched.map((f) => f.dispose())));
    }
  }
  return outcomes;
}

const writtenOf = <Kind extends TypedKind>(
  outcomes: ReadonlyMap<Merged<Kind>, Outcome>,
  of: Merged<Kind>,
): Outcome['written'] => outcomes.get(of)?.written ?? {};

const outcomeOf = (fault: Fault, written: Outcome['written']): Outcome =>
  fault.kind === 'stale' || fault.kind === 'gone' ? { state: 'stale', written } : { state: 'failed', fault, written };

/** What somebody takes out again after our write can be told from what was never written only as long as one of us has seen it there. */
async function lookAt<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  side: Side,
  unanswered: readonly Merged<Kind>[],
  outcomes: Map<Merged<Kind>, Outcome>,
): Promise<void> {
  if (unanswered.length === 0) return;
  const heads = unanswered.map(({ now }) => now[side].head);
  let items: ReadonlyMap<unknown, TypedItem | Fault>;
  try {
    items = await context.sides[side].items.read(
      heads.map(({ id }) => id),
      context.call(heads.reduce((n, { sizeBytes }) => n + sizeBytes, 0)),
    );
  } catch (error) {
    // Whatever it is, the next request meets it as well.
    if (error instanceof FaultError) return;
    throw error;
  }
  for (const of of unanswered) {
    const item = items.get(of.now[side].head.id);
    const outcome = outcomes.get(of);
    if (outcome && item && !isFault(item)) outcomes.set(of, { ...outcome, found: { [side]: item } });
  }
}

/**
 * Said before it is done: the values that lose, since after the write they are nowhere else; and snapshots that are not misleading, should
 * we not learn what became of a write.
 */
async function sayBefore<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  merged: readonly Merged<Kind>[],
): Promise<void> {
  const links = merged.flatMap(({ match: { link }, merge: { before } }) =>
    link && before ? [withSeen(link, before)] : [],
  );
  const journal = await context.told.news(
    merged.flatMap(({ match: { id }, merge }) =>
      [...merge.conflicts, ...merge.precautions].map((c) => journalOf(context, id, c)),
    ),
  );
  context.counts.conflicts += journal.length;
  if (links.length + journal.length > 0) await flushMiddle(context, { typedLinks: links, journal });
}

const withSeen = (link: TypedLinkRow, { left, right }: Readonly<Record<Side, Shown>>): TypedLinkRow => ({
  ...link,
  left: { ...link.left, seen: left },
  right: { ...link.right, seen: right },
});

const seenBefore = (link: TypedLinkRow, before: Readonly<Record<Side, Shown>> | null) =>
  before ?? { left: link.left.seen, right: link.right.seen };

/** A link with its snapshots of before the writes, and what answers have said since. */
function linkSince<Kind extends TypedKind>(
  link: TypedLinkRow,
  { merge, now }: Merged<Kind>,
  { written, found = {} }: Pick<Outcome, 'written' | 'found'>,
): TypedLinkRow {
  const before = seenBefore(link, merge.before);
  const seenOf = (from: Side): Shown => {
    const answer = written[otherSide(from)];
    // Files may come out of a server as other bytes, and so as other ones.
    const isKept = (field: string) =>
      typedRows(now[from].kind)[field]?.merge !== 'attachments' && !(field in (answer?.unkept ?? {}));
    if (answer !== undefined) return withWritten(before[from], answer.version, isKept);
    const item = found[otherSide(from)];
    return item === undefined ? before[from] : withFound(before[from], shown(item), item.head.version);
  };
  return withSeen(link, { left: seenOf('left'), right: seenOf('right') });
}

/** Said as soon as it is known: until what was written is read back, people go on, and the pass may end. */
async function sayWritten<Kind extends TypedKind>(
  context: TypedContext<Kind>,
  side: Side,
  merged: readonly Merged<Kind>[],
  outcomes: ReadonlyMap<Merged<Kind>, Outcome>,
): Promise<void> {
  const from = otherSide(side);
  const links = merged.flatMap((m) => {
    const { link } = m.match;
    if (!link) return [];
    const since = linkSince(link, m, outcomes.get(m) ?? { written: {} });
    return since[from].seen === seenBefore(link, m.merge.before)[from] ? [] : [since];
  });
  if (links.length > 0) await flushMiddle(context, { typedLinks: links });
}

/** The match of a write that failed: it may have been carried out in part. */
export function matchAfterFailure<Kind extends TypedKind>(of: Merged<Kind>, outcome: Outcome): Match {
  const { match } = of;
  return match.link ? { ...match, link: linkSince(match.link, of, outcome) } : match;
}

/** The match of a write that somebody else was faster than, to be merged anew. What was agreed about occurrences still holds. */
export function matchAfterStale<Kind extends TypedKind>(of: Merged<Kind>, outcome: Outcome): Match {
  const { match } = of;
  const { link } = matchAfterFailure(of, outcome);
  if (!match.link || !link) return match;
  const { left, right } = match.link;
  const seen = {
    left: { ...link.left.seen, occurrences: left.seen.occurrences },
    right: { ...link.right.seen, occurrences: right.seen.occurrences },
  };
  return { ...match, link: withSeen(match.link, seen) };
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
