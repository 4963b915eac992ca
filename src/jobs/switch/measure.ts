import {
  type EntryFacts,
  measuredState,
  type ReadinessFinding,
  readiness,
  type SwitchFacts,
  type TrackFacts,
} from '#engine/switch/readiness.ts';
import type { MeasuredState } from '#engine/switch/transitions.ts';
import { FaultError } from '#kit/fault.ts';
import type { Side } from '#model/ids.ts';
import { type Claim, trackId } from '#store/store.ts';
import type { SwitchRow } from '#store/switch-records.ts';
import { rivalsInAll, rivalsOf } from '../rivals.ts';
import type { Grade } from '../verify/grade.ts';
import type { RouteEntry, SwitchServices } from './ports.ts';
import { switchRow } from './run-switch.ts';

/** What only the caller knows. Absent: it is not known. */
export interface MeasureSources {
  /** Compares both sides; asked when the last result is too old and the copy is complete. */
  readonly verify?: (signal: AbortSignal) => Promise<Grade>;
  /** What Autodiscover of the target organization answers. */
  readonly autodiscover?: (signal: AbortSignal) => Promise<SwitchFacts['autodiscover']>;
  /** Addresses of people who are switched along, or were. */
  readonly together?: ReadonlySet<string>;
}

export interface Measured {
  readonly row: SwitchRow;
  readonly state: MeasuredState;
  readonly findings: readonly ReadinessFinding[];
}

/** Steps of run 0 are no steps of a switch: what was measured before there was one. */
const measuredRun = 0;
const gradeStep = 'grade';

const measuredStates: readonly SwitchRow['state'][] = ['new', 'provisioned', 'syncing', 'ready'];

/** Measures a pair, and records what state it is in unless it is on its way. */
export async function measure(
  services: SwitchServices,
  claim: Claim | null,
  sources: MeasureSources,
  signal: AbortSignal,
): Promise<Measured> {
  const facts = await gatherFacts(services, claim, sources, signal);
  const { accept } = services.policy;
  const findings = readiness(facts);
  const state = measuredState(facts, accept);
  const known = await switchRow(services);
  if (!measuredStates.includes(known.state) || known.state === state) return { row: known, state, findings };
  const row: SwitchRow = { ...known, state, changedAtMs: services.clock.nowMs() };
  await services.store.commitSwitch(claim, { row });
  return { row, state, findings };
}

async function gatherFacts(
  services: SwitchServices,
  claim: Claim | null,
  sources: MeasureSources,
  signal: AbortSignal,
): Promise<SwitchFacts> {
  const { pair, policy, store, clock, routes } = services;
  const mailboxes = { source: await opens(services, 'left', signal), target: await opens(services, 'right', signal) };
  const [left, right] = [await entryOf(services, 'left', signal), await entryOf(services, 'right', signal)];
  const answers = (entry: RouteEntry | null | undefined, other: RouteEntry | null | undefined): boolean | null =>
    entry && other?.legacyExchangeDn ? entry.answersTo(other.legacyExchangeDn) : null;
  const facts = (
    side: Side,
    entry: RouteEntry | null | undefined,
    other: RouteEntry | null | undefined,
  ): EntryFacts | null =>
    routes[side].isReadable
      ? { found: entry != null, redirectsTo: entry?.redirectsTo, answersOld: answers(entry, other) }
      : null;
  const tracks = await trackFacts(services);
  const isComplete = tracks.every(({ state, stoppedBecause }) => state === 'in-step' && stoppedBecause === null);
  return {
    nowMs: clock.nowMs(),
    mailboxes,
    entries: { source: facts('left', left, right), target: facts('right', right, left) },
    reachedAt: {
      source: [pair.left.address, ...(left?.addresses ?? [])],
      target: [pair.right.address, ...(right?.addresses ?? [])],
    },
    tracks,
    lagObjectiveMs: services.lagObjectiveMs,
    grade: await gradeOf(services, claim, isComplete ? sources.verify : undefined, signal),
    gradeMaxAgeMs: policy.gradeMaxAgeMs,
    delegates: await delegatesOf(services, sources.together ?? new Set(), signal),
    rivals: rivalsInAll(await rivalsOf(store, pair.id, clock.nowMs())),
    autodiscover: mailboxes.target ? ((await sources.autodiscover?.(signal)) ?? null) : null,
    downloadBytes: mailboxes.target ? await sizeOf(services, signal) : null,
    clientBytesPerSecond: policy.clientBytesPerSecond,
  };
}

const call = ({ clock, requestDeadlineMs }: SwitchServices, signal: AbortSignal) => ({
  signal,
  deadlineMs: clock.monotonicMs() + requestDeadlineMs,
});
const boxOf = ({ pair }: SwitchServices, side: Side) => pair[side].connector.mailbox(pair[side].address);

/** Null for what is refused for good; what passes by itself goes up. */
async function unlessFatal<Result>(ask: () => Promise<Result>): Promise<Result | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'fatal') return null;
    throw error;
  }
}

async function opens(services: SwitchServices, side: Side, signal: AbortSignal): Promise<boolean> {
  return (await unlessFatal(() => boxOf(services, side).roles(call(services, signal)))) !== null;
}

async function entryOf({ routes }: SwitchServices, side: Side, signal: AbortSignal): Promise<RouteEntry | null> {
  return routes[side].isReadable ? routes[side].read(signal) : null;
}

async function trackFacts({ store, pair, tracks, clock }: SwitchServices): Promise<readonly TrackFacts[]> {
  const now = clock.nowMs();
  return Promise.all(
    tracks.kinds.map(async (kind): Promise<TrackFacts> => {
      const row = await store.pair(trackId(pair.id, kind));
      const [work] = await store.work([`${kind}:${pair.id}`]);
      const last = row?.lastPass ?? null;
      return {
        kind,
        state: row?.state ?? 'new',
        stoppedBecause: row?.stoppedBecause ?? null,
        lastOutcome: last?.outcome ?? null,
        quarantined: row?.counts.quarantined ?? 0,
        held: last?.held ?? 0,
        lagMs: last === null ? null : work?.dirtySinceMs == null ? 0 : Math.max(0, now - work.dirtySinceMs),
      };
    }),
  );
}

async function gradeOf(
  { store, pair, clock, policy }: SwitchServices,
  claim: Claim | null,
  verify: MeasureSources['verify'],
  signal: AbortSignal,
): Promise<SwitchFacts['grade']> {
  const known = (await store.switchSteps(pair.id, measuredRun)).find(({ step }) => step === gradeStep);
  const last = (known?.before ?? null) as SwitchFacts['grade'];
  const isFresh = last !== null && clock.nowMs() - last.atMs <= policy.gradeMaxAgeMs;
  if (verify === undefined || (isFresh && (last.grade === 'perfect' || last.grade === 'good'))) return last;
  const beganAtMs = clock.nowMs();
  const grade = { grade: await verify(signal), atMs: clock.nowMs() };
  await store.commitSwitch(claim, {
    steps: [
      {
        pair: pair.id,
        run: measuredRun,
        step: gradeStep,
        direction: 'forward',
        state: 'done',
        beganAtMs,
        endedAtMs: grade.atMs,
        before: grade,
        detail: grade.grade,
        attempts: (known?.attempts ?? 0) + 1,
      },
    ],
  });
  return grade;
}

async function delegatesOf(
  services: SwitchServices,
  together: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<SwitchFacts['delegates']> {
  const { settings } = boxOf(services, 'left');
  if (settings === undefined || settings.abilities.delegates.can === 'nothing') return null;
  const found = await unlessFatal(() => settings.delegates(call(services, signal)));
  return found?.delegates.map(({ address }) => ({ address, together: together.has(address.toLowerCase()) })) ?? null;
}

async function sizeOf(services: SwitchServices, signal: AbortSignal): Promise<number | null> {
  const limits = await unlessFatal(() => boxOf(services, 'right').limits(call(services, signal)));
  return limits?.usedBytes ?? (await services.store.pair(services.pair.id))?.counts.bytesCopied ?? null;
}

export { neverAccepted, type ReadinessFinding, readinessChecks } from '#engine/switch/readiness.ts';
