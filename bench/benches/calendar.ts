import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock as clock } from '#kit/clock.ts';
import { type CalendarLoadReport, calendarMix } from '#lab/load/calendar-load.ts';
import { openStore } from '#store/open-store.ts';
import type { Bench, BenchOptions } from '../support/bench.ts';
import { projectEnd, type RunningLab, startLab } from '../support/lab.ts';
import { bundle, childrenOf, cpuSecondsOf, start, startServer } from '../support/processes.ts';
import { type WrittenProject, writeProject } from '../support/project.ts';
import { against, round } from '../support/results.ts';

const idleSeconds = 300;
/** After the last change, so that what is late is counted as late and not as lost. */
const graceSeconds = 30;
const inStepPatienceMs = 1_800_000;
/** One streaming connection a side. */
const floorPairs = 200;

/** How long a change of a calendar takes to the other side, at scale, against the floor; and what it costs when nothing happens. */
export const calendar: Bench = async (options) => {
  const { quick, say } = options;
  const wants = (part: string) => options.only === null || options.only.includes(part);
  const pairs = options.pairs ?? (quick ? 200 : 10_000);
  const lab = await startLab(['2016', '2016'], ['--mailboxes', String(pairs), '--items', '0', '--throttling', 'off']);
  try {
    const floor = wants('floor') ? await measureFloor(lab, options) : null;
    const ours = wants('lag') || wants('idle') ? await measureOurs(lab, pairs, options) : null;
    const outbox = await lab.control.outbox();
    const { lag = null, idle = null } = ours ?? {};
    const figures = {
      pairs,
      changes: lag?.changes ?? 0,
      undelivered: lag?.undelivered ?? null,
      p50Ms: lag?.p50Ms ?? null,
      p95Ms: lag?.p95Ms ?? null,
      p99Ms: lag?.p99Ms ?? null,
      floorP50Ms: floor?.p50Ms ?? null,
      idleCorePercent: idle && round(idle.corePercent),
      rssMb: ours && round(ours.rssMb),
      coreRatio: ours && round(ours.coreRatio),
      labCpuShare: lag && round(lag.labCpuShare),
      lost: lag?.lost ?? null,
      duplicated: lag?.duplicated ?? null,
      mails: outbox.length,
    };
    const over = lag && floor ? lag.bookP50Ms - floor.p50Ms : null;
    say(
      `mix of changes, in parts of a hundred: ${Object.entries(calendarMix)
        .map(([deed, part]) => `${deed} ${part}`)
        .join(', ')}`,
    );
    return {
      figures,
      lines: [
        against('p50 of the lag, ms', figures.p50Ms, '≤ 1000', (value) => value <= 1000),
        against('p99 of the lag, ms', figures.p99Ms, '≤ 5000', (value) => value <= 5000),
        against(
          'p50 of the last third over the first',
          lag === null ? null : lag.growth,
          '≤ 1.5',
          (value) => value <= 1.5,
        ),
        against('changes that did not arrive', figures.undelivered, '0', (value) => value === 0),
        against('p50 of new events over the floor, ms', over, '≤ 150', (value) => value <= 150),
        against('idle, percent of one core', figures.idleCorePercent, '≤ 5', (value) => value <= 5),
        against('memory of all processes but the lab, MB', figures.rssMb, '≤ 600', (value) => value <= 600),
        against('CPU of the busiest worker over idlest', figures.coreRatio, '≤ 1.2', (value) => value <= 1.2),
        against('lost', figures.lost, '0', (value) => value === 0),
        against('duplicated', figures.duplicated, '0', (value) => value === 0),
        against('mails', figures.mails, '0', (value) => value === 0),
      ],
      details: { floor, ...ours },
    };
  } finally {
    await lab.close();
  }
};

interface Lag {
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
}

/** What did not arrive waits for ever. */
const percentile = (sorted: readonly number[], part: number): number =>
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
  };
}

const loadOf = ({ quick, changesPerSecond, seconds }: BenchOptions) => ({
  perSecond: changesPerSecond ?? 20,
  seconds: seconds ?? (quick ? 20 : 120),
});

async function measureOurs(lab: RunningLab, pairs: number, options: BenchOptions) {
  const { quick, say } = options;
  const wants = (part: string) => options.only === null || options.only.includes(part);
  const project = writeProject(projectEnd(lab.source, true), projectEnd(lab.target, true), lab.pairs.slice(0, pairs), [
    'content: []',
    'calendar: { direction: both }',
  ]);
  const agent = start(process.execPath, [bundle('cli'), 'run', '--json', '--project', project.file], {
    detached: true,
  });
  agent.child.stdout?.resume();
  try {
    const startedMs = performance.now();
    await inStep(project, pairs, agent, say);
    say(`${pairs} pairs in step after ${round((performance.now() - startedMs) / 1000)} s`);
    const before = usage(agent.pid, lab.pid);
    const load = { ...loadOf(options), people: pairs };
    let lag: (Lag & { readonly labCpuShare: number }) | null = null;
    if (wants('lag')) {
      const asked = await operationsOf(lab);
      await lab.control.workWithCalendars(load);
      await delay(graceSeconds * 1000);
      const requests = Object.entries(await operationsOf(lab)).map(([name, n]) => [name, n - (asked[name] ?? 0)]);
      say(`requests: ${JSON.stringify(Object.fromEntries(requests))}`);
      const after = usage(agent.pid, lab.pid);
      const [labCpu, ourCpu] = [after.lab - before.lab, after.ours - before.ours];
      lag = { ...lagOf(await lab.control.calendarLoad()), labCpuShare: labCpu / Math.max(0.01, labCpu + ourCpu) };
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
    return { lag, idle, rssMb, workers, coreRatio: Math.max(...workers) / Math.max(0.01, Math.min(...workers)) };
  } finally {
    agent.child.kill('SIGTERM');
    await agent.ended;
    project.remove();
  }
}

/** Requests that the lab carried out so far, by operation. */
async function operationsOf(lab: RunningLab): Promise<Readonly<Record<string, number>>> {
  const { organizations } = await lab.control.status();
  const sums: Record<string, number> = {};
  for (const { operations } of organizations)
    for (const [name, { carriedOut }] of Object.entries(operations)) sums[name] = (sums[name] ?? 0) + carriedOut;
  return sums;
}

const requestsOf = async (lab: RunningLab): Promise<number> =>
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

/** The same changes, carried by the bare script. It carries new single events; nothing else counts. */
async function measureFloor(lab: RunningLab, options: BenchOptions) {
  const { say } = options;
  const ends = [lab.source, lab.target].map((org) =>
    JSON.stringify({ url: org.ewsPlain, user: org.admin.user, password: org.admin.password }),
  );
  const people = lab.pairs.slice(0, floorPairs);
  const script = await startServer<{ readonly watching: number }>('bench-calendar-floor', [
    ...ends,
    JSON.stringify(people),
  ]);
  try {
    const { perSecond } = loadOf(options);
    await lab.control.workWithCalendars({ perSecond, seconds: 20, people: people.length });
    await delay(5_000);
    const { lags } = await lab.control.calendarLoad();
    const books = lags.flatMap(({ deed, ms }) => (deed === 'book' && ms !== null ? [ms] : [])).sort((a, b) => a - b);
    say(`floor: ${books.length} new events, p50 ${percentile(books, 0.5)} ms, p99 ${percentile(books, 0.99)} ms`);
    return { carried: books.length, p50Ms: percentile(books, 0.5), p99Ms: percentile(books, 0.99) };
  } finally {
    await script.close();
  }
}
