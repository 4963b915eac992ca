import type { Command } from 'commander';
import type { ResyncPlan } from '#jobs/resync.ts';
import { FaultError } from '#kit/fault.ts';
import type { PairId } from '#model/ids.ts';
import { type ProjectPair, tracksOf } from '#project/project.ts';
import { type ContentKind, trackId } from '#store/store.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes, worstOf } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { pickPairs } from '../pick-pairs.ts';
import { putProjectPairs } from '../put-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface ResyncOptions {
  readonly mailbox: readonly string[];
  readonly apply?: true;
}

export function resyncCommand(session: Session): Command {
  return command('resync', 'after a target mailbox was broken or made again: link it anew and copy what it lacks', [
    ['causeway resync --mailbox ana@old.example', 'what is there, and what would be copied'],
    ['causeway resync --mailbox ana@old.example --apply', 'do it; nothing is removed, nothing copied twice'],
  ])
    .requiredOption(
      '--mailbox <address>',
      'either address of the pair; may be given several times',
      (address: string, all: readonly string[] = []) => [...all, address],
    )
    .option('--apply', 'without it nothing is written')
    .action(session.action<ResyncOptions>(resync));
}

async function resync(run: Run, { mailbox, apply }: ResyncOptions): Promise<ExitCode> {
  const services = run.services();
  const pairs = pickPairs(services.project, mailbox, undefined);
  if (pairs.length === 0) throw new CliError('name the mailbox');
  const store = await services.store(apply ? 'own' : 'look');
  if (apply) await putProjectPairs(services.project, store);
  const notNow = new Map(
    (await store.switches(pairs.map(({ id }) => id)))
      .filter(({ state }) => state === 'switching' || state === 'undoing' || state === 'finished')
      .map(({ pair, state }) => [pair, state]),
  );
  const { around } = run;
  const codes: ExitCode[] = [];
  for (const [pair, state] of notNow) {
    codes.push(exitCodes.stopped);
    const why =
      state === 'finished'
        ? 'it is finished, and nothing is kept in step any more'
        : `it is ${state}: let causeway ${state === 'undoing' ? 'undo' : 'switch'} end first`;
    run.output.say({ pair, error: why }, `${plain(pair)}: ${why}`);
  }
  const free = pairs.filter(({ id }) => !notNow.has(id));
  for (const { pair, kind } of tracksOf(services.project, free))
    try {
      const jobPair = await services.jobPair(pair);
      const plan = await run.jobs.planResync(jobPair, kind, services.project, store, around);
      tell(run, pair, kind, plan);
      if (!apply) continue;
      const done = await run.jobs.resyncPair(jobPair, kind, plan.replaced?.is ?? null, store, around);
      run.output.say(
        { pair: pair.id, content: kind, ...done },
        `${plain(trackId(pair.id, kind))}: ${countOf(done.found, 'item')} linked again, ${countOf(done.created, 'item')} copied`,
      );
    } catch (error) {
      // One pair that cannot be worked on does not keep the others from it.
      if (!(error instanceof FaultError)) throw error;
      codes.push(exitCodes.stopped);
      run.output.say(
        { pair: pair.id, content: kind, error: error.message },
        `${plain(pair.id)}: ${plain(error.message)}`,
      );
    }
  await warnAboutSwitched(
    run,
    free.map(({ id }) => id),
  );
  if (!apply) run.output.text('nothing was written; do it with --apply');
  return worstOf(codes);
}

function tell(run: Run, { id }: ProjectPair, kind: ContentKind, { replaced, found, writes, links }: ResyncPlan): void {
  const counts = new Map<string, number>();
  for (const { action, side } of writes) {
    const key = `${action}${side === 'left' ? ' on the source' : ''}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  run.output.line({
    event: 'plan',
    pair: id,
    content: kind,
    replaced,
    links,
    found,
    writes: Object.fromEntries(counts),
  });
  const name = plain(trackId(id, kind));
  if (replaced !== null)
    run.output.text(
      `${name}: another mailbox is on the target than at the first pass (${replaced.was} then, ${replaced.is} now)`,
    );
  run.output.text(
    `${name}: ${countOf(links, 'link')} recorded${found === null ? '' : `, ${found} found again`}; ${
      counts.size === 0
        ? 'nothing has to be written'
        : [...counts].map(([what, count]) => `${what}: ${count}`).join(', ')
    }`,
  );
}

/** What was written in the target since a switch is nowhere else. */
async function warnAboutSwitched(run: Run, pairs: readonly PairId[]): Promise<void> {
  const store = await run.services().store('look');
  for (const { pair, active } of await store.switches(pairs))
    if (active === 'right')
      run.output.say(
        { event: 'warning', pair, active: 'target' },
        `${plain(pair)}: works in the target; mail that arrived there since the switch is not in the source and does not come back by this`,
      );
}
