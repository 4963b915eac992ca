import type { Command } from 'commander';
import { FaultError } from '#kit/fault.ts';
import { tracksOf } from '#project/project.ts';
import { trackId } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, formatCount, plain } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface RelinkOptions {
  readonly collection?: string;
  readonly yes?: true;
}

export function relinkCommand(session: Session): Command {
  return command('relink', 'after the store was lost: find again what belongs together', [
    ['causeway relink --yes', 'every pair of the project'],
    ['causeway relink ana@old.example --yes', 'one pair'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('--yes', 'forget what the store says of these pairs, and read it again from both sides')
    .action(session.action<RelinkOptions>(relink));
}

async function relink(run: Run, options: RelinkOptions, addresses: readonly string[]): Promise<ExitCode> {
  const services = run.services();
  const pairs = pickPairs(services.project, addresses, options.collection);
  if (options.yes !== true)
    throw new CliError(
      `this forgets what the store says of ${countOf(pairs.length, 'pair')} and reads both sides again, which takes about as long as a pass over everything; say so with --yes`,
    );
  const store = await services.store('own');
  await putProjectPairs(services.project, store);
  // Whoever says this may have lost the store, or put a copy of it back: what was sent since is in no record.
  const forgetting = { lostAtMs: run.around.clock.nowMs() };
  const codes: ExitCode[] = [];
  for (const { pair, kind } of tracksOf(services.project, pairs)) {
    const id = trackId(pair.id, kind);
    try {
      const { around } = run;
      const result = await run.jobs.relinkPair(await services.jobPair(pair), kind, store, forgetting, around);
      run.output.say(
        { pair: pair.id, content: kind, ...result },
        `${plain(id)}: ${countOf(result.found, 'item')} found again, ${formatCount(result.created)} copied that had none, ${countOf(result.unclaimed, 'copy', 'copies')} without an item on the source`,
      );
    } catch (error) {
      // One pair that cannot be worked on does not keep the others from it.
      if (!(error instanceof FaultError)) throw error;
      codes.push(exitCodes.stopped);
      run.output.say({ pair: pair.id, content: kind, error: error.message }, `${plain(id)}: ${plain(error.message)}`);
    }
  }
  return worstOf(codes);
}
