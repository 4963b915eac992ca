import { type Command, InvalidArgumentError } from 'commander';
import type { AgentEvent } from '#agent/work.ts';
import { noRivals, rivalPlaces, rivalsInAll } from '#jobs/rivals.ts';
import type { PairId } from '#model/ids.ts';
import { tracksOf } from '#project/project.ts';
import { trackId } from '#store/store.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, formatBytes, formatDuration, plain } from '../format.ts';
import { PairProgress } from '../pair-progress.ts';
import { pickPairs } from '../pick-pairs.ts';
import { progressBars } from '../progress.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { readEverythingNext } from '../read-everything.ts';
import { saidWaits } from '../said-waits.ts';
import { command, type Run, type Session } from '../session.ts';

interface SyncOptions {
  readonly collection?: string;
  readonly workers?: number;
  readonly everything?: true;
}

export function syncCommand(session: Session): Command {
  return command('sync', 'one pass: carry over what changed since the last one', [
    ['causeway sync', 'every pair of the project'],
    ['causeway sync -c finance', 'one collection'],
    ['causeway sync ana@old.example', 'one pair'],
    ['causeway sync --everything', 'before the last verify: read marks too, which need not show'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('--workers <count>', 'worker processes (default: one a core)', workerCount)
    .option('--everything', 'read every folder, also those whose marks say that nothing changed')
    .action(session.action<SyncOptions>(sync));
}

export function workerCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new InvalidArgumentError('Give a number from 1 to 256.');
  return count;
}

async function sync(run: Run, options: SyncOptions, addresses: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const { output, terminal } = run;
  const pairs = pickPairs(services.project, addresses, options.collection);
  const store = await services.store('own');
  await putProjectPairs(services.project, store);
  if (options.everything)
    await readEverythingNext(
      store,
      pairs.map(({ id }) => id),
      terminal.clock,
    );
  const before = new Map((await store.pairs()).map((row) => [row.id, row]));
  const bars = progressBars(terminal, output);
  const progress = new PairProgress();
  const onWaiting = saidWaits(terminal.clock, output);
  const startedMs = terminal.clock.monotonicMs();

  const onEvent = (event: AgentEvent) => {
    progress.take(event);
    const sum = progress.of(event.pair);
    if (event.kind !== 'items') output.line({ event: event.kind, ...event, kind: undefined });
    if (event.kind === 'pass-ended' || event.kind === 'pair-stopped') bars.finish(event.pair);
    else {
      const row = before.get(event.pair);
      const due = Math.max(0, (row?.counts.leftItems ?? 0) - (row?.counts.links ?? 0));
      const note = event.kind === 'waiting' ? `waits for ${event.why}` : '';
      bars.show(event.pair, { done: sum.items, total: due, bytes: sum.bytes, note });
      if (event.kind === 'waiting' && !output.live && !output.json) onWaiting(null, event.pair, event.why, event.ms);
    }
  };
  let failed: ReadonlySet<PairId>;
  try {
    const unfinished = await run.jobs.runAgent({
      project: services.project,
      store,
      storeUrl: await services.storeUrl(),
      log: services.log,
      workers: options.workers ?? null,
      pairs,
      until: 'one-pass',
      clock: terminal.clock,
      signal: run.signal,
      onEvent,
    });
    failed = new Set(unfinished);
  } finally {
    bars.close();
  }
  if (run.signal.aborted) {
    output.say({ interrupted: true }, 'interrupted; what was done is recorded, and causeway sync goes on from there');
    return exitCodes.interrupted;
  }
  const chosen = new Set(tracksOf(services.project, pairs).map(({ pair, kind }) => trackId(pair.id, kind)));
  const rows = (await store.pairs()).filter(({ id }) => chosen.has(id));
  const codes: ExitCode[] = [];
  const sum = { pairs: pairs.length, writes: 0, bytes: 0, quarantined: 0, held: 0, stopped: 0 };
  const rivals = { ...noRivals };
  for (const { id, stoppedBecause, counts, lastPass } of rows) {
    sum.quarantined += counts.quarantined;
    if (stoppedBecause !== null || failed.has(id)) {
      sum.stopped++;
      codes.push(exitCodes.stopped);
      const why = stoppedBecause ?? 'its pass failed each time it was tried; run causeway sync again with --debug';
      output.text(`${output.colours.red('stopped')} ${plain(id)}: ${plain(why)}`);
      continue;
    }
    sum.writes += lastPass?.writes ?? 0;
    sum.bytes += lastPass?.bytes ?? 0;
    sum.held += lastPass?.held ?? 0;
    for (const side of ['left', 'right', 'either'] as const) rivals[side] += lastPass?.rivals?.[side] ?? 0;
    if (counts.quarantined > 0 || (lastPass?.held ?? 0) > 0) codes.push(exitCodes.partial);
  }
  const took = formatDuration(terminal.clock.monotonicMs() - startedMs);
  output.say(
    rivalsInAll(rivals) > 0 ? { ...sum, rivals } : sum,
    `${countOf(sum.pairs, 'pair')}: ${countOf(sum.writes, 'write')}, ${formatBytes(sum.bytes)} in ${took}`,
  );
  if (sum.quarantined > 0)
    output.text(`${countOf(sum.quarantined, 'item')} in quarantine; see: causeway quarantine list`);
  if (sum.held > 0)
    output.text(
      `${countOf(sum.held, 'deletion')} held back, because they are more than maxDelete allows; look at causeway plan, then raise it or restore the source`,
    );
  if (rivalsInAll(rivals) > 0)
    output.text(
      `others made items under an identity that was known: ${rivalPlaces(rivals)}; causeway check prints the commands against it`,
    );
  if (sum.stopped > 0)
    output.text(
      `${countOf(sum.stopped, 'pair')} stopped; what each code means and what to do: docs/operating/faults.md`,
    );
  return worstOf(codes);
}
