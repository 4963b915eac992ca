import { nextStep, type StepName } from '#engine/switch/steps.ts';
import { transition } from '#engine/switch/transitions.ts';
import { assert, must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import type { Claim } from '#store/store.ts';
import type { SwitchRow, SwitchStepRow } from '#store/switch-records.ts';
import { catchUp, lastPass, reminders, turnActive } from './pass-steps.ts';
import type { StepMemory, SwitchServices } from './ports.ts';
import { prove } from './prove-step.ts';
import { openTarget, redirectSource } from './routing-steps.ts';
import { prepareTarget, quietSource, turnRoom } from './settings-steps.ts';
import { type StepContext, type StepEnd, StepFailed, type StepWork } from './step-work.ts';
import { tellPerson } from './tell-step.ts';

const works: readonly StepWork[] = [
  catchUp,
  prepareTarget,
  openTarget,
  turnRoom,
  redirectSource,
  lastPass,
  turnActive,
  quietSource,
  reminders,
  prove,
  tellPerson,
];

export const workOf = (name: StepName): StepWork =>
  must(
    works.find((work) => work.name === name),
    `nobody does the step ${name}`,
  );

/** How far a switch, or its undo, has come. */
export type SwitchEnd =
  | { readonly end: 'complete'; readonly row: SwitchRow }
  /** Something outside has to happen first. */
  | {
      readonly end: 'waits';
      readonly row: SwitchRow;
      readonly againMs: number;
      readonly because: string;
      /** Lines that somebody has to run; null: it passes by itself. */
      readonly script: readonly string[] | null;
    }
  /** Somebody has to do something about it. The pair stays where it is: switch and undo both go on from there. */
  | { readonly end: 'failed'; readonly row: SwitchRow; readonly because: string };

/** A request of the operator that makes no sense in this state; the message says what would. */
export class SwitchRefused extends Error {
  override readonly name = 'SwitchRefused';
}

/** After a server that could not be reached, or a claim that somebody else held. */
const transientMs = 15_000;

/** What is remembered of a pair; for one that nobody has switched yet, what the project file says. */
export async function switchRow({ store, clock, pair }: SwitchServices): Promise<SwitchRow> {
  const [row] = await store.switches([pair.id]);
  return (
    row ?? {
      pair: pair.id,
      state: 'new',
      active: pair.active,
      run: 0,
      at: null,
      changedAtMs: clock.nowMs(),
      because: null,
    }
  );
}

/** Says that the switch begins. Throws `SwitchRefused`. @param force what stands in the way was accepted by name. */
export async function beginSwitch(services: SwitchServices, claim: Claim | null, force: boolean): Promise<SwitchRow> {
  const row = await switchRow(services);
  const next = transition(row.state, { event: 'switch', force });
  if ('refused' in next) throw new SwitchRefused(next.refused);
  if (row.state === 'switching') return row;
  return commitRow(services, claim, { ...row, state: next.to, run: row.run + 1, at: null, because: null });
}

/** Says that the switch is taken back. Throws `SwitchRefused`. */
export async function beginUndo(services: SwitchServices, claim: Claim | null): Promise<SwitchRow> {
  const row = await switchRow(services);
  if (row.state === 'undoing') return row;
  const next = transition(row.state, { event: 'undo' });
  if ('refused' in next) throw new SwitchRefused(next.refused);
  return commitRow(services, claim, { ...row, state: next.to, at: null, because: null });
}

/** Makes the switch final. Throws `SwitchRefused`. */
export async function finishSwitch(services: SwitchServices, claim: Claim | null): Promise<SwitchRow> {
  const row = await switchRow(services);
  const next = transition(row.state, { event: 'finish' });
  if ('refused' in next) throw new SwitchRefused(next.refused);
  return commitRow(services, claim, { ...row, state: next.to, at: null, because: null });
}

/** Somebody says that the lines were run which the step that is open handed over. @returns the step; null: none waits for that. */
export async function confirmStep(services: SwitchServices, claim: Claim | null): Promise<string | null> {
  const row = await switchRow(services);
  const records = await services.store.switchSteps(row.pair, row.run);
  const open = records.findLast(({ state }) => state === 'begun' || state === 'failed');
  if (open === undefined) return null;
  const { found, progress } = keptOf(open.before);
  await services.store.commitSwitch(claim, {
    steps: [{ ...open, before: { found, progress: { ...progress, confirmed: true } } }],
  });
  return open.step;
}

/** What is wanted of a pair that is not on its way: at a time, as soon as it is ready, or nothing. Throws `SwitchRefused`. */
export async function planAt(services: SwitchServices, claim: Claim | null, at: SwitchRow['at']): Promise<SwitchRow> {
  const row = await switchRow(services);
  const next = transition(row.state === 'new' || row.state === 'provisioned' ? 'ready' : row.state, {
    event: 'switch',
    force: true,
  });
  if ('refused' in next || row.state === 'switching')
    throw new SwitchRefused(
      'refused' in next ? next.refused : 'it is being switched already; causeway undo takes it back',
    );
  return commitRow(services, claim, { ...row, at, because: null });
}

async function commitRow(services: SwitchServices, claim: Claim | null, row: SwitchRow): Promise<SwitchRow> {
  const dated = { ...row, changedAtMs: services.clock.nowMs() };
  await services.store.commitSwitch(claim, { row: dated });
  return dated;
}

/**
 * Goes on with a switch that is `switching`, or an undo that is `undoing`, from what is recorded, until it is complete, has to wait, or
 * cannot go on. Each step is recorded before it begins, with what has to be put back, and when it ends; killed anywhere, the next
 * call goes on. `claim` is that of `switch:PAIR`: nobody else works on the pair's switch.
 */
export async function runSwitch(
  services: SwitchServices,
  claim: Claim | null,
  signal: AbortSignal,
): Promise<SwitchEnd> {
  let row = await switchRow(services);
  assert(row.state === 'switching' || row.state === 'undoing', `a pair that is ${row.state} has no steps to take`);
  const direction = row.state === 'switching' ? 'forward' : 'undo';
  for (;;) {
    signal.throwIfAborted();
    const records = await services.store.switchSteps(row.pair, row.run);
    const next = nextStep(records, direction);
    if (next === null) break;
    let step: OpenStep | null = null;
    const end = await guarded(signal, async () => {
      step = await openStep(services, claim, row, next.name, direction, records, signal);
      return direction === 'forward' ? step.work.carryOut(step.context) : step.work.takeBack(step.context);
    });
    // Null: it could not even be read what there is, so nothing was begun.
    const record = (step as OpenStep | null)?.row() ?? null;
    if (end.end === 'failed' || end.end === 'waits') {
      const because = `${next.name}: ${end.detail}`;
      const state = end.end === 'failed' ? 'failed' : 'begun';
      if (row.because !== because) row = { ...row, because, changedAtMs: services.clock.nowMs() };
      const steps = record === null ? [] : [{ ...record, state, detail: end.detail } as const];
      await services.store.commitSwitch(claim, { row, steps });
      services.progress?.({ step: next.name, direction, state: end.end, detail: end.detail });
      return end.end === 'failed'
        ? { end: 'failed', row, because }
        : { end: 'waits', row, because, againMs: end.againMs, script: end.script ?? null };
    }
    row = { ...afterStep(row, next.name, direction), because: null, changedAtMs: services.clock.nowMs() };
    const ended = {
      ...must(record, 'a step that ended was begun'),
      state: end.end,
      detail: end.detail,
      endedAtMs: services.clock.nowMs(),
    };
    await services.store.commitSwitch(claim, { row, steps: [ended] });
    services.progress?.({ step: next.name, direction, state: end.end, detail: end.detail });
  }
  const over = transition(row.state, { event: direction === 'forward' ? 'steps-done' : 'undone' });
  assert('to' in over, `${row.state} has an end`);
  row = await commitRow(services, claim, { ...row, state: over.to, because: null });
  return { end: 'complete', row };
}

/** Turned together with the record that says so. */
function afterStep(row: SwitchRow, name: StepName, direction: SwitchStepRow['direction']): SwitchRow {
  return name === 'turn-active' ? { ...row, active: direction === 'forward' ? 'right' : 'left' } : row;
}

interface OpenStep {
  readonly work: StepWork;
  readonly context: StepContext;
  /** As it is to be recorded now. */
  row(): SwitchStepRow;
}

type Kept = { readonly found: Readonly<Record<string, unknown>>; readonly progress: Readonly<Record<string, unknown>> };
const keptOf = (before: unknown): Kept => {
  const kept = (before ?? {}) as Partial<Kept>;
  return { found: kept.found ?? {}, progress: kept.progress ?? {} };
};

/** Records that a step begins, with what it finds; one that was begun before keeps what was found then. */
async function openStep(
  services: SwitchServices,
  claim: Claim | null,
  { pair, run }: SwitchRow,
  name: StepName,
  direction: SwitchStepRow['direction'],
  records: readonly SwitchStepRow[],
  signal: AbortSignal,
): Promise<OpenStep> {
  const known = records.find((record) => record.step === name && record.direction === direction);
  const forward = records.find((record) => record.step === name && record.direction === 'forward');
  const now = services.clock.nowMs();
  let row: SwitchStepRow = known
    ? // Who tries again after a failure has another full time for it.
      {
        ...known,
        attempts: known.attempts + 1,
        ...(known.state === 'failed' ? { state: 'begun', beganAtMs: now } : {}),
      }
    : {
        pair,
        run,
        step: name,
        direction,
        state: 'begun',
        beganAtMs: now,
        endedAtMs: null,
        before: null,
        detail: null,
        attempts: 1,
      };
  const memory: StepMemory = {
    get(key) {
      const { found, progress } = keptOf(row.before);
      return key in progress ? progress[key] : found[key];
    },
    async set(key, value) {
      const { found, progress } = keptOf(row.before);
      row = { ...row, before: { found, progress: { ...progress, [key]: value } } };
      await services.store.commitSwitch(claim, { steps: [row] });
    },
  };
  const work = workOf(name);
  const context: StepContext = { services, signal, memory, run, beganAtMs: row.beganAtMs };
  if (row.before === null) {
    const found = direction === 'undo' ? keptOf(forward?.before).found : await work.before(context);
    row = { ...row, before: { found, progress: {} } };
  }
  await services.store.commitSwitch(claim, { steps: [row] });
  services.progress?.({ step: name, direction, state: 'begun', detail: null });
  return { work, context, row: () => row };
}

type Attempt = StepEnd | { readonly end: 'failed'; readonly detail: string };

/** What somebody has to do something about, and what passes by itself, are ends of a step; everything else is a mistake of ours. */
async function guarded(signal: AbortSignal, step: () => Promise<StepEnd>): Promise<Attempt> {
  try {
    return await step();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StepFailed) return { end: 'failed', detail: error.message };
    if (!(error instanceof FaultError)) throw error;
    if (error.fault.kind === 'fatal') return { end: 'failed', detail: error.message };
    const againMs = error.fault.kind === 'throttled' ? error.fault.retryAfterMs : transientMs;
    return { end: 'waits', detail: error.message, againMs };
  }
}
