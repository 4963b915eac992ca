import { setMaxListeners } from 'node:events';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { Channel } from '#store/ipc/channel.ts';
import { remoteStore } from '#store/ipc/remote-store.ts';
import { type CpuMeter, cpuShare } from './cpu-share.ts';
import type { AgentLog, Handlers } from './work.ts';
import { runWorkLoop } from './work-loop.ts';
import { isToWorker, type ToSupervisor, type WorkerSetup } from './worker-messages.ts';

/** Handlers of a worker, and what has to be closed behind them. */
export interface WorkerHandlers {
  readonly handlers: Handlers;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: CpuMeter;
  /** Highest resident size so far, bytes. */
  readonly peakRssBytes: () => number;
  readonly pid: number;
  readonly open: (setup: WorkerSetup, log: AgentLog) => Promise<WorkerHandlers>;
}

/** A third of it is the heartbeat; with the look of others every 5 s behind it, work of a dead process goes on within 15 s. */
const LEASE_MS = 10_000;
const DRAIN_MS = 20_000;
const USAGE_MS = 1_000;
/** Claims of one kind that a worker holds at a time. Passes over calendars are short and wait for the network; looking and watching wait most of the time. */
const concurrency: Readonly<Record<string, number>> = {
  calendar: 16,
  contacts: 4,
  tasks: 2,
  notes: 2,
  mail: 4,
  look: 64,
  switch: 8,
  directory: 2,
  sweep: 1,
  watch: 64,
};
/** Kinds whose claims are held as long as the process lives. */
const lastingKinds: ReadonlySet<string> = new Set(['look', 'watch']);
/** Of lasting claims there are hundreds, and each heartbeat is a write: a third of it, and there are sweeps behind what nobody watches. */
const LASTING_LEASE_MS = 60_000;
/** Kinds that only make others due: there is nothing for them to do in a single pass. */
const continuousOnly: ReadonlySet<string> = new Set(['sweep', 'look', 'watch', 'directory', 'switch']);
/** A worker that already watches or looks lets others take the next group first. The same for each, so that many groups do not wait for one another. */
const GROUP_YIELD_MS = 200;

/**
 * A worker: waits for its set-up, does work until it is told to drain or its supervisor is gone, and resolves when it has ended in
 * order. Everything it touches comes in, so that it runs in tests inside one process.
 */
export async function runWorker({
  channel,
  clock,
  random,
  meter,
  peakRssBytes,
  pid,
  open,
}: WorkerOptions): Promise<void> {
  const drain = new AbortController();
  // Every claim and every wait listens to it; Node's warning is meant for those who forget to stop.
  setMaxListeners(0, drain.signal);
  const share = cpuShare(meter);
  const post = (message: ToSupervisor) => channel.post(message);
  const log: AgentLog = {
    info: (fields, message) => post({ to: 'supervisor', kind: 'log', level: 'info', fields, message }),
    warn: (fields, message) => post({ to: 'supervisor', kind: 'log', level: 'warn', fields, message }),
  };
  channel.closed.addEventListener('abort', () => drain.abort(), { once: true });
  const setup = await new Promise<WorkerSetup | null>((resolve) => {
    if (channel.closed.aborted) resolve(null);
    channel.closed.addEventListener('abort', () => resolve(null), { once: true });
    channel.listen((message) => {
      if (!isToWorker(message)) return;
      if (message.kind === 'start') resolve(message.setup);
      else if (message.kind === 'fair-cpu') share.setFair(message.cpuSeconds);
      else drain.abort();
    });
  });
  if (!setup) return;

  const usage = () =>
    post({
      to: 'supervisor',
      kind: 'usage',
      usage: { number: setup.number, pid, cpuSeconds: meter.cpuSeconds(), peakRssBytes: peakRssBytes() },
    });
  const store =
    setup.storeUrl === null
      ? remoteStore(channel, clock)
      : // Loaded where it is needed only: 10 MB of drivers, and of source maps that are read because one of them asks for a stack.
        await (await import('#store/open-store.ts')).openStore(setup.storeUrl, { clock, log });
  let opened: WorkerHandlers;
  try {
    opened = await open(setup, log);
  } catch (error) {
    // Stays until the supervisor has read why.
    const draining = new Promise<void>((resolve) => {
      if (drain.signal.aborted) resolve();
      else drain.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    post({ to: 'supervisor', kind: 'hopeless', message: error instanceof Error ? error.message : String(error) });
    await draining;
    await store.close();
    return;
  }
  const ended = new AbortController();
  const reporting = (async () => {
    while (!ended.signal.aborted) {
      usage();
      await clock.sleep(USAGE_MS, ended.signal).catch(() => {});
    }
  })();
  const owner = `worker ${setup.number} (${pid}) ${random.bytes(6).toString('hex')}`;
  const kinds = Object.keys(opened.handlers).filter(
    (kind) => setup.until === 'continuous' || !continuousOnly.has(kind),
  );
  await Promise.all(
    kinds.map((kind) =>
      runWorkLoop({
        store,
        clock,
        random,
        log,
        owner,
        kind,
        handler: opened.handlers[kind] ?? (async () => ({ nextAtMs: null, failed: false })),
        concurrency: concurrency[kind] ?? 1,
        leaseMs: lastingKinds.has(kind) ? LASTING_LEASE_MS : LEASE_MS,
        yieldMs: lastingKinds.has(kind) ? (running) => (running > 0 ? GROUP_YIELD_MS : 0) : share.yieldMs,
        drain: drain.signal,
        drainMs: DRAIN_MS,
        emit: (event) => post({ to: 'supervisor', kind: 'event', event }),
        onEnd: ({ key, attempts }, { failed, goesOn, nextAtMs }) =>
          post({ to: 'supervisor', kind: 'ended', key, failed, attempts, goesOnAtMs: goesOn ? nextAtMs : null }),
      }),
    ),
  );
  ended.abort();
  await reporting;
  usage();
  await opened.close();
  await store.close();
}
