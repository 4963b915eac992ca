import type { Command } from 'commander';
import type { Connector } from '#connectors/contract.ts';
import type { CheckPair, Finding } from '#jobs/check.ts';
import { repairAssistant, repairCommands, rivalsInAll, rivalsOf, rivalsText } from '#jobs/rivals.ts';
import { must } from '#kit/assert.ts';
import { type Project, type ProjectPair, tracksOf, typedPolicyOf } from '#project/project.ts';
import { checkReplies, checkRouting, probed, probeRouting, unopened } from '../check-directories.ts';
import { CliError } from '../cli-error.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { countOf, plain } from '../format.ts';
import { limit } from '../options.ts';
import { pickPairs } from '../pick-pairs.ts';
import { command, type Run, type Session } from '../session.ts';

interface CheckOptions {
  readonly collection?: string;
  readonly freebusy?: true;
  readonly replies?: true;
  readonly routing?: true;
  readonly probe?: true;
  readonly sample?: number;
}

export function checkCommand(session: Session): Command {
  return command('check', 'try everything that a first pass needs', [
    ['causeway check', 'the project file, the servers and every mailbox'],
    ['causeway check ana@old.example', 'only one pair'],
    ['causeway check --freebusy --sample 20', 'what colleagues are told of 20 people by both sides'],
    ['causeway check --replies --sample 1000', 'whether replies to 1,000 old mails would arrive'],
    ['causeway check --routing', 'loops, holes and addresses that two have, by both directories'],
    ['causeway check --routing --probe --sample 3', 'and mail to 3 people by each organization'],
    ['causeway check --json | grep \'"level":"error"\'', 'for programs'],
  ])
    .argument('[addresses...]', 'only the pairs with these addresses')
    .option('-c, --collection <name>', 'only this collection')
    .option('--freebusy', 'only compare free/busy of both organizations, over the next two weeks')
    .option('--replies', 'only look up whom old mail names in the directory of the target')
    .option('--routing', 'only follow where mail goes, by both directories of each sync')
    .option('--probe', 'with --routing: send mail where the project names a submission, find it and remove it')
    .option(
      '--sample <count>',
      'with --freebusy: so many pairs (default all); with --replies: so many mails (1000); with --probe: so many people (1)',
      limit,
    )
    .action(session.action<CheckOptions>(check));
}

async function check(run: Run, options: CheckOptions, addresses: readonly string[]): Promise<ExitCode> {
  const { output } = run;
  const services = run.services();
  const ways = [options.freebusy, options.replies, options.routing].filter((way) => way !== undefined);
  if (ways.length > 1) throw new CliError('one of --freebusy, --replies and --routing');
  if (options.probe && !options.routing) throw new CliError('--probe goes with --routing');
  const picked = pickPairs(services.project, addresses, options.collection);
  const chosen = sampled(picked, options.freebusy ? options.sample : undefined);
  const counts = { ok: 0, note: 0, warning: 0, error: 0 };
  const report = (finding: Finding) => {
    counts[finding.level]++;
    output.line({ event: 'finding', ...finding });
    const colour = {
      ok: output.colours.green,
      note: output.colours.cyan,
      warning: output.colours.yellow,
      error: output.colours.red,
    }[finding.level];
    output.text(
      `${colour(finding.level.padEnd(7))} ${finding.check}: ${plain(finding.subject)}: ${plain(finding.detail)}`,
    );
    if (finding.advice !== null) output.text(`        → ${plain(finding.advice)}`);
  };
  report({
    level: 'ok',
    check: 'project',
    subject: run.options.project,
    detail: `${countOf(chosen.length, 'pair')} to check`,
    advice: null,
  });
  const end = (good: string, bad: ExitCode): ExitCode => {
    output.say(
      { ...counts, ready: counts.error === 0 },
      counts.error > 0
        ? `${countOf(counts.error, 'error')}: put these right first, then run causeway check again`
        : good,
    );
    return counts.error === 0 ? exitCodes.ok : bad;
  };
  if (options.replies) {
    await checkReplies(run, chosen, options.sample, report);
    return end('replies to old mail would arrive', exitCodes.notReady);
  }
  if (options.routing) {
    await checkRouting(run, report);
    if (options.probe) await probeRouting(run, probed(chosen, options.sample), report);
    return end('mail goes where people work', exitCodes.notReady);
  }
  const connectors = new Map<string, Connector>();
  for (const name of new Set(chosen.flatMap((pair) => organizationsOf(services.project, pair)))) {
    try {
      connectors.set(name, await services.connector(name));
    } catch (error) {
      // One organization that cannot even be tried does not hide the other.
      if (run.signal.aborted) throw error;
      report(unopened(name, error));
    }
  }
  const sidesOf = (pair: ProjectPair): CheckPair => {
    const [left, right] = organizationsOf(services.project, pair).map((name) => connectors.get(name));
    return {
      left: left === undefined ? null : { connector: left, address: pair.source },
      right: right === undefined ? null : { connector: right, address: pair.target },
    };
  };
  const pairs = chosen.map(sidesOf);
  const endpoints = new Map([...services.project.organizations].map(([name, { endpoint }]) => [name, endpoint]));
  const around = { clock: run.terminal.clock, signal: run.signal };
  if (options.freebusy) {
    for await (const finding of run.jobs.checkFreeBusy(pairs, around)) report(finding);
    return end('both sides tell the same', exitCodes.differences);
  }
  for await (const finding of run.jobs.check(pairs, endpoints, around)) report(finding);
  await checkRivals(run, chosen, connectors, report);
  for (const pair of chosen)
    if (typedPolicyOf(services.project, pair, 'calendar')?.direction === 'both')
      for await (const finding of run.jobs.checkOtherAddresses(sidesOf(pair), around)) report(finding);
  return end(
    `ready${counts.warning > 0 ? `, with ${countOf(counts.warning, 'warning')}` : ''}; next: causeway plan, or causeway sync`,
    exitCodes.notReady,
  );
}

/** So many of them, evenly spread over the list, so that the same call asks for the same people. */
const sampled = <T>(all: readonly T[], count: number | undefined): readonly T[] =>
  count === undefined || count >= all.length
    ? all
    : Array.from({ length: count }, (_, n) => must(all[Math.floor((n * all.length) / count)], 'within the list'));

/** Who else writes into the calendars that are kept in step. */
async function checkRivals(
  run: Run,
  chosen: readonly ProjectPair[],
  connectors: ReadonlyMap<string, Connector>,
  report: (finding: Finding) => void,
): Promise<void> {
  const services = run.services();
  const tracks = tracksOf(services.project, chosen).filter(({ kind }) => kind === 'calendar');
  if (tracks.length === 0) return;
  const names = new Set(tracks.flatMap(({ pair }) => organizationsOf(services.project, pair)));
  for (const name of names) {
    const connector = connectors.get(name);
    if (connector !== undefined) report(repairAssistant(name, connector.abilities.product));
  }
  const store = await services.store('look');
  for (const { pair } of tracks) {
    const rivals = await rivalsOf(store, pair.id, run.terminal.clock.nowMs());
    if (rivalsInAll(rivals) === 0) continue;
    const [source, target] = organizationsOf(services.project, pair);
    const commands = (
      [
        ['left', 'source', source, pair.source],
        ['right', 'target', target, pair.target],
      ] as const
    ).flatMap(([side, word, name, address]) => {
      // Of which nobody knows where they came second may be of either side.
      if (rivals[side] === 0 && rivals.either === 0) return [];
      const list = repairCommands(connectors.get(name)?.abilities.product ?? '', address);
      return list.length === 0 ? [] : [`on the ${word}: ${list.join(' ; ')}`];
    });
    report({
      level: 'warning',
      check: 'rivals',
      subject: pair.id,
      detail: rivalsText(rivals),
      advice: [...commands, 'look for other tools and phones', `then causeway dedupe ${pair.source}`].join(' – '),
    });
  }
}

function organizationsOf({ collections }: Project, { id, collection: name }: ProjectPair): readonly [string, string] {
  const { source, target } = must(collections.get(name), `the pair ${id} belongs to no collection`);
  return [source, target];
}
