import type { DirectoryDescription } from '#connectors/directory/contract.ts';
import type { DirectoryNote, DirectoryPlan, DirectorySideProfile, PowerShellNeed } from '#engine/directory/plan.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import type { BySide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type {
  DirectoryCommit,
  DirectoryJournalRow,
  DirectoryPassSummary,
  DirectorySyncRow,
  DirectoryWaitingRow,
} from '#store/directory-records.ts';
import type { Claim } from '#store/store.ts';
import { type CarriedOut, carryOut } from './carry-out.ts';
import { decide } from './decide.ts';
import { type DirectoryContext, type DirectoryServices, openContext, sides } from './directory-context.ts';
import { settleHandedOver } from './handed-over.ts';
import { openReach, type Reach } from './reach.ts';
import { readChanges } from './read-changes.ts';
import { settleOpen } from './settle-open.ts';

/** What waits for something that no change of a directory tells is looked at again after this time. */
const WAITING_LOOK_MS = 3_600_000;
const WAITING_MAX = 1_000_000;
const DAY_MS = 24 * 3_600_000;

/** Reasons that the next pass decides about, whatever changed. */
const decidedNext: ReadonlySet<string> = new Set(['delete-waits', 'remade-next', 'switch-under-way', 'stale']);

export interface DirectoryPassResult {
  readonly summary: DirectoryPassSummary;
  /** Something was left for a next pass that is due soon. */
  readonly again: boolean;
  readonly needs: readonly PowerShellNeed[];
  readonly handedOver: CarriedOut['handedOver'];
  readonly refused: CarriedOut['refused'];
  readonly notes: readonly DirectoryNote[];
}

export interface DirectoryPassOptions {
  /** Looks at every object as if it had changed; cursors are not used. */
  readonly everything?: boolean;
}

/** What a pass would do. Writes nothing, neither to directories nor to the store. */
export async function planDirectoryPass(
  services: DirectoryServices,
  signal: AbortSignal,
  options: DirectoryPassOptions = {},
): Promise<DirectoryPlan> {
  const row = await services.store.directorySync(services.policy.sync);
  const context = openContext(services, (row?.pass ?? 0) + 1, null, signal);
  await checkForests(context, row);
  const gathered = await gather(context, row, options);
  return (await decide(context, await questionOf(context, gathered))).plan;
}

/**
 * One pass: open entries of the journal are settled, both feeds read, everything that changed is decided about in one plan, which is
 * carried out batch by batch. Cursors advance in the transaction that ends the pass, so whatever breaks it off is looked at again.
 */
export async function runDirectoryPass(
  services: DirectoryServices,
  claim: Claim | null,
  signal: AbortSignal,
  options: DirectoryPassOptions = {},
): Promise<DirectoryPassResult> {
  const { store, clock, policy, ends } = services;
  const startedAtMs = clock.nowMs();
  const before = await store.directorySync(policy.sync);
  const context = openContext(services, (before?.pass ?? 0) + 1, claim, signal);
  const pinned = await checkForests(context, before);
  // What a new connection has to ask of its server is no part of the pass.
  const searchesBefore = ends.left.directory.counts.searches + ends.right.directory.counts.searches;
  const interrupted = await settleOpen(context);
  const read = await gather(context, before, options);
  const scripted = isScriptNews(context, before, read) ? await settleHandedOver(context) : nobody;
  const gathered: Gathered = {
    ...read,
    extra: {
      left: [...interrupted.left, ...scripted.left],
      right: [...interrupted.right, ...scripted.right],
    },
  };

  const question = await questionOf(context, gathered);
  let done: CarriedOut = { writes: 0, refused: [], leftOut: [], handedOver: [], linked: [] };
  let plan: DirectoryPlan | null = null;
  if (question.changed.left.size + question.changed.right.size > 0) {
    const decided = await decide(context, question);
    plan = decided.plan;
    // Before the first write: its entries name the pass, and whoever comes next is another one.
    if (plan.edits.length > 0) await context.commit({ sync: { pass: context.pass, ...pinned } });
    done = await carryOut(context, plan, decided.view);
    await recordOutcome(context, plan, done, gathered.waitingRows);
    // What a script has made is linked by now.
    if (scripted.left.length + scripted.right.length > 0) await settleHandedOver(context);
  }
  const held = plan?.held ?? 0;
  const outcome = done.refused.length > 0 || held > 0 ? 'partial' : 'complete';
  const summary: DirectoryPassSummary = {
    pass: context.pass,
    startedAtMs,
    endedAtMs: clock.nowMs(),
    searches: ends.left.directory.counts.searches + ends.right.directory.counts.searches - searchesBefore,
    writes: done.writes,
    refused: done.refused.length,
    held,
    outcome,
    stoppedBecause: null,
  };
  await context.commit({
    sync: {
      pass: context.pass,
      ...pinned,
      leftCursor: gathered.cursors.left,
      rightCursor: gathered.cursors.right,
      lastPass: summary,
    },
  });
  const again =
    (plan?.gone.length ?? 0) > 0 ||
    (plan?.waiting ?? []).some(({ reason }) => decidedNext.has(reason)) ||
    // Whoever was made again under an old name may be somebody new once the old one is forgotten.
    ((plan?.forget.length ?? 0) > 0 && gathered.waitingRows.some(({ reason }) => reason === 'recreated')) ||
    done.refused.some(({ reason }) => reason === 'stale');
  const { handedOver, refused } = done;
  return { summary, again, needs: plan?.needs ?? [], handedOver, refused, notes: plan?.notes ?? [] };
}

const nobody: BySide<readonly ObjectGuid[]> = { left: [], right: [] };

/** What a script has done stands in the feed. Once an hour it is looked for all the same. */
function isScriptNews(
  { clock, ends }: DirectoryContext,
  row: DirectorySyncRow | null,
  { read, gone }: Gathered,
): boolean {
  return (
    isNextHour(clock.nowMs(), row?.lastPass ?? null) ||
    sides.some((side) => ends[side].kind === 'entra' && read[side].size + gone[side].length > 0)
  );
}

/** Whether this is the first pass of its hour. */
const isNextHour = (nowMs: number, lastPass: DirectoryPassSummary | null): boolean =>
  Math.floor(nowMs / WAITING_LOOK_MS) !== Math.floor((lastPass?.endedAtMs ?? 0) / WAITING_LOOK_MS);

const known = new WeakMap<object, { readonly description: DirectoryDescription; readonly root: string }>();

/** Who is on the other end of a connection does not change while it is open: asked once. */
async function lookAt(context: DirectoryContext, side: Side) {
  const { directory } = context.ends[side];
  const found = known.get(directory);
  if (found) return found;
  const description = await directory.describe(context.call());
  const top = description.domains[0];
  if (!top)
    throw new FaultError({ kind: 'fatal', code: 'protocol', detail: 'the directory names no domain that it holds' });
  const guid = top.dn === '' ? description.controller : (await directory.resolve([top.dn], context.call())).get(top.dn);
  if (guid === undefined)
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: `the directory does not show its domain ${top.name}`,
    });
  const looked = { description, root: guid };
  known.set(directory, looked);
  return looked;
}

/** A swapped forest is never believed. @returns what is to be pinned. */
async function checkForests(
  context: DirectoryContext,
  row: DirectorySyncRow | null,
): Promise<Pick<DirectorySyncRow, 'leftPinned' | 'rightPinned'>> {
  const [left, right] = [await lookAt(context, 'left'), await lookAt(context, 'right')];
  for (const [side, pinned, now] of [
    ['left', row?.leftPinned ?? null, left.root],
    ['right', row?.rightPinned ?? null, right.root],
  ] as const)
    if (pinned !== null && pinned !== now)
      throw new FaultError({
        kind: 'fatal',
        code: 'mailbox-replaced',
        detail: `the directory of ${context.ends[side].organization} is another forest than at the first pass (${pinned} then, ${now} now)`,
      });
  if (left.root === right.root)
    throw new FaultError({ kind: 'fatal', code: 'config', detail: 'both sides of the sync are the same forest' });
  return { leftPinned: left.root, rightPinned: right.root };
}

/** What a pass starts from. */
interface Gathered {
  readonly read: BySide<ReadonlyMap<ObjectGuid, DirectoryObject>>;
  readonly gone: BySide<readonly ObjectGuid[]>;
  readonly extra: BySide<readonly ObjectGuid[]>;
  readonly reach: BySide<Reach>;
  readonly cursors: BySide<string>;
  readonly isWhole: boolean;
  readonly waitingRows: readonly DirectoryWaitingRow[];
}

async function gather(
  context: DirectoryContext,
  row: DirectorySyncRow | null,
  { everything = false }: DirectoryPassOptions,
): Promise<Gathered> {
  const { ends, store, sync } = context;
  const reach = {
    left: await openReach(ends.left.directory, ends.left.scope, context),
    right: await openReach(ends.right.directory, ends.right.scope, context),
  };
  const from = (cursor: string | null | undefined) => (everything ? null : (cursor ?? null));
  const [left, right] = await Promise.all([
    readChanges(context, 'left', from(row?.leftCursor), reach.left),
    readChanges(context, 'right', from(row?.rightCursor), reach.right),
  ]);
  return {
    read: { left: left.upserts, right: right.upserts },
    gone: { left: left.gone, right: right.gone },
    extra: nobody,
    reach,
    cursors: { left: left.cursor, right: right.cursor },
    isWhole: left.isWhole && right.isWhole,
    waitingRows: await store.directoryWaiting(sync, WAITING_MAX),
  };
}

/** Own echoes are no news: what shows the version that was recorded with its link is left out. */
async function questionOf(context: DirectoryContext, gathered: Gathered): Promise<Parameters<typeof decide>[1]> {
  const { store, sync, clock, policy } = context;
  const changed = { left: new Set<ObjectGuid>(), right: new Set<ObjectGuid>() };
  let isNews = false;
  for (const side of sides) {
    const guids = [...gathered.read[side].keys(), ...gathered.gone[side]];
    const links = new Map((await store.directoryLinks(sync, side, guids)).map((link) => [link[side], link]));
    for (const object of gathered.read[side].values()) {
      const link = links.get(object.guid);
      if (link && link.goneSincePass === null && link[`${side}Version`] === object.version && !gathered.isWhole)
        continue;
      if (!link && !gathered.reach[side].contains(object)) continue;
      changed[side].add(object.guid);
    }
    for (const guid of gathered.gone[side]) if (links.has(guid)) changed[side].add(guid);
    for (const guid of gathered.extra[side]) changed[side].add(guid);
    isNews ||= changed[side].size > 0;
  }
  const waiting = { left: new Map<ObjectGuid, string>(), right: new Map<ObjectGuid, string>() };
  const nowMs = clock.nowMs();
  const { lastPass = null } = (await store.directorySync(sync)) ?? {};
  // What a pass writes is no news to the next one, but may be what somebody waits for: a name or an address that is free again.
  isNews ||= (lastPass?.writes ?? 0) > 0;
  const isHour = isNextHour(nowMs, lastPass);
  for (const row of gathered.waitingRows) {
    if (!isNews && !isHour && !decidedNext.has(row.reason)) continue;
    waiting[row.side].set(row.guid, row.reason);
    changed[row.side].add(row.guid);
  }
  for (const { left } of await store.directoryLinksGone(sync, WAITING_MAX)) changed.left.add(left);
  const isAnything = changed.left.size + changed.right.size > 0;
  const missing = (side: Side): readonly ObjectGuid[] =>
    [...changed[side]].filter((guid) => !gathered.read[side].has(guid) && !gathered.gone[side].includes(guid));
  const more = { left: missing('left'), right: missing('right') };
  const read = { left: [...gathered.read.left.values()], right: [...gathered.read.right.values()] };
  const gone = { left: [...gathered.gone.left], right: [...gathered.gone.right] };
  for (const side of sides) {
    if (more[side].length === 0) continue;
    const now = await context.ends[side].directory.read(more[side], context.wanted[side], context.call());
    for (const guid of more[side]) {
      const object = now.get(guid);
      if (object) read[side].push(object);
      else gone[side].push(guid);
    }
  }
  return {
    changed,
    read,
    gone,
    waiting,
    profiles: { left: await profileOf(context, 'left'), right: await profileOf(context, 'right') },
    reach: gathered.reach,
    switching: (await context.switching?.()) ?? new Set(),
    linked: isAnything ? await store.countDirectoryLinks(sync) : 0,
    removed: isAnything ? await store.directoryRemovalsSince(policy.sync, nowMs - DAY_MS) : 0,
  };
}

async function profileOf(context: DirectoryContext, side: Side): Promise<DirectorySideProfile> {
  const { description } = await lookAt(context, side);
  const { kind, organization, directory } = context.ends[side];
  return {
    kind,
    organization,
    domains: description.domains,
    administrativeGroup: description.exchange?.legacyExchangeDn ?? null,
    lacks: (await directory.lacks?.(context.wanted[side], context.call())) ?? new Set(),
  };
}

/** What waits and what waits no more, losers and things left out. In one transaction, before the cursors advance. */
async function recordOutcome(
  context: DirectoryContext,
  plan: DirectoryPlan,
  done: CarriedOut,
  rows: readonly DirectoryWaitingRow[],
): Promise<void> {
  const { clock, pass, store, sync } = context;
  const nowMs = clock.nowMs();
  const since = new Map(rows.map((row) => [`${row.side} ${row.guid} ${row.reason}`, row.sinceMs]));
  const waiting: DirectoryWaitingRow[] = plan.waiting.map((row) => ({
    ...row,
    sinceMs: since.get(`${row.side} ${row.guid} ${row.reason}`) ?? nowMs,
  }));
  // What a server refused waits under the name of the refusal, for the object that the edit was about.
  const failed = new Set([...done.refused.map(({ edit }) => edit.no), ...done.leftOut.map(({ no }) => no)]);
  const reasons = new Map(done.refused.map(({ edit, reason, detail }) => [edit.no, { reason, detail }]));
  const stuck = new Set<string>();
  for (const link of plan.links) {
    const no = link.edits.find((edit) => failed.has(edit));
    if (no === undefined) continue;
    const edit = plan.edits[no];
    const cause = reasons.get(no) ?? reasons.get(edit?.needs.find((need) => reasons.has(need)) ?? -1);
    const side: Side = link.left.startsWith('made:')
      ? 'right'
      : link.right.startsWith('made:')
        ? 'left'
        : (edit?.side ?? 'left');
    const reason = cause?.reason ?? 'not-there';
    waiting.push({
      side,
      guid: link[side],
      reason,
      detail: `${edit?.dn ?? ''}: ${cause?.detail ?? 'something that it needs was refused'}`,
      sinceMs: since.get(`${side} ${link[side]} ${reason}`) ?? nowMs,
    });
    stuck.add(`${side} ${link[side]}`);
  }
  const journal: NonNullable<DirectoryCommit['journal']>[number][] = [];
  for (const note of plan.notes) {
    const entry = noteEntry(note, pass, nowMs);
    const told = await store.directoryJournal({ sync, guid: note.guid }, 50);
    if (!told.some((row) => isSameNote(row, entry))) journal.push(entry);
  }
  await context.commit({
    waitingDone: plan.settled.filter(({ side, guid }) => !stuck.has(`${side} ${guid}`)),
    waiting,
    journal,
  });
}

const noteEntry = (
  { side, guid, outcome, attribute, values, detail }: DirectoryNote,
  pass: number,
  atMs: number,
): NonNullable<DirectoryCommit['journal']>[number] => ({
  pass,
  atMs,
  side,
  action: 'note',
  guid,
  dn: '' as DirectoryJournalRow['dn'],
  before: attribute === null ? {} : { [attribute]: values },
  after: {},
  reason: outcome,
  outcome: 'done',
  detail,
});

const isSameNote = (row: DirectoryJournalRow, note: Omit<DirectoryJournalRow, 'no' | 'sync'>): boolean =>
  row.action === 'note' &&
  row.reason === note.reason &&
  row.side === note.side &&
  JSON.stringify(row.before) === JSON.stringify(note.before);
