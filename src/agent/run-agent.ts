import { availableParallelism } from 'node:os';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import type { PairId } from '#model/ids.ts';
import { type Project, type ProjectPair, tracksOf } from '#project/project.ts';
import type { OpenStore } from '#store/open-store.ts';
import { type ContentKind, type Store, trackId, type WorkKey, type WorkRow } from '#store/store.ts';
import { DIRECTORY_PRIORITY, directoryKey } from './directory-work.ts';
import { FULL_SWEEP_MS } from './full-sweep.ts';
import { projectLookGroups, projectWatchGroups } from './project-handlers.ts';
import { readReferences } from './sign-in-of.ts';
import { superviseWorkers } from './supervisor.ts';
import { hasSwitchWork, SWITCH_PRIORITY, switchKey } from './switch-work.ts';
import { type AgentEvent, type AgentLog, passKey, passPriorities, subjectOf, sweepKey } from './work.ts';
import type { WorkerUsage } from './worker-messages.ts';
import { forkWorker, type WorkerProcess } from './worker-process.ts';

export interface AgentOptions {
  readonly project: Project;
  /** Open in this process. Its pairs have been put into it. */
  readonly store: OpenStore;
  /** PostgreSQL's URL, which workers open by themselves; null: they reach `store` through this process. */
  readonly storeUrl: string | null;
  readonly log: AgentLog;
  readonly clock: Clock;
  /** Worker processes; null: one a core. */
  readonly workers: number | null;
  readonly pairs: readonly ProjectPair[];
  /** `one-pass`: ends when each pair had a pass; `continuous`: until the signal. */
  readonly until: 'one-pass' | 'continuous';
  /** Aborted: finish what is on its way, give the rest back, resolve. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: AgentEvent) => void;
  readonly onUsage?: (usage: readonly WorkerUsage[]) => void;
  /** How a worker is started, for tests. */
  readonly start?: () => WorkerProcess;
}

const LOOK_PRIORITY = 150;
const SWEEP_PRIORITY = 200;
const WATCH_PRIORITY = 10;
/** Tries that `one-pass` gives to a pair whose pass fails. */
const ONE_PASS_ATTEMPTS = 3;
/** Other processes may do the work, and then nobody tells this one. */
const LOOK_MS = 5_000;

/**
 * The agent: makes sure that there is a row of work for everything, runs worker processes that pull it, and resolves when they have
 * drained. Rejects when the work cannot be done at all (a project file, secret or certificate that cannot be read).
 *
 * @returns `one-pass`: the tracks whose pass did not come to its end for a reason that the store does not hold.
 */
export async function runAgent(options: AgentOptions): Promise<readonly PairId[]> {
  const { project, store, clock, pairs, until } = options;
  const ids = pairs.map(({ id }) => id);
  for (const name of new Set(pairs.flatMap((pair) => organizationsOf(project, pair))))
    await readReferences(must(project.organizations.get(name), `the project has no organization ${name}`));
  const tracks = tracksOf(project, pairs).map(({ pair, kind }) => ({
    id: trackId(pair.id, kind),
    kind,
    key: passKey(pair.id, kind),
  }));
  await ensureWork(options, ids, tracks);
  const done = new AbortController();
  const keys = tracks.map(({ key }) => key);
  const open = until === 'one-pass' ? await dueOnce(options, keys) : null;
  if (open?.size === 0) return [];
  const tries = new Map<string, number>();
  const failures = new Set<string>();
  const finish = (key: string) => {
    open?.delete(key);
    if (open?.size === 0) done.abort();
  };
  /** Tracks whose pass was throttled, with when it goes on. */
  const throttled = new Map<string, number>();
  const idOf = new Map(tracks.map(({ key, id }) => [key, id]));
  const looking = open ? lookNowAndThen(store, clock, open, throttled, idOf, finish, done.signal) : Promise.resolve();
  try {
    await superviseWorkers({
      clock,
      log: options.log,
      store,
      setup: {
        projectFile: project.file,
        pairs: ids.length === project.pairs.length ? null : ids,
        storeUrl: options.storeUrl,
        until,
      },
      workers: Math.max(1, Math.min(options.workers ?? availableParallelism(), Math.max(1, ids.length))),
      start: options.start ?? (() => forkWorker()),
      onEvent(event) {
        options.onEvent(event);
        // It stays so until somebody does something about it, and the store says why.
        if (event.kind === 'pair-stopped') finish(event.key);
      },
      onEnded(key, failed, _attempts, goesOnAtMs) {
        if (!open?.has(key)) return;
        // What is throttled has not failed, and is not done either.
        if (goesOnAtMs !== null) {
          throttled.set(key, Math.round(goesOnAtMs));
          return;
        }
        const count = (tries.get(key) ?? 0) + 1;
        tries.set(key, count);
        if (failed && count < ONE_PASS_ATTEMPTS) return;
        if (failed) failures.add(key);
        finish(key);
      },
      onUsage: options.onUsage ?? (() => {}),
      signal: AbortSignal.any([options.signal, done.signal]),
    });
  } finally {
    done.abort();
    await looking;
  }
  return tracks.filter(({ key }) => failures.has(key)).map(({ id }) => id);
}

function organizationsOf({ collections }: Project, { id, collection: name }: ProjectPair): readonly string[] {
  const { source, target } = must(collections.get(name), `the pair ${id} belongs to no collection`);
  return [source, target];
}

async function ensureWork(
  { project, store, clock, until }: AgentOptions,
  ids: readonly PairId[],
  tracks: readonly { readonly kind: ContentKind; readonly key: WorkKey }[],
): Promise<void> {
  const now = clock.nowMs();
  await store.ensureWork(tracks.map(({ kind, key }) => ({ key, priority: passPriorities[kind], nextAtMs: now })));
  if (until === 'one-pass') return;
  const chosen = new Set(ids);
  const looks = projectLookGroups(project, chosen);
  const directories = [...project.directories.keys()].map(directoryKey);
  await store.ensureWork([
    // Spread over the interval, so that not all of them read everything at the same time.
    ...ids.map((id, n) => ({
      key: sweepKey(id),
      priority: SWEEP_PRIORITY,
      nextAtMs: now + Math.round(FULL_SWEEP_MS * (0.5 + n / (2 * ids.length))),
    })),
    ...directories.map((key) => ({ key, priority: DIRECTORY_PRIORITY, nextAtMs: now })),
    ...looks.map(({ key }) => ({ key, priority: LOOK_PRIORITY, nextAtMs: now })),
    ...projectWatchGroups(project, chosen).map(({ key }) => ({ key, priority: WATCH_PRIORITY, nextAtMs: now })),
  ]);
  const switches = (await store.switches(ids)).filter(hasSwitchWork).map(({ pair }) => switchKey(pair));
  await store.ensureWork(switches.map((key) => ({ key, priority: SWITCH_PRIORITY, nextAtMs: now })));
  // Somebody ends the day and starts again: what was put off is looked at now.
  await store.notify([...tracks.map(({ key }) => key), ...directories, ...switches], now);
}

/** Makes every track due. @returns the keys whose pass is awaited. */
async function dueOnce({ store, clock }: AgentOptions, keys: readonly WorkKey[]): Promise<Set<string>> {
  await store.notify(keys, clock.nowMs());
  return new Set(keys);
}

async function lookNowAndThen(
  store: Store,
  clock: Clock,
  open: ReadonlySet<string>,
  throttled: ReadonlyMap<string, number>,
  idOf: ReadonlyMap<string, PairId>,
  finish: (key: string) => void,
  done: AbortSignal,
): Promise<void> {
  while (!done.aborted) {
    await clock.sleep(LOOK_MS, done).catch(() => {});
    if (done.aborted) return;
    const rows = await store.work([...open]).catch((): readonly WorkRow[] => []);
    for (const row of rows) {
      if (row.owner !== null || row.generation !== row.startedGeneration) continue;
      if (row.nextAtMs !== null && row.nextAtMs === throttled.get(row.key)) continue;
      const pair =
        row.attempts === 0
          ? null
          : await store.pair(idOf.get(row.key) ?? (subjectOf(row.key) as PairId)).catch(() => null);
      if (row.attempts === 0 || (pair?.stoppedBecause ?? null) !== null) finish(row.key);
    }
  }
}
