import { setTimeout as delay } from 'node:timers/promises';
import type { Responder } from './copy.ts';
import { bundle, childrenOf, cpuSecondsOf, peakRssMbOf, start } from './processes.ts';
import { writeProject } from './project.ts';

export interface WatchedSync {
  readonly items: number;
  readonly seconds: number;
  /** CPU seconds by worker, the busiest first. */
  readonly workers: readonly number[];
  readonly supervisorCpuSeconds: number;
  /** Of the largest worker. */
  readonly workerPeakRssMb: number;
  readonly supervisorPeakRssMb: number;
}

const sampleMs = 100;

/** `causeway sync` as it is, over the first mailboxes of a responder; what its processes use, as the system counts it. */
export async function watchedSync(responder: Responder, pairs: number, args: readonly string[]): Promise<WatchedSync> {
  const source = responder.source();
  const target = responder.target();
  const project = writeProject(
    { name: 'source', endpoint: source.url, user: source.user, password: source.password },
    { name: 'target', endpoint: target.url, user: target.user, password: target.password },
    Array.from({ length: pairs }, (_, i) => [responder.source(i).mailbox, responder.target(i).mailbox]),
  );
  try {
    const startedMs = performance.now();
    const agent = start(process.execPath, [bundle('cli'), 'sync', '--json', '--project', project.file, ...args]);
    agent.child.stdout?.resume();
    const cpu = new Map<number, number>();
    let [workerPeakRssMb, supervisorPeakRssMb, supervisorCpuSeconds] = [0, 0, 0];
    let how: number | string | null = null;
    void agent.ended.then((code) => (how = code));
    while (how === null) {
      for (const pid of childrenOf(agent.pid)) {
        cpu.set(pid, cpuSecondsOf(pid) ?? cpu.get(pid) ?? 0);
        workerPeakRssMb = Math.max(workerPeakRssMb, peakRssMbOf(pid) ?? 0);
      }
      supervisorCpuSeconds = cpuSecondsOf(agent.pid) ?? supervisorCpuSeconds;
      supervisorPeakRssMb = Math.max(supervisorPeakRssMb, peakRssMbOf(agent.pid) ?? 0);
      await delay(sampleMs);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { created: items } = await responder.stats();
    if (how !== 0) throw new Error(`causeway sync ended with ${how} after ${items} mails: ${agent.complaints()}`);
    const workers = [...cpu.values()].sort((a, b) => b - a);
    return { items, seconds, workers, supervisorCpuSeconds, workerPeakRssMb, supervisorPeakRssMb };
  } finally {
    project.remove();
  }
}
