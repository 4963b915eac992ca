import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchOptions } from '../support/bench.ts';
import { startResponder } from '../support/copy.ts';
import { bundle, childrenOf, cpuSecondsOf, peakRssMbOf, start } from '../support/processes.ts';
import { writeProject } from '../support/project.ts';
import { against, round } from '../support/results.ts';

const pairCount = 40;
const itemsEach = 5_000;
const mailBytes = 4 * 1024;
const sampleMs = 250;
/** Below this the ratio says nothing: a worker's start alone is a good part of it. */
const enoughSeconds = 60;

export interface CoresResult {
  /** CPU seconds of the busiest worker over the idlest; null: a single worker. */
  readonly ratio: number;
  /** CPU seconds by worker. */
  readonly workers: readonly number[];
  readonly supervisorCpuSeconds: number;
  readonly peakRssMb: number;
  readonly items: number;
  readonly seconds: number;
}

/** `causeway sync` over 40 similar pairs with as many workers as it takes by itself; their CPU time as the system counts it. */
export async function measureCores({ quick, items, say }: BenchOptions): Promise<CoresResult> {
  const each = items ?? (quick ? itemsEach / 10 : itemsEach);
  const responder = await startResponder(each, mailBytes);
  const numbers = Array.from({ length: pairCount }, (_, i) => i);
  const source = responder.source();
  const target = responder.target();
  const project = writeProject(
    { name: 'source', endpoint: source.url, user: source.user, password: source.password },
    { name: 'target', endpoint: target.url, user: target.user, password: target.password },
    numbers.map((i) => [responder.source(i).mailbox, responder.target(i).mailbox]),
  );
  try {
    const startedMs = performance.now();
    const agent = start(process.execPath, [bundle('cli'), 'sync', '--json', '--project', project.file]);
    agent.child.stdout?.resume();
    const cpu = new Map<number, number>();
    let supervisorCpuSeconds = 0;
    let peakRssMb = 0;
    let how: number | string | null = null;
    void agent.ended.then((code) => (how = code));
    while (how === null) {
      for (const pid of childrenOf(agent.pid)) {
        cpu.set(pid, cpuSecondsOf(pid) ?? cpu.get(pid) ?? 0);
        peakRssMb = Math.max(peakRssMb, peakRssMbOf(pid) ?? 0);
      }
      supervisorCpuSeconds = cpuSecondsOf(agent.pid) ?? supervisorCpuSeconds;
      await delay(sampleMs);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { created } = await responder.stats();
    if (how !== 0 || created !== pairCount * each)
      throw new Error(`causeway sync ended with ${how} after ${created} of ${pairCount * each}: ${agent.complaints()}`);
    const workers = [...cpu.values()].sort((a, b) => b - a);
    const result: CoresResult = {
      ratio: (workers[0] ?? 0) / Math.max(0.01, workers.at(-1) ?? 0),
      workers: workers.map(round),
      supervisorCpuSeconds: round(supervisorCpuSeconds),
      peakRssMb: round(peakRssMb),
      items: created,
      seconds: round(seconds),
    };
    say(
      `cores: ${created} mails in ${result.seconds} s; workers ${result.workers.join(', ')} s CPU, supervisor ${result.supervisorCpuSeconds} s`,
    );
    const sum = workers.reduce((a, b) => a + b, 0);
    if (sum < enoughSeconds)
      say(
        `cores: only ${round(sum)} s of CPU in all, ${enoughSeconds} s are needed for a figure that counts; raise --items`,
      );
    return result;
  } finally {
    project.remove();
    await responder.close();
  }
}

export const cores: Bench = async (options) => {
  const result = await measureCores(options);
  return {
    figures: { coreRatio: round(result.ratio), workers: result.workers, peakRssMb: result.peakRssMb },
    lines: [
      against('CPU of the busiest worker over idlest', result.ratio, '≤ 1.2', (value) => value <= 1.2),
      `  ${result.items} mails in ${result.seconds} s: ${round(result.items / result.seconds)} mails/s by the whole program`,
      `  CPU seconds: workers ${result.workers.join(', ')}; supervisor with the store ${result.supervisorCpuSeconds}`,
    ],
    details: result,
  };
};
