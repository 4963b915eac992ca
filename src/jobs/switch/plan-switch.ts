import { nextStep, type StepRecord, switchSteps } from '#engine/switch/steps.ts';
import { FaultError } from '#kit/fault.ts';
import type { StepMemory, SwitchServices } from './ports.ts';
import { switchRow, workOf } from './run-switch.ts';
import { StepFailed } from './step-work.ts';

/** One step as `--plan` shows it. */
export interface PlannedStep {
  readonly step: string;
  readonly title: string;
  readonly changes: string;
  readonly undo: string;
  /** What is there now, and what will be. */
  readonly now: string;
  readonly after: string;
  /** Of a switch that is on its way. */
  readonly state: 'done' | 'skipped' | 'begun' | 'failed' | 'next' | 'open';
}

const nothing: StepMemory = { get: () => undefined, set: async () => {} };

/** All steps of a switch with what they would change, in their order. Reads only. */
export async function planSwitch(services: SwitchServices, signal: AbortSignal): Promise<readonly PlannedStep[]> {
  const row = await switchRow(services);
  const isUnderWay = row.state === 'switching' || row.state === 'switched';
  const records = isUnderWay ? await services.store.switchSteps(row.pair, row.run) : [];
  const next = nextStep(records, 'forward');
  const plan: PlannedStep[] = [];
  for (const { name, title, changes, undo } of switchSteps) {
    const record = records.find(({ step, direction }) => step === name && direction === 'forward');
    const state = record?.state ?? (next?.name === name ? 'next' : 'open');
    const isOver = state === 'done' || state === 'skipped';
    const outlook = isOver
      ? { now: record?.detail ?? 'done', after: record?.detail ?? 'done' }
      : await look(services, name, signal);
    plan.push({ step: name, title, changes, undo, ...outlook, state });
  }
  return plan;
}

async function look(services: SwitchServices, name: (typeof switchSteps)[number]['name'], signal: AbortSignal) {
  const context = { services, signal, memory: nothing, run: 0, beganAtMs: services.clock.nowMs() };
  try {
    return await workOf(name).outlook(context);
  } catch (error) {
    // What cannot be read does not hide the other steps.
    if (!(error instanceof FaultError) && !(error instanceof StepFailed)) throw error;
    return { now: error.message, after: 'cannot be told' };
  }
}

/** One step that an undo would take back. */
export interface PlannedUndo {
  readonly step: string;
  readonly undo: string;
}

/** What an undo would take back from here, in its order; empty: nothing was switched. Reads the store only. */
export async function planUndo(services: SwitchServices): Promise<readonly PlannedUndo[]> {
  const { state, pair, run } = await switchRow(services);
  if (state !== 'switching' && state !== 'switched' && state !== 'undoing') return [];
  const records: StepRecord[] = [...(await services.store.switchSteps(pair, run))];
  const plan: PlannedUndo[] = [];
  for (let next = nextStep(records, 'undo'); next !== null; next = nextStep(records, 'undo')) {
    const { name } = next;
    plan.push({ step: name, undo: switchSteps.find((step) => step.name === name)?.undo ?? '' });
    const begun = records.findIndex(({ step, direction }) => step === name && direction === 'undo');
    if (begun >= 0) records.splice(begun, 1);
    records.push({ step: name, direction: 'undo', state: 'done' });
  }
  return plan;
}
