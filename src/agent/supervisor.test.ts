import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kit/clock.ts';
import { seededRandom } from '#kit/random.ts';
import { linkedChannels } from '#store/ipc/linked-channels.ts';
import { openStore } from '#store/open-store.ts';
import { bundleForTest, type TestProgram } from '#test/suites/bundle-for-test.ts';
import { runWorker } from './run-worker.ts';
import { type SupervisorOptions, superviseWorkers } from './supervisor.ts';
import type { Handler } from './work.ts';
import type { WorkerUsage } from './worker-messages.ts';
import { forkWorker, type WorkerProcess } from './worker-process.ts';

const silent = { info() {}, warn() {} };

async function world(over: Partial<SupervisorOptions> & Pick<SupervisorOptions, 'start'>) {
  const store = await openStore('sqlite::memory:', { clock: systemClock, log: silent });
  const stop = new AbortController();
  const ended: string[] = [];
  let usage: readonly WorkerUsage[] = [];
  const running = superviseWorkers({
    clock: systemClock,
    log: silent,
    store,
    setup: { projectFile: 'unused', pairs: null, storeUrl: null, until: 'continuous' },
    workers: 2,
    onEvent() {},
    onEnded: (key, failed) => ended.push(failed ? `${key} failed` : key),
    onUsage: (latest) => (usage = latest),
    signal: stop.signal,
    ...over,
  });
  const due = (keys: readonly string[]) =>
    store.ensureWork(keys.map((key) => ({ key, priority: 0, nextAtMs: systemClock.nowMs() })));
  return { store, stop, ended, running, due, usage: () => usage };
}

const until = async (condition: () => boolean, withinMs = 10_000): Promise<void> => {
  for (const startedMs = systemClock.monotonicMs(); !condition(); ) {
    if (systemClock.monotonicMs() - startedMs > withinMs) throw new Error('did not happen in time');
    await systemClock.sleep(20);
  }
};

/** A worker without a process of its own. */
function workerInside(handler: Handler, cpuSeconds = () => 0): WorkerProcess {
  const { left, right, cut } = linkedChannels();
  const running = runWorker({
    channel: right,
    clock: systemClock,
    random: seededRandom(1),
    meter: { cpuSeconds, busyShare: () => 0 },
    peakRssBytes: () => 1,
    pid: 1,
    open: async () => ({ handlers: { mail: handler }, close: async () => {} }),
  });
  return { pid: 1, channel: left, ended: running.then(() => 'exit code 0'), kill: cut };
}

describe('supervisor and workers in one process', () => {
  test('work is done, reported and drained', async () => {
    const { due, ended, stop, running, store, usage } = await world({
      start: () => workerInside(async () => ({ nextAtMs: null, failed: false })),
    });
    await due(['mail:a', 'mail:b', 'mail:c']);
    await until(() => ended.length === 3 && usage().length === 2);
    expect([...ended].sort()).toEqual(['mail:a', 'mail:b', 'mail:c']);
    stop.abort();
    await running;
    expect((await store.work()).every((row) => row.owner === null)).toBe(true);
  });

  test('a worker that is ahead in CPU time leaves work to the other', async () => {
    const done = [0, 0];
    let started = 0;
    const { due, stop, running, usage } = await world({
      start() {
        const me = started++;
        return workerInside(
          async () => {
            done[me] = (done[me] ?? 0) + 1;
            await systemClock.sleep(20);
            return { nextAtMs: null, failed: false };
          },
          () => (me === 0 ? 5 : 1),
        );
      },
    });
    await until(() => usage().length === 2);
    await systemClock.sleep(1_200);
    await due(Array.from({ length: 60 }, (_, n) => `mail:${n}`));
    await until(() => (done[0] ?? 0) + (done[1] ?? 0) === 60);
    expect(done[1]).toBeGreaterThan(50);
    stop.abort();
    await running;
  });

  test('a worker that cannot be set up ends everything, with its reason', async () => {
    const { running } = await world({
      start() {
        const { left, right, cut } = linkedChannels();
        const worker = runWorker({
          channel: right,
          clock: systemClock,
          random: seededRandom(1),
          meter: { cpuSeconds: () => 0, busyShare: () => 0 },
          peakRssBytes: () => 1,
          pid: 1,
          open: () => Promise.reject(new Error('the secret env:PASSWORD is not set')),
        });
        return { pid: 1, channel: left, ended: worker.then(() => 'exit code 0'), kill: cut };
      },
    });
    await expect(running).rejects.toThrow('env:PASSWORD');
  });
});

describe('supervisor and worker processes', () => {
  let burner: TestProgram;
  beforeAll(async () => {
    burner = await bundleForTest('test/programs/agent-burner.ts');
  });
  afterAll(() => burner.remove());

  test('a killed worker is started again, and its work goes on within 15 s', async () => {
    const workers: WorkerProcess[] = [];
    const { due, ended, stop, running, store, usage } = await world({
      start() {
        const worker = forkWorker(burner.path);
        workers.push(worker);
        return worker;
      },
    });
    await until(() => usage().length === 2, 30_000);
    // Long enough to be in work when the worker dies.
    await due(Array.from({ length: 8 }, (_, n) => `mail:${n} 20`));
    let held: readonly string[] = [];
    for (let waited = 0; held.length === 0 && waited < 500; waited++) {
      await systemClock.sleep(10);
      held = (await store.work()).flatMap((row) => (row.owner?.includes(`(${workers[0]?.pid})`) ? [row.key] : []));
    }
    expect(held.length).toBeGreaterThan(0);
    workers[0]?.kill();
    const killedMs = systemClock.monotonicMs();
    let taken = 0;
    while (taken < held.length && systemClock.monotonicMs() - killedMs < 15_000) {
      await systemClock.sleep(50);
      taken = (await store.work(held)).filter((row) => row.token >= 2).length;
    }
    expect(taken).toBe(held.length);
    await until(() => held.every((key) => ended.includes(key)), 40_000);
    expect(workers.length).toBe(3);
    stop.abort();
    await running;
    expect(usage().every((each) => each.peakRssBytes > 10_000_000)).toBe(true);
  });

  test('similar work uses all workers alike', async () => {
    const { due, ended, stop, running, usage } = await world({ start: () => forkWorker(burner.path) });
    await until(() => usage().length === 2, 30_000);
    const before = usage();
    await due(Array.from({ length: 40 }, (_, n) => `mail:${n} 5`));
    await until(() => ended.length === 40, 40_000);
    stop.abort();
    await running;
    const used = usage().map((each, at) => each.cpuSeconds - (before[at]?.cpuSeconds ?? 0));
    expect(used.length).toBe(2);
    // Two seconds of work in all; over a minute the ratio comes near to 1, which the benchmark measures.
    expect(Math.max(...used) / Math.min(...used)).toBeLessThan(1.6);
  });
});
