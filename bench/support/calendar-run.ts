import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock as clock } from '#kit/clock.ts';
import { type CalendarLoadReport, calendarMix } from '#lab/load/calendar-load.ts';
import { openStore } from '#store/open-store.ts';
import type { BenchOptions } from './bench.ts';
import type { AnyLab } from './lab.ts';
import { bundle, childrenOf, cpuSecondsOf, start } from './processes.ts';
import { type ProjectEnd, type WrittenProject, writeProject } from './project.ts';
import { round } from './results.ts';

const idleSeconds = 300;
const inStepPatienceMs = 1_800_000;

export interface Lag {
  readonly changes: number;
  readonly undelivered: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Of new single events only, which is what the floor carries. */
  readonly bookP50Ms: number;
  /** p50 of the last third of the run over that of the first. */
  readonly growth: number;
  readonly lost: number;
  readonly duplicated: number;
  /** By what was done: how many, how many of them did not arrive, and the p50 of all. */
  readonly byDeed: Readonly<Record<string, readonly [changes: number, undelivered: number, p50Ms: number]>>;
  /** By the organization that it had to come to: p50 and p99. */
  readonly byTarget: Readonly<Record<string, readonly [p50Ms: number, p99Ms: number]>>;
}

/** What did not arrive waits for ever. */
export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.POSITIVE_INFINITY;

function lagOf({ lags, changes, lost, duplicated }: CalendarLoadReport): Lag {
  const ms = (some: CalendarLoadReport['lags']) =>
    some.map((lag) => lag.ms ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const all = ms(lags);
  const third = Math.max(1, Math.floor(lags.length / 3));
  return {
    changes,
    undelivered: lags.filter((lag) => lag.ms === null).length,
    p50Ms: percentile(all, 0.5),
    p95Ms: percentile(all, 0.95),
    p99Ms: percentile(all, 0.99),
    bookP50Ms: percentile(ms(lags.filter((lag) => lag.deed === 'book')), 0.5),
    growth: percentile(ms(lags.slice(-third)), 0.5) / Math.max(1, percentile(ms(lags.slice(0, third)), 0.5)),
    lost,
    duplicated,
    byDeed: Object.fromEntries(
      Object.keys(calendarMix).map((name) => {
        const some = lags.filter((lag) => lag.deed === name);
        return [name, [some.length, some.filter((lag) => lag.ms === null).length, percentile(ms(some), 0.5)] as const];
      }),
    ),
    byTarget: Object.fromEntries(
      [...new Set(lags.map(({ to }) => to))].map((to) => {
        const some = ms(lags.filter((lag) => lag.to === to));
        return [to, [percentile(some, 0.5), percentile(some, 0.99)] as const];
      }),
    ),
  };
}

export interface RunOfCalendars {
  readonly lab: AnyLab;
  readonly source: ProjectEnd;
  readonly target: ProjectEnd;
  readonly pairs: number;
  readonly load: { readonly perSecond: number; readonly seconds: number; readonly restSeconds: number };
  /** After the last change, so that what is late is counted as late and not as lost. */
  readonly graceSeconds: number;
  /** Environment of `causeway run` beside ours. */
  readonly env?: NodeJS.ProcessEnv;
}

/** `causeway run` keeps calendars in step both ways while people work with them, and then while nobody does. */
export async function runCalendars(run: RunOfCalendars, options: BenchOptions) {
  const { lab, pairs } = run;
  const { quick, say } = options;
  const wants = (part: string) => options.only === null || options.only.includes(part);
  const project = writeProject(run.source, run.target, lab.pairs.slice(0, pairs), [
    'content: []',
    'calendar: { direction: both }',
  ]);
  const agent = start(process.execPath, [bundle('cli'), 'run', '--json', '--project', project.file], {
    detached: true,
    ...(run.env === undefined ? {} : { env: run.env }),
  });
  agent.child.stdout?.resume();
  try {
    const startedMs = performance.now();
    await inStep(project, pairs, agent, say);
    const inStepSeconds = (performance.now() - startedMs) / 1000;
    say(`${pairs} pairs in step after ${round(inStepSeconds)} s`);
    const before = usage(agent.pid, lab.pid);
    let lag: (Lag & { readonly labCpuShare: number; readonly requestsPerChange: number }) | null = null;
    if (wants('lag')) {
      const asked = await operationsOf(lab);
      await lab.control.workWithCalendars({ ...run.load, people: pairs });
      await delay(run.graceSeconds * 1000);
      const requests = Object.entries(await operationsOf(lab)).map(
        ([name, n]) => [name, n - (asked[name] ?? 0)] as const,
      );
      say(`requests: ${JSON.stringify(Object.fromEntries(requests))}`);
      const after = usage(agent.pid, lab.pid);
      const [labCpu, ourCpu] = [after.lab - before.lab, after.ours - before.ours];
      const found = lagOf(await lab.control.calendarLoad());
      lag = {
        ...found,
        labCpuShare: labCpu / Math.max(0.01, labCpu + ourCpu),
        requestsPerChange: requests.reduce((sum, [, n]) => sum + n, 0) / Math.max(1, found.changes),
      };
      say(`lag: ${JSON.stringify(lag)}; ${round(ourCpu)} s CPU of ours, ${round(labCpu)} s of the lab`);
    }
    let idle: { readonly corePercent: number; readonly requests: number } | null = null;
    let rssMb = rssMbOf(agent.pid);
    if (wants('idle')) {
      const seconds = quick ? 30 : idleSeconds;
      const began = usage(agent.pid, lab.pid);
      const requests = await requestsOf(lab);
      for (let n = 0; n < seconds; n++) {
        await delay(1000);
        rssMb = Math.max(rssMb, rssMbOf(agent.pid));
      }
      const used = usage(agent.pid, lab.pid).ours - began.ours;
      idle = { corePercent: (used / seconds) * 100, requests: (await requestsOf(lab)) - requests };
      say(`idle for ${seconds} s: ${JSON.stringify(idle)}, ${round(rssMb)} MB`);
    }
    const workers = usage(agent.pid, lab.pid).workers;
    return {
      inStepSeconds,
      lag,
      idle,
      rssMb,
      workers,
      coreRatio: Math.max(...workers) / Math.max(0.01, Math.min(...workers)),
    };
  } finally {
    agent.child.kill('SIGTERM');
    await agent.ended;
    project.remove();
  }
}

/** Requests that the lab carried out so far, by operation. */
async function operationsOf(lab: AnyLab): Promise<Readonly<Record<string, number>>> {
  const { organizations } = await lab.control.status();
  const sums: Record<string, number> = {};
  for (const { operations } of organizations)
    for (const [name, { carriedOut }] of Object.entries(operations)) sums[name] = (sums[name] ?? 0) + carriedOut;
  return sums;
}

const requestsOf = async (lab: AnyLab): Promise<number> =>
  Object.values(await operationsOf(lab)).reduce((sum, n) => sum + n, 0);

/** CPU seconds so far: of the whole tree of ours, of each worker, of the lab. */
function usage(agent: number, lab: number) {
  const workers = childrenOf(agent).map((pid) => cpuSecondsOf(pid) ?? 0);
  const ours = workers.reduce((a, b) => a + b, cpuSecondsOf(agent) ?? 0);
  return { ours, workers, lab: cpuSecondsOf(lab) ?? 0 };
}

/** Resident size of the whole tree of ours, in MB. Linux. */
function rssMbOf(agent: number): number {
  return [agent, ...childrenOf(agent)].reduce((sum, pid) => {
    try {
      const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
      return sum + Number(found?.[1] ?? 0) / 1024;
    } catch {
      return sum;
    }
  }, 0);
}

/** Waits until every pair has been looked at once. */
async function inStep(
  { database }: WrittenProject,
  pairs: number,
  agent: ReturnType<typeof start>,
  say: (text: string) => void,
): Promise<void> {
  let how: number | string | null = null;
  void agent.ended.then((code) => (how = code));
  for (const untilMs = performance.now() + inStepPatienceMs; performance.now() < untilMs; ) {
    await delay(5_000);
    if (how !== null) throw new Error(`causeway run ended with ${how}: ${agent.complaints()}`);
    const store = await openStore(`sqlite:${database}`, { clock, log: { info() {}, warn() {} }, readOnly: true });
    const ready = (await store.pairs()).filter((pair) => pair.kind === 'calendar' && pair.state === 'in-step').length;
    await store.close();
    say(`${ready} of ${pairs} pairs in step`);
    if (ready === pairs) return;
  }
  throw new Error(`the pairs were not in step within ${inStepPatienceMs / 60_000} minutes: ${agent.complaints()}`);
}
