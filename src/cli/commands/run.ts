import type { Command } from 'commander';
import type { AgentEvent } from '#agent/work.ts';
import { rivalPlaces } from '#jobs/rivals.ts';
import { tracksOf } from '#project/project.ts';
import { type PassSummary, trackId } from '#store/store.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, formatBytes, formatInstant, plain } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { command, type Run, type Session } from '../session.ts';
import { workerCount } from './sync.ts';

interface RunOptions {
  readonly collection?: string;
  readonly workers?: number;
}

export function runCommand(session: Session): Command {
  return command('run', 'keep the pairs in step until Ctrl-C', [
    ['causeway run', 'watches every pair of the project, on every core'],
    ['causeway run -c finance --workers 2', 'less of it'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('--workers <count>', 'worker processes (default: one a core)', workerCount)
    .action(session.action<RunOptions>(keepInStep));
}

async function keepInStep(run: Run, options: RunOptions, addresses: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const { output, terminal } = run;
  const pairs = pickPairs(services.project, addresses, options.collection);
  const store = await services.store('own');
  await putProjectPairs(services.project, store);
  output.say(
    { event: 'started', pairs: pairs.length },
    `keeping ${countOf(pairs.length, 'pair')} in step; Ctrl-C ends it in order, a second Ctrl-C at once. See also: causeway status --watch`,
  );
  run.signal.addEventListener('abort', () => output.note('finishing what is in work …'), { once: true });
  const onEvent = (event: AgentEvent) => {
    const at = formatInstant(terminal.clock.nowMs());
    if (event.kind === 'pair-stopped')
      output.say(
        { event: event.kind, pair: event.pair, because: event.because },
        `${at} ${output.colours.red('stopped')} ${plain(event.pair)}: ${plain(event.because)}`,
      );
    if (event.kind === 'pass-ended' && (event.summary.writes > 0 || event.summary.outcome !== 'complete'))
      output.say(
        { event: event.kind, pair: event.pair, ...event.summary },
        `${at} ${plain(event.pair)}: ${countOf(event.summary.writes, 'write')}, ${formatBytes(event.summary.bytes)}${rivalNote(event.summary)}`,
      );
  };
  await run.jobs.runAgent({
    project: services.project,
    store,
    storeUrl: await services.storeUrl(),
    log: services.log,
    workers: options.workers ?? null,
    pairs,
    until: 'continuous',
    clock: terminal.clock,
    signal: run.signal,
    onEvent,
  });
  const chosen = new Set(tracksOf(services.project, pairs).map(({ pair, kind }) => trackId(pair.id, kind)));
  const rows = (await store.pairs()).filter(({ id }) => chosen.has(id));
  const stopped = rows.filter(({ stoppedBecause }) => stoppedBecause !== null).length;
  output.say(
    { stopped },
    stopped === 0 ? 'ended in order' : `ended in order; ${countOf(stopped, 'pair')} stopped, see causeway status`,
  );
  return stopped > 0 ? exitCodes.stopped : exitCodes.ok;
}

/** Writes of others are told when they are found. */
const rivalNote = ({ rivals }: PassSummary): string =>
  rivals === undefined ? '' : `; others wrote what we knew: ${rivalPlaces(rivals)} (causeway check says what to do)`;
