import { nextStep, switchSteps } from '#engine/switch/steps.ts';
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
