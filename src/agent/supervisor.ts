import type { Clock } from '#kit/clock.ts';
import { serveStore } from '#store/ipc/serve-store.ts';
import type { OpenStore } from '#store/open-store.ts';
import type { AgentEvent, AgentLog } from './work.ts';
import {
  isToSupervisor,
  type ToSupervisor,
  type ToWorker,
  type WorkerSetup,
  type WorkerUsage,
} from './worker-messages.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly log: AgentLog;
  /** Served to workers whose set-up names no store of their own. */
  readonly store: OpenStore;
  readonly setup: Omit<WorkerSetup, 'number'>;
  readonly workers: number;
  readonly start: () => WorkerProcess;
  readonly onEvent: (event: AgentEvent) => void;
  readonly onEnded: (key: string, failed: boolean, attempts: number, goesOnAtMs: number | null) => void;
  /** Called about every second with what each worker has used. */
  readonly onUsage: (usage: readonly WorkerUsage[]) => void;
  /** Aborted: tell the workers to drain, and resolve when they have. */
  readonly signal: AbortSignal;
}

const RESTART_MIN_MS = 500;
const RESTART_MAX_MS = 30_000;
/** A worker that ran so long had no problem with starting. */
const STABLE_MS = 60_000;
/** A worker that has not drained after this is ended; what it held is taken over when its lease ends. */
const DRAIN_MAX_MS = 30_000;

/**
 * Runs worker processes, starts those again that end by themselves, and tells each how much CPU time the others have used.
 * Resolves when all have drained; rejects when a worker says that starting it makes no sense.
 */
export async function superviseWorkers(options: SupervisorOptions): Promise<void> {
  const { clock, workers, signal } = options;
  const ending = new AbortController();
  const stop = () => ending.abort();
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const usage = new Map<number, WorkerUsage>();
  const baseline = new Map<number, number>();
  const channels = new Map<number, (message: ToWorker) => void>();
  let hopeless: string | null = null;

  function onUsage(latest: WorkerUsage): void {
    usage.set(latest.number, latest);
    const all = [...usage.values()].sort((a, b) => a.number - b.number);
    options.onUsage(all);
    const since = (each: WorkerUsage) => each.cpuSeconds - (baseline.get(each.number) ?? 0);
    const mean = all.reduce((sum, each) => sum + since(each), 0) / all.length;
    for (const [number, post] of channels)
      post({ to: 'worker', kind: 'fair-cpu', cpuSeconds: (baseline.get(number) ?? 0) + mean });
  }

  /** A worker that begins has used nothing; the others must not wait until it has caught up, so all are counted from now. */
  function countFromNow(): void {
    for (const each of usage.values()) baseline.set(each.number, each.cpuSeconds);
  }

  function hear(message: ToSupervisor): void {
    switch (message.kind) {
      case 'event':
        options.onEvent(message.event);
        break;
      case 'ended':
        options.onEnded(message.key, message.failed, message.attempts, message.goesOnAtMs);
        break;
      case 'usage':
        onUsage(message.usage);
        break;
      case 'log':
        options.log[message.level](message.fields, message.message);
        break;
      case 'hopeless':
        hopeless = message.message;
        ending.abort();
    }
  }

  /** One worker after the other under one number, until the end. */
  async function keepRunning(number: number): Promise<void> {
    for (let failures = 0; !ending.signal.aborted; ) {
      const startedMs = clock.monotonicMs();
      const worker = options.start();
      const post = (message: ToWorker) => worker.channel.post(message);
      const stopServing = options.setup.storeUrl === null ? serveStore(options.store, worker.channel).stop : () => {};
      const stopHearing = worker.channel.listen((message) => {
        if (isToSupervisor(message)) hear(message);
      });
      channels.set(number, post);
      post({ to: 'worker', kind: 'start', setup: { ...options.setup, number } });
      const how = await endedOrDrained(worker, post);
      channels.delete(number);
      usage.delete(number);
      baseline.delete(number);
      countFromNow();
      stopServing();
      stopHearing();
      if (ending.signal.aborted) return;
      failures = clock.monotonicMs() - startedMs > STABLE_MS ? 0 : failures + 1;
      const pauseMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (failures - 1));
      options.log.warn(
        { worker: number, pid: worker.pid, how, pauseMs },
        'a worker ended by itself; starting it again',
      );
      await clock.sleep(Math.max(0, pauseMs), ending.signal).catch(() => {});
    }
  }

  async function endedOrDrained(worker: WorkerProcess, post: (message: ToWorker) => void): Promise<string> {
    const done = new AbortController();
    const drain = () => {
      post({ to: 'worker', kind: 'drain' });
      clock.sleep(DRAIN_MAX_MS, done.signal).then(
        () => worker.kill(),
        () => {},
      );
    };
    if (ending.signal.aborted) drain();
    else ending.signal.addEventListener('abort', drain, { once: true });
    const how = await worker.ended;
    ending.signal.removeEventListener('abort', drain);
    done.abort();
    return how;
  }

  await Promise.all(Array.from({ length: workers }, (_, number) => keepRunning(number + 1)));
  signal.removeEventListener('abort', stop);
  if (hopeless !== null) throw new Error(hopeless);
}
