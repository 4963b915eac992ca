import { type DuplicateGroup, digestOf, findDuplicates, type ItemDigest } from '#engine/find-duplicates.ts';
import { otherSide } from '#engine/merge-context.ts';
import { type DuplicateDecision, settleDuplicates } from '#engine/settle-typed.ts';
import { shown } from '#engine/shown.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { describeFault, type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { EventFields } from '#model/appointment.ts';
import type { FolderId, ItemId, LinkId, PairId, Side } from '#model/ids.ts';
import type { Instant } from '#model/mail.ts';
import type { TypedItem, TypedKind } from '#model/typed-item.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import type { Claim, Commit, ContentKind } from '#store/store.ts';
import { type DedupeContext, foldersOf, headsOf, openDedupe } from './dedupe-context.ts';
import { type UndoDone, type UndoGroup, type UndoItem, undoItem } from './dedupe-undo.ts';
import { history } from './pass/pass-core.ts';
import { attachmentsOf, type Fetched, fetchAttachments } from './typed/attachments.ts';
import { journalOf } from './typed/journal-entries.ts';
import { noVersion } from './typed/link-ends.ts';
import { readItems } from './typed/read-items.ts';
import type { TypedPassServices } from './typed/typed-context.ts';

/** One thing that is there more than once, and what becomes of it. Holds nothing that a person wrote but the folder's name. */
export interface DedupeFinding {
  readonly pair: PairId;
  readonly content: ContentKind;
  readonly side: Side;
  readonly folder: string;
  readonly because: DuplicateGroup['because'];
  /** Of an event; null: what it is has no time. */
  readonly startsAt: Instant | null;
  readonly keep: ItemId | null;
  readonly why: string;
  /** Fields and days that the kept one takes over. */
  readonly takesOver: readonly string[];
  readonly remove: readonly ItemId[];
  /** `found`: nothing was written. `left`: it is not touched, `detail` says why. */
  readonly outcome: 'found' | 'done' | 'left';
  readonly detail: string | null;
}

export interface DedupeOptions {
  /** Receives what is about to be done, and what was done, and keeps it safe before it returns. Null: nothing is written. */
  readonly undo: ((line: UndoGroup | UndoDone) => Promise<void>) | null;
  /** Number of the first group in the undo file. */
  readonly firstGroup: number;
}

/**
 * Finds items that are in one folder twice: under one identity, or with everything equal that a person can see of them. With `undo`
 * the richest of each stays, takes over what the others have and it lacks, and the others are removed, recoverably and silently. Both sides in
 * one go: of items that are in step, the same ones stay on both. Throws FaultError,
 * `unsupported` when a connector does not know this kind.
 */
export async function* dedupe(
  services: TypedPassServices,
  pair: PairId,
  kind: TypedKind,
  claim: Claim | null,
  signal: AbortSignal,
  { undo, firstGroup }: DedupeOptions,
): AsyncGenerator<DedupeFinding> {
  const context = await openDedupe(services, pair, kind, claim, signal, undo !== null);
  if (context === null)
    throw new FaultError({ kind: 'fatal', code: 'unsupported', detail: `${kind} cannot be read and written there` });
  const folders = { left: await foldersOf(context, 'left'), right: await foldersOf(context, 'right') };
  const left = await survey(context, 'left', [...folders.left.keys()]);
  const surveys = { left, right: await survey(context, 'right', [...folders.right.keys()], left.length) };
  const run: DedupeRun = {
    context,
    digests: {
      left: new Map(surveys.left.map((d) => [d.id, d])),
      right: new Map(surveys.right.map((d) => [d.id, d])),
    },
    links: { left: new Map(), right: new Map() },
    moved: new Map(),
    doomed: new Map(),
    undo,
    group: firstGroup,
  };
  for (const side of ['left', 'right'] as const) {
    const groups = findDuplicates(surveys[side]);
    await learnLinks(
      run,
      side,
      groups.flatMap(({ items }) => items.map(({ id }) => id)),
    );
    for (const group of groups) {
      context.checkpoint();
      const finding = await settleGroup(run, side, group);
      const folder = folders[side].get(group.items[0]?.folder ?? ('' as FolderId)) ?? '';
      if (finding !== null) yield { pair, content: kind, side, folder, because: group.because, ...finding };
    }
  }
}

type Settled = Omit<DedupeFinding, 'pair' | 'content' | 'side' | 'folder' | 'because'>;

interface DedupeRun {
  readonly context: DedupeContext;
  readonly digests: Readonly<Record<Side, ReadonlyMap<ItemId, ItemDigest>>>;
  /** Live links by the item's id on a side. */
  readonly links: Readonly<Record<Side, Map<ItemId, TypedLinkRow>>>;
  /** Links that another item of a side has taken over in this run. */
  readonly moved: Map<LinkId, TypedLinkRow>;
  /** Links whose left item is removed in this run. */
  readonly doomed: Map<LinkId, TypedLinkRow>;
  readonly undo: DedupeOptions['undo'];
  group: number;
}

/** Reads everything once and keeps what it takes to compare. @param before Items that were looked at before these. */
async function survey(
  context: DedupeContext,
  side: Side,
  folders: readonly FolderId[],
  before = 0,
): Promise<readonly ItemDigest[]> {
  const digests: ItemDigest[] = [];
  for (const folder of folders) {
    let wanted: { readonly id: ItemId; readonly sizeBytes: number }[] = [];
    const readWanted = async () => {
      for (const answer of (await readItems(context, side, wanted)).values())
        if (!isFault(answer)) digests.push(digestOf(answer));
      context.progress?.({ kind: 'items', copied: before + digests.length, bytes: 0 });
      wanted = [];
    };
    for await (const { id, sizeBytes } of headsOf(context, side, folder)) {
      wanted.push({ id, sizeBytes });
      if (wanted.length >= 500) await readWanted();
    }
    await readWanted();
  }
  return digests;
}

async function learnLinks({ context, links, moved }: DedupeRun, side: Side, ids: readonly ItemId[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 500) {
    const found = await context.store.typedLinks(context.pair.id, side, ids.slice(at, at + 500));
    for (const link of found) {
      // What an earlier step made of it counts, also where nothing is written.
      if (link.state === 'live') links[side].set(link[side].id, moved.get(link.id) ?? link);
    }
  }
}

async function settleGroup(run: DedupeRun, side: Side, group: DuplicateGroup): Promise<Settled | null> {
  const { context } = run;
  const read = await readItems(context, side, group.items);
  const items: TypedItem[] = [];
  for (const answer of read.values()) {
    if (!isFault(answer)) items.push(answer);
    else if (answer.kind !== 'gone') return left(group, null, `it cannot be read now: ${describeFault(answer)}`);
  }
  // Read anew: what was changed in the meantime is no duplicate any more.
  const [first] = items;
  const proven = items.filter((item) => {
    const digest = digestOf(item);
    return group.because === 'same identity'
      ? digest.identity === group.items[0]?.identity
      : digest.content === group.items[0]?.content;
  });
  if (first === undefined || proven.length < 2) return null;
  const startsAt = (first.fields as Partial<EventFields>).when?.start ?? null;
  const { direction } = context.policy;
  if (side === 'left' && direction === 'one-way')
    return left(group, startsAt, 'the direction is one-way: nothing is written to the source');
  const linked = proven.filter(({ head }) => run.links[side].has(head.id));
  const staying = linked.find(({ head }) => !isDoomed(run, side, head.id)) ?? null;
  const decision = decide(run, side, group, proven, staying);
  if (decision === null) return null;
  const removable = decision.remove.filter((item) => mayGo(run, side, group, decision.keep, item));
  if (removable.length === 0)
    return left(
      group,
      startsAt,
      direction === 'one-way'
        ? 'each is the copy of an item of the source, where the two are as well'
        : 'each is in step with an item of its own on the other side, and these are not equal: run causeway sync, then this again',
    );
  const settled: Settled = {
    startsAt,
    keep: decision.keep.head.id,
    why: decision.why,
    takesOver:
      decision.edit === null
        ? []
        : [...Object.keys(decision.edit.set), ...decision.edit.occurrences.map(({ day }) => day)],
    remove: removable.map(({ head }) => head.id),
    outcome: 'found',
    detail:
      removable.length === decision.remove.length
        ? null
        : `${decision.remove.length - removable.length} more stay: each is in step with an item of its own`,
  };
  const narrowed = {
    ...decision,
    remove: removable,
    conflicts: decision.conflicts.filter((_, at) => removable.some((item) => item === decision.remove[at])),
  };
  if (run.undo === null) {
    noteRemoved(run, side, narrowed);
    return settled;
  }
  const fault = await carryOut(run, side, group, narrowed);
  return fault === null
    ? { ...settled, outcome: 'done' }
    : { ...settled, outcome: 'left', detail: `not done: ${describeFault(fault)}` };
}

const left = ({ items }: DuplicateGroup, startsAt: Instant | null, detail: string): Settled => ({
  startsAt,
  keep: null,
  why: '',
  takesOver: [],
  remove: items.map(({ id }) => id),
  outcome: 'left',
  detail,
});

const isDoomed = ({ links, doomed }: DedupeRun, side: Side, id: ItemId): boolean => {
  const link = links[side].get(id);
  return link !== undefined && doomed.has(link.id);
};

function decide(
  run: DedupeRun,
  side: Side,
  { because }: DuplicateGroup,
  items: readonly TypedItem[],
  staying: TypedItem | null,
): DuplicateDecision<TypedKind> | null {
  const { context } = run;
  const own = [context.pair.left.address.toLowerCase(), context.pair.right.address.toLowerCase()];
  // Whose twin goes goes as well. And of equal ones those that are in step stay, however a server counts their changes.
  const last = new Set(
    items.flatMap(({ head: { id } }) =>
      isDoomed(run, side, id) || (because === 'equal content' && staying !== null && !run.links[side].has(id))
        ? [id]
        : [],
    ),
  );
  const decision = settleDuplicates(side, items, staying?.head.id ?? null, own, context.policy, clockOf, last);
  // Of equal ones there is nothing to take over but what no one sees.
  return decision !== null && because === 'equal content'
    ? { ...decision, edit: null, needs: [], overruled: [] }
    : decision;
}

/** Whether what a pass would make of it on the other side is right. */
function mayGo(run: DedupeRun, side: Side, { because }: DuplicateGroup, keep: TypedItem, item: TypedItem): boolean {
  const link = run.links[side].get(item.head.id);
  if (link === undefined || isDoomed(run, side, item.head.id)) return true;
  const keptLink = run.links[side].get(keep.head.id);
  if (keptLink === undefined) return because === 'same identity';
  if (run.context.policy.direction === 'one-way') return false;
  if (because === 'same identity') return true;
  // A deletion is carried over: then the twins have to be one thing twice, too.
  const there = otherSide(side);
  const [twin, keptTwin] = [link, keptLink].map((l) => run.digests[there].get(l[there].id));
  return (
    twin !== undefined &&
    keptTwin !== undefined &&
    twin.content === keptTwin.content &&
    twin.folder === keptTwin.folder &&
    twin.id !== keptTwin.id
  );
}

async function carryOut(
  run: DedupeRun,
  side: Side,
  group: DuplicateGroup,
  decision: DuplicateDecision<TypedKind>,
): Promise<Fault | null> {
  const { context, undo } = run;
  const { keep, remove, edit } = decision;
  if (undo === null) return null;
  const number = run.group++;
  const saved = await saveItems(run, side, remove);
  if (isFault(saved)) return saved;
  const entry: UndoGroup = {
    group: number,
    pair: context.ofPair,
    kind: context.kind,
    side,
    folder: keep.head.folder,
    removed: saved,
    kept: { before: keep, edit: edit === null ? null : { set: edit.set, occurrences: edit.occurrences } },
  };
  await undo(entry);
  // Said before it is done: afterwards what goes is nowhere else.
  await context.commit({
    journal: [
      ...decision.conflicts.map((conflict) => ({
        ...conflict,
        why: `${group.because} in the same folder; merged into the one that stays and removed by causeway dedupe`,
      })),
      ...decision.overruled,
    ].map((conflict) => journalOf(context, run.links[side].get(keep.head.id)?.id ?? ('' as LinkId), conflict)),
  });
  const written = await takeOver(context, side, decision);
  if (isFault(written)) return written;
  const answers = await context.sides[side].items.remove(
    remove.map(({ head }) => ({ id: head.id, expect: head.version })),
    context.call(),
  );
  const gone: TypedItem[] = [];
  let fault: Fault | null = null;
  for (const [at, item] of remove.entries()) {
    const answer = answers[at];
    if (answer === null || answer?.kind === 'gone') gone.push(item);
    else fault = answer ?? { kind: 'transient', detail: 'no answer', mayHaveHappened: true };
  }
  const back = (await context.sides[side].items.read([written], context.call())).get(written);
  if (back !== undefined && !isFault(back)) await undo({ done: number, kept: { id: written, shown: shown(back) } });
  await record(run, side, group, { ...decision, remove: gone }, written);
  if (fault?.kind === 'fatal') throw new FaultError(fault);
  return fault;
}

/** Complete items for the undo file. */
async function saveItems(
  { context, links, doomed }: DedupeRun,
  side: Side,
  items: readonly TypedItem[],
): Promise<readonly UndoItem[] | Fault> {
  const saved: UndoItem[] = [];
  for (const item of items) {
    const fetched = await fetchAttachments(context, side, item.head.id, attachmentsOf(item));
    if (isFault(fetched)) return fetched;
    const link = links[side].get(item.head.id);
    const twinOf = side === 'right' && link !== undefined && doomed.has(link.id) ? link.left.id : null;
    try {
      saved.push(await undoItem(item, fetched, context.random.bytes(8).toString('hex'), twinOf));
    } finally {
      await fetched.dispose();
    }
  }
  return saved;
}

/** @returns the id of the kept one. */
async function takeOver(
  context: DedupeContext,
  side: Side,
  { keep, edit, needs }: DuplicateDecision<TypedKind>,
): Promise<ItemId | Fault> {
  if (edit === null) return keep.head.id;
  const fetched: Fetched[] = [];
  try {
    for (const { from, day, heads } of needs) {
      const got = await fetchAttachments(context, side, from, [{ day, heads }]);
      if (isFault(got)) return got;
      fetched.push(got);
    }
    const attachments = new Map(fetched.flatMap((f) => [...f.byHash]));
    const bytes = fetched.reduce((n, f) => n + f.sizeBytes, 0);
    const [answer] = await context.sides[side].items.update(
      [{ item: keep, edit: { ...edit, attachments } }],
      context.call(bytes),
    );
    if (answer === undefined) return { kind: 'transient', detail: 'no answer', mayHaveHappened: true };
    if (!isFault(answer)) return answer.id;
    if (answer.kind === 'fatal') throw new FaultError(answer);
    return answer;
  } finally {
    await Promise.all(fetched.map((f) => f.dispose()));
  }
}

async function record(
  run: DedupeRun,
  side: Side,
  group: DuplicateGroup,
  decision: DuplicateDecision<TypedKind>,
  kept: ItemId,
): Promise<void> {
  const { context } = run;
  const { moved, forgotten } = noteRemoved(run, side, decision);
  const commit: Commit = {
    unlinkedTaken: [
      ...decision.remove.map(({ head }) => ({ side, id: head.id })),
      ...(moved === null ? [] : [{ side, id: kept }]),
    ],
    // No version of any server: whatever the kept one shows is compared with what was agreed.
    ...(moved === null ? {} : { typedLinks: [moved] }),
    typedLinksForgotten: forgotten,
    history: decision.remove.map(({ head: { id } }) =>
      history({ pass: context.pair.pass, clock: context.clock }, 'remove', `causeway dedupe: ${group.because}`, {
        [side]: id,
        detail: `the other one stays: ${decision.why}`,
      }),
    ),
  };
  await context.commit(commit);
}

/** What becomes of links: one moves over to a kept item that has none; those of pairs that go on both sides are forgotten. */
function noteRemoved(
  { links, doomed, moved: allMoved }: DedupeRun,
  side: Side,
  { keep, remove }: DuplicateDecision<TypedKind>,
): { readonly moved: TypedLinkRow | null; readonly forgotten: readonly LinkId[] } {
  let moved: TypedLinkRow | null = null;
  const forgotten: LinkId[] = [];
  for (const { head } of remove) {
    const link = links[side].get(head.id);
    if (link === undefined) continue;
    links[side].delete(head.id);
    if (side === 'right' && doomed.has(link.id)) forgotten.push(link.id);
    else if (!links[side].has(keep.head.id)) {
      moved = { ...link, [side]: { ...link[side], id: keep.head.id, version: noVersion } };
      links[side].set(keep.head.id, moved);
      allMoved.set(link.id, moved);
    } else if (side === 'left') doomed.set(link.id, link);
  }
  return { moved, forgotten };
}
